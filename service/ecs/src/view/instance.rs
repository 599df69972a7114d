//! How a container instance looks to a caller.

use std::collections::BTreeSet;

use aws_shape::ecs as shape;
use base_id::Scope;
use base_store::Snapshot;

use super::{instance_arn, tags};
use crate::lodging::House;
use crate::model::instance::{Amount, Instance};

pub(crate) fn instance(
    scope: &Scope,
    house: &House,
    snapshot: &Snapshot,
    include: &[shape::ContainerInstanceField],
) -> shape::ContainerInstance {
    let one = &house.instance;
    let (running, pending) = house.counts(snapshot);
    let with = |field: shape::ContainerInstanceField| include.contains(&field);
    shape::ContainerInstance {
        container_instance_arn: Some(instance_arn(scope, &one.cluster, &one.id)),
        ec2_instance_id: Some(one.ec2_instance.clone()),
        capacity_provider_name: one.capacity_provider.clone(),
        version: Some(one.version as i64),
        version_info: Some(shape::VersionInfo {
            agent_version: one.agent.version.clone(),
            agent_hash: one.agent.hash.clone(),
            docker_version: one.agent.docker.clone(),
        }),
        remaining_resources: Some(resources(&house.remaining())),
        registered_resources: Some(resources(&one.total)),
        status: Some(one.status().to_owned()),
        agent_connected: Some(one.connected),
        running_tasks_count: Some(running as i32),
        pending_tasks_count: Some(pending as i32),
        attributes: Some(attributes(one)),
        registered_at: Some(one.registered_at),
        attachments: Some(vec![]),
        tags: Some(if with(shape::ContainerInstanceField::Tags) {
            tags(&one.tags)
        } else {
            vec![]
        }),
        health_status: with(shape::ContainerInstanceField::ContainerInstanceHealth).then(|| health(one)),
        ..Default::default()
    }
}

fn attributes(one: &Instance) -> Vec<shape::Attribute> {
    let attribute = |(name, value): (&String, &Option<String>)| shape::Attribute {
        name: name.clone(),
        value: value.clone(),
        ..Default::default()
    };
    one.attributes.iter().map(attribute).collect()
}

/// The four kinds of resources that every instance has, in AWS's order and with its zeros.
fn resources(amount: &Amount) -> Vec<shape::Resource> {
    let resource = |name: &str, kind: &str, integer: i64, set: Option<Vec<String>>| shape::Resource {
        name: Some(name.to_owned()),
        type_: Some(kind.to_owned()),
        double_value: Some(0.0),
        long_value: Some(0),
        integer_value: Some(i32::try_from(integer).unwrap_or(i32::MAX)),
        string_set_value: set,
    };
    let ports = |ports: &BTreeSet<u16>| Some(ports.iter().map(u16::to_string).collect());
    vec![
        resource("CPU", "INTEGER", amount.cpu, None),
        resource("MEMORY", "INTEGER", amount.memory, None),
        resource("PORTS", "STRINGSET", 0, ports(&amount.tcp)),
        resource("PORTS_UDP", "STRINGSET", 0, ports(&amount.udp)),
    ]
}

/// The runtime works as long as the instance does: both are the data plane.
fn health(one: &Instance) -> shape::ContainerInstanceHealthStatus {
    let state = match one.connected {
        true => shape::InstanceHealthCheckState::Ok,
        false => shape::InstanceHealthCheckState::InsufficientData,
    };
    shape::ContainerInstanceHealthStatus {
        overall_status: Some(state.clone()),
        details: Some(vec![shape::InstanceHealthCheckResult {
            type_: Some(shape::InstanceHealthCheckType::ContainerRuntime),
            status: Some(state),
            ..Default::default()
        }]),
    }
}
