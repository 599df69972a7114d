//! How much a message may hold, so that a hostile one costs little.

/// Entries of one list or map, and parameters of one form.
pub const LIST_MAX_ENTRIES: usize = 20_000;
/// Names in a row in a form's parameter, such as the three of `Filter.1.Name`.
pub const FORM_MAX_DEPTH: usize = 32;
/// Elements inside each other in an XML answer.
pub const XML_MAX_DEPTH: usize = 64;
/// Values inside each other in a CBOR message.
pub const CBOR_MAX_DEPTH: usize = 64;
/// Violations that one answer names.
pub const VIOLATIONS_MAX: usize = 20;
/// Characters of a wrong value that the answer repeats.
pub const VIOLATION_VALUE_MAX_CHARS: usize = 256;
