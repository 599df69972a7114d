//! What of a network interface can be changed while it is in use.

use aws_protocol::Context;
use aws_shape::ec2::*;

use super::{group, interface, tag};
use crate::Ec2;
use crate::error::{Error, dry_run, interface_not_found, missing, unsupported, with_code};
use crate::table::{self, INTERFACES, key};

pub(super) async fn modify_network_interface_attribute(
    ec2: &Ec2,
    context: &Context,
    input: ModifyNetworkInterfaceAttributeRequest,
) -> Result<(), Error> {
    refuse_unserved(&input)?;
    let given = [
        input.description.is_some(),
        input.source_dest_check.is_some(),
        input.groups.is_some(),
        input.attachment.is_some(),
        input.associate_public_ip_address.is_some(),
    ];
    match given.into_iter().filter(|given| *given).count() {
        0 => return Err(missing("attribute")),
        1 => {}
        _ => {
            let message = "Fields for multiple attribute types specified";
            return Err(with_code("InvalidParameterCombination", message));
        }
    }
    let (scope, pool) = (context.scope.clone(), ec2.pool);
    let by_service = tag::is_service(context);
    ec2.store
        .write(move |tx| {
            let mut row = table::interface(tx, &scope, &input.network_interface_id)?;
            if row.is_nat() || (row.is_managed() && !by_service) {
                let message = "You do not have permission to access the specified resource.";
                return Err(with_code("AuthFailure", message));
            }
            if let Some(description) = input.description {
                row.description = description.value.unwrap_or_default();
            }
            if let Some(check) = input.source_dest_check.and_then(|check| check.value) {
                row.forwards = !check;
            }
            if input.groups.is_some() {
                row.groups = group::of_interface(tx, &scope, &row.vpc, input.groups)?;
            }
            if let Some(kept) = input.attachment.and_then(|changes| changes.delete_on_termination) {
                if row.instance.is_none() {
                    let message = format!("Interface {} is not attached to an instance.", row.id);
                    return Err(with_code("IncorrectState", message));
                }
                row.delete_on_termination = kept;
            }
            let own = row.public.as_ref().is_some_and(|public| public.elastic.is_none());
            match input.associate_public_ip_address {
                Some(true) => interface::give_public(tx, pool, &mut row)?,
                Some(false) if own => row.public = None,
                _ => {}
            }
            dry_run(input.dry_run)?;
            tx.put(INTERFACES, &key(&scope, &input.network_interface_id), row);
            Ok(())
        })
        .await
}

fn refuse_unserved(input: &ModifyNetworkInterfaceAttributeRequest) -> Result<(), Error> {
    for (given, name) in [
        (input.ena_srd_specification.is_some(), "EnaSrdSpecification"),
        (input.enable_primary_ipv6.is_some(), "EnablePrimaryIpv6"),
        (
            input.connection_tracking_specification.is_some(),
            "ConnectionTrackingSpecification",
        ),
        (input.associated_subnet_ids.is_some(), "AssociatedSubnetIds"),
    ] {
        if given {
            return Err(unsupported(name));
        }
    }
    Ok(())
}

pub(super) async fn describe_network_interface_attribute(
    ec2: &Ec2,
    context: &Context,
    input: DescribeNetworkInterfaceAttributeRequest,
) -> Result<DescribeNetworkInterfaceAttributeResult, Error> {
    dry_run(input.dry_run)?;
    let (snapshot, scope) = (ec2.store.snapshot(), &context.scope);
    let row = snapshot
        .get(INTERFACES, &key(scope, &input.network_interface_id))
        .ok_or_else(|| interface_not_found(&input.network_interface_id))?;
    let attribute = input.attribute.ok_or_else(|| missing("attribute"))?;
    let mut answer = DescribeNetworkInterfaceAttributeResult {
        network_interface_id: Some(input.network_interface_id),
        ..Default::default()
    };
    match attribute {
        NetworkInterfaceAttribute::Description => {
            answer.description = Some(AttributeValue {
                value: Some(row.description.clone()),
            });
        }
        NetworkInterfaceAttribute::GroupSet => {
            answer.groups = Some(interface::group_shapes(&row, scope, &snapshot));
        }
        NetworkInterfaceAttribute::SourceDestCheck => {
            let value = Some(!row.forwards);
            answer.source_dest_check = Some(AttributeBooleanValue { value });
        }
        NetworkInterfaceAttribute::Attachment => {
            answer.attachment = interface::attachment(&row, scope, &snapshot);
        }
        _ => {
            let own = row.public.as_ref().is_some_and(|public| public.elastic.is_none());
            answer.associate_public_ip_address = Some(own);
        }
    }
    Ok(answer)
}
