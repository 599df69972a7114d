//! Instructions whose arguments have a grammar of their own: ARG, ENV and LABEL, EXPOSE, HEALTHCHECK.

use super::argument::command;
use super::flag::Flag;
use super::{Parser, Rest, usage};
use crate::instruction::{Argument, Command, Healthcheck, Pair, Probe, Word};
use crate::scope::problem;
use crate::word::{parse_ports, plain_words, quoted_ranges, word};

const NANOS_PER_SECOND: f64 = 1e9;
/// Docker's shortest time of a health check.
const NANOS_MIN: u64 = 1_000_000;

impl Parser {
    pub(super) fn arguments(&mut self, rest: &Rest<'_>) -> Vec<Argument> {
        let mut arguments = Vec::new();
        for range in quoted_ranges(&rest.line.text, rest.from, self.escape) {
            let text = &rest.line.text[range.clone()];
            let (name, default) = match text.find('=') {
                Some(at) => (
                    range.start..range.start + at,
                    Some(word(rest.line, range.start + at + 1..range.end)),
                ),
                None => (range, None),
            };
            let name = word(rest.line, name);
            if name.text.is_empty() {
                self.problem(rest.span(), "ARG has a value but no name", usage("ARG"));
            } else {
                arguments.push(Argument { name, default });
            }
        }
        arguments
    }

    /// `name=value …`, or the older `name value to the end of the line`.
    pub(super) fn pairs(&mut self, rest: &Rest<'_>) -> Option<Vec<Pair>> {
        let text = &rest.line.text;
        let ranges = quoted_ranges(text, rest.from, self.escape);
        let first = ranges.first()?.clone();
        if !text[first.clone()].contains('=') {
            let name = word(rest.line, first.clone());
            let gap = text[first.end..].len() - text[first.end..].trim_start().len();
            if first.end + gap == text.len() {
                self.problem(
                    rest.span(),
                    format!("{} `{}` has no value", rest.keyword, name.text),
                    usage(&rest.keyword),
                );
                return None;
            }
            return Some(vec![Pair {
                name,
                value: word(rest.line, first.end + gap..text.len()),
            }]);
        }
        let mut pairs = Vec::new();
        for range in ranges {
            match text[range.clone()].find('=') {
                Some(0) => {
                    let message = format!("{} has a value without a name", rest.keyword);
                    self.problem(rest.line.span(range), message, usage(&rest.keyword));
                }
                Some(at) => pairs.push(Pair {
                    name: word(rest.line, range.start..range.start + at),
                    value: word(rest.line, range.start + at + 1..range.end),
                }),
                None => {
                    let message = format!("`{}` is not `name=value`", &text[range.clone()]);
                    let hint = "a value with spaces needs quotes: `NAME=\"two words\"`";
                    self.problem(rest.line.span(range), message, hint);
                }
            }
        }
        Some(pairs)
    }

    pub(super) fn expose(&mut self, rest: &Rest<'_>) -> Vec<Word> {
        let words = plain_words(rest.line, rest.from);
        for word in words.iter().filter(|word| !word.text.contains('$')) {
            let text = word.text.trim_matches(['"', '\'']);
            if let Err(error) = parse_ports(text) {
                self.problems.push(problem(word, error));
            }
        }
        words
    }

    pub(super) fn healthcheck(&mut self, rest: &Rest<'_>, flags: Vec<Flag>) -> Option<Healthcheck> {
        let known = ["interval", "timeout", "start-period", "retries", "start-interval"];
        let [interval, timeout, start_period, retries, start_interval] = self.take_flags(rest, flags, known);
        let text = rest.text();
        let kind = text.split_whitespace().next()?;
        if kind.eq_ignore_ascii_case("NONE") {
            return Some(Healthcheck::None);
        }
        let tail = text[kind.len()..].trim_start();
        if !kind.eq_ignore_ascii_case("CMD") || tail.is_empty() {
            self.problem(
                rest.span(),
                "HEALTHCHECK takes `CMD` with a command, or `NONE`",
                usage("HEALTHCHECK"),
            );
            return None;
        }
        let command = match command(tail) {
            Command::Exec(words) if words.is_empty() => {
                self.problem(
                    rest.span(),
                    "HEALTHCHECK has an empty command",
                    usage("HEALTHCHECK"),
                );
                return None;
            }
            command => command,
        };
        Some(Healthcheck::Probe(Probe {
            command,
            interval_nanos: interval.and_then(|word| self.duration(&word)),
            timeout_nanos: timeout.and_then(|word| self.duration(&word)),
            start_period_nanos: start_period.and_then(|word| self.duration(&word)),
            start_interval_nanos: start_interval.and_then(|word| self.duration(&word)),
            retries: retries.and_then(|word| {
                let number = word.text.parse().ok();
                if number.is_none() {
                    let message = format!("`{}` is not a number of retries", word.text);
                    self.problem(word.span, message, "write a whole number, such as `--retries=3`");
                }
                number
            }),
        }))
    }

    /// Go's durations: `1m30s`, `500ms`.
    fn duration(&mut self, word: &Word) -> Option<u64> {
        let nanos = parse_duration(&word.text);
        if nanos.is_some_and(|nanos| nanos > 0 && nanos < NANOS_MIN) {
            let message = format!("`{}` is shorter than a millisecond", word.text);
            self.problem(word.span.clone(), message, "write at least `1ms`");
            return None;
        }
        if nanos.is_none() {
            let message = format!("`{}` is not a duration", word.text);
            self.problem(
                word.span.clone(),
                message,
                "write a number with a unit, such as `30s` or `1m30s`",
            );
        }
        // 0 is what the runtime takes by itself.
        nanos.filter(|nanos| *nanos > 0)
    }
}

fn parse_duration(text: &str) -> Option<u64> {
    let mut rest = text;
    if text == "0" {
        return Some(0);
    }
    let mut nanos = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !(c.is_ascii_digit() || c == '.'))?;
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let length = rest
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(rest.len());
        let seconds = match &rest[..length] {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        nanos += number * seconds * NANOS_PER_SECOND;
        rest = &rest[length..];
    }
    // A day is more than any check waits; it also keeps the number exact.
    (!text.is_empty() && nanos <= 86_400.0 * NANOS_PER_SECOND).then_some(nanos as u64)
}
