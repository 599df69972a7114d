//! Records' data, from the form in which people write it.

use hickory_proto::rr::rdata::{CNAME, NS, NULL, PTR, TXT};
use hickory_proto::rr::{RData, RecordType};

use crate::name;

/// The type that Route 53 still serves and the registry of types calls obsolete.
const SPF: u16 = 99;
const STRING_BYTES_MAX: usize = 255;

/// The types of records that zones may hold.
pub(crate) fn kind(text: &str) -> Option<RecordType> {
    Some(match text {
        "A" => RecordType::A,
        "AAAA" => RecordType::AAAA,
        "CAA" => RecordType::CAA,
        "CNAME" => RecordType::CNAME,
        "DS" => RecordType::DS,
        "HTTPS" => RecordType::HTTPS,
        "MX" => RecordType::MX,
        "NAPTR" => RecordType::NAPTR,
        "NS" => RecordType::NS,
        "PTR" => RecordType::PTR,
        "SOA" => RecordType::SOA,
        "SPF" => RecordType::from(SPF),
        "SRV" => RecordType::SRV,
        "SSHFP" => RecordType::SSHFP,
        "SVCB" => RecordType::SVCB,
        "TLSA" => RecordType::TLSA,
        "TXT" => RecordType::TXT,
        _ => return None,
    })
}

/// One value of a record set.
pub(crate) fn parse(kind: RecordType, text: &str) -> Result<RData, String> {
    let host = |text: &str| name::parse_as_written(text.trim()).map(|wire| name::to_name(&wire));
    match kind {
        RecordType::CNAME => Ok(RData::CNAME(CNAME(host(text)?))),
        RecordType::NS => Ok(RData::NS(NS(host(text)?))),
        RecordType::PTR => Ok(RData::PTR(PTR(host(text)?))),
        RecordType::TXT => {
            let strings = strings(text)?;
            Ok(RData::TXT(TXT::from_bytes(
                strings.iter().map(Vec::as_slice).collect(),
            )))
        }
        RecordType::CAA => authority(text),
        RecordType::DS => digest(text),
        kind if kind == RecordType::from(SPF) => {
            let mut bytes = Vec::new();
            for string in strings(text)? {
                bytes.push(u8::try_from(string.len()).map_err(|error| error.to_string())?);
                bytes.extend(string);
            }
            Ok(unknown(kind, bytes))
        }
        kind => {
            let data =
                RData::try_from_str(kind, &qualified(kind, text)).map_err(|error| error.to_string())?;
            if data.record_type() == kind {
                Ok(data)
            } else {
                Err(format!("{text} is no {kind}"))
            }
        }
    }
}

fn unknown(code: RecordType, bytes: Vec<u8>) -> RData {
    RData::Unknown {
        code,
        rdata: NULL::with(bytes),
    }
}

/// Names in values need no dot at their end: they are whole always.
fn qualified(kind: RecordType, text: &str) -> String {
    let position = match kind {
        RecordType::MX | RecordType::HTTPS | RecordType::SVCB => 1,
        RecordType::SRV => 3,
        RecordType::NAPTR => 5,
        _ => return text.to_owned(),
    };
    let mut fields: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
    if kind == RecordType::NAPTR && fields.len() != position + 1 {
        // A quoted string with a space in it: only the last field is a name.
        return if text.ends_with('.') {
            text.to_owned()
        } else {
            format!("{text}.")
        };
    }
    if let Some(name) = fields.get_mut(position).filter(|name| !name.ends_with('.')) {
        name.push('.');
    }
    fields.join(" ")
}

/// Strings of up to 255 bytes, in quotes or up to the next space.
fn strings(text: &str) -> Result<Vec<Vec<u8>>, String> {
    let mut strings = Vec::new();
    let mut bytes = text.trim().bytes();
    while let Some(first) = bytes.next() {
        if first.is_ascii_whitespace() {
            continue;
        }
        let quoted = first == b'"';
        let mut string = Vec::new();
        let mut next = if quoted { bytes.next() } else { Some(first) };
        loop {
            match next {
                Some(b'\\') => {
                    string
                        .push(name::unescape(&mut bytes).ok_or_else(|| format!("{text} ends in an escape"))?);
                }
                Some(b'"') if quoted => break,
                Some(byte) if !quoted && byte.is_ascii_whitespace() => break,
                Some(byte) => string.push(byte),
                None if quoted => return Err(format!("{text} has a quote that is not closed")),
                None => break,
            }
            next = bytes.next();
        }
        if string.len() > STRING_BYTES_MAX {
            return Err("a string has more than 255 bytes".to_owned());
        }
        strings.push(string);
    }
    if strings.is_empty() {
        Err("there is no string".to_owned())
    } else {
        Ok(strings)
    }
}

/// `0 issue "letsencrypt.org"`, kept as it is written: a name server judges no authorities.
fn authority(text: &str) -> Result<RData, String> {
    let bad = || format!("{text} is no CAA record");
    let (flags, rest) = text.trim().split_once(char::is_whitespace).ok_or_else(bad)?;
    let (tag, value) = rest
        .trim_start()
        .split_once(char::is_whitespace)
        .ok_or_else(bad)?;
    let flags: u8 = flags.parse().map_err(|_| bad())?;
    let value = strings(value)?.concat();
    let mut bytes = vec![flags, u8::try_from(tag.len()).map_err(|_| bad())?];
    bytes.extend(tag.as_bytes());
    bytes.extend(value);
    Ok(unknown(RecordType::CAA, bytes))
}

/// `12345 13 2 4E…`: of a key of the zone below.
fn digest(text: &str) -> Result<RData, String> {
    let bad = || format!("{text} is no DS record");
    let fields: Vec<&str> = text.split_whitespace().collect();
    let [tag, algorithm, kind, digest @ ..] = fields.as_slice() else {
        return Err(bad());
    };
    let mut bytes = tag.parse::<u16>().map_err(|_| bad())?.to_be_bytes().to_vec();
    bytes.push(algorithm.parse().map_err(|_| bad())?);
    bytes.push(kind.parse().map_err(|_| bad())?);
    let digits = digest.concat();
    if digits.is_empty() || digits.len() % 2 != 0 || !digits.is_ascii() {
        return Err(bad());
    }
    for at in (0..digits.len()).step_by(2) {
        bytes.push(u8::from_str_radix(&digits[at..at + 2], 16).map_err(|_| bad())?);
    }
    Ok(unknown(RecordType::DS, bytes))
}

/// As people write it.
pub(crate) fn present(data: &RData) -> String {
    match data {
        RData::TXT(text) => text
            .txt_data
            .iter()
            .map(|string| quoted(string))
            .collect::<Vec<_>>()
            .join(" "),
        RData::CAA(authority) => {
            let flags = authority.flags();
            format!("{flags} {} {}", authority.tag, quoted(&authority.value))
        }
        RData::Unknown { code, rdata } if *code == RecordType::from(SPF) => {
            let (mut strings, mut rest) = (Vec::new(), rdata.anything.as_slice());
            while let Some((&length, after)) = rest.split_first() {
                let (string, left) = after.split_at(usize::from(length).min(after.len()));
                strings.push(quoted(string));
                rest = left;
            }
            strings.join(" ")
        }
        RData::Unknown {
            code: RecordType::DS,
            rdata,
        } => match rdata.anything.as_slice() {
            [high, low, algorithm, kind, digest @ ..] => {
                let digits: String = digest.iter().map(|byte| format!("{byte:02X}")).collect();
                format!(
                    "{} {algorithm} {kind} {digits}",
                    u16::from_be_bytes([*high, *low])
                )
            }
            _ => data.to_string(),
        },
        other => other.to_string(),
    }
}

fn quoted(string: &[u8]) -> String {
    let mut text = String::from("\"");
    for &byte in string {
        match byte {
            b'"' | b'\\' => text.extend(['\\', char::from(byte)]),
            b' '..=b'~' => text.push(char::from(byte)),
            _ => text.push_str(&format!("\\{byte:03o}")),
        }
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests;
