//! Expressions of workflows.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| test_mutation::workflow::expression(bytes));
