//! Real private networks on a host that is itself a namespace, so that the machine's own network is not touched.
//! Needs root, and the programs ip and nft to look at the result.

#[path = "network/bench.rs"]
mod bench;
#[path = "network/inside.rs"]
mod inside;
#[path = "network/matrix.rs"]
mod matrix;
#[path = "network/outside.rs"]
mod outside;
