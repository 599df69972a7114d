//! Records' data, from the form in which people write it.

use std::str::FromStr;

use hickory_proto::rr::rdata::{CNAME, HTTPS, MX, NAPTR, NS, NULL, PTR, SOA, SRV, SVCB, TXT};
use hickory_proto::rr::{Name, RData, RecordType};

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
        RecordType::MX => {
            let [preference, exchange] = fields(text)?;
            Ok(RData::MX(MX::new(number(preference)?, host(exchange)?)))
        }
        RecordType::NAPTR => pointer(text),
        RecordType::SOA => {
            let [server, person, serial, refresh, retry, expire, minimum] = fields(text)?;
            Ok(RData::SOA(SOA::new(
                host(server)?,
                host(person)?,
                number(serial)?,
                number(refresh)?,
                number(retry)?,
                number(expire)?,
                number(minimum)?,
            )))
        }
        RecordType::SRV => {
            let [priority, weight, port, target] = fields(text)?;
            Ok(RData::SRV(SRV::new(
                number(priority)?,
                number(weight)?,
                number(port)?,
                host(target)?,
            )))
        }
        RecordType::HTTPS | RecordType::SVCB => service(kind, text),
        kind if kind == RecordType::from(SPF) => {
            let mut bytes = Vec::new();
            for string in strings(text)? {
                bytes.push(u8::try_from(string.len()).map_err(|error| error.to_string())?);
                bytes.extend(string);
            }
            Ok(unknown(kind, bytes))
        }
        kind => {
            let data = RData::try_from_str(kind, text).map_err(|error| error.to_string())?;
            if data.record_type() == kind {
                Ok(data)
            } else {
                Err(format!("{text} is no {kind}"))
            }
        }
    }
}

/// A name in a value: any byte may be in it, and it is whole always, with a dot at its end or without.
fn host(text: &str) -> Result<Name, String> {
    name::parse_as_written(text.trim()).map(|wire| name::to_name(&wire))
}

fn fields<const N: usize>(text: &str) -> Result<[&str; N], String> {
    let all: Vec<&str> = text.split_whitespace().collect();
    <[&str; N]>::try_from(all).map_err(|_| format!("{text} has not {N} fields"))
}

fn number<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse()
        .map_err(|_| format!("{text} is no number of its field"))
}

/// `100 50 "u" "E2U+sip" "!^.*$!sip:a@example.com!" .`
fn pointer(text: &str) -> Result<RData, String> {
    let bad = || format!("{text} is no NAPTR record");
    let (before, replacement) = text.trim().rsplit_once(char::is_whitespace).ok_or_else(bad)?;
    let strings = strings(before)?;
    let [order, preference, flags, services, expression] = strings.as_slice() else {
        return Err(bad());
    };
    let of = |bytes: &[u8]| number(std::str::from_utf8(bytes).map_err(|_| bad())?);
    Ok(RData::NAPTR(NAPTR::new(
        of(order)?,
        of(preference)?,
        flags.as_slice().into(),
        services.as_slice().into(),
        expression.as_slice().into(),
        host(replacement)?,
    )))
}

/// `1 svc.example.com alpn=h2 port=443`; the parameters are the library's to read.
fn service(kind: RecordType, text: &str) -> Result<RData, String> {
    let bad = || format!("{text} is no {kind} record");
    let mut words = text.split_whitespace();
    let (priority, target) = words.next().zip(words.next()).ok_or_else(bad)?;
    let parameters: Vec<&str> = words.collect();
    let rooted = format!("{priority} . {}", parameters.join(" "));
    let target = host(target)?;
    let with = |it: SVCB| SVCB::new(it.svc_priority, target, it.svc_params);
    match RData::try_from_str(kind, rooted.trim_end()).map_err(|error| error.to_string())? {
        RData::SVCB(found) => Ok(RData::SVCB(with(found))),
        RData::HTTPS(found) => Ok(RData::HTTPS(HTTPS(with(found.0)))),
        _ => Err(bad()),
    }
}

fn unknown(code: RecordType, bytes: Vec<u8>) -> RData {
    RData::Unknown {
        code,
        rdata: NULL::with(bytes),
    }
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
            code: RecordType::CAA,
            rdata,
        } => match rdata.anything.as_slice() {
            [flags, length, rest @ ..] if rest.len() >= usize::from(*length) => {
                let (tag, value) = rest.split_at(usize::from(*length));
                format!("{flags} {} {}", String::from_utf8_lossy(tag), quoted(value))
            }
            _ => data.to_string(),
        },
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
