use super::*;

const NAMES: Table<String> = Table::new("test/name", 1);

async fn put(store: &Store, key: &'static str, value: &'static str) {
    let put = move |tx: &mut Transaction| {
        tx.put(NAMES, key, value.to_owned());
        Ok::<_, StoreError>(())
    };
    store.write(put).await.unwrap();
}

#[tokio::test]
async fn what_was_written_is_there_after_opening_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let store = Store::open(&path).unwrap();
    put(&store, "a", "1").await;
    put(&store, "b", "2").await;
    drop(store);
    let store = Store::open(&path).unwrap();
    assert_eq!(
        store.snapshot().get(NAMES, "b").as_deref().map(String::as_str),
        Some("2")
    );
    assert_eq!(store.snapshot().list(NAMES).len(), 2);
}

#[tokio::test]
async fn a_failed_change_leaves_nothing() {
    let store = Store::in_memory();
    let result = store
        .write(|tx| {
            tx.put(NAMES, "a", "1".to_owned());
            assert!(tx.get(NAMES, "a").is_some(), "a transaction sees its own writes");
            Err::<(), _>(StoreError("no".into()))
        })
        .await;
    assert_eq!(result.unwrap_err().0, "no");
    assert!(store.snapshot().get(NAMES, "a").is_none());
}

#[tokio::test]
async fn a_watch_wakes_for_its_tables_only_and_once() {
    let store = Store::in_memory();
    let mut watch = store.watch(&[NAMES.name]);
    let mut other = store.watch(&["test/other"]);
    put(&store, "a", "1").await;
    watch.changed().await;
    put(&store, "a", "1").await;
    tokio::select! {
        biased;
        () = watch.changed() => panic!("writing the same row again woke a watcher"),
        () = other.changed() => panic!("another table woke"),
        () = tokio::task::yield_now() => {}
    }
}

#[tokio::test]
async fn rows_of_an_older_version_are_migrated() {
    const NUMBERS: Table<u32> =
        Table::new("test/name", 2).migrate(|version, old| match (version, old.as_str()) {
            (1, Some(text)) => text.parse().map_err(|_| "not a number".to_owned()),
            _ => Err("unknown".to_owned()),
        });
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let store = Store::open(&path).unwrap();
    put(&store, "a", "17").await;
    drop(store);
    assert_eq!(
        Store::open(&path)
            .unwrap()
            .snapshot()
            .get(NUMBERS, "a")
            .as_deref(),
        Some(&17)
    );
}

#[tokio::test]
async fn many_writers_at_once_are_all_served_in_order() {
    let store = Store::in_memory();
    const COUNT: Table<u64> = Table::new("test/count", 1);
    let tasks: Vec<_> = (0..500)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                store
                    .write(|tx| {
                        let count = tx.get(COUNT, "n").map_or(0, |n| *n);
                        tx.put(COUNT, "n", count + 1);
                        Ok::<_, StoreError>(())
                    })
                    .await
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert_eq!(store.snapshot().get(COUNT, "n").as_deref(), Some(&500));
}
