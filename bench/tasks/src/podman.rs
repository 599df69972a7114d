//! The same program with `podman run`, in a store of its own.

use std::io;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::place::{self, MARKS, Place};

const IMAGE: &str = "wharf-bench-tasks";

pub struct Podman {
    directory: PathBuf,
    marks: PathBuf,
    cgroup: String,
}

impl Podman {
    pub fn new(place: &Place) -> io::Result<Self> {
        let podman = Self {
            directory: place.directory.join("podman"),
            marks: place.marks(),
            cgroup: Self::cgroup(place),
        };
        let tar = Command::new("tar")
            .arg("-C")
            .arg(place.image())
            .args(["-c", "."])
            .stdout(Stdio::piped())
            .spawn()?;
        let mut import = podman.command();
        import.args(["import", "--quiet", "-", IMAGE]);
        if let Some(layer) = tar.stdout {
            import.stdin(layer);
        }
        quiet(&mut import)?;
        Ok(podman)
    }

    fn command(&self) -> Command {
        let mut command = Command::new("podman");
        for (option, name) in [("--root", "store"), ("--runroot", "run"), ("--tmpdir", "tmp")] {
            command.arg(option).arg(self.directory.join(name));
        }
        command.args(["--runtime", "runc", "--cgroup-manager", "cgroupfs"]);
        command
    }

    pub fn start(&self, name: &str) -> io::Result<Child> {
        self.command()
            .args(["run", "--detach", "--network", "none", "--name", name])
            .args(["--ulimit", "nofile=4096:4096", "--ulimit", "nproc=4096:4096"])
            .args(["--cpu-shares", "256", "--memory", "512m"])
            .args(["--cgroup-parent", &format!("/{}", self.cgroup)])
            .arg("--volume")
            .arg(format!("{}:{MARKS}", self.marks.display()))
            .arg(IMAGE)
            .args(place::program(name))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
    }

    pub fn remove(&self, name: &str) -> io::Result<()> {
        quiet(self.command().args(["rm", "--force", "--time", "0", name]))
    }

    /// Empties the store.
    pub fn end(self) {
        for arguments in [
            ["rm", "--all", "--force", "--time=0"].as_slice(),
            &["rmi", "--all", "--force"],
        ] {
            let _ = quiet(self.command().args(arguments));
        }
    }

    /// Parent of its containers' control groups.
    pub fn cgroup(place: &Place) -> String {
        format!("wharf-{}-podman", place.instance)
    }
}

fn quiet(command: &mut Command) -> io::Result<()> {
    let output = command.output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(io::Error::other(format!("podman: {said}")))
}
