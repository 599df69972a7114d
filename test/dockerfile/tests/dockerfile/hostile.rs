//! Contexts, archives and layers that mean harm.

use crate::yard::Test;

pub const TESTS: &[Test] = &[];
