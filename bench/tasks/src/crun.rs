//! The same container in crun: Wharf's own `config.json`, but for what crun does not take.
//!
//! crun refuses a machine that has both versions of control groups mounted ("hybrid"). It is therefore run in a mount
//! namespace in which version 2 is not mounted; a helper keeps that namespace, and with it the containers' root, which
//! crun does not mount itself.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nix::sched::{CloneFlags, setns};
use serde_json::{Value, json};

use crate::place::{self, Place};

const PREPARE: &str = r#"set -e
if mountpoint -q /sys/fs/cgroup/unified; then umount /sys/fs/cgroup/unified; fi
mount -t overlay overlay -o "lowerdir=$2,upperdir=$1/upper,workdir=$1/work,volatile,index=off,redirect_dir=off,metacopy=off" "$1/root"
echo ready
exec cat"#;

pub struct Crun {
    bundle: PathBuf,
    state: PathBuf,
    /// Lives until its standard input is closed.
    keeper: Child,
    mounts: File,
    cgroup: String,
    config: Value,
}

impl Crun {
    /// `bundle` is the directory in which Wharf's shim has prepared a container, and `task` that of its task.
    pub fn new(place: &Place, task: &Path, bundle: &Path) -> io::Result<Self> {
        let own = place.directory.join("crun");
        for name in ["upper", "work", "root", "state"] {
            fs::create_dir_all(own.join(name))?;
        }
        for name in ["hosts", "hostname", "resolv.conf"] {
            fs::copy(task.join(name), own.join(name))?;
        }
        // As below Wharf's containers: what everything else is mounted on.
        let skeleton = own.join("skeleton");
        for name in ["proc", "sys", "dev", "etc", "marks"] {
            fs::create_dir_all(skeleton.join(name))?;
        }
        for name in ["resolv.conf", "hosts", "hostname"] {
            fs::write(skeleton.join("etc").join(name), "")?;
        }
        let text = fs::read_to_string(bundle.join("config.json"))?;
        let text = text
            .replace(
                &bundle.join("root").display().to_string(),
                &own.join("root").display().to_string(),
            )
            .replace(&task.display().to_string(), &own.display().to_string());
        let cgroup = format!("/wharf-{}-crun", place.instance);
        let config = adapt(serde_json::from_str(&text)?)?;
        let mut keeper = Command::new("unshare")
            .args(["--mount", "--propagation", "private", "sh", "-c", PREPARE, "sh"])
            .arg(&own)
            .arg(format!("{}:{}", place.image().display(), skeleton.display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut said = String::new();
        if let Some(output) = keeper.stdout.take() {
            BufReader::new(output).read_line(&mut said)?;
        }
        if said != "ready\n" {
            return Err(io::Error::other("crun's mount namespace cannot be prepared"));
        }
        let mounts = File::open(format!("/proc/{}/ns/mnt", keeper.id()))?;
        Ok(Self {
            state: own.join("state"),
            bundle: own,
            keeper,
            mounts,
            cgroup,
            config,
        })
    }

    fn command(&self) -> io::Result<Command> {
        use std::os::fd::AsFd as _;
        use std::os::unix::process::CommandExt as _;
        let mounts = self.mounts.try_clone()?;
        let mut command = Command::new("crun");
        command
            .arg("--cgroup-manager=cgroupfs")
            .arg("--root")
            .arg(&self.state)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        // SAFETY: between fork and exec this makes one system call and allocates nothing.
        unsafe {
            command.pre_exec(move || Ok(setns(mounts.as_fd(), CloneFlags::CLONE_NEWNS)?));
        }
        Ok(command)
    }

    /// Writes the configuration of a container, whose program will say its name.
    pub fn prepare(&mut self, name: &str) -> io::Result<()> {
        self.config["process"]["args"] = json!(place::program(name));
        self.config["linux"]["cgroupsPath"] = json!(format!("{}/{name}", self.cgroup));
        fs::write(self.bundle.join("config.json"), self.config.to_string())
    }

    /// Starts the prepared container; to be waited for.
    pub fn start(&self, name: &str) -> io::Result<Child> {
        self.command()?
            .args(["run", "--detach", "--bundle"])
            .arg(&self.bundle)
            .arg(name)
            .spawn()
    }

    pub fn remove(&self, name: &str) -> io::Result<()> {
        let status = self.command()?.args(["delete", "--force", name]).status()?;
        if status.success() {
            Ok(())
        } else {
            Err(io::Error::other(format!("crun delete: {status}")))
        }
    }

    /// Removes every container that is left, and the namespace with its mounts.
    pub fn end(mut self) {
        for entry in fs::read_dir(&self.state).into_iter().flatten().flatten() {
            let _ = self.remove(&entry.file_name().to_string_lossy());
        }
        if let Some(mut input) = self.keeper.stdin.take() {
            let _ = input.flush();
        }
        let _ = self.keeper.wait();
    }

    /// Parent of its containers' control groups.
    pub fn cgroup(place: &Place) -> String {
        format!("wharf-{}-crun", place.instance)
    }
}

/// What is changed, and why.
fn adapt(mut config: Value) -> io::Result<Value> {
    // All that it knows; nothing in here is newer.
    config["ociVersion"] = json!("1.0.2");
    let linux = config["linux"]
        .as_object_mut()
        .ok_or_else(|| io::Error::other("config.json has no linux"))?;
    // The shim makes the task's network namespace before the runtime library runs; crun is to make one as well.
    if let Some(namespaces) = linux["namespaces"].as_array_mut() {
        namespaces.push(json!({"type": "network"}));
    }
    // The task's own group sets these in the shim.
    linux["resources"]["memory"] = json!({"limit": 512u64 << 20});
    linux["resources"]["cpu"] = json!({"shares": 256, "quota": 25_000, "period": 100_000});
    Ok(config)
}
