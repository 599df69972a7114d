//! The server's half: requests in, answers out.

use crate::error::{INTERNAL, NOT_IMPLEMENTED};
use crate::query::Form;
use crate::rest::{self, Incoming};
use crate::{
    ApiError, Fields, OperationSchema, Place, Protocol, ServiceSchema, Value, json, query, validate, xml,
};

/// An answer, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

/// Reads and checks an operation's input.
///
/// # Errors
/// What the service answers to a message that does not keep to its model.
pub fn decode_request(
    service: &ServiceSchema,
    operation: &OperationSchema,
    incoming: Incoming,
) -> Result<Value, ApiError> {
    let message = incoming.message;
    let value = match service.protocol {
        Protocol::Json => json::read(operation.input, message, json::Mode::Strict)?,
        Protocol::Query | Protocol::Ec2 => {
            query::read(service.protocol, operation.input, &Form::parse(message)?)?
        }
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
    operation: &OperationSchema,
    request_id: &str,
    output: &Value,
) -> Response {
    let body = match service.protocol {
        // What has no output has no body either.
        Protocol::Json if operation.output.is_none() => String::new(),
        Protocol::Json => json::write(operation.output, output),
        Protocol::Query | Protocol::Ec2 | Protocol::RestXml => {
            xml::response(service, operation, request_id, output)
        }
    };
    let mut headers = headers(service, request_id);
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
pub fn encode_error(service: &ServiceSchema, request_id: &str, error: &ApiError) -> Response {
    let mut headers = headers(service, request_id);
    let body = match service.protocol {
        Protocol::Json => {
            headers.push(("x-amzn-errortype", error.code.clone()));
            json_error(service, error)
        }
        Protocol::Query | Protocol::Ec2 | Protocol::RestXml => xml::error(service, request_id, error),
    };
    Response {
        status: error.status,
        headers,
        body,
    }
}

fn json_error(service: &ServiceSchema, error: &ApiError) -> String {
    let (code, message) = (json::text(&error.code), json::text(&error.message));
    let mut body = format!("{{\"__type\":{code},\"message\":{message}");
    if let Some(schema) = service.error(&error.code) {
        let mut fields = error.fields.clone();
        fields.remove("message");
        let members = json::write(Some(schema), &Value::Structure(fields));
        let members = members.trim_start_matches('{').trim_end_matches('}');
        if !members.is_empty() {
            body.push(',');
            body.push_str(members);
        }
    }
    body.push('}');
    body
}

fn headers(service: &ServiceSchema, request_id: &str) -> Vec<(&'static str, String)> {
    let content_type = match service.protocol {
        Protocol::Json => format!("application/x-amz-json-{}", service.json_version),
        Protocol::Query | Protocol::RestXml => "text/xml".to_owned(),
        Protocol::Ec2 => "text/xml;charset=UTF-8".to_owned(),
    };
    vec![
        ("content-type", content_type),
        ("x-amzn-requestid", request_id.to_owned()),
    ]
}

#[cfg(test)]
mod tests;
