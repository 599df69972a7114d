//! What the control process changes is answered, none of it is lost, and it outlives both processes.

use std::io::Write as _;

use super::*;
use crate::testing::{endpoint, record};

const ZONE: &str = "zone Z1 example.com. public\n@ SOA 900 ns1.example.com. admin.example.com. 1 7200 900 1209600 300\n\
                    a A 60 192.0.2.1\nb TXT 60 \"b\"";

fn update(line: &str) -> Vec<Change> {
    vec![Change::Records(record("Z1", "example.com.", line))]
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_answered() {
    let both = start(ZONE).await;
    let store = &both.control.store;
    assert_eq!(both.ask("a.example.com.", "A").await, "NOERROR 192.0.2.1");
    let sequence = commit(store, update("a A 60 192.0.2.2")).await;
    seen(store, |observed| observed.sequence == sequence).await;
    assert_eq!(both.ask("a.example.com.", "A").await, "NOERROR 192.0.2.2");
    let gone = record("Z1", "example.com.", "a A 60 192.0.2.2").key;
    let sequence = commit(store, vec![Change::NoRecords(gone)]).await;
    seen(store, |observed| observed.sequence == sequence).await;
    assert_eq!(both.ask("a.example.com.", "A").await, "NXDOMAIN");
    let sequence = commit(store, vec![Change::NoZone("Z1".to_owned())]).await;
    seen(store, |observed| observed.sequence == sequence).await;
    // No zone of ours any more, and nobody else to ask.
    assert_eq!(both.ask("b.example.com.", "TXT").await, "SERVFAIL");
}

#[tokio::test(flavor = "multi_thread")]
async fn endpoints_come_and_go() {
    let both = start(ZONE).await;
    let store = &both.control.store;
    let web = endpoint("web.elb.localhost.", &["127.64.0.9"], &[], true);
    store
        .write(move |tx| {
            tx.put(ENDPOINTS, "web.elb.localhost.", web);
            Ok::<_, StoreError>(())
        })
        .await
        .unwrap();
    answered(store, "web.elb.localhost.", "A", "NOERROR 127.64.0.9").await;
    store
        .write(|tx| {
            tx.delete(ENDPOINTS, "web.elb.localhost.");
            Ok::<_, StoreError>(())
        })
        .await
        .unwrap();
    answered(store, "web.elb.localhost.", "A", "NOERROR 127.0.0.1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_answers_from_the_disk_without_control() {
    let both = start(ZONE).await;
    let Both {
        directory,
        _server: server,
        control,
        address,
    } = both;
    for number in 0..50 {
        commit(
            &control.store,
            update(&format!("n{number} A 60 192.0.2.{number}")),
        )
        .await;
    }
    seen(&control.store, |observed| observed.sequence == 51).await;
    let store = control.store.clone();
    drop(control);
    drop(server);
    // A kill in the middle of a line.
    let journal = newest_journal(&directory.path().join("dns"));
    let mut file = std::fs::OpenOptions::new().append(true).open(journal).unwrap();
    file.write_all(b"{\"Update\":{\"sequence\":52,\"changes\":[{\"NoZo")
        .unwrap();
    free(address).await;
    let server = serve(directory.path(), &address.to_string());
    answered(&store, "n49.example.com.", "A", "NOERROR 192.0.2.49").await;
    assert_eq!(ask(&store, "b.example.com.", "TXT").await, "NOERROR \"b\"");
    // And again, with what was torn in the middle of the files now, and a control process that goes on.
    let control = self::control(directory.path(), store);
    let sequence = commit(&control.store, update("n50 A 60 192.0.2.50")).await;
    seen(&control.store, |observed| observed.sequence == sequence).await;
    let store = control.store.clone();
    drop(control);
    drop(server);
    free(address).await;
    let _server = serve(directory.path(), &address.to_string());
    answered(&store, "n50.example.com.", "A", "NOERROR 192.0.2.50").await;
    assert_eq!(ask(&store, "n0.example.com.", "A").await, "NOERROR 192.0.2.0");
}

fn newest_journal(directory: &Path) -> PathBuf {
    let entries = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .filter(|path| path.to_string_lossy().contains("journal."))
        .max()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_update_is_lost_under_load_while_control_comes_and_goes() {
    let both = start(ZONE).await;
    let store = both.control.store.clone();
    let writer = tokio::spawn({
        let store = store.clone();
        async move {
            for number in 0..600 {
                commit(
                    &store,
                    update(&format!(
                        "load{number} A 60 10.0.{}.{}",
                        number / 250,
                        number % 250
                    )),
                )
                .await;
            }
        }
    });
    let address = both.address;
    let asking = tokio::spawn({
        let store = store.clone();
        async move {
            for _ in 0..500 {
                assert_eq!(ask(&store, "a.example.com.", "A").await, "NOERROR 192.0.2.1");
            }
        }
    });
    let mut control = Some(both.control);
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_millis(50)).await;
        drop(control.take());
        tokio::time::sleep(Duration::from_millis(20)).await;
        control = Some(self::control(both.directory.path(), store.clone()));
    }
    writer.await.unwrap();
    asking.await.unwrap();
    seen(&store, |observed| {
        observed.sequence == 601 && observed.address == Some(address)
    })
    .await;
    for number in 0..600 {
        let expected = format!("NOERROR 10.0.{}.{}", number / 250, number % 250);
        assert_eq!(
            ask(&store, &format!("load{number}.example.com."), "A").await,
            expected
        );
    }
    drop(control);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_missed_too_much_is_handed_everything() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::in_memory();
    commit(&store, changes(ZONE)).await;
    commit(&store, update("c A 60 192.0.2.3")).await;
    // The first update is not kept any more.
    let forget = store.write(|tx| {
        tx.delete(UPDATES, &Update::key(1));
        Ok::<_, StoreError>(())
    });
    forget.await.unwrap();
    let server = serve(directory.path(), "127.0.0.1:0");
    let control = control(directory.path(), store.clone());
    seen(&store, |observed| {
        observed.sequence == 2 && observed.address.is_some()
    })
    .await;
    assert_eq!(ask(&store, "c.example.com.", "A").await, "NOERROR 192.0.2.3");
    drop(control);
    // A control process with another past: lower numbers, other zones.
    let store = Store::in_memory();
    commit(&store, changes("zone Z2 example.org. public\nd A 60 192.0.2.4")).await;
    let control = self::control(directory.path(), store.clone());
    seen(&store, |observed| {
        observed.sequence == 1 && observed.address.is_some()
    })
    .await;
    assert_eq!(ask(&store, "d.example.org.", "A").await, "NOERROR 192.0.2.4");
    assert_eq!(ask(&store, "c.example.com.", "A").await, "SERVFAIL");
    drop(control);
    drop(server);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_zone_is_handed_over_in_parts_and_changes_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::in_memory();
    let mut zone = String::from("zone Z1 example.com. public\n");
    for number in 0..20_000 {
        zone.push_str(&format!(
            "host{number} A 60 10.0.{}.{}\n",
            number / 250,
            number % 250
        ));
    }
    // One update of some megabytes: too long for a line.
    commit(&store, changes(&zone)).await;
    let _server = serve(directory.path(), "127.0.0.1:0");
    let _control = control(directory.path(), store.clone());
    seen(&store, |observed| {
        observed.sequence == 1 && observed.address.is_some()
    })
    .await;
    assert_eq!(
        ask(&store, "host19999.example.com.", "A").await,
        "NOERROR 10.0.79.249"
    );
    commit(&store, update("host7 A 60 192.0.2.7")).await;
    answered(&store, "host7.example.com.", "A", "NOERROR 192.0.2.7").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_comes_by_tcp() {
    let values: Vec<String> = (0..200).map(|number| format!("192.0.2.{number}")).collect();
    let both = start(&format!(
        "zone Z1 example.com. public\nmany A 60 {}",
        values.join(" | ")
    ))
    .await;
    let answer = both.ask("many.example.com.", "A").await;
    assert_eq!(answer.split(' ').count(), 201, "{answer}");
}
