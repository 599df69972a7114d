//! COPY and ADD as steps: what is taken, under which key, and how it is laid down.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use base_diagnostic::Problem;
use base_dockerfile::{Instruction, Origin, Transfer, Word};

use super::Progressing;
use super::layer::{ROOT, at, directories, normal};
use crate::builder::{Failure, blocking};
use crate::scratch::ScratchDir;
use crate::transfer::{Ownership, Picked, Placement, Rules, Selection, digest, place, select};
use crate::user;
use crate::view::{Node, View};

/// An instruction with its variables replaced and its sources found.
struct Order {
    picked: Vec<Picked>,
    placement: Placement,
    /// `--chown`, as written: its names are known only with the layers below.
    owner: Option<String>,
    ownership: Ownership,
    mode: Option<u32>,
    is_add: bool,
}

impl Progressing<'_> {
    pub(super) async fn transfer(
        &mut self,
        instruction: &Instruction,
        transfer: &Transfer,
        is_add: bool,
    ) -> Result<(), Failure> {
        let began = Instant::now();
        let mut order = self.order(transfer, is_add).await?;
        let mut key = self.key(if is_add { "add/1" } else { "copy/1" });
        let (key, hashed) = blocking(move || {
            key.part(order.placement.destination.as_os_str().as_encoded_bytes());
            key.part(&[u8::from(order.placement.is_directory)]);
            key.part(order.owner.as_deref().unwrap_or_default().as_bytes());
            key.part(&order.mode.unwrap_or(u32::MAX).to_le_bytes());
            digest(&mut key, &order.picked, order.ownership)?;
            Ok::<_, io::Error>((key.finish(), order))
        })
        .await?;
        order = hashed;
        if self.take_from_cache(instruction, &key) {
            return Ok(());
        }
        let lower = self.lower().await?;
        if let (Some(text), Some(word)) = (order.owner.clone(), &transfer.owner) {
            let view = View::new(&lower);
            let owner = blocking(move || Ok::<_, io::Error>(user::resolve(&view, &text))).await?;
            order.ownership = Ownership::Fixed(owner.map_err(|message| at(word, message))?);
        }
        let upper = self.scratch()?;
        let into = upper.path().to_owned();
        let store = self.stage.build.builder.store.clone();
        let laid = blocking(move || order.lay(&lower, &into, || store.temporary())).await;
        laid.map_err(|error| at(&transfer.destination, error.to_string()))?;
        self.commit(instruction, key, Some(upper), began).await
    }

    async fn order(&self, transfer: &Transfer, is_add: bool) -> Result<Order, Failure> {
        let dockerfile = self.stage.build.dockerfile;
        let origin = dockerfile
            .origin(self.stage.number, transfer, &self.scope)
            .map_err(Failure::Problem)?;
        let view = self.view_of(&origin, transfer).await?;
        let picked = self.pick(view, transfer, &origin).await?;
        let expand = |word: &Word| self.scope.expand(word).map_err(Failure::Problem);
        let owner = transfer.owner.as_ref().map(expand).transpose()?;
        let mode = transfer.mode.as_ref().map(|word| self.mode(word)).transpose()?;
        let placement = self.placement(transfer, picked.len())?;
        // What a stage or image made keeps its owner; what comes from outside belongs to root.
        let keep = transfer.from.is_some() && owner.is_none();
        let ownership = if keep {
            Ownership::Keep
        } else {
            Ownership::Fixed(ROOT)
        };
        Ok(Order {
            picked,
            placement,
            owner,
            ownership,
            mode,
            is_add,
        })
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
}

impl Order {
    fn lay(&self, lower: &[PathBuf], into: &Path, scratch: impl Fn() -> PathBuf) -> io::Result<()> {
        let rules = Rules {
            ownership: self.ownership,
            mode: self.mode,
        };
        if !self.is_add {
            return place(lower, into, &self.picked, &self.placement, rules);
        }
        for one in &self.picked {
            match unpack_archive(one, scratch())? {
                Some(directory) => {
                    // Archives give their own owners, unless --chown says otherwise.
                    let ownership = if self.owner.is_none() {
                        Ownership::Keep
                    } else {
                        self.ownership
                    };
                    let rules = Rules { ownership, ..rules };
                    place(lower, into, &whole(directory.path())?, &self.placement, rules)?;
                }
                None => place(lower, into, std::slice::from_ref(one), &self.placement, rules)?,
            }
        }
        Ok(())
    }
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
