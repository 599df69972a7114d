//! awsJson: JSON objects under the model's names, times as seconds since 1970, blobs in base64.

mod read;
mod write;

pub use read::{Mode, read};
pub use write::{text, write};

#[cfg(test)]
mod tests;
