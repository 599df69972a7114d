//! Packets to the name server.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| test_mutation::packet::check(bytes));
