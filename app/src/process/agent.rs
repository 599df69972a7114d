//! What tasks find at their agent's address: metadata and credentials of their own, and the AWS APIs.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use contract::agent::{self, About, AgentError, Asking, Caller, TaskAgent};
use contract::usage::Usage;
use front_api::Hosts;
use front_task::{Answers, Door};
use serde_json::json;
use service_ecs::Ecs;
use service_iam::{AssumeError, Iam, ServiceSession};

use super::Order;
use super::wire::Plane;

const API_PORT_DEFAULT: u16 = 4566;
/// As long as in AWS.
const CREDENTIALS_LIFE: Duration = Duration::from_secs(6 * 60 * 60);
const TASKS_SERVICE: &str = "ecs-tasks.amazonaws.com";

/// The port of the AWS APIs inside networks: the endpoint's own, unless the agent has that.
fn api_port(order: &Order) -> u16 {
    match order.settings.listen.port() {
        agent::PORT => API_PORT_DEFAULT,
        port => port,
    }
}

/// The AWS APIs as networks and hosts see them.
pub(super) fn endpoint(order: &Order) -> String {
    format!("http://{}:{}", agent::ADDRESS, api_port(order))
}

/// The doors in every network; `router` is what the endpoint serves.
pub(super) fn doors(order: &Order, plane: &Plane, usage: Arc<dyn Usage>, router: Router) -> Vec<Door> {
    let answers = Answers {
        agent: Arc::new(Agent {
            ecs: plane.ecs.clone(),
            iam: plane.iam.clone(),
            usage: Arc::clone(&usage),
        }),
        usage,
        cpus: std::thread::available_parallelism().map_or(1, |count| count.get() as u32),
    };
    vec![
        Door {
            in_hosts: true,
            address: agent::ADDRESS,
            port: agent::PORT,
            router: front_task::router(answers),
        },
        Door {
            in_hosts: true,
            address: agent::ADDRESS,
            port: api_port(order),
            router: Hosts::new().name(&agent::ADDRESS.to_string()).protect(router),
        },
    ]
}

/// Joins what ECS knows of a task with what IAM gives its role.
struct Agent {
    ecs: Ecs,
    iam: Iam,
    usage: Arc<dyn Usage>,
}

#[async_trait]
impl TaskAgent for Agent {
    async fn asking(&self, caller: &Caller) -> Option<Asking> {
        self.ecs.asking(caller)
    }

    async fn metadata(&self, caller: &Caller, container: &str, about: About) -> Result<String, AgentError> {
        let usage = match self.ecs.asking(caller) {
            Some(asking) if about != About::Container => self.usage.task(&asking.task).await,
            _ => None,
        };
        let storage_bytes = usage.map(|usage| usage.storage_bytes);
        self.ecs.metadata(caller, container, about, storage_bytes)
    }

    async fn credentials(&self, caller: &Caller, id: &str) -> Result<String, AgentError> {
        let task = self.ecs.task_role(caller, id)?;
        let session = ServiceSession {
            service: TASKS_SERVICE,
            role_arn: &task.role_arn,
            name: &task.task_id,
            source_arn: &task.task_arn,
            life: CREDENTIALS_LIFE,
        };
        let found = self.iam.service_session(session).await.map_err(|error| match error {
            AssumeError::Failed(why) => AgentError::Failed(why),
            AssumeError::Missing | AssumeError::NotTrusted { .. } => AgentError::Refused(format!(
                "ECS was unable to assume the role '{}' that was provided for this task. Please verify that the role \
                 being passed has the proper trust relationship and permissions and that your IAM user has permissions \
                 to pass this role. ({error})",
                task.role_arn
            )),
        })?;
        let document = json!({
            "RoleArn": task.role_arn,
            "AccessKeyId": found.access_key,
            "SecretAccessKey": found.secret_key,
            "Token": found.session_token,
            "Expiration": found.expires_at.map(|at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
        });
        Ok(document.to_string())
    }

    async fn protection(
        &self,
        caller: &Caller,
        container: &str,
        change: Option<&str>,
    ) -> Result<String, AgentError> {
        self.ecs.task_protection(caller, container, change).await
    }
}
