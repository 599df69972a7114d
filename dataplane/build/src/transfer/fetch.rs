//! ADD from a URL: one file, with a limit on everything, and with its digest.

use std::fs::{self, File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::StreamExt as _;
use percent_encoding::percent_decode_str;
use sha2::{Digest as _, Sha256};

/// A file from the network may have this many bytes.
const FETCHED_BYTES_MAX: u64 = 8 << 30;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// A server must not be silent for longer than this.
const READ_TIMEOUT: Duration = Duration::from_secs(60);
/// What Docker gives files from URLs.
const MODE: u32 = 0o600;
/// What BuildKit calls a file whose URL names none.
const UNNAMED: &str = "__unnamed__";

/// Fetches files for ADD.
#[derive(Clone, Debug)]
pub(crate) struct Fetcher {
    ca_bundle: Option<PathBuf>,
}

/// What came.
#[derive(Debug)]
pub(crate) struct Fetched {
    pub path: PathBuf,
    /// `sha256:…`
    pub digest: String,
}

impl Fetcher {
    pub fn new(ca_bundle: Option<PathBuf>) -> Self {
        Self { ca_bundle }
    }

    /// Puts what is at `url` into `directory`, under the name that the URL gives.
    ///
    /// # Errors
    /// A sentence without a full stop.
    pub async fn fetch(&self, url: &str, directory: &Path) -> Result<Fetched, String> {
        let client = self.client().map_err(|error| chain(&error))?;
        let answer = client.get(url).send().await.map_err(|error| chain(&error))?;
        if !answer.status().is_success() {
            return Err(format!("the server answered {}", answer.status()));
        }
        let modified = answer.headers().get(reqwest::header::LAST_MODIFIED);
        let modified = modified
            .and_then(|value| value.to_str().ok())
            .and_then(|text| jiff::fmt::rfc2822::parse(text).ok())
            .map(|time| time.timestamp().into());
        let path = directory.join(name_of(url));
        let mut file = File::create(&path).map_err(|error| error.to_string())?;
        let mut hasher = Sha256::new();
        let mut bytes = 0_u64;
        let mut stream = answer.bytes_stream();
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.map_err(|error| chain(&error))?;
            bytes += chunk.len() as u64;
            if bytes > FETCHED_BYTES_MAX {
                return Err(format!("it has more than {FETCHED_BYTES_MAX} bytes"));
            }
            hasher.update(&chunk);
            file.write_all(&chunk).map_err(|error| error.to_string())?;
        }
        let finished = fs::set_permissions(&path, Permissions::from_mode(MODE))
            .and_then(|()| modified.map_or(Ok(()), |time| file.set_modified(time)));
        finished.map_err(|error: io::Error| error.to_string())?;
        Ok(Fetched {
            path,
            digest: format!("sha256:{}", hex::encode(hasher.finalize())),
        })
    }

    /// The blob store has installed what TLS computes with.
    fn client(&self) -> Result<reqwest::Client, reqwest::Error> {
        let mut client = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            .user_agent(concat!("wharf/", env!("CARGO_PKG_VERSION")));
        if let Some(pem) = self.ca_bundle.as_ref().and_then(|path| fs::read(path).ok()) {
            for certificate in reqwest::Certificate::from_pem_bundle(&pem)? {
                client = client.add_root_certificate(certificate);
            }
        }
        client.build()
    }
}

/// The last part of a URL's path.
pub(crate) fn name_of(url: &str) -> String {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let path = path.split_once("://").map_or(path, |(_, rest)| rest);
    let path = path.split_once('/').map_or("", |(_, path)| path);
    let path = percent_decode_str(path.trim_end_matches('/')).decode_utf8_lossy();
    match path.rsplit('/').next() {
        None | Some("" | "." | "..") => UNNAMED.to_owned(),
        Some(name) if name.contains('\0') => UNNAMED.to_owned(),
        Some(name) => name.to_owned(),
    }
}

/// The whole chain of causes: the first one alone says only that the request failed.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests;
