//! Dockerfiles and `.dockerignore`, whatever is in them.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| test_mutation::dockerfile::check(bytes));
