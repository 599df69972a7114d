//! A task definition against AWS's own model: unknown fields, wrong types, values that AWS does not know.

use std::collections::BTreeMap;

use aws_protocol::{Fields, Kind, Member, Schema, Value};
use aws_shape::ecs;
use base_diagnostic::Problem;

use super::json::{Node, key_span};

/// What describing a task definition adds to it and registering it does not take. The official deploy action drops
/// these too.
const DESCRIBED_ONLY: [&str; 9] = [
    "compatibilities",
    "deleteRequestedAt",
    "deregisteredAt",
    "registeredAt",
    "registeredBy",
    "requiresAttributes",
    "revision",
    "status",
    "taskDefinitionArn",
];

/// How much of two names must be alike for one to be meant by the other.
const LIKENESS_MIN: f64 = 0.7;

/// The model's value of the tree, as far as it fits; what does not is a problem.
pub(super) fn check(root: Node<'_>, problems: &mut Vec<Problem>) -> Value {
    let operation = ecs::SERVICE.operation("RegisterTaskDefinition");
    let schema = operation.and_then(|operation| operation.input);
    let schema = schema.expect("registering task definitions is served, and takes an input");
    let mut checker = Checker {
        problems,
        root: schema,
        depth: 0,
    };
    checker.value(schema, root, "the task definition")
}

struct Checker<'p> {
    problems: &'p mut Vec<Problem>,
    root: &'static Schema,
    depth: usize,
}

impl Checker<'_> {
    fn value(&mut self, schema: &'static Schema, node: Node<'_>, name: &str) -> Value {
        if node.value.as_null_keyword().is_some() {
            return Value::Null;
        }
        match &schema.kind {
            Kind::Structure(members) => self.structure(schema, members, node, name),
            Kind::List(element) => match node.value.as_array() {
                Some(_) => {
                    self.length(schema, node, name, node.elements().count());
                    let values = node.elements().map(|one| {
                        let value = self.value(element.schema, one, &format!("an element of `{name}`"));
                        if value == Value::Null && one.value.as_null_keyword().is_some() {
                            let message = format!("`{name}` has an element that is null");
                            self.problems
                                .push(Problem::new(one.span(), message).hint("take it out"));
                        }
                        value
                    });
                    Value::List(values.collect())
                }
                None => self.wrong(schema, node, name),
            },
            Kind::Map(_, element) => match node.object() {
                Some(object) => {
                    let mut map = BTreeMap::new();
                    for property in &object.properties {
                        let key = property.name.as_str();
                        let value = Node {
                            value: &property.value,
                        };
                        map.insert(key.to_owned(), self.value(element.schema, value, key));
                    }
                    Value::Map(map)
                }
                None => self.wrong(schema, node, name),
            },
            Kind::String | Kind::Blob | Kind::Timestamp => match node.text() {
                Some(text) => self.text(schema, node, name, text),
                None => self.wrong(schema, node, name),
            },
            Kind::Boolean => match node.truth() {
                Some(truth) => Value::Boolean(truth),
                None => self.wrong(schema, node, name),
            },
            Kind::Integer => match node.number().filter(|it| i32::try_from(*it).is_ok()) {
                Some(number) => self.number(schema, node, name, number),
                None => self.wrong(schema, node, name),
            },
            Kind::Long => match node.number() {
                Some(number) => self.number(schema, node, name, number),
                None => self.wrong(schema, node, name),
            },
            Kind::Float | Kind::Double => {
                match node.value.as_number_lit().and_then(|it| it.value.parse().ok()) {
                    Some(number) => Value::Float(number),
                    None => self.wrong(schema, node, name),
                }
            }
        }
    }

    fn structure(
        &mut self,
        schema: &'static Schema,
        members: &'static [Member],
        node: Node<'_>,
        name: &str,
    ) -> Value {
        let Some(object) = node.object() else {
            return self.wrong(schema, node, name);
        };
        self.depth += 1;
        let is_root = self.depth == 1;
        let mut fields = Fields::new();
        let mut seen: Vec<&str> = Vec::new();
        for property in &object.properties {
            let key = property.name.as_str();
            if seen.contains(&key) {
                let message = format!("`{key}` stands here twice");
                let problem = Problem::new(key_span(property), message);
                self.problems.push(problem.hint("leave one of them out"));
                continue;
            }
            seen.push(key);
            let value = Node {
                value: &property.value,
            };
            match schema.member(key) {
                Some(member) => fields.insert(member.name, self.value(member.schema, value, key)),
                None if is_root && DESCRIBED_ONLY.contains(&key) => {}
                None => self.unknown(schema, key_span(property), key, name),
            }
        }
        for member in members.iter().filter(|member| member.required) {
            if node.get(member.name).is_none() {
                let message = format!("{} has no `{}`", subject(name), member.name);
                let problem = Problem::new(node.head(), message);
                self.problems
                    .push(problem.hint(format!("add {}", example(member))));
            }
        }
        self.depth -= 1;
        Value::Structure(fields)
    }

    fn unknown(&mut self, schema: &Schema, span: std::ops::Range<usize>, key: &str, name: &str) {
        let problem = Problem::new(span, format!("{} has no field `{key}`", subject(name)));
        let hint = match closest(key, schema.members().iter().map(|it| it.name)) {
            Some(close) => format!("did you mean `{close}`?"),
            None => match place_of(self.root, key) {
                Some(place) => format!("`{key}` is a field of {place}"),
                None => "AWS does not know it; take it out".to_owned(),
            },
        };
        self.problems.push(problem.hint(hint));
    }

    fn text(&mut self, schema: &'static Schema, node: Node<'_>, name: &str, text: &str) -> Value {
        if !schema.values.is_empty() && !schema.values.contains(&text) {
            let problem = Problem::new(node.span(), format!("{} cannot be \"{text}\"", subject(name)));
            let hint = match closest(text, schema.values.iter().copied()) {
                Some(close) => format!("did you mean \"{close}\"?"),
                None => format!("it is one of {}", list(schema.values)),
            };
            self.problems.push(problem.hint(hint));
            return Value::Null;
        }
        self.length(schema, node, name, text.chars().count());
        if let Some(pattern) = schema.pattern
            && aws_protocol::validate::compile(pattern).is_some_and(|regex| !regex.is_match(text))
        {
            let problem = Problem::new(node.span(), format!("{} cannot be \"{text}\"", subject(name)));
            self.problems
                .push(problem.hint(format!("it must match {pattern}")));
        }
        Value::String(text.to_owned())
    }

    fn number(&mut self, schema: &'static Schema, node: Node<'_>, name: &str, number: i64) -> Value {
        let (min, max) = (schema.min.unwrap_or(i64::MIN), schema.max.unwrap_or(i64::MAX));
        if !(min..=max).contains(&number) {
            let problem = Problem::new(node.span(), format!("{} cannot be {number}", subject(name)));
            self.problems.push(problem.hint(match (schema.min, schema.max) {
                (Some(min), Some(max)) => format!("it is from {min} to {max}"),
                (Some(min), None) => format!("it is at least {min}"),
                _ => format!("it is at most {max}"),
            }));
        }
        Value::Integer(number)
    }

    fn length(&mut self, schema: &'static Schema, node: Node<'_>, name: &str, length: usize) {
        let length = i64::try_from(length).unwrap_or(i64::MAX);
        let too_short = schema.min.is_some_and(|min| length < min);
        let too_long = schema.max.is_some_and(|max| length > max);
        if too_short || too_long {
            let which = if too_short { "short" } else { "long" };
            let limit = if too_short { schema.min } else { schema.max }.unwrap_or_default();
            let problem = Problem::new(node.head(), format!("{} is too {which}", subject(name)));
            self.problems
                .push(problem.hint(format!("its length is {length}; the limit is {limit}")));
        }
    }

    fn wrong(&mut self, schema: &'static Schema, node: Node<'_>, name: &str) -> Value {
        let message = format!(
            "{} is {}, but must be {}",
            subject(name),
            found(node),
            expected(schema)
        );
        let problem = Problem::new(node.head(), message);
        self.problems.push(match correction(schema, node) {
            Some(hint) => problem.hint(hint),
            None => problem,
        });
        Value::Null
    }
}

/// How a structure is spoken of in a sentence.
fn subject(name: &str) -> String {
    match name {
        "the task definition" => name.to_owned(),
        _ if name.contains('`') => name.to_owned(),
        _ => format!("`{name}`"),
    }
}

fn found(node: Node<'_>) -> &'static str {
    use jsonc_parser::ast::Value as Json;
    match node.value {
        Json::StringLit(_) => "text",
        Json::NumberLit(_) => "a number",
        Json::BooleanLit(_) => "true or false",
        Json::Object(_) => "an object",
        Json::Array(_) => "a list",
        Json::NullKeyword(_) => "null",
    }
}

fn expected(schema: &Schema) -> &'static str {
    match schema.kind {
        Kind::Structure(_) | Kind::Map(..) => "an object",
        Kind::List(_) => "a list",
        Kind::String | Kind::Blob | Kind::Timestamp => "text",
        Kind::Integer | Kind::Long => "a whole number",
        Kind::Float | Kind::Double => "a number",
        Kind::Boolean => "true or false",
    }
}

/// How to write it, where that is plain.
fn correction(schema: &Schema, node: Node<'_>) -> Option<String> {
    use jsonc_parser::ast::Value as Json;
    match (&schema.kind, node.value) {
        (Kind::String, Json::NumberLit(number)) => Some(format!("put it in quotes: \"{}\"", number.value)),
        (Kind::String, Json::BooleanLit(truth)) => Some(format!("put it in quotes: \"{}\"", truth.value)),
        (Kind::Integer | Kind::Long, Json::StringLit(text)) if text.value.parse::<i64>().is_ok() => {
            Some(format!("write it without quotes: {}", text.value))
        }
        (Kind::Boolean, Json::StringLit(text)) if matches!(text.value.as_ref(), "true" | "false") => {
            Some(format!("write it without quotes: {}", text.value))
        }
        (Kind::Integer, Json::NumberLit(_)) => Some("it has no fraction and fits into 32 bits".to_owned()),
        (Kind::List(_), _) => Some("put it in brackets: [ … ]".to_owned()),
        (Kind::Structure(_), Json::Array(_)) => Some("take off the brackets".to_owned()),
        _ => None,
    }
}

fn example(member: &Member) -> String {
    let value = match &member.schema.kind {
        Kind::String => match member.schema.values.first() {
            Some(value) => format!("\"{value}\""),
            None => "\"…\"".to_owned(),
        },
        Kind::List(_) => "[ … ]".to_owned(),
        Kind::Boolean => "true".to_owned(),
        Kind::Structure(_) | Kind::Map(..) => "{ … }".to_owned(),
        _ => "…".to_owned(),
    };
    format!("\"{}\": {value}", member.name)
}

fn list(values: &[&str]) -> String {
    let quoted: Vec<String> = values.iter().map(|value| format!("\"{value}\"")).collect();
    quoted.join(", ")
}

/// The name that was probably meant.
pub(super) fn closest<'a>(given: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let lower = given.to_lowercase();
    known
        .map(|name| {
            (
                strsim::normalized_damerau_levenshtein(&lower, &name.to_lowercase()),
                name,
            )
        })
        .filter(|(likeness, _)| *likeness >= LIKENESS_MIN)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

/// Where in a task definition a field of this name belongs.
fn place_of(root: &'static Schema, key: &str) -> Option<&'static str> {
    if root.member(key).is_some() {
        return Some("the task definition itself");
    }
    let containers = root.member("containerDefinitions")?;
    let Kind::List(element) = &containers.schema.kind else {
        return None;
    };
    element
        .schema
        .member(key)
        .map(|_| "the objects in `containerDefinitions`")
}
