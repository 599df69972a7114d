//! Which page an address means.

use percent_encoding::percent_decode_str;

use crate::form::{Form, encode};

/// Where the console is.
pub(crate) const ROOT: &str = "/console";

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum View {
    Home,
    App(AppView),
    /// The drawing, with the node whose details are shown.
    Map {
        node: Option<String>,
    },
    Runs,
    Run(u64),
    Groups,
    Group {
        group: String,
        filter: Option<String>,
    },
    Alarms,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AppView {
    pub(crate) cluster: String,
    pub(crate) service: String,
    pub(crate) zoom: Zoom,
    /// A filter pattern for its log.
    pub(crate) filter: Option<String>,
}

/// How much of the past the plots show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Zoom {
    #[default]
    Hour,
    ThreeHours,
    Day,
}

impl Zoom {
    pub(crate) const ALL: [Self; 3] = [Self::Hour, Self::ThreeHours, Self::Day];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Hour => "1h",
            Self::ThreeHours => "3h",
            Self::Day => "1d",
        }
    }

    pub(crate) fn seconds(self) -> i64 {
        match self {
            Self::Hour => 3600,
            Self::ThreeHours => 3 * 3600,
            Self::Day => 24 * 3600,
        }
    }

    /// Seconds of one point; some 60 to 300 of them are drawn.
    pub(crate) fn period(self) -> i32 {
        match self {
            Self::Hour | Self::ThreeHours => 60,
            Self::Day => 300,
        }
    }
}

impl View {
    /// From path and query; `None` if there is no such page.
    pub(crate) fn parse(path: &str, query: &str) -> Option<Self> {
        let rest = path.strip_prefix(ROOT)?;
        let form = Form::parse(query);
        let parts: Vec<String> = rest
            .split('/')
            .filter(|part| !part.is_empty())
            .map(|part| percent_decode_str(part).decode_utf8_lossy().into_owned())
            .collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let own = |name: &str| form.get(name).map(str::to_owned);
        match parts.as_slice() {
            [] => Some(Self::Home),
            ["apps", cluster, service] => Some(Self::App(AppView {
                cluster: (*cluster).to_owned(),
                service: (*service).to_owned(),
                zoom: zoom(form.get("zoom")),
                filter: own("filter"),
            })),
            ["map"] => Some(Self::Map { node: own("node") }),
            ["pipelines"] => Some(Self::Runs),
            ["pipelines", id] => id.parse().ok().map(Self::Run),
            ["logs"] => Some(match own("group") {
                Some(group) => Self::Group {
                    group,
                    filter: own("filter"),
                },
                None => Self::Groups,
            }),
            ["alarms"] => Some(Self::Alarms),
            _ => None,
        }
    }

    /// The address that [`View::parse`] understands.
    pub(crate) fn address(&self) -> String {
        match self {
            Self::Home => ROOT.to_owned(),
            Self::App(app) => {
                let filter = app.filter.as_ref().map(|it| format!("&filter={}", encode(it)));
                format!(
                    "{}?zoom={}{}",
                    app_path(&app.cluster, &app.service),
                    app.zoom.word(),
                    filter.unwrap_or_default()
                )
            }
            Self::Map { node: None } => format!("{ROOT}/map"),
            Self::Map { node: Some(node) } => format!("{ROOT}/map?node={}", encode(node)),
            Self::Runs => format!("{ROOT}/pipelines"),
            Self::Run(id) => format!("{ROOT}/pipelines/{id}"),
            Self::Groups => format!("{ROOT}/logs"),
            Self::Group { group, filter } => {
                let filter = filter.as_ref().map(|it| format!("&filter={}", encode(it)));
                format!(
                    "{ROOT}/logs?group={}{}",
                    encode(group),
                    filter.unwrap_or_default()
                )
            }
            Self::Alarms => format!("{ROOT}/alarms"),
        }
    }
}

/// The address of an application's page.
pub(crate) fn app_path(cluster: &str, service: &str) -> String {
    format!("{ROOT}/apps/{}/{}", encode(cluster), encode(service))
}

fn zoom(word: Option<&str>) -> Zoom {
    let found = Zoom::ALL.into_iter().find(|zoom| Some(zoom.word()) == word);
    found.unwrap_or_default()
}
