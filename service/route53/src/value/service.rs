//! Where a service is and how it is spoken to: SVCB and HTTPS records (RFC 9460).

use std::net::{Ipv4Addr, Ipv6Addr};

use super::field::{number, split, too_few};
use super::{Problem, domain};

/// Keys without a name are written as `key` and a number; those below have names, and the last is reserved.
const KEY_MIN: u16 = 7;
const KEY_RESERVED: u16 = u16::MAX;
const PROTOCOL_BYTES_MAX: usize = 255;
/// What has a meaning in the text of a zone and none in any parameter that has a name.
const STRUCTURAL: &[u8] = b"\"();\\";

/// `1 svc.example.com. alpn="h2,h3" port=8443`
pub(super) fn check(kind: &str, value: &str) -> Result<(), Problem> {
    let all = split(value);
    let [priority, target, rest @ ..] = all.as_slice() else {
        return Err(too_few(kind, 2, value));
    };
    number(kind, "priority", priority, u16::MAX.into())?;
    domain::check(target)?;
    let mut parameters: Vec<Parameter<'_>> = Vec::new();
    for text in rest {
        let parameter = Parameter::new(text);
        if parameters.iter().any(|it| it.key == parameter.key) {
            return Err(illegal(kind, "Parameter is given twice", text));
        }
        parameter.check().map_err(|why| illegal(kind, why, text))?;
        parameters.push(parameter);
    }
    together(&parameters).map_err(|why| illegal(kind, why, value))
}

fn illegal(kind: &str, sentence: &str, with: &str) -> Problem {
    Problem::new(format!("{kind}RRDATAIllegalSvcParam"), sentence, with)
}

struct Parameter<'a> {
    key: &'a str,
    /// Without quotation marks.
    value: Option<&'a str>,
}

impl<'a> Parameter<'a> {
    fn new(text: &'a str) -> Self {
        let Some((key, value)) = text.split_once('=') else {
            return Self {
                key: text,
                value: None,
            };
        };
        let inner = value.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
        Self {
            key,
            value: Some(inner.unwrap_or(value)),
        }
    }

    fn items(&self) -> impl Iterator<Item = &'a str> {
        self.value.unwrap_or_default().split(',')
    }

    fn check(&self) -> Result<(), &'static str> {
        let value = self.value.unwrap_or_default();
        if !value
            .bytes()
            .all(|it| (b'!'..=b'~').contains(&it) && !STRUCTURAL.contains(&it))
        {
            return Err("Parameter value contains unsupported characters");
        }
        let (fits, wrong) = match self.key {
            "alpn" => (
                self.items()
                    .all(|it| (1..=PROTOCOL_BYTES_MAX).contains(&it.len())),
                "Value is not a list of protocol identifiers",
            ),
            "ech" => (is_base64(value), "Value is not in base64"),
            "ipv4hint" => (
                self.items().all(|it| it.parse::<Ipv4Addr>().is_ok()),
                "Value is not a list of valid IPv4 addresses",
            ),
            "ipv6hint" => (
                self.items().all(|it| it.parse::<Ipv6Addr>().is_ok()),
                "Value is not a list of valid IPv6 addresses",
            ),
            "mandatory" => (
                self.items().all(|it| it != "mandatory" && is_key(it)),
                "Value is not a list of keys",
            ),
            "no-default-alpn" => (self.value.is_none(), "no-default-alpn has no value"),
            "port" => (
                value.bytes().all(|it| it.is_ascii_digit()) && value.parse::<u16>().is_ok(),
                "Port is not a number from 0 to 65535",
            ),
            key => (is_key(key), "Key is not supported"),
        };
        if fits { Ok(()) } else { Err(wrong) }
    }
}

fn is_key(text: &str) -> bool {
    let named = [
        "alpn",
        "ech",
        "ipv4hint",
        "ipv6hint",
        "mandatory",
        "no-default-alpn",
        "port",
    ];
    let number = text
        .strip_prefix("key")
        .filter(|it| !it.starts_with(['0', '+']))
        .and_then(|it| it.parse::<u16>().ok());
    named.contains(&text) || number.is_some_and(|it| (KEY_MIN..KEY_RESERVED).contains(&it))
}

fn is_base64(text: &str) -> bool {
    let digits = text.trim_end_matches('=');
    let plain = |it: u8| it.is_ascii_alphanumeric() || it == b'+' || it == b'/';
    !digits.is_empty()
        && text.len().is_multiple_of(4)
        && text.len() - digits.len() <= 2
        && digits.bytes().all(plain)
}

/// What parameters demand of each other.
fn together(all: &[Parameter<'_>]) -> Result<(), &'static str> {
    let find = |key: &str| all.iter().find(|it| it.key == key);
    if find("no-default-alpn").is_some() && find("alpn").is_none() {
        return Err("no-default-alpn demands alpn");
    }
    let mandatory: Vec<&str> = find("mandatory")
        .map(|it| it.items().collect())
        .unwrap_or_default();
    if mandatory.iter().any(|key| find(key).is_none()) {
        return Err("A mandatory key is missing");
    }
    let again = |(at, key): (usize, &&str)| mandatory[..at].contains(key);
    if mandatory.iter().enumerate().any(again) {
        return Err("A mandatory key is given twice");
    }
    Ok(())
}
