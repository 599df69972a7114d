//! A service's module, its trait and its dispatch.

use std::fmt::Write as _;

use anyhow::Result;
use aws_model::{Operation, Service};

use super::names::{self, Names};

pub fn module(service: &Service) -> String {
    let enumerations = super::structure::has_enumerations(service);
    format!(
        "{}//! {}: what it can be asked, and what the messages look like.\n\n\
         mod api;\n{}mod schema;\nmod structure;\n\n\
         pub use api::{{Api, dispatch}};\n{}pub use schema::SERVICE;\npub use structure::*;\n",
        super::HEADER,
        service.service_id,
        if enumerations { "mod enumeration;\n" } else { "" },
        if enumerations {
            "pub use enumeration::*;\n"
        } else {
            ""
        },
    )
}

pub fn api(service: &Service, names: &Names) -> Result<String> {
    let mut out = format!(
        "{}//! The operations of {}.\n\n\
         use aws_protocol::{{ApiError, Context, Shaped as _, Value}};\nuse async_trait::async_trait;\n\n\
         use super::structure::*;\nuse super::schema::SERVICE;\n\n\
         /// The operations that are served. What an implementor leaves out answers that it is not served.\n\
         #[async_trait]\npub trait Api: Send + Sync {{\n",
        super::HEADER,
        service.service_id
    );
    let mut arms = String::new();
    for (name, operation) in &service.operations {
        let (function, input, output) = signature(name, operation, names)?;
        writeln!(
            out,
            "    async fn {function}(&self, context: &Context, input: {input}) -> Result<{output}, ApiError> {{\n        \
             let _ = (context, input);\n        Err(ApiError::not_implemented({name:?}))\n    }}\n"
        )?;
        writeln!(
            arms,
            "        {name:?} => api.{function}(context, crate::input(input)?).await.map({}),",
            if operation.output.is_some() {
                format!("{output}::write")
            } else {
                "|()| ().write()".to_owned()
            }
        )?;
    }
    out.truncate(out.len() - 1);
    write!(
        out,
        "}}\n\n/// Calls the operation of this name with an input that has the shape of the operation's.\n///\n\
         /// # Errors\n/// What the operation answers, or that it is not served.\n\
         pub async fn dispatch(api: &dyn Api, context: &Context, operation: &str, input: Value) \
         -> Result<Value, ApiError> {{\n    match operation {{\n{arms}        _ => Err(SERVICE.unknown_operation(operation)),\n    }}\n}}\n"
    )?;
    Ok(out)
}

/// Function name, input type and output type of an operation.
pub fn signature(name: &str, operation: &Operation, names: &Names) -> Result<(String, String, String)> {
    let input = match &operation.input {
        Some(shape) => names.type_of(shape)?.to_owned(),
        None => format!("{name}Request"),
    };
    let output = match &operation.output {
        Some(shape) => names.type_of(shape)?.to_owned(),
        None => "()".to_owned(),
    };
    Ok((names::field(name), input, output))
}
