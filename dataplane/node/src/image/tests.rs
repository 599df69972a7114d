use std::fs;

use dataplane_blobs::{Digest, MEDIA_TYPE_CONFIG, MEDIA_TYPE_LAYER_TAR, MEDIA_TYPE_MANIFEST};
use serde_json::json;

use super::*;

/// A tar file with one file in it.
fn layer(name: &str, content: &str) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    tar.append_data(&mut header, name, content.as_bytes()).unwrap();
    tar.into_inner().unwrap()
}

#[tokio::test]
async fn an_image_of_the_blob_store_can_run() {
    let directory = tempfile::tempdir().unwrap();
    let store = BlobStore::open(directory.path()).unwrap();
    let layer = layer("hello", "world");
    let diff_id = Digest::of(&layer).to_string();
    let config = json!({
        "architecture": "amd64", "os": "linux",
        "config": {
            "Entrypoint": ["/hello"], "Cmd": ["a"], "Env": ["A=1"], "WorkingDir": "/app", "User": "",
            "StopSignal": "SIGQUIT",
        },
        "rootfs": {"type": "layers", "diff_ids": [diff_id]},
    })
    .to_string();
    let descriptor = |kind: &str, bytes: &[u8]| json!({"mediaType": kind, "digest": Digest::of(bytes).to_string(), "size": bytes.len()});
    let manifest = json!({
        "schemaVersion": 2, "mediaType": MEDIA_TYPE_MANIFEST,
        "config": descriptor(MEDIA_TYPE_CONFIG, config.as_bytes()),
        "layers": [descriptor(MEDIA_TYPE_LAYER_TAR, &layer)],
    })
    .to_string();
    store.put(&layer).unwrap();
    store.put(config.as_bytes()).unwrap();
    let digest = store.put(manifest.as_bytes()).unwrap().to_string();

    let images = StoredImages {
        store,
        credentials: Arc::new(|_| None),
    };
    // By digest, whatever the name: nothing is asked for anywhere.
    let wanted = ImageRef {
        name: "127.0.0.1:1/web:7".to_owned(),
        digest: Some(digest.clone()),
    };
    let image = images.prepare(&wanted).await.unwrap();
    assert_eq!(image.digest, Some(digest));
    assert_eq!(
        fs::read_to_string(image.layers[0].join("hello")).unwrap(),
        "world"
    );
    assert_eq!(
        (image.defaults.entry_point, image.defaults.command),
        (vec!["/hello".to_owned()], vec!["a".to_owned()])
    );
    assert_eq!(
        (image.working_directory.as_deref(), image.user),
        (Some("/app"), None)
    );
    assert_eq!(image.stop_signal.as_deref(), Some("SIGQUIT"));

    let nobody = ImageRef {
        name: "127.0.0.1:1/web:7".to_owned(),
        digest: None,
    };
    let sentence = images.prepare(&nobody).await.unwrap_err();
    assert!(
        sentence.starts_with("pull of image 127.0.0.1:1/web:7 failed: "),
        "{sentence}"
    );
}
