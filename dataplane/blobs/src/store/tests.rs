use super::*;

fn store() -> (tempfile::TempDir, BlobStore) {
    let directory = tempfile::tempdir().unwrap();
    let store = BlobStore::open(directory.path()).unwrap();
    (directory, store)
}

#[tokio::test]
async fn a_blob_is_found_by_its_digest_and_nothing_temporary_stays() {
    let (directory, store) = store();
    let digest = store.write(Bytes::from_static(b"hello")).await.unwrap();
    assert_eq!(
        digest,
        "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    );
    assert_eq!(store.size(&digest).await.unwrap(), Some(5));
    assert_eq!(store.read(&digest, 5).await.unwrap(), "hello");
    assert!(matches!(
        store.read(&digest, 4).await,
        Err(BlobError::TooLarge { .. })
    ));
    assert!(matches!(
        store.read("sha256:../../etc/passwd", 4).await,
        Err(BlobError::DigestInvalid(_))
    ));
    assert_eq!(
        fs::read_dir(directory.path().join("temporary")).unwrap().count(),
        0
    );
}

#[tokio::test]
async fn an_upload_goes_on_after_a_restart_and_must_hash_right() {
    let (directory, store) = store();
    let id = store.upload_begin().await.unwrap();
    assert_eq!(
        store
            .upload_append(&id, Some(0), Bytes::from_static(b"hel"))
            .await
            .unwrap(),
        3
    );
    drop(store);
    let store = BlobStore::open(directory.path()).unwrap();
    assert_eq!(store.upload_size(&id).await.unwrap(), 3);
    let late = store.upload_append(&id, Some(2), Bytes::from_static(b"lo")).await;
    assert!(matches!(
        late,
        Err(BlobError::OffsetMismatch {
            expected: 2,
            actual: 3
        })
    ));
    store
        .upload_append(&id, Some(3), Bytes::from_static(b"lo"))
        .await
        .unwrap();
    let wrong = Digest::of(b"other");
    let mismatch = store.upload_finish(&id, wrong.as_str()).await;
    assert!(matches!(mismatch, Err(BlobError::DigestMismatch { .. })));
    let right = Digest::of(b"hello");
    store.upload_finish(&id, right.as_str()).await.unwrap();
    assert_eq!(store.read(right.as_str(), 99).await.unwrap(), "hello");
    assert!(matches!(
        store.upload_size(&id).await,
        Err(BlobError::UploadUnknown(_))
    ));
    assert!(matches!(
        store.upload_size("../../x").await,
        Err(BlobError::UploadUnknown(_))
    ));
}

#[test]
fn two_processes_do_not_share_a_directory_by_accident() {
    let (directory, _store) = store();
    let second =
        std::thread::scope(|scope| scope.spawn(|| BlobStore::open(directory.path())).join().unwrap());
    assert!(matches!(second, Err(OpenError::InUse(_))));
}

#[test]
fn what_a_crash_left_is_gone_after_opening() {
    let (directory, store) = store();
    let mut writer = store.writer().unwrap();
    writer.write_all(b"half").unwrap();
    std::mem::forget(writer);
    fs::create_dir(store.temporary()).unwrap();
    drop(store);
    // The forgotten writer still holds the lock of this very process, as no killed one would.
    let copy = tempfile::tempdir().unwrap();
    fs::create_dir_all(copy.path().join("temporary/half")).unwrap();
    fs::write(copy.path().join("temporary/file"), "x").unwrap();
    BlobStore::open(copy.path()).unwrap();
    assert_eq!(fs::read_dir(copy.path().join("temporary")).unwrap().count(), 0);
    drop(directory);
}

#[test]
fn a_collection_keeps_what_names_and_manifests_lead_to_and_what_is_fresh() {
    let (_directory, store) = store();
    let named = crate::testing::image(&store, &[("etc/a", "a")]);
    let given = crate::testing::image(&store, &[("etc/b", "b")]);
    let neither = crate::testing::image(&store, &[("etc/c", "c")]);
    store.tag("named", &named).unwrap();
    assert_eq!(store.retain_now(&[], retain::FRESH).unwrap(), 0, "all is fresh");
    let freed = store
        .retain_now(std::slice::from_ref(&given), Duration::ZERO)
        .unwrap();
    assert!(freed > 0);
    for kept in [&named, &given] {
        let image = store.image(kept).unwrap();
        assert!(store.image_config(kept).is_ok());
        assert!(store.size_of(&image.layers[0].digest).unwrap().is_some());
    }
    assert!(store.image(&neither).is_err());
}
