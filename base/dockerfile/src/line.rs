//! Lines as Docker reads them: directives at the top, comments, continuation, here-documents. Each joined line knows
//! where its bytes came from.

use std::ops::Range;

use base_diagnostic::Problem;

use crate::word::quoted_ranges;

/// A line after joining, without comments and continuation characters.
#[derive(Clone, Debug, Default)]
pub(crate) struct Line {
    pub text: String,
    /// Ascending: from this offset in `text` on, bytes come from that offset of the file.
    origins: Vec<(usize, usize)>,
    /// Of the file, first to last line.
    pub span: Range<usize>,
    pub documents: Vec<HereDocument>,
}

/// What stands between `<<NAME` and `NAME`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HereDocument {
    pub name: String,
    pub body: String,
    /// Its name stands without quotes: variables in it are meant.
    pub expands: bool,
    /// Of the line's text, where it is announced.
    pub at: Range<usize>,
}

impl Line {
    /// Where a range of `text` stands in the file.
    pub fn span(&self, range: Range<usize>) -> Range<usize> {
        let start = self.origin(range.start);
        // The end belongs to the byte before it: the next one may stand on another line.
        let end = if range.end > range.start {
            self.origin(range.end - 1) + 1
        } else {
            start
        };
        start..end.max(start)
    }

    fn origin(&self, offset: usize) -> usize {
        let at = self.origins.partition_point(|(from, _)| *from <= offset);
        match at.checked_sub(1).map(|at| self.origins[at]) {
            Some((from, origin)) => origin + (offset - from),
            None => self.span.start,
        }
    }

    fn push(&mut self, text: &str, origin: usize) {
        if !text.is_empty() {
            self.origins.push((self.text.len(), origin));
            self.text.push_str(text);
        }
    }
}

pub(crate) struct Lines {
    pub lines: Vec<Line>,
    pub escape: char,
}

pub(crate) fn split(text: &str, problems: &mut Vec<Problem>) -> Lines {
    let physical = physical_lines(text);
    let escape = directives(text, &physical, problems);
    let mut lines = Vec::new();
    let mut at = 0;
    while at < physical.len() {
        let first = trim_start(text, physical[at].clone());
        if first.is_empty() || text[first.clone()].starts_with('#') {
            at += 1;
            continue;
        }
        let mut line = Line {
            span: first.clone(),
            ..Line::default()
        };
        let mut piece = first;
        loop {
            at += 1;
            let (content, continued) = continuation(&text[piece.clone()], escape);
            line.push(content, piece.start);
            line.span.end = piece.start + content.trim_end().len();
            if !continued {
                break;
            }
            // Comments and empty lines in between are left out.
            while at < physical.len() && is_blank_or_comment(text, &physical[at]) {
                at += 1;
            }
            match physical.get(at) {
                Some(next) => piece = next.clone(),
                None => break,
            }
        }
        at = take_documents(text, &physical, at, &mut line, problems);
        let trimmed = line.text.trim_end().len();
        line.text.truncate(trimmed);
        lines.push(line);
    }
    Lines { lines, escape }
}

/// Ranges without the line's end, `\r` included.
fn physical_lines(text: &str) -> Vec<Range<usize>> {
    let mut lines = Vec::new();
    let mut start = if text.starts_with('\u{feff}') {
        '\u{feff}'.len_utf8()
    } else {
        0
    };
    for line in text[start..].split_inclusive('\n') {
        let content = line.trim_end_matches('\n').trim_end_matches('\r');
        lines.push(start..start + content.len());
        start += line.len();
    }
    lines
}

fn trim_start(text: &str, range: Range<usize>) -> Range<usize> {
    let line = &text[range.clone()];
    range.start + (line.len() - line.trim_start().len())..range.end
}

fn is_blank_or_comment(text: &str, range: &Range<usize>) -> bool {
    let line = text[range.clone()].trim_start();
    line.is_empty() || line.starts_with('#')
}

/// The line without the escape character at its end, and whether there was one. Two of them are one that is
/// meant.
fn continuation(line: &str, escape: char) -> (&str, bool) {
    let trimmed = line.trim_end_matches([' ', '\t']);
    match trimmed.strip_suffix(escape) {
        Some(rest) if !rest.ends_with(escape) => (rest, true),
        _ => (line, false),
    }
}

/// `# escape=` and `# syntax=` count only before anything else.
fn directives(text: &str, physical: &[Range<usize>], problems: &mut Vec<Problem>) -> char {
    let mut escape = '\\';
    let mut seen: Vec<String> = Vec::new();
    for range in physical {
        let Some(comment) = text[range.clone()].trim_start().strip_prefix('#') else {
            break;
        };
        let Some((key, value)) = comment.split_once('=') else {
            break;
        };
        let key = key.trim().to_ascii_lowercase();
        if !matches!(key.as_str(), "syntax" | "escape" | "check") {
            break;
        }
        if seen.contains(&key) {
            problems.push(Problem::new(
                range.clone(),
                format!("the directive `{key}` stands here twice"),
            ));
        }
        if key == "escape" {
            match value.trim() {
                "\\" => escape = '\\',
                "`" => escape = '`',
                _ => problems.push(
                    Problem::new(range.clone(), "the escape character must be `\\` or a backtick")
                        .hint("write `# escape=\\` or leave the line out"),
                ),
            }
        }
        seen.push(key);
    }
    escape
}

/// Reads the here-documents that an instruction announces; returns the line to go on at.
fn take_documents(
    text: &str,
    physical: &[Range<usize>],
    mut at: usize,
    line: &mut Line,
    problems: &mut Vec<Problem>,
) -> usize {
    let mut words = line.text.split_whitespace();
    let mut keyword = words.next().unwrap_or_default();
    if keyword.eq_ignore_ascii_case("ONBUILD") {
        keyword = words.next().unwrap_or_default();
    }
    let is_run = keyword.eq_ignore_ascii_case("RUN");
    if !is_run && !keyword.eq_ignore_ascii_case("COPY") && !keyword.eq_ignore_ascii_case("ADD") {
        return at;
    }
    for one in announced(&line.text, is_run) {
        let mut body = String::new();
        let mut closed = false;
        while let Some(range) = physical.get(at) {
            at += 1;
            let raw = &text[range.clone()];
            let content = if one.strip_tabs {
                raw.trim_start_matches('\t')
            } else {
                raw
            };
            line.span.end = range.end;
            if content == one.name {
                closed = true;
                break;
            }
            body.push_str(content);
            body.push('\n');
        }
        if !closed {
            let message = format!("the here-document `{}` has no end", one.name);
            let hint = format!("write `{}` alone on a line after it", one.name);
            problems.push(Problem::new(line.span(one.at.clone()), message).hint(hint));
        }
        line.documents.push(HereDocument {
            name: one.name,
            body,
            expands: one.expands,
            at: one.at,
        });
    }
    at
}

struct Announced {
    name: String,
    /// `<<-`: leading tabs are no part of it.
    strip_tabs: bool,
    expands: bool,
    at: Range<usize>,
}

/// `<<NAME`, `<<-NAME`, `<<"NAME"`, `3<<NAME`, at the beginning of a word and outside of quotes. In a RUN the line is
/// the shell's, where the name ends at what means something to it; elsewhere it goes to the end of the word, as in
/// `<<robots.txt`.
fn announced(text: &str, is_run: bool) -> Vec<Announced> {
    let mut found = Vec::new();
    for word in quoted_ranges(text, 0, '\\') {
        let written = &text[word.clone()];
        let digits = written.len() - written.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let Some(rest) = written[digits..].strip_prefix("<<") else {
            continue;
        };
        let strip_tabs = rest.starts_with('-');
        let rest = rest.strip_prefix('-').unwrap_or(rest);
        let end = match rest.find(|c: char| is_run && ";&|<>()".contains(c)) {
            Some(end) => end,
            None => rest.len(),
        };
        let name: String = rest[..end].chars().filter(|c| !"\"'\\".contains(*c)).collect();
        if name.is_empty() || name.contains('<') || (is_run && end == 0) {
            continue;
        }
        found.push(Announced {
            expands: name.len() == end,
            name,
            strip_tabs,
            at: word.start..word.end - (rest.len() - end),
        });
    }
    found
}

#[cfg(test)]
mod tests;
