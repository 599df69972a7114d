//! Secrets of a build: Docker hands them over in a BuildKit session, which is not served. Here they come in a header,
//! so that they stand in no address and no list of processes; the docker client sends it if its `config.json` has it
//! among `HttpHeaders`.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use contract::image::BuildSecret;
use http::HeaderMap;

use crate::answer::Refusal;
use crate::credentials::decode;

/// Base64 of a JSON object: ids, and their values in base64.
const HEADER: &str = "x-build-secrets";
/// What BuildKit allows for one.
const SECRET_BYTES_MAX: usize = 500 << 10;

pub(crate) fn several(headers: &HeaderMap) -> Result<Vec<BuildSecret>, Refusal> {
    let given = decode::<BTreeMap<String, String>>(headers, HEADER)?.unwrap_or_default();
    given
        .into_iter()
        .map(|(id, value)| match STANDARD.decode(value) {
            Ok(value) if value.len() <= SECRET_BYTES_MAX => Ok(BuildSecret {
                id,
                value: value.into(),
            }),
            Ok(_) => Err(Refusal::bad(format!(
                "the secret `{id}` has more than {SECRET_BYTES_MAX} bytes"
            ))),
            Err(_) => Err(Refusal::bad(format!("the secret `{id}` is not base64"))),
        })
        .collect()
}
