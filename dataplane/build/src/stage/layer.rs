//! Instructions that make layers: COPY, ADD, WORKDIR. (RUN is in `command`.)

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use base_diagnostic::Problem;
use base_dockerfile::{Instruction, Origin, Transfer, Word};
use dataplane_blobs::{Digest, LayerDescriptor, MEDIA_TYPE_LAYER_TAR};

use super::Progressing;
use crate::builder::{BuildError, Failure, blocking};
use crate::cache::{CachedLayer, Entry, Key, KeyBuilder};
use crate::pack::pack;
use crate::scratch::ScratchDir;
use crate::transfer::{Ownership, Picked, Placement, Rules, Selection, digest, place, select};
use crate::user::{self, Owner};
use crate::view::{Node, View};

impl Progressing<'_> {
    pub(super) async fn working_directory(
        &mut self,
        instruction: &Instruction,
        word: &Word,
    ) -> Result<(), Failure> {
        let path = self.scope.expand(word).map_err(Failure::Problem)?;
        if path.is_empty() {
            let problem = Problem::new(word.span.clone(), format!("`{}` is empty", word.text));
            return Err(Failure::Problem(problem.hint("give the variable a value")));
        }
        let path = normal(&self.directory().join(path));
        self.result.configuration.config.working_dir = path.to_string_lossy().into_owned();
        let mut key = self.key("workdir/1");
        key.part(path.as_os_str().as_encoded_bytes());
        let key = key.finish();
        if self.from_cache(instruction, &key) {
            return Ok(());
        }
        let began = Instant::now();
        let lower = self.lower().await?;
        let upper = self.scratch()?;
        let into = upper.path().to_owned();
        let made = blocking(move || {
            if let Some(node) = View::new(&lower).resolve(&path, true)?.node {
                return match node {
                    Node::Directory(_) => Ok(false),
                    Node::Other { .. } => {
                        Err(io::Error::other(format!("{} is no directory", path.display())))
                    }
                };
            }
            // An empty directory is copied there.
            let empty = into.with_extension("empty");
            let empty = ScratchDir::create(empty)?;
            let node = View::new(&[empty.path().to_owned()])
                .resolve(Path::new(""), true)?
                .node;
            let picked: Vec<Picked> = node
                .map(|node| Picked {
                    name: "".into(),
                    node,
                })
                .into_iter()
                .collect();
            let placement = Placement {
                destination: path,
                is_directory: true,
            };
            place(&lower, &into, &picked, &placement, ROOT_RULES)?;
            Ok(true)
        })
        .await;
        let made = made.map_err(|error: io::Error| at(word, error.to_string()))?;
        self.commit(instruction, key, made.then_some(upper), began).await
    }

    pub(super) async fn transfer(
        &mut self,
        instruction: &Instruction,
        transfer: &Transfer,
        is_add: bool,
    ) -> Result<(), Failure> {
        let began = Instant::now();
        let build = self.stage.build;
        let origin = build
            .dockerfile
            .origin(self.stage.number, transfer, &self.scope)
            .map_err(Failure::Problem)?;
        let view = self.view_of(&origin, transfer).await?;
        let picked = self.pick(view, transfer, &origin).await?;

        let keep = transfer.from.is_some();
        let owner = transfer
            .owner
            .as_ref()
            .map(|word| self.scope.expand(word).map_err(Failure::Problem))
            .transpose()?;
        let mode = transfer.mode.as_ref().map(|word| self.mode(word)).transpose()?;
        let placement = self.placement(transfer, picked.len())?;
        let ownership = if keep && owner.is_none() {
            Ownership::Keep
        } else {
            Ownership::Fixed(ROOT)
        };
        let mut key = self.key(if is_add { "add/1" } else { "copy/1" });
        key.part(placement.destination.as_os_str().as_encoded_bytes());
        key.part(&[u8::from(placement.is_directory)]);
        key.part(owner.as_deref().unwrap_or_default().as_bytes());
        key.part(&mode.unwrap_or(u32::MAX).to_le_bytes());
        let (key, picked) = blocking(move || {
            digest(&mut key, &picked, ownership)?;
            Ok::<_, io::Error>((key.finish(), picked))
        })
        .await?;
        if self.from_cache(instruction, &key) {
            return Ok(());
        }
        let lower = self.lower().await?;
        let ownership = match (&owner, &transfer.owner) {
            (Some(text), Some(word)) => {
                let (view, text) = (View::new(&lower), text.clone());
                let resolved = blocking(move || Ok::<_, io::Error>(user::resolve(&view, &text))).await?;
                Ownership::Fixed(resolved.map_err(|message| at(word, message))?)
            }
            _ => ownership,
        };
        let upper = self.scratch()?;
        let into = upper.path().to_owned();
        let store = build.builder.store.clone();
        let placed = blocking(move || {
            let rules = Rules { ownership, mode };
            if !is_add {
                return place(&lower, &into, &picked, &placement, rules);
            }
            for one in picked {
                // Archives give their own owners, unless --chown says otherwise.
                let unpacked = unpack_archive(&one, store.temporary())?;
                let (picked, ownership) = match &unpacked {
                    Some(directory) => (
                        whole(directory.path())?,
                        if owner.is_some() {
                            ownership
                        } else {
                            Ownership::Keep
                        },
                    ),
                    None => (vec![one], ownership),
                };
                place(&lower, &into, &picked, &placement, Rules { ownership, ..rules })?;
            }
            Ok(())
        })
        .await;
        placed.map_err(|error| at(&transfer.destination, error.to_string()))?;
        self.commit(instruction, key, Some(upper), began).await
    }

    async fn view_of(&self, origin: &Origin, transfer: &Transfer) -> Result<View, Failure> {
        let build = self.stage.build;
        let result = match origin {
            Origin::Context => return Ok(build.context.view()),
            Origin::Stage(number) => {
                let done = build.stages.get(number);
                done.ok_or_else(|| io::Error::other("a stage that is needed was not built"))?
                    .clone()
            }
            Origin::Image(name) => {
                let span = transfer.from.as_ref().map_or(0..0, |word| word.span.clone());
                build.base_image(name, span).await?
            }
        };
        Ok(View::new(&directories(build.builder, &result).await?))
    }

    async fn pick(&self, view: View, transfer: &Transfer, origin: &Origin) -> Result<Vec<Picked>, Failure> {
        let sources: Vec<String> = transfer
            .sources
            .iter()
            .map(|word| self.scope.expand(word).map_err(Failure::Problem))
            .collect::<Result<_, _>>()?;
        let shown = sources.clone();
        match blocking(move || select(&view, &sources)).await? {
            Selection::Picked(picked) => Ok(picked),
            Selection::Missing(number) => {
                let (place, hint) = match origin {
                    Origin::Context => (
                        "the build context",
                        "paths are relative to the context's folder; `.dockerignore` may leave the file out",
                    ),
                    _ => (
                        "the image or stage it is copied from",
                        "paths are relative to the root of that image",
                    ),
                };
                let message = format!("`{}` is not in {place}", shown[number]);
                Err(Failure::Problem(
                    Problem::new(transfer.sources[number].span.clone(), message).hint(hint),
                ))
            }
        }
    }

    fn placement(&self, transfer: &Transfer, picked: usize) -> Result<Placement, Failure> {
        let text = self
            .scope
            .expand(&transfer.destination)
            .map_err(Failure::Problem)?;
        let is_directory =
            picked > 1 || text.ends_with('/') || text == "." || text.ends_with("/.") || text == "..";
        Ok(Placement {
            destination: normal(&self.directory().join(&text)),
            is_directory,
        })
    }

    fn mode(&self, word: &Word) -> Result<u32, Failure> {
        let text = self.scope.expand(word).map_err(Failure::Problem)?;
        match u32::from_str_radix(&text, 8) {
            Ok(mode) if mode <= 0o7777 => Ok(mode),
            _ => {
                let problem = Problem::new(word.span.clone(), format!("`{text}` is not a mode"));
                Err(Failure::Problem(
                    problem.hint("write it as octal digits, such as `--chmod=755`"),
                ))
            }
        }
    }

    /// Begins the key of a step on top of the layers so far.
    pub fn key(&self, kind: &str) -> KeyBuilder {
        KeyBuilder::new(kind, &self.result.configuration.rootfs.diff_ids)
    }

    /// Takes the step's outcome from the cache, if it is there and wanted.
    pub fn from_cache(&mut self, instruction: &Instruction, key: &Key) -> bool {
        let build = self.stage.build;
        if build.request.no_cache {
            return false;
        }
        let Some(entry) = build.builder.cache.get(key) else {
            return false;
        };
        if self.add(instruction, &entry).is_err() {
            return false;
        }
        build.tell(format!("{} CACHED", self.stage.label()));
        true
    }

    /// The layers so far, unpacked, bottom first.
    pub async fn lower(&self) -> Result<Vec<PathBuf>, Failure> {
        Ok(directories(self.stage.build.builder, &self.result).await?)
    }

    pub fn scratch(&self) -> Result<ScratchDir, Failure> {
        Ok(ScratchDir::create(self.stage.build.builder.store.temporary())?)
    }

    /// Makes a layer of the changes (none: nothing changed), remembers it, and adds it to the image.
    pub async fn commit(
        &mut self,
        instruction: &Instruction,
        key: Key,
        upper: Option<ScratchDir>,
        began: Instant,
    ) -> Result<(), Failure> {
        let builder = self.stage.build.builder;
        let created = builder.clock.now();
        let (store, cache) = (builder.store.clone(), builder.cache.clone());
        let entry = blocking(move || {
            let layer = match upper {
                Some(upper) => {
                    let mut writer = store.writer()?;
                    pack(upper.path(), &mut writer)?;
                    let (digest, size_bytes) = writer.finish()?;
                    store.adopt_layer(upper.path(), &digest)?;
                    Some(CachedLayer {
                        digest: digest.into(),
                        size_bytes,
                    })
                }
                None => None,
            };
            let entry = Entry { layer, created };
            cache.put(&key, entry.clone())?;
            Ok::<_, BuildError>(entry)
        })
        .await?;
        self.add(instruction, &entry)?;
        self.stage.build.tell(format!(
            "{} DONE {}",
            self.stage.label(),
            seconds(began.elapsed())
        ));
        Ok(())
    }

    fn add(&mut self, instruction: &Instruction, entry: &Entry) -> Result<(), BuildError> {
        if let Some(layer) = &entry.layer {
            let digest = Digest::parse(&layer.digest).map_err(io::Error::other)?;
            // A plain archive is its own diff id.
            self.result.configuration.rootfs.diff_ids.push(digest.to_string());
            self.result.layers.push(LayerDescriptor {
                digest,
                media_type: MEDIA_TYPE_LAYER_TAR.to_owned(),
                size_bytes: layer.size_bytes,
            });
        }
        self.record(instruction, entry.layer.as_ref().map(|_| entry.created));
        Ok(())
    }
}

const ROOT: Owner = Owner { user: 0, group: 0 };
const ROOT_RULES: Rules = Rules {
    ownership: Ownership::Fixed(ROOT),
    mode: None,
};

async fn directories(
    builder: &crate::builder::Builder,
    result: &super::StageResult,
) -> Result<Vec<PathBuf>, BuildError> {
    let diff_ids = result.configuration.rootfs.diff_ids.iter();
    let layers = result.layers.iter().cloned().zip(diff_ids);
    let layers: Vec<_> = layers
        .map(|(layer, diff_id)| Ok((layer, Digest::parse(diff_id)?)))
        .collect::<Result<_, contract::image::BlobError>>()
        .map_err(io::Error::other)?;
    Ok(builder.store.directories_of(layers).await?)
}

fn at(word: &Word, message: String) -> Failure {
    Failure::Problem(Problem::new(word.span.clone(), message))
}

/// Without `.` and `..`, which stops at the root.
fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::from("/");
    for part in path.components() {
        match part {
            std::path::Component::Normal(name) => out.push(name),
            std::path::Component::ParentDir => {
                out.pop();
            }
            _ => {}
        }
    }
    out
}

/// Everything below a directory, as one source.
fn whole(directory: &Path) -> io::Result<Vec<Picked>> {
    let node = View::new(&[directory.to_owned()])
        .resolve(Path::new(""), true)?
        .node;
    Ok(node
        .map(|node| Picked {
            name: "".into(),
            node,
        })
        .into_iter()
        .collect())
}

/// ADD unpacks archives (by their content, whatever their name); `None` if it is none.
fn unpack_archive(picked: &Picked, scratch: PathBuf) -> io::Result<Option<ScratchDir>> {
    let Node::Other { path, metadata } = &picked.node else {
        return Ok(None);
    };
    if !metadata.is_file() || !is_archive(path)? {
        return Ok(None);
    }
    let directory = ScratchDir::create(scratch)?;
    dataplane_blobs::extract(std::fs::File::open(path)?, directory.path()).map_err(io::Error::other)?;
    Ok(Some(directory))
}

fn is_archive(path: &Path) -> io::Result<bool> {
    let head = dataplane_blobs::head(std::fs::File::open(path)?, 512);
    match head {
        Ok(head) => Ok(head.len() == 512 && (&head[257..262] == b"ustar")),
        // What only begins like a compressed file is an ordinary one.
        Err(_) => Ok(false),
    }
}

fn seconds(duration: Duration) -> String {
    format!("{:.1}s", duration.as_secs_f64())
}
