//! What one end of a channel remembers: the numbers of its own messages, and how far it has seen the other's.

use crate::message::{Kind, Malformed, Message, PayloadKind};
use crate::payload::Acknowledge;

/// Either end; `kind` says which.
#[derive(Debug)]
pub struct Channel {
    /// Of the stream data that this end sends.
    kind: Kind,
    next: i64,
    expected: i64,
}

/// What has come, and what to send for it.
#[derive(Debug, Default)]
pub struct Received {
    /// `None` for what was seen before, and for what only keeps the channel going.
    pub message: Option<Message>,
    /// To be sent at once.
    pub answer: Option<Vec<u8>>,
}

impl Channel {
    /// The person's end.
    pub fn client() -> Self {
        Self::new(Kind::InputStreamData)
    }

    /// The container's end.
    pub fn server() -> Self {
        Self::new(Kind::OutputStreamData)
    }

    fn new(kind: Kind) -> Self {
        Self {
            kind,
            next: 0,
            expected: 0,
        }
    }

    /// The next message of stream data, ready to be sent. `id` is random.
    pub fn data(&mut self, kind: PayloadKind, payload: Vec<u8>, id: [u8; 16]) -> Vec<u8> {
        let message = Message::new(self.kind, self.next, kind, payload, id);
        self.next += 1;
        message.write()
    }

    /// Takes a message in. `id` is random, for the acknowledgement.
    ///
    /// # Errors
    /// When it is none.
    pub fn receive(&mut self, bytes: &[u8], id: [u8; 16]) -> Result<Received, Malformed> {
        let message = Message::read(bytes)?;
        match message.kind {
            Kind::InputStreamData | Kind::OutputStreamData => {}
            Kind::ChannelClosed => {
                return Ok(Received {
                    message: Some(message),
                    answer: None,
                });
            }
            Kind::Acknowledge | Kind::StartPublication | Kind::PausePublication => {
                return Ok(Received::default());
            }
        }
        let answer = Some(acknowledgement(&message, id));
        // A WebSocket keeps the order, so a number out of turn is one that was sent again.
        if message.sequence < self.expected {
            return Ok(Received {
                message: None,
                answer,
            });
        }
        self.expected = message.sequence + 1;
        Ok(Received {
            message: Some(message),
            answer,
        })
    }
}

fn acknowledgement(of: &Message, id: [u8; 16]) -> Vec<u8> {
    let payload = Acknowledge {
        acknowledged_message_type: of.kind.as_str().to_owned(),
        acknowledged_message_id: of.uuid(),
        acknowledged_message_sequence_number: of.sequence,
        is_sequential_message: true,
    };
    let payload = serde_json::to_vec(&payload).unwrap_or_default();
    let mut message = Message::new(Kind::Acknowledge, 0, PayloadKind::None, payload, id);
    message.flags = 3;
    message.write()
}

#[cfg(test)]
mod tests;
