//! From a form to a value, guided by a schema.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Form, is_flattened, name};
use crate::limit::FORM_MAX_DEPTH;
use crate::{ApiError, Fields, Kind, Member, Protocol, Schema, Value, timestamp};

/// Reads the parameters of a request.
///
/// # Errors
/// When a value has a wrong type or a name has too many parts. Unknown parameters are ignored, as AWS does.
pub fn read(protocol: Protocol, schema: Option<&'static Schema>, form: &Form) -> Result<Value, ApiError> {
    let Some(schema) = schema else {
        return Ok(Value::Structure(Fields::new()));
    };
    let mut root = Node::default();
    for (path, value) in form.iter() {
        if path.split('.').nth(FORM_MAX_DEPTH).is_some() {
            let message = format!("A parameter's name has more than {FORM_MAX_DEPTH} parts.");
            return Err(ApiError::client("MalformedQueryString", message));
        }
        let mut node = &mut root;
        for part in path.split('.') {
            node = node.children.entry(part).or_default();
        }
        // The first of two equal parameters counts.
        node.text.get_or_insert(value);
    }
    let value = Reader { protocol }.any("", &Member::element(schema), &root)?;
    Ok(value.unwrap_or_else(|| Value::Structure(Fields::new())))
}

/// Parameters as a tree over the parts of their names.
#[derive(Default)]
struct Node<'a> {
    text: Option<&'a str>,
    children: BTreeMap<&'a str, Node<'a>>,
}

struct Reader {
    protocol: Protocol,
}

impl Reader {
    fn any(&self, path: &str, member: &Member, node: &Node) -> Result<Option<Value>, ApiError> {
        match &member.schema.kind {
            Kind::Structure(members) => self.structure(path, members, node),
            Kind::List(element) => self.list(path, member, element, node),
            Kind::Map(key, element) => {
                let entries = if is_flattened(self.protocol, member) {
                    Some(node)
                } else {
                    node.children.get("entry")
                };
                let Some(entries) = entries else { return Ok(None) };
                let mut map = BTreeMap::new();
                for (index, entry) in self.entries(path, entries)? {
                    let name = entry
                        .children
                        .get(key.location_name.unwrap_or("key"))
                        .and_then(|it| it.text);
                    let value = entry.children.get(element.location_name.unwrap_or("value"));
                    if let (Some(name), Some(value)) = (name, value)
                        && let Some(value) = self.any(&format!("{path}.{index}.value"), element, value)?
                    {
                        map.insert(name.to_owned(), value);
                    }
                }
                Ok((!map.is_empty()).then_some(Value::Map(map)))
            }
            kind => match node.text {
                Some(text) => match scalar(kind, text) {
                    Some(value) => Ok(Some(value)),
                    None => Err(self.wrong(path, kind, text)),
                },
                None => Ok(None),
            },
        }
    }

    fn structure(&self, path: &str, members: &[Member], node: &Node) -> Result<Option<Value>, ApiError> {
        let mut fields = Fields::new();
        for member in members {
            let name = name(self.protocol, member);
            let path = if path.is_empty() {
                name.clone()
            } else {
                format!("{path}.{name}")
            };
            let value = match (&member.schema.kind, node.children.get(name.as_str())) {
                // A flattened list's entries may stand under the element's name.
                (Kind::List(element), child)
                    if self.protocol == Protocol::Query && is_flattened(self.protocol, member) =>
                {
                    let child = element
                        .location_name
                        .and_then(|name| node.children.get(name))
                        .or(child);
                    child.map(|child| self.any(&path, member, child)).transpose()?
                }
                (_, Some(child)) => Some(self.any(&path, member, child)?),
                (_, None) => None,
            };
            if let Some(Some(value)) = value {
                fields.insert(member.name, value);
            }
        }
        Ok(
            (!fields.is_empty() || path.is_empty() || node.text.is_some())
                .then_some(Value::Structure(fields)),
        )
    }

    fn list(
        &self,
        path: &str,
        member: &Member,
        element: &Member,
        node: &Node,
    ) -> Result<Option<Value>, ApiError> {
        let entries = if is_flattened(self.protocol, member) {
            Some(node)
        } else {
            node.children.get(element.location_name.unwrap_or("member"))
        };
        let mut list = Vec::new();
        if let Some(entries) = entries {
            for (index, entry) in self.entries(path, entries)? {
                list.extend(self.any(&format!("{path}.{index}"), element, entry)?);
            }
        }
        // `Names=` is an empty list.
        Ok((!list.is_empty() || node.text == Some("")).then_some(Value::List(list)))
    }

    /// Numbered entries in the order of their numbers.
    fn entries<'a>(&self, path: &str, node: &'a Node<'a>) -> Result<Vec<(u64, &'a Node<'a>)>, ApiError> {
        let mut entries = Vec::with_capacity(node.children.len());
        for (index, entry) in &node.children {
            match index.parse() {
                Ok(index) => entries.push((index, entry)),
                Err(_) => return Err(self.malformed(format!("{index} is not a number in {path}.{index}"))),
            }
        }
        entries.sort_by_key(|(index, _)| *index);
        Ok(entries)
    }

    fn wrong(&self, path: &str, kind: &Kind, text: &str) -> ApiError {
        let text: String = text
            .chars()
            .take(crate::limit::VIOLATION_VALUE_MAX_CHARS)
            .collect();
        let wanted = match kind {
            Kind::Integer | Kind::Long => "an integer",
            Kind::Float | Kind::Double => "a number",
            Kind::Boolean => "a boolean",
            Kind::Timestamp => "a timestamp",
            _ => "base64",
        };
        match self.protocol {
            Protocol::Ec2 => ApiError::client(
                "InvalidParameterValue",
                format!("Value ({text}) for parameter {path} is invalid. Expecting {wanted}."),
            ),
            _ => self.malformed(format!("{text} at {path} is not {wanted}")),
        }
    }

    fn malformed(&self, message: String) -> ApiError {
        let code = if self.protocol == Protocol::Ec2 {
            "InvalidParameter"
        } else {
            "MalformedInput"
        };
        ApiError::client(code, message)
    }
}

fn scalar(kind: &Kind, text: &str) -> Option<Value> {
    Some(match kind {
        Kind::Boolean => match text {
            "true" | "True" | "TRUE" | "1" => Value::Boolean(true),
            "false" | "False" | "FALSE" | "0" => Value::Boolean(false),
            _ => return None,
        },
        Kind::Integer => Value::Integer(text.trim().parse::<i32>().ok()?.into()),
        Kind::Long => Value::Integer(text.trim().parse().ok()?),
        Kind::Float | Kind::Double => Value::Float(text.trim().parse().ok()?),
        Kind::Blob => Value::Blob(STANDARD.decode(text).ok()?),
        Kind::Timestamp => Value::Timestamp(timestamp::parse(text)?),
        Kind::String | Kind::Structure(_) | Kind::List(_) | Kind::Map(..) => Value::String(text.to_owned()),
    })
}
