//! What tasks have written to their output.

/// Reads the output that the data plane keeps with a task.
pub trait Consoles: Send + Sync {
    /// The last bytes of what the first container of a task has written, at most `limit_bytes`; `None` if nothing is
    /// kept of such a task.
    fn tail(&self, task: &str, limit_bytes: usize) -> Option<Vec<u8>>;
}
