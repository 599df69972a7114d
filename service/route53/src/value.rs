//! Values of records: what each type's presentation form must be, in AWS's words.
//!
//! The sentences about addresses, quotation marks, lengths and labels are Route 53's own. Where it has published none,
//! code and sentence are made like those: what the name server could not serve is never let in.

mod domain;
mod field;
mod fingerprint;
mod service;
mod text;

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use field::{Numbers, fields, number};

/// What is wrong with a value of a record type; the whole sentence.
///
/// # Errors
/// Such as `Invalid Resource Record: 'FATAL problem: ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address)
/// encountered with 'x''`.
pub(crate) fn check(kind: &str, value: &str) -> Result<(), String> {
    let found = match kind {
        "A" => address::<Ipv4Addr>(kind, "IPv4", value),
        "AAAA" => address::<Ipv6Addr>(kind, "IPv6", value),
        "CAA" => authority(kind, value),
        "CNAME" | "NS" | "PTR" => single(kind, value).and_then(domain::check),
        "DS" => fingerprint::delegation(kind, value),
        "HTTPS" | "SVCB" => service::check(kind, value),
        "MX" => exchange(kind, value),
        "NAPTR" => pointer(kind, value),
        "SOA" => start(kind, value),
        "SPF" | "TXT" => text::strings(value),
        "SRV" => location(kind, value),
        "SSHFP" => fingerprint::host_key(kind, value),
        "TLSA" => fingerprint::certificate(kind, value),
        _ => Err(Problem::new(
            "UnsupportedRRType",
            "Record type is not supported",
            kind,
        )),
    };
    found.map_err(|problem| format!("Invalid Resource Record: 'FATAL problem: {problem}'"))
}

/// What is wrong with a record's name, without the words `FATAL problem: ` before it.
///
/// # Errors
/// Such as `DomainLabelTooLong (Domain label is too long) encountered with 'x'`.
pub(crate) fn check_name(name: &str) -> Result<(), String> {
    domain::check_wild(name).map_err(|problem| problem.to_string())
}

/// Why a value is none of its type.
#[derive(Debug)]
struct Problem {
    code: String,
    sentence: String,
    /// The part of the value that shows it.
    with: String,
}

impl Problem {
    fn new(code: impl Into<String>, sentence: impl Into<String>, with: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            sentence: sentence.into(),
            with: with.into(),
        }
    }

    fn unsupported(character: char) -> Self {
        Self::new(
            "UnsupportedCharacter",
            "Value contains unsupported characters",
            character,
        )
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{} ({}) encountered with '{}'",
            self.code, self.sentence, self.with
        )
    }
}

fn single<'a>(kind: &str, value: &'a str) -> Result<&'a str, Problem> {
    if value.contains(char::is_whitespace) {
        let code = format!("{kind}RRDATANotSingleField");
        return Err(Problem::new(code, "Value contains spaces", value));
    }
    Ok(value)
}

fn address<T: std::str::FromStr>(kind: &str, family: &str, value: &str) -> Result<(), Problem> {
    match single(kind, value)?.parse::<T>() {
        Ok(_) => Ok(()),
        Err(_) => Err(Problem::new(
            format!("{kind}RRDATAIllegal{family}Address"),
            format!("Value is not a valid {family} address"),
            value,
        )),
    }
}

/// `10 mail.example.com`
fn exchange(kind: &str, value: &str) -> Result<(), Problem> {
    let [priority, host] = fields(kind, value)?;
    number(kind, "priority", priority, u16::MAX.into())?;
    domain::check(host)
}

/// `10 5 80 host.example.com`
fn location(kind: &str, value: &str) -> Result<(), Problem> {
    let [priority, weight, port, host] = fields(kind, value)?;
    let all = [("priority", priority), ("weight", weight), ("port", port)];
    Numbers(kind).all(&all, u16::MAX.into())?;
    domain::check(host)
}

/// `ns.example.com hostmaster.example.com 1 7200 900 1209600 86400`
fn start(kind: &str, value: &str) -> Result<(), Problem> {
    let [server, person, serial, refresh, retry, expire, minimum] = fields(kind, value)?;
    domain::check(server)?;
    domain::check(person)?;
    number(kind, "serial", serial, u32::MAX)?;
    let all = [
        ("refresh", refresh),
        ("retry", retry),
        ("expire", expire),
        ("minimum", minimum),
    ];
    Numbers(kind).all(&all, SECONDS_MAX)
}

/// Times in DNS have 31 bits (RFC 2181, section 8).
const SECONDS_MAX: u32 = 2_147_483_647;

/// `0 issue "ca.example.com"`
fn authority(kind: &str, value: &str) -> Result<(), Problem> {
    let [flags, tag, authority] = fields(kind, value)?;
    number(kind, "flags", flags, u8::MAX.into())?;
    if tag.len() > TAG_BYTES_MAX || !tag.bytes().all(|it| it.is_ascii_alphanumeric()) {
        let sentence = format!("Tag is not 1 to {TAG_BYTES_MAX} letters and digits");
        return Err(Problem::new(format!("{kind}RRDATAIllegalTag"), sentence, tag));
    }
    text::string(authority)
}

/// The length is one byte on the wire.
const TAG_BYTES_MAX: usize = 255;

/// `100 50 "u" "E2U+sip" "!^(.*)$!sip:\\1@example.com!" .`
fn pointer(kind: &str, value: &str) -> Result<(), Problem> {
    let [order, preference, flags, service, expression, replacement] = fields(kind, value)?;
    let all = [("order", order), ("preference", preference)];
    Numbers(kind).all(&all, u16::MAX.into())?;
    for string in [flags, service, expression] {
        text::string(string)?;
    }
    if !flags
        .trim_matches('"')
        .bytes()
        .all(|it| it.is_ascii_alphanumeric())
    {
        let sentence = "Flags are not letters and digits";
        return Err(Problem::new(format!("{kind}RRDATAIllegalFlags"), sentence, flags));
    }
    domain::check(replacement)
}

#[cfg(test)]
mod tests;
