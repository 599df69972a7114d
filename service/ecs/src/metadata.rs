//! What a task reads about itself: the task metadata endpoint's documents, version 4, and which role it has.
//!
//! A caller is known by its address; an id of another task's container is not found.

mod document;

use std::sync::Arc;

use aws_protocol::Context;
use aws_shape::ecs::{Api as _, GetTaskProtectionRequest, UpdateTaskProtectionRequest};
use base_id::Scope;
use base_store::{Snapshot, Table};
use contract::agent::{About, AgentError, Asking, Caller};
use contract::network::DesiredNetwork;
use contract::task::runtime_id;
use serde_json::{Value, json};
use subtle::ConstantTimeEq as _;

use crate::Ecs;
use crate::model::task::{Stage, Task};
use crate::model::task_definition::TaskDefinition;
use crate::table::{self, TASKS};
use crate::view;

const NETWORKS: Table<DesiredNetwork> = Table::new(DesiredNetwork::TABLE, 1);

/// The role of a task, for whoever makes credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskRole {
    pub role_arn: String,
    /// 32 hexadecimal digits.
    pub task_id: String,
    pub task_arn: String,
}

/// A task that asks, with what is stored about it.
struct Found {
    scope: Scope,
    task: Arc<Task>,
    definition: Arc<TaskDefinition>,
}

impl Found {
    /// By its address: no two tasks of a network have the same one at a time.
    fn of(snapshot: &Snapshot, caller: &Caller) -> Option<Self> {
        let is_caller = |task: &Task| {
            let own = task.attachment().map(|it| &it.interface);
            matches!(task.stage, Stage::Placed { .. })
                && own.is_some_and(|own| own.network == caller.network && own.address == caller.address)
        };
        let mut rows = snapshot.list(TASKS).into_iter();
        let (key, task) = rows.find(|(_, task)| is_caller(task))?;
        let scope = Scope::of_key(&key);
        let definition = table::definition_of(snapshot, &scope, &task.task_definition)?;
        Some(Self {
            scope,
            task,
            definition,
        })
    }

    /// The place of the container with this id at run time.
    fn index(&self, id: &str) -> Option<usize> {
        (0..self.definition.spec.containers.len()).find(|index| runtime_id(&self.task.id, *index) == id)
    }
}

fn unknown(id: &str) -> AgentError {
    AgentError::NotFound(format!(
        "V4 container metadata handler: unable to get task arn from request: unable to get docker ID from request: \
         no container {id} of the task that asks"
    ))
}

impl Ecs {
    /// The task that has this address, if any has.
    pub fn asking(&self, caller: &Caller) -> Option<Asking> {
        let found = Found::of(&self.store.snapshot(), caller)?;
        let containers = found.definition.spec.containers.iter().enumerate();
        Some(Asking {
            containers: containers
                .map(|(index, one)| (runtime_id(&found.task.id, index), one.name.clone()))
                .collect(),
            task: found.task.id.clone(),
        })
    }

    /// A document of the metadata endpoint. `storage_bytes` is what the task has written.
    ///
    /// # Errors
    /// When the caller has no such container.
    pub fn metadata(
        &self,
        caller: &Caller,
        container: &str,
        about: About,
        storage_bytes: Option<u64>,
    ) -> Result<String, AgentError> {
        let snapshot = self.store.snapshot();
        let found = Found::of(&snapshot, caller).ok_or_else(|| unknown(container))?;
        let index = found.index(container).ok_or_else(|| unknown(container))?;
        let (scope, task) = (&found.scope, &found.task);
        let seen = view::seen(&snapshot, task);
        let shape = view::whole_task(scope, task, &snapshot, true);
        let subnet = task.attachment().and_then(|attachment| {
            let network = snapshot.get(NETWORKS, &attachment.interface.network)?;
            document::Place::of(&network, &attachment.interface)
        });
        let source = document::Source {
            scope,
            task,
            definition: &found.definition,
            seen: seen.as_ref(),
            shape: &shape,
            place: subnet.as_ref(),
        };
        let document = match about {
            About::Container => source.container(index),
            About::Task => source.task(storage_bytes),
            About::TaskWithTags => source.task_with_tags(storage_bytes),
        };
        Ok(document.to_string())
    }

    /// The role whose credentials the caller may have under this id.
    ///
    /// # Errors
    /// When the id is not the caller's, or its task has no role.
    pub fn task_role(&self, caller: &Caller, id: &str) -> Result<TaskRole, AgentError> {
        let missing = || AgentError::NotFound("CredentialsV2Request: Credentials not found".to_owned());
        let found = Found::of(&self.store.snapshot(), caller).ok_or_else(missing)?;
        let task = &found.task;
        let own = task.credentials_id.as_deref().unwrap_or_default();
        if own.is_empty() || !bool::from(own.as_bytes().ct_eq(id.as_bytes())) {
            return Err(missing());
        }
        let role = task.role(&found.definition.spec);
        Ok(TaskRole {
            role_arn: role.cloned().ok_or_else(missing)?,
            task_id: task.id.clone(),
            task_arn: task.arn.clone(),
        })
    }

    /// Whether the caller's task is kept from being stopped; `change` is the body of a request to change that.
    ///
    /// # Errors
    /// When the caller has no such container, or the change is none.
    pub async fn task_protection(
        &self,
        caller: &Caller,
        container: &str,
        change: Option<&str>,
    ) -> Result<String, AgentError> {
        let found = Found::of(&self.store.snapshot(), caller).ok_or_else(|| unknown(container))?;
        found.index(container).ok_or_else(|| unknown(container))?;
        let context = Context {
            principal_arn: found.task.arn.clone(),
            ..Self::own_context(&found.scope, "ecs-tasks")
        };
        let (cluster, tasks) = (found.task.cluster.clone(), vec![found.task.arn.clone()]);
        let answer = match change {
            None => {
                let input = GetTaskProtectionRequest {
                    cluster,
                    tasks: Some(tasks),
                };
                let answer = self.get_task_protection(&context, input).await;
                answer.map(|it| (it.protected_tasks, it.failures))
            }
            Some(body) => {
                let (protection_enabled, expires_in_minutes) = document::protection(body)?;
                let input = UpdateTaskProtectionRequest {
                    cluster,
                    tasks,
                    protection_enabled,
                    expires_in_minutes,
                };
                let answer = self.update_task_protection(&context, input).await;
                answer.map(|it| (it.protected_tasks, it.failures))
            }
        };
        let (protected, failures) = answer.map_err(|error| {
            if error.is_internal() {
                AgentError::Failed(error.to_string())
            } else {
                AgentError::Refused(error.message)
            }
        })?;
        let failed = failures.into_iter().flatten().next();
        let body = match (protected.into_iter().flatten().next(), failed) {
            (Some(task), _) => json!({ "protection": {
                "ProtectionEnabled": task.protection_enabled,
                "ExpirationDate": task.expiration_date.map(|at| at.to_string()),
                "TaskArn": task.task_arn,
            }}),
            (None, Some(failed)) => json!({ "failure": {
                "Arn": failed.arn,
                "Reason": failed.reason,
                "Detail": failed.detail,
            }}),
            (None, None) => Value::Null,
        };
        Ok(body.to_string())
    }
}
