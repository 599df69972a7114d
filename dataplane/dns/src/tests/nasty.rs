//! Packets that no decent client sends. None of them stops the server, none is answered twice or with more than it may
//! be, and a good question afterwards is answered as before.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream, UdpSocket};

use super::*;
use crate::packet::UDP_BYTES_MAX;

/// How long to wait for an answer that should not come.
const SILENCE: Duration = Duration::from_millis(150);

/// What must come back.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Back {
    Nothing,
    /// One packet with this code (its low four bits), not longer than the question if it is an error.
    Code(u8),
    /// One packet, whichever.
    Something,
}

const FORMERR: Back = Back::Code(1);
const NOTIMP: Back = Back::Code(4);
const REFUSED: Back = Back::Code(5);
/// It is nobody's, and there is nobody to be asked.
const SERVFAIL: Back = Back::Code(2);
const NOERROR: Back = Back::Code(0);
const NXDOMAIN: Back = Back::Code(3);

const WWW: &[u8] = b"\x03www\x07example\x03com\0";
const IN_A: &[u8] = &[0, 1, 0, 1];
/// With nothing said but a size of 65,535 bytes.
const OPT: &[u8] = &[0, 0, 41, 255, 255, 0, 0, 0, 0, 0, 0];

fn header(flags: [u8; 2], counts: [u16; 4]) -> Vec<u8> {
    let mut bytes = vec![0xAB, 0xCD, flags[0], flags[1]];
    counts.iter().for_each(|count| bytes.extend(count.to_be_bytes()));
    bytes
}

fn packet(flags: [u8; 2], counts: [u16; 4], rest: &[&[u8]]) -> Vec<u8> {
    [header(flags, counts), rest.concat()].concat()
}

/// A question with recursion desired.
fn question(rest: &[&[u8]]) -> Vec<u8> {
    packet([1, 0], [1, 0, 0, 0], rest)
}

fn with_kind(kind: u16, class: u16) -> Vec<u8> {
    question(&[WWW, &kind.to_be_bytes(), &class.to_be_bytes()])
}

/// Options are written as they are, lies and all.
fn with_option(version: u8, length: u16, options: &[u8]) -> Vec<u8> {
    let opt = [
        &[0, 0, 41, 4, 208, 0, version, 0, 0][..],
        &length.to_be_bytes(),
        options,
    ]
    .concat();
    packet([1, 0], [1, 0, 0, 1], &[WWW, IN_A, &opt])
}

fn long_name() -> Vec<u8> {
    let mut name = [&[63_u8][..], &[b'a'; 63]].concat().repeat(3);
    name.extend([&[61_u8][..], &[b'b'; 61], &[0]].concat());
    name
}

fn headers() -> Vec<(&'static str, Vec<u8>, Back)> {
    vec![
        ("nothing at all", vec![], Back::Nothing),
        ("one byte", vec![0], Back::Nothing),
        (
            "eleven bytes",
            header([1, 0], [1, 0, 0, 0])[..11].to_vec(),
            Back::Nothing,
        ),
        ("a header alone", header([1, 0], [1, 0, 0, 0]), FORMERR),
        (
            "a header that asks nothing",
            header([1, 0], [0, 0, 0, 0]),
            FORMERR,
        ),
        ("all ones", vec![255; 12], Back::Nothing),
        ("all zeros", vec![0; 12], FORMERR),
        ("all zeros, long", vec![0; 1500], FORMERR),
        (
            "an answer",
            packet([0x81, 0], [1, 0, 0, 0], &[WWW, IN_A]),
            Back::Nothing,
        ),
        (
            "an answer with an error",
            packet([0x80, 5], [1, 0, 0, 0], &[WWW, IN_A]),
            Back::Nothing,
        ),
        (
            "an answer without a question",
            header([0x80, 0], [0, 0, 0, 0]),
            Back::Nothing,
        ),
        (
            "an inverse question",
            packet([0x08, 0], [1, 0, 0, 0], &[WWW, IN_A]),
            NOTIMP,
        ),
        (
            "a question for the status",
            packet([0x10, 0], [1, 0, 0, 0], &[WWW, IN_A]),
            NOTIMP,
        ),
        (
            "a NOTIFY",
            packet([0x20, 0], [1, 0, 0, 0], &[WWW, &[0, 6, 0, 1]]),
            NOTIMP,
        ),
        (
            "an UPDATE",
            packet(
                [0x28, 0],
                [1, 0, 1, 0],
                &[WWW, &[0, 6, 0, 1], WWW, &[0, 1, 0, 255, 0, 0, 0, 0, 0, 0]],
            ),
            NOTIMP,
        ),
        ("opcode 15", packet([0x78, 0], [1, 0, 0, 0], &[WWW, IN_A]), NOTIMP),
        (
            "all flags of a question",
            packet([0x07, 0xFF], [1, 0, 0, 0], &[WWW, IN_A]),
            NOERROR,
        ),
        (
            "two questions",
            packet([1, 0], [2, 0, 0, 0], &[WWW, IN_A, WWW, IN_A]),
            FORMERR,
        ),
        (
            "65,535 questions",
            packet([1, 0], [65535, 0, 0, 0], &[WWW, IN_A]),
            FORMERR,
        ),
        (
            "65,535 answers that are not there",
            packet([1, 0], [1, 65535, 0, 0], &[WWW, IN_A]),
            FORMERR,
        ),
        (
            "65,535 authorities that are not there",
            packet([1, 0], [1, 0, 65535, 0], &[WWW, IN_A]),
            FORMERR,
        ),
        (
            "65,535 additions that are not there",
            packet([1, 0], [1, 0, 0, 65535], &[WWW, IN_A]),
            FORMERR,
        ),
        (
            "rubbish behind the question",
            question(&[WWW, IN_A, &[0xFF; 200]]),
            Back::Something,
        ),
    ]
}

fn names() -> Vec<(&'static str, Vec<u8>, Back)> {
    vec![
        (
            "a name that points at itself",
            question(&[&[0xC0, 12], IN_A]),
            FORMERR,
        ),
        (
            "two names that point at each other",
            question(&[&[0xC0, 14, 0xC0, 12], IN_A]),
            FORMERR,
        ),
        (
            "a name that points behind the end",
            question(&[&[0xC3, 0xFF], IN_A]),
            FORMERR,
        ),
        (
            "a name that points at the header",
            question(&[&[0xC0, 0], IN_A]),
            FORMERR,
        ),
        ("a pointer cut in half", question(&[&[0xC0]]), FORMERR),
        (
            "a label of 64 bytes",
            question(&[&[64], &[b'a'; 64], &[0], IN_A]),
            FORMERR,
        ),
        (
            "a label of a kind that was never used",
            question(&[&[0x80, 1, b'a', 0], IN_A]),
            FORMERR,
        ),
        (
            "a label longer than the packet",
            question(&[&[63, b'a']]),
            FORMERR,
        ),
        ("a name without an end", question(&[b"\x03www"]), FORMERR),
        ("a name of 254 bytes", question(&[&long_name(), IN_A]), SERVFAIL),
        (
            "a name of 256 bytes",
            question(&[b"\x01x", &long_name(), IN_A]),
            FORMERR,
        ),
        (
            "a name of 2,000 labels",
            question(&[&b"\x01a".repeat(2000), &[0], IN_A]),
            FORMERR,
        ),
        ("the root", question(&[&[0], IN_A]), Back::Something),
        (
            "a name with zero bytes in it",
            question(&[b"\x03\0\0\0\x07example\x03com\0", IN_A]),
            NXDOMAIN,
        ),
        (
            "a name with dots in its label",
            question(&[b"\x07www.www\x07example\x03com\0", IN_A]),
            NXDOMAIN,
        ),
        (
            "a name that is no text",
            question(&[b"\x04\xff\xfe\x80\\\x07example\x03com\0", IN_A]),
            NXDOMAIN,
        ),
        (
            "a name in mixed case",
            question(&[b"\x03wWw\x07ExAmPlE\x03cOm\0", IN_A]),
            NOERROR,
        ),
        ("a type cut in half", question(&[WWW, &[0]]), FORMERR),
        ("no class", question(&[WWW, &[0, 1]]), FORMERR),
    ]
}

fn kinds_and_options() -> Vec<(&'static str, Vec<u8>, Back)> {
    let two = packet([1, 0], [1, 0, 0, 2], &[WWW, IN_A, OPT, OPT]);
    let misplaced = packet([1, 0], [1, 1, 0, 0], &[WWW, IN_A, OPT]);
    let lost = [&[0, 41, 4, 208][..], &[0; 4], &[0, 0]].concat();
    vec![
        ("class CH", with_kind(16, 3), REFUSED),
        ("class ANY", with_kind(1, 255), REFUSED),
        ("class 0", with_kind(1, 0), Back::Something),
        ("a zone transfer", with_kind(252, 1), REFUSED),
        ("a zone transfer of what is new", with_kind(251, 1), REFUSED),
        ("TKEY", with_kind(249, 1), REFUSED),
        ("MAILB", with_kind(253, 1), REFUSED),
        ("everything", with_kind(255, 1), NOERROR),
        ("OPT as a question", with_kind(41, 1), FORMERR),
        ("type 0", with_kind(0, 1), FORMERR),
        ("type 65535", with_kind(65535, 1), Back::Something),
        ("two OPT records", two, FORMERR),
        ("OPT among the answers", misplaced, FORMERR),
        (
            "OPT of another name than the root",
            packet([1, 0], [1, 0, 0, 1], &[WWW, IN_A, b"\x01x\0", &lost]),
            Back::Something,
        ),
        ("OPT longer than the packet", with_option(0, 400, &[]), FORMERR),
        (
            "an option longer than OPT",
            with_option(0, 4, &[0, 8, 255, 255]),
            Back::Something,
        ),
        ("an option cut in half", with_option(0, 1, &[0]), Back::Something),
        ("version 1 of EDNS", with_option(1, 0, &[]), Back::Code(0)),
        (
            "a client subnet of 255 bits",
            with_option(0, 8, &[0, 8, 0, 4, 0, 1, 255, 0]),
            Back::Something,
        ),
        (
            "a client subnet of family 9",
            with_option(0, 8, &[0, 8, 0, 4, 0, 9, 0, 0]),
            Back::Something,
        ),
        (
            "100 options",
            with_option(0, 400, &[0, 99, 0, 0].repeat(100)),
            NOERROR,
        ),
        (
            "a record among the authorities",
            packet(
                [1, 0],
                [1, 0, 1, 0],
                &[WWW, IN_A, &[0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 1, 2, 3, 4]],
            ),
            NOERROR,
        ),
        (
            "a record with a length that lies",
            packet(
                [1, 0],
                [1, 0, 0, 1],
                &[WWW, IN_A, &[0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 9, 1, 2, 3, 4]],
            ),
            FORMERR,
        ),
        (
            "a record that points into itself",
            packet(
                [1, 0],
                [1, 0, 0, 1],
                &[WWW, IN_A, &[0xC0, 12, 0, 5, 0, 1, 0, 0, 0, 0, 0, 2, 0xC0, 45]],
            ),
            FORMERR,
        ),
        (
            "the largest packet",
            question(&[WWW, IN_A, &[0xFF; 60_000]]),
            Back::Something,
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn datagrams() {
    let values: Vec<String> = (0..100).map(|number| format!("192.0.2.{number}")).collect();
    let zone = format!(
        "zone Z1 example.com. public\nwww A 60 192.0.2.1\nmany A 60 {}",
        values.join(" | ")
    );
    let both = start(&zone).await;
    let address = both.address;
    let cases = [headers(), names(), kinds_and_options()].concat();
    assert!(cases.len() >= 40, "{}", cases.len());
    let asked = tokio::task::spawn_blocking(move || {
        for (name, bytes, back) in &cases {
            one_by_one(address, name, bytes, *back);
        }
        // Never more by UDP than may be, whatever the asker says that it could take.
        let many = packet(
            [1, 0],
            [1, 0, 0, 1],
            &[b"\x04many\x07example\x03com\0", IN_A, OPT],
        );
        let answer = exchange(address, &many).expect("an answer");
        assert!(
            answer.len() <= usize::from(UDP_BYTES_MAX) && answer[2] & 2 != 0,
            "{}",
            answer.len()
        );
        let many = question(&[b"\x04many\x07example\x03com\0", IN_A]);
        let answer = exchange(address, &many).expect("an answer");
        assert!(answer.len() <= 512 && answer[2] & 2 != 0, "{}", answer.len());
    });
    asked.await.unwrap();
    assert_eq!(both.ask("www.example.com.", "A").await, "NOERROR 192.0.2.1");
}

fn one_by_one(address: SocketAddr, name: &str, bytes: &[u8], back: Back) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket
        .set_read_timeout(Some(if back == Back::Nothing { SILENCE } else { PATIENCE }))
        .unwrap();
    socket.send_to(bytes, address).unwrap();
    let mut buffer = [0; 65535];
    let answer = socket
        .recv(&mut buffer)
        .ok()
        .map(|length| buffer[..length].to_vec());
    match (back, answer) {
        (Back::Nothing, None) => {}
        (Back::Code(_) | Back::Something, Some(answer)) => {
            assert!(
                answer.len() >= 12 && answer.len() <= usize::from(UDP_BYTES_MAX),
                "{name}"
            );
            assert_eq!(
                answer[..2],
                bytes[..2],
                "{name}: the answer has the question's number"
            );
            assert!(answer[2] & 0x80 != 0, "{name}: an answer says that it is one");
            let code = answer[3] & 15;
            assert!(
                back == Back::Something || back == Back::Code(code),
                "{name}: {code} instead of {back:?}"
            );
            if matches!(code, 1 | 4 | 5) {
                assert!(
                    answer.len() <= bytes.len(),
                    "{name}: an error of {} bytes",
                    answer.len()
                );
            }
            socket.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
            assert!(socket.recv(&mut buffer).is_err(), "{name}: a second answer");
        }
        (_, answer) => panic!("{name}: {answer:02x?} instead of {back:?}"),
    }
    let good = exchange(address, &question(&[WWW, IN_A])).expect("a good question is answered");
    assert!(good.ends_with(&[192, 0, 2, 1]), "{name}: {good:02x?}");
}

fn exchange(address: SocketAddr, bytes: &[u8]) -> Option<Vec<u8>> {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.send_to(bytes, address).unwrap();
    let mut buffer = [0; 65535];
    let length = socket.recv(&mut buffer).ok()?;
    Some(buffer[..length].to_vec())
}

fn framed(bytes: &[u8]) -> Vec<u8> {
    [&u16::try_from(bytes.len()).unwrap().to_be_bytes()[..], bytes].concat()
}

/// All that comes back until the server closes or is quiet.
fn over_tcp(address: SocketAddr, bytes: &[u8], close: bool) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let _ = stream.write_all(bytes);
    if close {
        let _ = stream.shutdown(Shutdown::Write);
    }
    let (mut back, mut buffer) = (Vec::new(), [0; 4096]);
    while let Ok(length @ 1..) = stream.read(&mut buffer) {
        back.extend(&buffer[..length]);
    }
    back
}

#[tokio::test(flavor = "multi_thread")]
async fn connections() {
    let both = start("zone Z1 example.com. public\nwww A 60 192.0.2.1").await;
    let address = both.address;
    let asked = tokio::task::spawn_blocking(move || {
        let good = framed(&question(&[WWW, IN_A]));
        let answer = over_tcp(address, &good, false);
        assert!(answer.ends_with(&[192, 0, 2, 1]), "{answer:02x?}");
        for (name, bytes, close, expected) in [
            ("nothing", vec![], true, 0),
            ("half a length", vec![0], true, 0),
            ("a frame of no bytes", vec![0, 0], false, 0),
            ("a frame of eleven bytes", framed(&[1; 11]), false, 0),
            ("half a frame", good[..good.len() / 2].to_vec(), true, 0),
            (
                "half a frame, left open",
                good[..good.len() / 2].to_vec(),
                false,
                0,
            ),
            (
                "a good question and half of one",
                [&good[..], &good[..9]].concat(),
                true,
                1,
            ),
            ("three questions at once", good.repeat(3), false, 3),
            (
                "an answer",
                framed(&packet([0x81, 0], [1, 0, 0, 0], &[WWW, IN_A])),
                false,
                0,
            ),
            ("65,535 zeros", framed(&vec![0; 65535]), false, 1),
            ("65,535 ones", framed(&vec![255; 65535]), false, 0),
            (
                "a question with 60,000 bytes behind it",
                framed(&question(&[WWW, IN_A, &[0; 60_000]])),
                false,
                1,
            ),
            ("a zone transfer", framed(&with_kind(252, 1)), false, 1),
        ] {
            let back = over_tcp(address, &bytes, close);
            let (mut frames, mut rest) = (0, &back[..]);
            while let [high, low, after @ ..] = rest {
                rest = after
                    .get(usize::from(u16::from_be_bytes([*high, *low]))..)
                    .expect("a whole frame");
                frames += 1;
            }
            assert_eq!(frames, expected, "{name}: {back:02x?}");
        }
        // Many that say nothing keep nobody from being answered.
        let idle: Vec<TcpStream> = (0..100).map(|_| TcpStream::connect(address).unwrap()).collect();
        assert_eq!(over_tcp(address, &good, false), answer);
        drop(idle);
    });
    asked.await.unwrap();
    assert_eq!(both.ask("www.example.com.", "A").await, "NOERROR 192.0.2.1");
}
