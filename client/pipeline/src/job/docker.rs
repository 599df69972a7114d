//! Actions that are images: built or pulled, and run with the workspace, by the docker client.

use std::ffi::OsString;
use std::time::Duration;

use base_workflow::{Map, Runs};

use super::bench::Bench;
use super::step::{Launch, StepEnd};
use super::uses::Call;
use crate::action::Described;
use crate::view::object;

/// Where actions expect the workspace, inside their container.
const WORKSPACE: &str = "/github/workspace";

/// A container to run.
pub(super) struct Asked {
    image: String,
    entrypoint: Option<String>,
    post_entrypoint: Option<String>,
    arguments: Vec<String>,
    env: Vec<(String, String)>,
}

impl Asked {
    /// `uses: docker://image`, whose inputs say what it runs.
    pub(super) fn of_image(image: String, with: &[(String, String)]) -> Self {
        let input = |name: &str| {
            let found = with.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.clone()).filter(|value| !value.is_empty())
        };
        let arguments = input("args").unwrap_or_default();
        Self {
            image,
            entrypoint: input("entrypoint"),
            post_entrypoint: None,
            arguments: shell_words::split(&arguments).unwrap_or(vec![arguments]),
            env: Vec::new(),
        }
    }

    pub(super) fn main(&self) -> Self {
        Self {
            post_entrypoint: None,
            image: self.image.clone(),
            entrypoint: self.entrypoint.clone(),
            arguments: self.arguments.clone(),
            env: self.env.clone(),
        }
    }

    pub(super) fn post(&self) -> Option<Self> {
        let entrypoint = self.post_entrypoint.clone()?;
        Some(Self {
            entrypoint: Some(entrypoint),
            ..self.main()
        })
    }
}

impl Bench<'_> {
    /// The image of an action, built from its Dockerfile if it has one.
    pub(super) async fn docker_image(
        &mut self,
        described: &Described,
        call: &Call<'_>,
        inputs: &[(String, String)],
    ) -> Result<Asked, StepEnd> {
        let Runs::Docker {
            image,
            entrypoint,
            post_entrypoint,
            args,
            env,
            ..
        } = &described.action.runs
        else {
            return Err(StepEnd::failure("it is not a Docker action"));
        };
        let view = call.view.clone().with("inputs", object(inputs.iter().cloned()));
        let mut arguments = Vec::new();
        for argument in args {
            arguments.push(argument.text(&view).map_err(StepEnd::failure)?);
        }
        let asked = |image: String| -> Result<Asked, StepEnd> {
            Ok(Asked {
                image,
                entrypoint: entrypoint.clone(),
                post_entrypoint: post_entrypoint.clone(),
                arguments: arguments.clone(),
                env: view.texts(env).map_err(StepEnd::failure)?,
            })
        };
        if let Some(name) = image.strip_prefix("docker://") {
            return asked(name.to_owned());
        }
        let tag = format!("wharf-action:{}", self.shared.machine.ids.hex(12));
        let file = described.folder.join(image);
        let context = file.parent().unwrap_or(&described.folder).to_owned();
        let arguments = ["docker", "build", "--quiet", "--tag", &tag, "--file"];
        let mut arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        arguments.extend([file.into(), context.into()]);
        let launch = Launch {
            arguments,
            folder: described.folder.clone(),
            env: Map::new(),
            more: Vec::new(),
            limit: None,
        };
        let (end, _) = self.launch(launch, call.index).await;
        match end.outcome {
            crate::record::Conclusion::Success => asked(tag),
            _ => Err(end),
        }
    }

    /// `docker run` as GitHub's runner does it. Values stay in the environment, where no list of processes shows them.
    pub(super) fn docker(
        &self,
        asked: Asked,
        variables: &[(String, String)],
        env: &Map,
        limit: Option<Duration>,
    ) -> Launch {
        let mut more: Vec<(String, String)> = variables.to_vec();
        more.extend(asked.env);
        let mut arguments: Vec<OsString> = vec!["docker".into(), "run".into(), "--rm".into(), "--network=host".into()];
        // Each under its own name too, so that every path in the environment means the same inside.
        let own = [
            &self.folders.workspace,
            &self.folders.home,
            &self.folders.files,
            &self.folders.temp,
        ];
        for folder in own {
            let path = folder.display();
            arguments.extend(["--volume".into(), format!("{path}:{path}").into()]);
        }
        let workspace = format!("{}:{WORKSPACE}", self.folders.workspace.display());
        arguments.extend(["--volume".into(), workspace.into()]);
        arguments.extend(["--workdir".into(), WORKSPACE.into()]);
        // What the container's own image sets stays; all else of the step goes in by name.
        let names = self.environment(env, more.clone()).into_keys();
        let kept = |name: &String| !matches!(name.as_str(), "PATH" | "DOCKER_HOST" | "DOCKER_CONFIG");
        for name in names.filter(kept).chain(super::talk::FILES.map(str::to_owned)) {
            arguments.extend(["--env".into(), name.into()]);
        }
        if let Some(entrypoint) = asked.entrypoint {
            arguments.extend(["--entrypoint".into(), entrypoint.into()]);
        }
        arguments.push(asked.image.into());
        arguments.extend(asked.arguments.into_iter().map(OsString::from));
        Launch {
            arguments,
            folder: self.folders.workspace.clone(),
            env: env.clone(),
            more,
            limit,
        }
    }
}
