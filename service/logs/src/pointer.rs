//! `@ptr`: what leads from a result of a query back to its line.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pointer {
    pub(crate) group: String,
    pub(crate) at_ms: i64,
    pub(crate) sequence: u64,
}

impl Pointer {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let mut parts = text.splitn(3, ' ');
        Some(Self {
            at_ms: parts.next()?.parse().ok()?,
            sequence: parts.next()?.parse().ok()?,
            group: parts.next()?.to_owned(),
        })
    }

    pub(crate) fn text(&self) -> String {
        URL_SAFE_NO_PAD.encode(format!("{} {} {}", self.at_ms, self.sequence, self.group))
    }
}
