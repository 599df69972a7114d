//! Containers that people start one by one: each is written down, is a task once it is started, and goes with its files
//! when it is removed. What is kept of them outlives this process, and so do they.
//!
//! `output` reads what they write, `life` waits for what becomes of them, `tidy` removes those that shall not stay.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use base_id::IdSource;
use base_store::{StoreError, Table};
use contract::container::{
    CONTAINER, ContainerError, ContainerInput, ContainerRecord, ContainerView, Containers, Exit, ID_DIGITS,
    OutputPieces, OutputWish, TASK_ID_DIGITS, Until,
};
use contract::exec::{Exec, ExecError, ExecRequest, ExecSession, TerminalSize};
use dataplane_runtime::Input;

use crate::Node;
use crate::ingest::Wakers;
use crate::node::{DESIRED, Inner, OBSERVED};

mod life;
mod output;
mod tidy;

pub(crate) use tidy::tidy;

pub(crate) const RECORDS: Table<ContainerRecord> = Table::new(ContainerRecord::TABLE, 1);
/// Containers that are kept at one time.
const CONTAINERS_MAX: usize = 4_096;
/// Removed containers whose end is still known.
const EXITS_MAX: usize = 1_024;
/// How long a connection for an order is held, so that the order is read before its end.
const ORDER_HELD: Duration = Duration::from_millis(200);
const SHORT_DIGITS: usize = 12;

/// What is known of containers beside what is stored.
#[derive(Default)]
pub(crate) struct Memory {
    /// How removed containers ended, the youngest last.
    exits: Mutex<VecDeque<(String, Exit)>>,
    /// How many read a container's output, by its id.
    readers: tokio::sync::watch::Sender<HashMap<String, usize>>,
}

impl Memory {
    fn note_exit(&self, id: &str, exit: Exit) {
        let mut exits = self.exits.lock().unwrap_or_else(PoisonError::into_inner);
        exits.push_back((id.to_owned(), exit));
        if exits.len() > EXITS_MAX {
            exits.pop_front();
        }
    }

    fn exit(&self, id: &str) -> Option<Exit> {
        let exits = self.exits.lock().unwrap_or_else(PoisonError::into_inner);
        let found = exits.iter().rev().find(|(known, _)| known == id);
        found.map(|(_, exit)| exit.clone())
    }
}

/// The containers of a node; cheap to clone.
#[derive(Clone)]
pub struct NodeContainers {
    inner: Arc<Inner>,
    ids: Arc<dyn IdSource>,
    wakers: Arc<Wakers>,
}

impl Node {
    /// Containers on this node, with new names from `ids`.
    ///
    /// # Errors
    /// When changes of files cannot be watched.
    pub fn containers(&self, ids: Arc<dyn IdSource>) -> io::Result<NodeContainers> {
        Ok(NodeContainers {
            inner: Arc::clone(&self.inner),
            ids,
            wakers: Wakers::new()?,
        })
    }
}

/// How a container's task has ended, if it has.
fn exit_of(view: &ContainerView) -> Option<Exit> {
    let observed = view.observed.as_ref()?;
    observed.stopped_at?;
    let container = observed.containers.first();
    let code = container.and_then(|container| container.exit_code);
    let ran = container.is_some_and(|container| container.started_at.is_some());
    let reason = observed.stop_cause.as_ref().map(|cause| cause.reason.clone());
    Some(match code {
        Some(code) => Exit { code, failure: None },
        // Its processes are gone without a word.
        None if ran => Exit {
            code: 128 + nix::sys::signal::Signal::SIGKILL as i32,
            failure: reason,
        },
        None => Exit {
            code: 127,
            failure: Some(reason.unwrap_or_else(|| "it did not start".to_owned())),
        },
    })
}

fn view(inner: &Inner, id: &str) -> Option<ContainerView> {
    let snapshot = inner.parts.store.snapshot();
    let record = snapshot.get(RECORDS, id)?;
    Some(ContainerView {
        started: snapshot.get(DESIRED, record.task_id()).is_some(),
        observed: snapshot.get(OBSERVED, record.task_id()),
        record,
    })
}

fn no_such(name: &str) -> ContainerError {
    ContainerError::NotFound(format!("No such container: {name}"))
}

impl NodeContainers {
    fn view(&self, id: &str) -> Result<ContainerView, ContainerError> {
        view(&self.inner, id).ok_or_else(|| no_such(id))
    }
}

struct Refused(ContainerError);

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self(ContainerError::Failed(error.to_string()))
    }
}

fn taken(name: &str, by: &str) -> Refused {
    Refused(ContainerError::Conflict(format!(
        "Conflict. The container name \"/{name}\" is already in use by container \"{by}\". You have to remove (or \
         rename) that container to be able to reuse that name."
    )))
}

/// Docker's rule.
fn check_name(name: &str) -> Result<(), ContainerError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric();
    let rest = |byte: u8| plain(byte) || b"_.-".contains(&byte);
    let bytes = name.as_bytes();
    let right =
        bytes.len() >= 2 && bytes.len() <= 255 && plain(bytes[0]) && bytes.iter().all(|byte| rest(*byte));
    right.then_some(()).ok_or_else(|| {
        ContainerError::Invalid(format!(
            "Invalid container name ({name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed"
        ))
    })
}

#[async_trait]
impl Exec for NodeContainers {
    async fn exec(&self, request: ExecRequest) -> Result<ExecSession, ExecError> {
        self.inner.parts.runtime.exec(request).await
    }
}

#[async_trait]
impl Containers for NodeContainers {
    fn list(&self) -> Vec<ContainerView> {
        let snapshot = self.inner.parts.store.snapshot();
        let records = snapshot.list(RECORDS).into_iter();
        let mut all: Vec<ContainerView> = records
            .map(|(_, record)| ContainerView {
                started: snapshot.get(DESIRED, record.task_id()).is_some(),
                observed: snapshot.get(OBSERVED, record.task_id()),
                record,
            })
            .collect();
        all.sort_by_key(|view| std::cmp::Reverse(view.record.created_at));
        all
    }

    fn find(&self, name: &str) -> Result<ContainerView, ContainerError> {
        let wanted = name.strip_prefix('/').unwrap_or(name);
        let mut all = self.list();
        let named = |view: &ContainerView| view.record.id == wanted || view.record.name == wanted;
        if let Some(place) = all.iter().position(named) {
            return Ok(all.swap_remove(place));
        }
        let hexadecimal = !wanted.is_empty() && wanted.bytes().all(|byte| byte.is_ascii_hexdigit());
        all.retain(|view| hexadecimal && view.record.id.starts_with(wanted));
        match (all.pop(), all.is_empty()) {
            (Some(one), true) => Ok(one),
            (Some(_), false) => Err(ContainerError::Invalid(format!(
                "Multiple IDs found with provided prefix: {wanted}"
            ))),
            (None, _) => Err(no_such(wanted)),
        }
    }

    async fn create(&self, mut new: ContainerRecord) -> Result<ContainerRecord, ContainerError> {
        new.id = format!(
            "{}{}",
            self.ids.hex(TASK_ID_DIGITS),
            self.ids.hex(ID_DIGITS - TASK_ID_DIGITS)
        );
        new.task.id = new.id[..TASK_ID_DIGITS].to_owned();
        new.created_at = self.inner.parts.clock.now();
        if new.name.is_empty() {
            new.name = format!("container_{}", &new.id[..SHORT_DIGITS]);
        }
        check_name(&new.name)?;
        new.task.label = format!("container {}", new.name);
        let made = new.clone();
        let written = self.inner.parts.store.write(move |transaction| {
            let all = transaction.list(RECORDS);
            if let Some((id, _)) = all.iter().find(|(_, known)| known.name == new.name) {
                return Err(taken(&new.name, id));
            }
            if all.len() >= CONTAINERS_MAX {
                let sentence = format!("{CONTAINERS_MAX} containers are kept already: remove some of them");
                return Err(Refused(ContainerError::Conflict(sentence)));
            }
            let id = new.id.clone();
            transaction.put(RECORDS, &id, new);
            Ok(())
        });
        written.await.map_err(|refused: Refused| refused.0)?;
        Ok(made)
    }

    async fn start(&self, id: &str) -> Result<bool, ContainerError> {
        let view = self.view(id)?;
        if view.started {
            return match exit_of(&view) {
                None => Ok(false),
                Some(_) => Err(ContainerError::Invalid(
                    "a container that has ended cannot be started again here: remove it and run another"
                        .to_owned(),
                )),
            };
        }
        let key = id.to_owned();
        let written = self.inner.parts.store.write(move |transaction| {
            let record = transaction.get(RECORDS, &key);
            let record = record.ok_or_else(|| Refused(no_such(&key)))?;
            transaction.put(DESIRED, record.task_id(), record.task.clone());
            Ok(())
        });
        written.await.map_err(|refused: Refused| refused.0)?;
        self.until_started(id).await.map(|()| true)
    }

    async fn signal(&self, id: &str, name: Option<String>) -> Result<(), ContainerError> {
        let view = self.view(id)?;
        let not_running = || {
            ContainerError::Conflict(format!(
                "cannot kill container: {id}: container {id} is not running"
            ))
        };
        if !view.started || exit_of(&view).is_some() {
            return Err(not_running());
        }
        let handle = self.inner.parts.runtime.adopt(view.record.task_id()).await;
        let handle = handle.map_err(|_| not_running())?;
        handle.signal(name).await.map_err(|_| not_running())?;
        tokio::spawn(async move {
            tokio::time::sleep(ORDER_HELD).await;
            drop(handle);
        });
        Ok(())
    }

    async fn remove(&self, id: &str) -> Result<(), ContainerError> {
        tidy::remove(&self.inner, id).await
    }

    async fn rename(&self, id: &str, name: &str) -> Result<(), ContainerError> {
        check_name(name)?;
        let (key, name) = (id.to_owned(), name.to_owned());
        let written = self.inner.parts.store.write(move |transaction| {
            let all = transaction.list(RECORDS);
            if let Some((by, _)) = all.iter().find(|(_, known)| known.name == name) {
                return Err(taken(&name, by));
            }
            let record = transaction.get(RECORDS, &key);
            let mut record = record.as_deref().cloned().ok_or_else(|| Refused(no_such(&key)))?;
            record.name = name;
            transaction.put(RECORDS, &key, record);
            Ok(())
        });
        written.await.map_err(|refused: Refused| refused.0)
    }

    async fn wait(&self, id: &str, until: Until) -> Result<Exit, ContainerError> {
        self.until_ended(id, until).await
    }

    async fn output(&self, id: &str, wish: OutputWish) -> Result<OutputPieces, ContainerError> {
        let view = self.view(id)?;
        Ok(output::pieces(self, &view, wish))
    }

    async fn input(&self, id: &str, alone: bool) -> Result<Box<dyn ContainerInput>, ContainerError> {
        let task = self.until_running(id).await?;
        let input = self.inner.parts.runtime.input(&task, CONTAINER, alone).await?;
        Ok(Box::new(Keyboard(input)))
    }

    async fn resize(&self, id: &str, size: TerminalSize) -> Result<(), ContainerError> {
        let view = self.view(id)?;
        let task = view.record.task_id();
        let terminal = self.inner.parts.runtime.input(task, CONTAINER, false).await?;
        terminal
            .resize(size)
            .map_err(|error| ContainerError::Invalid(error.to_string()))
    }
}

struct Keyboard(Input);

#[async_trait]
impl ContainerInput for Keyboard {
    async fn write(&self, bytes: &[u8]) -> io::Result<()> {
        self.0.write(bytes).await
    }
}
