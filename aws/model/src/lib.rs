//! Facts about the AWS services, as AWS's own service models state them: operations, shapes, limits, error codes.
//!
//! The files in `data/` are written by `cargo xtask import-model` from an installed botocore and hold no prose.
//! They are read by `cargo xtask codegen` alone; everything else uses the code that is generated from them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// One service: how it is spoken to, and what it can be asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Service {
    /// As the AWS CLI calls it, such as `elbv2`.
    pub name: String,
    pub protocol: Protocol,
    pub api_version: String,
    pub service_id: String,
    pub endpoint_prefix: String,
    /// The service's name in a signature's credential scope.
    pub signing_name: String,
    /// Of a service that has one endpoint for all regions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub global_endpoint: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub json_version: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_prefix: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub xml_namespace: Option<String>,
    /// Operations that are served, by name.
    pub operations: BTreeMap<String, Operation>,
    /// Names of the operations that AWS has and we do not serve.
    pub unserved: Vec<String>,
    /// Every shape that a served operation leads to, by name.
    pub shapes: BTreeMap<String, Shape>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    Json,
    Query,
    Ec2,
    #[serde(rename = "rest-xml")]
    RestXml,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Operation {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// Element around the output in an awsQuery answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result_wrapper: Option<String>,
    /// Of a REST protocol: where it is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<Http>,
    /// Root element of an input's XML.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_element: Option<String>,
    /// Error shapes that the model names for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<String>,
}

impl Service {
    /// Name of the service's Rust module.
    pub fn module(&self) -> String {
        self.name.replace('-', "")
    }
}

/// Method, path with `{labels}`, and the status of success.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Http {
    pub method: String,
    pub uri: String,
    pub status: u16,
}

/// Where a REST protocol puts a member of an input or output, if not into the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    Uri,
    QueryString,
    Header,
}

/// What a value looks like. Only the fields that its `kind` can have are ever set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Shape {
    #[serde(rename = "type")]
    pub kind: Kind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<serde_json::Number>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<serde_json::Number>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    #[serde(default, rename = "enum", skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp_format: Option<String>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub flattened: bool,
    /// A structure's members, in the model's order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<Member>,
    /// Of a list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<Member>,
    /// Of a map.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Member>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Member>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub exception: bool,
    /// The code on the wire, where it is not the shape's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_status: Option<u16>,
    /// The service is to blame, not the caller.
    #[serde(default, skip_serializing_if = "is_false")]
    pub fault: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub sensitive: bool,
    /// A structure of which the answer has one member after the other, each with one of its own members.
    #[serde(default, skip_serializing_if = "is_false")]
    pub event_stream: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    #[default]
    Structure,
    List,
    Map,
    String,
    Integer,
    Long,
    Float,
    Double,
    Boolean,
    Blob,
    Timestamp,
}

/// A structure's member, a list's element, or a map's key or value.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Member {
    /// Empty for an element, a key or a value.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    pub shape: String,
    #[serde(default, skip_serializing_if = "is_false")]
    pub required: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<Place>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query_name: Option<String>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub flattened: bool,
    /// A client fills it in when its user did not, so that a retry is recognised.
    #[serde(default, skip_serializing_if = "is_false")]
    pub idempotency_token: bool,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde calls it with a reference"
)]
fn is_false(value: &bool) -> bool {
    !*value
}

/// The facts could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    #[error("{path}: {cause}")]
    File { path: PathBuf, cause: std::io::Error },
    #[error("{path}: {cause}")]
    Json { path: PathBuf, cause: serde_json::Error },
    #[error("{path}, line {line}: a line is `service Operation`")]
    Served { path: PathBuf, line: usize },
}

/// Operations that are served, by service, from a file of lines `service Operation`; `#` begins a comment.
///
/// # Errors
/// When the file cannot be read or a line is something else.
pub fn read_served(path: &Path) -> Result<BTreeMap<String, BTreeSet<String>>, ModelError> {
    let text = std::fs::read_to_string(path).map_err(|cause| ModelError::File {
        path: path.into(),
        cause,
    })?;
    let mut served: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default();
        match line.split_whitespace().collect::<Vec<_>>()[..] {
            [] => {}
            [service, operation] => {
                served
                    .entry(service.to_owned())
                    .or_default()
                    .insert(operation.to_owned());
            }
            _ => {
                return Err(ModelError::Served {
                    path: path.into(),
                    line: index + 1,
                });
            }
        }
    }
    Ok(served)
}

impl Service {
    /// # Errors
    /// When the file cannot be read or does not hold the facts of a service.
    pub fn read(path: &Path) -> Result<Self, ModelError> {
        let text = std::fs::read_to_string(path).map_err(|cause| ModelError::File {
            path: path.into(),
            cause,
        })?;
        serde_json::from_str(&text).map_err(|cause| ModelError::Json {
            path: path.into(),
            cause,
        })
    }

    /// As a fact file holds it: JSON with one operation and one shape a line, so that a change reads well.
    pub fn to_text(&self) -> String {
        let head = Self {
            operations: BTreeMap::new(),
            shapes: BTreeMap::new(),
            ..self.clone()
        };
        let value = serde_json::to_value(head).expect("facts are strings, numbers and lists");
        let mut out = String::from("{\n");
        let fields: BTreeMap<_, _> = value
            .as_object()
            .expect("a structure is an object")
            .iter()
            .collect();
        for (key, value) in fields {
            match key.as_str() {
                "operations" => section(&mut out, key, &self.operations),
                "shapes" => section(&mut out, key, &self.shapes),
                _ => out.push_str(&format!("{}: {value}", quoted(key))),
            }
            out.push_str(",\n");
        }
        out.truncate(out.len() - 2);
        out.push_str("\n}\n");
        out
    }
}

fn section<T: Serialize>(out: &mut String, key: &str, entries: &BTreeMap<String, T>) {
    let lines: Vec<String> = entries
        .iter()
        .map(|(name, entry)| {
            let entry = serde_json::to_string(entry).expect("facts are strings, numbers and lists");
            format!("  {}: {entry}", quoted(name))
        })
        .collect();
    out.push_str(&format!("{}: {{\n{}\n}}", quoted(key), lines.join(",\n")));
}

fn quoted(text: &str) -> serde_json::Value {
    text.into()
}
