//! The root of a host: a disk of its own, and over it the machine's own programs, which it can run but not change.
//!
//! The disk is laid out once. Whoever was root on it since may have put links anywhere, so later starts only reach in
//! through [`InRoot`].

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use crate::in_root::InRoot;
use crate::step::Bind;
use crate::volume;

/// Where a host finds the program that is its first process: the one that its shim runs.
pub const OWN_PROGRAM: &str = "/opt/wharf/wharf";
/// Directories with nothing but programs, and where a merged `/usr` has links to it.
const PROGRAMS: [&str; 7] = ["usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32"];
/// What programs look up and nobody keeps secrets in.
const SETTINGS: [&str; 8] = [
    "etc/alternatives",
    "etc/ca-certificates",
    "etc/crypto-policies",
    "etc/ld.so.conf.d",
    "etc/pki/ca-trust",
    "etc/pki/tls/certs",
    "etc/ssl/certs",
    "etc/terminfo",
];
/// The same, copied once so that the host may change its own.
const COPIED: [&str; 8] = [
    "etc/bash.bashrc",
    "etc/ld.so.cache",
    "etc/ld.so.conf",
    "etc/nsswitch.conf",
    "etc/os-release",
    "etc/profile",
    "etc/protocols",
    "etc/services",
];
const DIRECTORIES: [(&str, u32); 26] = [
    ("dev", 0o755),
    ("etc", 0o755),
    ("etc/ecs", 0o755),
    ("etc/ssl", 0o755),
    ("home", 0o755),
    ("home/ec2-user", 0o755),
    ("media", 0o755),
    ("mnt", 0o755),
    ("opt", 0o755),
    ("proc", 0o555),
    ("root", 0o700),
    ("run", 0o755),
    ("run/lock", 0o1777),
    ("srv", 0o755),
    ("sys", 0o555),
    ("tmp", 0o1777),
    ("var", 0o755),
    ("var/cache", 0o755),
    ("var/lib", 0o755),
    ("var/lib/cloud", 0o755),
    ("var/lib/ecs", 0o755),
    ("var/lib/ecs/data", 0o755),
    ("var/log", 0o755),
    ("var/log/ecs", 0o755),
    ("var/spool", 0o755),
    ("var/tmp", 0o1777),
];
const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n\
    ec2-user:x:1000:1000:EC2 Default User:/home/ec2-user:/bin/sh\n\
    nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n";
const GROUP: &str = "root:x:0:\ndaemon:x:1:\ntty:x:5:\nec2-user:x:1000:\nnogroup:x:65534:\n";

/// The root directory of a disk.
pub(crate) fn root_of(disk: &Path) -> PathBuf {
    disk.join("root")
}

/// Lays the disk out, unless that was done before.
pub(crate) fn lay_out(disk: &Path) -> io::Result<PathBuf> {
    let root = root_of(disk);
    let done = disk.join("done");
    if done.exists() {
        return Ok(root);
    }
    // What a crash has left is a part, which nobody has used yet.
    if root.exists() {
        fs::remove_dir_all(&root)?;
    }
    fs::create_dir_all(&root)?;
    for (path, mode) in DIRECTORIES {
        fs::create_dir(root.join(path))?;
        fs::set_permissions(root.join(path), Permissions::from_mode(mode))?;
    }
    std::os::unix::fs::chown(root.join("home/ec2-user"), Some(1000), Some(1000))?;
    symlink("../run", root.join("var/run"))?;
    for name in PROGRAMS {
        let there = Path::new("/").join(name);
        match fs::read_link(&there) {
            Ok(link) => symlink(link, root.join(name))?,
            Err(_) if there.is_dir() => fs::create_dir(root.join(name))?,
            Err(_) => {}
        }
    }
    for name in COPIED {
        let there = Path::new("/").join(name);
        if there.is_file() {
            fs::copy(&there, root.join(name))?;
        }
    }
    fs::write(root.join("etc/passwd"), PASSWD)?;
    fs::write(root.join("etc/group"), GROUP)?;
    File::create(done)?;
    Ok(root)
}

/// What of the machine is mounted over the disk: programs, what they look up, and the first process's own program.
pub(crate) fn binds(disk: &Path, root: &InRoot) -> io::Result<Vec<Bind>> {
    let mut binds: Vec<Bind> = Vec::new();
    for name in PROGRAMS.iter().chain(&SETTINGS) {
        let source = Path::new("/").join(name);
        let is_directory = fs::symlink_metadata(&source).is_ok_and(|metadata| metadata.is_dir());
        if is_directory {
            bind(root, &mut binds, source.clone(), &source)?;
        }
    }
    bind(root, &mut binds, own_program(disk)?, Path::new(OWN_PROGRAM))?;
    Ok(binds)
}

fn bind(root: &InRoot, binds: &mut Vec<Bind>, source: PathBuf, wanted: &Path) -> io::Result<()> {
    let target = volume::make_target(root, wanted, source.is_dir(), binds)?;
    binds.push(Bind {
        source,
        target,
        readonly: true,
    });
    Ok(())
}

/// The file of the running program, or a copy of it where that was replaced meanwhile.
fn own_program(disk: &Path) -> io::Result<PathBuf> {
    let path = fs::read_link("/proc/self/exe")?;
    if path.is_file() {
        return Ok(path);
    }
    let copy = disk.join("program");
    fs::copy("/proc/self/exe", &copy)?;
    fs::set_permissions(&copy, Permissions::from_mode(0o755))?;
    Ok(copy)
}

/// A path of a host, from outside: on its disk, or the machine's own where the host has nothing else.
pub(crate) fn path_of(disk: &Path, path: &Path) -> io::Result<PathBuf> {
    let machines = ["proc", "sys", "dev"].iter().chain(&PROGRAMS);
    if machines
        .into_iter()
        .any(|name| path.starts_with(Path::new("/").join(name)))
    {
        return Ok(path.to_owned());
    }
    let root = InRoot::open(&root_of(disk))?;
    if root.resolve(path).is_err() {
        root.make_directory(path)?;
    }
    let inside = root.resolve(path)?;
    Ok(root_of(disk).join(inside.strip_prefix("/").unwrap_or(&inside)))
}

#[cfg(test)]
mod tests;
