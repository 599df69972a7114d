use aws_session::HandshakeComplete;

use super::*;

/// The other end's messages, and what this one sent since the last look.
struct Bench {
    talk: Talk,
    agent: Channel,
    printed: Vec<u8>,
    reads: bool,
}

impl Bench {
    fn new() -> Self {
        let mut talk = Talk::begin("secret");
        let first = talk.outgoing.pop_front().unwrap();
        let open: OpenDataChannel = serde_json::from_str(first.to_text().unwrap()).unwrap();
        assert_eq!(
            (open.message_schema_version.as_str(), open.token_value.as_str()),
            ("1.0", "secret")
        );
        Self {
            talk,
            agent: Channel::server(),
            printed: Vec::new(),
            reads: true,
        }
    }

    fn agreed() -> Self {
        let mut bench = Self::new();
        assert!(bench.greet(&["InteractiveCommands"]).is_none());
        bench.complete();
        bench.sent();
        bench
    }

    fn says(&mut self, kind: PayloadKind, payload: &[u8]) -> Option<Result<ExecEnd, Failure>> {
        let bytes = self.agent.data(kind, payload.to_vec(), [7; 16]);
        self.takes(bytes)
    }

    fn takes(&mut self, bytes: Vec<u8>) -> Option<Result<ExecEnd, Failure>> {
        let (printed, reads) = (&mut self.printed, self.reads);
        let mut print = |it: Printed<'_>| {
            let (Printed::Stdout(bytes) | Printed::Stderr(bytes)) = it;
            printed.extend_from_slice(bytes);
            reads
        };
        self.talk.take(tungstenite::Message::binary(bytes), &mut print)
    }

    fn greet(&mut self, session_types: &[&str]) -> Option<Result<ExecEnd, Failure>> {
        let actions = session_types.iter().map(|kind| {
            serde_json::json!({"ActionType": "SessionType", "ActionParameters": {"SessionType": kind}})
        });
        let request =
            serde_json::json!({"AgentVersion": "3", "RequestedClientActions": actions.collect::<Vec<_>>()});
        self.says(PayloadKind::HandshakeRequest, request.to_string().as_bytes())
    }

    fn complete(&mut self) {
        let complete = HandshakeComplete {
            handshake_time_to_complete: 1,
            customer_message: String::new(),
        };
        let complete = serde_json::to_vec(&complete).unwrap();
        assert!(self.says(PayloadKind::HandshakeComplete, &complete).is_none());
    }

    fn closes(&mut self, output: &str, exit_code: Option<i32>) -> Option<Result<ExecEnd, Failure>> {
        let closed = ChannelClosed {
            message_id: "m".to_owned(),
            created_date: "2026-01-02T03:04:05Z".to_owned(),
            destination_id: "d".to_owned(),
            session_id: "s".to_owned(),
            message_type: "channel_closed".to_owned(),
            schema_version: 1,
            output: output.to_owned(),
            exit_code,
        };
        let closed = serde_json::to_vec(&closed).unwrap();
        let message = Message::new(Kind::ChannelClosed, 0, PayloadKind::None, closed, [1; 16]);
        self.takes(message.write())
    }

    /// Acknowledgements aside.
    fn sent(&mut self) -> Vec<(PayloadKind, String)> {
        let sent = self.talk.outgoing.drain(..);
        let sent = sent.map(|it| Message::read(&it.into_data()).unwrap());
        sent.filter(|it| it.kind == Kind::InputStreamData)
            .map(|it| (it.payload_kind, String::from_utf8(it.payload).unwrap()))
            .collect()
    }
}

#[test]
fn nothing_but_the_answer_is_sent_before_both_have_agreed() {
    let mut bench = Bench::new();
    bench.talk.resize(TerminalSize {
        columns: 132,
        rows: 50,
    });
    assert!(bench.greet(&["InteractiveCommands"]).is_none());
    let sent = bench.sent();
    assert_eq!(sent.len(), 1);
    let response: HandshakeResponse = serde_json::from_str(&sent[0].1).unwrap();
    assert_eq!(response.processed_client_actions[0].action_status, 1);
    assert_eq!(response.errors, None);
    assert!(!bench.talk.agreed);
    bench.complete();
    assert!(bench.talk.agreed);
    assert_eq!(
        bench.sent(),
        [(PayloadKind::Size, r#"{"cols":132,"rows":50}"#.to_owned())]
    );
}

#[test]
fn an_old_agent_begins_at_once() {
    let mut bench = Bench::new();
    assert!(bench.says(PayloadKind::Bytes, b"$ ").is_none());
    assert!(bench.talk.agreed);
    assert_eq!(bench.printed, b"$ ");
}

#[test]
fn what_is_not_supported_is_answered_so_and_told_to_the_person() {
    let mut bench = Bench::new();
    let request = serde_json::json!({"AgentVersion": "3", "RequestedClientActions": [
        {"ActionType": "KMSEncryption", "ActionParameters": {"KMSKeyId": "k"}},
        {"ActionType": "SessionType", "ActionParameters": {"SessionType": "InteractiveCommands"}},
    ]});
    let end = bench.says(PayloadKind::HandshakeRequest, request.to_string().as_bytes());
    let failure = end.unwrap().unwrap_err();
    assert!(matches!(failure, Failure::SessionEncrypted), "{failure}");
    let response: HandshakeResponse = serde_json::from_str(&bench.sent()[0].1).unwrap();
    let status = |at: usize| response.processed_client_actions[at].action_status;
    assert_eq!((status(0), status(1)), (3, 1));
    assert!(response.errors.unwrap()[0].contains("KMS"));

    let failure = Bench::new().greet(&["Port"]).unwrap().unwrap_err();
    assert_eq!(
        failure.to_string(),
        "the session failed: sessions of the type `Port` are not supported"
    );
}

#[test]
fn what_is_typed_goes_in_pieces_and_its_end_as_a_terminal_says_it() {
    let mut bench = Bench::agreed();
    bench.talk.typed(&[b'x'; 2500]);
    let sizes: Vec<usize> = bench.sent().iter().map(|(_, text)| text.len()).collect();
    assert_eq!(sizes, [1024, 1024, 452]);
    // Within a line the first sign only hands over what is there of it.
    bench.talk.end_input();
    assert_eq!(bench.sent(), [(PayloadKind::Bytes, "\u{4}\u{4}".to_owned())]);
    bench.talk.typed(b"exit\n");
    bench.talk.end_input();
    assert_eq!(bench.sent()[1], (PayloadKind::Bytes, "\u{4}".to_owned()));
}

#[test]
fn a_session_ends_with_what_is_known_of_its_program() {
    let end = |output: &str, code| Bench::agreed().closes(output, code).unwrap();
    assert_eq!(end("", Some(3)).unwrap(), ExecEnd::Exited(3));
    assert_eq!(end("", None).unwrap(), ExecEnd::Unknown);
    let failure = end("the session was idle for 20 minutes", None).unwrap_err();
    assert_eq!(
        failure.to_string(),
        "the session failed: the session was idle for 20 minutes"
    );
    let mut bench = Bench::agreed();
    assert!(bench.says(PayloadKind::ExitCode, b"5").is_none());
    assert_eq!(bench.closes("", None).unwrap().unwrap(), ExecEnd::Exited(5));
}

#[test]
fn who_reads_no_more_leaves() {
    let mut bench = Bench::agreed();
    bench.reads = false;
    let end = bench.says(PayloadKind::Bytes, b"lines and lines");
    assert_eq!(end.unwrap().unwrap(), ExecEnd::Left);
    assert_eq!(bench.sent(), [(PayloadKind::Flag, "\0\0\0\u{2}".to_owned())]);
}

#[test]
fn what_is_no_message_ends_the_session() {
    let mut bench = Bench::agreed();
    assert!(bench.takes(b"nonsense".to_vec()).unwrap().is_err());
}
