//! RUN: what only the command sees. First the wishes, which are part of the step's key; then, if the cache does not
//! have its outcome, the directories and files themselves.

mod store;

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

use base_diagnostic::Problem;
use base_dockerfile::{Ignore, Mount, MountKind, Run, SCRIPT_FOLDER, Sharing, Word};
use bytes::Bytes;
use dataplane_runtime::{Bind, StepMemory};

use crate::builder::{BuildError, Failure, blocking};
use crate::cache::KeyBuilder;
use crate::scratch::ScratchDir;
use crate::stage::{Progressing, at, normal};
use crate::transfer::{Ownership, Picked, Placement, Rules, digest, place};
use crate::user::Owner;
use crate::view::Node;
pub(crate) use store::{Lease, MountStore};

const SECRETS: &str = "/run/secrets";
const SECRET_MODE: u32 = 0o400;
const CACHE_MODE: u32 = 0o755;

/// A mount with its variables replaced and its source found.
pub(crate) struct Wish {
    target: PathBuf,
    what: What,
}

enum What {
    Bind {
        node: Node,
        readonly: bool,
    },
    Cache {
        id: String,
        /// What it holds at first.
        node: Option<Node>,
        readonly: bool,
        sharing: Sharing,
        mode: u32,
        owner: Owner,
    },
    Secret {
        id: String,
        value: Option<Bytes>,
        /// It is also, or only, a variable.
        variable: Option<String>,
        as_file: bool,
        mode: u32,
        owner: Owner,
    },
    Memory {
        size_bytes: Option<u64>,
    },
}

/// What the command is given. Held until it has ended.
#[derive(Default)]
pub(crate) struct Mounted {
    pub binds: Vec<Bind>,
    pub memory: Vec<StepMemory>,
    pub variables: Vec<(String, String)>,
    _copies: Vec<ScratchDir>,
    _leases: Vec<Lease>,
}

impl Progressing<'_> {
    pub(crate) async fn wishes(&self, run: &Run) -> Result<Vec<Wish>, Failure> {
        let mut wishes = Vec::new();
        for mount in &run.mounts {
            wishes.push(self.wish(mount).await?);
        }
        Ok(wishes)
    }

    async fn wish(&self, mount: &Mount) -> Result<Wish, Failure> {
        let text = |word: &Option<Word>| self.mount_text(word);
        let written = text(&mount.target)?;
        let id = text(&mount.id)?;
        let what = match mount.kind {
            MountKind::Bind => What::Bind {
                node: self.mount_source(mount).await?,
                readonly: mount.readonly,
            },
            MountKind::Cache => What::Cache {
                id: id.unwrap_or_else(|| written.clone().unwrap_or_default()),
                node: match mount.from.is_some() || mount.source.is_some() {
                    true => Some(self.mount_source(mount).await?),
                    false => None,
                },
                readonly: mount.readonly,
                sharing: mount.sharing,
                mode: self.mount_number(&mount.mode, 8)?.unwrap_or(CACHE_MODE) & 0o7777,
                owner: self.mount_owner(mount)?,
            },
            MountKind::Secret => return self.secret(mount, id, written),
            MountKind::Tmpfs => What::Memory {
                size_bytes: match (&mount.size, text(&mount.size)?) {
                    (Some(word), Some(size)) => {
                        Some(parse_size(&size).ok_or_else(|| at(word, format!("`{size}` is not a size")))?)
                    }
                    _ => None,
                },
            },
        };
        let target = self.mount_target(mount, &written.unwrap_or_default())?;
        Ok(Wish { target, what })
    }

    fn secret(&self, mount: &Mount, id: Option<String>, written: Option<String>) -> Result<Wish, Failure> {
        let base = |path: &str| {
            path.trim_end_matches('/')
                .rsplit('/')
                .next()
                .unwrap_or_default()
                .to_owned()
        };
        let id = id.unwrap_or_else(|| base(written.as_deref().unwrap_or_default()));
        let given = self.stage.build.request.secrets.iter();
        let value = given
            .rev()
            .find(|secret| secret.id == id)
            .map(|secret| secret.value.clone());
        if value.is_none() && mount.required {
            let problem = Problem::new(mount.span.clone(), format!("the secret `{id}` was not given"));
            return Err(Failure::Problem(
                problem.hint("leave `required` out if the step can do without it"),
            ));
        }
        let variable = self.mount_text(&mount.variable)?;
        let as_file = variable.is_none() || written.is_some();
        let written = written.unwrap_or_else(|| format!("{SECRETS}/{}", base(&id)));
        Ok(Wish {
            target: self.mount_target(mount, &written)?,
            what: What::Secret {
                id,
                value,
                variable,
                as_file,
                mode: self.mount_number(&mount.mode, 8)?.unwrap_or(SECRET_MODE) & 0o7777,
                owner: self.mount_owner(mount)?,
            },
        })
    }

    fn mount_text(&self, word: &Option<Word>) -> Result<Option<String>, Failure> {
        let expand = |word: &Word| self.scope.expand(word).map_err(Failure::Problem);
        word.as_ref().map(expand).transpose()
    }

    fn mount_number(&self, word: &Option<Word>, radix: u32) -> Result<Option<u32>, Failure> {
        let (Some(word), Some(text)) = (word, self.mount_text(word)?) else {
            return Ok(None);
        };
        match u32::from_str_radix(&text, radix) {
            Ok(number) => Ok(Some(number)),
            Err(_) => Err(at(word, format!("`{text}` of the mount is not a number"))),
        }
    }

    fn mount_owner(&self, mount: &Mount) -> Result<Owner, Failure> {
        Ok(Owner {
            user: self.mount_number(&mount.user, 10)?.unwrap_or(0),
            group: self.mount_number(&mount.group, 10)?.unwrap_or(0),
        })
    }

    fn mount_target(&self, mount: &Mount, written: &str) -> Result<PathBuf, Failure> {
        let target = normal(&self.directory().join(written));
        if target == Path::new("/") {
            let problem = Problem::new(mount.span.clone(), "a mount cannot take the place of `/`");
            return Err(Failure::Problem(problem.hint("name a folder below it")));
        }
        Ok(target)
    }

    async fn mount_source(&self, mount: &Mount) -> Result<Node, Failure> {
        let dockerfile = self.stage.build.dockerfile;
        let origin = dockerfile.origin_of(self.stage.number(), mount.from.as_ref(), &self.scope);
        let origin = origin.map_err(Failure::Problem)?;
        let view = self.view_of(&origin, mount.from.as_ref()).await?;
        let source = self.mount_text(&mount.source)?.unwrap_or_default();
        let path = PathBuf::from(base_dockerfile::clean_source(&source));
        let found = blocking(move || view.resolve(&path, true)).await?;
        found.node.ok_or_else(|| {
            let message = format!("`{source}`, the source of the mount, is not there");
            Failure::Problem(Problem::new(mount.span.clone(), message))
        })
    }

    /// Makes what the wishes say. `files` takes what is small.
    pub(crate) async fn mount(
        &self,
        run: &Run,
        wishes: Vec<Wish>,
        files: &ScratchDir,
    ) -> Result<Mounted, Failure> {
        let mut mounted = Mounted::default();
        if let Some(script) = &run.script {
            let path = files.path().join("script");
            fs::write(&path, &script.body)?;
            fs::set_permissions(&path, Permissions::from_mode(0o755))?;
            mounted.bind(path, Path::new(SCRIPT_FOLDER).join(&script.name), true);
        }
        // In the order of their ids, so that two builds never wait for each other.
        let mut ids: BTreeMap<String, Sharing> = BTreeMap::new();
        for wish in &wishes {
            if let What::Cache { id, sharing, .. } = &wish.what {
                ids.entry(id.clone()).or_insert(*sharing);
            }
        }
        let mut leases: BTreeMap<String, Lease> = BTreeMap::new();
        for (id, sharing) in ids {
            let lease = self.stage.build.builder.mounts.lease(&id, sharing).await?;
            leases.insert(id, lease);
        }
        for (number, wish) in wishes.into_iter().enumerate() {
            match wish.what {
                What::Bind { node, readonly } => {
                    let source = self.bind_source(node, readonly, &mut mounted).await?;
                    mounted.bind(source, wish.target, readonly);
                }
                What::Cache {
                    id,
                    node,
                    readonly,
                    mode,
                    owner,
                    ..
                } => {
                    let Some(lease) = leases.get_mut(&id) else {
                        continue;
                    };
                    if std::mem::take(&mut lease.is_new) {
                        fill(&lease.path, node, mode, owner).await?;
                    }
                    mounted.bind(lease.path.clone(), wish.target, readonly);
                }
                What::Secret {
                    value: Some(value),
                    variable,
                    as_file,
                    mode,
                    owner,
                    ..
                } => {
                    if let Some(variable) = variable {
                        let text = String::from_utf8_lossy(&value).into_owned();
                        mounted.variables.push((variable, text));
                    }
                    if as_file {
                        let path = files.path().join(format!("secret-{number}"));
                        write_secret(&path, &value, mode, owner)?;
                        mounted.bind(path, wish.target, true);
                    }
                }
                What::Secret { value: None, .. } => {}
                What::Memory { size_bytes } => mounted.memory.push(StepMemory {
                    target: wish.target,
                    size_bytes,
                }),
            }
        }
        mounted._leases = leases.into_values().collect();
        Ok(mounted)
    }

    /// What is only read is mounted as it lies there, if it lies in one layer; everything else is a copy, which is
    /// thrown away with what the command does to it.
    async fn bind_source(
        &self,
        node: Node,
        readonly: bool,
        mounted: &mut Mounted,
    ) -> Result<PathBuf, Failure> {
        match &node {
            Node::Other { path, .. } if readonly => return Ok(path.clone()),
            Node::Directory(directory) if readonly => {
                if let Some(only) = directory.only() {
                    return Ok(only.to_owned());
                }
            }
            _ => {}
        }
        let copy = self.scratch()?;
        let into = copy.path().to_owned();
        let is_directory = matches!(node, Node::Directory(_));
        blocking(move || copy_node(node, &into, readonly)).await?;
        let source = match is_directory {
            true => copy.path().to_owned(),
            false => copy.path().join("file"),
        };
        mounted._copies.push(copy);
        Ok(source)
    }
}

impl Mounted {
    fn bind(&mut self, source: PathBuf, target: PathBuf, readonly: bool) {
        self.binds.push(Bind {
            source,
            target,
            readonly,
        });
    }

    /// Whether the command may have changed a cache.
    pub fn has_caches(&self) -> bool {
        !self._leases.is_empty()
    }
}

/// Adds what a command can see of its mounts; a cache's content and a secret's value are no part of it. Blocks: disk.
pub(crate) fn digest_wishes(key: &mut KeyBuilder, wishes: &[Wish]) -> io::Result<()> {
    for wish in wishes {
        key.part(wish.target.as_os_str().as_encoded_bytes());
        match &wish.what {
            What::Bind { node, readonly } => {
                key.part(format!("bind {readonly}").as_bytes());
                let picked = [Picked::new("", node.clone())];
                digest(key, &picked, Ownership::Keep, &Ignore::default())?;
            }
            What::Cache { id, readonly, .. } => key.part(format!("cache {readonly} {id}").as_bytes()),
            What::Secret {
                id,
                variable,
                as_file,
                ..
            } => key.part(format!("secret {id} {variable:?} {as_file}").as_bytes()),
            What::Memory { size_bytes } => key.part(format!("memory {size_bytes:?}").as_bytes()),
        }
    }
    Ok(())
}

async fn fill(path: &Path, node: Option<Node>, mode: u32, owner: Owner) -> Result<(), BuildError> {
    let path = path.to_owned();
    blocking(move || {
        if let Some(node) = node {
            copy_node(node, &path, false)?;
        }
        chown(&path, Some(owner.user), Some(owner.group))?;
        Ok(fs::set_permissions(&path, Permissions::from_mode(mode))?)
    })
    .await
}

/// Lays a directory's content into `into`, or a file as `file`.
fn copy_node(node: Node, into: &Path, linked: bool) -> io::Result<()> {
    let is_directory = matches!(node, Node::Directory(_));
    let placement = Placement {
        destination: if is_directory { "/" } else { "/file" }.into(),
        is_directory,
    };
    let rules = Rules {
        linked,
        ..Rules::new(Ownership::Keep)
    };
    place(&[], into, &[Picked::new("file", node)], &placement, rules)
}

fn write_secret(path: &Path, value: &[u8], mode: u32, owner: Owner) -> io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = fs::OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(value)?;
    chown(path, Some(owner.user), Some(owner.group))?;
    fs::set_permissions(path, Permissions::from_mode(mode))
}

/// `100m`, `1g`, `4096`: powers of 1024, as Docker's own sizes.
fn parse_size(text: &str) -> Option<u64> {
    let text = text.trim().to_ascii_lowercase();
    let text = text
        .strip_suffix("ib")
        .or(text.strip_suffix('b'))
        .unwrap_or(&text);
    let (number, shift) = match text.chars().last()? {
        'k' => (&text[..text.len() - 1], 10),
        'm' => (&text[..text.len() - 1], 20),
        'g' => (&text[..text.len() - 1], 30),
        't' => (&text[..text.len() - 1], 40),
        _ => (text, 0),
    };
    let number: u64 = number.trim().parse().ok()?;
    number.checked_mul(1 << shift).filter(|size| *size > 0)
}

#[cfg(test)]
mod tests;
