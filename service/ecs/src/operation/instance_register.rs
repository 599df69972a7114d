//! RegisterContainerInstance: what the agent of an EC2 instance says when it starts.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use aws_protocol::{ApiError, Context};
use aws_shape::ec2;
use aws_shape::ecs::*;
use serde::Deserialize;

use super::tag;
use crate::Ecs;
use crate::error::{client, invalid};
use crate::lodging;
use crate::model::instance::{Agent, Amount, Instance};
use crate::model::name;
use crate::table::{self, INSTANCES, key};
use crate::view;

/// What of the instance identity document matters here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Identity {
    instance_id: String,
    region: Option<String>,
    account_id: Option<String>,
}

pub(super) async fn register_container_instance(
    ecs: &Ecs,
    context: &Context,
    input: RegisterContainerInstanceRequest,
) -> Result<RegisterContainerInstanceResponse, ApiError> {
    let (scope, now) = (context.scope.clone(), ecs.clock.now());
    let cluster = table::cluster(&ecs.store.snapshot(), &scope, input.cluster.as_deref())?;
    let identity = identity(context, &input)?;
    let machine = machine(ecs, context, &identity.instance_id).await?;
    let total = total(input.total_resources.as_deref().unwrap_or_default())?;
    let mut attributes = inherent(&machine);
    for one in input.attributes.into_iter().flatten() {
        super::attribute::check(&one)?;
        attributes.insert(one.name, one.value.filter(|value| !value.is_empty()));
    }
    let said = input.version_info.unwrap_or_default();
    let (id, tags) = (ecs.ids.hex(32), tag::parse(input.tags)?);
    let placement = machine.placement.unwrap_or_default();
    let new = Instance {
        arn: view::instance_arn(&scope, &cluster.name, &id),
        id,
        cluster: cluster.name.clone(),
        ec2_instance: identity.instance_id,
        address: machine
            .private_ip_address
            .and_then(|text| text.parse().ok())
            .unwrap_or(Ipv4Addr::UNSPECIFIED),
        vpc: machine.vpc_id.unwrap_or_default(),
        zone: placement.availability_zone.unwrap_or_default(),
        draining: false,
        leaving: false,
        connected: true,
        total,
        agent: Agent {
            version: said.agent_version,
            hash: said.agent_hash,
            docker: said.docker_version,
        },
        attributes,
        capacity_provider: None,
        registered_at: now,
        tags,
        version: 1,
    };
    let (claimed, place) = (input.container_instance_arn, scope.clone());
    let row = ecs
        .store
        .write(move |tx| {
            table::cluster(&tx.snapshot(), &place, Some(&new.cluster))?;
            let known = table::instances(&tx.snapshot(), &place, &new.cluster);
            let before = known.iter().find(|it| it.ec2_instance == new.ec2_instance);
            if let Some(arn) = claimed.filter(|arn| !arn.is_empty())
                && before.is_none_or(|before| before.arn != arn)
            {
                return Err(client(format!(
                    "The container instance {arn} is not that of the EC2 instance {}.",
                    new.ec2_instance
                )));
            }
            let row = match before {
                None => new,
                Some(before) => again(before, new),
            };
            tx.put(INSTANCES, &key(&place, &row.path()), row.clone());
            Ok(row)
        })
        .await?;
    let snapshot = ecs.store.snapshot();
    let houses = lodging::houses(&snapshot, &scope, &row.cluster);
    let house = houses.iter().find(|it| it.instance.id == row.id);
    Ok(RegisterContainerInstanceResponse {
        container_instance: house.map(|house| view::instance(&scope, house, &snapshot, &[])),
    })
}

/// The same instance after a reboot: who it is, and what callers have said of it, stays.
fn again(before: &Instance, new: Instance) -> Instance {
    let mut attributes = before.attributes.clone();
    attributes.extend(new.attributes);
    let mut tags = before.tags.clone();
    tags.extend(new.tags);
    Instance {
        id: before.id.clone(),
        arn: before.arn.clone(),
        draining: before.draining,
        leaving: before.leaving,
        capacity_provider: before.capacity_provider.clone(),
        registered_at: before.registered_at,
        version: before.version + 1,
        attributes,
        tags,
        ..new
    }
}

/// The document, if it is the caller's own.
fn identity(context: &Context, input: &RegisterContainerInstanceRequest) -> Result<Identity, ApiError> {
    let text = input.instance_identity_document.as_deref().unwrap_or_default();
    let refuse = || client("The instance identity document is not valid.");
    let identity: Identity = serde_json::from_str(text).map_err(|_| refuse())?;
    let scope = &context.scope;
    let other = |given: &Option<String>, own: &str| given.as_deref().is_some_and(|given| given != own);
    if other(&identity.region, &scope.region) || other(&identity.account_id, &scope.account) {
        return Err(refuse());
    }
    // The credentials of an instance profile carry the instance's id as the name of their session.
    let session = context
        .principal_arn
        .contains(":assumed-role/")
        .then(|| name::service(&context.principal_arn))
        .filter(|session| is_instance_id(session));
    if session.is_some_and(|session| session != identity.instance_id) {
        return Err(client(
            "The instance identity document is not that of the instance whose credentials were used.",
        ));
    }
    Ok(identity)
}

fn is_instance_id(text: &str) -> bool {
    let digits = text.strip_prefix("i-").unwrap_or_default();
    !digits.is_empty() && digits.chars().all(|c| c.is_ascii_hexdigit())
}

/// The EC2 instance, which exists and runs.
async fn machine(ecs: &Ecs, context: &Context, id: &str) -> Result<ec2::Instance, ApiError> {
    let input = ec2::DescribeInstancesRequest {
        instance_ids: Some(vec![id.to_owned()]),
        ..Default::default()
    };
    let own = Ecs::own_context(&context.scope, "ecs-instances");
    let found = match ecs.neighbours.ec2.describe_instances(&own, input).await {
        Ok(found) => found.reservations.unwrap_or_default(),
        Err(error) if error.is_internal() => return Err(error),
        Err(error) => return Err(client(error.message)),
    };
    let machine = found
        .into_iter()
        .flat_map(|it| it.instances.unwrap_or_default())
        .next();
    let machine = machine.ok_or_else(|| client(format!("The instance ID '{id}' does not exist")))?;
    let state = machine.state.as_ref().and_then(|it| it.name.clone());
    match state {
        Some(ec2::InstanceStateName::Running | ec2::InstanceStateName::Pending) => Ok(machine),
        _ => Err(client(format!("The instance '{id}' is not running."))),
    }
}

/// What ECS knows of an instance without its agent.
fn inherent(machine: &ec2::Instance) -> BTreeMap<String, Option<String>> {
    let placement = machine.placement.as_ref();
    let architecture = match &machine.architecture {
        Some(it) if it.as_str() == "arm64" => "arm64",
        _ => "x86_64",
    };
    let known = [
        ("ecs.os-type", Some("linux".to_owned())),
        ("ecs.os-family", Some("LINUX".to_owned())),
        ("ecs.cpu-architecture", Some(architecture.to_owned())),
        (
            "ecs.instance-type",
            machine.instance_type.as_ref().map(|it| it.as_str().to_owned()),
        ),
        ("ecs.ami-id", machine.image_id.clone()),
        (
            "ecs.availability-zone",
            placement.and_then(|it| it.availability_zone.clone()),
        ),
        ("ecs.subnet-id", machine.subnet_id.clone()),
        ("ecs.vpc-id", machine.vpc_id.clone()),
    ];
    let known = known.into_iter().filter(|(_, value)| value.is_some());
    known.map(|(name, value)| (name.to_owned(), value)).collect()
}

fn total(given: &[Resource]) -> Result<Amount, ApiError> {
    let resource = |name: &str| given.iter().find(|it| it.name.as_deref() == Some(name));
    let number = |name: &str| {
        let value = resource(name)
            .and_then(|it| it.integer_value)
            .filter(|value| *value >= 0);
        let value = value.ok_or_else(|| invalid(format!("Resource {name} is missing or invalid.")))?;
        Ok::<_, ApiError>(i64::from(value))
    };
    let ports = |name: &str| {
        let set = resource(name).and_then(|it| it.string_set_value.as_ref());
        let parse = |text: &String| {
            text.parse::<u16>()
                .map_err(|_| invalid(format!("Resource {name} is missing or invalid.")))
        };
        set.into_iter()
            .flatten()
            .map(parse)
            .collect::<Result<BTreeSet<u16>, _>>()
    };
    Ok(Amount {
        cpu: number("CPU")?,
        memory: number("MEMORY")?,
        tcp: ports("PORTS")?,
        udp: ports("PORTS_UDP")?,
    })
}
