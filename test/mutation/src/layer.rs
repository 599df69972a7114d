//! Archives: whatever is in one, nothing appears or changes outside of the folder it is unpacked into, and no device is
//! made inside.

use std::fs;
use std::io::Cursor;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::Path;

/// # Panics
/// When a promise does not hold.
pub fn check(bytes: &[u8]) {
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let root = directory.path();
    let (outside, context, layer) = (root.join("outside"), root.join("context"), root.join("layer"));
    for made in [&outside, &context] {
        fs::create_dir(made).expect("a directory can be made");
    }
    fs::write(outside.join("secret"), "secret").expect("a file can be written");
    // It may fail; what counts is what it leaves.
    let _ = dataplane_blobs::extract(Cursor::new(bytes.to_vec()), &context);
    look_for_devices(&context, false);
    let _ = dataplane_blobs::unpack_layer(Cursor::new(bytes.to_vec()), &layer);
    look_for_devices(&layer, true);
    let _ =
        dataplane_blobs::head(Cursor::new(bytes.to_vec()), 512).map(|head| dataplane_blobs::is_tar(&head));
    assert_eq!(names(&outside), ["secret"]);
    assert_eq!(
        fs::read(outside.join("secret")).expect("it is still there"),
        b"secret"
    );
    let mut beside = names(root);
    beside.retain(|name| name != "layer");
    assert_eq!(beside, ["context", "outside"]);
}

fn names(path: &Path) -> Vec<String> {
    let entries = fs::read_dir(path).expect("the directory can be read");
    let mut names: Vec<String> = entries
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// In a layer the marks of deletions are devices of number 0.
fn look_for_devices(path: &Path, marks: bool) {
    let Ok(entries) = fs::read_dir(path) else { return };
    for entry in entries.flatten() {
        let Ok(metadata) = entry.metadata() else { continue };
        let kind = metadata.file_type();
        let mark = marks && kind.is_char_device() && metadata.rdev() == 0;
        assert!(
            mark || !(kind.is_char_device() || kind.is_block_device() || kind.is_socket()),
            "{}",
            entry.path().display()
        );
        if kind.is_dir() {
            look_for_devices(&entry.path(), marks);
        }
    }
}
