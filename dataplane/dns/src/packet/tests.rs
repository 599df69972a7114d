use hickory_proto::op::Query;

use super::*;
use crate::name;
use crate::testing::{asker, known, table};

fn exchange(
    name: &str,
    transport: Transport,
    recursion: bool,
    change: impl FnOnce(&mut Message),
) -> Option<Message> {
    let values: Vec<String> = (0..60).map(|number| format!("192.0.2.{number}")).collect();
    let zone = format!(
        "zone Z1 example.com. public\nwww A 60 192.0.2.1\nmany A 60 {}",
        values.join(" | ")
    );
    let known = known(table(&zone), &[]);
    let mut message = Message::new(7, MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = true;
    let name = name::to_name(&name::parse_as_written(name).unwrap());
    message.queries = vec![Query::query(name, RecordType::A)];
    change(&mut message);
    let bytes = message.to_vec().unwrap();
    match reply(&bytes, &known, &asker(""), recursion, transport, &mut |_| 0) {
        Reply::Send(bytes) => Some(Message::from_vec(&bytes).unwrap()),
        Reply::Nothing | Reply::Ask(_) => None,
    }
}

fn edns(payload: u16) -> Edns {
    let mut edns = Edns::new();
    edns.set_max_payload(payload);
    edns
}

#[test]
fn flags_say_who_answers() {
    for recursion in [true, false] {
        let answer = exchange("WwW.example.com.", Transport::Udp, recursion, |_| {}).unwrap();
        assert!(answer.metadata.authoritative && answer.metadata.recursion_desired);
        assert_eq!(answer.metadata.recursion_available, recursion);
        assert_eq!(answer.metadata.id, 7);
        assert_eq!(answer.queries[0].name.to_string(), "WwW.example.com.");
        assert!(answer.edns.is_none());
    }
}

#[test]
fn nobody_else_is_asked_for_strangers_or_unasked() {
    assert!(exchange("www.example.net.", Transport::Udp, true, |_| {}).is_none());
    let stranger = exchange("www.example.net.", Transport::Udp, false, |_| {}).unwrap();
    assert_eq!(stranger.metadata.response_code, ResponseCode::Refused);
    let unasked = exchange("www.example.net.", Transport::Udp, true, |message| {
        message.metadata.recursion_desired = false
    });
    assert_eq!(unasked.unwrap().metadata.response_code, ResponseCode::Refused);
}

#[test]
fn sizes_are_kept() {
    for (payload, transport, fits) in [
        (None, Transport::Udp, false),
        (Some(512), Transport::Udp, false),
        (Some(0), Transport::Udp, false),
        (Some(1100), Transport::Udp, true),
        (Some(4096), Transport::Udp, true),
        (None, Transport::Tcp, true),
    ] {
        let answer = exchange("many.example.com.", transport, false, |message| {
            message.edns = payload.map(edns)
        })
        .unwrap();
        assert_eq!(answer.metadata.truncation, !fits, "{payload:?}");
        assert_eq!(answer.answers.len(), if fits { 60 } else { 0 }, "{payload:?}");
        assert_eq!(
            answer.edns.map(|edns| edns.max_payload()),
            payload.map(|_| UDP_BYTES_MAX)
        );
    }
}

#[test]
fn extensions_are_answered() {
    let bad = exchange("www.example.com.", Transport::Udp, false, |message| {
        let mut edns = edns(1232);
        edns.set_version(1);
        message.edns = Some(edns);
    });
    let bad = bad.unwrap();
    // 16 has two names.
    assert_eq!(
        u16::from(bad.metadata.response_code),
        u16::from(ResponseCode::BADVERS)
    );
    assert_eq!(bad.edns.unwrap().version(), 0);
    assert!(bad.answers.is_empty());
    let subnet = exchange("www.example.com.", Transport::Udp, false, |message| {
        let mut edns = edns(1232);
        edns.set_dnssec_ok(true);
        edns.options_mut().insert(EdnsOption::Subnet(ClientSubnet::new(
            [192, 0, 2, 0].into(),
            24,
            0,
        )));
        message.edns = Some(edns);
    });
    let edns = subnet.unwrap().edns.unwrap();
    assert!(edns.flags().dnssec_ok);
    let expected = ClientSubnet::new([192, 0, 2, 0].into(), 24, 0);
    assert_eq!(edns.option(EdnsCode::Subnet), Some(&EdnsOption::Subnet(expected)));
}
