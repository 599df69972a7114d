//! Rust names for the shapes, members and values of a service.

use std::collections::BTreeMap;

use anyhow::{Result, anyhow, bail};
use aws_model::{Kind, Member, Service, Shape};
use heck::{ToShoutySnakeCase as _, ToSnakeCase as _, ToUpperCamelCase as _};

/// Types that generated code names without a path.
const TAKEN: [&str; 18] = [
    "Api",
    "ApiError",
    "BTreeMap",
    "Box",
    "Context",
    "Default",
    "Err",
    "EventStream",
    "Kind",
    "Member",
    "None",
    "Ok",
    "Option",
    "Result",
    "Schema",
    "Some",
    "Timestamp",
    "Vec",
];

/// Strict and reserved words of Rust that can stand for a member.
const KEYWORDS: [&str; 50] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn",
    "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop",
    "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static",
    "struct", "super", "trait", "true", "try", "type", "typeof", "unsafe", "unsized", "use", "virtual",
    "where", "while",
];

pub struct Names<'a> {
    service: &'a Service,
    /// Type of each structure and enumeration, by shape.
    types: BTreeMap<&'a str, String>,
    /// Static of each schema, by shape.
    statics: BTreeMap<&'a str, String>,
}

impl<'a> Names<'a> {
    pub fn new(service: &'a Service) -> Result<Self> {
        let mut types = BTreeMap::new();
        let mut statics: BTreeMap<&str, String> = BTreeMap::new();
        for (name, shape) in &service.shapes {
            let plain = name.trim_start_matches('_').to_shouty_snake_case();
            let mut chosen = plain.clone();
            let mut count = 1;
            while chosen == "SERVICE" || statics.values().any(|it| *it == chosen) {
                count += 1;
                chosen = format!("{plain}_{count}");
            }
            statics.insert(name, chosen);
            if is_type(shape) {
                let mut rust = name.clone();
                rust[..1].make_ascii_uppercase();
                if TAKEN.contains(&rust.as_str()) || types.values().any(|it| *it == rust) {
                    bail!("the name {rust} is taken");
                }
                types.insert(name.as_str(), rust);
            }
        }
        Ok(Self {
            service,
            types,
            statics,
        })
    }

    pub fn shape(&self, name: &str) -> Result<&'a Shape> {
        self.service
            .shapes
            .get(name)
            .ok_or_else(|| anyhow!("there is no shape {name}"))
    }

    /// The type of a structure or enumeration.
    pub fn type_of(&self, shape: &str) -> Result<&str> {
        self.types
            .get(shape)
            .map(String::as_str)
            .ok_or_else(|| anyhow!("{shape} has no type of its own"))
    }

    pub fn static_of(&self, shape: &str) -> Result<&str> {
        self.statics
            .get(shape)
            .map(String::as_str)
            .ok_or_else(|| anyhow!("there is no shape {shape}"))
    }

    /// The Rust type of a value of a shape.
    pub fn rust(&self, name: &str) -> Result<String> {
        let shape = self.shape(name)?;
        let element = |member: &Option<Member>| match member {
            Some(member) => self.rust(&member.shape),
            None => Err(anyhow!("{name} does not say what it holds")),
        };
        Ok(match shape.kind {
            Kind::Structure => self.type_of(name)?.to_owned(),
            Kind::String if is_type(shape) => self.type_of(name)?.to_owned(),
            Kind::String => "String".to_owned(),
            Kind::List => format!("Vec<{}>", element(&shape.member)?),
            Kind::Map => format!("BTreeMap<String, {}>", element(&shape.value)?),
            Kind::Integer => "i32".to_owned(),
            Kind::Long => "i64".to_owned(),
            Kind::Float => "f32".to_owned(),
            Kind::Double => "f64".to_owned(),
            Kind::Boolean => "bool".to_owned(),
            Kind::Blob => "Vec<u8>".to_owned(),
            Kind::Timestamp => "Timestamp".to_owned(),
        })
    }

    /// Whether a structure holds, directly and not through a list or map, a structure that leads back to it.
    pub fn is_boxed(&self, owner: &str, member: &str) -> Result<bool> {
        let mut seen = Vec::new();
        let mut open = vec![member];
        while let Some(name) = open.pop() {
            if self.shape(name)?.kind != Kind::Structure || seen.contains(&name) {
                continue;
            }
            if name == owner {
                return Ok(true);
            }
            seen.push(name);
            open.extend(self.shape(name)?.members.iter().map(|it| it.shape.as_str()));
        }
        Ok(false)
    }
}

/// Whether a shape gets a type of its own: structures and enumerations do.
pub fn is_type(shape: &Shape) -> bool {
    shape.kind == Kind::Structure || !shape.values.is_empty()
}

/// A member's field, an operation's function.
pub fn field(name: &str) -> String {
    let field = name.to_snake_case();
    if KEYWORDS.contains(&field.as_str()) {
        format!("{field}_")
    } else {
        field
    }
}

/// Variants of an enumeration, in the order of its values.
pub fn variants(values: &[String]) -> Result<Vec<String>> {
    let mut variants: Vec<String> = Vec::new();
    for value in values {
        let mut variant = value.to_upper_camel_case();
        if variant.is_empty() {
            bail!("the value {value:?} has no name");
        }
        if variant.starts_with(|it: char| it.is_ascii_digit()) {
            variant.insert(0, 'V');
        }
        if variant == "Other" || variant == "Self" {
            variant.push_str("Value");
        }
        let plain = variant.clone();
        let mut count = 1;
        while variants.contains(&variant) {
            count += 1;
            variant = format!("{plain}{count}");
        }
        variants.push(variant);
    }
    Ok(variants)
}
