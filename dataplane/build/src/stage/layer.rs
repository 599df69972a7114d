//! How steps become layers: the cache before, the archive after; and WORKDIR, the smallest of them.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use base_diagnostic::Problem;
use base_dockerfile::{Instruction, Word};
use dataplane_blobs::{Digest, LayerDescriptor, MEDIA_TYPE_LAYER_TAR};

use super::Progressing;
use crate::builder::{BuildError, Failure, blocking};
use crate::cache::{CachedLayer, Entry, Key, KeyBuilder};
use crate::pack::pack;
use crate::scratch::ScratchDir;
use crate::transfer::{Ownership, Picked, Placement, Rules, place};
use crate::user::Owner;
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
        if self.take_from_cache(instruction, &key) {
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
            let picked: Vec<Picked> = Picked::whole(empty.path())?.into_iter().collect();
            let placement = Placement {
                destination: path,
                is_directory: true,
            };
            place(
                &lower,
                &into,
                &picked,
                &placement,
                Rules::new(Ownership::Fixed(ROOT)),
            )?;
            Ok(true)
        })
        .await;
        let made = made.map_err(|error: io::Error| at(word, error.to_string()))?;
        self.commit(instruction, key, made.then_some(upper), began).await
    }

    /// Begins the key of a step on top of the layers so far.
    pub fn key(&self, kind: &str) -> KeyBuilder {
        KeyBuilder::new(kind, &self.result.configuration.rootfs.diff_ids)
    }

    /// The same for a step that does not look at the layers below.
    pub fn free_key(&self, kind: &str) -> KeyBuilder {
        KeyBuilder::new(&format!("{kind} alone"), &[])
    }

    /// Takes the step's outcome from the cache, if it is there and wanted.
    pub fn take_from_cache(&mut self, instruction: &Instruction, key: &Key) -> bool {
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

pub(super) const ROOT: Owner = Owner { user: 0, group: 0 };

pub(super) async fn directories(
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

pub(crate) fn at(word: &Word, message: String) -> Failure {
    Failure::Problem(Problem::new(word.span.clone(), message))
}

/// Without `.` and `..`, which stops at the root.
pub(crate) fn normal(path: &Path) -> PathBuf {
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

fn seconds(duration: Duration) -> String {
    format!("{:.1}s", duration.as_secs_f64())
}
