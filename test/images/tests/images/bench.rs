//! A service of its own for each test, and clients that are pointed at it.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use tempfile::TempDir;
use test_images::{Config, PASSWORD, Service};
use tokio::runtime::Runtime;

pub type Test = (&'static str, fn(&mut Bench));

/// Makes an entry of a list of tests.
#[macro_export]
macro_rules! tests {
    ($($name:ident),* $(,)?) => {
        &[$((concat!(module_path!(), "::", stringify!($name)), $name)),*]
    };
}

/// In the names of control groups.
const INSTANCE: &str = "0badcafe";

pub struct Bench {
    pub directory: TempDir,
    pub service: Service,
    pub runtime: Runtime,
}

pub fn run(test: fn(&mut Bench)) {
    let mut bench = Bench::new(Config {
        port: 0,
        ..config(INSTANCE, None)
    });
    test(&mut bench);
    let directory = bench.directory.path().to_owned();
    drop(bench.service);
    bench.runtime.shutdown_timeout(std::time::Duration::from_secs(10));
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    assert!(
        !mounts.contains(directory.to_str().unwrap()),
        "a mount is left:\n{mounts}"
    );
}

fn config(instance: &str, ca_bundle: Option<PathBuf>) -> Config {
    Config {
        shim_command: vec![std::env::current_exe().unwrap().into(), "shim".into()],
        ca_bundle,
        mirrors: Vec::new(),
        port: 0,
        instance: instance.to_owned(),
    }
}

/// `serve DIRECTORY PORT [CA-BUNDLE]`: runs until it is killed.
pub fn serve(mut arguments: impl Iterator<Item = OsString>) {
    let directory = PathBuf::from(arguments.next().expect("a directory"));
    let port = arguments
        .next()
        .and_then(|port| port.to_str()?.parse().ok())
        .expect("a port");
    let config = Config {
        port,
        ..config("5e12e000", arguments.next().map(PathBuf::from))
    };
    let _ = fs::remove_file(directory.join("docker.sock"));
    fs::create_dir_all(&directory).unwrap();
    let runtime = Runtime::new().unwrap();
    let service = runtime.block_on(Service::start(&directory, config)).unwrap();
    service.catalog.create("web", false);
    eprintln!(
        "docker -H unix://{} …, registry {} (AWS, {PASSWORD})",
        service.socket.display(),
        service.registry
    );
    std::thread::park();
}

impl Bench {
    fn new(config: Config) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let runtime = Runtime::new().unwrap();
        let service = runtime
            .block_on(Service::start(directory.path(), config))
            .unwrap();
        Self {
            directory,
            service,
            runtime,
        }
    }

    /// Another machine, which has what this one has in its registry as its mirror of Docker Hub. The first mirror that
    /// it knows is down.
    pub fn elsewhere(&mut self) -> Self {
        let mirror = self.runtime.block_on(self.service.mirror()).unwrap();
        let mirrors = vec!["127.0.0.1:1".to_owned(), mirror.to_string()];
        Self::new(Config {
            mirrors,
            ..config("0badcaff", None)
        })
    }

    /// A path of this test's own.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a folder with these files; a name that ends in `*` is executable.
    pub fn folder(&self, name: &str, files: &[(&str, &str)]) -> PathBuf {
        let folder = self.path(name);
        fs::create_dir_all(&folder).unwrap();
        for (file, content) in files {
            let path = folder.join(file.trim_end_matches('*'));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, content).unwrap();
            if file.ends_with('*') {
                use std::os::unix::fs::PermissionsExt as _;
                fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
            }
        }
        folder
    }

    pub fn docker(&self, arguments: &[&str]) -> Outcome {
        outcome(self.docker_command(arguments))
    }

    pub fn docker_command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("docker");
        command
            .arg("-H")
            .arg(format!("unix://{}", self.service.socket.display()))
            .args(arguments)
            .env("DOCKER_CONFIG", self.path("docker-config"))
            .env("DOCKER_BUILDKIT", "0");
        command
    }

    pub fn build(&self, folder: &Path, arguments: &[&str]) -> Outcome {
        let folder = folder.to_str().unwrap();
        self.docker(&[&["build"], arguments, &[folder]].concat())
    }

    pub fn skopeo(&self, arguments: &[&str]) -> Outcome {
        let mut command = Command::new("skopeo");
        command
            .args(["--insecure-policy", "--tmpdir"])
            .arg(self.directory.path())
            .args(arguments);
        outcome(command)
    }

    pub fn curl(&self, arguments: &[&str]) -> Outcome {
        let mut command = Command::new("curl");
        command.args(["-sS"]).args(arguments);
        outcome(command)
    }

    /// `http://…/v2/` with a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}/v2/{path}", self.service.registry)
    }

    pub fn image(&self, path: &str) -> String {
        format!("{}/{path}", self.service.registry)
    }

    pub fn login(&self) {
        let registry = self.service.registry.to_string();
        self.docker(&["login", "-u", "AWS", "-p", PASSWORD, &registry])
            .ok();
    }

    /// Makes `busybox:1.35` known.
    pub fn busybox(&self) {
        self.docker(&["load", "-i", busybox().to_str().unwrap()]).ok();
    }

    /// Waits for directories that are removed in the background.
    pub fn await_nothing_temporary(&self) {
        let temporary = self.path("images/temporary");
        for _ in 0..200 {
            if fs::read_dir(&temporary).unwrap().count() == 0 {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        panic!("something temporary is left");
    }

    /// Files of an image as one directory, as a container would see it; by unpacking all layers over each other.
    pub fn layers(&self, image: &str) -> Vec<PathBuf> {
        let digest = self.service.store.find(image).unwrap();
        self.runtime
            .block_on(self.service.store.layer_directories(&digest))
            .unwrap()
    }
}

/// The archive of a small base image, made once.
fn busybox() -> &'static Path {
    static MADE: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    &MADE
        .get_or_init(|| {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("busybox.tar");
            let mut command = Command::new(base_images().join("make-busybox-image"));
            command.arg("-o").arg(&path).args(["-t", "busybox:1.35"]);
            outcome(command).ok();
            (directory, path)
        })
        .1
}

fn base_images() -> PathBuf {
    match std::env::var_os("WHARF_BASE_IMAGES") {
        Some(path) => path.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/base-images"),
    }
}

#[derive(Debug)]
pub struct Outcome {
    pub success: bool,
    /// Both streams.
    pub text: String,
}

impl Outcome {
    #[track_caller]
    pub fn ok(self) -> String {
        assert!(self.success, "it failed:\n{}", self.text);
        self.text
    }

    #[track_caller]
    pub fn fails(self) -> String {
        assert!(!self.success, "it did not fail:\n{}", self.text);
        self.text
    }
}

fn outcome(mut command: Command) -> Outcome {
    let output: Output = command
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("{:?} cannot be run: {error}", command.get_program()));
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    Outcome {
        success: output.status.success(),
        text,
    }
}
