//! JSON as AWS reads it: strict. Comments are named as what they are, and reading goes on behind them.

use base_diagnostic::Problem;
use jsonc_parser::ast::Value;
use jsonc_parser::errors::ParseErrorKind;
use jsonc_parser::{CollectOptions, CommentCollectionStrategy, ParseOptions, parse_to_ast};

use super::json::span;

pub(super) fn parse(text: &str) -> (Vec<Problem>, Option<Value<'_>>) {
    let options = ParseOptions {
        allow_comments: true,
        allow_loose_object_property_names: false,
        allow_trailing_commas: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    let collect = CollectOptions {
        comments: CommentCollectionStrategy::Separate,
        tokens: false,
    };
    let parsed = match parse_to_ast(text, &collect, &options) {
        Ok(parsed) => parsed,
        Err(error) => {
            let mut problem = Problem::new(span(&error.range()), sentence(error.kind()));
            problem.hint = hint(error.kind()).map(str::to_owned);
            return (vec![problem], None);
        }
    };
    let mut spans: Vec<(usize, usize)> = parsed
        .comments
        .iter()
        .flat_map(|map| map.values())
        .flat_map(|comments| comments.iter())
        .map(|comment| {
            let range = span(comment);
            (range.start, range.end)
        })
        .collect();
    // A comment is known by the token before it and by the one behind it.
    spans.sort_unstable();
    spans.dedup();
    let mut problems: Vec<Problem> = spans
        .into_iter()
        .map(|(start, end)| {
            Problem::new(start..end, "JSON has no comments, and AWS refuses them")
                .hint("take it out; a tag can hold what must be said")
        })
        .collect();
    if parsed.value.is_none() {
        problems.push(Problem::new(0..0, "the file is empty").hint("delete it to have one derived"));
    }
    (problems, parsed.value)
}

/// Without a full stop and in lower case, as our own problems are.
fn sentence(kind: &ParseErrorKind) -> String {
    let text = kind.to_string();
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_ascii_lowercase());
    first.into_iter().chain(chars).collect()
}

fn hint(kind: &ParseErrorKind) -> Option<&'static str> {
    match kind {
        ParseErrorKind::TrailingCommasNotAllowed => Some("take out the last comma"),
        ParseErrorKind::ExpectedComma => Some("a comma is missing before this"),
        ParseErrorKind::SingleQuotedStringsNotAllowed => Some("use double quotes"),
        ParseErrorKind::UnexpectedWord => {
            Some("text stands in double quotes; words are true, false and null")
        }
        ParseErrorKind::ExpectedStringObjectProperty => Some("names stand in double quotes"),
        ParseErrorKind::UnterminatedObject => Some("a `}` is missing"),
        ParseErrorKind::UnterminatedArray => Some("a `]` is missing"),
        _ => None,
    }
}
