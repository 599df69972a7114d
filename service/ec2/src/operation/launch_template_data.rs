//! What a launch template's version says: the same as RunInstances, in types of its own.

use aws_shape::ec2::*;

use super::launch::{self, refuse};
use super::tag;
use crate::error::{Error, unsupported};
use crate::model::launch::{DiskSpec, InterfaceSpec, Spec};

/// Through RunInstances' own members, so that both are checked by one.
pub(super) fn parse(data: RequestLaunchTemplateData) -> Result<Spec, Error> {
    refuse!(data: elastic_gpu_specifications = "ElasticGpuSpecification",
        elastic_inference_accelerators = "ElasticInferenceAccelerator",
        instance_market_options = "InstanceMarketOptions", cpu_options = "CpuOptions",
        license_specifications = "LicenseSpecification", instance_requirements = "InstanceRequirements",
        network_performance_options = "NetworkPerformanceOptions", operator = "Operator",
        secondary_interfaces = "SecondaryInterface", kernel_id = "KernelId", ram_disk_id = "RamDiskId");
    if let Some(asked) = data.capacity_reservation_specification {
        launch::check_reservation(
            asked.capacity_reservation_preference,
            asked.capacity_reservation_target.is_some(),
        )?;
    }
    let ordinary = |it: &LaunchTemplatePrivateDnsNameOptionsRequest| {
        !matches!(it.hostname_type, Some(HostnameType::ResourceName))
            && it.enable_resource_name_dns_a_record != Some(true)
            && it.enable_resource_name_dns_aaaa_record != Some(true)
    };
    if !data.private_dns_name_options.as_ref().is_none_or(ordinary) {
        return Err(unsupported("PrivateDnsNameOptions"));
    }
    let interfaces = data.network_interfaces.unwrap_or_default();
    let interfaces = interfaces
        .into_iter()
        .map(interface)
        .collect::<Result<Vec<_>, _>>()?;
    let disks = data.block_device_mappings.into_iter().flatten().map(disk);
    let tags = data.tag_specifications.into_iter().flatten();
    let request = RunInstancesRequest {
        block_device_mappings: Some(disks.collect::<Result<Vec<_>, _>>()?),
        image_id: data.image_id,
        instance_type: data.instance_type,
        key_name: data.key_name,
        monitoring: data.monitoring.map(|it| RunInstancesMonitoringEnabled {
            enabled: it.enabled.unwrap_or(false),
        }),
        placement: data.placement.map(placement).transpose()?,
        security_group_ids: data.security_group_ids,
        security_groups: data.security_groups,
        user_data: data.user_data,
        tag_specifications: Some(
            tags.map(|it| TagSpecification {
                resource_type: it.resource_type,
                tags: it.tags,
            })
            .collect(),
        ),
        credit_specification: data.credit_specification,
        hibernation_options: data.hibernation_options.map(|it| HibernationOptionsRequest {
            configured: it.configured,
        }),
        enclave_options: data
            .enclave_options
            .map(|it| EnclaveOptionsRequest { enabled: it.enabled }),
        metadata_options: data.metadata_options.map(metadata),
        maintenance_options: data
            .maintenance_options
            .map(|it| InstanceMaintenanceOptionsRequest {
                auto_recovery: it.auto_recovery.map(|it| it.as_str().into()),
            }),
        disable_api_stop: data.disable_api_stop,
        disable_api_termination: data.disable_api_termination,
        instance_initiated_shutdown_behavior: data.instance_initiated_shutdown_behavior,
        network_interfaces: Some(interfaces),
        iam_instance_profile: data
            .iam_instance_profile
            .map(|it| IamInstanceProfileSpecification {
                arn: it.arn,
                name: it.name,
            }),
        ebs_optimized: data.ebs_optimized,
        ..Default::default()
    };
    let spec = launch::parse(request)?;
    spec.tags.values().try_for_each(tag::check)?;
    Ok(spec)
}

fn placement(asked: LaunchTemplatePlacementRequest) -> Result<Placement, Error> {
    Ok(Placement {
        availability_zone: asked.availability_zone,
        availability_zone_id: asked.availability_zone_id,
        affinity: asked.affinity,
        group_name: asked.group_name,
        host_id: asked.host_id,
        tenancy: asked.tenancy,
        spread_domain: asked.spread_domain,
        host_resource_group_arn: asked.host_resource_group_arn,
        partition_number: asked.partition_number,
        group_id: asked.group_id,
    })
}

fn metadata(asked: LaunchTemplateInstanceMetadataOptionsRequest) -> InstanceMetadataOptionsRequest {
    InstanceMetadataOptionsRequest {
        http_tokens: asked.http_tokens.map(|it| it.as_str().into()),
        http_put_response_hop_limit: asked.http_put_response_hop_limit,
        http_endpoint: asked.http_endpoint.map(|it| it.as_str().into()),
        http_protocol_ipv6: asked.http_protocol_ipv6.map(|it| it.as_str().into()),
        instance_metadata_tags: asked.instance_metadata_tags.map(|it| it.as_str().into()),
    }
}

fn interface(
    asked: LaunchTemplateInstanceNetworkInterfaceSpecificationRequest,
) -> Result<InstanceNetworkInterfaceSpecification, Error> {
    refuse!(asked: ipv6_address_count = "NetworkInterface.Ipv6AddressCount",
        ipv6_addresses = "NetworkInterface.Ipv6Addresses", ipv4_prefixes = "NetworkInterface.Ipv4Prefixes",
        ipv4_prefix_count = "NetworkInterface.Ipv4PrefixCount", ipv6_prefixes = "NetworkInterface.Ipv6Prefixes",
        ipv6_prefix_count = "NetworkInterface.Ipv6PrefixCount", primary_ipv6 = "NetworkInterface.PrimaryIpv6",
        ena_srd_specification = "NetworkInterface.EnaSrdSpecification",
        connection_tracking_specification = "NetworkInterface.ConnectionTrackingSpecification",
        ena_queue_count = "NetworkInterface.EnaQueueCount");
    Ok(InstanceNetworkInterfaceSpecification {
        associate_public_ip_address: asked.associate_public_ip_address,
        associate_carrier_ip_address: asked.associate_carrier_ip_address,
        delete_on_termination: asked.delete_on_termination,
        description: asked.description,
        device_index: asked.device_index,
        groups: asked.groups,
        interface_type: asked.interface_type,
        network_interface_id: asked.network_interface_id,
        private_ip_address: asked.private_ip_address,
        private_ip_addresses: asked.private_ip_addresses,
        secondary_private_ip_address_count: asked.secondary_private_ip_address_count,
        subnet_id: asked.subnet_id,
        network_card_index: asked.network_card_index,
        ..Default::default()
    })
}

fn disk(asked: LaunchTemplateBlockDeviceMappingRequest) -> Result<BlockDeviceMapping, Error> {
    let ebs = asked.ebs.unwrap_or_default();
    Ok(BlockDeviceMapping {
        device_name: asked.device_name,
        virtual_name: asked.virtual_name,
        no_device: asked.no_device,
        ebs: Some(EbsBlockDevice {
            delete_on_termination: ebs.delete_on_termination,
            iops: ebs.iops,
            snapshot_id: ebs.snapshot_id,
            volume_size: ebs.volume_size,
            volume_type: ebs.volume_type,
            kms_key_id: ebs.kms_key_id,
            throughput: ebs.throughput,
            encrypted: ebs.encrypted,
            volume_initialization_rate: ebs.volume_initialization_rate,
            ebs_card_index: ebs.ebs_card_index,
            ..Default::default()
        }),
    })
}

/// As it was said, and no more: clients compare it with what they wrote.
pub(super) fn shape(spec: &Spec) -> ResponseLaunchTemplateData {
    let list = |values: &Vec<String>| (!values.is_empty()).then(|| values.clone());
    let switch = |on: bool| if on { "enabled" } else { "disabled" };
    let metadata = &spec.metadata;
    let tags = spec
        .tags
        .iter()
        .map(|(kind, tags)| LaunchTemplateTagSpecification {
            resource_type: Some(kind.as_str().into()),
            tags: Some(tag::shape(tags)),
        });
    ResponseLaunchTemplateData {
        ebs_optimized: spec.ebs_optimized,
        iam_instance_profile: spec
            .profile
            .as_ref()
            .map(|it| LaunchTemplateIamInstanceProfileSpecification {
                arn: it.arn.clone(),
                name: it.name.clone(),
            }),
        block_device_mappings: (!spec.disks.is_empty()).then(|| spec.disks.iter().map(disk_shape).collect()),
        network_interfaces: spec.interface.as_ref().map(|it| vec![interface_shape(it)]),
        image_id: spec.image.clone(),
        instance_type: spec.kind.as_deref().map(Into::into),
        key_name: spec.key_name.clone(),
        monitoring: spec.monitoring.map(|enabled| LaunchTemplatesMonitoring {
            enabled: Some(enabled),
        }),
        placement: spec.zone.as_ref().map(|zone| LaunchTemplatePlacement {
            availability_zone: Some(zone.clone()),
            ..Default::default()
        }),
        disable_api_termination: spec.termination_protection,
        disable_api_stop: spec.stop_protection,
        instance_initiated_shutdown_behavior: spec.shutdown.map(|it| it.as_str().into()),
        user_data: spec.user_data.clone(),
        tag_specifications: (!spec.tags.is_empty()).then(|| tags.collect()),
        security_group_ids: list(&spec.groups),
        security_groups: list(&spec.group_names),
        credit_specification: spec.credits.as_ref().map(|it| CreditSpecification {
            cpu_credits: Some(it.clone()),
        }),
        metadata_options: (*metadata != Default::default()).then(|| LaunchTemplateInstanceMetadataOptions {
            state: None,
            http_tokens: metadata.tokens.as_deref().map(Into::into),
            http_put_response_hop_limit: metadata.hop_limit,
            http_endpoint: metadata.endpoint.map(|it| switch(it).into()),
            http_protocol_ipv6: None,
            instance_metadata_tags: metadata.tags.map(|it| switch(it).into()),
        }),
        ..Default::default()
    }
}

fn disk_shape(disk: &DiskSpec) -> LaunchTemplateBlockDeviceMapping {
    LaunchTemplateBlockDeviceMapping {
        device_name: disk.device.clone(),
        ebs: Some(LaunchTemplateEbsBlockDevice {
            encrypted: disk.encrypted,
            delete_on_termination: disk.delete_on_termination,
            iops: disk.iops,
            volume_size: disk.size_gib,
            volume_type: disk.kind.as_deref().map(Into::into),
            throughput: disk.throughput,
            ..Default::default()
        }),
        ..Default::default()
    }
}

fn interface_shape(interface: &InterfaceSpec) -> LaunchTemplateInstanceNetworkInterfaceSpecification {
    LaunchTemplateInstanceNetworkInterfaceSpecification {
        associate_public_ip_address: interface.public,
        delete_on_termination: interface.delete_on_termination,
        description: interface.description.clone(),
        device_index: interface.device_index,
        groups: (!interface.groups.is_empty()).then(|| interface.groups.clone()),
        private_ip_address: interface.address.map(|it| it.to_string()),
        subnet_id: interface.subnet.clone(),
        ..Default::default()
    }
}
