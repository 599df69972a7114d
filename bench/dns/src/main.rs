//! The name server with one zone of many records: `bench-dns ADDRESS RECORDS DIRECTORY`. The zone comes from a control
//! process's store, as in the binary.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

use base_clock::SystemClock;
use base_store::{Store, StoreError, Table};
use contract::dns::{Data, Head, Policy, RecordKey, RecordSet, Visibility, Zone};
use dataplane_dns::{DnsConfig, Remote};
use tokio::sync::watch;

const HEAD: Table<Head> = Table::new(Head::TABLE, 1);
const ZONES: Table<Zone> = Table::new(Zone::TABLE, 1);
const RECORDS: Table<RecordSet> = Table::new(RecordSet::TABLE, 1);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, records, directory] = arguments.as_slice() else {
        return Err("bench-dns ADDRESS RECORDS DIRECTORY".into());
    };
    let (directory, count) = (PathBuf::from(directory), records.parse::<u32>()?);
    let (stop, stopped) = watch::channel(false);
    let store = Store::in_memory();
    store.write(move |tx| Ok::<_, StoreError>(fill(tx, count))).await?;
    let remote = Remote {
        socket: directory.join("dns.sock"),
        store,
    };
    tokio::spawn(remote.run(stopped.clone()));
    tokio::spawn(async move {
        let _ = tokio::signal::ctrl_c().await;
        stop.send_replace(true);
    });
    let config = DnsConfig {
        socket: directory.join("dns.sock"),
        namespaces: directory.join("namespaces"),
        listen: vec![address.parse()?],
        resolv_conf: directory.join("resolv.conf"),
        region: "us-east-1".to_owned(),
        local: [127, 0, 0, 1].into(),
        directory,
    };
    Ok(dataplane_dns::run(config, Arc::new(SystemClock), stopped).await?)
}

fn fill(tx: &mut base_store::Transaction, count: u32) {
    let zone = Zone {
        id: "Z1".to_owned(),
        name: "example.com.".to_owned(),
        visibility: Visibility::Public,
    };
    tx.put(ZONES, "Z1", zone);
    let mut put = |name: String, kind: &str, value: String| {
        let set = RecordSet {
            key: RecordKey {
                zone: "Z1".to_owned(),
                name,
                kind: kind.to_owned(),
                set: None,
            },
            policy: Policy::Simple,
            check: None,
            data: Data::Values {
                ttl_seconds: 300,
                values: vec![value],
            },
        };
        tx.put(RECORDS, &set.key.row(), set);
    };
    let soa = "ns.example.com. admin.example.com. 1 7200 900 1209600 300";
    put("example.com.".to_owned(), "SOA", soa.to_owned());
    put("example.com.".to_owned(), "NS", "ns.example.com.".to_owned());
    put("ns.example.com.".to_owned(), "A", "127.0.0.1".to_owned());
    for number in 0..count {
        let [_, b, c, d] = number.to_be_bytes();
        put(format!("host{number}.example.com."), "A", format!("10.{b}.{c}.{d}"));
    }
    tx.put(HEAD, Head::KEY, Head { sequence: 1 });
}
