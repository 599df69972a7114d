//! A local cloud of its own for each test, with its own state directory and port.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::command::{run, shell};

pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

/// The binary under test: of the same profile as the tests.
pub fn wharf() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let test = std::env::current_exe().unwrap();
        let path = test.ancestors().nth(2).unwrap().join("wharf");
        assert!(
            path.exists(),
            "{} is not there: cargo build --package wharf",
            path.display()
        );
        path
    })
}

pub struct Cloud {
    folder: tempfile::TempDir,
    pub port: u16,
    variables: Vec<(String, String)>,
}

impl Cloud {
    pub fn start(options: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let mut cloud = Self {
            folder,
            port,
            variables: vec![],
        };
        cloud.start_again(options);
        cloud
    }

    pub fn start_again(&mut self, options: &[&str]) {
        let listen = format!("127.0.0.1:{}", self.port);
        run(self.wharf(&["cloud", "start", "--listen", &listen]).args(options));
        let lines = run(&mut self.wharf(&["cloud", "env"]));
        self.variables = lines
            .lines()
            .map(|line| {
                line.strip_prefix("export ")
                    .unwrap_or_else(|| panic!("{line} is no export"))
            })
            .map(|line| line.split_once('=').unwrap())
            .map(|(name, value)| (name.to_owned(), value.trim_matches(['\'', '"']).to_owned()))
            .collect();
    }

    pub fn state(&self) -> &Path {
        self.folder.path()
    }

    pub fn wharf(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(wharf());
        command
            .args(arguments)
            .env("WHARF_STATE_DIR", self.state())
            .env_remove("AWS_ENDPOINT_URL");
        command
    }

    pub fn variable(&self, name: &str) -> String {
        let found = self.variables.iter().find(|(known, _)| known == name);
        found
            .unwrap_or_else(|| panic!("wharf cloud env has no {name}"))
            .1
            .clone()
    }

    /// A program that finds this cloud by its environment alone.
    pub fn client(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .envs(self.variables.clone())
            .env("AWS_PAGER", "")
            .env("HOME", self.state());
        command
    }

    pub fn aws(&self, line: &str) -> String {
        let words: Vec<&str> = line.split(' ').collect();
        run(&mut self.client("aws", &words))
    }

    pub fn aws_json(&self, line: &str) -> serde_json::Value {
        serde_json::from_str(&self.aws(&format!("{line} --output json"))).unwrap()
    }

    /// The eight digits by which this cloud's things in the kernel are known.
    pub fn instance(&self) -> String {
        let text = std::fs::read_to_string(self.state().join("cloud.json")).unwrap();
        let settings: serde_json::Value = serde_json::from_str(&text).unwrap();
        settings["instance"].as_str().unwrap().to_owned()
    }

    pub fn process(&self, role: &str) -> i32 {
        let path = format!("/run/wharf-{}/{role}.lock", self.instance());
        std::fs::read_to_string(&path).unwrap().trim().parse().unwrap()
    }

    pub fn stop(&self) {
        run(&mut self.wharf(&["cloud", "stop"]));
    }

    /// Nothing of this cloud is left: no process, mount, namespace, interface, table, control group, run directory.
    pub fn assert_nothing_left(&self) {
        let instance = self.instance();
        let state = self.state().display().to_string();
        let left = shell(&format!(
            "ps -eo args | grep -F -e '{state}' | grep -v grep || true
             ip -o link | grep -F '{instance}' || true
             grep -F -e '{state}' -e '{instance}' /proc/self/mounts || true
             nft list tables | grep -F '{instance}' || true
             find /sys/fs/cgroup -maxdepth 3 -name '*{instance}*' || true
             ls -d /run/wharf-{instance} 2>/dev/null || true"
        ));
        assert!(left.trim().is_empty(), "left behind:\n{left}");
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        let ended = self.wharf(&["cloud", "stop"]).output();
        if std::thread::panicking() {
            let logs = shell(&format!(
                "tail -n 40 {}/log/*.log || true",
                self.state().display()
            ));
            eprintln!("{logs}");
        }
        drop(ended);
    }
}

/// Repeats a look until it shows what is wanted.
pub fn until(what: &str, mut look: impl FnMut() -> bool) {
    for _ in 0..600 {
        if look() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    panic!("never came: {what}");
}
