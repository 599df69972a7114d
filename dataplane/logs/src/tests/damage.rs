//! Files that are cut off or damaged.

use std::fs;

use super::*;

async fn fill(directory: &Path, count: i64) {
    let logs = small(directory);
    for n in 0..count {
        let lines = vec![line(n, &format!("line number {n} and some more text"))];
        logs.append(&stream("a"), lines, None).await.unwrap();
    }
    sealed(&logs).await;
}

fn files(directory: &Path, ending: &str) -> Vec<std::path::PathBuf> {
    journal::numbers(directory, ending)
        .unwrap()
        .into_iter()
        .map(|number| directory.join(format!("{number}{ending}")))
        .collect()
}

#[tokio::test]
async fn the_torn_end_of_the_journal_is_cut_off_and_the_rest_stands() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path(), 10).await;
    let path = &files(folder.path(), ".journal")[0];
    let whole = fs::read(path).unwrap();
    let mut counts = Vec::new();
    for length in (0..=whole.len()).rev().step_by(7) {
        fs::write(path, &whole[..length]).unwrap();
        let logs = small(folder.path());
        let found = logs.query(everything()).await.unwrap();
        assert!(found.iter().map(|line| line.at_ms).eq(0..found.len() as i64));
        counts.push(found.len());
        // What comes next is found behind it.
        logs.append(&stream("a"), vec![line(99, "next")], None)
            .await
            .unwrap();
        drop(logs);
        let found = small(folder.path()).query(everything()).await.unwrap();
        assert_eq!(found.last().unwrap().message, "next");
        assert_eq!(found.len(), counts.last().unwrap() + 1);
    }
    assert_eq!((counts[0], *counts.last().unwrap()), (10, 0));
}

#[tokio::test]
async fn a_damaged_frame_takes_no_other_with_it() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path(), 500).await;
    let path = files(folder.path(), ".frames")[0].clone();
    let whole = fs::read(&path).unwrap();
    for place in (0..whole.len()).step_by(97) {
        let mut damaged = whole.clone();
        damaged[place] ^= 0xff;
        fs::write(&path, &damaged).unwrap();
        let logs = small(folder.path());
        let found = logs.query(everything()).await.unwrap();
        assert!((470..=500).contains(&found.len()), "{} lines", found.len());
        let query = LogQuery {
            contains: vec!["number 499 ".into()],
            ..everything()
        };
        assert_eq!(logs.query(query).await.unwrap().len(), 1);
    }
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let found = small(folder.path()).query(everything()).await.unwrap();
    assert!((400..500).contains(&found.len()), "{} lines", found.len());
    fs::remove_file(&path).unwrap();
    let found = small(folder.path()).query(everything()).await.unwrap();
    assert!(!found.is_empty() && found.len() < 500);
}

#[tokio::test]
async fn space_is_given_back_and_sequences_are_not() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path(), 500).await;
    let logs = small(folder.path());
    let files = || files(folder.path(), ".frames").len();
    let (many, newest) = (files(), logs.newest().await.unwrap());
    assert!(many > 3 && newest == 500);
    logs.expire("s", "g", 250).await.unwrap();
    let some = files();
    assert!(some > 0 && some < many, "{some} of {many}");
    logs.remove_stream(&stream("a")).await.unwrap();
    assert_eq!(files(), 0);
    logs.clear().await.unwrap();
    drop(logs);
    let logs = small(folder.path());
    logs.append(&stream("a"), vec![line(1, "x")], None).await.unwrap();
    assert_eq!(logs.query(everything()).await.unwrap()[0].sequence, 501);
}

#[tokio::test]
async fn a_second_process_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let _logs = small(folder.path());
    let clock = Arc::new(base_clock::SystemClock);
    let second = LogDirectory::open(folder.path(), clock).err().unwrap();
    assert!(second.to_string().contains("open"), "{second}");
}
