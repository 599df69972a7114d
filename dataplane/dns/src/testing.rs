//! Zones written in short for tests, and answers written in short.

use std::collections::HashMap;
use std::sync::Arc;

use contract::dns::{
    Alias, AliasTarget, Change, Data, Endpoint, NetworkNames, Policy, RecordKey, RecordSet, Visibility, Zone,
};
use hickory_proto::rr::{Name, Record, RecordType};

use crate::answer::{Answer, Asker, Known, Outcome, answer};
use crate::table::Table;
use crate::{ask, data, name};

/// A line each: `zone ID NAME public` (or networks instead of `public`), then its records:
/// `NAME KIND [set=S] [weight=N|primary|secondary|region=R|multi] [check=C] TTL VALUE | VALUE`, or instead of time and
/// values `-> NAME [eval]` for an alias; `->> NAME [eval]` to an endpoint. `@` is the apex.
pub(crate) fn changes(text: &str) -> Vec<Change> {
    let (mut changes, mut id, mut apex) = (Vec::new(), String::new(), String::new());
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if let Some(zone) = line.strip_prefix("zone ") {
            let fields: Vec<&str> = zone.split_whitespace().collect();
            (id, apex) = (fields[0].to_owned(), fields[1].to_owned());
            let visibility = match fields[2] {
                "public" => Visibility::Public,
                networks => Visibility::Networks(networks.split(',').map(str::to_owned).collect()),
            };
            changes.push(Change::Zone(Zone {
                id: id.clone(),
                name: apex.clone(),
                visibility,
            }));
        } else {
            changes.push(Change::Records(record(&id, &apex, line)));
        }
    }
    changes
}

pub(crate) fn record(zone: &str, apex: &str, line: &str) -> RecordSet {
    let (owner, rest) = line.split_once(' ').expect("a name and more");
    let (kind, mut rest) = rest.split_once(' ').expect("a type and more");
    let (mut set, mut policy, mut check) = (None, Policy::Simple, None);
    loop {
        let (word, after) = rest.split_once(' ').unwrap_or((rest, ""));
        match word.split_once('=').unwrap_or((word, "")) {
            ("set", value) => set = Some(value.to_owned()),
            ("weight", value) => policy = Policy::Weighted(value.parse().expect("a weight")),
            ("region", value) => policy = Policy::Latency(value.to_owned()),
            ("check", value) => check = Some(value.to_owned()),
            ("primary", _) => policy = Policy::Primary,
            ("secondary", _) => policy = Policy::Secondary,
            ("multi", _) => policy = Policy::Multivalue,
            _ => break,
        }
        rest = after;
    }
    let alias = |target: AliasTarget| {
        Data::Alias(Alias {
            target,
            evaluate_health: rest.ends_with(" eval"),
        })
    };
    let words: Vec<&str> = rest.split_whitespace().collect();
    let data = match words[0] {
        "->" => alias(AliasTarget::Name(words[1].to_owned())),
        "->>" => alias(AliasTarget::Endpoint(words[1].to_owned())),
        ttl => Data::Values {
            ttl_seconds: ttl.parse().expect("a time"),
            values: rest[ttl.len()..]
                .split('|')
                .map(|value| value.trim().to_owned())
                .collect(),
        },
    };
    let name = if owner == "@" {
        apex.to_owned()
    } else {
        format!("{owner}.{apex}")
    };
    RecordSet {
        key: RecordKey {
            zone: zone.to_owned(),
            name,
            kind: kind.to_owned(),
            set,
        },
        policy,
        check,
        data,
    }
}

pub(crate) fn table(text: &str) -> Table {
    let mut table = Table::default();
    for change in changes(text) {
        table.apply(change);
    }
    table
}

/// These checks are unhealthy.
pub(crate) fn known(table: Table, unhealthy: &[&str]) -> Known {
    let health: HashMap<String, bool> = unhealthy.iter().map(|id| ((*id).to_owned(), false)).collect();
    Known {
        table,
        health: Arc::new(health),
    }
}

pub(crate) fn endpoint(name: &str, addresses: &[&str], inside: &[(&str, &str)], healthy: bool) -> Endpoint {
    Endpoint {
        name: name.to_owned(),
        addresses: addresses
            .iter()
            .map(|address| address.parse().expect("an address"))
            .collect(),
        inside: inside
            .iter()
            .map(|(network, address)| ((*network).to_owned(), vec![address.parse().expect("an address")]))
            .collect(),
        healthy,
    }
}

pub(crate) fn network(id: &str, range: &str) -> (String, NetworkNames) {
    let names = NetworkNames {
        resolver: None,
        region: "eu-central-1".to_owned(),
        ranges: vec![range.parse().expect("a range")],
        domain: Some("eu-central-1.compute.internal".to_owned()),
    };
    (id.to_owned(), names)
}

/// From a network, or from the machine itself if it is empty.
pub(crate) fn asker(network: &str) -> Asker {
    Asker {
        network: (!network.is_empty()).then(|| network.to_owned()),
        region: "us-east-1".to_owned(),
        local: [127, 0, 0, 1].into(),
    }
}

/// `NETWORK? NAME KIND`: always the highest number comes by chance, which leaves all in its order.
pub(crate) fn ask(known: &Known, question: &str) -> String {
    ask_by(known, question, &mut |below| below.saturating_sub(1))
}

pub(crate) fn ask_by(known: &Known, question: &str, chance: &mut dyn FnMut(usize) -> usize) -> String {
    let words: Vec<&str> = question.split_whitespace().collect();
    let (network, name, kind) = match words.as_slice() {
        [name, kind] => ("", *name, *kind),
        [network, name, kind] => (*network, *name, *kind),
        _ => panic!("no question: {question}"),
    };
    let kind = if kind == "ANY" {
        RecordType::ANY
    } else {
        data::kind(kind).expect("a type")
    };
    let name: Name = name::to_name(&name::parse_as_written(name).expect("a name"));
    match answer(known, &asker(network), &name, kind, chance) {
        Outcome::Elsewhere => "elsewhere".to_owned(),
        Outcome::Answer(answer) => short(&answer),
    }
}

fn short(answer: &Answer) -> String {
    let code = answer.code.map_or_else(|| "NOERROR".to_owned(), ask::code_text);
    let mut parts = vec![if answer.authoritative {
        format!("{code} aa")
    } else {
        code
    }];
    parts.extend(answer.answers.iter().map(line));
    parts.extend(
        answer
            .authority
            .iter()
            .map(|record| format!("! {}", line(record))),
    );
    parts.extend(
        answer
            .additional
            .iter()
            .map(|record| format!("+ {}", line(record))),
    );
    parts.extend(answer.rest.iter().map(|name| format!("? {name}")));
    parts.join("; ")
}

fn line(record: &Record) -> String {
    let kind = record.record_type();
    format!(
        "{} {} {kind} {}",
        record.name,
        record.ttl,
        data::present(&record.data)
    )
}
