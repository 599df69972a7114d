//! What of an instance can be changed, and asked for one by one.

use aws_protocol::Context;
use aws_shape::ec2::*;
use base_id::Scope;
use base_store::Transaction;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::launch::{self, refuse};
use super::{group, instance_describe};
use crate::Ec2;
use crate::error::{Error, dry_run, invalid, unsupported, with_code};
use crate::filter::{self, Facts};
use crate::model::instance::{self, Life};
use crate::model::{Tags, instance_type};
use crate::table::{self, INSTANCES, INTERFACES, key};

fn one(tx: &Transaction, scope: &Scope, id: &str) -> Result<instance::Instance, Error> {
    let found = table::instances(&tx.snapshot(), scope, Some(&[id.to_owned()]))?;
    let found = found.into_iter().find(|one| !one.is_terminated());
    found
        .map(|one| instance::Instance::clone(&one))
        .ok_or_else(|| crate::error::not_found("Instance", "instance", id))
}

pub(super) async fn describe_instance_attribute(
    ec2: &Ec2,
    context: &Context,
    input: DescribeInstanceAttributeRequest,
) -> Result<InstanceAttribute, Error> {
    dry_run(input.dry_run)?;
    let (snapshot, scope) = (ec2.store.snapshot(), &context.scope);
    let found = table::instances(&snapshot, scope, Some(std::slice::from_ref(&input.instance_id)))?;
    let one = &found[0];
    let flag = |value| Some(AttributeBooleanValue { value: Some(value) });
    let text = |value: &str| {
        Some(AttributeValue {
            value: Some(value.to_owned()),
        })
    };
    let mut answer = InstanceAttribute {
        instance_id: Some(one.id.clone()),
        ..Default::default()
    };
    match input.attribute {
        InstanceAttributeName::DisableApiTermination => {
            answer.disable_api_termination = flag(one.termination_protection);
        }
        InstanceAttributeName::DisableApiStop => answer.disable_api_stop = flag(one.stop_protection),
        InstanceAttributeName::EbsOptimized => answer.ebs_optimized = flag(one.ebs_optimized),
        InstanceAttributeName::EnaSupport => answer.ena_support = flag(true),
        InstanceAttributeName::SourceDestCheck => {
            let interface = snapshot.get(INTERFACES, &key(scope, &one.interface));
            answer.source_dest_check = flag(interface.is_none_or(|it| !it.forwards));
        }
        InstanceAttributeName::EnclaveOptions => {
            answer.enclave_options = Some(EnclaveOptions { enabled: Some(false) });
        }
        InstanceAttributeName::InstanceInitiatedShutdownBehavior => {
            answer.instance_initiated_shutdown_behavior = text(one.shutdown.as_str());
        }
        InstanceAttributeName::InstanceType => answer.instance_type = text(&one.kind),
        InstanceAttributeName::RootDeviceName => answer.root_device_name = text(&one.volume.device),
        InstanceAttributeName::UserData => {
            let value = one.user_data.clone();
            answer.user_data = Some(AttributeValue { value });
        }
        InstanceAttributeName::ProductCodes => answer.product_codes = Some(vec![]),
        InstanceAttributeName::Kernel => answer.kernel_id = Some(AttributeValue::default()),
        InstanceAttributeName::Ramdisk => answer.ramdisk_id = Some(AttributeValue::default()),
        InstanceAttributeName::SriovNetSupport => answer.sriov_net_support = text("simple"),
        InstanceAttributeName::BlockDeviceMapping | InstanceAttributeName::GroupSet => {
            let told = instance_describe::reservation(&snapshot, scope, &[one]).instances;
            let told = told.into_iter().flatten().next().unwrap_or_default();
            if input.attribute == InstanceAttributeName::GroupSet {
                answer.groups = told.security_groups;
            } else {
                answer.block_device_mappings = told.block_device_mappings;
            }
        }
        InstanceAttributeName::Other(other) => {
            return Err(invalid("attribute", &other, "Unknown attribute."));
        }
    }
    Ok(answer)
}

/// The older form, an attribute's name and its value as text, as the newer one.
fn spread(mut input: ModifyInstanceAttributeRequest) -> Result<ModifyInstanceAttributeRequest, Error> {
    let (attribute, value) = (input.attribute.take(), input.value.take());
    let Some(attribute) = attribute else {
        return Ok(input);
    };
    let flag = |value: &Option<String>| {
        let text = value.as_deref().unwrap_or_default();
        let parsed = text
            .parse()
            .map_err(|_| invalid("value", text, "It must be true or false."))?;
        Ok::<_, Error>(Some(AttributeBooleanValue { value: Some(parsed) }))
    };
    match attribute {
        InstanceAttributeName::DisableApiTermination => input.disable_api_termination = flag(&value)?,
        InstanceAttributeName::DisableApiStop => input.disable_api_stop = flag(&value)?,
        InstanceAttributeName::SourceDestCheck => input.source_dest_check = flag(&value)?,
        InstanceAttributeName::EbsOptimized => input.ebs_optimized = flag(&value)?,
        InstanceAttributeName::InstanceType => input.instance_type = Some(AttributeValue { value }),
        InstanceAttributeName::InstanceInitiatedShutdownBehavior => {
            input.instance_initiated_shutdown_behavior = Some(AttributeValue { value });
        }
        InstanceAttributeName::UserData => {
            let text = value.unwrap_or_default();
            launch::check_user_data(&text)?;
            let value = STANDARD.decode(&text).ok();
            input.user_data = Some(BlobAttributeValue { value });
        }
        other => return Err(unsupported(&format!("Attribute {}", other.as_str()))),
    }
    Ok(input)
}

pub(super) async fn modify_instance_attribute(
    ec2: &Ec2,
    context: &Context,
    input: ModifyInstanceAttributeRequest,
) -> Result<(), Error> {
    let input = spread(input)?;
    refuse!(input: block_device_mappings = "BlockDeviceMapping", kernel = "Kernel", ramdisk = "Ramdisk",
        sriov_net_support = "SriovNetSupport", ena_support = "EnaSupport");
    let scope = context.scope.clone();
    ec2.store
        .write(move |tx| {
            let mut instance = one(tx, &scope, &input.instance_id)?;
            let set = |target: &mut bool, value: &Option<AttributeBooleanValue>| {
                if let Some(value) = value.as_ref().and_then(|value| value.value) {
                    *target = value;
                }
            };
            set(
                &mut instance.termination_protection,
                &input.disable_api_termination,
            );
            set(&mut instance.stop_protection, &input.disable_api_stop);
            if let Some(check) = input.source_dest_check.and_then(|it| it.value) {
                edit_interface(tx, &scope, &instance, |interface| interface.forwards = !check)?;
            }
            if let Some(value) = input.instance_initiated_shutdown_behavior.and_then(|it| it.value) {
                instance.shutdown = launch::shutdown(value.as_str().into())?;
            }
            if let Some(ids) = input.groups {
                let groups = group::of_interface(tx, &scope, &instance.vpc, Some(ids))?;
                edit_interface(tx, &scope, &instance, |interface| interface.groups = groups)?;
            }
            let at_rest =
                input.instance_type.is_some() || input.user_data.is_some() || input.ebs_optimized.is_some();
            if at_rest && !matches!(instance.life, Life::Stopped { .. }) {
                let message = format!("The instance '{}' is not in the 'stopped' state.", instance.id);
                return Err(with_code("IncorrectInstanceState", message));
            }
            set(&mut instance.ebs_optimized, &input.ebs_optimized);
            if let Some(name) = input.instance_type.and_then(|it| it.value) {
                change_type(&mut instance, &name)?;
            }
            if let Some(bytes) = input.user_data.and_then(|it| it.value) {
                let text = STANDARD.encode(bytes);
                launch::check_user_data(&text)?;
                instance.user_data = Some(text).filter(|text| !text.is_empty());
            }
            dry_run(input.dry_run)?;
            tx.put(INSTANCES, &key(&scope, &instance.id), instance.clone());
            Ok(())
        })
        .await
}

fn change_type(instance: &mut instance::Instance, name: &str) -> Result<(), Error> {
    let kind = instance_type::find(name).ok_or_else(|| {
        with_code(
            "InvalidInstanceAttributeValue",
            format!("Invalid value '{name}' for InstanceType."),
        )
    })?;
    instance.credits = kind.family.burstable.then(|| {
        let usual = if kind.family.name == "t2" {
            "standard"
        } else {
            "unlimited"
        };
        instance.credits.clone().unwrap_or_else(|| usual.to_owned())
    });
    instance.kind = kind.name;
    Ok(())
}

/// Of the network, an instance has what its primary interface has.
fn edit_interface(
    tx: &mut Transaction,
    scope: &Scope,
    instance: &instance::Instance,
    edit: impl FnOnce(&mut crate::model::Interface),
) -> Result<(), Error> {
    let mut interface = table::interface(tx, scope, &instance.interface)?;
    edit(&mut interface);
    tx.put(INTERFACES, &key(scope, &instance.interface), interface);
    Ok(())
}

pub(super) async fn modify_instance_metadata_options(
    ec2: &Ec2,
    context: &Context,
    input: ModifyInstanceMetadataOptionsRequest,
) -> Result<ModifyInstanceMetadataOptionsResult, Error> {
    let word = |it: Option<&str>| it.map(str::to_owned);
    let asked = launch::metadata_spec(
        word(input.http_tokens.as_ref().map(HttpTokensState::as_str)),
        input.http_put_response_hop_limit,
        word(
            input
                .http_endpoint
                .as_ref()
                .map(InstanceMetadataEndpointState::as_str),
        ),
        word(
            input
                .http_protocol_ipv6
                .as_ref()
                .map(InstanceMetadataProtocolState::as_str),
        ),
        word(
            input
                .instance_metadata_tags
                .as_ref()
                .map(InstanceMetadataTagsState::as_str),
        ),
    )?;
    let scope = context.scope.clone();
    ec2.store
        .write(move |tx| {
            let mut instance = one(tx, &scope, &input.instance_id)?;
            let options = &mut instance.metadata;
            options.tokens_required = asked
                .tokens
                .map_or(options.tokens_required, |it| it == "required");
            options.hop_limit = asked.hop_limit.map_or(options.hop_limit, |it| it as u8);
            options.endpoint = asked.endpoint.unwrap_or(options.endpoint);
            options.tags = asked.tags.unwrap_or(options.tags);
            dry_run(input.dry_run)?;
            tx.put(INSTANCES, &key(&scope, &instance.id), instance.clone());
            let told = InstanceMetadataOptionsResponse {
                state: Some(InstanceMetadataOptionsState::Pending),
                ..instance_describe::metadata_shape(&instance)
            };
            Ok::<_, Error>(ModifyInstanceMetadataOptionsResult {
                instance_id: Some(instance.id),
                instance_metadata_options: Some(told),
            })
        })
        .await
}

pub(super) async fn describe_instance_credit_specifications(
    ec2: &Ec2,
    context: &Context,
    input: DescribeInstanceCreditSpecificationsRequest,
) -> Result<DescribeInstanceCreditSpecificationsResult, Error> {
    dry_run(input.dry_run)?;
    let snapshot = ec2.store.snapshot();
    let ids = input.instance_ids.as_deref().filter(|ids| !ids.is_empty());
    let mut found = Vec::new();
    for one in table::instances(&snapshot, &context.scope, ids)? {
        let facts = Facts::new(&Tags::new()).with("instance-id", &one.id);
        // Without ids only those are told that differ from what is usual for their type.
        let told = ids.is_some() || one.credits.as_deref() == Some("unlimited");
        if let Some(credits) = one.credits.as_ref().filter(|_| told)
            && facts.match_all(input.filters.as_deref().unwrap_or_default())?
        {
            found.push(InstanceCreditSpecification {
                instance_id: Some(one.id.clone()),
                cpu_credits: Some(credits.clone()),
            });
        }
    }
    let (found, next_token) = filter::page(found, input.max_results, input.next_token.as_deref())?;
    Ok(DescribeInstanceCreditSpecificationsResult {
        instance_credit_specifications: Some(found),
        next_token,
    })
}
