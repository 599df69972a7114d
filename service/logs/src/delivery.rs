//! What is sent to the target of a subscription filter: AWS's JSON, compressed with gzip, as the body of a POST.
//!
//! To Lambda AWS wraps the same bytes in base64; a target on the web gets them as they are.

use std::io::Write as _;
use std::sync::OnceLock;
use std::time::Duration;

use async_trait::async_trait;
use contract::log::StoredLine;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::model::SubscriptionFilter;

/// How long a target may take to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// How lines reach a target; a test has its own.
#[async_trait]
pub trait Deliver: Send + Sync {
    /// # Errors
    /// A sentence that says why the target has not taken the message.
    async fn deliver(&self, url: &str, body: Vec<u8>) -> Result<(), String>;
}

/// POST requests.
#[derive(Default)]
pub struct Http {
    client: OnceLock<reqwest::Client>,
}

impl Http {
    fn client(&self) -> Result<&reqwest::Client, String> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        // Fails only if somebody was faster, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .timeout(ANSWER_WITHIN)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| error.to_string())?;
        Ok(self.client.get_or_init(|| client))
    }
}

#[async_trait]
impl Deliver for Http {
    async fn deliver(&self, url: &str, body: Vec<u8>) -> Result<(), String> {
        let request = self
            .client()?
            .post(url)
            .header("content-type", "application/json")
            .header("content-encoding", "gzip")
            .body(body);
        let answer = request.send().await.map_err(|error| sentence(&error))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        Err(format!("The target answered {status}."))
    }
}

/// The innermost reason: the outer ones only repeat the URL.
fn sentence(error: &reqwest::Error) -> String {
    let mut reason: &dyn std::error::Error = error;
    while let Some(inner) = reason.source() {
        reason = inner;
    }
    format!("The target cannot be reached: {reason}.")
}

pub(crate) fn is_url(destination: &str) -> bool {
    reqwest::Url::parse(destination)
        .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some())
}

/// What AWS sends to see whether a target is there.
pub(crate) fn control_message(now_ms: i64) -> std::io::Result<Vec<u8>> {
    compressed(&json!({
        "messageType": "CONTROL_MESSAGE",
        "owner": "CloudwatchLogs",
        "logGroup": "",
        "logStream": "",
        "subscriptionFilters": [],
        "logEvents": [{
            "id": "",
            "timestamp": now_ms,
            "message": "CWL CONTROL MESSAGE: Checking health of destination.",
        }],
    }))
}

/// Lines of one stream, in their order.
pub(crate) fn data_message(
    filter: &SubscriptionFilter,
    stream: &str,
    lines: &[&StoredLine],
) -> std::io::Result<Vec<u8>> {
    let events = lines.iter().map(|line| {
        json!({
            "id": event_id(line.sequence),
            "timestamp": line.at_ms,
            "message": line.message,
        })
    });
    compressed(&json!({
        "messageType": "DATA_MESSAGE",
        "owner": filter.scope.account,
        "logGroup": filter.group,
        "logStream": stream,
        "subscriptionFilters": [filter.name],
        "logEvents": events.collect::<Vec<_>>(),
    }))
}

/// The id of an event, the same wherever it is shown.
pub(crate) fn event_id(sequence: u64) -> String {
    format!("{sequence:038}")
}

fn compressed(message: &Value) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(message.to_string().as_bytes())?;
    encoder.finish()
}
