//! What a request says about its signature, before anything is believed.

use http::HeaderMap;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use percent_encoding::percent_decode_str;

use crate::SignatureError;

pub(crate) const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// The longest time a presigned request may be good for, in seconds: seven days.
const EXPIRES_MAX_SECONDS: i64 = 604_800;
/// Headers that a signature may name.
const SIGNED_HEADERS_MAX: usize = 100;

/// A request as it came in.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    pub method: &'a str,
    /// As sent, still percent-encoded.
    pub path: &'a str,
    /// As sent, without the question mark; empty if there is none.
    pub query: &'a str,
    /// With `host`, also where HTTP/2 sent it as `:authority`.
    pub headers: &'a HeaderMap,
    pub body: &'a [u8],
}

/// A signature and what it says it was made with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    pub access_key: String,
    /// Eight digits, from the credential scope.
    pub date: String,
    pub region: String,
    /// The service's signing name.
    pub service: String,
    /// Names in lower case, as the client put them in order.
    pub signed_headers: Vec<String>,
    /// Hexadecimal.
    pub signature: String,
    /// When it was signed, and the very text of it.
    pub at: Timestamp,
    pub at_text: String,
    pub session_token: Option<String>,
    /// For how long after `at` it is good, of a presigned request.
    pub expires_seconds: Option<i64>,
}

impl Claim {
    /// Reads the signature of a request.
    ///
    /// # Errors
    /// When there is none, or it is not well formed.
    pub fn parse(request: &Request) -> Result<Self, SignatureError> {
        if let Some(header) = request.headers.get(http::header::AUTHORIZATION) {
            let header = header.to_str().map_err(|_| SignatureError::Missing)?;
            return from_header(header, request.headers);
        }
        let parameters = parameters(request.query);
        if parameters
            .iter()
            .any(|(name, _)| name.starts_with("X-Amz-") && name != "X-Amz-Date")
        {
            return from_query(&parameters);
        }
        Err(SignatureError::Missing)
    }
}

/// Decoded names and values of a query string; what is not UTF-8 is left out.
fn parameters(query: &str) -> Vec<(String, String)> {
    let decode = |text: &str| percent_decode_str(text).decode_utf8().ok().map(String::from);
    query
        .split('&')
        .filter_map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            Some((decode(name)?, decode(value)?))
        })
        .collect()
}

fn from_header(header: &str, headers: &HeaderMap) -> Result<Claim, SignatureError> {
    let Some(rest) = header
        .strip_prefix(ALGORITHM)
        .filter(|rest| rest.is_empty() || rest.starts_with(' '))
    else {
        return Err(SignatureError::Missing);
    };
    let (mut credential, mut signed_headers, mut signature) = (None, None, None);
    for part in rest.split(',').flat_map(str::split_whitespace) {
        let Some((name, value)) = part.split_once('=') else {
            return Err(SignatureError::NoEqualSign {
                part: part.to_owned(),
                header: header.to_owned(),
            });
        };
        match name {
            "Credential" => credential = Some(value),
            "SignedHeaders" => signed_headers = Some(value),
            "Signature" => signature = Some(value),
            _ => {}
        }
    }
    let text = |name: &str| headers.get(name).and_then(|it| it.to_str().ok());
    let date = text("x-amz-date").or_else(|| text("date"));
    let mut missing = Vec::new();
    for (name, value) in [
        ("Credential", credential),
        ("Signature", signature),
        ("SignedHeaders", signed_headers),
    ] {
        if value.is_none_or(str::is_empty) {
            missing.push(format!("Authorization header requires '{name}' parameter."));
        }
    }
    if date.is_none() {
        let either = "existence of either a 'X-Amz-Date' or a 'Date' header.";
        missing.push(format!("Authorization header requires {either}"));
    }
    let (Some(credential), Some(signed_headers), Some(signature), Some(date), true) =
        (credential, signed_headers, signature, date, missing.is_empty())
    else {
        return Err(SignatureError::Incomplete {
            missing,
            given: format!("Authorization={header}"),
        });
    };
    let token = text("x-amz-security-token").map(str::to_owned);
    claim(credential, signed_headers, signature, date, token, None)
}

fn from_query(parameters: &[(String, String)]) -> Result<Claim, SignatureError> {
    let get = |name: &str| {
        parameters
            .iter()
            .find(|(it, _)| it == name)
            .map(|(_, value)| value.as_str())
            .filter(|it| !it.is_empty())
    };
    let required = [
        "X-Amz-Algorithm",
        "X-Amz-Credential",
        "X-Amz-Date",
        "X-Amz-SignedHeaders",
        "X-Amz-Signature",
    ]
    .map(get);
    let [
        Some(algorithm),
        Some(credential),
        Some(date),
        Some(signed_headers),
        Some(signature),
    ] = required
    else {
        let names = [
            "X-Amz-Algorithm",
            "X-Amz-Credential",
            "X-Amz-Date",
            "X-Amz-SignedHeaders",
            "X-Amz-Signature",
        ];
        let missing = names
            .iter()
            .filter(|name| get(name).is_none())
            .map(|name| format!("AWS query-string parameters must include '{name}'."))
            .collect();
        return Err(SignatureError::Incomplete {
            missing,
            given: String::new(),
        });
    };
    if algorithm != ALGORITHM {
        return Err(SignatureError::Algorithm(algorithm.to_owned()));
    }
    let expires = match get("X-Amz-Expires") {
        // Outside S3, a signature in the query string without a duration is good for as long as one in a header.
        None => None,
        Some(text) => match text.parse() {
            Ok(seconds @ 0..=EXPIRES_MAX_SECONDS) => Some(seconds),
            _ => return Err(SignatureError::Expires),
        },
    };
    claim(
        credential,
        signed_headers,
        signature,
        date,
        get("X-Amz-Security-Token").map(str::to_owned),
        expires,
    )
}

fn claim(
    credential: &str,
    signed_headers: &str,
    signature: &str,
    date: &str,
    session_token: Option<String>,
    expires_seconds: Option<i64>,
) -> Result<Claim, SignatureError> {
    let parts: Vec<&str> = credential.split('/').collect();
    let [access_key, scope_date, region, service, terminator] = parts[..] else {
        return Err(SignatureError::Credential(credential.to_owned()));
    };
    if terminator != "aws4_request" {
        return Err(SignatureError::Terminator(terminator.to_owned()));
    }
    if access_key.is_empty() || service.is_empty() || !is_region(region) {
        return Err(SignatureError::Credential(credential.to_owned()));
    }
    let (at, at_text) = time(date).ok_or_else(|| SignatureError::Date(date.to_owned()))?;
    if !at_text.starts_with(scope_date) || scope_date.len() != 8 {
        return Err(SignatureError::ScopeDate {
            scope: scope_date.to_owned(),
            at: at_text,
        });
    }
    let signed_headers: Vec<String> = signed_headers.split(';').map(str::to_ascii_lowercase).collect();
    if signed_headers.len() > SIGNED_HEADERS_MAX {
        return Err(SignatureError::Credential(
            "more signed headers than a request may have".to_owned(),
        ));
    }
    if !signed_headers.iter().any(|it| it == "host") {
        return Err(SignatureError::Unsigned("'Host' or ':authority'".to_owned()));
    }
    Ok(Claim {
        access_key: access_key.to_owned(),
        date: scope_date.to_owned(),
        region: region.to_owned(),
        service: service.to_owned(),
        signed_headers,
        signature: signature.to_owned(),
        at,
        at_text,
        session_token,
        expires_seconds,
    })
}

/// A region's name goes into ARNs and keys, so it has to look like one.
fn is_region(text: &str) -> bool {
    (1..=32).contains(&text.len())
        && text
            .bytes()
            .all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-')
}

/// `20260102T030405Z`, or a `Date` header.
fn time(text: &str) -> Option<(Timestamp, String)> {
    if let Ok(civil) = DateTime::strptime("%Y%m%dT%H%M%SZ", text) {
        return Some((civil.to_zoned(TimeZone::UTC).ok()?.timestamp(), text.to_owned()));
    }
    let at = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    Some((at, basic(at)))
}

/// `20260102T030405Z`
pub(crate) fn basic(at: Timestamp) -> String {
    at.strftime("%Y%m%dT%H%M%SZ").to_string()
}
