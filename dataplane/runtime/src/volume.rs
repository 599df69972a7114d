//! A task's volumes: where they lie, how new ones are filled, and where a container may mount them.

use std::fs::{self, File};
use std::io;
use std::path::{Component, Path, PathBuf};

use contract::task::{Mount, Volume, VolumeSource};

use crate::fill::fill;
use crate::in_root::{InRoot, normal};
use crate::machine;
use crate::step::Bind;

/// Longer names are not file names any more.
const NAME_BYTES_MAX: usize = 200;
/// What a volume holds lies in this directory of its place.
const DATA: &str = "data";
/// Held while a volume is made or filled.
const LOCK: &str = "lock";
/// There while a volume is being filled: what is in it then is only a part.
const FILLING: &str = "filling";

pub(crate) struct Volumes {
    /// Of the task, gone with it.
    pub own: PathBuf,
    /// Of the machine.
    pub shared: PathBuf,
    /// Disk of the task that is this one's machine.
    pub host: Option<PathBuf>,
    pub volumes: Vec<Volume>,
}

impl Volumes {
    /// Makes and fills what is missing, here and in the container's root, and says what is to be mounted where: outer
    /// directories before those inside them.
    ///
    /// # Errors
    /// A sentence for a mount that cannot be.
    pub fn prepare(&self, root: &InRoot, mounts: &[Mount]) -> Result<Vec<Bind>, String> {
        let mut mounts: Vec<&Mount> = mounts.iter().collect();
        mounts.sort_by_key(|mount| normal(Path::new(&mount.path)).components().count());
        let mut binds: Vec<Bind> = Vec::new();
        for mount in mounts {
            let volume = self
                .volumes
                .iter()
                .find(|volume| volume.name == mount.volume)
                .ok_or_else(|| format!("volume {} is not one of the task's", mount.volume))?;
            let bind = self
                .bind(root, volume, mount, &binds)
                .map_err(|error| format!("volume {} cannot be mounted: {error}", volume.name))?;
            binds.push(bind);
        }
        Ok(binds)
    }

    fn bind(&self, root: &InRoot, volume: &Volume, mount: &Mount, outer: &[Bind]) -> io::Result<Bind> {
        let wanted = allowed(Path::new(&mount.path))?;
        let source = match &volume.source {
            VolumeSource::Host(path) => self.of_the_host(Path::new(path))?,
            VolumeSource::Task => self.own.join(file_name(&volume.name)?),
            VolumeSource::Shared { key } => self.shared.join(file_name(key)?),
        };
        let hosts = matches!(volume.source, VolumeSource::Host(_));
        let directory = !hosts || source.is_dir();
        let target = make_target(root, &wanted, directory, outer)?;
        allowed(&target)?;
        let source = if hosts {
            source
        } else {
            // What an outer volume covers is not the image's.
            let covered = outer.iter().any(|bind| target.starts_with(&bind.target));
            kept(&source, root, (!covered).then_some(target.as_path()))?
        };
        Ok(Bind {
            source,
            target,
            readonly: mount.readonly,
        })
    }
}

impl Volumes {
    fn of_the_host(&self, path: &Path) -> io::Result<PathBuf> {
        if !path.is_absolute() {
            let sentence = format!("the path {} of the host is not absolute", path.display());
            return Err(io::Error::new(io::ErrorKind::InvalidInput, sentence));
        }
        if let Some(disk) = &self.host {
            return machine::path_of(disk, path);
        }
        if !path.exists() {
            fs::create_dir_all(path)?;
        }
        Ok(path.to_owned())
    }
}

/// Where a task's own volumes lie.
pub(crate) fn own_directory(task: &Path) -> PathBuf {
    task.join("volumes")
}

/// Refuses what would take a container's walls down, in the words of OCI runtimes.
pub(crate) fn allowed(target: &Path) -> io::Result<PathBuf> {
    let refuse = |sentence: String| Err(io::Error::new(io::ErrorKind::InvalidInput, sentence));
    if !target.is_absolute() {
        return refuse(format!(
            "invalid mount path: '{}' mount path must be absolute",
            target.display()
        ));
    }
    let target = normal(target);
    if target == Path::new("/") {
        return refuse("invalid specification: destination can't be '/'".to_owned());
    }
    if target.starts_with("/proc") {
        return refuse(format!(
            "{:?} cannot be mounted because it is inside /proc",
            target.display().to_string()
        ));
    }
    if target == Path::new("/dev") || target == Path::new("/sys") {
        return refuse(format!("{} is the container's own", target.display()));
    }
    Ok(target)
}

/// Makes sure that something is there to mount on, and says where it really is: links of the image are followed as
/// the container would follow them, those inside another volume are refused, as others may change them meanwhile.
pub(crate) fn make_target(
    root: &InRoot,
    wanted: &Path,
    directory: bool,
    outer: &[Bind],
) -> io::Result<PathBuf> {
    let covering = |path: &Path| outer.iter().rev().find(|bind| path.starts_with(&bind.target));
    if covering(wanted).is_none() {
        root.make_target(wanted, directory)?;
        let target = root.resolve(wanted)?;
        if covering(&target).is_none() {
            return Ok(target);
        }
        return make_inside(&target, directory, outer);
    }
    make_inside(wanted, directory, outer)
}

fn make_inside(target: &Path, directory: bool, outer: &[Bind]) -> io::Result<PathBuf> {
    let Some(bind) = outer.iter().rev().find(|bind| target.starts_with(&bind.target)) else {
        return Ok(target.to_owned());
    };
    let Ok(rest) = target.strip_prefix(&bind.target) else {
        return Ok(target.to_owned());
    };
    // Twice at the same place: the later one covers the earlier.
    if rest.as_os_str().is_empty() {
        return Ok(target.to_owned());
    }
    let inner = InRoot::open(&bind.source)?;
    if inner.has_links(rest) {
        let sentence = format!("{} leads over a link inside another volume", target.display());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, sentence));
    }
    inner.make_target(&Path::new("/").join(rest), directory)?;
    Ok(target.to_owned())
}

/// A directory of ours, filled with what the image has at `target` as long as it is empty, as Docker does.
fn kept(place: &Path, root: &InRoot, target: Option<&Path>) -> io::Result<PathBuf> {
    let data = place.join(DATA);
    fs::create_dir_all(&data)?;
    // Others may mount it for the first time at the same moment.
    let lock = File::create(place.join(LOCK))?;
    lock.lock()?;
    let mark = place.join(FILLING);
    if mark.exists() {
        fs::remove_dir_all(&data)?;
        fs::create_dir(&data)?;
    }
    if let Some(target) = target
        && is_empty(&data)?
    {
        let (_open, from) = root.open_directory(target)?;
        File::create(&mark)?;
        fill(&from, &data)?;
        fs::remove_file(&mark)?;
    }
    Ok(data)
}

fn is_empty(directory: &Path) -> io::Result<bool> {
    Ok(fs::read_dir(directory)?.next().is_none())
}

/// A name as one file name, different ones for different names: what is not plain is written as `%XX`.
fn file_name(name: &str) -> io::Result<String> {
    let mut result = String::new();
    for (place, byte) in name.bytes().enumerate() {
        let plain =
            byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_' || (byte == b'.' && place > 0);
        if plain {
            result.push(char::from(byte));
        } else {
            result.push_str(&format!("%{byte:02X}"));
        }
    }
    let one = Path::new(&result)
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    if result.is_empty() || result.len() > NAME_BYTES_MAX || !one {
        let sentence = format!("{name:?} cannot be the name of a volume");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, sentence));
    }
    Ok(result)
}

#[cfg(test)]
mod tests;
