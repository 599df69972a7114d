use std::os::unix::fs::symlink;

use rustix::fs::{CWD, FileType, Mode, XattrFlags};

use super::*;

fn entries(bytes: &[u8]) -> Vec<String> {
    let mut archive = tar::Archive::new(bytes);
    let entries = archive.entries().unwrap();
    entries
        .map(|entry| {
            let entry = entry.unwrap();
            let link = entry
                .link_name()
                .unwrap()
                .map(|link| format!(" -> {}", link.display()))
                .unwrap_or_default();
            format!("{}{link}", entry.path().unwrap().display())
        })
        .collect()
}

#[test]
fn changes_become_the_entries_that_images_have() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    let long = format!("{}/{}", "d".repeat(120), "ñ🦀".repeat(20));
    fs::create_dir_all(root.join(&long).parent().unwrap()).unwrap();
    fs::write(root.join(&long), "long").unwrap();
    fs::write(root.join("b"), "content").unwrap();
    fs::hard_link(root.join("b"), root.join("c")).unwrap();
    symlink("b", root.join("a")).unwrap();
    rustix::fs::mknodat(
        CWD,
        root.join("gone"),
        FileType::CharacterDevice,
        Mode::empty(),
        0,
    )
    .unwrap();
    fs::create_dir(root.join("new")).unwrap();
    rustix::fs::lsetxattr(
        root.join("new"),
        "trusted.overlay.opaque",
        b"y",
        XattrFlags::empty(),
    )
    .unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(root.join("socket")).unwrap();
    let mut bytes = Vec::new();
    pack(root, &mut bytes).unwrap();
    let parent = format!("{}/", "d".repeat(120));
    assert_eq!(
        entries(&bytes),
        [
            "a -> b",
            "b",
            "c -> b",
            &parent,
            &long,
            ".wh.gone",
            "new/",
            "new/.wh..wh..opq"
        ]
    );
    let mut again = Vec::new();
    pack(root, &mut again).unwrap();
    assert_eq!(bytes, again);
}

#[test]
fn capabilities_are_kept_and_overlayfs_own_attributes_are_not() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("ping");
    fs::write(&file, "x").unwrap();
    let capability = [1, 0, 0, 2, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    rustix::fs::lsetxattr(&file, "security.capability", &capability, XattrFlags::empty()).unwrap();
    rustix::fs::lsetxattr(&file, "trusted.overlay.origin", b"x", XattrFlags::empty()).unwrap();
    let mut bytes = Vec::new();
    pack(directory.path(), &mut bytes).unwrap();
    let mut archive = tar::Archive::new(bytes.as_slice());
    let mut entry = archive.entries().unwrap().next().unwrap().unwrap();
    let records: Vec<(String, Vec<u8>)> = entry
        .pax_extensions()
        .unwrap()
        .unwrap()
        .map(|record| {
            record
                .map(|record| (record.key().unwrap().to_owned(), record.value_bytes().to_vec()))
                .unwrap()
        })
        .collect();
    assert_eq!(
        records,
        [("SCHILY.xattr.security.capability".to_owned(), capability.to_vec())]
    );
}

#[test]
fn a_directory_that_overlayfs_moved_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("d")).unwrap();
    rustix::fs::lsetxattr(
        directory.path().join("d"),
        "trusted.overlay.redirect",
        b"e",
        XattrFlags::empty(),
    )
    .unwrap();
    assert!(pack(directory.path(), io::sink()).is_err());
}
