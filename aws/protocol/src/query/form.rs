//! `application/x-www-form-urlencoded`: names and values in order.

use percent_encoding::percent_decode_str;

use crate::ApiError;
use crate::limit::LIST_MAX_ENTRIES;

/// A form, or a query string.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Form(Vec<(String, String)>);

impl Form {
    /// # Errors
    /// `MalformedQueryString` when it is not UTF-8 or has too many parameters.
    pub fn parse(text: &[u8]) -> Result<Self, ApiError> {
        let refuse = |message: String| ApiError::with_status(400, "MalformedQueryString", message);
        let text = std::str::from_utf8(text).map_err(|_| refuse("The request is not UTF-8.".to_owned()))?;
        let mut parameters = Vec::new();
        for part in text.split('&').filter(|it| !it.is_empty()) {
            if parameters.len() == LIST_MAX_ENTRIES {
                return Err(refuse(format!(
                    "The request has more than {LIST_MAX_ENTRIES} parameters."
                )));
            }
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let (Some(name), Some(value)) = (decode(name), decode(value)) else {
                return Err(refuse("A parameter is not UTF-8.".to_owned()));
            };
            parameters.push((name, value));
        }
        Ok(Self(parameters))
    }

    /// The first value of a parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(it, _)| *it == name).map(|(_, value)| value)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

fn decode(text: &str) -> Option<String> {
    let text = text.replace('+', " ");
    percent_decode_str(&text).decode_utf8().ok().map(Into::into)
}
