use std::collections::HashMap;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::answer::Known;
use crate::testing::{ask, ask_by, endpoint, known, table};

const ZONE: &str = "
zone Z1 example.com. public
w A set=a weight=10 check=a 60 192.0.2.1
w A set=b weight=30 check=b 60 192.0.2.2
w A set=z weight=0 60 192.0.2.3
none A set=a weight=0 60 192.0.2.1
none A set=b weight=0 60 192.0.2.2
f A set=p primary check=p 60 192.0.2.1
f A set=s secondary check=s 60 192.0.2.2
l A set=eu region=eu-west-1 check=eu 60 192.0.2.1
l A set=us region=us-east-2 check=us 60 192.0.2.2
l A set=ap region=ap-south-1 60 192.0.2.3
e A set=p primary ->> web.localhost. eval
e A set=s secondary -> sorry.example.com.
n A set=p primary ->> web.localhost.
n A set=s secondary -> sorry.example.com.
sorry A 60 192.0.2.99
t A set=eu region=eu-west-1 -> w.example.com. eval
t A set=us region=us-east-1 -> f.example.com. eval
c CNAME set=a weight=1 check=a 60 w.example.com.
c CNAME set=b weight=0 60 f.example.com.
";

fn addresses(answer: &str) -> Vec<String> {
    answer
        .split("; ")
        .filter_map(|line| line.split_once(" A "))
        .map(|(_, address)| address.to_owned())
        .collect()
}

fn with(unhealthy: &[&str]) -> Known {
    let mut zones = table(ZONE);
    let healthy = !unhealthy.contains(&"web");
    zones.put_endpoints(vec![endpoint("web.localhost.", &["127.64.0.1"], &[], healthy)]);
    known(zones, unhealthy)
}

/// How often each address comes.
fn counts(known: &Known, question: &str, times: usize) -> HashMap<String, usize> {
    let mut random = StdRng::seed_from_u64(7);
    let mut counts = HashMap::new();
    for _ in 0..times {
        let answer = ask_by(known, question, &mut |below| random.random_range(0..below));
        for address in addresses(&answer) {
            *counts.entry(address).or_default() += 1;
        }
    }
    counts
}

#[test]
fn weights_are_kept_within_two_percent() {
    let counts = counts(&with(&[]), "w.example.com. A", 10_000);
    assert!(counts["192.0.2.1"].abs_diff(2500) < 200, "{counts:?}");
    assert!(counts["192.0.2.2"].abs_diff(7500) < 200, "{counts:?}");
    assert!(!counts.contains_key("192.0.2.3"), "{counts:?}");
}

#[test]
fn weight_zero_answers_when_nobody_else_does() {
    for (unhealthy, expected) in [
        (&["a"][..], vec!["192.0.2.2"]),
        (&["a", "b"], vec!["192.0.2.3"]),
        (&["b"], vec!["192.0.2.1"]),
    ] {
        let counts = counts(&with(unhealthy), "w.example.com. A", 200);
        assert_eq!(counts.keys().collect::<Vec<_>>(), expected, "{unhealthy:?}");
    }
    let counts = counts(&with(&[]), "none.example.com. A", 1000);
    assert!(counts["192.0.2.1"].abs_diff(500) < 100, "{counts:?}");
}

#[test]
fn failover_latency_and_aliases_follow_health() {
    for (unhealthy, question, expected) in [
        (&[][..], "f", "192.0.2.1"),
        (&["p"], "f", "192.0.2.2"),
        (&["s"], "f", "192.0.2.1"),
        // Nobody is well: as if all were.
        (&["p", "s"], "f", "192.0.2.1"),
        (&[], "l", "192.0.2.2"),
        (&["us"], "l", "192.0.2.1"),
        (&["us", "eu"], "l", "192.0.2.3"),
        (&[], "e", "127.64.0.1"),
        (&["web"], "e", "192.0.2.99"),
        // Not asked to look at its target.
        (&["web"], "n", "127.64.0.1"),
        (&[], "t", "192.0.2.1"),
        (&["p"], "t", "192.0.2.2"),
        // All of the nearer branch is unwell: the other one, and in it whoever is left.
        (&["p", "s", "a", "b"], "t", "192.0.2.3"),
    ] {
        let answer = ask(&with(unhealthy), &format!("{question}.example.com. A"));
        assert_eq!(addresses(&answer), [expected], "{unhealthy:?} {question}");
    }
}

#[test]
fn policies_hold_for_names_that_lead_on() {
    let answer = ask(&with(&[]), "c.example.com. CNAME");
    assert_eq!(answer, "NOERROR aa; c.example.com. 60 CNAME w.example.com.");
    let answer = ask(&with(&["a"]), "c.example.com. CNAME");
    assert_eq!(answer, "NOERROR aa; c.example.com. 60 CNAME f.example.com.");
}

#[test]
fn multivalue_gives_up_to_eight_and_leaves_out_the_unhealthy() {
    let mut zone = String::from("zone Z1 example.com. public\n");
    for number in 0..12 {
        zone.push_str(&format!(
            "m A set=s{number} multi check=c{number} 60 192.0.2.{number}\n"
        ));
    }
    let ill = ["c0", "c1", "c2", "c3", "c4", "c5"];
    let some = known(table(&zone), &ill);
    assert_eq!(addresses(&ask(&some, "m.example.com. A")).len(), 6);
    assert!(
        counts(&some, "m.example.com. A", 100)
            .keys()
            .all(|address| !ill.contains(&address.replace("192.0.2.", "c").as_str()))
    );
    let well = known(table(&zone), &[]);
    assert_eq!(addresses(&ask(&well, "m.example.com. A")).len(), 8);
    assert_eq!(counts(&well, "m.example.com. A", 200).len(), 12);
    let all: Vec<String> = (0..12).map(|number| format!("c{number}")).collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    assert_eq!(
        addresses(&ask(&known(table(&zone), &all), "m.example.com. A")).len(),
        8
    );
}

#[test]
fn simple_values_come_in_any_order() {
    let zone = known(
        table("zone Z1 example.com. public\ns A check=c 60 192.0.2.1 | 192.0.2.2 | 192.0.2.3"),
        &["c"],
    );
    let mut random = StdRng::seed_from_u64(7);
    let mut orders = std::collections::HashSet::new();
    for _ in 0..200 {
        orders.insert(ask_by(&zone, "s.example.com. A", &mut |below| {
            random.random_range(0..below)
        }));
    }
    assert_eq!(orders.len(), 6);
}
