use contract::dns::{Change, Visibility, Zone};

use crate::testing::{ask, changes, known, record, table};

use super::*;

fn without(table: &Table, line: &str) -> Table {
    let mut table = table.clone();
    table.apply(Change::NoRecords(record("Z1", "example.com.", line).key));
    table
}

#[test]
fn names_between_come_and_go_with_those_below() {
    let full = table("zone Z1 example.com. public\na.b A 60 192.0.2.1\nb A 60 192.0.2.2");
    let (a, b) = ("a.b A 60 192.0.2.1", "b A 60 192.0.2.2");
    for (table, of_b, of_a) in [
        (
            full.clone(),
            "NOERROR aa; b.example.com. 60 A 192.0.2.2",
            "NOERROR aa; a.b.example.com. 60 A 192.0.2.1",
        ),
        (
            without(&full, b),
            "NOERROR aa",
            "NOERROR aa; a.b.example.com. 60 A 192.0.2.1",
        ),
        (
            without(&full, a),
            "NOERROR aa; b.example.com. 60 A 192.0.2.2",
            "NXDOMAIN aa",
        ),
        (without(&without(&full, b), a), "NXDOMAIN aa", "NXDOMAIN aa"),
        (without(&without(&full, a), b), "NXDOMAIN aa", "NXDOMAIN aa"),
        (
            without(&without(&full, a), a),
            "NOERROR aa; b.example.com. 60 A 192.0.2.2",
            "NXDOMAIN aa",
        ),
    ] {
        let known = known(table, &[]);
        assert_eq!(ask(&known, "b.example.com. A"), of_b);
        assert_eq!(ask(&known, "a.b.example.com. A"), of_a);
    }
}

#[test]
fn a_table_that_is_held_stays_as_it_is() {
    let before = table("zone Z1 example.com. public\na A 60 192.0.2.1");
    let mut after = before.clone();
    for change in changes("zone Z1 example.com. public\na A 60 192.0.2.2\nb A 60 192.0.2.3")
        .into_iter()
        .skip(1)
    {
        after.apply(change);
    }
    assert_eq!(
        ask(&known(before.clone(), &[]), "a.example.com. A"),
        "NOERROR aa; a.example.com. 60 A 192.0.2.1"
    );
    assert_eq!(ask(&known(before, &[]), "b.example.com. A"), "NXDOMAIN aa");
    assert_eq!(
        ask(&known(after, &[]), "a.example.com. A"),
        "NOERROR aa; a.example.com. 60 A 192.0.2.2"
    );
}

#[test]
fn a_zone_moves_between_networks_with_its_records_and_goes_with_them() {
    let mut table = table("zone Z1 example.com. vpc-1\na A 60 192.0.2.1");
    let moved = Zone {
        id: "Z1".to_owned(),
        name: "example.com.".to_owned(),
        visibility: Visibility::Networks(vec!["vpc-2".to_owned()]),
    };
    table.apply(Change::Zone(moved.clone()));
    assert_eq!(
        ask(&known(table.clone(), &[]), "vpc-1 a.example.com. A"),
        "elsewhere"
    );
    assert_eq!(
        ask(&known(table.clone(), &[]), "vpc-2 a.example.com. A"),
        "NOERROR aa; a.example.com. 60 A 192.0.2.1"
    );
    table.apply(Change::NoZone("Z1".to_owned()));
    assert_eq!(
        ask(&known(table.clone(), &[]), "vpc-2 a.example.com. A"),
        "elsewhere"
    );
    table.apply(Change::Zone(moved));
    assert_eq!(ask(&known(table, &[]), "vpc-2 a.example.com. A"), "NXDOMAIN aa");
}

#[test]
fn what_makes_no_sense_is_left_aside() {
    let table =
        table("zone Z1 example.com. public\na A 60 192.0.2.1 | nonsense\nb A 60 nonsense\nc WKS 60 1");
    let mut table = table;
    table.apply(Change::Records(record("Z1", "example.net.", "a A 60 192.0.2.1")));
    table.apply(Change::Records(record("Z9", "example.com.", "d A 60 192.0.2.1")));
    let known = known(table, &[]);
    assert_eq!(
        ask(&known, "a.example.com. A"),
        "NOERROR aa; a.example.com. 60 A 192.0.2.1"
    );
    assert_eq!(ask(&known, "b.example.com. A"), "NOERROR aa");
    assert_eq!(ask(&known, "d.example.com. A"), "NXDOMAIN aa");
    assert_eq!(ask(&known, "a.example.net. A"), "elsewhere");
}

#[test]
fn a_hundred_thousand_records_are_one_zone() {
    let mut text = String::from("zone Z1 example.com. public\n");
    for number in 0..100_000_u32 {
        text.push_str(&format!(
            "host{number} A 60 10.{}.{}.{}\n",
            number >> 16,
            (number >> 8) & 255,
            number & 255
        ));
    }
    let mut table = table(&text);
    for number in 0..1000 {
        let line = format!("host{number} A 60 192.0.2.1");
        let before = table.clone();
        table.apply(Change::Records(record("Z1", "example.com.", &line)));
        drop(before);
    }
    let known = known(table, &[]);
    assert_eq!(
        ask(&known, "host999.example.com. A"),
        "NOERROR aa; host999.example.com. 60 A 192.0.2.1"
    );
    assert_eq!(
        ask(&known, "host99999.example.com. A"),
        "NOERROR aa; host99999.example.com. 60 A 10.1.134.159"
    );
    assert_eq!(known.table.changes().count(), 100_001);
}
