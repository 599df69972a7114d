//! Packets to the name server: whatever comes, at most one packet goes back, it is an answer to that question, and it is
//! no longer than it may be.

use std::sync::LazyLock;

use contract::dns::{Change, Data, Policy, RecordKey, RecordSet, Visibility, Zone};
use dataplane_dns::{Zones, answer_packet};

const HEADER_BYTES: usize = 12;
/// Of an answer by UDP, whatever the asker says.
const UDP_BYTES_MAX: usize = 1232;

/// Codes of answers that say nothing but that there is none: to what cannot be read, is not served, or is refused.
const ERRORS: [u8; 3] = [1, 4, 5];

static ZONES: LazyLock<Zones> = LazyLock::new(|| {
    let zone = Change::Zone(Zone {
        id: "Z1".to_owned(),
        name: "example.com.".to_owned(),
        visibility: Visibility::Public,
    });
    let many: Vec<String> = (0..200).map(|number| format!("192.0.2.{number}")).collect();
    let records = [
        (
            "example.com.",
            "SOA",
            vec!["ns.example.com. admin.example.com. 1 7200 900 1209600 300".to_owned()],
        ),
        ("example.com.", "NS", vec!["ns.example.com.".to_owned()]),
        ("www.example.com.", "A", vec!["192.0.2.1".to_owned()]),
        ("many.example.com.", "A", many),
        ("c.example.com.", "CNAME", vec!["www.example.com.".to_owned()]),
        ("out.example.com.", "CNAME", vec!["www.example.net.".to_owned()]),
        ("loop.example.com.", "CNAME", vec!["loop.example.com.".to_owned()]),
        ("sub.example.com.", "NS", vec!["ns.sub.example.com.".to_owned()]),
        ("ns.sub.example.com.", "A", vec!["192.0.2.53".to_owned()]),
        ("*.wild.example.com.", "TXT", vec!["\"x\"".to_owned()]),
    ];
    let sets = records.into_iter().map(|(name, kind, values)| {
        Change::Records(RecordSet {
            key: RecordKey {
                zone: "Z1".to_owned(),
                name: name.to_owned(),
                kind: kind.to_owned(),
                set: None,
            },
            policy: Policy::Simple,
            check: None,
            data: Data::Values {
                ttl_seconds: 60,
                values,
            },
        })
    });
    Zones::new(std::iter::once(zone).chain(sets))
});

/// # Panics
/// When a promise does not hold.
pub fn check(bytes: &[u8]) {
    for (tcp, most) in [(false, UDP_BYTES_MAX), (true, usize::from(u16::MAX))] {
        let answer = answer_packet(bytes, &ZONES, tcp);
        let is_question = bytes.len() >= HEADER_BYTES && bytes[2] & 0x80 == 0;
        assert_eq!(
            answer.is_some(),
            is_question,
            "questions are answered, and nothing else"
        );
        let Some(answer) = answer else { continue };
        assert!(
            (HEADER_BYTES..=most).contains(&answer.len()),
            "{} bytes",
            answer.len()
        );
        assert_eq!(answer[..2], bytes[..2], "the number is the question's");
        assert!(answer[2] & 0x80 != 0, "an answer says that it is one");
        assert_eq!(answer[2] & 0x78, bytes[2] & 0x78, "it is of the same kind");
        if ERRORS.contains(&(answer[3] & 15)) {
            assert!(
                answer.len() <= bytes.len(),
                "an error is no longer than the question"
            );
        }
        let again = answer_packet(&answer, &ZONES, tcp);
        assert_eq!(again, None, "answers are not answered");
    }
}
