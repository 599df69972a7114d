use super::*;
use crate::testing;

#[test]
fn what_is_saved_can_be_loaded_elsewhere() {
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = BlobStore::open(from.path()).unwrap();
    let manifest = testing::image(&store, &[("etc/a", "hello")]);
    store.tag("web:1", &manifest).unwrap();
    let mut bytes = Vec::new();
    store.save(&["web:1".to_owned()], &mut bytes).unwrap();

    let other = BlobStore::open(to.path()).unwrap();
    assert_eq!(other.load(io::Cursor::new(bytes)).unwrap(), ["web:1"]);
    assert_eq!(other.find("web:1").unwrap(), manifest);
}

#[test]
fn a_docker_archive_with_linked_layers_is_read() {
    let layer = testing::Tar::new().file("etc/a", "hello").bytes();
    let diff_id = Digest::of(&layer);
    let config = format!(
        r#"{{"architecture":"amd64","os":"linux","rootfs":{{"type":"layers","diff_ids":["{diff_id}","{diff_id}"]}}}}"#
    );
    let bytes = testing::Tar::new()
        .raw("one/layer.tar", tar::EntryType::Regular, "", &layer)
        .symlink("two/layer.tar", "../one/layer.tar")
        .file("c.json", &config)
        .file(
            "manifest.json",
            r#"[{"Config":"c.json","RepoTags":["old:1"],"Layers":["one/layer.tar","two/layer.tar"]}]"#,
        )
        .bytes();
    let directory = tempfile::tempdir().unwrap();
    let store = BlobStore::open(directory.path()).unwrap();
    assert_eq!(store.load(io::Cursor::new(bytes)).unwrap(), ["old:1"]);
    assert_eq!(
        store.image(&store.find("old:1").unwrap()).unwrap().layers.len(),
        2
    );
}

#[test]
fn what_holds_no_image_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let store = BlobStore::open(directory.path()).unwrap();
    let nothing = testing::Tar::new().file("readme", "hi").bytes();
    assert!(matches!(
        store.load(io::Cursor::new(nothing)),
        Err(ArchiveError::NoImage)
    ));
    let lying = testing::Tar::new()
        .file(&format!("blobs/sha256/{}", Digest::of(b"a").hex()), "b")
        .bytes();
    assert!(matches!(
        store.load(io::Cursor::new(lying)),
        Err(ArchiveError::Image(_))
    ));
}
