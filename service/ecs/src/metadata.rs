//! What a task reads about itself: the task metadata endpoint's documents, version 4, and which role it has.
//!
//! A caller is known by its address; an id of another task's container is not found.

mod document;

use std::net::Ipv4Addr;
use std::sync::Arc;

use aws_protocol::Context;
use aws_shape::ecs::{Api as _, GetTaskProtectionRequest, UpdateTaskProtectionRequest};
use base_id::Scope;
use base_store::{Snapshot, Table};
use contract::agent::{About, AgentError, Asking, Caller};
use contract::network::DesiredNetwork;
use contract::task::{BRIDGE_RANGE, runtime_id};
use serde_json::{Value, json};
use subtle::ConstantTimeEq as _;

use crate::Ecs;
use crate::model::instance::Mode;
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
    /// By its address: no two tasks of a network, or of a bridge, have the same one at a time. Those that share the
    /// network of an instance cannot be told apart by it.
    fn all(snapshot: &Snapshot, caller: &Caller) -> Vec<Self> {
        let of = |(key, task): (String, Arc<Task>)| {
            let scope = Scope::of_key(&key);
            let definition = table::definition_of(snapshot, &scope, &task.task_definition)?;
            Some(Self {
                scope,
                task,
                definition,
            })
        };
        let rows = snapshot.list(TASKS).into_iter();
        rows.filter(|(_, task)| asks(task, caller))
            .filter_map(of)
            .collect()
    }

    /// The one whose container has this id at run time, and that container's place.
    fn of(snapshot: &Snapshot, caller: &Caller, container: &str) -> Option<(Self, usize)> {
        let mut all = Self::all(snapshot, caller).into_iter();
        all.find_map(|found| {
            let index = found.index(container)?;
            Some((found, index))
        })
    }

    /// The place of the container with this id at run time.
    fn index(&self, id: &str) -> Option<usize> {
        (0..self.definition.spec.containers.len()).find(|index| runtime_id(&self.task.id, *index) == id)
    }
}

/// Whether a task may be the caller.
fn asks(task: &Task, caller: &Caller) -> bool {
    if !matches!(task.stage, Stage::Placed { .. }) {
        return false;
    }
    if let Some(own) = task.attachment().map(|it| &it.interface) {
        return own.network == caller.network && own.address == caller.address;
    }
    let Some(lodging) = task
        .lodging
        .as_ref()
        .filter(|it| it.ec2_instance == caller.network)
    else {
        return false;
    };
    match lodging.mode {
        Mode::Apart => false,
        // Any address of the instance but those of its bridge.
        Mode::Shared => !BRIDGE_RANGE.contains(&caller.address) || caller.address == BRIDGE_HOST,
        Mode::Bridge => lodging.addresses.values().any(|it| *it == caller.address),
    }
}

/// The instance's own address on its bridge.
const BRIDGE_HOST: Ipv4Addr = Ipv4Addr::new(172, 17, 0, 1);

fn unknown(id: &str) -> AgentError {
    AgentError::NotFound(format!(
        "V4 container metadata handler: unable to get task arn from request: unable to get docker ID from request: \
         no container {id} of the task that asks"
    ))
}

impl Ecs {
    /// The task that has this address, if one alone has.
    pub fn asking(&self, caller: &Caller) -> Option<Asking> {
        let [found] = <[Found; 1]>::try_from(Found::all(&self.store.snapshot(), caller)).ok()?;
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
        let found = Found::of(&snapshot, caller, container);
        let (found, index) = found.ok_or_else(|| unknown(container))?;
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
        let is_own = |found: &Found| {
            let own = found.task.credentials_id.as_deref().unwrap_or_default();
            !own.is_empty() && bool::from(own.as_bytes().ct_eq(id.as_bytes()))
        };
        let mut all = Found::all(&self.store.snapshot(), caller).into_iter();
        let found = all.find(is_own).ok_or_else(missing)?;
        let task = &found.task;
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
        let found = Found::of(&self.store.snapshot(), caller, container);
        let (found, _) = found.ok_or_else(|| unknown(container))?;
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
