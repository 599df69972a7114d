//! Records that hold a hash: of a zone's key (DS), a host's key (SSHFP), a certificate (TLSA).

use super::field::{Numbers, code, fields, number, split, too_few};
use super::{Problem, field};

/// `12345 13 2 4E…`
pub(super) fn delegation(kind: &str, value: &str) -> Result<(), Problem> {
    let all = split(value);
    let [tag, algorithm, digest_type, digest @ ..] = all.as_slice() else {
        return Err(too_few(kind, 4, value));
    };
    number(kind, "key tag", tag, u16::MAX.into())?;
    number(kind, "algorithm", algorithm, u8::MAX.into())?;
    let bytes = match number(kind, "digest type", digest_type, u8::MAX.into())? {
        1 => Some(SHA1_BYTES),
        2 | 3 => Some(SHA256_BYTES),
        4 => Some(SHA384_BYTES),
        _ => None,
    };
    Hash {
        kind,
        what: "digest",
        fields: 4,
    }
    .check(digest, bytes, value)
}

/// `4 2 123456789abcdef…`
pub(super) fn host_key(kind: &str, value: &str) -> Result<(), Problem> {
    let [algorithm, hash, print] = fields(kind, value)?;
    number(kind, "key algorithm", algorithm, u8::MAX.into())?;
    let bytes = match number(kind, "hash type", hash, u8::MAX.into())? {
        1 => Some(SHA1_BYTES),
        2 => Some(SHA256_BYTES),
        _ => None,
    };
    Hash {
        kind,
        what: "fingerprint",
        fields: 3,
    }
    .check(&[print], bytes, value)
}

/// `3 1 1 0123…`
pub(super) fn certificate(kind: &str, value: &str) -> Result<(), Problem> {
    let all = split(value);
    let [usage, selector, matching, data @ ..] = all.as_slice() else {
        return Err(too_few(kind, 4, value));
    };
    let named = [("certificate usage", *usage), ("selector", *selector)];
    Numbers(kind).all(&named, u8::MAX.into())?;
    let bytes = match number(kind, "matching type", matching, u8::MAX.into())? {
        1 => Some(SHA256_BYTES),
        2 => Some(SHA512_BYTES),
        _ => None,
    };
    Hash {
        kind,
        what: "certificate association data",
        fields: 4,
    }
    .check(data, bytes, value)
}

const SHA1_BYTES: usize = 20;
const SHA256_BYTES: usize = 32;
const SHA384_BYTES: usize = 48;
const SHA512_BYTES: usize = 64;

struct Hash<'a> {
    kind: &'a str,
    what: &'a str,
    /// That the record has with it.
    fields: usize,
}

impl Hash<'_> {
    /// Hexadecimal digits, which may have spaces between them; of so many bytes where the algorithm says so.
    fn check(&self, parts: &[&str], bytes: Option<usize>, value: &str) -> Result<(), Problem> {
        if parts.is_empty() {
            return Err(too_few(self.kind, self.fields, value));
        }
        let digits = parts.concat();
        let wrong = |sentence: String| Err(Problem::new(code(self.kind, self.what), sentence, &digits));
        let what = field::capital(self.what);
        if digits.len() % 2 != 0 || !digits.bytes().all(|it| it.is_ascii_hexdigit()) {
            return wrong(format!("{what} is not pairs of hexadecimal digits"));
        }
        match bytes.map(|it| it * 2) {
            Some(length) if digits.len() != length => {
                wrong(format!("{what} doesn't have {length} hexadecimal digits"))
            }
            _ => Ok(()),
        }
    }
}
