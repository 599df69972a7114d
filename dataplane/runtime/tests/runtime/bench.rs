//! A runtime of its own for each test, with a root file system made of busybox, and nothing left afterwards.

use std::fs;
use std::future::Future;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::time::Duration;

use base_id::{IdSource as _, RandomIds};
use contract::task::{Linux, Sharing, TaskPhase};
use dataplane_runtime::{
    ContainerSpec, Limits, Runtime, RuntimeConfig, TaskHandle, TaskSpec, TaskStatus, spool,
};

pub type Test = (&'static str, fn(Bench) -> Pin<Box<dyn Future<Output = ()>>>);

/// Far more than anything here takes; only a test that would hang gets there.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Makes an entry of a list of tests.
#[macro_export]
macro_rules! tests {
    ($($name:ident),* $(,)?) => {
        &[$((concat!(module_path!(), "::", stringify!($name)), |bench| Box::pin($name(bench)))),*]
    };
}

pub struct Bench {
    pub directory: PathBuf,
    pub runtime: Runtime,
    /// The layer that holds busybox.
    pub busybox: PathBuf,
}

pub fn run(test: fn(Bench) -> Pin<Box<dyn Future<Output = ()>>>) {
    let bench = Bench::new();
    let (runtime, directory) = (bench.runtime.clone(), bench.directory.clone());
    let executor = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        executor.block_on(async {
            tokio::time::timeout(PATIENCE, test(bench))
                .await
                .expect("the test hangs")
        });
    }));
    if result.is_err() {
        for file in walk(&directory.join("state")) {
            if file
                .extension()
                .is_some_and(|kind| kind == "log" || kind == "json" || kind == "spool")
            {
                let text = fs::read_to_string(&file).unwrap_or_default();
                if file
                    .file_name()
                    .is_some_and(|name| name != "config.json" && name != "task.json")
                {
                    eprintln!("--- {}\n{text}", file.display());
                }
            }
        }
    }
    runtime.kill_all();
    executor.shutdown_timeout(Duration::from_secs(5));
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    let left: Vec<_> = mounts
        .lines()
        .filter(|line| line.contains(directory.to_str().unwrap()))
        .collect();
    assert!(left.is_empty(), "mounts are left: {left:?}");
    let group = format!("wharf-{}", runtime.config().instance);
    for hierarchy in fs::read_dir("/sys/fs/cgroup").unwrap().flatten() {
        assert!(
            !hierarchy.path().join(&group).exists(),
            "{:?} has a control group left",
            hierarchy.path()
        );
    }
    fs::remove_dir_all(&directory).unwrap();
    if let Err(panic) = result {
        std::panic::resume_unwind(panic);
    }
}

fn walk(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if path
            .file_name()
            .is_some_and(|name| name == "upper" || name == "root")
        {
            continue;
        }
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            files.extend(walk(&path));
        } else {
            files.push(path);
        }
    }
    files
}

impl Bench {
    fn new() -> Self {
        // Not by the process's number: one that was killed may have had it before, and left its things behind.
        let instance = RandomIds.hex(8);
        // Longer than the address of a socket can be, as state directories may be.
        let directory = std::env::temp_dir()
            .join(format!("wharf-runtime-{instance}"))
            .join("a-rather-long-name-of-a-directory-so-that-socket-addresses-would-not-fit-into-their-hundred-bytes");
        let busybox = directory.join("busybox");
        fs::create_dir_all(busybox.join("bin")).unwrap();
        fs::create_dir_all(busybox.join("etc")).unwrap();
        fs::copy("/bin/busybox", busybox.join("bin/busybox")).expect("busybox-static is installed");
        for name in busybox_applets() {
            symlink("busybox", busybox.join("bin").join(name)).unwrap();
        }
        fs::write(
            busybox.join("etc/passwd"),
            "root:x:0:0::/root:/bin/sh\nweb:x:1000:1001::/home/web:/bin/sh\n",
        )
        .unwrap();
        fs::write(
            busybox.join("etc/group"),
            "root:x:0:\nweb:x:1001:\nvideo:x:44:web\n",
        )
        .unwrap();
        let runtime = Runtime::new(RuntimeConfig {
            shim_command: vec!["/proc/self/exe".into(), "shim".into()],
            state_dir: directory.join("state"),
            instance,
            run_dir: directory.join("run"),
        });
        Self {
            directory,
            runtime,
            busybox,
        }
    }

    /// A container that runs a shell line.
    pub fn shell(&self, name: &str, line: &str) -> ContainerSpec {
        ContainerSpec {
            name: name.to_owned(),
            runtime_id: format!("{name}-0123456789"),
            image_digest: None,
            lower: vec![self.busybox.clone()],
            disk: None,
            network: None,
            arguments: ["sh", "-c", line].map(str::to_owned).to_vec(),
            environment: vec![],
            working_directory: "/".to_owned(),
            user: None,
            stop_signal: None,
            essential: true,
            depends_on: vec![],
            start_timeout_seconds: None,
            stop_timeout_seconds: 1,
            readonly_root: false,
            interactive: false,
            pseudo_terminal: false,
            disable_networking: false,
            limits: Limits::default(),
            memory_reservation_mib: None,
            health_check: None,
            ulimits: vec![],
            mounts: vec![],
            hostname: None,
            resolv_conf: None,
            hosts: None,
            linux: Linux::default(),
            restart: None,
            frames: false,
            spool: Default::default(),
        }
    }

    pub fn task(&self, containers: Vec<ContainerSpec>) -> TaskSpec {
        TaskSpec {
            id: "0123456789abcdef0123456789abcdef".to_owned(),
            hostname: "inside".to_owned(),
            network: None,
            resolv_conf: "nameserver 10.0.0.2\n".to_owned(),
            hosts: "127.0.0.1 localhost\n".to_owned(),
            limits: Limits::default(),
            volumes: vec![],
            host: None,
            processes: Sharing::Container,
            ipc: Sharing::Container,
            containers,
        }
    }

    pub async fn start(&self, containers: Vec<ContainerSpec>) -> TaskHandle {
        self.runtime.start(&self.task(containers)).await.unwrap()
    }

    /// Runs one container to its end; status and output.
    pub async fn outcome(&self, container: ContainerSpec) -> (TaskStatus, String) {
        let name = container.name.clone();
        let handle = self.start(vec![container]).await;
        let status = wait_for(handle, |status| status.phase == TaskPhase::Stopped).await;
        let output = self.output(&status.id, &name);
        (status, output)
    }

    /// Runs a task to its end; its status.
    pub async fn to_the_end(&self, task: &TaskSpec) -> TaskStatus {
        let handle = self.runtime.start(task).await.unwrap();
        wait_for(handle, |status| status.phase == TaskPhase::Stopped).await
    }

    /// What a container has written so far, both streams.
    pub fn output(&self, task: &str, container: &str) -> String {
        let directory = self.runtime.directory(task);
        let mut text = String::new();
        for number in spool::segments(&directory, container) {
            let chunk =
                spool::read_segment(&spool::segment_path(&directory, container, number), 0, 1 << 24).unwrap();
            for line in chunk.lines {
                text.push_str(&line.message);
                text.push('\n');
            }
        }
        text
    }

    /// Waits until a container has written something.
    pub async fn until_output(&self, task: &str, container: &str, wanted: &str) {
        while !self.output(task, container).contains(wanted) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Runs a shell line and expects exit code 0; its output.
    pub async fn says(&self, line: &str) -> String {
        let (status, output) = self.outcome(self.shell("app", line)).await;
        assert_eq!(status.containers[0].exit_code, Some(0), "{output}");
        output
    }
}

fn busybox_applets() -> Vec<String> {
    let output = std::process::Command::new("/bin/busybox")
        .arg("--list")
        .output()
        .expect("busybox runs");
    let names = String::from_utf8(output.stdout).unwrap();
    names
        .lines()
        .filter(|name| *name != "busybox")
        .map(str::to_owned)
        .collect()
}

pub async fn wait_for(mut handle: TaskHandle, wanted: impl Fn(&TaskStatus) -> bool) -> TaskStatus {
    let mut status = handle.status();
    while !wanted(&status) {
        status = handle
            .changed()
            .await
            .unwrap_or_else(|| panic!("the shim is gone; last: {status:?}"));
    }
    status
}
