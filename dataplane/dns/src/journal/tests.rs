use contract::dns::Update;

use super::*;
use crate::testing::{ask, changes, endpoint, known, network, record};

fn update(sequence: u64, line: &str) -> Vec<u8> {
    let changes = vec![contract::dns::Change::Records(record("Z1", "example.com.", line))];
    line::write(&News::Update(Update { sequence, changes })).unwrap()
}

fn zone(sequence: u64) -> Vec<u8> {
    let changes = changes("zone Z1 example.com. public\na A 60 192.0.2.1");
    line::write(&News::Update(Update { sequence, changes })).unwrap()
}

fn asked(table: &Table, name: &str) -> String {
    ask(&known(table.clone(), &[]), &format!("{name} A"))
}

#[test]
fn lines_are_read_up_to_the_one_that_is_torn() {
    let directory = tempfile::tempdir().unwrap();
    let (mut journal, table) = Journal::open(directory.path()).unwrap();
    assert_eq!(table.sequence, 0);
    journal.append(&zone(1)).unwrap();
    journal.append(&update(2, "b A 60 192.0.2.2")).unwrap();
    let torn = update(3, "c A 60 192.0.2.3");
    journal.append(&torn[..torn.len() / 2]).unwrap();
    drop(journal);
    let (mut journal, table) = Journal::open(directory.path()).unwrap();
    assert_eq!(table.sequence, 2);
    // What comes now is in another file and is not lost behind the torn line.
    journal.append(&torn).unwrap();
    // A gap: nothing from here on is believed.
    journal.append(&update(5, "e A 60 192.0.2.5")).unwrap();
    journal.append(&update(4, "d A 60 192.0.2.4")).unwrap();
    drop(journal);
    let (_, table) = Journal::open(directory.path()).unwrap();
    assert_eq!(table.sequence, 3);
    assert_eq!(
        asked(&table, "c.example.com."),
        "NOERROR aa; c.example.com. 60 A 192.0.2.3"
    );
    assert_eq!(asked(&table, "d.example.com."), "NXDOMAIN aa");
}

#[test]
fn a_snapshot_takes_the_place_of_what_was_before() {
    let directory = tempfile::tempdir().unwrap();
    let (mut journal, mut table) = Journal::open(directory.path()).unwrap();
    journal.append(&zone(1)).unwrap();
    changes("zone Z1 example.com. public\na A 60 192.0.2.1")
        .into_iter()
        .for_each(|change| table.apply(change));
    table.sequence = 1;
    table.put_endpoints(vec![endpoint("web.localhost.", &["127.64.0.1"], &[], true)]);
    table.put_networks(vec![network("vpc-1", "10.0.0.0/16")]);
    let save = journal.compact(table).unwrap();
    // Comes while the snapshot is being written.
    journal.append(&update(2, "b A 60 192.0.2.2")).unwrap();
    save().unwrap();
    journal.compacted();
    assert_eq!(numbers(directory.path()).unwrap(), [1]);
    drop(journal);
    let (_, table) = Journal::open(directory.path()).unwrap();
    assert_eq!(table.sequence, 2);
    assert_eq!(
        asked(&table, "a.example.com."),
        "NOERROR aa; a.example.com. 60 A 192.0.2.1"
    );
    assert_eq!(
        asked(&table, "b.example.com."),
        "NOERROR aa; b.example.com. 60 A 192.0.2.2"
    );
    assert_eq!(
        asked(&table, "web.localhost."),
        "NOERROR aa; web.localhost. 60 A 127.64.0.1"
    );
    assert!(table.networks.contains_key("vpc-1"));
}

#[test]
fn an_older_snapshot_does_not_replace_a_newer_one() {
    let directory = tempfile::tempdir().unwrap();
    let (mut journal, mut table) = Journal::open(directory.path()).unwrap();
    table.sequence = 5;
    let older = journal.compact(table.clone()).unwrap();
    table.sequence = 6;
    let newer = journal.compact(table).unwrap();
    newer().unwrap();
    older().unwrap();
    drop(journal);
    assert_eq!(Journal::open(directory.path()).unwrap().1.sequence, 6);
}

#[test]
fn a_snapshot_that_is_not_whole_is_left_aside() {
    let directory = tempfile::tempdir().unwrap();
    let (mut journal, mut table) = Journal::open(directory.path()).unwrap();
    changes("zone Z1 example.com. public\na A 60 192.0.2.1")
        .into_iter()
        .for_each(|change| table.apply(change));
    table.sequence = 9;
    journal.compact(table).unwrap()().unwrap();
    drop(journal);
    let path = directory.path().join(SNAPSHOT);
    let text = std::fs::read(&path).unwrap();
    for length in [0, 5, text.len() / 2, text.len() - 3] {
        std::fs::write(&path, &text[..length]).unwrap();
        let (_, table) = Journal::open(directory.path()).unwrap();
        assert_eq!(table.sequence, 0, "{length}");
        assert_eq!(table.changes().count(), 0, "{length}");
    }
}
