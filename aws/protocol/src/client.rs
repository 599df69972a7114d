//! The client's half: requests out, answers in.

use crate::{
    ApiError, Fields, OperationSchema, Protocol, ServiceSchema, Value, cbor, json, query, rest, xml,
};

/// A request, ready to be signed and sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub method: &'static str,
    /// With the query, if there is one.
    pub path: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

/// Writes an operation's input.
pub fn encode_request(service: &ServiceSchema, operation: &OperationSchema, input: &Value) -> Request {
    match service.protocol {
        Protocol::RestXml => rest::write(service, operation, input),
        Protocol::Json => Request {
            method: "POST",
            path: "/".to_owned(),
            headers: vec![
                (
                    "content-type",
                    format!("application/x-amz-json-{}", service.json_version),
                ),
                (
                    "x-amz-target",
                    format!("{}.{}", service.target_prefix, operation.name),
                ),
            ],
            body: json::write(operation.input, input).into_bytes(),
        },
        Protocol::Query | Protocol::Ec2 => Request {
            method: "POST",
            path: "/".to_owned(),
            headers: vec![(
                "content-type",
                "application/x-www-form-urlencoded; charset=utf-8".to_owned(),
            )],
            body: query::write(service, operation, input).into_bytes(),
        },
        Protocol::Cbor => Request {
            method: "POST",
            path: cbor::path(service, operation.name),
            headers: vec![
                ("content-type", "application/cbor".to_owned()),
                ("smithy-protocol", cbor::PROTOCOL.to_owned()),
            ],
            body: cbor::write(operation.input, input),
        },
    }
}

/// Reads an answer.
///
/// # Errors
/// The service's error with its code, message, status and request id; or that the answer is none. `request_id`
/// and `error_type` are the headers `x-amzn-requestid` and `x-amzn-errortype`.
pub fn decode_response(
    service: &ServiceSchema,
    operation: &OperationSchema,
    status: u16,
    request_id: Option<&str>,
    error_type: Option<&str>,
    body: &[u8],
) -> Result<Value, ApiError> {
    let answer = if (200..300).contains(&status) {
        output(service, operation, body)
    } else {
        Err(failure(service, status, error_type, body))
    };
    answer.map_err(|mut error| {
        error.request_id = error.request_id.or_else(|| request_id.map(Into::into));
        error
    })
}

/// Code of an error that this side found: the answer does not keep to the protocol.
pub const UNREADABLE: &str = "UnreadableResponse";

fn output(service: &ServiceSchema, operation: &OperationSchema, body: &[u8]) -> Result<Value, ApiError> {
    let unreadable = |cause: &dyn std::fmt::Display| {
        ApiError::with_status(
            502,
            UNREADABLE,
            format!("The answer to {} cannot be read: {cause}", operation.name),
        )
    };
    match service.protocol {
        Protocol::Json => {
            json::read(operation.output, body, json::Mode::Lenient).map_err(|it| unreadable(&it.message))
        }
        Protocol::Cbor => cbor::read(operation.output, body).map_err(|it| unreadable(&it.message)),
        Protocol::Query | Protocol::Ec2 | Protocol::RestXml if operation.output.is_none() => {
            Ok(Value::Structure(Fields::new()))
        }
        // Where an answer has nothing to say, some servers send no element either; botocore reads that too.
        Protocol::RestXml if body.iter().all(u8::is_ascii_whitespace) => Ok(Value::Structure(Fields::new())),
        Protocol::Query | Protocol::Ec2 | Protocol::RestXml => {
            let text = std::str::from_utf8(body).map_err(|it| unreadable(&it))?;
            let root = xml::Element::parse(text).map_err(|it| unreadable(&it))?;
            Ok(xml::read(operation, &root))
        }
    }
}

fn failure(service: &ServiceSchema, status: u16, error_type: Option<&str>, body: &[u8]) -> ApiError {
    let found = match service.protocol {
        Protocol::Cbor => cbor::failure(service, status, body),
        Protocol::Json => json_failure(service, status, error_type, body),
        Protocol::Query | Protocol::Ec2 | Protocol::RestXml => std::str::from_utf8(body)
            .ok()
            .and_then(|text| xml::Element::parse(text).ok())
            .and_then(|root| xml::read_error(service, status, &root)),
    };
    found.unwrap_or_else(|| {
        let text: String = String::from_utf8_lossy(body)
            .chars()
            .take(MESSAGE_MAX_CHARS)
            .collect();
        ApiError::with_status(status, status.to_string(), text)
    })
}

/// Characters of an answer that is no error of AWS (a proxy's page, say) that become its message.
const MESSAGE_MAX_CHARS: usize = 500;

fn json_failure(
    service: &ServiceSchema,
    status: u16,
    error_type: Option<&str>,
    body: &[u8],
) -> Option<ApiError> {
    let json: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |name: &str| json.get(name).and_then(serde_json::Value::as_str);
    let code = error_type.or_else(|| text("__type")).or_else(|| text("code"))?;
    // `com.amazon.coral.service#Code:http://…` is the long form.
    let code = code.split(':').next().unwrap_or_default();
    let code = code.rsplit('#').next().unwrap_or_default();
    let message = text("message").or_else(|| text("Message")).unwrap_or_default();
    let mut error = ApiError::with_status(status, code, message);
    if let Some(schema) = service.error(code)
        && let Ok(Value::Structure(mut fields)) = json::read(Some(schema), body, json::Mode::Lenient)
    {
        fields.remove("message");
        error.fields = fields;
    }
    Some(error)
}

#[cfg(test)]
mod tests;
