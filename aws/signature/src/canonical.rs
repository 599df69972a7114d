//! The text that is signed: the request in its one canonical form.

use http::HeaderMap;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sha2::{Digest as _, Sha256};

use crate::claim::ALGORITHM;
use crate::{Claim, Request};

const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');
const QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// What the signature is the HMAC of.
pub fn string_to_sign(claim: &Claim, request: &Request) -> String {
    let hash = hex::encode(Sha256::digest(canonical_request(claim, request)));
    let Claim {
        date,
        region,
        service,
        at_text,
        ..
    } = claim;
    format!("{ALGORITHM}\n{at_text}\n{date}/{region}/{service}/aws4_request\n{hash}")
}

fn canonical_request(claim: &Claim, request: &Request) -> String {
    let mut headers = String::new();
    for name in &claim.signed_headers {
        headers.push_str(&format!("{name}:{}\n", header(request.headers, name)));
    }
    [
        request.method,
        &path(request.path),
        &query(request.query),
        &headers,
        &claim.signed_headers.join(";"),
        &hex::encode(Sha256::digest(request.body)),
    ]
    .join("\n")
}

/// All values of a header, with spaces trimmed and runs of spaces made one.
fn header(headers: &HeaderMap, name: &str) -> String {
    let values: Vec<String> = headers
        .get_all(name)
        .iter()
        .map(|it| {
            let text = String::from_utf8_lossy(it.as_bytes());
            text.split(' ')
                .filter(|it| !it.is_empty())
                .collect::<Vec<_>>()
                .join(" ")
                .trim()
                .to_owned()
        })
        .collect();
    values.join(",")
}

/// The path without `.`, `..` and doubled slashes, encoded once more.
fn path(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    let mut clean = format!("/{}", parts.join("/"));
    if path.ends_with('/') && !parts.is_empty() {
        clean.push('/');
    }
    utf8_percent_encode(&clean, PATH).to_string()
}

/// Parameters by name, then by value; all but the signature itself.
fn query(query: &str) -> String {
    let encode =
        |text: &str| utf8_percent_encode(&percent_decode_str(text).decode_utf8_lossy(), QUERY).to_string();
    let mut parameters: Vec<(String, String)> = query
        .split('&')
        .filter(|it| !it.is_empty())
        .map(|part| part.split_once('=').unwrap_or((part, "")))
        .filter(|(name, _)| *name != "X-Amz-Signature")
        .map(|(name, value)| (encode(name), encode(value)))
        .collect();
    parameters.sort();
    parameters
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect::<Vec<_>>()
        .join("&")
}
