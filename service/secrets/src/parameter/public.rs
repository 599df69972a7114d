//! Public parameters below `/aws/service/`: which images AWS recommends. They say what EC2 says of its images.

use aws_protocol::{ApiError, Context, page};
use aws_shape::ec2;
use aws_shape::ssm::*;

use super::name::{self, Selector};
use super::{DATA_TYPE, bad_token, filter, missing};
use crate::Secrets;

const HEAD: &str = "/aws/service/";
const IMAGE_TYPE: &str = "aws:ec2:image";
const PAGE_PARAMETERS_MAX: usize = 10;
/// What runs ECS tasks in an instance here is Wharf's own.
const AGENT: &str = env!("CARGO_PKG_VERSION");

/// A line of images, of which the newest is recommended.
struct Line {
    /// Below `/aws/service/`; `{a}` is the architecture as AWS calls it, `{d}` as Debian does.
    path: &'static str,
    owner: &'static str,
    /// Of the image's name.
    pattern: &'static str,
    /// A document with this name of the system, and its members below; else the id alone.
    ecs: Option<&'static str>,
}

const LINES: &[Line] = &[
    Line {
        path: "ecs/optimized-ami/amazon-linux-2{-a}/recommended",
        owner: "amazon",
        pattern: "amzn2-ami-ecs-hvm-*-{a}-ebs",
        ecs: Some("Amazon Linux 2"),
    },
    Line {
        path: "ecs/optimized-ami/amazon-linux-2023{-a}/recommended",
        owner: "amazon",
        pattern: "al2023-ami-ecs-hvm-*-{a}",
        ecs: Some("Amazon Linux 2023"),
    },
    Line {
        path: "ami-amazon-linux-latest/amzn2-ami-hvm-{a}-gp2",
        owner: "amazon",
        pattern: "amzn2-ami-hvm-*-{a}-gp2",
        ecs: None,
    },
    Line {
        path: "ami-amazon-linux-latest/amzn2-ami-kernel-5.10-hvm-{a}-gp2",
        owner: "amazon",
        pattern: "amzn2-ami-kernel-5.10-hvm-*-{a}-gp2",
        ecs: None,
    },
    Line {
        path: "ami-amazon-linux-latest/al2023-ami-kernel-6.1-{a}",
        owner: "amazon",
        pattern: "al2023-ami-2023*-kernel-6.1-{a}",
        ecs: None,
    },
    Line {
        path: "ami-amazon-linux-latest/al2023-ami-kernel-default-{a}",
        owner: "amazon",
        pattern: "al2023-ami-2023*-kernel-6.1-{a}",
        ecs: None,
    },
    Line {
        path: "canonical/ubuntu/server/22.04/stable/current/{d}/hvm/ebs-gp2/ami-id",
        owner: "099720109477",
        pattern: "ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-{d}-server-*",
        ecs: None,
    },
    Line {
        path: "canonical/ubuntu/server/24.04/stable/current/{d}/hvm/ebs-gp3/ami-id",
        owner: "099720109477",
        pattern: "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-{d}-server-*",
        ecs: None,
    },
];

/// Architecture in AWS's words, and in Debian's.
const ARCHITECTURES: [(&str, &str); 2] = [("x86_64", "amd64"), ("arm64", "arm64")];

pub(super) fn is_public(name: &str) -> bool {
    name.starts_with(HEAD)
}

/// A public parameter, with `:version` if it was named so.
pub(super) async fn read(secrets: &Secrets, context: &Context, text: &str) -> Result<Parameter, ApiError> {
    let selected = name::select(&context.scope, text)?.ok_or_else(|| missing(text))?;
    let all = all(secrets, context).await?;
    let found = all
        .into_iter()
        .find(|it| it.name.as_ref() == Some(&selected.name));
    let found = found.ok_or_else(|| missing(text))?;
    match selected.selector {
        Selector::Latest => Ok(found),
        Selector::Version(number) if found.version == Some(number) => Ok(Parameter {
            selector: Some(format!(":{number}")),
            ..found
        }),
        Selector::Version(_) | Selector::Label(_) => {
            let message = format!("Systems Manager could not find {text}. Verify the version and try again.");
            Err(ApiError::client("ParameterVersionNotFound", message))
        }
    }
}

pub(super) async fn by_path(
    secrets: &Secrets,
    context: &Context,
    input: GetParametersByPathRequest,
) -> Result<GetParametersByPathResult, ApiError> {
    if input.parameter_filters.is_some_and(|filters| !filters.is_empty()) {
        return Err(super::invalid("Filters are not supported for public parameters."));
    }
    let path = format!("{}/", input.path.trim_end_matches('/'));
    let recursive = input.recursive == Some(true);
    let mut below = all(secrets, context).await?;
    below.retain(|it| filter::is_below(it.name.as_deref().unwrap_or_default(), &path, recursive));
    below.sort_by(|a, b| a.name.cmp(&b.name));
    let (below, next_token) = page(
        below,
        input.max_results,
        PAGE_PARAMETERS_MAX,
        input.next_token.as_deref(),
    )
    .map_err(bad_token)?;
    Ok(GetParametersByPathResult {
        parameters: Some(below),
        next_token,
    })
}

async fn all(secrets: &Secrets, context: &Context) -> Result<Vec<Parameter>, ApiError> {
    let Some(ec2) = &secrets.ec2 else {
        return Ok(vec![]);
    };
    let mut all = Vec::new();
    for line in LINES {
        for (architecture, debian) in ARCHITECTURES {
            let suffix = if architecture == "arm64" { "/arm64" } else { "" };
            let fill = |text: &str| {
                text.replace("{-a}", suffix)
                    .replace("{a}", architecture)
                    .replace("{d}", debian)
            };
            let input = ec2::DescribeImagesRequest {
                owners: Some(vec![line.owner.to_owned()]),
                filters: Some(vec![ec2::Filter {
                    name: Some("name".to_owned()),
                    values: Some(vec![fill(line.pattern)]),
                }]),
                ..Default::default()
            };
            let mut images = ec2
                .describe_images(context, input)
                .await?
                .images
                .unwrap_or_default();
            images.sort_by(|a, b| a.creation_date.cmp(&b.creation_date));
            let builds = images.len() as i64;
            if let Some(newest) = images.pop() {
                let name = format!("{HEAD}{}", fill(line.path));
                told(context, line, &name, &newest, builds, &mut all);
            }
        }
    }
    Ok(all)
}

/// The parameters of one line.
fn told(
    context: &Context,
    line: &Line,
    name: &str,
    image: &ec2::Image,
    builds: i64,
    all: &mut Vec<Parameter>,
) {
    let region = &context.scope.region;
    let created = image.creation_date.as_deref().and_then(|text| text.parse().ok());
    let parameter = |name: String, value: String, data_type: &str| Parameter {
        arn: Some(format!("arn:aws:ssm:{region}::parameter{name}")),
        name: Some(name),
        type_: Some(ParameterType::String),
        value: Some(value),
        version: Some(builds),
        selector: None,
        source_result: None,
        last_modified_date: created,
        data_type: Some(data_type.to_owned()),
    };
    let id = image.image_id.clone().unwrap_or_default();
    let Some(system) = line.ecs else {
        all.push(parameter(name.to_owned(), id, IMAGE_TYPE));
        return;
    };
    let image_name = image.name.clone().unwrap_or_default();
    let is_version = |it: &&str| it.contains('.') && it.starts_with(|first: char| first.is_ascii_digit());
    let version = image_name
        .split('-')
        .find(is_version)
        .unwrap_or_default()
        .to_owned();
    let members = [
        ("ecs_agent_version", AGENT.to_owned()),
        ("ecs_runtime_version", format!("Wharf {AGENT}")),
        ("image_id", id),
        ("image_name", image_name),
        ("image_version", version),
        ("os", system.to_owned()),
        ("schema_version", "1".to_owned()),
        ("source_image_name", String::new()),
    ];
    let document: serde_json::Map<_, _> = members
        .iter()
        .map(|(key, value)| {
            let value = match *key {
                "schema_version" => serde_json::Value::from(1),
                _ => serde_json::Value::from(value.as_str()),
            };
            ((*key).to_owned(), value)
        })
        .collect();
    let document = serde_json::Value::from(document).to_string();
    all.push(parameter(name.to_owned(), document, DATA_TYPE));
    let told = members.into_iter().filter(|(_, value)| !value.is_empty());
    all.extend(told.map(|(key, value)| {
        let kind = if key == "image_id" { IMAGE_TYPE } else { DATA_TYPE };
        parameter(format!("{name}/{key}"), value, kind)
    }));
}
