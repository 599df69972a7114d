//! Instance types, and where they are offered: everywhere.

use aws_protocol::Context;
use aws_shape::ec2::*;

use super::zone;
use crate::Ec2;
use crate::error::{Error, dry_run, with_code};
use crate::filter::{self, Facts};
use crate::model::Tags;
use crate::model::instance_type::{self, InstanceType as Kind};

pub(super) async fn describe_instance_types(
    _: &Ec2,
    _: &Context,
    input: DescribeInstanceTypesRequest,
) -> Result<DescribeInstanceTypesResult, Error> {
    dry_run(input.dry_run)?;
    let wanted: Vec<&str> = input
        .instance_types
        .iter()
        .flatten()
        .map(InstanceType::as_str)
        .collect();
    let unknown: Vec<&str> = wanted
        .iter()
        .copied()
        .filter(|name| instance_type::find(name).is_none())
        .collect();
    if !unknown.is_empty() {
        let message = format!(
            "The following supplied instance types do not exist: [{}]",
            unknown.join(", ")
        );
        return Err(with_code("InvalidInstanceType", message));
    }
    let mut found = Vec::new();
    for kind in instance_type::all() {
        let named = wanted.is_empty() || wanted.contains(&kind.name.as_str());
        if named && facts(&kind).match_all(input.filters.as_deref().unwrap_or_default())? {
            found.push(shape(&kind));
        }
    }
    let (found, next_token) = filter::page(found, input.max_results, input.next_token.as_deref())?;
    Ok(DescribeInstanceTypesResult {
        instance_types: Some(found),
        next_token,
    })
}

fn facts(kind: &Kind) -> Facts {
    Facts::new(&Tags::new())
        .with("instance-type", &kind.name)
        .with("current-generation", kind.family.current)
        .with("bare-metal", false)
        .with("burstable-performance-supported", kind.family.burstable)
        .with("hypervisor", kind.family.hypervisor)
        .with("memory-info.size-in-mib", kind.memory_mib)
        .with("vcpu-info.default-vcpus", kind.vcpus)
        .with("vcpu-info.default-cores", kind.cores())
        .with("vcpu-info.default-threads-per-core", kind.threads_per_core())
        .with("processor-info.supported-architecture", kind.family.architecture)
        .with(
            "processor-info.sustained-clock-speed-in-ghz",
            kind.family.clock_ghz,
        )
        .with("network-info.maximum-network-interfaces", kind.interfaces_max)
        .with(
            "network-info.ipv4-addresses-per-interface",
            kind.addresses_per_interface,
        )
        .with("network-info.network-performance", kind.family.network)
        .with("network-info.ena-support", "required")
        .with("network-info.ipv6-supported", true)
        .with("instance-storage-supported", false)
        .with("supported-root-device-type", "ebs")
        .with("supported-usage-class", "on-demand")
        .with("supported-virtualization-type", "hvm")
        .with("supported-boot-mode", "legacy-bios")
        .with("supported-boot-mode", "uefi")
        .with("free-tier-eligible", is_free(kind))
        .with("dedicated-hosts-supported", false)
        .with("hibernation-supported", false)
        .with("auto-recovery-supported", true)
        .with("ebs-info.ebs-optimized-support", "default")
        .with("ebs-info.encryption-support", "supported")
        .with("nitro-enclaves-support", "unsupported")
}

fn is_free(kind: &Kind) -> bool {
    matches!(kind.name.as_str(), "t2.micro" | "t3.micro" | "t4g.micro")
}

fn shape(kind: &Kind) -> InstanceTypeInfo {
    let family = kind.family;
    InstanceTypeInfo {
        instance_type: Some(kind.name.as_str().into()),
        current_generation: Some(family.current),
        free_tier_eligible: Some(is_free(kind)),
        supported_usage_classes: Some(vec![UsageClassType::OnDemand]),
        supported_root_device_types: Some(vec![RootDeviceType::Ebs]),
        supported_virtualization_types: Some(vec![VirtualizationType::Hvm]),
        bare_metal: Some(false),
        hypervisor: Some(family.hypervisor.into()),
        processor_info: Some(ProcessorInfo {
            supported_architectures: Some(vec![family.architecture.into()]),
            sustained_clock_speed_in_ghz: Some(family.clock_ghz),
            supported_features: None,
            manufacturer: Some(family.manufacturer.to_owned()),
        }),
        v_cpu_info: Some(VCpuInfo {
            default_v_cpus: Some(kind.vcpus as i32),
            default_cores: Some(kind.cores() as i32),
            default_threads_per_core: Some(kind.threads_per_core() as i32),
            valid_cores: None,
            valid_threads_per_core: None,
        }),
        memory_info: Some(MemoryInfo {
            size_in_mi_b: Some(kind.memory_mib.into()),
        }),
        instance_storage_supported: Some(false),
        ebs_info: Some(EbsInfo {
            ebs_optimized_support: Some(EbsOptimizedSupport::Default),
            encryption_support: Some(EbsEncryptionSupport::Supported),
            ..Default::default()
        }),
        network_info: Some(NetworkInfo {
            network_performance: Some(family.network.to_owned()),
            maximum_network_interfaces: Some(kind.interfaces_max as i32),
            maximum_network_cards: Some(1),
            default_network_card_index: Some(0),
            ipv4_addresses_per_interface: Some(kind.addresses_per_interface as i32),
            ipv6_addresses_per_interface: Some(kind.addresses_per_interface as i32),
            ipv6_supported: Some(true),
            ena_support: Some(EnaSupport::Required),
            efa_supported: Some(false),
            ..Default::default()
        }),
        placement_group_info: Some(PlacementGroupInfo {
            supported_strategies: Some(vec![]),
        }),
        hibernation_supported: Some(false),
        burstable_performance_supported: Some(family.burstable),
        dedicated_hosts_supported: Some(false),
        auto_recovery_supported: Some(true),
        supported_boot_modes: Some(vec![BootModeType::LegacyBios, BootModeType::Uefi]),
        nitro_enclaves_support: Some(NitroEnclavesSupport::Unsupported),
        nitro_tpm_support: Some(NitroTpmSupport::Unsupported),
        ..Default::default()
    }
}

pub(super) async fn describe_instance_type_offerings(
    _: &Ec2,
    context: &Context,
    input: DescribeInstanceTypeOfferingsRequest,
) -> Result<DescribeInstanceTypeOfferingsResult, Error> {
    dry_run(input.dry_run)?;
    let region = &context.scope.region;
    let kind = input.location_type.unwrap_or(LocationType::Region);
    let zones = zone::names(region);
    let locations = match kind {
        LocationType::Region => vec![region.clone()],
        LocationType::AvailabilityZone => zones,
        LocationType::AvailabilityZoneId => zones.iter().map(|name| zone::id_of_name(name)).collect(),
        ref other => {
            let message = format!(
                "Value ({}) for parameter locationType is invalid.",
                other.as_str()
            );
            return Err(with_code("InvalidParameterValue", message));
        }
    };
    let mut found = Vec::new();
    for one in instance_type::all() {
        for location in &locations {
            let facts = Facts::new(&Tags::new())
                .with("instance-type", &one.name)
                .with("location", location);
            if facts.match_all(input.filters.as_deref().unwrap_or_default())? {
                found.push(InstanceTypeOffering {
                    instance_type: Some(one.name.as_str().into()),
                    location_type: Some(kind.clone()),
                    location: Some(location.clone()),
                });
            }
        }
    }
    let (found, next_token) = filter::page(found, input.max_results, input.next_token.as_deref())?;
    Ok(DescribeInstanceTypeOfferingsResult {
        instance_type_offerings: Some(found),
        next_token,
    })
}
