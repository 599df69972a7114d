use std::os::unix::fs::symlink;

use rustix::fs::{CWD, FileType, Mode, XattrFlags};

use super::*;

struct Layers {
    _directory: tempfile::TempDir,
    paths: Vec<PathBuf>,
}

impl Layers {
    /// Each layer is a list of paths: `d/` a directory, `a>b` a link, `-a` a deletion, `d!` an opaque directory,
    /// anything else a file that holds the layer's number.
    fn new(layers: &[&[&str]]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut paths = Vec::new();
        for (number, entries) in layers.iter().enumerate() {
            let layer = directory.path().join(number.to_string());
            fs::create_dir(&layer).unwrap();
            for entry in *entries {
                if let Some((name, target)) = entry.split_once('>') {
                    symlink(target, layer.join(name)).unwrap();
                } else if let Some(name) = entry.strip_prefix('-') {
                    let kind = FileType::CharacterDevice;
                    rustix::fs::mknodat(CWD, layer.join(name), kind, Mode::empty(), 0).unwrap();
                } else if let Some(name) = entry.strip_suffix('!') {
                    fs::create_dir_all(layer.join(name)).unwrap();
                    rustix::fs::lsetxattr(
                        layer.join(name),
                        "trusted.overlay.opaque",
                        b"y",
                        XattrFlags::empty(),
                    )
                    .unwrap();
                } else if let Some(name) = entry.strip_suffix('/') {
                    fs::create_dir_all(layer.join(name)).unwrap();
                } else {
                    fs::write(layer.join(entry), number.to_string()).unwrap();
                }
            }
            paths.push(layer);
        }
        Self {
            _directory: directory,
            paths,
        }
    }

    fn view(&self) -> View {
        View::new(&self.paths)
    }

    /// A file's content, `/` for a directory, `-` for nothing.
    fn at(&self, path: &str) -> String {
        match self.view().resolve(Path::new(path), true).unwrap().node {
            Some(Node::Directory(_)) => "/".to_owned(),
            Some(Node::Other { path, .. }) => fs::read_to_string(path).unwrap(),
            None => "-".to_owned(),
        }
    }
}

#[test]
fn layers_look_as_overlayfs_shows_them() {
    let layers = Layers::new(&[
        &["d/", "d/a", "d/b", "e/", "e/old", "f", "g/", "g/x"],
        &["d/", "-d/a", "d/c", "e!", "e/new", "-f", "-g"],
        &["g/", "g/y"],
    ]);
    for (path, expected) in [
        ("d/a", "-"),
        ("d/b", "0"),
        ("/d/c", "1"),
        ("e/old", "-"),
        ("e/new", "1"),
        ("f", "-"),
        ("g/x", "-"),
        ("g/y", "2"),
        ("d", "/"),
        ("", "/"),
        ("f/x", "-"),
        ("d/b/x", "-"),
    ] {
        assert_eq!(layers.at(path), expected, "{path}");
    }
    let Some(Node::Directory(d)) = layers.view().resolve(Path::new("d"), true).unwrap().node else {
        panic!()
    };
    assert_eq!(list(&d).unwrap().into_keys().collect::<Vec<_>>(), ["b", "c"]);
}

#[test]
fn links_are_followed_inside_only() {
    let layers = Layers::new(&[&[
        "usr/",
        "usr/bin/",
        "usr/bin/sh",
        "bin>usr/bin",
        "abs>/usr",
        "up>../../../usr/bin/sh",
        "loop>loop",
        "out>/etc/passwd",
    ]]);
    assert_eq!(layers.at("bin/sh"), "0");
    assert_eq!(layers.at("abs/bin/sh"), "0");
    assert_eq!(layers.at("up"), "0");
    assert_eq!(layers.at("out"), "-", "this machine's own file is out of reach");
    assert_eq!(layers.at("bin/../../usr/bin/sh"), "0", "`..` stops at the root");
    assert!(layers.view().resolve(Path::new("loop"), true).is_err());
    let unfollowed = layers.view().resolve(Path::new("bin"), false).unwrap();
    assert!(matches!(unfollowed.node, Some(Node::Other { metadata, .. }) if metadata.is_symlink()));
    let missing = layers.view().resolve(Path::new("bin/new/file"), true).unwrap();
    assert_eq!(
        (missing.path, missing.node.is_none()),
        (PathBuf::from("usr/bin/new/file"), true)
    );
}
