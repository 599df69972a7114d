//! The data channel of AWS's Session Manager, by which ECS's ExecuteCommand connects a person with a container.
//!
//! Both ends speak binary messages over a WebSocket. The client opens with a token ([`OpenDataChannel`], a text), the
//! server asks for a kind of session ([`HandshakeRequest`]), the client agrees, and then what is typed and what is
//! printed travels in numbered messages, each of which is acknowledged. `message` is one message, `channel` is what
//! each end remembers: numbers, and what has been seen.

mod channel;
mod message;
mod payload;

pub use channel::{Channel, Received};
pub use message::{HEADER_BYTES, Kind, Malformed, Message, PAYLOAD_BYTES_MAX, PayloadKind};
pub use payload::{
    Acknowledge, ChannelClosed, ClientAction, HandshakeComplete, HandshakeRequest, HandshakeResponse,
    OpenDataChannel, ProcessedAction, TerminalSize,
};
