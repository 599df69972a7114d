//! Flags of instructions: which there are, which have a value, which may stand there more than once.

use std::ops::Range;

use super::{Parser, Rest};
use crate::instruction::Word;
use crate::word::{quoted_ranges, word};

/// `--name` or `--name=value`.
pub(super) struct Flag {
    pub name: String,
    pub value: Option<Word>,
    pub span: Range<usize>,
}

impl Parser {
    pub(super) fn flags(&mut self, rest: &mut Rest<'_>) -> Vec<Flag> {
        let mut flags = Vec::new();
        if matches!(
            rest.keyword.as_str(),
            "ENV" | "LABEL" | "ARG" | "MAINTAINER" | "WORKDIR" | "USER" | "ONBUILD"
        ) {
            return flags;
        }
        let text = &rest.line.text;
        for range in quoted_ranges(text, rest.from, self.escape) {
            let Some(body) = text[range.clone()].strip_prefix("--") else {
                break;
            };
            rest.from = range.end + (text[range.end..].len() - text[range.end..].trim_start().len());
            if body.is_empty() {
                break;
            }
            let (name, value) = match body.split_once('=') {
                Some((name, _)) => (
                    name,
                    Some(word(rest.line, range.start + 2 + name.len() + 1..range.end)),
                ),
                None => (body, None),
            };
            flags.push(Flag {
                name: name.to_owned(),
                value,
                span: rest.line.span(range),
            });
        }
        flags
    }

    /// The values of the flags that are known, in the order of `known`; the others are problems.
    pub(super) fn take_flags<const N: usize>(
        &mut self,
        rest: &Rest<'_>,
        flags: Vec<Flag>,
        known: [&str; N],
    ) -> [Option<Word>; N] {
        let mut values = [const { None }; N];
        for flag in flags {
            match known.iter().position(|known| *known == flag.name) {
                Some(at) if values[at].is_some() => {
                    let message = format!("`--{}` stands here twice", flag.name);
                    self.problem(flag.span, message, "leave one of them out");
                }
                Some(at) if flag.value.as_ref().is_some_and(|value| !value.text.is_empty()) => {
                    values[at] = flag.value
                }
                Some(_) => {
                    let message = format!("`--{}` has no value", flag.name);
                    self.problem(flag.span, message, format!("write `--{}=…`", flag.name));
                }
                None => self.unknown_flag(rest, &flag, &known),
            }
        }
        values
    }

    pub(super) fn unknown_flag(&mut self, rest: &Rest<'_>, flag: &Flag, known: &[&str]) {
        if rest.keyword == "ADD" && flag.name == "keep-git-dir" {
            let hint = "clone it in a RUN, such as `RUN git clone …`, or put it into the context";
            self.problem(
                flag.span.clone(),
                "ADD from a Git repository is not supported",
                hint,
            );
            return;
        }
        let message = format!("{} has no flag `--{}`", rest.keyword, flag.name);
        let close = known
            .iter()
            .find(|known| strsim::damerau_levenshtein(known, &flag.name) <= 2);
        let hint = match close {
            Some(close) => format!("did you mean `--{close}`?"),
            None if known.is_empty() => format!("{} has no flags at all", rest.keyword),
            None => format!("its flags are: --{}", known.join(", --")),
        };
        self.problem(flag.span.clone(), message, hint);
    }

    /// Takes out the flags of one name that may stand there several times; each must have a value.
    pub(super) fn repeated(&mut self, flags: &mut Vec<Flag>, name: &str) -> Vec<(Word, Range<usize>)> {
        let mut found = Vec::new();
        for flag in flags.extract_if(.., |flag| flag.name == name) {
            match flag.value.filter(|value| !value.text.is_empty()) {
                Some(value) => found.push((value, flag.span)),
                None => {
                    let message = format!("`--{name}` has no value");
                    self.problem(flag.span, message, format!("write `--{name}=…`"));
                }
            }
        }
        found
    }

    /// Takes out a flag that is on by its name alone, or says `true` or `false`.
    pub(super) fn switch(&mut self, flags: &mut Vec<Flag>, name: &str) -> Option<bool> {
        let mut on = None;
        for flag in flags.extract_if(.., |flag| flag.name == name) {
            let value = flag.value.as_ref().map(|value| value.text.to_ascii_lowercase());
            match value.as_deref() {
                None | Some("true" | "1") => on = Some(true),
                Some("false" | "0") => on = Some(false),
                Some(_) => {
                    let message = format!("`--{name}` is on or off");
                    self.problem(flag.span, message, format!("write `--{name}` or leave it out"));
                }
            }
        }
        on
    }
}
