use std::sync::Mutex;

use async_trait::async_trait;
use aws_session::{Channel, ChannelClosed, Kind, Message, PayloadKind};
use base_id::SequentialIds;
use contract::exec::{ExecError, ExecInput, ExecOutput, ExecRequest, ExecSession, Gone};
use futures::{SinkExt as _, StreamExt as _};
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite;

use super::*;

/// One session, `one` with the token `secret`; the program prints what is typed, and ends with 7 after `bye`.
#[derive(Default)]
struct Fake {
    joined: Mutex<bool>,
    resized: Arc<Mutex<Option<(u16, u16)>>>,
    /// The terminal's size as the program finds it.
    began: Mutex<Option<(u16, u16)>>,
}

impl Sessions for Fake {
    fn join(&self, session: &str, token: &str) -> Option<ExecRequest> {
        let mut joined = self.joined.lock().unwrap();
        let right = session == "one" && token == "secret" && !*joined;
        *joined |= right;
        right.then(|| ExecRequest {
            task: "t".into(),
            container: "web".into(),
            arguments: vec!["cat".into()],
            environment: vec![],
            terminal: None,
            user: None,
            working_directory: None,
        })
    }
}

#[async_trait]
impl Exec for Fake {
    async fn exec(&self, request: ExecRequest) -> Result<ExecSession, ExecError> {
        *self.began.lock().unwrap() = request.terminal.map(|it| (it.columns, it.rows));
        let (input, mut typed) = futures::channel::mpsc::channel(8);
        let (mut printed, output) = futures::channel::mpsc::channel(8);
        let resized = Arc::clone(&self.resized);
        tokio::spawn(async move {
            while let Some(one) = typed.next().await {
                match one {
                    ExecInput::Bytes(bytes) if &bytes[..] == b"bye" => break,
                    ExecInput::Bytes(bytes) => printed.send(ExecOutput::Stdout(bytes)).await.unwrap(),
                    ExecInput::Resize(size) => *resized.lock().unwrap() = Some((size.columns, size.rows)),
                    ExecInput::End => {}
                }
            }
            let _ = printed.send(ExecOutput::Exited(7)).await;
        });
        Ok(ExecSession {
            input: Box::pin(input.sink_map_err(|_| Gone)),
            output: Box::pin(output),
        })
    }
}

type Socket = tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

async fn connect(fake: &Arc<Fake>, session: &str, token: &str) -> Socket {
    let parts = Parts {
        sessions: fake.clone(),
        exec: fake.clone(),
        ids: Arc::new(SequentialIds::default()),
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router(parts)).await });
    let url = format!("ws://{address}/v1/data-channel/{session}");
    let (mut socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
    let open = format!(
        r#"{{"MessageSchemaVersion":"1.0","RequestId":"r","TokenValue":"{token}","ClientId":"c","ClientVersion":"1.2.0.0"}}"#
    );
    socket.send(tungstenite::Message::text(open)).await.unwrap();
    socket
}

/// The next message that is no acknowledgement.
async fn next(socket: &mut Socket, channel: &mut Channel) -> Message {
    loop {
        let tungstenite::Message::Binary(bytes) = socket.next().await.unwrap().unwrap() else {
            continue;
        };
        let received = channel.receive(&bytes, [0; 16]).unwrap();
        if let Some(answer) = received.answer {
            socket.send(tungstenite::Message::binary(answer)).await.unwrap();
        }
        if let Some(message) = received.message {
            return message;
        }
    }
}

async fn send(socket: &mut Socket, channel: &mut Channel, kind: PayloadKind, payload: &[u8]) {
    let bytes = channel.data(kind, payload.to_vec(), [1; 16]);
    socket.send(tungstenite::Message::binary(bytes)).await.unwrap();
}

#[tokio::test]
async fn what_is_typed_is_printed_until_the_program_ends() {
    let fake = Arc::new(Fake::default());
    let (mut socket, mut channel) = (connect(&fake, "one", "secret").await, Channel::client());
    let (socket, channel) = (&mut socket, &mut channel);
    assert_eq!(
        next(socket, channel).await.payload_kind,
        PayloadKind::HandshakeRequest
    );
    let response = br#"{"ClientVersion":"1","ProcessedClientActions":[],"Errors":null}"#;
    send(socket, channel, PayloadKind::HandshakeResponse, response).await;
    assert_eq!(
        next(socket, channel).await.payload_kind,
        PayloadKind::HandshakeComplete
    );
    send(socket, channel, PayloadKind::Size, br#"{"cols":132,"rows":50}"#).await;
    send(socket, channel, PayloadKind::Bytes, b"hello").await;
    assert_eq!(next(socket, channel).await.payload, b"hello");
    assert_eq!(
        *fake.began.lock().unwrap(),
        Some((132, 50)),
        "it began with this size"
    );
    send(socket, channel, PayloadKind::Size, br#"{"cols":99,"rows":33}"#).await;
    send(socket, channel, PayloadKind::Bytes, b"again").await;
    assert_eq!(next(socket, channel).await.payload, b"again");
    assert_eq!(*fake.resized.lock().unwrap(), Some((99, 33)));
    send(socket, channel, PayloadKind::Bytes, b"bye").await;
    let last = next(socket, channel).await;
    assert_eq!(last.kind, Kind::ChannelClosed);
    let closed: ChannelClosed = serde_json::from_slice(&last.payload).unwrap();
    assert_eq!((closed.exit_code, closed.output.as_str()), (Some(7), ""));
}

#[tokio::test]
async fn what_is_typed_at_once_is_not_taken_for_a_size() {
    let fake = Arc::new(Fake::default());
    let (mut socket, mut channel) = (connect(&fake, "one", "secret").await, Channel::client());
    let (socket, channel) = (&mut socket, &mut channel);
    next(socket, channel).await;
    let response = br#"{"ClientVersion":"1","ProcessedClientActions":[],"Errors":null}"#;
    send(socket, channel, PayloadKind::HandshakeResponse, response).await;
    send(socket, channel, PayloadKind::Bytes, b"hello").await;
    next(socket, channel).await;
    assert_eq!(next(socket, channel).await.payload, b"hello");
    assert_eq!(*fake.began.lock().unwrap(), Some((80, 24)));
}

#[tokio::test]
async fn nobody_comes_in_with_a_wrong_token() {
    let fake = Arc::new(Fake::default());
    for (session, token) in [("one", "guess"), ("two", "secret")] {
        let mut socket = connect(&fake, session, token).await;
        let tungstenite::Message::Close(Some(frame)) = socket.next().await.unwrap().unwrap() else {
            panic!("it was let in");
        };
        assert_eq!(u16::from(frame.code), 1008);
    }
    assert!(!*fake.joined.lock().unwrap());
}
