//! `import-model`: from the service models that botocore ships to the fact files in `aws/model/data`.

mod botocore;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, anyhow, ensure};
use aws_model::{Http, Member, Operation, Protocol, Service, Shape};

/// Writes the fact file of every service that `aws/model/served.txt` names.
pub fn run(root: &Path, site: Option<&Path>) -> Result<()> {
    let data = match site {
        Some(site) => site.join("botocore/data"),
        None => installed()?,
    };
    let served = aws_model::read_served(&root.join("aws/model/served.txt"))?;
    for (name, operations) in &served {
        let service = import(&data, name, operations).with_context(|| format!("importing {name}"))?;
        std::fs::write(
            root.join(format!("aws/model/data/{name}.json")),
            service.to_text(),
        )?;
    }
    Ok(())
}

/// Where Python finds botocore's models.
fn installed() -> Result<PathBuf> {
    let output = Command::new("python3")
        .args([
            "-c",
            "import botocore, os; print(os.path.join(botocore.__path__[0], 'data'))",
        ])
        .output()
        .context("running python3")?;
    ensure!(
        output.status.success(),
        "botocore is not installed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(PathBuf::from(String::from_utf8(output.stdout)?.trim()))
}

fn import(data: &Path, name: &str, served: &BTreeSet<String>) -> Result<Service> {
    let model = botocore::read(&data.join(name))?;
    let protocol = model.metadata.protocol()?;
    let mut operations = BTreeMap::new();
    let mut shapes = BTreeMap::new();
    for operation in served {
        let raw = model
            .operations
            .get(operation)
            .ok_or_else(|| anyhow!("there is no operation {operation}"))?;
        let input = raw.input.as_ref().map(|it| it.shape.clone());
        let output = raw.output.as_ref().map(|it| it.shape.clone());
        let errors: Vec<String> = raw.errors.iter().map(|it| it.shape.clone()).collect();
        for shape in input.iter().chain(&output).chain(&errors) {
            collect(&model, shape, &mut shapes)?;
        }
        let result_wrapper = raw.output.as_ref().and_then(|it| it.result_wrapper.clone());
        operations.insert(
            operation.clone(),
            Operation {
                input,
                output,
                result_wrapper,
                http: (protocol == Protocol::RestXml).then(|| Http {
                    method: raw.http.method.clone(),
                    uri: raw.http.request_uri.clone(),
                    status: raw.http.response_code.unwrap_or(200),
                }),
                input_element: raw.input.as_ref().and_then(|it| it.location_name.clone()),
                errors,
            },
        );
    }
    let unserved = model
        .operations
        .keys()
        .filter(|it| !served.contains(*it))
        .cloned()
        .collect();
    // Where the service has no namespace of its own its messages share one.
    let namespace = model.operations.values().find_map(|it| {
        let of_input = it.input.as_ref()?.xml_namespace.as_ref()?;
        Some(of_input.uri.clone())
    });
    let meta = model.metadata;
    Ok(Service {
        name: name.to_owned(),
        protocol,
        api_version: meta.api_version,
        service_id: meta.service_id,
        signing_name: meta.signing_name.unwrap_or_else(|| meta.endpoint_prefix.clone()),
        endpoint_prefix: meta.endpoint_prefix,
        global_endpoint: meta.global_endpoint,
        json_version: meta.json_version,
        target_prefix: meta.target_prefix,
        xml_namespace: meta.xml_namespace.or(namespace),
        operations,
        unserved,
        shapes,
    })
}

/// Takes a shape and all that it leads to.
fn collect(model: &botocore::Model, name: &str, into: &mut BTreeMap<String, Shape>) -> Result<()> {
    if into.contains_key(name) {
        return Ok(());
    }
    let raw = model
        .shapes
        .get(name)
        .ok_or_else(|| anyhow!("there is no shape {name}"))?;
    let shape = Shape {
        kind: raw.kind,
        min: raw.min.clone(),
        max: raw.max.clone(),
        pattern: raw.pattern.clone(),
        values: raw.values.clone(),
        timestamp_format: raw.timestamp_format.clone(),
        flattened: raw.flattened,
        members: raw
            .members
            .0
            .iter()
            .map(|(name, it)| Member {
                required: raw.required.contains(name),
                ..member(name, it)
            })
            .collect(),
        member: raw.member.as_ref().map(|it| member("", it)),
        key: raw.key.as_ref().map(|it| member("", it)),
        value: raw.value.as_ref().map(|it| member("", it)),
        exception: raw.exception,
        error_code: raw.error.as_ref().and_then(|it| it.code.clone()),
        error_status: raw.error.as_ref().and_then(|it| it.http_status_code),
        fault: raw.fault || raw.error.as_ref().is_some_and(|it| it.fault),
        sensitive: raw.sensitive,
        event_stream: raw.eventstream,
    };
    into.insert(name.to_owned(), shape.clone());
    for member in shape
        .members
        .iter()
        .chain(&shape.member)
        .chain(&shape.key)
        .chain(&shape.value)
    {
        collect(model, &member.shape, into)?;
    }
    Ok(())
}

fn member(name: &str, raw: &botocore::Member) -> Member {
    Member {
        name: name.to_owned(),
        shape: raw.shape.clone(),
        required: false,
        location_name: raw.location_name.clone(),
        location: raw.location,
        query_name: raw.query_name.clone(),
        flattened: raw.flattened,
        idempotency_token: raw.idempotency_token,
    }
}
