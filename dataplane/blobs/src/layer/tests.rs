use super::*;
use crate::testing;

#[tokio::test]
async fn concurrent_callers_share_one_unpacking() {
    let directory = tempfile::tempdir().unwrap();
    let store = BlobStore::open(directory.path()).unwrap();
    let manifest = testing::image(&store, &[("etc/a", "hello")]);
    let all = futures::future::try_join_all((0..8).map(|_| store.layer_directories(&manifest)))
        .await
        .unwrap();
    assert!(all.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(fs::read_to_string(all[0][0].join("etc/a")).unwrap(), "hello");
    assert_eq!(
        fs::read_dir(directory.path().join("temporary")).unwrap().count(),
        0
    );
}

#[tokio::test]
async fn a_layer_that_is_not_what_the_configuration_says_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let store = BlobStore::open(directory.path()).unwrap();
    let layer = testing::Tar::new().file("a", "b").bytes();
    let manifest = testing::image_of(&store, &layer, &Digest::of(b"something else"));
    let error = store.layer_directories(&manifest).await.unwrap_err();
    assert!(matches!(error, LayerError::DiffId { .. }), "{error}");
    assert_eq!(
        fs::read_dir(directory.path().join("layers")).unwrap().count(),
        1,
        "only the boot mark"
    );
}
