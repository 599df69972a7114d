//! Query parameters, which may be repeated.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;

use crate::answer::Refusal;

pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub fn parse(query: Option<&str>) -> Self {
        let decode = |text: &str| {
            percent_decode_str(&text.replace('+', " "))
                .decode_utf8_lossy()
                .into_owned()
        };
        let pairs = query
            .unwrap_or_default()
            .split('&')
            .filter(|pair| !pair.is_empty());
        Self(
            pairs
                .map(|pair| {
                    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                    (decode(name), decode(value))
                })
                .collect(),
        )
    }

    /// The first value, if it is not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self
            .0
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str());
        found.filter(|value| !value.is_empty())
    }

    pub fn all(&self, name: &str) -> Vec<String> {
        let values = self
            .0
            .iter()
            .filter(|(known, value)| known == name && !value.is_empty());
        values.map(|(_, value)| value.clone()).collect()
    }

    /// As Docker reads it: absent, empty, `0`, `no`, `false`, `none` are false.
    pub fn is_true(&self, name: &str) -> bool {
        let value = self.get(name).unwrap_or_default().trim().to_ascii_lowercase();
        !matches!(value.as_str(), "" | "0" | "no" | "false" | "none")
    }

    /// A JSON object as a parameter.
    pub fn map<T: serde::de::DeserializeOwned>(&self, name: &str) -> Result<BTreeMap<String, T>, Refusal> {
        match self.get(name) {
            None | Some("null") => Ok(BTreeMap::new()),
            Some(text) => serde_json::from_str(text)
                .map_err(|error| Refusal::bad(format!("the parameter `{name}` cannot be read: {error}"))),
        }
    }
}
