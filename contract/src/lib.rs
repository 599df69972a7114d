//! What the services wish for and what the data plane has seen, and the few ports between them.
//!
//! Data only: no I/O, no runtime, no name of AWS. A `Desired…` is written by services and read by the data
//! plane; an `Observed…` is written by the data plane and read by services. The two never share a field.

pub mod agent;
pub mod alarm;
pub mod certificate;
pub mod console;
pub mod container;
pub mod dns;
pub mod exec;
pub mod image;
pub mod log;
pub mod manifest;
pub mod metric;
pub mod network;
pub mod route;
pub mod task;
pub mod usage;
