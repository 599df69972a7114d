//! Names that really resolve: Route 53, Cloud Map, Service Connect, and what becomes of answers when processes die.

use std::process::Command;

use crate::cloud::{Cloud, until};
use crate::command::run;
use crate::image::{load_busybox, load_python};
use crate::inside::script;

pub(crate) fn dns(cloud: &Cloud) -> String {
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

/// A zone with one record.
fn zone(cloud: &Cloud, name: &str) -> String {
    let line = format!(
        "route53 create-hosted-zone --name {name} --caller-reference one --query HostedZone.Id --output text"
    );
    let id = cloud.aws(&line);
    put(cloud, &id, &format!("www.{name}"), "192.0.2.1");
    id
}

fn put(cloud: &Cloud, zone: &str, name: &str, address: &str) {
    let batch = format!(
        r#"{{"Changes":[{{"Action":"UPSERT","ResourceRecordSet":{{"Name":"{name}","Type":"A","TTL":5,"ResourceRecords":[{{"Value":"{address}"}}]}}}}]}}"#
    );
    let words = [
        "route53",
        "change-resource-record-sets",
        "--hosted-zone-id",
        zone,
        "--change-batch",
        &batch,
    ];
    run(&mut cloud.client("aws", &words));
}

fn dig(server: &str, name: &str) -> String {
    let (host, port) = server.split_once(':').unwrap();
    let words = ["+short", "+tries=1", "+time=2", "-p", port, name];
    let output = Command::new("dig")
        .arg(format!("@{host}"))
        .args(words)
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn signal(name: &str, pid: i32) {
    run(Command::new("kill").args([name, &pid.to_string()]));
}

#[test]
fn names_outlive_those_who_made_them() {
    let cloud = Cloud::start(&[]);
    let server = dns(&cloud);
    let id = zone(&cloud, "example.test");
    assert_eq!(dig(&server, "www.example.test"), "192.0.2.1");
    // Nobody starts the control process again for a while.
    let supervisor = cloud.process("supervise");
    signal("-STOP", supervisor);
    signal("-KILL", cloud.process("control"));
    for _ in 0..20 {
        assert_eq!(dig(&server, "www.example.test"), "192.0.2.1");
    }
    signal("-CONT", supervisor);
    until("the API answers again", || {
        cloud
            .client("aws", &["sts", "get-caller-identity"])
            .output()
            .unwrap()
            .status
            .success()
    });
    put(&cloud, &id, "www.example.test", "192.0.2.2");
    assert_eq!(dig(&server, "www.example.test"), "192.0.2.2");
    // What it knew is on disk.
    signal("-KILL", cloud.process("dns-server"));
    until("names are answered again", || {
        dig(&server, "www.example.test") == "192.0.2.2"
    });
    cloud.stop();
    cloud.assert_nothing_left();
}

#[test]
fn programs_of_the_machine_find_a_domain_and_the_machine_is_as_it_was() {
    let cloud = Cloud::start(&[]);
    dns(&cloud);
    zone(&cloud, "example.test");
    // In a copy of /etc that nobody else sees.
    let copy = cloud.state().join("etc");
    let wharf = crate::cloud::wharf().display();
    let script = format!(
        "set -e
         cp -a /etc {copy}
         mount --bind {copy} /etc
         before=$(stat -c '%a %U %F' /etc/resolv.conf; sha256sum < /etc/resolv.conf)
         {wharf} --state-dir {state} dns install example.test
         {wharf} --state-dir {state} dns list
         getent ahostsv4 www.example.test
         python3 -c 'import socket; print(socket.gethostbyname(\"www.example.test\"))'
         {wharf} --state-dir {state} dns remove example.test
         after=$(stat -c '%a %U %F' /etc/resolv.conf; sha256sum < /etc/resolv.conf)
         [ \"$before\" = \"$after\" ] && echo as it was",
        copy = copy.display(),
        state = cloud.state().display(),
    );
    let said = run(&mut cloud.client("unshare", &["--mount", "sh", "-c", &script]));
    assert!(
        said.contains("192.0.2.1") && said.ends_with("as it was"),
        "{said}"
    );
    cloud.stop();
    cloud.assert_nothing_left();
}

#[test]
fn a_load_balancer_has_a_name_of_ones_own_here_and_inside() {
    let cloud = Cloud::start(&[]);
    load_busybox(&cloud);
    load_python(&cloud);
    let server = dns(&cloud);
    let authority = cloud.state().join("authority.pem");
    std::fs::write(&authority, run(&mut cloud.wharf(&["cloud", "ca"])) + "\n").unwrap();
    let said = script(&cloud, "alias.py", &[&server, authority.to_str().unwrap()]);
    assert_eq!(said, "alias\nsecure\ninside\nprivate\nfailed over");
    cloud.stop();
    cloud.assert_nothing_left();
}
