//! The parameters of RunInstances, parsed: what is not served is refused by name.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use aws_shape::ec2::*;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::error::{Error, invalid, unsupported, with_code};
use crate::model::Tags;
use crate::model::instance::Shutdown;
use crate::model::launch::{DiskSpec, InterfaceSpec, MetadataSpec, ProfileSpec, Spec};

/// AWS's limit, before base64.
const USER_DATA_BYTES_MAX: usize = 16 * 1024;

/// Members that have an effect in AWS and none here.
macro_rules! refuse {
    ($input:ident: $($field:ident = $name:literal),* $(,)?) => {$(
        if $input.$field.is_some() {
            return Err(unsupported($name));
        }
    )*};
}
pub(super) use refuse;

/// What a RunInstances request says beside counts, token and template.
pub(super) fn parse(input: RunInstancesRequest) -> Result<Spec, Error> {
    refuse!(input: ipv6_address_count = "Ipv6AddressCount", ipv6_addresses = "Ipv6Address", kernel_id = "KernelId",
        ramdisk_id = "RamdiskId", elastic_gpu_specification = "ElasticGpuSpecification",
        elastic_inference_accelerators = "ElasticInferenceAccelerator",
        instance_market_options = "InstanceMarketOptions", cpu_options = "CpuOptions",
        license_specifications = "LicenseSpecification", enable_primary_ipv6 = "EnablePrimaryIpv6",
        network_performance_options = "NetworkPerformanceOptions", operator = "Operator",
        secondary_interfaces = "SecondaryInterface", additional_info = "AdditionalInfo");
    if input
        .hibernation_options
        .is_some_and(|it| it.configured == Some(true))
    {
        return Err(unsupported("HibernationOptions"));
    }
    if input.enclave_options.is_some_and(|it| it.enabled == Some(true)) {
        return Err(unsupported("EnclaveOptions"));
    }
    let ordinary = |it: &PrivateDnsNameOptionsRequest| {
        !matches!(it.hostname_type, Some(HostnameType::ResourceName))
            && it.enable_resource_name_dns_a_record != Some(true)
            && it.enable_resource_name_dns_aaaa_record != Some(true)
    };
    if !input.private_dns_name_options.as_ref().is_none_or(ordinary) {
        return Err(unsupported("PrivateDnsNameOptions"));
    }
    if let Some(asked) = input.capacity_reservation_specification {
        check_reservation(
            asked.capacity_reservation_preference,
            asked.capacity_reservation_target.is_some(),
        )?;
    }
    let recovers = |it: &InstanceMaintenanceOptionsRequest| {
        !matches!(it.auto_recovery, Some(InstanceAutoRecoveryState::Disabled))
    };
    if !input.maintenance_options.as_ref().is_none_or(recovers) {
        return Err(unsupported("MaintenanceOptions.AutoRecovery=disabled"));
    }
    let zone = input.placement.map(placement).transpose()?.flatten();
    let interfaces = input.network_interfaces.unwrap_or_default();
    let interface = only_one(interfaces)?.map(interface).transpose()?;
    if let Some(text) = &input.user_data {
        check_user_data(text)?;
    }
    let disks = input.block_device_mappings.into_iter().flatten();
    Ok(Spec {
        image: input.image_id,
        kind: input.instance_type.map(|kind| kind.as_str().to_owned()),
        key_name: input.key_name.filter(|name| !name.is_empty()),
        groups: input.security_group_ids.unwrap_or_default(),
        group_names: input.security_groups.unwrap_or_default(),
        subnet: input.subnet_id,
        address: input.private_ip_address.as_deref().map(address).transpose()?,
        interface,
        zone,
        user_data: input.user_data.filter(|text| !text.is_empty()),
        profile: input.iam_instance_profile.map(|it| ProfileSpec {
            arn: it.arn,
            name: it.name,
        }),
        tags: tags(
            input
                .tag_specifications
                .into_iter()
                .flatten()
                .map(|it| (it.resource_type, it.tags)),
        )?,
        metadata: input
            .metadata_options
            .map(metadata)
            .transpose()?
            .unwrap_or_default(),
        monitoring: input.monitoring.map(|it| it.enabled),
        disks: disks.map(disk).collect::<Result<_, _>>()?,
        shutdown: input
            .instance_initiated_shutdown_behavior
            .map(shutdown)
            .transpose()?,
        termination_protection: input.disable_api_termination,
        stop_protection: input.disable_api_stop,
        ebs_optimized: input.ebs_optimized,
        credits: input
            .credit_specification
            .map(|it| credits(it.cpu_credits))
            .transpose()?,
    })
}

pub(super) fn check_reservation(
    preference: Option<CapacityReservationPreference>,
    target: bool,
) -> Result<(), Error> {
    let reserved = matches!(
        preference,
        Some(CapacityReservationPreference::CapacityReservationsOnly)
    );
    if target || reserved {
        return Err(unsupported("CapacityReservationSpecification"));
    }
    Ok(())
}

/// The zone that is asked for.
fn placement(asked: Placement) -> Result<Option<String>, Error> {
    let asked = Placement {
        group_name: asked.group_name.filter(|name| !name.is_empty()),
        ..asked
    };
    refuse!(asked: availability_zone_id = "Placement.AvailabilityZoneId", affinity = "Placement.Affinity",
        group_name = "Placement.GroupName", partition_number = "Placement.PartitionNumber",
        host_id = "Placement.HostId", spread_domain = "Placement.SpreadDomain",
        host_resource_group_arn = "Placement.HostResourceGroupArn", group_id = "Placement.GroupId");
    if asked.tenancy.is_some_and(|it| it != Tenancy::Default) {
        return Err(unsupported("Placement.Tenancy"));
    }
    Ok(asked.availability_zone.filter(|zone| !zone.is_empty()))
}

pub(super) fn only_one<T>(interfaces: Vec<T>) -> Result<Option<T>, Error> {
    if interfaces.len() > 1 {
        return Err(unsupported("NetworkInterface (more than one)"));
    }
    Ok(interfaces.into_iter().next())
}

fn interface(asked: InstanceNetworkInterfaceSpecification) -> Result<InterfaceSpec, Error> {
    refuse!(asked: ipv6_address_count = "NetworkInterface.Ipv6AddressCount",
        ipv6_addresses = "NetworkInterface.Ipv6Addresses",
        network_interface_id = "NetworkInterface.NetworkInterfaceId",
        private_ip_addresses = "NetworkInterface.PrivateIpAddresses",
        secondary_private_ip_address_count = "NetworkInterface.SecondaryPrivateIpAddressCount",
        ipv4_prefixes = "NetworkInterface.Ipv4Prefixes", ipv4_prefix_count = "NetworkInterface.Ipv4PrefixCount",
        ipv6_prefixes = "NetworkInterface.Ipv6Prefixes", ipv6_prefix_count = "NetworkInterface.Ipv6PrefixCount",
        primary_ipv6 = "NetworkInterface.PrimaryIpv6",
        ena_srd_specification = "NetworkInterface.EnaSrdSpecification",
        connection_tracking_specification = "NetworkInterface.ConnectionTrackingSpecification",
        ena_queue_count = "NetworkInterface.EnaQueueCount");
    if asked.associate_carrier_ip_address == Some(true) {
        return Err(unsupported("NetworkInterface.AssociateCarrierIpAddress"));
    }
    check_interface(asked.interface_type.as_deref(), asked.network_card_index)?;
    Ok(InterfaceSpec {
        device_index: asked.device_index,
        subnet: asked.subnet_id,
        groups: asked.groups.unwrap_or_default(),
        address: asked.private_ip_address.as_deref().map(address).transpose()?,
        public: asked.associate_public_ip_address,
        delete_on_termination: asked.delete_on_termination,
        description: asked.description,
    })
}

pub(super) fn check_interface(kind: Option<&str>, card: Option<i32>) -> Result<(), Error> {
    if kind.is_some_and(|kind| kind != "interface") {
        return Err(unsupported("NetworkInterface.InterfaceType"));
    }
    if card.is_some_and(|card| card != 0) {
        return Err(unsupported("NetworkInterface.NetworkCardIndex"));
    }
    Ok(())
}

pub(super) fn address(text: &str) -> Result<Ipv4Addr, Error> {
    text.parse()
        .map_err(|_| invalid("address", text, "Invalid IPv4 address."))
}

pub(super) fn check_user_data(text: &str) -> Result<(), Error> {
    let bytes = STANDARD.decode(text).map_err(|_| {
        with_code(
            "InvalidUserData.Malformed",
            "Invalid BASE64 encoding of user data.",
        )
    })?;
    if bytes.len() > USER_DATA_BYTES_MAX {
        let message = format!("User data is limited to {USER_DATA_BYTES_MAX} bytes");
        return Err(with_code("InvalidParameterValue", message));
    }
    Ok(())
}

/// Which kinds of resources a launch makes.
const TAGGED: [ResourceType; 3] = [
    ResourceType::Instance,
    ResourceType::Volume,
    ResourceType::NetworkInterface,
];

/// Tags by the kind of resource they are for.
pub(super) fn tags(
    given: impl Iterator<Item = (Option<ResourceType>, Option<Vec<Tag>>)>,
) -> Result<BTreeMap<String, Tags>, Error> {
    let mut all = BTreeMap::<String, Tags>::new();
    for (kind, tags) in given {
        let kind = kind.unwrap_or_default();
        if !TAGGED.contains(&kind) {
            let message = format!(
                "'{}' is not a valid taggable resource type for this operation.",
                kind.as_str()
            );
            return Err(with_code("InvalidParameterValue", message));
        }
        let pairs = tags.into_iter().flatten();
        all.entry(kind.as_str().to_owned())
            .or_default()
            .extend(pairs.filter_map(|tag| Some((tag.key?, tag.value.unwrap_or_default()))));
    }
    Ok(all)
}

fn metadata(asked: InstanceMetadataOptionsRequest) -> Result<MetadataSpec, Error> {
    let word = |it: Option<&str>| it.map(str::to_owned);
    metadata_spec(
        word(asked.http_tokens.as_ref().map(HttpTokensState::as_str)),
        asked.http_put_response_hop_limit,
        word(
            asked
                .http_endpoint
                .as_ref()
                .map(InstanceMetadataEndpointState::as_str),
        ),
        word(
            asked
                .http_protocol_ipv6
                .as_ref()
                .map(InstanceMetadataProtocolState::as_str),
        ),
        word(
            asked
                .instance_metadata_tags
                .as_ref()
                .map(InstanceMetadataTagsState::as_str),
        ),
    )
}

/// The highest number of hops that an answer may take.
const HOP_LIMIT_MAX: i32 = 64;

pub(super) fn metadata_spec(
    tokens: Option<String>,
    hop_limit: Option<i32>,
    endpoint: Option<String>,
    ipv6: Option<String>,
    tags: Option<String>,
) -> Result<MetadataSpec, Error> {
    if ipv6.is_some_and(|it| it == "enabled") {
        return Err(unsupported("MetadataOptions.HttpProtocolIpv6"));
    }
    if let Some(limit) = hop_limit.filter(|limit| !(1..=HOP_LIMIT_MAX).contains(limit)) {
        let why = "The value must be between 1 and 64.";
        return Err(invalid("HttpPutResponseHopLimit", &limit.to_string(), why));
    }
    Ok(MetadataSpec {
        tokens: tokens
            .map(|it| one_of("HttpTokens", it, &["optional", "required"]))
            .transpose()?,
        hop_limit,
        endpoint: switch("HttpEndpoint", endpoint)?,
        tags: switch("InstanceMetadataTags", tags)?,
    })
}

fn switch(name: &str, value: Option<String>) -> Result<Option<bool>, Error> {
    let value = value
        .map(|it| one_of(name, it, &["enabled", "disabled"]))
        .transpose()?;
    Ok(value.map(|it| it == "enabled"))
}

fn one_of(name: &str, value: String, known: &[&str]) -> Result<String, Error> {
    if known.contains(&value.as_str()) {
        return Ok(value);
    }
    Err(invalid(
        name,
        &value,
        &format!("Valid values are: {}.", known.join(", ")),
    ))
}

pub(super) fn shutdown(asked: ShutdownBehavior) -> Result<Shutdown, Error> {
    match asked {
        ShutdownBehavior::Stop => Ok(Shutdown::Stop),
        ShutdownBehavior::Terminate => Ok(Shutdown::Terminate),
        ShutdownBehavior::Other(other) => {
            let why = "Valid values are: stop, terminate.";
            Err(invalid("instanceInitiatedShutdownBehavior", &other, why))
        }
    }
}

pub(super) fn credits(asked: String) -> Result<String, Error> {
    one_of(
        "CreditSpecification.CpuCredits",
        asked,
        &["standard", "unlimited"],
    )
}

fn disk(asked: BlockDeviceMapping) -> Result<DiskSpec, Error> {
    refuse!(asked: no_device = "BlockDeviceMapping.NoDevice", virtual_name = "BlockDeviceMapping.VirtualName");
    let ebs = asked.ebs.unwrap_or_default();
    refuse!(ebs: kms_key_id = "BlockDeviceMapping.Ebs.KmsKeyId", outpost_arn = "BlockDeviceMapping.Ebs.OutpostArn",
        volume_initialization_rate = "BlockDeviceMapping.Ebs.VolumeInitializationRate",
        ebs_card_index = "BlockDeviceMapping.Ebs.EbsCardIndex", snapshot_id = "BlockDeviceMapping.Ebs.SnapshotId",
        availability_zone = "BlockDeviceMapping.Ebs.AvailabilityZone",
        availability_zone_id = "BlockDeviceMapping.Ebs.AvailabilityZoneId");
    disk_spec(DiskSpec {
        device: asked.device_name,
        size_gib: ebs.volume_size,
        kind: ebs.volume_type.map(|kind| kind.as_str().to_owned()),
        iops: ebs.iops,
        throughput: ebs.throughput,
        encrypted: ebs.encrypted,
        delete_on_termination: ebs.delete_on_termination,
    })
}

/// The largest volume of general purpose.
const VOLUME_GIB_MAX: i32 = 16_384;

pub(super) fn disk_spec(disk: DiskSpec) -> Result<DiskSpec, Error> {
    if disk.encrypted == Some(true) {
        return Err(unsupported("BlockDeviceMapping.Ebs.Encrypted"));
    }
    // What is not deleted with its instance is a volume of its own, which does not exist here.
    if disk.delete_on_termination == Some(false) {
        return Err(unsupported("BlockDeviceMapping.Ebs.DeleteOnTermination=false"));
    }
    if let Some(size) = disk.size_gib.filter(|size| !(1..=VOLUME_GIB_MAX).contains(size)) {
        let message = format!("Volume of {size}GiB is not between 1GiB and {VOLUME_GIB_MAX}GiB");
        return Err(with_code("InvalidParameterValue", message));
    }
    Ok(disk)
}
