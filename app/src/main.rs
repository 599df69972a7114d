//! The binary: read configuration, wire, start, drain.
fn main() {}
