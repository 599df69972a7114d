//! What the project does to itself: code generation, checks, the example.
fn main() {}
