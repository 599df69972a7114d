//! What can go wrong with the store itself.

/// Saving failed; nothing was changed.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the state store cannot be written: {0}")]
pub struct StoreError(pub String);

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the state store cannot be opened: {0}")]
    Database(#[from] rusqlite::Error),
    #[error(
        "the state store was written by a newer version of this program (layout {found}, this one knows {known})"
    )]
    Newer { found: i64, known: i64 },
}
