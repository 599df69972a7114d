//! A YAML file as a tree in which every part knows its place. Anchors and aliases are GitHub's: they repeat a part, there
//! is no `<<`.

use std::collections::HashMap;
use std::ops::Range;

use base_diagnostic::Problem;
use saphyr_parser::{Event, Parser, ScalarStyle, Span, Tag};

use crate::value::Value;

/// What aliases repeat counts again: a few lines can stand for billions otherwise.
const NODES_MAX: usize = 50_000;
/// All texts together, counting what aliases repeat.
const TEXT_BYTES_MAX: usize = 8 << 20;
/// Before the names of YAML's own tags.
const CORE_TAGS: &str = "tag:yaml.org,2002:";
/// How deep lists and mappings may stand within each other.
const DEPTH_MAX: usize = 50;

#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub span: Range<usize>,
    pub kind: Kind,
}

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// The text, and what it is worth: plain ones can be numbers, truths or nothing.
    Scalar(String, Value),
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub text: String,
    pub span: Range<usize>,
}

impl Node {
    /// What it is, for people.
    pub(crate) fn what(&self) -> &'static str {
        match &self.kind {
            Kind::Scalar(_, Value::Null) => "nothing",
            Kind::Scalar(_, Value::Bool(_)) => "true or false",
            Kind::Scalar(_, Value::Number(_)) => "a number",
            Kind::Scalar(..) => "a text",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a mapping",
        }
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self.kind, Kind::Scalar(_, Value::Null))
    }
}

/// Reads the one document of a file. Problems that leave a tree (double keys) are noted beside it.
pub(crate) fn load(text: &str, problems: &mut Vec<Problem>) -> Option<Node> {
    let mut loader = Loader {
        text,
        places: Places::of(text),
        parser: Parser::new_from_str(text),
        anchors: HashMap::new(),
        nodes: 0,
        bytes: 0,
        problems,
    };
    match loader.document() {
        Ok(node) => node,
        Err(problem) => {
            loader.problems.push(problem);
            None
        }
    }
}

/// The YAML library counts characters, problems count bytes.
struct Places {
    /// Of every character, if not all have one byte; and the end.
    bytes: Option<Vec<usize>>,
    length: usize,
}

impl Places {
    fn of(text: &str) -> Self {
        let bytes = (!text.is_ascii()).then(|| text.char_indices().map(|(at, _)| at).collect());
        Self {
            bytes,
            length: text.len(),
        }
    }

    fn byte(&self, character: usize) -> usize {
        match &self.bytes {
            None => character.min(self.length),
            Some(bytes) => bytes.get(character).copied().unwrap_or(self.length),
        }
    }

    fn range(&self, span: Span) -> Range<usize> {
        let start = self.byte(span.start.index());
        start..self.byte(span.end.index()).max(start)
    }
}

struct Loader<'a> {
    text: &'a str,
    places: Places,
    parser: Parser<'a, saphyr_parser::StrInput<'a>>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    bytes: usize,
    problems: &'a mut Vec<Problem>,
}

impl<'a> Loader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Range<usize>), Problem> {
        match self.parser.next_event() {
            Some(Ok((event, span))) => Ok((event, self.places.range(span))),
            Some(Err(error)) => {
                let at = self.places.byte(error.marker().index());
                let problem = Problem::new(
                    self.visible(at),
                    format!("this is no YAML: {}", sentence(error.info())),
                );
                Err(match self.text[self.line_start(at)..].trim_start_matches(' ') {
                    line if line.starts_with('\t') => {
                        problem.hint("YAML is indented with blanks, not with tabs")
                    }
                    _ => problem,
                })
            }
            None => Ok((Event::StreamEnd, self.text.len()..self.text.len())),
        }
    }

    fn line_start(&self, at: usize) -> usize {
        self.text[..at].rfind('\n').map_or(0, |before| before + 1)
    }

    /// The character at a place; the last visible one before it where there is none.
    fn visible(&self, at: usize) -> Range<usize> {
        match self.text[at..].chars().next() {
            Some(c) if !c.is_whitespace() => at..at + c.len_utf8(),
            _ => {
                let before = self.text[..at].trim_end();
                let start = before.char_indices().next_back().map_or(0, |(at, _)| at);
                start..before.len()
            }
        }
    }

    fn document(&mut self) -> Result<Option<Node>, Problem> {
        let mut root = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd => return Ok(root),
                Event::Nothing | Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd => {}
                _ if root.is_some() => {
                    return Err(Problem::new(span, "the file has a second document")
                        .hint("a workflow is one document; put the other one into a file of its own"));
                }
                event => root = Some(self.node(event, span, 0)?),
            }
        }
    }

    fn count(&mut self, span: &Range<usize>, nodes: usize, bytes: usize) -> Result<(), Problem> {
        self.nodes = self.nodes.saturating_add(nodes);
        self.bytes = self.bytes.saturating_add(bytes);
        if self.nodes > NODES_MAX || self.bytes > TEXT_BYTES_MAX {
            let message = format!(
                "the file has more than {NODES_MAX} values or {TEXT_BYTES_MAX} bytes, counting what aliases repeat"
            );
            return Err(Problem::new(span.clone(), message));
        }
        Ok(())
    }

    fn node(&mut self, event: Event<'a>, span: Range<usize>, depth: usize) -> Result<Node, Problem> {
        let bytes = match &event {
            Event::Scalar(text, ..) => text.len(),
            _ => 0,
        };
        self.count(&span, 1, bytes)?;
        if depth > DEPTH_MAX {
            let message = format!("lists and mappings stand more than {DEPTH_MAX} deep within each other");
            return Err(Problem::new(span, message));
        }
        let (node, anchor) = match event {
            Event::Alias(anchor) => return self.alias(anchor, span),
            Event::Scalar(text, style, anchor, tag) => {
                let value = self.scalar(&text, style, tag.as_deref(), &span);
                let span = self.trimmed(span, style);
                let kind = Kind::Scalar(text.into_owned(), value);
                (Node { span, kind }, anchor)
            }
            Event::SequenceStart(anchor, _) => (self.list(span, depth)?, anchor),
            Event::MappingStart(anchor, _) => (self.map(span, depth)?, anchor),
            _ => return Err(Problem::new(span, "this is no YAML: a value is missing")),
        };
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn list(&mut self, span: Range<usize>, depth: usize) -> Result<Node, Problem> {
        let mut items = Vec::new();
        loop {
            let (event, at) = self.next()?;
            if matches!(event, Event::SequenceEnd) {
                let span = self.joined(span, at.start);
                return Ok(Node {
                    span,
                    kind: Kind::List(items),
                });
            }
            items.push(self.node(event, at, depth + 1)?);
        }
    }

    fn map(&mut self, span: Range<usize>, depth: usize) -> Result<Node, Problem> {
        let mut entries: Vec<(Key, Node)> = Vec::new();
        let mut known = std::collections::HashSet::new();
        loop {
            let (event, at) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                let span = self.joined(span, at.start);
                return Ok(Node {
                    span,
                    kind: Kind::Map(entries),
                });
            }
            let key = self.node(event, at, depth + 1)?;
            let (event, at) = self.next()?;
            let value = self.node(event, at, depth + 1)?;
            let Kind::Scalar(text, _) = key.kind else {
                let problem = Problem::new(key.span.clone(), format!("{} cannot be a key", key.what()));
                self.problems
                    .push(problem.hint("a value that begins with `{` or `[` needs quotes"));
                continue;
            };
            // GitHub compares keys without regard to case.
            if !known.insert(crate::value::fold(&text)) {
                let problem = Problem::new(key.span.clone(), format!("`{text}` is already there"));
                self.problems
                    .push(problem.hint("a mapping has every key once; letters' case does not count"));
                continue;
            }
            let span = key.span;
            entries.push((Key { text, span }, value));
        }
    }

    fn alias(&mut self, anchor: usize, span: Range<usize>) -> Result<Node, Problem> {
        let Some(node) = self.anchors.get(&anchor) else {
            return Err(Problem::new(span, "the alias stands inside of what it repeats"));
        };
        let (nodes, bytes) = size(node);
        self.count(&span, nodes, bytes)?;
        Ok(self.anchors[&anchor].clone())
    }

    /// The end of a block is where the next thing begins; what people see of it ends before the blanks.
    fn joined(&self, span: Range<usize>, end: usize) -> Range<usize> {
        let end = end.max(span.end).min(self.text.len());
        span.start..span.start + self.text[span.start..end].trim_end().len()
    }

    fn trimmed(&self, span: Range<usize>, style: ScalarStyle) -> Range<usize> {
        match style {
            ScalarStyle::Literal | ScalarStyle::Folded => self.joined(span.clone(), span.end),
            _ => span,
        }
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, tag: Option<&Tag>, span: &Range<usize>) -> Value {
        let plain = style == ScalarStyle::Plain;
        let Some(tag) = tag else {
            return if plain {
                plain_value(text)
            } else {
                Value::from(text)
            };
        };
        // Written `!!int`, or whole: `!<tag:yaml.org,2002:int>`.
        let whole = tag.suffix.strip_prefix(CORE_TAGS);
        let name = match whole {
            None if tag.is_yaml_core_schema() => Some(tag.suffix.as_str()),
            whole => whole,
        };
        if name == Some("str") {
            return Value::from(text);
        }
        let value = plain_value(text);
        let fits = match name {
            Some("null") => value == Value::Null,
            Some("bool") => matches!(value, Value::Bool(_)),
            Some("float") => matches!(value, Value::Number(_)),
            Some("int") => matches!(value, Value::Number(number) if number.fract() == 0.0),
            _ => {
                let message = format!("the tag `{tag}` means nothing here");
                self.problems.push(Problem::new(span.clone(), message));
                return Value::from(text);
            }
        };
        if !plain || !fits {
            let message = format!("`{text}` is not what the tag `{tag}` says");
            self.problems.push(Problem::new(span.clone(), message));
        }
        value
    }
}

/// How many nodes a part has, and how many bytes of text.
fn size(node: &Node) -> (usize, usize) {
    let mut nodes = 1;
    let mut bytes = 0;
    let mut add = |node: &Node| {
        let (inner_nodes, inner_bytes) = size(node);
        nodes += inner_nodes;
        bytes += inner_bytes;
    };
    match &node.kind {
        Kind::Scalar(text, _) => bytes += text.len(),
        Kind::List(items) => items.iter().for_each(add),
        Kind::Map(entries) => {
            entries.iter().for_each(|(_, value)| add(value));
            nodes += entries.len();
            bytes += entries.iter().map(|(key, _)| key.text.len()).sum::<usize>();
        }
    }
    (nodes, bytes)
}

/// YAML's core schema.
fn plain_value(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        ".nan" | ".NaN" | ".NAN" => return Value::Number(f64::NAN),
        _ => {}
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") {
        let sign = if text.starts_with('-') { -1.0 } else { 1.0 };
        return Value::Number(sign * f64::INFINITY);
    }
    let begins = text.starts_with("0x")
        || text.starts_with("0o")
        || unsigned.starts_with(|c: char| c.is_ascii_digit())
        || unsigned
            .strip_prefix('.')
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    match crate::value::parse_number(text) {
        number if begins && !number.is_nan() => Value::Number(number),
        _ => Value::from(text),
    }
}

/// The library's words, as a part of a sentence.
fn sentence(info: &str) -> String {
    info.trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests;
