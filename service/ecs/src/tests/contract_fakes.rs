//! Blobs and log lines that are not there: enough for services that only ask.

use std::path::PathBuf;

use async_trait::async_trait;
use bytes::Bytes;
use contract::image::{BlobError, Blobs};
use contract::log::{Line, LogError, LogQuery, LogStore, SpoolPosition, StoredLine, StreamId, StreamSummary};

/// Secrets Manager and Parameter Store of an account that has neither.
pub(super) struct NoSecrets;

impl aws_shape::secretsmanager::Api for NoSecrets {}
impl aws_shape::ssm::Api for NoSecrets {}

pub(super) struct NoBlobs;

#[async_trait]
impl Blobs for NoBlobs {
    async fn size(&self, _: &str) -> Result<Option<u64>, BlobError> {
        Ok(None)
    }
    async fn read(&self, _: &str, _: u64) -> Result<Bytes, BlobError> {
        Ok(Bytes::from_static(b"{}"))
    }
    async fn path(&self, digest: &str) -> Result<PathBuf, BlobError> {
        Err(BlobError::NotFound(digest.to_owned()))
    }
    async fn write(&self, _: Bytes) -> Result<String, BlobError> {
        unreachable!("nobody writes here")
    }
    async fn upload_begin(&self) -> Result<String, BlobError> {
        unreachable!("nobody writes here")
    }
    async fn upload_append(&self, _: &str, _: Option<u64>, _: Bytes) -> Result<u64, BlobError> {
        unreachable!("nobody writes here")
    }
    async fn upload_size(&self, id: &str) -> Result<u64, BlobError> {
        Err(BlobError::UploadUnknown(id.to_owned()))
    }
    async fn upload_finish(&self, _: &str, _: &str) -> Result<(), BlobError> {
        unreachable!("nobody writes here")
    }
    async fn upload_cancel(&self, _: &str) -> Result<(), BlobError> {
        Ok(())
    }
    async fn expire_uploads(&self, _: std::time::Duration) -> Result<u64, BlobError> {
        Ok(0)
    }
    async fn retain(&self, _: &[String]) -> Result<u64, BlobError> {
        Ok(0)
    }
}

pub(super) struct NoLines;

#[async_trait]
impl LogStore for NoLines {
    async fn append(&self, _: &StreamId, _: Vec<Line>, _: Option<SpoolPosition>) -> Result<(), LogError> {
        Ok(())
    }
    async fn position(&self, _: &str) -> Result<u64, LogError> {
        Ok(0)
    }
    async fn forget_spool(&self, _: &str) -> Result<(), LogError> {
        Ok(())
    }
    async fn query(&self, _: LogQuery) -> Result<Vec<StoredLine>, LogError> {
        Ok(vec![])
    }
    async fn arrived(&self, _: &str, _: &str, _: u64, _: usize) -> Result<Vec<StoredLine>, LogError> {
        Ok(vec![])
    }
    async fn newest(&self) -> Result<u64, LogError> {
        Ok(0)
    }
    async fn beyond(&self, _: u64) -> Result<u64, LogError> {
        std::future::pending().await
    }
    async fn streams(&self, _: &str, _: &str) -> Result<Vec<StreamSummary>, LogError> {
        Ok(vec![])
    }
    async fn remove_group(&self, _: &str, _: &str) -> Result<(), LogError> {
        Ok(())
    }
    async fn remove_stream(&self, _: &StreamId) -> Result<(), LogError> {
        Ok(())
    }
    async fn expire(&self, _: &str, _: &str, _: i64) -> Result<u64, LogError> {
        Ok(0)
    }
    async fn clear(&self) -> Result<(), LogError> {
        Ok(())
    }
}
