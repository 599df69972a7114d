use super::*;

#[test]
fn names_survive_and_move() {
    let directory = tempfile::tempdir().unwrap();
    let (a, b) = (Digest::of(b"a"), Digest::of(b"b"));
    {
        let store = BlobStore::open(directory.path()).unwrap();
        store.tag("python:3.12", a.as_str()).unwrap();
        store.tag("docker.io/library/python:3.12", b.as_str()).unwrap();
        store.tag("web", a.as_str()).unwrap();
    }
    let store = BlobStore::open(directory.path()).unwrap();
    assert_eq!(
        store.find("docker.io/library/python:3.12").unwrap(),
        b.to_string()
    );
    assert_eq!(store.find("web:latest").unwrap(), a.to_string());
    assert_eq!(
        store
            .local_images()
            .into_iter()
            .map(|image| image.names)
            .collect::<Vec<_>>(),
        [["python:3.12"], ["web:latest"]]
    );
    assert_eq!(store.untag("web").unwrap(), a.to_string());
    assert!(matches!(store.find("web"), Err(NamesError::Unknown(_))));
    assert!(matches!(
        store.tag(&format!("x@{a}"), a.as_str()),
        Err(NamesError::HasDigest(_))
    ));
}
