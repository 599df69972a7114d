//! Credentials that clients send along: JSON in base64 in a header.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use contract::image::Credentials;
use http::HeaderMap;
use serde::Deserialize;

use crate::answer::Refusal;

/// Clients differ in whether they pad.
const CONFIG: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, CONFIG);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, CONFIG);

/// `AuthConfig` of the API. Some clients send `null` for what they do not have.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "lowercase")]
pub(crate) struct AuthConfig {
    #[serde(deserialize_with = "or_empty")]
    username: String,
    #[serde(deserialize_with = "or_empty")]
    password: String,
    /// Older files have `base64(user:password)`.
    #[serde(deserialize_with = "or_empty")]
    auth: String,
    #[serde(deserialize_with = "or_empty")]
    pub serveraddress: String,
    #[serde(deserialize_with = "or_empty")]
    identitytoken: String,
}

fn or_empty<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

impl AuthConfig {
    /// `None` if there is neither user nor password.
    pub fn credentials(self) -> Result<Option<Credentials>, Refusal> {
        if !self.identitytoken.is_empty() {
            return Err(Refusal::bad(
                "identity tokens are not supported; log in with a user name and password",
            ));
        }
        if !self.username.is_empty() {
            return Ok(Some(Credentials {
                user: self.username,
                password: self.password,
            }));
        }
        let decoded = STANDARD
            .decode(&self.auth)
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok());
        let pair = decoded.as_deref().and_then(|text| text.split_once(':'));
        Ok(pair.map(|(user, password)| Credentials {
            user: user.to_owned(),
            password: password.to_owned(),
        }))
    }
}

/// `X-Registry-Auth`, of push and pull.
pub(crate) fn one(headers: &HeaderMap) -> Result<Option<Credentials>, Refusal> {
    match decode::<AuthConfig>(headers, "x-registry-auth")? {
        Some(config) => config.credentials(),
        None => Ok(None),
    }
}

/// `X-Registry-Config`, of build: by registry.
pub(crate) fn several(headers: &HeaderMap) -> Result<Vec<(String, Credentials)>, Refusal> {
    let configs = decode::<BTreeMap<String, AuthConfig>>(headers, "x-registry-config")?.unwrap_or_default();
    let mut found = Vec::new();
    for (registry, config) in configs {
        // One that is of no use must not hinder a build that does not need it.
        if let Ok(Some(credentials)) = config.credentials() {
            found.push((registry, credentials));
        }
    }
    Ok(found)
}

pub(crate) fn decode<T: serde::de::DeserializeOwned>(
    headers: &HeaderMap,
    name: &str,
) -> Result<Option<T>, Refusal> {
    let Some(value) = headers.get(name).filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    let wrong = || Refusal::bad(format!("the header {name} cannot be read"));
    let bytes = value.as_bytes();
    let json = URL_SAFE
        .decode(bytes)
        .or_else(|_| STANDARD.decode(bytes))
        .map_err(|_| wrong())?;
    if json.is_empty() || json == b"null" {
        return Ok(None);
    }
    serde_json::from_slice(&json).map(Some).map_err(|_| wrong())
}
