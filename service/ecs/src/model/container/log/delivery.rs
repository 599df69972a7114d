//! The options of the `awslogs` driver that say how output comes into its stream: whether a container is held up or
//! loses lines when nobody takes them in, and which lines make an event together.

use std::collections::BTreeMap;

use aws_protocol::ApiError;
use contract::log::Delivery;
use regex::Regex;

use crate::error::client;

/// What ECS takes if a definition says nothing (`max-buffer-size`, "Default value: 10m").
const BUFFER_BYTES: u64 = 10 << 20;
/// A buffer has room for one line of any length.
const BUFFER_BYTES_MIN: u64 = 512 << 10;
const MODE: &str = "mode";
const BUFFER: &str = "max-buffer-size";
const PATTERN: &str = "awslogs-multiline-pattern";
const DATETIME: &str = "awslogs-datetime-format";

/// Takes its options out of those that were given.
pub(super) fn parse(options: &mut BTreeMap<String, String>, name: &str) -> Result<Delivery, ApiError> {
    let buffer = options.remove(BUFFER);
    let buffer_bytes_max = match options.remove(MODE).as_deref() {
        // Since June 2025; it was blocking before.
        None | Some("non-blocking") => Some(match buffer {
            Some(text) => size(&text).ok_or_else(|| {
                client(format!(
                    "The log option {BUFFER} of container '{name}' is '{text}': it is a size such as 25m."
                ))
            })?,
            None => BUFFER_BYTES,
        }),
        Some("blocking") if buffer.is_some() => {
            return Err(client(format!(
                "The log option {BUFFER} of container '{name}' is only supported with mode=non-blocking."
            )));
        }
        Some("blocking") => None,
        Some(mode) => {
            return Err(client(format!(
                "The log option mode of container '{name}' is '{mode}': it is blocking or non-blocking."
            )));
        }
    };
    Ok(Delivery {
        buffer_bytes_max: buffer_bytes_max.map(|bytes| bytes.max(BUFFER_BYTES_MIN)),
        event_start: event_start(options)?,
    })
}

fn event_start(options: &mut BTreeMap<String, String>) -> Result<Option<String>, ApiError> {
    let (option, text, pattern) = match (options.remove(PATTERN), options.remove(DATETIME)) {
        (None, None) => return Ok(None),
        (Some(_), Some(_)) => {
            return Err(client(format!(
                "you cannot configure log opt '{DATETIME}' and '{PATTERN}' at the same time"
            )));
        }
        (Some(pattern), None) => (PATTERN, pattern.clone(), pattern),
        (None, Some(format)) => (DATETIME, format.clone(), of_datetime(&format)),
    };
    Regex::new(&pattern).map(|_| Some(pattern)).map_err(|error| {
        let why = error.to_string();
        let why = why.lines().last().unwrap_or_default();
        client(format!(
            "awslogs could not parse the log option {option} \"{text}\": {why}"
        ))
    })
}

/// Docker's sizes: a number and a unit of 1024 of the one before; the unit's `b` is optional.
fn size(text: &str) -> Option<u64> {
    let text = text.trim().to_ascii_lowercase();
    let text = text
        .strip_suffix("ib")
        .or(text.strip_suffix('b'))
        .unwrap_or(&text);
    let (number, factor) = match text.char_indices().last()? {
        (place, 'k') => (&text[..place], 1_u64 << 10),
        (place, 'm') => (&text[..place], 1 << 20),
        (place, 'g') => (&text[..place], 1 << 30),
        _ => (text, 1),
    };
    number.trim().parse::<u64>().ok()?.checked_mul(factor)
}

/// A regular expression for the times of a format of `strftime`, with the codes that Docker documents.
fn of_datetime(format: &str) -> String {
    let mut pattern = String::new();
    let mut rest = format.chars();
    while let Some(next) = rest.next() {
        let known = match next {
            '%' => rest.next().map(code),
            _ => None,
        };
        match known {
            Some(Ok(code)) => pattern.push_str(code),
            Some(Err('%')) => pattern.push('%'),
            // What is no code is what it is.
            Some(Err(other)) => pattern.push_str(&regex::escape(&format!("%{other}"))),
            None => pattern.push_str(&regex::escape(&next.to_string())),
        }
    }
    pattern
}

fn code(letter: char) -> Result<&'static str, char> {
    Ok(match letter {
        'a' => "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)",
        'A' => "(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day",
        'w' => "[0-6]",
        'd' => "(?:0[1-9]|[12][0-9]|3[01])",
        'b' => "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)",
        'B' => "(?:January|February|March|April|May|June|July|August|September|October|November|December)",
        'm' => "(?:0[1-9]|1[0-2])",
        'Y' => "[0-9]{4}",
        'y' => "[0-9]{2}",
        'H' => "(?:[01][0-9]|2[0-3])",
        'I' => "(?:0[1-9]|1[0-2])",
        'p' => "(?:AM|PM)",
        'M' | 'S' => "[0-5][0-9]",
        'f' => "[0-9]{6}",
        'z' => "[+-][0-9]{4}",
        'Z' => "[A-Z]{1,4}T",
        'j' => "(?:[0-2][0-9]{2}|3[0-5][0-9]|36[0-6])",
        'L' => "\\.[0-9]{3}",
        other => return Err(other),
    })
}

#[cfg(test)]
mod tests;
