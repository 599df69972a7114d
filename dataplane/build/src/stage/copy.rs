//! COPY and ADD as steps: asked of the cache by what they take, then laid down.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use base_dockerfile::{Instruction, Transfer};

use super::Progressing;
use super::layer::at;
use super::order::Order;
use crate::builder::{Failure, blocking};
use crate::scratch::ScratchDir;
use crate::transfer::{Ownership, Picked, Rules, digest, place};
use crate::user;
use crate::view::{Node, View};

impl Progressing<'_> {
    pub(super) async fn transfer(
        &mut self,
        instruction: &Instruction,
        transfer: &Transfer,
        is_add: bool,
    ) -> Result<(), Failure> {
        let began = Instant::now();
        let mut order = self.order(transfer, is_add).await?;
        if let Some(word) = transfer.owner.as_ref().filter(|_| transfer.link) {
            // With `--link` nothing below decides but what the names mean.
            order.ownership = self.resolve_owner(&order, word).await?;
        }
        let kind = if is_add { "add/2" } else { "copy/2" };
        let mut key = if transfer.link {
            self.free_key(kind)
        } else {
            self.key(kind)
        };
        let (key, hashed) = blocking(move || {
            key.part(order.placement.destination.as_os_str().as_encoded_bytes());
            key.part(&[u8::from(order.placement.is_directory), u8::from(order.unpacks)]);
            key.part(order.owner.as_deref().unwrap_or_default().as_bytes());
            key.part(format!("{:?} {:?}", order.ownership, order.mode).as_bytes());
            digest(&mut key, &order.picked, order.ownership, &order.excludes)?;
            Ok::<_, io::Error>((key.finish(), order))
        })
        .await?;
        order = hashed;
        if self.take_from_cache(instruction, &key) {
            return Ok(());
        }
        let lower = if transfer.link {
            Vec::new()
        } else {
            self.lower().await?
        };
        if let Some(word) = transfer.owner.as_ref().filter(|_| !transfer.link) {
            order.ownership = self.resolve_owner(&order, word).await?;
        }
        let upper = self.scratch()?;
        let into = upper.path().to_owned();
        let store = self.stage.build.builder.store.clone();
        let laid = blocking(move || order.lay(&lower, &into, || store.temporary())).await;
        laid.map_err(|error| at(&transfer.destination, error.to_string()))?;
        self.commit(instruction, key, Some(upper), began).await
    }

    /// The numbers behind `--chown`, by the image's own users and groups.
    async fn resolve_owner(&self, order: &Order, word: &base_dockerfile::Word) -> Result<Ownership, Failure> {
        let text = order.owner.clone().unwrap_or_default();
        if let Some(owner) = user::numbers(&text) {
            return Ok(Ownership::Fixed(owner));
        }
        let view = View::new(&self.lower().await?);
        let owner = blocking(move || Ok::<_, io::Error>(user::resolve(&view, &text))).await?;
        Ok(Ownership::Fixed(owner.map_err(|message| at(word, message))?))
    }
}

impl Order {
    fn lay(&self, lower: &[PathBuf], into: &Path, scratch: impl Fn() -> PathBuf) -> io::Result<()> {
        let rules = Rules {
            mode: self.mode.as_ref(),
            excludes: Some(&self.excludes),
            ..Rules::new(self.ownership)
        };
        for one in &self.picked {
            let unpacked = if self.unpacks || (self.is_add && !one.fetched && !self.keeps_archives) {
                unpack_archive(one, scratch())?
            } else {
                None
            };
            let Some(directory) = unpacked else {
                place(lower, into, std::slice::from_ref(one), &self.placement, rules)?;
                continue;
            };
            // Archives give their own owners, unless --chown says otherwise.
            let ownership = if self.owner.is_none() {
                Ownership::Keep
            } else {
                self.ownership
            };
            let rules = Rules { ownership, ..rules };
            let whole: Vec<Picked> = Picked::whole(directory.path())?.into_iter().collect();
            place(lower, into, &whole, &self.placement, rules)?;
        }
        Ok(())
    }
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
    let unpacked = dataplane_blobs::extract(std::fs::File::open(path)?, directory.path());
    let name = picked.name.display();
    unpacked.map_err(|error| io::Error::other(format!("the archive `{name}`: {error}")))?;
    Ok(Some(directory))
}

fn is_archive(path: &Path) -> io::Result<bool> {
    let head = dataplane_blobs::head(std::fs::File::open(path)?, 512);
    match head {
        Ok(head) => Ok(head.len() == 512 && dataplane_blobs::is_tar(&head)),
        // What only begins like a compressed file is an ordinary one.
        Err(_) => Ok(false),
    }
}
