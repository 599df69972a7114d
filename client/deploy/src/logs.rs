//! What an application printed, and goes on printing.

use std::collections::BTreeMap;

use aws_shape::{ecs, logs};
use jiff::Timestamp;

use crate::check::Target;
use crate::definition::{group_of, own_group};
use crate::deployer::Deployer;
use crate::failure::{Doing as _, Failure};
use crate::name::AppName;

/// Lines may come this much later than others that were printed after them, in milliseconds.
const LATE_MS_LOCAL: i64 = 3_000;
const LATE_MS_AWS: i64 = 30_000;

#[derive(Clone, Debug, Default)]
pub struct LogOptions {
    /// Leave out what is older.
    pub since: Option<Timestamp>,
    /// Go on until somebody stops reading.
    pub follow: bool,
    /// A filter pattern of CloudWatch Logs: only lines that match.
    pub grep: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct LogLine {
    pub at: Timestamp,
    pub container: String,
    /// The task's id.
    pub task: String,
    pub message: String,
}

/// Where a container's lines go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogPlace {
    pub container: String,
    pub group: String,
    prefix: Option<String>,
}

impl LogPlace {
    /// The stream of a task, by its id.
    pub fn stream(&self, task: &str) -> String {
        match &self.prefix {
            Some(prefix) => format!("{prefix}/{}/{task}", self.container),
            None => task.to_owned(),
        }
    }

    fn stream_prefix(&self) -> Option<String> {
        let prefix = self.prefix.as_ref()?;
        Some(format!("{prefix}/{}/", self.container))
    }
}

impl Deployer {
    /// Hands over an application's lines in the order of their times; ends when `line` says that nobody wants more.
    ///
    /// # Errors
    /// When there is no such application.
    pub async fn logs(
        &self,
        name: &AppName,
        options: LogOptions,
        line: &mut dyn FnMut(LogLine) -> bool,
    ) -> Result<(), Failure> {
        let mut cursor = Cursor::new(options.since, self.late_ms());
        let mut places = Vec::new();
        loop {
            // After a deployment the old tasks still print where the old definition said.
            for place in self.app_log_places(name).await? {
                if !places.contains(&place) {
                    places.push(place);
                }
            }
            let mut found = Vec::new();
            for place in &places {
                self.read(place, options.grep.as_deref(), &mut cursor, &mut found)
                    .await?;
            }
            found.sort_by_key(|line| line.at);
            for one in found {
                if !line(one) {
                    return Ok(());
                }
            }
            cursor.advance();
            if !options.follow {
                return Ok(());
            }
            self.clock().sleep(self.look_every()).await;
        }
    }

    fn late_ms(&self) -> i64 {
        match self.target {
            Target::Local => LATE_MS_LOCAL,
            Target::Aws => LATE_MS_AWS,
        }
    }

    async fn app_log_places(&self, name: &AppName) -> Result<Vec<LogPlace>, Failure> {
        let service = self.find_service(name.as_str()).await?;
        match service.and_then(|it| it.task_definition) {
            Some(arn) => self.log_places(&arn).await,
            None => Err(Failure::NoApp {
                name: name.to_string(),
                cluster: self.cluster.clone(),
            }),
        }
    }

    /// Where the containers of a task definition write.
    pub(crate) async fn log_places(&self, definition: &str) -> Result<Vec<LogPlace>, Failure> {
        let input = ecs::DescribeTaskDefinitionRequest {
            task_definition: definition.to_owned(),
            include: None,
        };
        let found = self
            .aws
            .ecs
            .describe_task_definition(&self.aws.context, input)
            .await;
        let found = found.doing("looking where the logs are")?.task_definition;
        let containers = found.and_then(|it| it.container_definitions).unwrap_or_default();
        let place = |container: ecs::ContainerDefinition| {
            let logs = container.log_configuration?;
            let options = logs.options.as_ref();
            Some(LogPlace {
                container: container.name?,
                group: group_of(&logs)?,
                prefix: options.and_then(|it| it.get("awslogs-stream-prefix").cloned()),
            })
        };
        Ok(containers.into_iter().filter_map(place).collect())
    }

    /// Log groups that an application may have, with or without its service.
    pub(crate) async fn app_log_groups(&self, name: &AppName, definition: Option<&str>) -> Vec<String> {
        let mut groups = vec![own_group(name)];
        if let Some(definition) = definition {
            let places = self.log_places(definition).await.unwrap_or_default();
            groups.extend(places.into_iter().map(|place| place.group));
        }
        groups.sort();
        groups.dedup();
        groups
    }

    async fn read(
        &self,
        place: &LogPlace,
        pattern: Option<&str>,
        cursor: &mut Cursor,
        found: &mut Vec<LogLine>,
    ) -> Result<(), Failure> {
        let mut input = logs::FilterLogEventsRequest {
            log_group_name: Some(place.group.clone()),
            log_stream_name_prefix: place.stream_prefix(),
            start_time: cursor.from_ms,
            filter_pattern: pattern.map(str::to_owned),
            ..Default::default()
        };
        loop {
            let page = self
                .aws
                .logs
                .filter_log_events(&self.aws.context, input.clone())
                .await;
            let Some(page) = page.found(&["ResourceNotFoundException"], "reading the logs")? else {
                return Ok(());
            };
            for event in page.events.unwrap_or_default() {
                found.extend(cursor.take(place, event));
            }
            match page.next_token {
                // A server that answers the same token again has no more to say.
                Some(token) if input.next_token.as_ref() != Some(&token) => input.next_token = Some(token),
                _ => return Ok(()),
            }
        }
    }
}

/// What has been read: goes back a little each time, for lines that come late, and knows those it has seen.
#[derive(Debug)]
struct Cursor {
    /// Milliseconds since 1970.
    from_ms: Option<i64>,
    latest_ms: i64,
    late_ms: i64,
    /// Group, stream and id of lines that may come again, with their times.
    seen: BTreeMap<(String, String, String), i64>,
}

impl Cursor {
    fn new(since: Option<Timestamp>, late_ms: i64) -> Self {
        Self {
            from_ms: since.map(Timestamp::as_millisecond),
            latest_ms: i64::MIN,
            late_ms,
            seen: BTreeMap::new(),
        }
    }

    fn take(&mut self, place: &LogPlace, event: logs::FilteredLogEvent) -> Option<LogLine> {
        let at_ms = event.timestamp?;
        let stream = event.log_stream_name.unwrap_or_default();
        let id = event.event_id.unwrap_or_default();
        let key = (place.group.clone(), stream.clone(), id);
        if self.seen.insert(key, at_ms).is_some() {
            return None;
        }
        self.latest_ms = self.latest_ms.max(at_ms);
        Some(LogLine {
            at: Timestamp::from_millisecond(at_ms).ok()?,
            container: place.container.clone(),
            task: stream.rsplit('/').next().unwrap_or_default().to_owned(),
            message: event.message.unwrap_or_default(),
        })
    }

    /// Begins the next look where late lines may still come, and forgets what is older.
    fn advance(&mut self) {
        if self.latest_ms == i64::MIN {
            return;
        }
        let from = self.latest_ms.saturating_sub(self.late_ms);
        let from = self.from_ms.map_or(from, |old| old.max(from));
        self.from_ms = Some(from);
        self.seen.retain(|_, at| *at >= from);
    }
}

#[cfg(test)]
mod tests;
