//! A service's trait over HTTP.

use std::fmt::Write as _;

use anyhow::Result;
use aws_model::Service;

use super::api::signature;
use super::names::Names;

pub fn client(service: &Service, names: &Names) -> Result<String> {
    let module = service.module();
    let mut out = format!(
        "{}//! {} over HTTP.\n\nuse async_trait::async_trait;\nuse aws_protocol::{{ApiError, Context}};\n\
         use aws_shape::{module}::*;\n\nuse crate::Client;\n\n#[async_trait]\nimpl Api for Client {{\n",
        super::HEADER,
        service.service_id
    );
    for (name, operation) in &service.operations {
        let (function, input, output) = signature(name, operation, names)?;
        writeln!(
            out,
            "    async fn {function}(&self, context: &Context, input: {input}) -> Result<{output}, ApiError> {{\n        \
             self.call(&SERVICE, {name:?}, context, input).await\n    }}\n"
        )?;
    }
    out.truncate(out.len() - 1);
    out.push_str("}\n");
    Ok(out)
}
