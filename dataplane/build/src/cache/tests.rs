use super::*;

fn entry(store: &BlobStore, content: &str) -> Entry {
    let digest = store.put(content.as_bytes()).unwrap();
    let layer = CachedLayer {
        digest: digest.into(),
        size_bytes: content.len() as u64,
    };
    Entry {
        layer: Some(layer),
        created: Timestamp::UNIX_EPOCH,
    }
}

fn key(text: &str) -> Key {
    let mut key = KeyBuilder::new("test", &[]);
    key.part(text.as_bytes());
    key.finish()
}

#[test]
fn entries_survive_a_restart_as_long_as_their_layers_do() {
    let directory = tempfile::tempdir().unwrap();
    let store = BlobStore::open(directory.path().join("store")).unwrap();
    let path = directory.path().join("cache");
    let (kept, lost) = (entry(&store, "kept"), entry(&store, "lost"));
    let cache = Cache::open(path.clone(), store.clone()).unwrap();
    cache.put(&key("kept"), kept.clone()).unwrap();
    cache
        .put(
            &key("nothing"),
            Entry {
                layer: None,
                ..kept.clone()
            },
        )
        .unwrap();
    drop(cache);
    fs::write(path.join("half.new"), "{").unwrap();
    let cache = Cache::open(path, store.clone()).unwrap();
    assert_eq!(cache.get(&key("kept")), Some(kept));
    assert_eq!(cache.get(&key("nothing")).unwrap().layer, None);
    cache.put(&key("lost"), lost.clone()).unwrap();
    let digest = lost.layer.unwrap().digest;
    fs::remove_file(
        directory
            .path()
            .join("store/blobs")
            .join(digest.replace(':', "/")),
    )
    .unwrap();
    assert_eq!(cache.get(&key("lost")), None);
    assert_eq!(cache.get(&key("other")), None);
}

#[test]
fn the_ones_used_longest_ago_go_first() {
    let mut entries = Entries::default();
    let big = |size_bytes| Entry {
        layer: Some(CachedLayer {
            digest: String::new(),
            size_bytes,
        }),
        created: Timestamp::UNIX_EPOCH,
    };
    for name in ["a", "b", "c"] {
        entries.use_now(key(name), big(LAYERS_BYTES_MAX / 3));
    }
    assert_eq!(entries.evict(), []);
    entries.use_now(key("a"), big(LAYERS_BYTES_MAX / 3));
    entries.use_now(key("d"), big(LAYERS_BYTES_MAX / 3));
    assert_eq!(entries.evict(), [key("b")]);
}

#[test]
fn parts_do_not_run_into_each_other() {
    let key = |parts: &[&str]| {
        let mut key = KeyBuilder::new("test", &[]);
        parts.iter().for_each(|part| key.part(part.as_bytes()));
        key.finish()
    };
    assert_ne!(key(&["ab", "c"]), key(&["a", "bc"]));
    assert_ne!(
        KeyBuilder::new("run", &[]).finish(),
        KeyBuilder::new("copy", &[]).finish()
    );
    assert_ne!(
        KeyBuilder::new("run", &["a".to_owned()]).finish(),
        KeyBuilder::new("run", &[]).finish()
    );
}
