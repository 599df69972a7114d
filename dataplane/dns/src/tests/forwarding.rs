//! What is not ours is asked of the machine's name servers.

use std::sync::atomic::{AtomicUsize, Ordering};

use hickory_proto::op::{Message, MessageType, ResponseCode};
use hickory_proto::rr::rdata::A;
use hickory_proto::rr::{RData, Record};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, UdpSocket};

use super::*;

/// A name server that knows every name in example.net, with some habits.
struct Upstream {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
}

/// Two sockets of the same number. A number that is free for one may be taken for the other: then another is tried.
async fn door() -> (UdpSocket, TcpListener) {
    loop {
        let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        if let Ok(tcp) = TcpListener::bind(udp.local_addr().unwrap()).await {
            return (udp, tcp);
        }
    }
}

async fn upstream() -> Upstream {
    let (udp, tcp) = door().await;
    let address = udp.local_addr().unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    tokio::spawn(async move {
        let mut buffer = [0; 4096];
        loop {
            let (length, from) = udp.recv_from(&mut buffer).await.unwrap();
            counted.fetch_add(1, Ordering::Relaxed);
            let question = Message::from_vec(&buffer[..length]).unwrap();
            for answer in answers(&question) {
                udp.send_to(&answer, from).await.unwrap();
            }
        }
    });
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = tcp.accept().await.unwrap();
            let mut frame = Vec::new();
            crate::serve::read_frame(&mut stream, &mut frame).await.unwrap();
            let mut answer = answer(&Message::from_vec(&frame).unwrap());
            for number in 0..100 {
                let name = answer.queries[0].name.clone();
                answer
                    .answers
                    .push(Record::from_rdata(name, 60, RData::A(A::new(10, 0, 0, number))));
            }
            let bytes = answer.to_vec().unwrap();
            stream
                .write_all(&u16::try_from(bytes.len()).unwrap().to_be_bytes())
                .await
                .unwrap();
            stream.write_all(&bytes).await.unwrap();
        }
    });
    Upstream { address, asked }
}

fn answer(question: &Message) -> Message {
    let mut answer = Message::response(question.metadata.id, question.metadata.op_code);
    answer.metadata.message_type = MessageType::Response;
    answer.metadata.recursion_desired = true;
    answer.metadata.recursion_available = true;
    answer.queries = question.queries.clone();
    let name = question.queries[0].name.clone();
    answer
        .answers
        .push(Record::from_rdata(name, 60, RData::A(A::new(203, 0, 113, 7))));
    answer
}

fn answers(question: &Message) -> Vec<Vec<u8>> {
    let name = question.queries[0].name.to_string();
    let mut answer = answer(question);
    let right = answer.to_vec().unwrap();
    match name.split('.').next().unwrap() {
        "silent" => vec![],
        // Somebody guesses: another number, another name; the right answer comes later.
        "spoofed" => {
            let mut other = answer.clone();
            other.metadata.id = other.metadata.id.wrapping_add(1);
            let mut renamed = answer.clone();
            renamed.queries[0].name = "x.example.net.".parse().unwrap();
            let mut asked = question.clone();
            asked.metadata.message_type = MessageType::Query;
            vec![
                other.to_vec().unwrap(),
                renamed.to_vec().unwrap(),
                asked.to_vec().unwrap(),
                right[..11].to_vec(),
                right.clone(),
            ]
        }
        "twice" => vec![right.clone(), right],
        "nothing" => {
            answer.answers.clear();
            answer.metadata.response_code = ResponseCode::NXDomain;
            vec![answer.to_vec().unwrap()]
        }
        "broken" => {
            answer.answers.clear();
            answer.metadata.response_code = ResponseCode::ServFail;
            vec![answer.to_vec().unwrap()]
        }
        "large" => {
            answer.answers.clear();
            answer.metadata.truncation = true;
            vec![answer.to_vec().unwrap()]
        }
        _ => vec![right],
    }
}

const ZONE: &str =
    "zone Z1 example.com. public\nout CNAME 60 www.example.net.\nlost CNAME 60 nothing.example.net.";

#[tokio::test(flavor = "multi_thread")]
async fn others_are_asked_for_what_is_not_ours() {
    let upstream = upstream().await;
    let both = start(ZONE).await;
    std::fs::write(
        both.path("resolv.conf"),
        format!("# mine\nnameserver [127.0.0.1]:{}\n", upstream.address.port()),
    )
    .unwrap();
    for (name, expected) in [
        ("www.example.net.", "NOERROR 203.0.113.7"),
        ("nothing.example.net.", "NXDOMAIN"),
        ("broken.example.net.", "SERVFAIL"),
        ("spoofed.example.net.", "NOERROR 203.0.113.7"),
        ("twice.example.net.", "NOERROR 203.0.113.7"),
        ("out.example.com.", "NOERROR 203.0.113.7"),
        ("lost.example.com.", "NXDOMAIN nothing.example.net."),
        ("silent.example.net.", "SERVFAIL"),
    ] {
        assert_eq!(both.ask(name, "A").await, expected, "{name}");
    }
    let large = both.ask("large.example.net.", "A").await;
    assert_eq!(large.split(' ').count(), 102, "{large}");
    let asked = upstream.asked.load(Ordering::Relaxed);
    assert_eq!(both.ask("nothing.example.com.", "A").await, "NXDOMAIN");
    assert_eq!(both.ask("x.localhost.", "A").await, "NOERROR 127.0.0.1");
    assert_eq!(
        upstream.asked.load(Ordering::Relaxed),
        asked,
        "what is ours is nobody else's business"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn another_server_is_asked_when_one_does_not_help_and_never_ourselves() {
    let upstream = upstream().await;
    let both = start(ZONE).await;
    let own = both.address.port();
    std::fs::write(
        both.path("resolv.conf"),
        format!("nameserver [127.0.0.1]:{own}\n"),
    )
    .unwrap();
    assert_eq!(both.ask("www.example.net.", "A").await, "SERVFAIL");
    // Nobody listens on port 1. The file is read again because it has changed.
    let port = upstream.address.port();
    let text =
        format!("nameserver [127.0.0.1]:{own}\nnameserver [127.0.0.1]:1\nnameserver [127.0.0.1]:{port}\n");
    std::fs::write(both.path("resolv.conf"), text).unwrap();
    assert_eq!(both.ask("www.example.net.", "A").await, "NOERROR 203.0.113.7");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_waits_holds_up_no_other_of_its_connection() {
    // By TCP it accepts, and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let both = start("zone Z1 example.com. public\nwww A 60 192.0.2.1").await;
    let port = silent.local_addr().unwrap().port();
    std::fs::write(
        both.path("resolv.conf"),
        format!("nameserver [127.0.0.1]:{port}\n"),
    )
    .unwrap();
    let mut stream = tokio::net::TcpStream::connect(both.address).await.unwrap();
    for (id, name) in [(1, "www.example.net."), (2, "www.example.com.")] {
        let mut message = Message::new(id, MessageType::Query, hickory_proto::op::OpCode::Query);
        message.metadata.recursion_desired = true;
        message.queries = vec![hickory_proto::op::Query::query(
            name.parse().unwrap(),
            hickory_proto::rr::RecordType::A,
        )];
        let bytes = message.to_vec().unwrap();
        stream
            .write_all(&u16::try_from(bytes.len()).unwrap().to_be_bytes())
            .await
            .unwrap();
        stream.write_all(&bytes).await.unwrap();
    }
    let mut frame = Vec::new();
    for (id, code) in [(2, ResponseCode::NoError), (1, ResponseCode::ServFail)] {
        crate::serve::read_frame(&mut stream, &mut frame)
            .await
            .unwrap()
            .expect("an answer");
        let answer = Message::from_vec(&frame).unwrap();
        assert_eq!((answer.metadata.id, answer.metadata.response_code), (id, code));
    }
}
