//! The machine's own resolver, pointed at the name server for chosen domains, and put back exactly as it was.
//!
//! systemd-resolved can ask a server for some domains alone. Where it is not used, the name server becomes the first in
//! `resolv.conf`: it answers what it knows and passes everything else on to those that were there before, which stay in
//! the file for when it is away.

use std::collections::BTreeSet;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

const PORT: u16 = 53;
const MARK: &str = "# added by wharf; taken away by: wharf dns remove";

/// Where a machine has its settings.
#[derive(Clone, Debug)]
pub struct Machine {
    /// `/etc`
    pub etc: PathBuf,
    /// `/run`
    pub run: PathBuf,
    /// What was changed is remembered here.
    pub memory: PathBuf,
    /// Tells several clouds on one machine apart.
    pub instance: String,
}

/// What has to be done so that a change of files counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Follow {
    Nothing,
    /// systemd-resolved reads its settings when it is told to.
    ReloadResolved,
}

/// How names come to the name server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    pub domains: Vec<String>,
    /// The file that was changed.
    pub file: PathBuf,
    pub follow: Follow,
}

#[derive(Debug, thiserror::Error)]
pub enum MachineError {
    #[error("{0} is not the name of a domain")]
    Domain(String),
    #[error("{path}: {cause}")]
    File { path: PathBuf, cause: io::Error },
    #[error(
        "resolv.conf cannot name a port, and the name server answers on {0}: something else has port 53 of that address"
    )]
    Port(SocketAddr),
    #[error("{0} is not installed")]
    NotInstalled(String),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Memory {
    domains: BTreeSet<String>,
    change: Change,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Change {
    /// A file of our own.
    Resolved {
        folder_made: bool,
    },
    ResolvConf {
        before: Before,
        written: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Before {
    Nothing,
    File { content: Vec<u8>, mode: u32 },
    Link(PathBuf),
}

impl Machine {
    fn resolv_conf(&self) -> PathBuf {
        self.etc.join("resolv.conf")
    }

    fn drop_ins(&self) -> PathBuf {
        self.etc.join("systemd/resolved.conf.d")
    }

    fn drop_in(&self) -> PathBuf {
        self.drop_ins().join(format!("wharf-{}.conf", self.instance))
    }

    /// Whether programs ask systemd-resolved.
    fn has_resolved(&self) -> bool {
        let linked = std::fs::canonicalize(self.resolv_conf());
        let running = self.run.join("systemd/resolve/io.systemd.Resolve").exists();
        running && linked.is_ok_and(|it| it.starts_with(self.run.join("systemd/resolve")))
    }

    /// The domains that lead to the name server now.
    ///
    /// # Errors
    /// When what is remembered cannot be read.
    pub fn domains(&self) -> Result<Vec<String>, MachineError> {
        Ok(self
            .remembered()?
            .map_or_else(Vec::new, |it| it.domains.into_iter().collect()))
    }

    /// Leads one more domain to the name server. Safe to repeat.
    ///
    /// # Errors
    /// When the name is none, or a file cannot be changed; then nothing is.
    pub fn install(&self, domain: &str, server: SocketAddr) -> Result<Installed, MachineError> {
        let domain = normal(domain)?;
        let remembered = self.remembered()?;
        let mut domains = remembered
            .as_ref()
            .map(|it| it.domains.clone())
            .unwrap_or_default();
        domains.insert(domain);
        let resolved = match &remembered {
            Some(memory) => matches!(memory.change, Change::Resolved { .. }),
            None => self.has_resolved(),
        };
        if !resolved && server.port() != PORT {
            return Err(MachineError::Port(server));
        }
        let change = match remembered {
            Some(memory) => self.renewed(memory.change, server)?,
            None if resolved => Change::Resolved {
                folder_made: !self.drop_ins().exists(),
            },
            None => {
                let before = self.before()?;
                let written = with_server(&self.content()?, server);
                Change::ResolvConf { before, written }
            }
        };
        let memory = Memory { domains, change };
        // Remembered first: what is remembered and not done is undone without harm.
        self.remember(Some(&memory))?;
        match &memory.change {
            Change::Resolved { .. } => self.write_drop_in(&memory.domains, server)?,
            Change::ResolvConf { written, .. } => self.write_resolv_conf(written)?,
        }
        Ok(self.installed(&memory))
    }

    /// Takes one domain away again; with the last one everything is as it was before the first.
    ///
    /// # Errors
    /// When it is not installed, or a file cannot be changed.
    pub fn remove(&self, domain: &str, server: SocketAddr) -> Result<Installed, MachineError> {
        let domain = normal(domain)?;
        let mut memory = self
            .remembered()?
            .filter(|it| it.domains.contains(&domain))
            .ok_or_else(|| MachineError::NotInstalled(domain.clone()))?;
        memory.domains.remove(&domain);
        let left = self.installed(&memory);
        if memory.domains.is_empty() {
            self.undo(&memory.change)?;
            self.remember(None)?;
        } else {
            if let Change::Resolved { .. } = memory.change {
                self.write_drop_in(&memory.domains, server)?;
            }
            self.remember(Some(&memory))?;
        }
        Ok(left)
    }

    /// What somebody else has written since the first domain counts from now on as what was there before.
    fn renewed(&self, change: Change, server: SocketAddr) -> Result<Change, MachineError> {
        let Change::ResolvConf { before, written } = change else {
            return Ok(change);
        };
        let now = self.content()?;
        if now == written {
            return Ok(Change::ResolvConf { before, written });
        }
        let before = match self.before()? {
            Before::File { mode, .. } => Before::File {
                content: without_server(&now).into_bytes(),
                mode,
            },
            other => other,
        };
        let written = with_server(&now, server);
        Ok(Change::ResolvConf { before, written })
    }

    fn installed(&self, memory: &Memory) -> Installed {
        let (file, follow) = match memory.change {
            Change::Resolved { .. } => (self.drop_in(), Follow::ReloadResolved),
            Change::ResolvConf { .. } => (self.resolv_conf(), Follow::Nothing),
        };
        Installed {
            domains: memory.domains.iter().cloned().collect(),
            file,
            follow,
        }
    }

    fn undo(&self, change: &Change) -> Result<(), MachineError> {
        let path = self.resolv_conf();
        match change {
            Change::Resolved { folder_made } => {
                gone(&self.drop_in())?;
                if *folder_made {
                    // Others may have put something there since.
                    let _ = std::fs::remove_dir(self.drop_ins());
                }
                Ok(())
            }
            Change::ResolvConf { before, written } => {
                let now = self.content()?;
                if without_server(&now) == now {
                    // Somebody else has put it back already.
                    return Ok(());
                }
                if now != *written {
                    // Somebody else has changed it since: only what is ours goes.
                    return self.write_resolv_conf(&without_server(&now));
                }
                match before {
                    Before::Nothing => gone(&path),
                    Before::File { content, mode } => replace(&path, content, *mode),
                    Before::Link(target) => {
                        gone(&path)?;
                        std::os::unix::fs::symlink(target, &path).map_err(at(&path))
                    }
                }
            }
        }
    }

    fn before(&self) -> Result<Before, MachineError> {
        let path = self.resolv_conf();
        match std::fs::symlink_metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Before::Nothing),
            Err(cause) => Err(at(&path)(cause)),
            Ok(found) if found.is_symlink() => std::fs::read_link(&path).map(Before::Link).map_err(at(&path)),
            Ok(found) => Ok(Before::File {
                content: std::fs::read(&path).map_err(at(&path))?,
                mode: found.permissions().mode(),
            }),
        }
    }

    fn content(&self) -> Result<String, MachineError> {
        let path = self.resolv_conf();
        match std::fs::read(&path) {
            Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
            Err(cause) => Err(at(&path)(cause)),
        }
    }

    /// A link is not followed: what is behind it belongs to somebody else.
    fn write_resolv_conf(&self, text: &str) -> Result<(), MachineError> {
        let path = self.resolv_conf();
        let mode = match self.before()? {
            Before::File { mode, .. } => mode,
            Before::Nothing | Before::Link(_) => 0o644,
        };
        replace(&path, text.as_bytes(), mode)
    }

    fn write_drop_in(&self, domains: &BTreeSet<String>, server: SocketAddr) -> Result<(), MachineError> {
        let folder = self.drop_ins();
        std::fs::create_dir_all(&folder).map_err(at(&folder))?;
        let domains: Vec<String> = domains.iter().map(|it| format!("~{it}")).collect();
        let server = match server.port() {
            PORT => server.ip().to_string(),
            _ => server.to_string(),
        };
        let text = format!(
            "{MARK}\n[Resolve]\nDNS={server}\nDomains={}\nDNSSEC=no\n",
            domains.join(" ")
        );
        replace(&self.drop_in(), text.as_bytes(), 0o644)
    }

    fn remembered(&self) -> Result<Option<Memory>, MachineError> {
        match std::fs::read(&self.memory) {
            Ok(bytes) => {
                let parsed = serde_json::from_slice(&bytes);
                Ok(Some(parsed.map_err(|cause| at(&self.memory)(cause.into()))?))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(at(&self.memory)(cause)),
        }
    }

    fn remember(&self, memory: Option<&Memory>) -> Result<(), MachineError> {
        match memory {
            None => gone(&self.memory),
            Some(memory) => {
                let bytes =
                    serde_json::to_vec_pretty(memory).map_err(|cause| at(&self.memory)(cause.into()))?;
                replace(&self.memory, &bytes, 0o600)
            }
        }
    }
}

fn at(path: &Path) -> impl Fn(io::Error) -> MachineError {
    move |cause| MachineError::File {
        path: path.to_owned(),
        cause,
    }
}

fn gone(path: &Path) -> Result<(), MachineError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(path)(error)),
        _ => Ok(()),
    }
}

/// As a whole, where that can be done; a file that is mounted by itself is written in place.
fn replace(path: &Path, content: &[u8], mode: u32) -> Result<(), MachineError> {
    let new = path.with_extension(format!("wharf-{}", std::process::id()));
    let write = |to: &Path| -> io::Result<()> {
        let mut file = std::fs::File::create(to)?;
        file.write_all(content)?;
        file.set_permissions(std::fs::Permissions::from_mode(mode & 0o7777))?;
        file.sync_all()
    };
    let replaced = write(&new).and_then(|()| std::fs::rename(&new, path));
    replaced
        .or_else(|error| {
            let _ = std::fs::remove_file(&new);
            match error.kind() {
                io::ErrorKind::ResourceBusy => write(path),
                _ => Err(error),
            }
        })
        .map_err(at(path))
}

fn with_server(content: &str, server: SocketAddr) -> String {
    format!("{MARK}\nnameserver {}\n{}", server.ip(), without_server(content))
}

/// The mark and the line behind it.
fn without_server(content: &str) -> String {
    let mut kept = String::new();
    let mut lines = content.split_inclusive('\n');
    while let Some(line) = lines.next() {
        if line.trim_end() == MARK {
            lines.next();
        } else {
            kept.push_str(line);
        }
    }
    kept
}

fn normal(domain: &str) -> Result<String, MachineError> {
    let name = domain.trim_matches('.').to_ascii_lowercase();
    let plain = |label: &str| {
        let allowed = |it: u8| it.is_ascii_alphanumeric() || it == b'-' || it == b'_';
        !label.is_empty() && label.len() <= 63 && label.bytes().all(allowed)
    };
    if name.len() > 253 || !name.split('.').all(plain) {
        return Err(MachineError::Domain(domain.to_owned()));
    }
    Ok(name)
}

#[cfg(test)]
mod tests;
