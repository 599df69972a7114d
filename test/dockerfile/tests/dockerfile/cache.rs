//! What the cache takes for the same.

use crate::yard::Test;

pub const TESTS: &[Test] = &[];
