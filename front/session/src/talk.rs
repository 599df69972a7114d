//! One session from its token to its end.

use std::future::poll_fn;
use std::time::Duration;

use aws_session::{
    Channel, ChannelClosed, ClientAction, HandshakeComplete, HandshakeRequest, Kind, Message as Packet,
    OpenDataChannel, PayloadKind, TerminalSize,
};
use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use bytes::Bytes;
use contract::exec::{ExecInput, ExecOutput, ExecRequest, ExecSession, TerminalSize as Size};
use futures::StreamExt as _;
use jiff::Timestamp;
use tokio::time::{Instant, timeout_at};

use crate::Parts;

/// How long a client may take to show its token, and to agree.
const OPENING_MAX: Duration = Duration::from_secs(10);
/// Nobody types and nothing is printed: as in AWS the session ends.
const IDLE_MAX: Duration = Duration::from_secs(20 * 60);
/// Until the client has said how large its terminal is.
const SIZE_DEFAULT: Size = Size {
    columns: 80,
    rows: 24,
};
/// A client that has a terminal says its size at once: so long the program waits for it, for programs that ask once.
const SIZE_WITHIN: Duration = Duration::from_millis(200);
/// What the version of AWS's agent would be: clients ask for features by it.
const AGENT_VERSION: &str = "3.3.0.0";
/// The flag by which a client ends its session.
const TERMINATE: u32 = 2;
/// Payloads are sent in pieces of so many bytes at most, as AWS's agent does.
const PIECE_BYTES: usize = 1024;

/// How a session ended.
enum End {
    /// The program's exit code.
    Exited(i32),
    /// A sentence for the person.
    Failed(String),
    /// Nobody is there any more.
    Left,
}

/// What one look at both sides brought.
enum Turn {
    Active,
    Idle,
    Over(End),
}

pub(crate) async fn talk(socket: WebSocket, id: &str, parts: &Parts) {
    let mut line = Line {
        socket,
        channel: Channel::server(),
        parts,
    };
    let opened = tokio::time::timeout(OPENING_MAX, line.open(id)).await;
    let Ok(Some(request)) = opened else {
        line.refuse().await;
        return;
    };
    let agreed = tokio::time::timeout(OPENING_MAX, line.agree(&request)).await;
    let end = match agreed {
        Ok(Some(())) => line.run(request).await,
        _ => End::Left,
    };
    line.close(id, end).await;
}

struct Line<'a> {
    socket: WebSocket,
    channel: Channel,
    parts: &'a Parts,
}

impl Line<'_> {
    fn random(&self) -> [u8; 16] {
        self.parts.ids.next().to_be_bytes()
    }

    /// The first message has the token; what shall run if it is right.
    async fn open(&mut self, id: &str) -> Option<ExecRequest> {
        let first = self.socket.recv().await?.ok()?;
        let text = match &first {
            Message::Text(text) => text.as_bytes(),
            Message::Binary(bytes) => bytes,
            _ => return None,
        };
        let open: OpenDataChannel = serde_json::from_slice(text).ok()?;
        self.parts.sessions.join(id, &open.token_value)
    }

    async fn refuse(&mut self) {
        let frame = CloseFrame {
            code: close_code::POLICY,
            reason: "the session is not there, was joined before, or its token is wrong".into(),
        };
        let _ = self.socket.send(Message::Close(Some(frame))).await;
    }

    async fn send(&mut self, kind: PayloadKind, payload: Vec<u8>) -> Option<()> {
        let id = self.random();
        let bytes = self.channel.data(kind, payload, id);
        self.socket.send(Message::Binary(bytes.into())).await.ok()
    }

    /// The next message of the client that means something.
    async fn receive(&mut self) -> Option<Packet> {
        loop {
            let message = self.socket.recv().await?.ok()?;
            if let Some(packet) = self.take(message).await? {
                return Some(packet);
            }
        }
    }

    /// Acknowledges a message; `None` within for one that means nothing, `None` when the client has left.
    async fn take(&mut self, message: Message) -> Option<Option<Packet>> {
        let bytes = match message {
            Message::Binary(bytes) => bytes,
            Message::Close(_) => return None,
            Message::Text(_) | Message::Ping(_) | Message::Pong(_) => return Some(None),
        };
        let id = self.random();
        let received = self.channel.receive(&bytes, id).ok()?;
        if let Some(answer) = received.answer {
            self.socket.send(Message::Binary(answer.into())).await.ok()?;
        }
        let message = received.message;
        let leaves =
            |it: &Packet| it.payload_kind == PayloadKind::Flag && it.payload == TERMINATE.to_be_bytes();
        (!message.as_ref().is_some_and(leaves)).then_some(message)
    }

    /// The kind of session is agreed on.
    async fn agree(&mut self, request: &ExecRequest) -> Option<()> {
        let began = Timestamp::now();
        let handshake = HandshakeRequest {
            agent_version: AGENT_VERSION.to_owned(),
            requested_client_actions: vec![ClientAction {
                action_type: "SessionType".to_owned(),
                action_parameters: serde_json::json!({
                    "SessionType": "InteractiveCommands",
                    "Properties": {"command": request.arguments.join(" ")},
                }),
            }],
        };
        self.send(
            PayloadKind::HandshakeRequest,
            serde_json::to_vec(&handshake).ok()?,
        )
        .await?;
        while self.receive().await?.payload_kind != PayloadKind::HandshakeResponse {}
        let took = Timestamp::now().duration_since(began).as_nanos();
        let complete = HandshakeComplete {
            handshake_time_to_complete: i64::try_from(took).unwrap_or_default(),
            customer_message: String::new(),
        };
        self.send(
            PayloadKind::HandshakeComplete,
            serde_json::to_vec(&complete).ok()?,
        )
        .await
    }

    async fn run(&mut self, mut request: ExecRequest) -> End {
        let mut first = match tokio::time::timeout(SIZE_WITHIN, self.receive()).await {
            Ok(Some(packet)) => input(&packet),
            Ok(None) => return End::Left,
            Err(_) => None,
        };
        request.terminal = Some(match first {
            Some(ExecInput::Resize(size)) => size,
            _ => SIZE_DEFAULT,
        });
        let mut session = match self.parts.exec.exec(request).await {
            Ok(session) => session,
            Err(error) => return End::Failed(error.to_string()),
        };
        let mut idle_until = Instant::now() + IDLE_MAX;
        loop {
            match timeout_at(idle_until, self.turn(&mut session, &mut first)).await {
                Ok(Turn::Over(end)) => return end,
                Ok(Turn::Active) => idle_until = Instant::now() + IDLE_MAX,
                Ok(Turn::Idle) => {}
                Err(_) => return End::Failed("the session was idle for 20 minutes".to_owned()),
            }
        }
    }

    /// Whatever comes first, from the person or from the program. `typed` waits until the program takes it; it may
    /// not do so before what it prints is taken, so that goes on in the meantime. The branches only wait: what they
    /// waited for is done after them, and nothing of it is lost when another comes first.
    async fn turn(&mut self, session: &mut ExecSession, typed: &mut Option<ExecInput>) -> Turn {
        let sink = &mut session.input;
        tokio::select! {
            output = session.output.next() => {
                let bytes = match output {
                    Some(ExecOutput::Stdout(bytes) | ExecOutput::Stderr(bytes)) => bytes,
                    Some(ExecOutput::Exited(code)) => return Turn::Over(End::Exited(code)),
                    None => return Turn::Over(End::Failed("the container's shim is gone".to_owned())),
                };
                for piece in bytes.chunks(PIECE_BYTES) {
                    if self.send(PayloadKind::Bytes, piece.to_vec()).await.is_none() {
                        return Turn::Over(End::Left);
                    }
                }
            }
            ready = poll_fn(|cx| sink.as_mut().poll_ready(cx)), if typed.is_some() => {
                // A program that has ended reads no more; its end is on its way.
                if let (Ok(()), Some(typed)) = (ready, typed.take()) {
                    let _ = session.input.as_mut().start_send(typed);
                }
            }
            message = self.socket.recv(), if typed.is_none() => {
                let Some(Ok(message)) = message else { return Turn::Over(End::Left) };
                let Some(packet) = self.take(message).await else { return Turn::Over(End::Left) };
                *typed = packet.and_then(|packet| input(&packet));
                // What only keeps the connection going is no sign of a person.
                if typed.is_none() {
                    return Turn::Idle;
                }
            }
        }
        Turn::Active
    }

    /// Says the last word; the client may be gone already.
    async fn close(&mut self, id: &str, end: End) {
        let (output, exit_code) = match end {
            End::Left => return,
            End::Exited(code) => (String::new(), Some(code)),
            End::Failed(sentence) => (sentence, None),
        };
        let message_id = self.random();
        let mut packet = Packet::new(Kind::ChannelClosed, 0, PayloadKind::None, Vec::new(), message_id);
        let closed = ChannelClosed {
            message_id: packet.uuid(),
            created_date: Timestamp::now().to_string(),
            destination_id: id.to_owned(),
            session_id: id.to_owned(),
            message_type: Kind::ChannelClosed.as_str().to_owned(),
            schema_version: 1,
            output,
            exit_code,
        };
        packet.payload = serde_json::to_vec(&closed).unwrap_or_default();
        let _ = self.socket.send(Message::Binary(packet.write().into())).await;
        let _ = self.socket.send(Message::Close(None)).await;
        // The client's own close is awaited for a moment: a socket that is dropped at once may lose what was said.
        let _ = tokio::time::timeout(Duration::from_secs(1), async {
            while let Some(Ok(_)) = self.socket.recv().await {}
        })
        .await;
    }
}

/// What a message means for the program; nothing, for most kinds.
fn input(packet: &Packet) -> Option<ExecInput> {
    match packet.payload_kind {
        PayloadKind::Bytes => Some(ExecInput::Bytes(Bytes::copy_from_slice(&packet.payload))),
        PayloadKind::Size => size(&packet.payload).map(ExecInput::Resize),
        _ => None,
    }
}

fn size(payload: &[u8]) -> Option<Size> {
    let size: TerminalSize = serde_json::from_slice(payload).ok()?;
    let number = |value: u32| u16::try_from(value).unwrap_or(u16::MAX).max(1);
    Some(Size {
        columns: number(size.columns),
        rows: number(size.rows),
    })
}
