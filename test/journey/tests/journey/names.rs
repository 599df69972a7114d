//! Names that really resolve: Route 53, Cloud Map, Service Connect, and what becomes of answers when processes die.

use crate::cloud::{Cloud, until};
use crate::command::run;
use crate::image::{load_busybox, load_python};
use crate::inside::script;

fn dns(cloud: &Cloud) -> String {
    let mut found = None;
    until("the name server answers", || {
        let said = run(&mut cloud.wharf(&["cloud", "status", "--json"]));
        let status: serde_json::Value = serde_json::from_str(&said).unwrap();
        found = status["cloud"]["dns"].as_str().map(str::to_owned);
        found.is_some()
    });
    found.unwrap()
}

#[test]
fn zones_are_answered_with_every_type_and_policy() {
    let cloud = Cloud::start(&[]);
    let address = dns(&cloud);
    let said = script(&cloud, "names.py", &[&address]);
    assert_eq!(said, "types\npolicies\nfailover\nmany\nrefusals");
    cloud.stop();
    cloud.assert_nothing_left();
}

#[test]
fn services_find_each_other_through_roll_outs() {
    let cloud = Cloud::start(&[]);
    load_busybox(&cloud);
    load_python(&cloud);
    let said = script(&cloud, "discovery.py", &["10"]);
    assert_eq!(said, "found\nrolled\ngone");
    cloud.stop();
    cloud.assert_nothing_left();
}
