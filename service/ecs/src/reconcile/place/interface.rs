//! A task's place in the network.

use aws_protocol::{ApiError, Context};
use aws_shape::ec2;
use base_id::{Scope, uuid};
use contract::network::Interface;

use super::Failure;
use crate::Ecs;
use crate::model::task::{Attachment, Task};

/// How a task's interface describes itself, so that it is found again after a crash.
fn description(scope: &Scope, task: &Task) -> String {
    scope.arn("ecs", &format!("attachment/{}", task.id))
}

/// The interfaces that were made for a task: none, or one.
pub(in crate::reconcile) async fn interfaces(
    ecs: &Ecs,
    context: &Context,
    task: &Task,
) -> Result<Vec<ec2::NetworkInterface>, ApiError> {
    let wanted = description(&context.scope, task);
    let filter = ec2::Filter {
        name: Some("description".into()),
        values: Some(vec![wanted]),
    };
    let input = ec2::DescribeNetworkInterfacesRequest {
        filters: Some(vec![filter]),
        ..Default::default()
    };
    Ok(ecs
        .neighbours
        .ec2
        .describe_network_interfaces(context, input)
        .await?
        .network_interfaces
        .unwrap_or_default())
}

/// Where its interface may be: for a task on an instance, in that one's zone.
fn subnets(task: &Task) -> Vec<&String> {
    let network = &task.network;
    let Some(lodging) = task.lodging.as_ref().filter(|_| !network.zones.is_empty()) else {
        return network.subnets.iter().collect();
    };
    let pairs = network.subnets.iter().zip(&network.zones);
    pairs
        .filter(|(_, zone)| **zone == lodging.zone)
        .map(|(subnet, _)| subnet)
        .collect()
}

fn refused(error: ApiError) -> Failure {
    if error.is_internal() {
        return Failure::Later(error);
    }
    Failure::Never(format!(
        "ResourceInitializationError: unable to create a network interface: {}",
        error.message
    ))
}

pub(super) async fn attach(ecs: &Ecs, context: &Context, task: &Task) -> Result<Attachment, Failure> {
    let made = interfaces(ecs, context, task)
        .await
        .map_err(Failure::Later)?
        .into_iter()
        .next();
    let interface = match made {
        Some(made) => made,
        None => {
            // Tasks are spread over the subnets by their ids, which are random.
            let number = task
                .id
                .get(..8)
                .and_then(|head| u32::from_str_radix(head, 16).ok())
                .unwrap_or_default();
            let subnets = subnets(task);
            let subnet = subnets
                .get(number as usize % subnets.len().max(1))
                .map(|subnet| (*subnet).clone())
                .unwrap_or_default();
            let input = ec2::CreateNetworkInterfaceRequest {
                subnet_id: subnet,
                groups: Some(task.network.groups.clone()),
                description: Some(description(&context.scope, task)),
                ..Default::default()
            };
            let answer = ecs
                .neighbours
                .ec2
                .create_network_interface(context, input)
                .await
                .map_err(refused)?;
            answer.network_interface.unwrap_or_default()
        }
    };
    if task.network.public_ip && interface.association.is_none() {
        let input = ec2::ModifyNetworkInterfaceAttributeRequest {
            network_interface_id: interface.network_interface_id.clone().unwrap_or_default(),
            associate_public_ip_address: Some(true),
            ..Default::default()
        };
        ecs.neighbours
            .ec2
            .modify_network_interface_attribute(context, input)
            .await
            .map_err(refused)?;
    }
    let address = interface
        .private_ip_address
        .as_deref()
        .and_then(|text| text.parse().ok());
    let address =
        address.ok_or_else(|| Failure::Later(ApiError::internal("an interface came without an address")))?;
    let groups = interface
        .groups
        .into_iter()
        .flatten()
        .filter_map(|group| group.group_id)
        .collect();
    Ok(Attachment {
        // A UUID's shape, from the task's own id: one task, one attachment.
        id: uuid(&task.id),
        zone: interface.availability_zone.unwrap_or_default(),
        interface: Interface {
            id: interface.network_interface_id.unwrap_or_default(),
            network: interface.vpc_id.unwrap_or_default(),
            subnet: interface.subnet_id.unwrap_or_default(),
            address,
            mac: interface.mac_address.unwrap_or_default(),
            groups,
        },
    })
}
