//! A service's static schema tables.

use std::fmt::Write as _;

use anyhow::{Context as _, Result, bail};
use aws_model::{Kind, Member, Place, Protocol, Service, Shape};
use serde_json::Number;

use super::names::Names;

pub fn schema(service: &Service, names: &Names) -> Result<String> {
    let mut statics = String::new();
    for (name, shape) in &service.shapes {
        let text = one(name, shape, names).with_context(|| format!("the schema of {name}"))?;
        writeln!(statics, "static {}: Schema = {text};", names.static_of(name)?)?;
    }
    let mut operations = String::new();
    for (name, facts) in &service.operations {
        let reference = |shape: &Option<String>| -> Result<String> {
            Ok(match shape {
                Some(shape) => format!("Some(&{})", names.static_of(shape)?),
                None => "None".to_owned(),
            })
        };
        let errors: Vec<String> = facts
            .errors
            .iter()
            .map(|it| Ok(format!("&{}", names.static_of(it)?)))
            .collect::<Result<_>>()?;
        writeln!(
            operations,
            "        OperationSchema {{ name: {name:?}, input: {}, output: {}, result_wrapper: {:?}, http: {}, input_element: {:?}, errors: &[{}] }},",
            reference(&facts.input)?,
            reference(&facts.output)?,
            facts.result_wrapper,
            match &facts.http {
                Some(http) => format!(
                    "Some(Http {{ method: {:?}, uri: {:?}, status: {} }})",
                    http.method, http.uri, http.status
                ),
                None => "None".to_owned(),
            },
            facts.input_element,
            errors.join(", ")
        )?;
    }
    let shapes: Vec<String> = service
        .shapes
        .keys()
        .map(|it| Ok(format!("&{}", names.static_of(it)?)))
        .collect::<Result<_>>()?;
    let text = |it: &Option<String>| it.clone().unwrap_or_default();
    Ok(format!(
        "{}//! Schemas of {}.\n\nuse aws_protocol::{{{}Member, OperationSchema, {}Protocol, Schema, ServiceSchema{}}};\n\n\
         pub static SERVICE: ServiceSchema = ServiceSchema {{\n    name: {:?},\n    protocol: Protocol::{},\n    \
         api_version: {:?},\n    service_id: {:?},\n    endpoint_prefix: {:?},\n    signing_name: {:?},\n    \
         global_endpoint: {:?},\n    target_prefix: {:?},\n    json_version: {:?},\n    xml_namespace: {:?},\n    \
         operations: &[\n{operations}    ],\n    unserved: &{:?},\n    shapes: &[{}],\n}};\n\n{statics}",
        super::HEADER,
        service.service_id,
        if service.protocol == Protocol::RestXml {
            "Http, "
        } else {
            ""
        },
        if statics.contains("Place::") {
            "Place, "
        } else {
            ""
        },
        if statics.contains("TimestampFormat") {
            ", TimestampFormat"
        } else {
            ""
        },
        service.name,
        match service.protocol {
            Protocol::Json => "Json",
            Protocol::Query => "Query",
            Protocol::Ec2 => "Ec2",
            Protocol::RestXml => "RestXml",
        },
        service.api_version,
        service.service_id,
        service.endpoint_prefix,
        service.signing_name,
        service.global_endpoint,
        text(&service.target_prefix),
        text(&service.json_version),
        text(&service.xml_namespace),
        service.unserved,
        shapes.join(", "),
    ))
}

fn one(name: &str, shape: &Shape, names: &Names) -> Result<String> {
    let element = |it: &Option<Member>| match it {
        Some(it) => member(it, names),
        None => bail!("it does not say what it holds"),
    };
    let mut out = match shape.kind {
        Kind::Structure => {
            let members: Vec<String> = shape
                .members
                .iter()
                .map(|it| member(it, names))
                .collect::<Result<_>>()?;
            let members = members
                .iter()
                .map(|it| format!("\n    {it},"))
                .collect::<String>();
            let end = if members.is_empty() { "" } else { "\n" };
            format!("Schema::structure({name:?}, &[{members}{end}])")
        }
        Kind::List => format!("Schema::list({name:?}, {})", element(&shape.member)?),
        Kind::Map => format!(
            "Schema::map({name:?}, {}, {})",
            element(&shape.key)?,
            element(&shape.value)?
        ),
        Kind::String if !shape.values.is_empty() => {
            format!("Schema::enumeration({name:?}, &{:?})", shape.values)
        }
        Kind::String => format!("Schema::string({name:?})"),
        Kind::Integer => format!("Schema::integer({name:?})"),
        Kind::Long => format!("Schema::long({name:?})"),
        Kind::Float => format!("Schema::float({name:?})"),
        Kind::Double => format!("Schema::double({name:?})"),
        Kind::Boolean => format!("Schema::boolean({name:?})"),
        Kind::Blob => format!("Schema::blob({name:?})"),
        Kind::Timestamp => format!("Schema::timestamp({name:?})"),
    };
    limit(&mut out, "min", shape.min.as_ref())?;
    limit(&mut out, "max", shape.max.as_ref())?;
    if let Some(pattern) = &shape.pattern {
        write!(out, ".pattern({pattern:?})")?;
    }
    if shape.flattened {
        out.push_str(".flattened()");
    }
    if shape.sensitive {
        out.push_str(".sensitive()");
    }
    match shape.timestamp_format.as_deref() {
        None => {}
        Some("iso8601") => out.push_str(".format(TimestampFormat::Iso8601)"),
        Some("unixTimestamp") => out.push_str(".format(TimestampFormat::UnixSeconds)"),
        Some("rfc822") => out.push_str(".format(TimestampFormat::HttpDate)"),
        Some(other) => bail!("the timestamp format {other} is not known"),
    }
    if shape.exception {
        let code = shape.error_code.as_deref().unwrap_or(name);
        let status = shape.error_status.unwrap_or(if shape.fault { 500 } else { 400 });
        write!(out, ".error({code:?}, {status})")?;
    }
    Ok(out)
}

/// Limits are whole numbers; one that is none limits a fraction, and nothing of that kind is served so far.
fn limit(out: &mut String, name: &str, limit: Option<&Number>) -> Result<()> {
    if let Some(limit) = limit {
        let number = limit.as_i64().or_else(|| whole(limit.as_f64()?));
        write!(
            out,
            ".{name}({})",
            number.with_context(|| format!("the limit {limit} is no whole number"))?
        )?;
    }
    Ok(())
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "whole numbers of a model are far below 2^53"
)]
fn whole(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64)
}

fn member(member: &Member, names: &Names) -> Result<String> {
    let schema = names.static_of(&member.shape)?;
    let mut out = if member.name.is_empty() {
        format!("Member::element(&{schema})")
    } else {
        format!("Member::new({:?}, &{schema})", member.name)
    };
    if member.required {
        out.push_str(".required()");
    }
    if let Some(name) = &member.location_name {
        write!(out, ".located({name:?})")?;
    }
    if let Some(place) = member.location {
        out.push_str(match place {
            Place::Uri => ".at(Place::Uri)",
            Place::QueryString => ".at(Place::Query)",
            Place::Header => ".at(Place::Header)",
        });
    }
    if let Some(name) = &member.query_name {
        write!(out, ".queried({name:?})")?;
    }
    if member.flattened {
        out.push_str(".flattened()");
    }
    if member.idempotency_token {
        out.push_str(".idempotency_token()");
    }
    Ok(out)
}
