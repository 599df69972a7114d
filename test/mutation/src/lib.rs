//! What must hold for any input at all: the entry points of the fuzz targets (`fuzz/`), one module each, and a generator
//! that makes inputs without a fuzzer.

pub mod dockerfile;
pub mod generator;
pub mod layer;
pub mod packet;
pub mod workflow;
