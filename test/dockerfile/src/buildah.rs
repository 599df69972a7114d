//! Debian's buildah, in a store of its own.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use crate::case::Case;
use crate::tree::Tree;

pub struct Buildah {
    directory: PathBuf,
}

impl Buildah {
    /// With the base image.
    pub fn open(directory: &Path, base: &Path) -> io::Result<Self> {
        let buildah = Self {
            directory: directory.to_owned(),
        };
        fs::create_dir_all(directory)?;
        buildah.run(&["pull", "-q", &format!("docker-archive:{}", base.display())])?;
        let id = buildah.run(&["images", "-q"])?;
        buildah.run(&[
            "tag",
            id.trim(),
            &format!("docker.io/library/{}", crate::base::NAME),
        ])?;
        Ok(buildah)
    }

    fn command(&self) -> Command {
        let mut command = Command::new("buildah");
        command
            .arg("--root")
            .arg(self.directory.join("root"))
            .arg("--runroot")
            .arg(self.directory.join("run"))
            .args(["--storage-driver", "vfs"])
            .env("TMPDIR", &self.directory)
            .env("BUILDAH_ISOLATION", "chroot");
        command
    }

    fn run(&self, arguments: &[&str]) -> io::Result<String> {
        let output = self.command().args(arguments).output()?;
        text(output)
    }

    /// Builds a case's folder; its image's configuration and files, or what buildah said.
    pub fn build(&self, case: &Case, folder: &Path) -> io::Result<(Value, Tree)> {
        if case.base.is_some() {
            self.bud(case, folder, "base.Dockerfile", "localhost/base")?;
        }
        let tag = "localhost/case";
        self.bud(case, folder, case.file(), tag)?;
        let inspected = self.run(&["inspect", "--type", "image", tag])?;
        let mut inspected: Value = serde_json::from_str(&inspected).map_err(io::Error::other)?;
        let config = inspected["Docker"]["config"].take();
        let container = self.run(&["from", "--pull-never", tag])?;
        let root = self.run(&["mount", container.trim()])?;
        let tree = Tree::read(Path::new(root.trim()));
        self.run(&["rm", container.trim()])?;
        self.run(&["rmi", "-f", tag])?;
        Ok((config, tree?))
    }

    fn bud(&self, case: &Case, folder: &Path, file: &str, tag: &str) -> io::Result<()> {
        let mut command = self.command();
        command.args([
            "bud",
            "-q",
            "--pull-never",
            "--format",
            "docker",
            "--timestamp",
            "1700000000",
        ]);
        command.args(["-t", tag, "-f", file]).current_dir(folder);
        if tag != "localhost/base" {
            for (name, value) in &case.expect.args {
                command.args(["--build-arg", &format!("{name}={value}")]);
            }
            if let Some(target) = &case.expect.target {
                command.args(["--target", target]);
            }
            for (id, value) in &case.expect.secrets {
                let path = self.directory.join(format!("secret-{id}"));
                fs::write(&path, value)?;
                command.args(["--secret", &format!("id={id},src={}", path.display())]);
            }
        }
        text(command.arg(".").output()?).map(drop)
    }
}

fn text(output: Output) -> io::Result<String> {
    if !output.status.success() {
        return Err(io::Error::other(
            String::from_utf8_lossy(&output.stderr).into_owned(),
        ));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// What both configurations say otherwise; what is empty is not there.
pub fn config_differences(ours: &Value, theirs: &Value) -> Vec<String> {
    let plain = |config: &Value, key: &str| {
        let mut value = config.get(key).cloned().unwrap_or_default();
        if let Some(labels) = value.as_object_mut() {
            labels.remove("io.buildah.version");
        }
        let empty = match &value {
            Value::Array(list) => list.is_empty(),
            Value::Object(map) => map.is_empty(),
            Value::String(text) => text.is_empty() || (key == "WorkingDir" && text == "/"),
            _ => false,
        };
        if empty { Value::Null } else { value }
    };
    let keys = [
        "Env",
        "Cmd",
        "Entrypoint",
        "WorkingDir",
        "User",
        "Labels",
        "ExposedPorts",
        "Volumes",
        "Healthcheck",
        "OnBuild",
        "StopSignal",
        "Shell",
    ];
    let mut found = Vec::new();
    for key in keys {
        let (ours, theirs) = (plain(ours, key), plain(theirs, key));
        if ours != theirs {
            found.push(format!("{key}: {ours} and {theirs}"));
        }
    }
    found
}
