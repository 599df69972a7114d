//! How AWS speaks: awsJson, awsQuery, ec2Query, restXml and rpc-v2-cbor, both ways, driven by schemas; and what every operation is
//! handed and may answer.
//!
//! Knows no service. A [`ServiceSchema`] (generated, in `aws-shape`) says what a message looks like; the codecs
//! turn bytes into a [`Value`] and back; the generated types turn a [`Value`] into structs and back.

pub mod cbor;
pub mod client;
mod context;
mod error;
pub mod event_stream;
pub mod json;
pub mod limit;
mod operations;
mod page;
pub mod query;
pub mod rest;
mod schema;
pub mod server;
pub mod timestamp;
pub mod validate;
mod value;
pub mod xml;

pub use context::Context;
pub use error::ApiError;
pub use event_stream::EventStream;
pub use page::{BadToken, page};
pub use schema::{
    ErrorSchema, Http, Kind, Member, OperationSchema, Place, Protocol, Schema, ServiceSchema, TimestampFormat,
};
pub use value::{Element, Fields, Mismatch, Shaped, Value};
