//! The base image of all cases: one static program with a hundred names, and a few users.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;

use serde_json::json;
use sha2::{Digest as _, Sha256};

/// What cases write after FROM.
pub const NAME: &str = "busybox:1.35";
/// Where Debian has it.
const PROGRAM: &str = "/bin/busybox";
const DIRECTORIES: [(&str, u32); 12] = [
    ("bin", 0o755),
    ("dev", 0o755),
    ("etc", 0o755),
    ("home", 0o755),
    ("proc", 0o755),
    ("root", 0o700),
    ("run", 0o755),
    ("sys", 0o755),
    ("tmp", 0o1777),
    ("usr", 0o755),
    ("usr/bin", 0o755),
    ("var", 0o755),
];
const FILES: [(&str, &str); 5] = [
    (
        "etc/passwd",
        "root:x:0:0:root:/root:/bin/sh\nwww-data:x:33:33::/var/www:/bin/false\napp:x:1000:1001::/home/app:/bin/sh\n",
    ),
    (
        "etc/group",
        "root:x:0:\nwww-data:x:33:\nstaff:x:50:app\napp:x:1001:\n",
    ),
    // There already, so that no builder leaves them behind.
    ("etc/resolv.conf", ""),
    ("etc/hosts", ""),
    ("etc/hostname", ""),
];

/// Writes the image as `docker save` would.
pub fn write(path: &Path) -> io::Result<()> {
    let layer = layer()?;
    let digest = hex::encode(Sha256::digest(&layer));
    let config = json!({
        "architecture": "amd64", "os": "linux", "created": "2024-01-01T00:00:00Z",
        "config": {"Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"], "Cmd": ["sh"]},
        "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{digest}")]},
        "history": [{"created": "2024-01-01T00:00:00Z", "created_by": "busybox"}],
    })
    .to_string();
    let manifest =
        json!([{"Config": "config.json", "RepoTags": [NAME], "Layers": ["layer.tar"]}]).to_string();
    let mut tar = tar::Builder::new(fs::File::create(path)?);
    for (name, bytes) in [
        ("layer.tar", layer.as_slice()),
        ("config.json", config.as_bytes()),
        ("manifest.json", manifest.as_bytes()),
    ] {
        entry(&mut tar, name, 0o644, tar::EntryType::Regular, bytes)?;
    }
    tar.finish()
}

fn layer() -> io::Result<Vec<u8>> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, mode) in DIRECTORIES {
        entry(
            &mut tar,
            &format!("{name}/"),
            mode,
            tar::EntryType::Directory,
            &[],
        )?;
    }
    let program = fs::read(PROGRAM)?;
    entry(&mut tar, "bin/busybox", 0o755, tar::EntryType::Regular, &program)?;
    let listed = Command::new(PROGRAM).arg("--list").output()?;
    for name in String::from_utf8_lossy(&listed.stdout)
        .lines()
        .filter(|name| *name != "busybox")
    {
        let mut header = header(0o777, tar::EntryType::Symlink, 0);
        tar.append_link(&mut header, format!("bin/{name}"), "busybox")?;
    }
    for (name, content) in FILES {
        entry(&mut tar, name, 0o644, tar::EntryType::Regular, content.as_bytes())?;
    }
    tar.into_inner()
}

fn header(mode: u32, kind: tar::EntryType, size: u64) -> tar::Header {
    let mut header = tar::Header::new_ustar();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(size);
    header.set_mtime(1_700_000_000);
    header
}

fn entry(
    tar: &mut tar::Builder<impl io::Write>,
    name: &str,
    mode: u32,
    kind: tar::EntryType,
    content: &[u8],
) -> io::Result<()> {
    let mut header = header(mode, kind, content.len() as u64);
    tar.append_data(&mut header, name, content)
}
