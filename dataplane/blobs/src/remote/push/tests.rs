use super::*;
use crate::testing;

#[tokio::test]
async fn plain_layers_are_compressed_for_other_machines_and_stay_the_same_image() {
    let directory = tempfile::tempdir().unwrap();
    let store = BlobStore::open(directory.path()).unwrap();
    let manifest = testing::image(&store, &[("etc/a", &"hello ".repeat(1000))]);
    let image = store.image(&manifest).unwrap();
    let compressed = store.compressed(image.clone()).unwrap();
    assert_eq!(compressed.config, image.config);
    assert_eq!(compressed.layers[0].media_type, MEDIA_TYPE_LAYER_ZSTD);
    assert!(compressed.layers[0].size_bytes < image.layers[0].size_bytes / 4);
    assert_eq!(store.compressed(compressed.clone()).unwrap(), compressed);
    let layers = store.layer_directories(compressed.digest.as_str()).await.unwrap();
    assert_eq!(layers, store.layer_directories(&manifest).await.unwrap());
}
