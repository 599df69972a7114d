use super::*;

#[tokio::test]
async fn caches_are_kept_shared_alone_or_each_for_itself() {
    let directory = tempfile::tempdir().unwrap();
    let store = MountStore::open(directory.path().join("mounts")).unwrap();
    let one = store.lease("a", Sharing::Shared).await.unwrap();
    let two = store.lease("a", Sharing::Shared).await.unwrap();
    assert!(one.is_new && !two.is_new && one.path == two.path);
    let locked = store.lease("a", Sharing::Locked);
    let waited = tokio::time::timeout(std::time::Duration::from_millis(50), locked).await;
    assert!(waited.is_err(), "it waits for those that use it");
    drop((one, two));
    store.lease("a", Sharing::Locked).await.unwrap();
    let mine = store.lease("b", Sharing::Private).await.unwrap();
    let yours = store.lease("b", Sharing::Private).await.unwrap();
    assert_ne!(mine.path, yours.path);
    let path = mine.path.clone();
    drop(mine);
    let again = store.lease("b", Sharing::Private).await.unwrap();
    assert!(again.path == path && !again.is_new);
}

#[tokio::test]
async fn what_is_used_is_not_swept() {
    let directory = tempfile::tempdir().unwrap();
    let store = MountStore::open(directory.path().to_owned()).unwrap();
    let old = store.lease("old", Sharing::Shared).await.unwrap().path;
    let used = store.lease("used", Sharing::Shared).await.unwrap();
    fs::write(old.join("file"), vec![1; 100_000]).unwrap();
    fs::write(used.path.join("file"), vec![1; 100_000]).unwrap();
    store.sweep_to(1 << 20).unwrap();
    assert!(old.exists());
    store.sweep_to(1).unwrap();
    assert!(!old.exists() && used.path.exists());
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}
