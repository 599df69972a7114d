//! `wharf run`: one task of its own, with an application's image, network and role, followed to its end.

use aws_shape::{ecs, logs};
use jiff::Timestamp;

use crate::aws::Tags;
use crate::deployer::Deployer;
use crate::event::Step;
use crate::failure::{Doing as _, Failure, present};
use crate::logs::{LogLine, LogPlace};
use crate::name::AppName;

/// After a task's end the log store may still be taking in its last lines.
const LAST_LOOKS: usize = 3;

#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// Instead of the image's or the definition's; those if empty.
    pub command: Vec<String>,
    /// The container that gets the command; the one that gets the load balancer's requests if absent.
    pub container: Option<String>,
    /// Added to the container's own variables.
    pub environment: Vec<(String, String)>,
}

/// How a task of one's own ended.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct RunEnd {
    /// The task's id.
    pub task: String,
    pub container: String,
    /// Of that container.
    pub exit_code: i32,
    /// A sentence.
    pub reason: String,
}

impl Deployer {
    /// Starts a task; returns its id and the container that has the command.
    ///
    /// # Errors
    /// When there is no such application or container, or the task cannot be started.
    pub async fn start_run(&self, name: &AppName, options: &RunOptions) -> Result<(String, String), Failure> {
        let service = self.app_service(name).await?;
        let definition = present(service.task_definition.clone(), "ECS", "the task definition")?;
        let container = self
            .container_of(name, &service, &definition, options.container.as_deref())
            .await?;
        let pair = |(name, value): &(String, String)| ecs::KeyValuePair {
            name: Some(name.clone()),
            value: Some(value.clone()),
        };
        let change = ecs::ContainerOverride {
            name: Some(container.clone()),
            command: (!options.command.is_empty()).then(|| options.command.clone()),
            environment: (!options.environment.is_empty())
                .then(|| options.environment.iter().map(pair).collect()),
            ..Default::default()
        };
        let input = ecs::RunTaskRequest {
            cluster: Some(self.cluster.clone()),
            task_definition: definition,
            launch_type: Some(ecs::LaunchType::Fargate),
            network_configuration: service.network_configuration.clone(),
            overrides: Some(ecs::TaskOverride {
                container_overrides: Some(vec![change]),
                ..Default::default()
            }),
            started_by: Some("wharf run".to_owned()),
            tags: Some(Tags::of_app(name, &self.cluster).ecs()),
            ..Default::default()
        };
        let made = self.aws.ecs.run_task(&self.aws.context, input).await;
        let made = made.doing("starting the task")?;
        if let Some(failure) = made.failures.into_iter().flatten().next() {
            return Err(Failure::NotStarted(failure.reason.unwrap_or_default()));
        }
        let task = made.tasks.into_iter().flatten().next().and_then(|it| it.task_arn);
        let task = present(task, "RunTask", "the task's ARN")?;
        let id = task.rsplit('/').next().unwrap_or_default().to_owned();
        Ok((id, container))
    }

    /// The one that is wanted, the one that gets the load balancer's requests, or the first.
    pub(crate) async fn container_of(
        &self,
        name: &AppName,
        service: &ecs::Service,
        definition: &str,
        wanted: Option<&str>,
    ) -> Result<String, Failure> {
        let input = ecs::DescribeTaskDefinitionRequest {
            task_definition: definition.to_owned(),
            include: None,
        };
        let found = self
            .aws
            .ecs
            .describe_task_definition(&self.aws.context, input)
            .await
            .doing("looking at the task definition")?;
        let containers = found.task_definition.and_then(|it| it.container_definitions);
        let there: Vec<String> = containers
            .into_iter()
            .flatten()
            .filter_map(|it| it.name)
            .collect();
        let balanced = service
            .load_balancers
            .iter()
            .flatten()
            .find_map(|it| it.container_name.clone());
        let container = wanted
            .map(str::to_owned)
            .or(balanced)
            .or_else(|| there.first().cloned());
        let container = container.unwrap_or_default();
        if there.contains(&container) {
            return Ok(container);
        }
        Err(Failure::NoContainer {
            name: name.to_string(),
            container,
            there,
        })
    }

    /// Hands over what a task prints until it has ended.
    ///
    /// # Errors
    /// When it ended before its container had started.
    pub async fn follow_run(
        &self,
        task: &str,
        container: &str,
        line: &mut dyn FnMut(LogLine),
    ) -> Result<RunEnd, Failure> {
        let definition = self.look_at(task).await?.task_definition_arn.unwrap_or_default();
        let places = self.log_places(&definition).await?.into_iter();
        let mut readers: Vec<Reader> = places.map(Reader::new).collect();
        let mut looks_left = LAST_LOOKS;
        loop {
            let seen = self.look_at(task).await?;
            let stopped = seen.last_status.as_deref() == Some("STOPPED");
            if !stopped {
                let status = seen
                    .last_status
                    .as_deref()
                    .unwrap_or("PROVISIONING")
                    .to_lowercase();
                self.teller.waiting(Step::Task, status);
            }
            let mut lines = Vec::new();
            for reader in &mut readers {
                reader.read(self, task, &mut lines).await?;
            }
            lines.sort_by_key(|line| line.at);
            let any = !lines.is_empty();
            lines.into_iter().for_each(&mut *line);
            if stopped {
                looks_left = if any { LAST_LOOKS } else { looks_left - 1 };
                if looks_left == 0 {
                    return ended(&seen, task, container);
                }
            }
            self.clock().sleep(self.look_every()).await;
        }
    }

    async fn look_at(&self, task: &str) -> Result<ecs::Task, Failure> {
        let input = ecs::DescribeTasksRequest {
            cluster: Some(self.cluster.clone()),
            tasks: vec![task.to_owned()],
            include: None,
        };
        let found = self.aws.ecs.describe_tasks(&self.aws.context, input).await;
        let found = found.doing("looking at the task")?;
        present(
            found.tasks.into_iter().flatten().next(),
            "DescribeTasks",
            "the task",
        )
    }

    /// Ends a task.
    ///
    /// # Errors
    /// When it is not there.
    pub async fn stop_run(&self, task: &str) -> Result<(), Failure> {
        let input = ecs::StopTaskRequest {
            cluster: Some(self.cluster.clone()),
            task: task.to_owned(),
            reason: Some("wharf run was interrupted".to_owned()),
        };
        let told = self.aws.ecs.stop_task(&self.aws.context, input).await;
        told.doing("stopping the task").map(drop)
    }
}

fn ended(task: &ecs::Task, id: &str, container: &str) -> Result<RunEnd, Failure> {
    let reason = task.stopped_reason.clone().unwrap_or_default();
    let mut containers = task.containers.iter().flatten();
    let own = containers.find(|it| it.name.as_deref() == Some(container));
    let why = own.and_then(|it| it.reason.clone());
    match own.and_then(|it| it.exit_code) {
        Some(exit_code) => Ok(RunEnd {
            task: id.to_owned(),
            container: container.to_owned(),
            exit_code,
            reason: why.unwrap_or(reason),
        }),
        None => Err(Failure::NotStarted(why.unwrap_or(reason))),
    }
}

/// Reads one container's stream from its beginning.
struct Reader {
    place: LogPlace,
    token: Option<String>,
}

impl Reader {
    fn new(place: LogPlace) -> Self {
        Self { place, token: None }
    }

    async fn read(
        &mut self,
        deployer: &Deployer,
        task: &str,
        lines: &mut Vec<LogLine>,
    ) -> Result<(), Failure> {
        loop {
            let input = logs::GetLogEventsRequest {
                log_group_name: Some(self.place.group.clone()),
                log_stream_name: self.place.stream(task),
                start_from_head: Some(true),
                next_token: self.token.clone(),
                ..Default::default()
            };
            let page = deployer
                .aws
                .logs
                .get_log_events(&deployer.aws.context, input)
                .await;
            let Some(page) = page.found(&["ResourceNotFoundException"], "reading the logs")? else {
                return Ok(());
            };
            let events = page.events.unwrap_or_default();
            let more = !events.is_empty();
            for event in events {
                let at = event
                    .timestamp
                    .and_then(|at| Timestamp::from_millisecond(at).ok());
                lines.extend(at.map(|at| LogLine {
                    at,
                    container: self.place.container.clone(),
                    task: task.to_owned(),
                    message: event.message.unwrap_or_default(),
                }));
            }
            self.token = page.next_forward_token.or(self.token.take());
            if !more {
                return Ok(());
            }
        }
    }
}
