//! A roll-out that broke: the reason, what the service said, how tasks ended and what they printed last.

use std::fmt;

use aws_shape::{ecs, logs};

use crate::deployer::Deployer;
use crate::failure::{Doing as _, Failure};
use crate::name::AppName;

/// Of the service's events, the latest.
const EVENTS_MAX: usize = 8;
/// Tasks that are looked at closely.
const TASKS_MAX: usize = 2;
/// Last lines of a container.
const LINES_MAX: i32 = 20;

/// Why a roll-out broke.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Broken {
    pub name: String,
    /// A sentence.
    pub reason: String,
    /// The application runs on as it was before.
    pub rolled_back: bool,
    /// The oldest first.
    pub events: Vec<String>,
    pub tasks: Vec<TaskEnd>,
}

/// How a task ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskEnd {
    pub id: String,
    pub reason: String,
    pub containers: Vec<ContainerEnd>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContainerEnd {
    pub name: String,
    pub exit_code: Option<i32>,
    pub reason: Option<String>,
    /// What it printed last.
    pub lines: Vec<String>,
}

impl TaskEnd {
    /// Its reason, with the exit codes that explain it.
    pub fn sentence(&self) -> String {
        let why = |it: &ContainerEnd| match (&it.reason, it.exit_code) {
            (Some(reason), _) => Some(format!("{}: {reason}", it.name)),
            (None, Some(code)) => Some(format!("{} ended with exit code {code}", it.name)),
            (None, None) => None,
        };
        let containers: Vec<String> = self.containers.iter().filter_map(why).collect();
        if containers.is_empty() {
            return self.reason.clone();
        }
        format!("{} ({})", self.reason, containers.join("; "))
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.reason)?;
        for task in &self.tasks {
            write!(f, "\n\ntask {}: {}", task.id, task.sentence())?;
            for container in task.containers.iter().filter(|it| !it.lines.is_empty()) {
                write!(f, "\nthe last lines of {}:", container.name)?;
                for line in &container.lines {
                    write!(f, "\n    {line}")?;
                }
            }
        }
        if !self.events.is_empty() {
            write!(f, "\n\nwhat the service said:")?;
            for event in &self.events {
                write!(f, "\n    {event}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Broken {}

impl Broken {
    pub(crate) fn hint(&self) -> Option<String> {
        let name = &self.name;
        Some(if self.rolled_back {
            format!("the version before is still live; all that was printed: wharf logs {name}")
        } else {
            format!("all that was printed: wharf logs {name}; wharf down {name} takes everything away")
        })
    }
}

impl Deployer {
    /// Finds out why; what cannot be found out is left out.
    pub(super) async fn broken(&self, name: &AppName, id: &str, service: Option<&ecs::Service>) -> Failure {
        let mut broken = Broken {
            name: name.to_string(),
            ..Default::default()
        };
        let Some(service) = service else {
            broken.reason = format!("the service {name} was deleted while it was rolled out");
            return Failure::Rollout(Box::new(broken));
        };
        let mine = super::find(service, id);
        let said = mine.and_then(|it| it.rollout_state_reason.clone());
        let is_primary = mine.is_some_and(|it| it.status.as_deref() == Some("PRIMARY"));
        broken.rolled_back = !is_primary;
        let failed = format!("(deployment {id}) deployment failed");
        let mut messages = service
            .events
            .iter()
            .flatten()
            .filter_map(|it| it.message.as_deref());
        let has_failed = messages.any(|message| message.contains(&failed));
        let said = match said.filter(|it| !it.is_empty()) {
            Some(said) => Some(said),
            None => self.taken_back(name).await,
        };
        broken.reason = match said {
            Some(said) => format!("the roll-out of {name} failed: {}", said.trim_end_matches('.')),
            None if has_failed => {
                format!("the roll-out of {name} failed, and the version before was put back")
            }
            None => format!("the roll-out of {name} was replaced by another"),
        };
        let since = mine.and_then(|it| it.created_at);
        let events = service
            .events
            .iter()
            .flatten()
            .filter(|it| it.created_at >= since);
        let mut events: Vec<String> = events
            .take(EVENTS_MAX)
            .filter_map(|it| it.message.clone())
            .collect();
        events.reverse();
        broken.events = events;
        broken.tasks = self.ends(service, Some(id), TASKS_MAX).await.unwrap_or_default();
        for task in &mut broken.tasks {
            self.last_lines(service, task).await;
        }
        Failure::Rollout(Box::new(broken))
    }

    /// Why a deployment is not there any more: the service remembers it when its tasks are long gone.
    async fn taken_back(&self, name: &AppName) -> Option<String> {
        let input = ecs::ListServiceDeploymentsRequest {
            cluster: Some(self.cluster.clone()),
            service: name.to_string(),
            ..Default::default()
        };
        let listed = self
            .aws
            .ecs
            .list_service_deployments(&self.aws.context, input)
            .await;
        // The latest first; one that replaced it has another end, or none yet.
        let rolled_back = |it: &ecs::ServiceDeploymentBrief| {
            it.status
                .as_ref()
                .is_some_and(|it| it.as_str().starts_with("ROLLBACK"))
        };
        let found = listed.ok()?.service_deployments?.into_iter().find(rolled_back)?;
        found.status_reason.filter(|reason| !reason.is_empty())
    }

    /// How the service's tasks ended that have stopped, of one deployment or of all; the latest first.
    pub(crate) async fn ends(
        &self,
        service: &ecs::Service,
        deployment: Option<&str>,
        max: usize,
    ) -> Result<Vec<TaskEnd>, Failure> {
        let mut tasks = self.tasks(service, ecs::DesiredStatus::Stopped).await?;
        tasks.retain(|it| deployment.is_none() || it.started_by.as_deref() == deployment);
        // Those that ended by themselves say more than those that were told to.
        let told = |it: &ecs::Task| it.stop_code == Some(ecs::TaskStopCode::ServiceSchedulerInitiated);
        tasks.sort_by_key(|it| (told(it), std::cmp::Reverse(it.stopping_at.or(it.stopped_at))));
        Ok(tasks.into_iter().take(max).map(end).collect())
    }

    /// A service's tasks, at most as many as one call describes.
    pub(crate) async fn tasks(
        &self,
        service: &ecs::Service,
        status: ecs::DesiredStatus,
    ) -> Result<Vec<ecs::Task>, Failure> {
        let input = ecs::ListTasksRequest {
            cluster: Some(self.cluster.clone()),
            service_name: service.service_name.clone(),
            desired_status: Some(status),
            ..Default::default()
        };
        let listed = self.aws.ecs.list_tasks(&self.aws.context, input).await;
        let arns = listed.doing("listing the tasks")?.task_arns.unwrap_or_default();
        if arns.is_empty() {
            return Ok(Vec::new());
        }
        let input = ecs::DescribeTasksRequest {
            cluster: Some(self.cluster.clone()),
            tasks: arns,
            include: None,
        };
        let found = self.aws.ecs.describe_tasks(&self.aws.context, input).await;
        Ok(found.doing("looking at the tasks")?.tasks.unwrap_or_default())
    }

    async fn last_lines(&self, service: &ecs::Service, task: &mut TaskEnd) {
        let arn = service.task_definition.clone().unwrap_or_default();
        let Ok(places) = self.log_places(&arn).await else {
            return;
        };
        for container in &mut task.containers {
            let Some(place) = places.iter().find(|it| it.container == container.name) else {
                continue;
            };
            let input = logs::GetLogEventsRequest {
                log_group_name: Some(place.group.clone()),
                log_stream_name: place.stream(&task.id),
                limit: Some(LINES_MAX),
                start_from_head: Some(false),
                ..Default::default()
            };
            if let Ok(found) = self.aws.logs.get_log_events(&self.aws.context, input).await {
                let lines = found.events.unwrap_or_default().into_iter();
                container.lines = lines.filter_map(|it| it.message).collect();
            }
        }
    }
}

fn end(task: ecs::Task) -> TaskEnd {
    let containers = task.containers.unwrap_or_default().into_iter();
    TaskEnd {
        id: crate::status::short(task.task_arn.as_deref().unwrap_or_default()).to_owned(),
        reason: task
            .stopped_reason
            .unwrap_or_else(|| "no reason was given".to_owned()),
        containers: containers
            .map(|it| ContainerEnd {
                name: it.name.unwrap_or_default(),
                exit_code: it.exit_code,
                reason: it.reason.filter(|reason| !reason.is_empty()),
                lines: Vec::new(),
            })
            .collect(),
    }
}
