//! Secrets never reach a log or a record: neither as they are nor in the forms that programs turn them into.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};

use aho_corasick::{AhoCorasick, MatchKind};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

const MASK: &str = "***";
/// What URLs write as `%XX`; others do so with all but letters and digits.
const URL_RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// Of base64 with an unknown beginning, this much must be recognisable to be taken for a secret.
const ENCODED_CHARS_MIN: usize = 6;

/// Knows a job's secrets; cheap to clone, shared by all that write.
#[derive(Clone, Default)]
pub struct Masker {
    inner: Arc<RwLock<Known>>,
}

#[derive(Default)]
struct Known {
    forms: BTreeSet<String>,
    matcher: Option<AhoCorasick>,
}

impl Masker {
    /// From now on nobody reads it. Each line of one with several is a secret of its own.
    pub fn add(&self, secret: &str) {
        let mut known = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        let before = known.forms.len();
        for part in std::iter::once(secret).chain(secret.lines()) {
            known.forms.extend(forms(part));
        }
        if known.forms.len() == before {
            return;
        }
        let built = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(&known.forms);
        // More forms than a matcher can hold: then nothing is told at all, see `hide`.
        known.matcher = built.ok();
    }

    pub fn hide(&self, text: &str) -> String {
        let known = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        match (&known.matcher, known.forms.is_empty()) {
            (_, true) => text.to_owned(),
            (None, false) => MASK.to_owned(),
            (Some(matcher), false) => {
                let mut out = String::with_capacity(text.len());
                matcher.replace_all_with(text, &mut out, |_, _, out| {
                    if !out.ends_with(MASK) {
                        out.push_str(MASK);
                    }
                    true
                });
                out
            }
        }
    }
}

/// A secret as it is and as programs print it.
fn forms(secret: &str) -> BTreeSet<String> {
    let plain = secret.trim_matches(['\r', '\n']);
    let mut forms = BTreeSet::new();
    if plain.trim().is_empty() {
        return forms;
    }
    forms.insert(plain.to_owned());
    if plain.trim().len() >= 3 {
        forms.insert(plain.trim().to_owned());
    }
    forms.insert(plain.trim_matches('"').to_owned());
    forms.insert(utf8_percent_encode(plain, NON_ALPHANUMERIC).to_string());
    forms.insert(utf8_percent_encode(plain, URL_RESERVED).to_string());
    if let Ok(json) = serde_json::to_string(plain) {
        forms.insert(json.trim_matches('"').to_owned());
    }
    forms.insert(plain.replace('\'', "''"));
    // As the shell's trace prints it.
    forms.insert(plain.replace('\'', r"'\''"));
    let xml = plain.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    forms.insert(xml.replace('"', "&quot;").replace('\'', "&apos;"));
    forms.insert(xml);
    forms.insert(hex::encode(plain));
    forms.insert(hex::encode_upper(plain));
    for shift in 0..3 {
        forms.extend(encoded(plain, shift));
    }
    forms.extend(wrapped(plain));
    forms.retain(|form| !form.is_empty());
    forms
}

/// The lines that `base64` and `openssl` make of a long one.
fn wrapped(plain: &str) -> Vec<String> {
    let whole = BASE64_STANDARD.encode(&plain.as_bytes()[..plain.len() / 3 * 3]);
    let mut lines = Vec::new();
    for columns in [76, 64] {
        for start in (0..whole.len()).step_by(columns) {
            let line = &whole[start..whole.len().min(start + columns)];
            if whole.len() > columns && line.len() > ENCODED_CHARS_MIN {
                lines.push(line.to_owned());
            }
        }
    }
    lines
}

/// The part of base64 that does not depend on what stands around, for a text that begins `shift` bytes into a group.
fn encoded(plain: &str, shift: usize) -> Vec<String> {
    let bytes = plain.as_bytes();
    let skip = (3 - shift) % 3;
    let Some(rest) = bytes.get(skip..) else {
        return Vec::new();
    };
    let whole = rest.len() / 3 * 3;
    [BASE64_STANDARD.encode(&rest[..whole]), BASE64_URL_SAFE.encode(&rest[..whole])]
        .into_iter()
        .filter(|text| text.len() >= ENCODED_CHARS_MIN)
        .chain((shift == 0).then(|| BASE64_STANDARD.encode(bytes)))
        .collect()
}

#[cfg(test)]
mod tests;
