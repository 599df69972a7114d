//! Structs and enums.

use std::fmt::Write as _;

use anyhow::{Context as _, Result};
use aws_model::{Kind, Service};

use super::names::{self, Names};

pub fn has_enumerations(service: &Service) -> bool {
    service
        .shapes
        .values()
        .any(|it| it.kind == Kind::String && names::is_type(it))
}

pub fn enumerations(service: &Service, names: &Names) -> Result<String> {
    let mut out = format!(
        "{}//! Enumerations of {}.\n\nuse aws_protocol::enumeration;\n",
        super::HEADER,
        service.service_id
    );
    for (name, shape) in service
        .shapes
        .iter()
        .filter(|(_, it)| it.kind == Kind::String && names::is_type(it))
    {
        let variants =
            names::variants(&shape.values).with_context(|| format!("naming the values of {name}"))?;
        let list: Vec<String> = variants
            .iter()
            .zip(&shape.values)
            .map(|(variant, value)| format!("{variant} = {value:?}"))
            .collect();
        write!(
            out,
            "\nenumeration!({} {{ {} }});\n",
            names.type_of(name)?,
            list.join(", ")
        )?;
    }
    Ok(out)
}

pub fn structures(service: &Service, names: &Names) -> Result<String> {
    let mut body = String::new();
    for (name, shape) in service
        .shapes
        .iter()
        .filter(|(_, it)| it.kind == Kind::Structure && !it.exception)
    {
        let rust = names.type_of(name)?;
        let mut fields = String::new();
        let mut wires = Vec::new();
        for member in &shape.members {
            // What goes wrong in a stream ends it as an error.
            if shape.event_stream && names.shape(&member.shape)?.exception {
                continue;
            }
            let field = names::field(&member.name);
            let mut kind = match names.shape(&member.shape)?.event_stream {
                true => "EventStream".to_owned(),
                false => names.rust(&member.shape)?,
            };
            if names.is_boxed(name, &member.shape)? {
                kind = format!("Box<{kind}>");
            }
            if !member.required {
                kind = format!("Option<{kind}>");
            }
            writeln!(fields, "    pub {field}: {kind},")?;
            wires.push(format!("{field}: {:?}", member.name));
        }
        define(&mut body, rust, &fields, &wires)?;
    }
    for (operation, facts) in &service.operations {
        if facts.input.is_none() {
            define(&mut body, &format!("{operation}Request"), "", &[])?;
        }
    }
    let mut out = format!("{}//! Structures of {}.\n\n", super::HEADER, service.service_id);
    if body.contains("BTreeMap<") {
        out.push_str("use std::collections::BTreeMap;\n\n");
    }
    out.push_str(match body.contains("EventStream>") {
        true => "use aws_protocol::{EventStream, structure};\n",
        false => "use aws_protocol::structure;\n",
    });
    if body.contains("Timestamp") && (body.contains("<Timestamp>") || body.contains(": Timestamp")) {
        out.push_str("use jiff::Timestamp;\n");
    }
    if has_enumerations(service) {
        out.push_str("\nuse super::enumeration::*;\n");
    }
    out.push_str(&body);
    Ok(out)
}

fn define(out: &mut String, name: &str, fields: &str, wires: &[String]) -> Result<()> {
    out.push_str("\n#[derive(Clone, Debug, Default, PartialEq)]\n");
    if fields.is_empty() {
        writeln!(out, "pub struct {name} {{}}\n")?;
    } else {
        writeln!(out, "pub struct {name} {{\n{fields}}}\n")?;
    }
    writeln!(out, "structure!({name} {{ {} }});", wires.join(", "))?;
    Ok(())
}
