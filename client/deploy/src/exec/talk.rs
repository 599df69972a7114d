//! What is said in a session, without the connection: what comes in, what goes out, and how it ends.

use std::collections::VecDeque;
use std::time::Duration;

use aws_session::{
    Channel, ChannelClosed, ClientAction, HandshakeRequest, HandshakeResponse, Kind, Message,
    OpenDataChannel, PayloadKind, ProcessedAction, TerminalSize,
};
use base_id::{IdSource, RandomIds};
use bytes::Bytes;
use tokio_tungstenite::tungstenite;

use crate::failure::Failure;

/// The version of AWS's client whose behaviour this is: the other end asks for nothing that came later.
pub(super) const CLIENT_VERSION: &str = "1.2.707.0";
/// Of the first message.
const SCHEMA_VERSION: &str = "1.0";
/// What is typed is sent in pieces of so many bytes at most, as AWS's client does.
const PIECE_BYTES: usize = 1024;
/// A terminal's sign for the end of input, where a line begins; within a line it hands over what is there of it.
const END_OF_TRANSMISSION: u8 = 4;
/// The flag by which a client ends its session.
const TERMINATE: u32 = 2;
/// What the server may ask a client to do, and the client's answers.
const DONE: u32 = 1;
const UNSUPPORTED: u32 = 3;
const SESSION_TYPES: [&str; 3] = ["Standard_Stream", "InteractiveCommands", "NonInteractiveCommands"];
/// The end of input is told again after so long, and twice as long each time: a program that changes how its
/// terminal reads while the sign waits there gets a zero in its place.
pub(super) const END_AGAIN: Duration = Duration::from_millis(500);
pub(super) const END_AGAIN_MAX: Duration = Duration::from_secs(30);

/// What a person does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Typed {
    Bytes(Bytes),
    Resize(TerminalSize),
    /// Nothing more will be typed; the program is told as a terminal tells it.
    End,
    /// The session shall end, whatever runs in it.
    Leave,
}

/// What a program printed. A terminal does not tell its two outputs apart; sessions without one do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Printed<'a> {
    Stdout(&'a [u8]),
    Stderr(&'a [u8]),
}

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExecEnd {
    /// With the program's exit code.
    Exited(i32),
    /// With the program; AWS does not say how that ended.
    Unknown,
    /// By the person, or because nobody reads any more.
    Left,
}

pub(super) type Print<'a> = dyn FnMut(Printed<'_>) -> bool + 'a;

/// One session, as its client sees it.
pub(super) struct Talk {
    channel: Channel,
    /// To be sent, in this order.
    pub outgoing: VecDeque<tungstenite::Message>,
    /// Both ends have agreed: what is typed may be sent.
    pub agreed: bool,
    exit_code: Option<i32>,
    /// The last byte that was typed ended no line.
    within_line: bool,
    size: Option<TerminalSize>,
}

impl Talk {
    /// Shows the token.
    pub fn begin(token: &str) -> Self {
        let open = OpenDataChannel {
            message_schema_version: SCHEMA_VERSION.to_owned(),
            request_id: RandomIds.uuid(),
            token_value: token.to_owned(),
            client_id: RandomIds.uuid(),
            client_version: CLIENT_VERSION.to_owned(),
        };
        let open = serde_json::to_string(&open).unwrap_or_default();
        Self {
            channel: Channel::client(),
            outgoing: VecDeque::from([tungstenite::Message::text(open)]),
            agreed: false,
            exit_code: None,
            within_line: false,
            size: None,
        }
    }

    /// Takes in what came over the connection; returns how the session ended, if it did.
    pub fn take(
        &mut self,
        message: tungstenite::Message,
        print: &mut Print<'_>,
    ) -> Option<Result<ExecEnd, Failure>> {
        let bytes = match message {
            tungstenite::Message::Binary(bytes) => bytes,
            tungstenite::Message::Close(frame) => {
                let why = frame.map(|it| it.reason.to_string()).filter(|it| !it.is_empty());
                return Some(self.broken(why.as_deref().unwrap_or("the other end closed the connection")));
            }
            _ => return None,
        };
        let received = match self.channel.receive(&bytes, random()) {
            Ok(received) => received,
            Err(error) => return Some(Err(Failure::Session(error.to_string()))),
        };
        self.outgoing
            .extend(received.answer.map(tungstenite::Message::binary));
        self.take_packet(received.message?, print)
    }

    fn take_packet(&mut self, packet: Message, print: &mut Print<'_>) -> Option<Result<ExecEnd, Failure>> {
        if packet.kind == Kind::ChannelClosed {
            return Some(self.closed(&packet.payload));
        }
        let goes_on = match packet.payload_kind {
            PayloadKind::HandshakeRequest => return self.agree(&packet.payload).err().map(Err),
            PayloadKind::HandshakeComplete => {
                self.agree_at_last();
                true
            }
            PayloadKind::Bytes => {
                // Old agents begin without asking.
                self.agree_at_last();
                print(Printed::Stdout(&packet.payload))
            }
            PayloadKind::StdErr | PayloadKind::Error => print(Printed::Stderr(&packet.payload)),
            PayloadKind::ExitCode => {
                let text = String::from_utf8_lossy(&packet.payload);
                self.exit_code = text.trim().parse().ok();
                true
            }
            _ => true,
        };
        (!goes_on).then(|| {
            self.leave();
            Ok(ExecEnd::Left)
        })
    }

    /// Does what the server asks for, as far as that is known here.
    fn agree(&mut self, request: &[u8]) -> Result<(), Failure> {
        let request: HandshakeRequest = serde_json::from_slice(request)
            .map_err(|_| Failure::Session("the other end's greeting cannot be read".to_owned()))?;
        let mut refused = None;
        let actions = request.requested_client_actions.iter().map(|action| {
            let failure = refusal(action);
            let processed = ProcessedAction {
                action_type: action.action_type.clone(),
                action_status: if failure.is_some() { UNSUPPORTED } else { DONE },
                action_result: None,
                error: failure.as_ref().map(ToString::to_string).unwrap_or_default(),
            };
            refused = refused.take().or(failure);
            processed
        });
        let processed_client_actions: Vec<ProcessedAction> = actions.collect();
        let response = HandshakeResponse {
            client_version: CLIENT_VERSION.to_owned(),
            processed_client_actions,
            errors: refused.as_ref().map(|it| vec![it.to_string()]),
        };
        self.send(
            PayloadKind::HandshakeResponse,
            serde_json::to_vec(&response).unwrap_or_default(),
        );
        match refused {
            Some(failure) => Err(failure),
            None => Ok(()),
        }
    }

    /// What was held back until now is sent.
    fn agree_at_last(&mut self) {
        if !std::mem::replace(&mut self.agreed, true)
            && let Some(size) = self.size
        {
            self.resize(size);
        }
    }

    fn closed(&self, payload: &[u8]) -> Result<ExecEnd, Failure> {
        let closed: ChannelClosed = serde_json::from_slice(payload)
            .map_err(|_| Failure::Session("the other end's last word cannot be read".to_owned()))?;
        match closed.exit_code.or(self.exit_code) {
            Some(code) => Ok(ExecEnd::Exited(code)),
            None if closed.output.is_empty() => Ok(ExecEnd::Unknown),
            None => Err(Failure::Session(closed.output)),
        }
    }

    /// The connection is gone without a last word.
    pub fn broken(&self, why: &str) -> Result<ExecEnd, Failure> {
        match self.exit_code {
            Some(code) => Ok(ExecEnd::Exited(code)),
            None => Err(Failure::Session(why.to_owned())),
        }
    }

    pub fn typed(&mut self, bytes: &[u8]) {
        if let Some(last) = bytes.last() {
            self.within_line = !b"\r\n".contains(last);
        }
        for piece in bytes.chunks(PIECE_BYTES) {
            self.send(PayloadKind::Bytes, piece.to_vec());
        }
    }

    /// Remembered until both ends have agreed.
    pub fn resize(&mut self, size: TerminalSize) {
        self.size = Some(size);
        if self.agreed {
            self.send(PayloadKind::Size, serde_json::to_vec(&size).unwrap_or_default());
        }
    }

    /// No more will be typed.
    pub fn end_input(&mut self) {
        let signs = if self.within_line { 2 } else { 1 };
        self.within_line = false;
        self.send(PayloadKind::Bytes, vec![END_OF_TRANSMISSION; signs]);
    }

    /// Asks the other end to end what runs.
    pub fn leave(&mut self) {
        self.send(PayloadKind::Flag, TERMINATE.to_be_bytes().to_vec());
    }

    fn send(&mut self, kind: PayloadKind, payload: Vec<u8>) {
        let bytes = self.channel.data(kind, payload, random());
        self.outgoing.push_back(tungstenite::Message::binary(bytes));
    }
}

/// Why an action cannot be done here.
fn refusal(action: &ClientAction) -> Option<Failure> {
    match action.action_type.as_str() {
        "SessionType" => {
            let kind = &action.action_parameters["SessionType"];
            let kind = kind.as_str().unwrap_or_default();
            (!SESSION_TYPES.contains(&kind))
                .then(|| Failure::Session(format!("sessions of the type `{kind}` are not supported")))
        }
        "KMSEncryption" => Some(Failure::SessionEncrypted),
        other => Some(Failure::Session(format!(
            "the other end asks for `{other}`, which is not known here"
        ))),
    }
}

fn random() -> [u8; 16] {
    RandomIds.next().to_be_bytes()
}

#[cfg(test)]
mod tests;
