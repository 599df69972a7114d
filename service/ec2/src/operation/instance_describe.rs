//! DescribeInstances, and the shape in which instances are told.

use std::collections::BTreeMap;

use aws_protocol::Context;
use aws_shape::ec2::*;
use base_id::Scope;
use base_store::Snapshot;

use super::{tag, zone};
use crate::Ec2;
use crate::error::{Error, dry_run};
use crate::filter::{self, Facts};
use crate::model::instance::{self, State, public_name};
use crate::model::{self, image, instance_type};
use crate::table::{self, GROUPS, INTERFACES, OBSERVED_TASKS, VPCS, key};

pub(super) async fn describe_instances(
    ec2: &Ec2,
    context: &Context,
    input: DescribeInstancesRequest,
) -> Result<DescribeInstancesResult, Error> {
    dry_run(input.dry_run)?;
    if input.max_results.is_some() && input.instance_ids.as_ref().is_some_and(|ids| !ids.is_empty()) {
        let message = "The parameter instancesSet cannot be used with the parameter maxResults";
        return Err(crate::error::with_code("InvalidParameterCombination", message));
    }
    let scope = &context.scope;
    let snapshot = ec2.store.snapshot();
    let instances = table::instances(&snapshot, scope, input.instance_ids.as_deref())?;
    let mut found = Vec::new();
    for instance in &instances {
        if facts(&snapshot, scope, instance).match_all(input.filters.as_deref().unwrap_or_default())? {
            found.push(&**instance);
        }
    }
    // As in AWS the limit counts instances, not reservations.
    let (found, next_token) = filter::page(found, input.max_results, input.next_token.as_deref())?;
    let mut reservations = BTreeMap::<_, Vec<&instance::Instance>>::new();
    for one in found {
        let order = (one.created_at, &one.reservation);
        reservations.entry(order).or_default().push(one);
    }
    let reservations = reservations.into_values().map(|mut rows| {
        rows.sort_by_key(|one| one.launch_index);
        reservation(&snapshot, scope, &rows)
    });
    Ok(DescribeInstancesResult {
        reservations: Some(reservations.collect()),
        next_token,
    })
}

/// What is seen of it now.
pub(super) fn state(snapshot: &Snapshot, instance: &instance::Instance) -> State {
    let seen = instance
        .boot()
        .and_then(|boot| snapshot.get(OBSERVED_TASKS, boot));
    instance.state(seen.as_deref())
}

pub(super) fn state_shape(state: State) -> InstanceState {
    InstanceState {
        code: Some(state.code()),
        name: Some(state.as_str().into()),
    }
}

fn facts(snapshot: &Snapshot, scope: &Scope, one: &instance::Instance) -> Facts {
    let gone = one.is_terminated();
    let interface = interface(snapshot, scope, one);
    let groups = interface.as_ref().map(|it| it.groups.clone()).unwrap_or_default();
    let names = groups.iter().filter_map(|id| group_name(snapshot, scope, id));
    let names: Vec<String> = names.collect();
    let state = state(snapshot, one);
    let public = interface.as_deref().and_then(model::Interface::public_address);
    let public_dns = public.map(|it| public_name(it, &scope.region));
    let text = |it: &Option<String>| it.clone();
    let facts = Facts::new(&one.tags)
        .with("instance-id", &one.id)
        .with("instance-state-name", state.as_str())
        .with("instance-state-code", state.code())
        .with("instance-type", &one.kind)
        .with("image-id", &one.image)
        .with("architecture", instance_type::ARCHITECTURE)
        .with("availability-zone", &one.zone)
        .with("availability-zone-id", zone::id_of_name(&one.zone))
        .with("client-token", one.token.as_ref().map_or("", |it| &it.text))
        .with_all("key-name", one.key.as_ref().map(|it| it.name.clone()))
        .with("launch-index", one.launch_index)
        .with("launch-time", one.launched_at)
        .with(
            "monitoring-state",
            if one.monitoring { "enabled" } else { "disabled" },
        )
        .with("owner-id", &scope.account)
        .with("reservation-id", &one.reservation)
        .with_all("requester-id", None)
        .with("root-device-name", &one.volume.device)
        .with("root-device-type", "ebs")
        .with("tenancy", "default")
        .with("virtualization-type", "hvm")
        .with("hypervisor", "xen")
        .with("platform-details", "Linux/UNIX")
        .with_all("platform", None)
        .with_all("instance-lifecycle", None)
        .with_all("spot-instance-request-id", None)
        .with_all("placement-group-name", None)
        .with_all("product-code", None)
        .with_all("ip-address", public.map(|it| it.to_string()))
        .with_all("dns-name", public_dns.clone())
        .with_all(
            "iam-instance-profile.arn",
            one.profile.as_ref().map(|it| it.arn.clone()),
        )
        .with_all(
            "iam-instance-profile.id",
            one.profile.as_ref().map(|it| it.id.clone()),
        )
        .with_all(
            "iam-instance-profile.name",
            one.profile.as_ref().map(|it| it.name().to_owned()),
        )
        .with_all("state-reason-code", one.reason.as_ref().map(|it| it.code.clone()))
        .with_all("reason", one.reason.as_ref().map(|it| transition(one, it)))
        .with_all("group-id", groups.clone())
        .with_all("group-name", names.clone())
        .with_all("instance.group-id", groups.clone())
        .with_all("instance.group-name", names.clone());
    let there = |value: String| (!gone).then_some(value);
    let address = || there(one.address.to_string());
    facts
        .with_all("private-ip-address", address())
        .with_all("private-dns-name", there(one.private_name(&scope.region)))
        .with_all("subnet-id", there(one.subnet.clone()))
        .with_all("vpc-id", there(one.vpc.clone()))
        .with_all(
            "source-dest-check",
            interface.as_ref().map(|it| (!it.forwards).to_string()),
        )
        .with_all(
            "block-device-mapping.device-name",
            there(one.volume.device.clone()),
        )
        .with_all("block-device-mapping.volume-id", there(one.volume.id.clone()))
        .with_all("block-device-mapping.status", there("attached".into()))
        .with_all("block-device-mapping.delete-on-termination", there("true".into()))
        .with_all(
            "network-interface.network-interface-id",
            there(one.interface.clone()),
        )
        .with_all("network-interface.subnet-id", there(one.subnet.clone()))
        .with_all("network-interface.vpc-id", there(one.vpc.clone()))
        .with_all("network-interface.addresses.private-ip-address", address())
        .with_all("network-interface.private-ip-address", address())
        .with_all("network-interface.group-id", groups)
        .with_all("network-interface.group-name", names)
        .with_all("network-interface.attachment.instance-id", there(one.id.clone()))
        .with_all(
            "network-interface.mac-address",
            interface.as_ref().map(|it| it.mac.clone()),
        )
        .with_all("association.public-ip", public.map(|it| it.to_string()))
        .with_all(
            "network-interface.association.public-ip",
            public.map(|it| it.to_string()),
        )
        .with_all("network-interface.public-dns-name", text(&public_dns))
        .with("metadata-options.http-tokens", tokens(one))
        .with("metadata-options.http-endpoint", switch(one.metadata.endpoint))
        .with(
            "metadata-options.http-put-response-hop-limit",
            one.metadata.hop_limit,
        )
        .with(
            "metadata-options.instance-metadata-tags",
            switch(one.metadata.tags),
        )
}

fn interface(
    snapshot: &Snapshot,
    scope: &Scope,
    one: &instance::Instance,
) -> Option<std::sync::Arc<model::Interface>> {
    snapshot
        .get(INTERFACES, &key(scope, &one.interface))
        .filter(|_| !one.is_terminated())
}

fn group_name(snapshot: &Snapshot, scope: &Scope, id: &str) -> Option<String> {
    snapshot
        .get(GROUPS, &key(scope, id))
        .map(|group| group.name.clone())
}

fn tokens(one: &instance::Instance) -> &'static str {
    if one.metadata.tokens_required {
        "required"
    } else {
        "optional"
    }
}

pub(super) fn switch(on: bool) -> &'static str {
    if on { "enabled" } else { "disabled" }
}

pub(super) fn reservation(snapshot: &Snapshot, scope: &Scope, rows: &[&instance::Instance]) -> Reservation {
    Reservation {
        reservation_id: rows.first().map(|one| one.reservation.clone()),
        owner_id: Some(scope.account.clone()),
        requester_id: None,
        groups: Some(vec![]),
        instances: Some(rows.iter().map(|one| shape(snapshot, scope, one)).collect()),
    }
}

/// `User initiated (2026-01-01 00:00:00 GMT)`
fn transition(one: &instance::Instance, reason: &instance::Reason) -> String {
    let at = reason.at.strftime("%Y-%m-%d %H:%M:%S GMT");
    match one.reason.as_ref().map(|it| it.code.as_str()) {
        Some("Client.UserInitiatedShutdown") => format!("User initiated ({at})"),
        Some("Client.InstanceInitiatedShutdown") => format!("Instance initiated shutdown ({at})"),
        _ => format!("Server error ({at})"),
    }
}

pub(super) fn metadata_shape(one: &instance::Instance) -> InstanceMetadataOptionsResponse {
    InstanceMetadataOptionsResponse {
        state: Some(InstanceMetadataOptionsState::Applied),
        http_tokens: Some(tokens(one).into()),
        http_put_response_hop_limit: Some(one.metadata.hop_limit.into()),
        http_endpoint: Some(switch(one.metadata.endpoint).into()),
        http_protocol_ipv6: Some(InstanceMetadataProtocolState::Disabled),
        instance_metadata_tags: Some(switch(one.metadata.tags).into()),
    }
}

pub(super) fn profile_shape(profile: &instance::Profile) -> IamInstanceProfile {
    IamInstanceProfile {
        arn: Some(profile.arn.clone()),
        id: Some(profile.id.clone()),
    }
}

fn shape(snapshot: &Snapshot, scope: &Scope, one: &instance::Instance) -> Instance {
    let kind = instance_type::find(&one.kind);
    let image = image::find(&scope.region, &one.image);
    let reason = one.reason.as_ref();
    let told = Instance {
        instance_id: Some(one.id.clone()),
        image_id: Some(one.image.clone()),
        instance_type: Some(one.kind.as_str().into()),
        state: Some(state_shape(state(snapshot, one))),
        state_reason: reason.map(|it| StateReason {
            code: Some(it.code.clone()),
            message: Some(it.message.clone()),
        }),
        state_transition_reason: Some(reason.map_or_else(String::new, |it| transition(one, it))),
        key_name: one.key.as_ref().map(|it| it.name.clone()),
        ami_launch_index: Some(one.launch_index as i32),
        product_codes: Some(vec![]),
        launch_time: Some(one.launched_at),
        placement: Some(Placement {
            availability_zone: Some(one.zone.clone()),
            availability_zone_id: Some(zone::id_of_name(&one.zone)),
            group_name: Some(String::new()),
            tenancy: Some(Tenancy::Default),
            ..Default::default()
        }),
        monitoring: Some(Monitoring {
            state: Some(switch(one.monitoring).into()),
        }),
        architecture: Some(instance_type::ARCHITECTURE.into()),
        client_token: Some(one.token.as_ref().map_or_else(String::new, |it| it.text.clone())),
        ebs_optimized: Some(one.ebs_optimized),
        ena_support: Some(true),
        hypervisor: Some(HypervisorType::Xen),
        iam_instance_profile: one.profile.as_ref().map(profile_shape),
        root_device_name: Some(one.volume.device.clone()),
        root_device_type: Some(DeviceType::Ebs),
        tags: Some(tag::shape(&one.tags)),
        virtualization_type: Some(VirtualizationType::Hvm),
        cpu_options: kind.as_ref().map(|kind| CpuOptions {
            core_count: Some(kind.cores() as i32),
            threads_per_core: Some(kind.threads_per_core() as i32),
            ..Default::default()
        }),
        capacity_reservation_specification: Some(CapacityReservationSpecificationResponse {
            capacity_reservation_preference: Some(CapacityReservationPreference::Open),
            capacity_reservation_target: None,
        }),
        hibernation_options: Some(HibernationOptions {
            configured: Some(false),
        }),
        metadata_options: Some(metadata_shape(one)),
        enclave_options: Some(EnclaveOptions { enabled: Some(false) }),
        boot_mode: image.map(|image| image.boot_mode.into()),
        platform_details: Some("Linux/UNIX".into()),
        usage_operation: Some("RunInstances".into()),
        usage_operation_update_time: Some(one.created_at),
        maintenance_options: Some(InstanceMaintenanceOptions {
            auto_recovery: Some(InstanceAutoRecoveryState::Default),
            reboot_migration: None,
        }),
        ..Default::default()
    };
    match interface(snapshot, scope, one) {
        Some(interface) => placed(snapshot, scope, one, &interface, told),
        // What is terminated has neither network nor disk any more.
        None => Instance {
            private_dns_name: Some(String::new()),
            public_dns_name: Some(String::new()),
            block_device_mappings: Some(vec![]),
            network_interfaces: Some(vec![]),
            security_groups: Some(vec![]),
            ..told
        },
    }
}

/// With its place in the network, and its disk.
fn placed(
    snapshot: &Snapshot,
    scope: &Scope,
    one: &instance::Instance,
    interface: &model::Interface,
    told: Instance,
) -> Instance {
    let named = snapshot
        .get(VPCS, &key(scope, &one.vpc))
        .is_some_and(|vpc| vpc.dns_hostnames);
    let public = interface.public_address();
    let public_dns = public.filter(|_| named).map(|it| public_name(it, &scope.region));
    let groups = interface.groups.iter().map(|id| GroupIdentifier {
        group_id: Some(id.clone()),
        group_name: group_name(snapshot, scope, id),
    });
    let groups: Vec<_> = groups.collect();
    let association = public.map(|address| InstanceNetworkInterfaceAssociation {
        ip_owner_id: Some("amazon".into()),
        public_dns_name: Some(public_dns.clone().unwrap_or_default()),
        public_ip: Some(address.to_string()),
        ..Default::default()
    });
    Instance {
        private_dns_name: Some(one.private_name(&scope.region)),
        public_dns_name: Some(public_dns.unwrap_or_default()),
        subnet_id: Some(one.subnet.clone()),
        vpc_id: Some(one.vpc.clone()),
        private_ip_address: Some(one.address.to_string()),
        public_ip_address: public.map(|it| it.to_string()),
        source_dest_check: Some(!interface.forwards),
        security_groups: Some(groups.clone()),
        private_dns_name_options: Some(PrivateDnsNameOptionsResponse {
            hostname_type: Some(HostnameType::IpName),
            enable_resource_name_dns_a_record: Some(false),
            enable_resource_name_dns_aaaa_record: Some(false),
        }),
        block_device_mappings: Some(vec![InstanceBlockDeviceMapping {
            device_name: Some(one.volume.device.clone()),
            ebs: Some(EbsInstanceBlockDevice {
                attach_time: Some(one.created_at),
                delete_on_termination: Some(one.volume.delete_on_termination),
                status: Some(AttachmentStatus::Attached),
                volume_id: Some(one.volume.id.clone()),
                ..Default::default()
            }),
        }]),
        network_interfaces: Some(vec![interface_shape(scope, one, interface, groups, association)]),
        ..told
    }
}

fn interface_shape(
    scope: &Scope,
    one: &instance::Instance,
    interface: &model::Interface,
    groups: Vec<GroupIdentifier>,
    association: Option<InstanceNetworkInterfaceAssociation>,
) -> InstanceNetworkInterface {
    InstanceNetworkInterface {
        attachment: Some(InstanceNetworkInterfaceAttachment {
            attach_time: Some(one.created_at),
            attachment_id: super::interface::attachment_id(interface),
            delete_on_termination: Some(interface.delete_on_termination),
            device_index: Some(0),
            status: Some(AttachmentStatus::Attached),
            network_card_index: Some(0),
            ..Default::default()
        }),
        description: Some(interface.description.clone()),
        groups: Some(groups),
        ipv6_addresses: Some(vec![]),
        mac_address: Some(interface.mac.clone()),
        network_interface_id: Some(interface.id.clone()),
        owner_id: Some(scope.account.clone()),
        private_dns_name: Some(one.private_name(&scope.region)),
        private_ip_address: Some(one.address.to_string()),
        private_ip_addresses: Some(vec![InstancePrivateIpAddress {
            association: association.clone(),
            primary: Some(true),
            private_dns_name: Some(one.private_name(&scope.region)),
            private_ip_address: Some(one.address.to_string()),
        }]),
        association,
        source_dest_check: Some(!interface.forwards),
        status: Some(NetworkInterfaceStatus::InUse),
        subnet_id: Some(one.subnet.clone()),
        vpc_id: Some(one.vpc.clone()),
        interface_type: Some("interface".into()),
        ..Default::default()
    }
}
