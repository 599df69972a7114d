//! The server's half: requests in, answers out.

use crate::error::{INTERNAL, NOT_IMPLEMENTED};
use crate::query::Form;
use crate::rest::{self, Incoming};
use crate::{
    ApiError, Fields, OperationSchema, Place, Protocol, ServiceSchema, Value, cbor, json, query, validate,
    xml,
};

/// An answer, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

/// Reads and checks an operation's input.
///
/// # Errors
/// What the service answers to a message that does not keep to its model.
pub fn decode_request(
    service: &ServiceSchema,
    protocol: Protocol,
    operation: &OperationSchema,
    incoming: Incoming,
) -> Result<Value, ApiError> {
    let message = incoming.message;
    let value = match protocol {
        Protocol::Cbor => cbor::read(operation.input, message)?,
        Protocol::Json => json::read(operation.input, message, json::Mode::Strict)?,
        Protocol::Query | Protocol::Ec2 => query::read(protocol, operation.input, &Form::parse(message)?)?,
        Protocol::RestXml => rest::read(operation, incoming)?,
    };
    if let Some(schema) = operation.input {
        // `null` alone is a message without members.
        let value = if value == Value::Null {
            Value::Structure(Fields::new())
        } else {
            value
        };
        validate::check(service, schema, &value)?;
        return Ok(value);
    }
    Ok(value)
}

/// Writes an operation's output.
pub fn encode_response(
    service: &ServiceSchema,
    protocol: Protocol,
    operation: &OperationSchema,
    request_id: &str,
    output: &Value,
) -> Response {
    let body = match protocol {
        // What has no output has no body either.
        Protocol::Json | Protocol::Cbor if operation.output.is_none() => vec![],
        Protocol::Json => json::write(operation.output, output).into_bytes(),
        Protocol::Cbor => cbor::write(operation.output, output),
        Protocol::Query | Protocol::Ec2 | Protocol::RestXml => {
            xml::response(service, operation, request_id, output).into_bytes()
        }
    };
    let mut headers = headers(service, protocol, request_id);
    if let (Some(schema), Value::Structure(fields)) = (operation.output, output) {
        let members = schema
            .members()
            .iter()
            .filter(|it| it.place == Some(Place::Header));
        headers.extend(members.filter_map(|it| {
            let text = xml::text_of(it.schema, fields.get(it.name)?)?;
            Some((it.location_name.unwrap_or(it.name), text))
        }));
    }
    Response {
        status: operation.http.map_or(200, |it| it.status),
        headers,
        body,
    }
}

/// The error as it goes out: with the service's own code where ours is a stand-in, and with the model's status.
pub fn complete(service: &ServiceSchema, mut error: ApiError) -> ApiError {
    if error.code == INTERNAL && error.status >= 500 {
        error.code = match service.protocol {
            Protocol::Ec2 => "InternalError",
            _ if service.error("ServerException").is_some() => "ServerException",
            _ => INTERNAL,
        }
        .to_owned();
    } else if error.code == NOT_IMPLEMENTED {
        error.code = service.unknown_operation("").code;
    }
    if let Some(schema) = service.error(&error.code).and_then(|it| it.error) {
        error.status = schema.status;
    }
    error
}

/// Writes an error, which [`complete`] has seen.
pub fn encode_error(
    service: &ServiceSchema,
    protocol: Protocol,
    request_id: &str,
    error: &ApiError,
) -> Response {
    let mut headers = headers(service, protocol, request_id);
    let is_other = protocol != service.protocol;
    if is_other {
        let blame = if error.is_internal() { "Receiver" } else { "Sender" };
        headers.push(("x-amzn-query-error", format!("{};{blame}", error.code)));
    }
    let body = match protocol {
        Protocol::Json => {
            let schema = service.error(&error.code).filter(|_| is_other);
            let name = schema.map_or(error.code.as_str(), |it| it.name);
            headers.push(("x-amzn-errortype", name.to_owned()));
            json_error(service, name, error).into_bytes()
        }
        Protocol::Cbor => cbor::error(service, error),
        Protocol::Query | Protocol::Ec2 | Protocol::RestXml => {
            xml::error(service, request_id, error).into_bytes()
        }
    };
    Response {
        status: error.status,
        headers,
        body,
    }
}

fn json_error(service: &ServiceSchema, name: &str, error: &ApiError) -> String {
    let (code, message) = (json::text(name), json::text(&error.message));
    let mut body = format!("{{\"__type\":{code},\"message\":{message}");
    if let Some(schema) = service.error(&error.code) {
        let mut fields = error.fields.clone();
        fields.remove("message");
        let members = json::write(Some(schema), &Value::Structure(fields));
        // Its own braces alone: a member may end with some, too.
        let members = members.strip_prefix('{').and_then(|it| it.strip_suffix('}'));
        let members = members.unwrap_or_default();
        if !members.is_empty() {
            body.push(',');
            body.push_str(members);
        }
    }
    body.push('}');
    body
}

fn headers(service: &ServiceSchema, protocol: Protocol, request_id: &str) -> Vec<(&'static str, String)> {
    let content_type = match protocol {
        Protocol::Json => format!("application/x-amz-json-{}", service.json_version),
        Protocol::Query | Protocol::RestXml => "text/xml".to_owned(),
        Protocol::Ec2 => "text/xml;charset=UTF-8".to_owned(),
        Protocol::Cbor => "application/cbor".to_owned(),
    };
    let mut headers = vec![
        ("content-type", content_type),
        ("x-amzn-requestid", request_id.to_owned()),
    ];
    if protocol == Protocol::Cbor {
        headers.push(("smithy-protocol", cbor::PROTOCOL.to_owned()));
    }
    headers
}

#[cfg(test)]
mod tests;
