//! A service model as botocore's `service-2.json` spells it; what is not named here is left behind.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use aws_model::{Kind, Place, Protocol};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Number;

#[derive(Deserialize)]
pub struct Model {
    pub metadata: Metadata,
    pub operations: BTreeMap<String, Operation>,
    pub shapes: BTreeMap<String, Shape>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    protocol: String,
    #[serde(default)]
    protocols: Vec<String>,
    pub api_version: String,
    pub service_id: String,
    pub endpoint_prefix: String,
    pub signing_name: Option<String>,
    pub global_endpoint: Option<String>,
    pub json_version: Option<String>,
    pub target_prefix: Option<String>,
    pub xml_namespace: Option<String>,
}

impl Metadata {
    /// Of several protocols, awsQuery: the others can do without what its model says, it cannot.
    pub fn protocol(&self) -> Result<Protocol> {
        let has_query = self.protocols.iter().any(|it| it == "query");
        let name = if has_query { "query" } else { &self.protocol };
        serde_json::from_value(name.into()).with_context(|| format!("the protocol {name}"))
    }
}

#[derive(Deserialize)]
pub struct Operation {
    pub http: Http,
    pub input: Option<Reference>,
    pub output: Option<Reference>,
    #[serde(default)]
    pub errors: Vec<Reference>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reference {
    pub shape: String,
    pub result_wrapper: Option<String>,
    pub location_name: Option<String>,
    pub xml_namespace: Option<XmlNamespace>,
}

#[derive(Deserialize)]
pub struct XmlNamespace {
    pub uri: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Http {
    pub method: String,
    pub request_uri: String,
    pub response_code: Option<u16>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Shape {
    #[serde(rename = "type")]
    pub kind: Kind,
    pub min: Option<Number>,
    pub max: Option<Number>,
    pub pattern: Option<String>,
    #[serde(default, rename = "enum")]
    pub values: Vec<String>,
    pub timestamp_format: Option<String>,
    #[serde(default)]
    pub flattened: bool,
    #[serde(default)]
    pub required: Vec<String>,
    #[serde(default)]
    pub members: Members,
    pub member: Option<Member>,
    pub key: Option<Member>,
    pub value: Option<Member>,
    #[serde(default)]
    pub exception: bool,
    #[serde(default)]
    pub fault: bool,
    #[serde(default)]
    pub sensitive: bool,
    #[serde(default)]
    pub eventstream: bool,
    pub error: Option<Error>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    pub shape: String,
    pub location_name: Option<String>,
    pub location: Option<Place>,
    pub query_name: Option<String>,
    #[serde(default)]
    pub flattened: bool,
    #[serde(default)]
    pub idempotency_token: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Error {
    pub code: Option<String>,
    pub http_status_code: Option<u16>,
    #[serde(default, rename = "fault")]
    pub fault: bool,
}

/// Members in the order of the file, which is the order of AWS's answers.
#[derive(Default)]
pub struct Members(pub Vec<(String, Member)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Members;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("members by name")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    members.push(entry);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

/// Reads the newest version of a service's model in `folder`.
pub fn read(folder: &Path) -> Result<Model> {
    let mut versions: Vec<_> = std::fs::read_dir(folder)
        .with_context(|| format!("reading {}", folder.display()))?
        .collect::<Result<Vec<_>, _>>()?
        .into_iter()
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .collect();
    versions.sort();
    let newest = versions
        .pop()
        .with_context(|| format!("{} is empty", folder.display()))?;
    let packed = newest.join("service-2.json.gz");
    let text = if packed.exists() {
        let mut text = String::new();
        flate2::read::GzDecoder::new(std::fs::File::open(packed)?).read_to_string(&mut text)?;
        text
    } else {
        std::fs::read_to_string(newest.join("service-2.json"))?
    };
    Ok(serde_json::from_str(&text)?)
}
