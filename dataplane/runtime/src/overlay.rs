//! A container's root: an overlay of the image's layers and a directory for what the container writes.
//!
//! Mounted in the shim's own mount namespace, so nothing is left mounted when the shim and its containers are gone.

use std::collections::HashSet;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use nix::mount::{MntFlags, MsFlags, mount, umount2};

/// The kernel takes no more lower directories than this in one mount.
const LAYERS_MAX: usize = 499;
/// Mount points that every container needs. A layer of them lies below the image, so that nothing has to be made
/// inside the layer that takes the container's changes.
const DIRECTORIES: [&str; 4] = ["proc", "sys", "dev", "etc"];
const FILES: [&str; 3] = ["etc/resolv.conf", "etc/hosts", "etc/hostname"];

pub(crate) struct Overlay {
    pub root: PathBuf,
}

impl Overlay {
    /// Mounts `lower` (bottom first) and `upper` at `directory/root`. `targets` are further files (`false`) and
    /// directories (`true`) that shall exist to be mounted on.
    pub fn mount(
        directory: &Path,
        lower: &[PathBuf],
        upper: &Path,
        work: &Path,
        targets: &[(&Path, bool)],
    ) -> io::Result<Self> {
        if lower.len() > LAYERS_MAX {
            let sentence = format!(
                "an image of {} layers; this machine mounts at most {LAYERS_MAX}",
                lower.len()
            );
            return Err(io::Error::new(io::ErrorKind::InvalidInput, sentence));
        }
        let root = directory.join("root");
        let links = directory.join("links");
        for made in [&root, &links] {
            fs::create_dir_all(made)?;
        }
        make_skeleton(&directory.join("skeleton"), targets)?;
        // Options must fit into one page, and a path may hold a colon or comma: short links have neither trouble.
        let mut names = Vec::with_capacity(lower.len() + 1);
        // An image may have the same layer twice, which overlayfs refuses. What stands on top hides the other anyway.
        let mut seen = HashSet::new();
        let once = lower.iter().rev().filter(|layer| seen.insert(*layer));
        for (number, layer) in once.enumerate() {
            symlink(layer, links.join(number.to_string()))?;
            names.push(number.to_string());
        }
        symlink(directory.join("skeleton"), links.join("s"))?;
        names.push("s".to_owned());
        symlink(upper, links.join("u"))?;
        symlink(work, links.join("w"))?;
        // Volatile: nobody needs what a container wrote after a crash of the machine, and unmounting then does not
        // wait for the disk. Redirects and metadata copies would be private to overlayfs, and the upper directory
        // may become a layer.
        let options = format!(
            "lowerdir={},upperdir=u,workdir=w,volatile,index=off,redirect_dir=off,metacopy=off",
            names.join(":")
        );
        let before = env::current_dir()?;
        env::set_current_dir(&links)?;
        let mounted = mount(
            Some("overlay"),
            &root,
            Some("overlay"),
            MsFlags::empty(),
            Some(options.as_str()),
        );
        env::set_current_dir(before)?;
        mounted.map_err(|error| io::Error::other(format!("the layers cannot be mounted: {error}")))?;
        Ok(Self { root })
    }

    pub fn unmount(&self) {
        let _ = umount2(&self.root, MntFlags::MNT_DETACH);
    }
}

fn make_skeleton(skeleton: &Path, targets: &[(&Path, bool)]) -> io::Result<()> {
    for name in DIRECTORIES {
        fs::create_dir_all(skeleton.join(name))?;
    }
    for name in FILES {
        fs::write(skeleton.join(name), "")?;
    }
    for (target, directory) in targets {
        // Only plain names: what is asked for may not lead out of the skeleton.
        let relative: PathBuf = target
            .components()
            .filter(|component| matches!(component, std::path::Component::Normal(_)))
            .collect();
        let place = skeleton.join(relative);
        if place.exists() {
            continue;
        }
        if *directory {
            fs::create_dir_all(place)?;
        } else {
            if let Some(parent) = place.parent() {
                fs::create_dir_all(parent)?;
            }
            fs::write(place, "")?;
        }
    }
    Ok(())
}
