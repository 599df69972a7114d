//! `wharf exec`: a session in a container that runs already, by ECS's ExecuteCommand.
//!
//! Here the task is found and the session asked for; `connect` makes the connection, `join` is what is said over it,
//! and `talk` the rules of that. Whoever joins brings a stream of what is typed and takes what is printed.

mod connect;
mod join;
mod talk;

use aws_protocol::ApiError;
use aws_shape::ecs;
use serde::Deserialize;

use crate::check::Target;
use crate::deployer::Deployer;
use crate::failure::{Doing as _, Failure, present};
use crate::name::AppName;
use crate::status::short;

pub use aws_session::TerminalSize;
pub use join::join;
pub use talk::{ExecEnd, Printed, Typed};

/// What runs when nobody says otherwise.
const COMMAND_DEFAULT: &str = "/bin/sh";
/// Of the sentence by which ECS refuses; its code stands for everything that is wrong in a request.
const NOT_ENABLED: &str = "execute command was not enabled";

#[derive(Clone, Debug, Default)]
pub struct ExecOptions {
    /// Program and arguments; a shell if empty.
    pub command: Vec<String>,
    /// The one that gets the load balancer's requests if absent.
    pub container: Option<String>,
    /// The beginning of a task's id; the youngest task if absent.
    pub task: Option<String>,
}

/// A session that was promised, to be joined once and soon. Its form in JSON is that of ECS's or Session Manager's
/// answer.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct ExecSession {
    #[serde(alias = "SessionId", rename = "sessionId")]
    pub id: String,
    /// Such as `wss://ssmmessages.eu-west-3.amazonaws.com/v1/data-channel/…`.
    #[serde(alias = "StreamUrl", rename = "streamUrl")]
    pub url: String,
    #[serde(alias = "TokenValue", rename = "tokenValue")]
    token: String,
}

/// Keeps the token out of logs.
impl std::fmt::Debug for ExecSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ExecSession")
            .field("id", &self.id)
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

impl Deployer {
    /// Asks for a session in a running task of an application's service.
    ///
    /// # Errors
    /// When there is no such application, task or container, or ECS opens no session in it.
    pub async fn start_exec(&self, name: &AppName, options: &ExecOptions) -> Result<ExecSession, Failure> {
        let service = self.app_service(name).await?;
        let running = self.running_tasks(&service).await?;
        let task = choose(running, name, options.task.as_deref())?;
        let definition = present(task.task_definition_arn.clone(), "ECS", "the task's definition")?;
        let container = self
            .container_of(name, &service, &definition, options.container.as_deref())
            .await?;
        if task.enable_execute_command != Some(true) {
            return Err(self.not_enabled(name));
        }
        let command = match options.command.is_empty() {
            true => COMMAND_DEFAULT.to_owned(),
            false => shell_words::join(&options.command),
        };
        let input = ecs::ExecuteCommandRequest {
            cluster: Some(self.cluster.clone()),
            container: Some(container),
            command,
            interactive: true,
            task: present(task.task_arn, "ECS", "the task's ARN")?,
        };
        let opened = self.aws.ecs.execute_command(&self.aws.context, input).await;
        let opened = match opened {
            Err(error) if is_not_enabled(&error) => return Err(self.not_enabled(name)),
            opened => opened.doing("opening a session")?,
        };
        let session = present(opened.session, "ExecuteCommand", "a session")?;
        Ok(ExecSession {
            id: session.session_id.unwrap_or_default(),
            url: present(session.stream_url, "ExecuteCommand", "the session's address")?,
            token: present(session.token_value, "ExecuteCommand", "the session's token")?,
        })
    }

    fn not_enabled(&self, name: &AppName) -> Failure {
        Failure::ExecNotEnabled {
            name: name.to_string(),
            cluster: self.cluster.clone(),
            on_aws: self.target == Target::Aws,
        }
    }

    async fn running_tasks(&self, service: &ecs::Service) -> Result<Vec<ecs::Task>, Failure> {
        let (aws, mut tasks) = (&self.aws, Vec::new());
        let mut input = ecs::ListTasksRequest {
            cluster: Some(self.cluster.clone()),
            service_name: service.service_name.clone(),
            desired_status: Some(ecs::DesiredStatus::Running),
            ..Default::default()
        };
        loop {
            let page = aws.ecs.list_tasks(&aws.context, input.clone()).await;
            let page = page.doing("listing the tasks")?;
            // A page has as many as one description may ask for.
            let arns = page.task_arns.unwrap_or_default();
            if !arns.is_empty() {
                let input = ecs::DescribeTasksRequest {
                    cluster: Some(self.cluster.clone()),
                    tasks: arns,
                    include: None,
                };
                let found = aws.ecs.describe_tasks(&aws.context, input).await;
                tasks.extend(found.doing("looking at the tasks")?.tasks.unwrap_or_default());
            }
            input.next_token = page.next_token;
            if input.next_token.is_none() {
                break;
            }
        }
        tasks.retain(|it| it.last_status.as_deref() == Some("RUNNING"));
        Ok(tasks)
    }
}

/// The youngest, or the youngest of those whose ids begin so.
fn choose(mut running: Vec<ecs::Task>, name: &AppName, begin: Option<&str>) -> Result<ecs::Task, Failure> {
    running.sort_by_key(|it| std::cmp::Reverse(it.started_at));
    let ids: Vec<String> = running.iter().map(id).collect();
    let mut fitting = running
        .into_iter()
        .filter(|it| begin.is_none_or(|begin| id(it).starts_with(begin)));
    fitting.next().ok_or_else(|| Failure::NoTask {
        name: name.to_string(),
        wanted: begin.map(str::to_owned),
        there: ids,
    })
}

fn id(task: &ecs::Task) -> String {
    short(task.task_arn.as_deref().unwrap_or_default()).to_owned()
}

fn is_not_enabled(error: &ApiError) -> bool {
    error.code == "InvalidParameterException" && error.message.contains(NOT_ENABLED)
}

#[cfg(test)]
mod tests;
