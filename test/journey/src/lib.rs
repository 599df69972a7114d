//! The binary through the eyes of its users: real clients against a real local cloud. The tests are in `tests/`.
