//! Tasks in Wharf's runtime.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::time::Instant;

use contract::task::{Linux, Mount, Sharing, TaskPhase, Volume, VolumeSource};
use dataplane_runtime::{ContainerSpec, Limits, Runtime, RuntimeConfig, TaskHandle, TaskSpec};

use crate::place::{self, MARKS, Place};

const CONTAINER: &str = "app";

pub struct Wharf {
    pub runtime: Runtime,
    image: PathBuf,
    marks: PathBuf,
}

impl Wharf {
    pub fn new(place: &Place, shim_command: Vec<OsString>) -> Self {
        let runtime = Runtime::new(RuntimeConfig {
            shim_command,
            state_dir: place.directory.join("state"),
            instance: place.instance.clone(),
            run_dir: place.directory.join("run"),
        });
        Self {
            runtime,
            image: place.image(),
            marks: place.marks(),
        }
    }

    pub fn task(&self, number: usize) -> TaskSpec {
        let id = format!("{number:032x}");
        TaskSpec {
            hostname: "inside".to_owned(),
            // An own one with loopback only.
            network: None,
            resolv_conf: "nameserver 10.0.0.2\n".to_owned(),
            hosts: "127.0.0.1 localhost\n".to_owned(),
            limits: Limits {
                cpu_units: Some(256),
                memory_mib: Some(512),
            },
            volumes: vec![Volume {
                name: "marks".to_owned(),
                source: VolumeSource::Host(self.marks.display().to_string()),
            }],
            processes: Sharing::Container,
            ipc: Sharing::Container,
            containers: vec![self.container(&id)],
            id,
        }
    }

    fn container(&self, task: &str) -> ContainerSpec {
        ContainerSpec {
            name: CONTAINER.to_owned(),
            runtime_id: format!("{task}-0123456789"),
            image_digest: None,
            lower: vec![self.image.clone()],
            arguments: place::program(task),
            environment: vec![],
            working_directory: "/".to_owned(),
            user: None,
            stop_signal: None,
            essential: true,
            depends_on: vec![],
            start_timeout_seconds: None,
            stop_timeout_seconds: 30,
            readonly_root: false,
            interactive: false,
            pseudo_terminal: false,
            disable_networking: false,
            limits: Limits::default(),
            memory_reservation_mib: None,
            health_check: None,
            ulimits: vec![],
            mounts: vec![Mount {
                volume: "marks".to_owned(),
                path: MARKS.to_owned(),
                readonly: false,
            }],
            hostname: None,
            resolv_conf: None,
            hosts: None,
            linux: Linux::default(),
            restart: None,
            frames: false,
            spool: Default::default(),
        }
    }

    pub async fn start(&self, task: &TaskSpec) -> io::Result<TaskHandle> {
        self.runtime.start(task).await.map_err(io::Error::other)
    }

    /// Where the shim has written the container's `config.json`.
    pub fn bundle(&self, task: &str) -> PathBuf {
        self.runtime.directory(task).join("containers").join(CONTAINER)
    }

    /// Kills a task at once. Its directory stays until all is measured: ext4 does not give out again for some seconds
    /// what has just been deleted, and looking for something else makes every new file a millisecond dear.
    pub async fn end(&self, handle: &mut TaskHandle) -> io::Result<()> {
        handle.kill("measured").await.map_err(io::Error::other)?;
        until(handle, TaskPhase::Stopped).await.map(|_| ())
    }
}

/// Waits until the task is in this phase; when that was seen.
pub async fn until(handle: &mut TaskHandle, phase: TaskPhase) -> io::Result<Instant> {
    let mut status = handle.status();
    while status.phase != phase {
        if status.phase == TaskPhase::Stopped {
            return Err(io::Error::other(format!("the task has ended: {status:?}")));
        }
        status = handle
            .changed()
            .await
            .ok_or_else(|| io::Error::other("the task's shim is gone"))?;
    }
    Ok(Instant::now())
}
