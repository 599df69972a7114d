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

#[test]
fn an_image_whose_name_moved_stays_until_it_is_forgotten() {
    let directory = tempfile::tempdir().unwrap();
    let (a, b) = (Digest::of(b"a").to_string(), Digest::of(b"b").to_string());
    let store = BlobStore::open(directory.path()).unwrap();
    let names = |store: &BlobStore| -> Vec<(String, usize)> {
        let images = store.local_images().into_iter();
        images.map(|image| (image.digest, image.names.len())).collect()
    };
    store.tag("web", &a).unwrap();
    store.tag("web", &a).unwrap();
    store.tag("other", &a).unwrap();
    store.tag("web", &b).unwrap();
    assert_eq!(names(&store), [(a.clone(), 1), (b.clone(), 1)]);
    store.tag("other", &b).unwrap();
    assert_eq!(names(&store), [(a.clone(), 0), (b.clone(), 2)]);
    drop(store);
    let store = BlobStore::open(directory.path()).unwrap();
    assert_eq!(names(&store), [(a.clone(), 0), (b.clone(), 2)]);
    // With a name again it is like any other, and a name that is taken away leaves nothing.
    store.tag("third", &a).unwrap();
    store.untag("third").unwrap();
    assert_eq!(names(&store), [(b.clone(), 2)]);
    store.tag("other", &a).unwrap();
    store.tag("other", &b).unwrap();
    store.forget(&a).unwrap();
    assert_eq!(names(&store), [(b, 2)]);
}
