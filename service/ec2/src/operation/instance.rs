//! RunInstances.

use std::net::Ipv4Addr;

use aws_protocol::Context;
use aws_shape::ec2::*;
use base_id::Scope;
use base_store::Transaction;
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::{default, group, instance_describe, interface, launch, launch_template, profile, tag, zone};
use crate::Ec2;
use crate::error::{Error, dry_run, invalid, missing, unsupported, with_code};
use crate::model::instance::{Instance, Key, Life, MetadataOptions, Profile, Shutdown, Token, Volume};
use crate::model::launch::Spec;
use crate::model::{self, Tags, image, instance_type};
use crate::table::{self, INSTANCES, INTERFACES, KEY_PAIRS, key};

/// Of one request.
const INSTANCES_MAX: i32 = 1000;

/// A launch that was checked as far as it can be without looking at the network.
struct Order {
    scope: Scope,
    spec: Spec,
    profile: Option<Profile>,
    token: Option<Token>,
    now: Timestamp,
    ec2: Ec2,
}

pub(super) async fn run_instances(
    ec2: &Ec2,
    context: &Context,
    mut input: RunInstancesRequest,
) -> Result<Reservation, Error> {
    default::ensure(ec2, &context.scope).await?;
    let (min, max) = counts(&input)?;
    let dry = input.dry_run.take();
    let token = input.client_token.take().filter(|text| !text.is_empty());
    let token = token.map(|text| Token {
        text,
        request: digest(&input),
    });
    let by_service = tag::is_service(context);
    let template = input.launch_template.take();
    let own = launch::parse(input)?;
    one_network(&own)?;
    let snapshot = ec2.store.snapshot();
    if let Some(reservation) = launched(&snapshot, &context.scope, token.as_ref())? {
        return Ok(reservation);
    }
    let (mut spec, origin) = match template {
        Some(template) => {
            let (said, origin) = launch_template::spec(&snapshot, &context.scope, &template)?;
            (own.over(said), origin)
        }
        None => (own, Tags::new()),
    };
    if !by_service {
        spec.tags.values().try_for_each(tag::check)?;
    }
    if !origin.is_empty() {
        spec.tags.entry("instance".to_owned()).or_default().extend(origin);
    }
    let profile = match &spec.profile {
        Some(wanted) => Some(profile::find(ec2, context, wanted).await?),
        None => None,
    };
    default::ensure(ec2, &context.scope).await?;
    let order = Order {
        scope: context.scope.clone(),
        spec,
        profile,
        token,
        now: ec2.clock.now(),
        ec2: ec2.clone(),
    };
    ec2.store
        .write(move |tx| {
            if let Some(reservation) = launched(&tx.snapshot(), &order.scope, order.token.as_ref())? {
                return Ok(reservation);
            }
            let instances = launch_all(tx, &order, min, max)?;
            dry_run(dry)?;
            let rows: Vec<&Instance> = instances.iter().collect();
            Ok(instance_describe::reservation(
                &tx.snapshot(),
                &order.scope,
                &rows,
            ))
        })
        .await
}

/// The digest that tells whether a repeated request is the same.
fn digest(input: &RunInstancesRequest) -> String {
    let bytes = Sha256::digest(format!("{input:?}"));
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn counts(input: &RunInstancesRequest) -> Result<(usize, usize), Error> {
    let (min, max) = (input.min_count, input.max_count);
    if min < 1 {
        return Err(invalid("minCount", &min.to_string(), "Must be at least 1."));
    }
    if max < min || max > INSTANCES_MAX {
        return Err(invalid(
            "maxCount",
            &max.to_string(),
            "Must be at least minCount, and at most 1000.",
        ));
    }
    if max > 1 && (input.private_ip_address.is_some() || names_address(input)) {
        let message = "PrivateIpAddress cannot be specified when launching more than one instance";
        return Err(with_code("InvalidParameterCombination", message));
    }
    Ok((min as usize, max as usize))
}

fn names_address(input: &RunInstancesRequest) -> bool {
    let mut interfaces = input.network_interfaces.iter().flatten();
    interfaces.any(|one| one.private_ip_address.is_some())
}

/// The network is said once: for the instance, or for its interface.
fn one_network(spec: &Spec) -> Result<(), Error> {
    let Some(interface) = &spec.interface else {
        return Ok(());
    };
    if interface.device_index.is_some_and(|index| index != 0) {
        return Err(unsupported("NetworkInterface.DeviceIndex other than 0"));
    }
    let twice = [
        (spec.subnet.is_some(), "subnet ID"),
        (
            !spec.groups.is_empty() || !spec.group_names.is_empty(),
            "security groups",
        ),
        (spec.address.is_some(), "private address"),
    ];
    if let Some((_, what)) = twice.iter().find(|(both, _)| *both) {
        let message = format!(
            "Network interfaces and an instance-level {what} may not be specified on the same request"
        );
        return Err(with_code("InvalidParameterCombination", message));
    }
    Ok(())
}

/// What an earlier request with this token has launched.
fn launched(
    snapshot: &base_store::Snapshot,
    scope: &Scope,
    token: Option<&Token>,
) -> Result<Option<Reservation>, Error> {
    let Some(token) = token else {
        return Ok(None);
    };
    let rows = snapshot.prefix(INSTANCES, &table::prefix(scope));
    let same = |one: &Instance| one.token.as_ref().is_some_and(|it| it.text == token.text);
    let mut found: Vec<&Instance> = rows
        .iter()
        .map(|(_, row)| &**row)
        .filter(|one| same(one))
        .collect();
    found.sort_by_key(|one| one.launch_index);
    if found.iter().any(|one| one.token.as_ref() != Some(token)) {
        let message = "Arguments on this idempotent request are inconsistent with arguments used in previous request(s).";
        return Err(with_code("IdempotentParameterMismatch", message));
    }
    Ok((!found.is_empty()).then(|| instance_describe::reservation(snapshot, scope, &found)))
}

fn launch_all(tx: &mut Transaction, order: &Order, min: usize, max: usize) -> Result<Vec<Instance>, Error> {
    let (kind, image) = machine(order)?;
    let volume = volume(order, &image)?;
    let key = key_of(tx, order)?;
    let subnet = subnet(tx, order)?;
    let groups = groups(tx, order, &subnet)?;
    let reservation = order.ec2.new_id("r");
    let mut instances = Vec::new();
    for index in 0..max {
        // The subnet's row remembers the address that was given out last.
        let subnet = table::subnet(tx, &order.scope, &subnet.id)?;
        let id = order.ec2.new_id("i");
        let interface = match new_interface(tx, order, &id, &subnet, &groups) {
            Err(error) if index >= min && error.code == "InsufficientFreeAddressesInSubnet" => break,
            result => result?,
        };
        let instance = Instance {
            id,
            reservation: reservation.clone(),
            launch_index: index as u32,
            token: order.token.clone(),
            image: image.id.clone(),
            kind: kind.name.clone(),
            key: key.clone(),
            volume: Volume {
                id: order.ec2.new_id("vol"),
                ..volume.clone()
            },
            ..begun(order, &kind, &image, &subnet, &interface)
        };
        tx.put(INSTANCES, &key_at(order, &instance.id), instance.clone());
        instances.push(instance);
    }
    Ok(instances)
}

fn key_at(order: &Order, id: &str) -> String {
    key(&order.scope, id)
}

/// The parts that follow from the specification alone.
fn begun(
    order: &Order,
    kind: &instance_type::InstanceType,
    image: &image::Image,
    subnet: &model::Subnet,
    interface: &model::Interface,
) -> Instance {
    let (spec, ec2) = (&order.spec, &order.ec2);
    let asked = spec.interface.as_ref();
    let credits = if kind.family.name == "t2" {
        "standard"
    } else {
        "unlimited"
    };
    let strict = image.imds == Some("v2.0");
    Instance {
        id: String::new(),
        reservation: String::new(),
        launch_index: 0,
        token: None,
        image: String::new(),
        kind: String::new(),
        key: None,
        vpc: subnet.vpc.clone(),
        subnet: subnet.id.clone(),
        zone: subnet.zone.clone(),
        interface: interface.id.clone(),
        address: interface.address,
        public: asked.and_then(|it| it.public).unwrap_or(subnet.map_public_ip),
        profile: order.profile.clone().map(|profile| Profile {
            association: ec2.new_id("iip-assoc"),
            ..profile
        }),
        user_data: spec.user_data.clone(),
        metadata: MetadataOptions {
            tokens_required: spec
                .metadata
                .tokens
                .as_ref()
                .map_or(strict, |it| it == "required"),
            hop_limit: spec
                .metadata
                .hop_limit
                .map_or(if strict { 2 } else { 1 }, |it| it as u8),
            endpoint: spec.metadata.endpoint.unwrap_or(true),
            tags: spec.metadata.tags.unwrap_or(false),
        },
        monitoring: spec.monitoring.unwrap_or(false),
        termination_protection: spec.termination_protection.unwrap_or(false),
        stop_protection: spec.stop_protection.unwrap_or(false),
        shutdown: spec.shutdown.unwrap_or(Shutdown::Stop),
        ebs_optimized: spec.ebs_optimized.unwrap_or(false),
        credits: kind
            .family
            .burstable
            .then(|| spec.credits.clone().unwrap_or_else(|| credits.to_owned())),
        volume: Volume {
            id: String::new(),
            device: String::new(),
            size_gib: 0,
            kind: String::new(),
            iops: None,
            throughput: None,
            encrypted: false,
            delete_on_termination: true,
            snapshot: String::new(),
            tags: Tags::new(),
        },
        launched_at: order.now,
        created_at: order.now,
        life: Life::Up {
            boot: ec2.ids.hex(32),
            again: false,
            reboot: false,
        },
        reason: None,
        tags: spec.tags.get("instance").cloned().unwrap_or_default(),
    }
}

fn machine(order: &Order) -> Result<(instance_type::InstanceType, image::Image), Error> {
    let spec = &order.spec;
    let id = spec.image.as_deref().ok_or_else(|| missing("ImageId"))?;
    if !id.starts_with("ami-") {
        let message = format!("Invalid id: \"{id}\" (expecting \"ami-...\")");
        return Err(with_code("InvalidAMIID.Malformed", message));
    }
    let found = image::find(&order.scope.region, id);
    let image = found.ok_or_else(|| {
        with_code(
            "InvalidAMIID.NotFound",
            format!("The image id '[{id}]' does not exist"),
        )
    })?;
    let name = spec.kind.as_deref().unwrap_or(instance_type::DEFAULT);
    let kind = instance_type::find(name).ok_or_else(|| {
        with_code(
            "InvalidParameterValue",
            format!("Invalid value '{name}' for InstanceType."),
        )
    })?;
    if spec.credits.is_some() && !kind.family.burstable {
        let message = format!("The instance type '{name}' does not support credit specification.");
        return Err(with_code("InvalidParameterCombination", message));
    }
    Ok((kind, image))
}

/// The root disk; others are not served.
fn volume(order: &Order, image: &image::Image) -> Result<Volume, Error> {
    let mut disks = order.spec.disks.iter();
    let root = |device: &Option<String>| device.as_deref().is_none_or(|it| it == image.root_device);
    if let Some(other) = disks.find(|disk| !root(&disk.device)) {
        let name = other.device.as_deref().unwrap_or_default();
        return Err(unsupported(&format!(
            "BlockDeviceMapping of {name}: the root device is {}, and others",
            image.root_device
        )));
    }
    let asked = order.spec.disks.first().cloned().unwrap_or_default();
    let size = asked.size_gib.map_or(image.size_gib, |size| size.unsigned_abs());
    if size < image.size_gib {
        let message = format!(
            "Volume of size {size}GB is smaller than snapshot '{}', expect size>= {}GB",
            image.snapshot, image.size_gib
        );
        return Err(with_code("InvalidBlockDeviceMapping", message));
    }
    let kind = asked.kind.unwrap_or_else(|| image.volume_type.to_owned());
    if !VOLUME_TYPES.contains(&kind.as_str()) {
        return Err(invalid("VolumeType", &kind, "It is not a type of volume."));
    }
    let given = |value: Option<i32>, default| value.map(i32::unsigned_abs).or(default);
    let (iops, throughput) = match kind.as_str() {
        "gp2" => (Some((size * 3).clamp(100, 16_000)), None),
        "gp3" => (given(asked.iops, Some(3000)), given(asked.throughput, Some(125))),
        "io1" | "io2" => (given(asked.iops, Some(100)), None),
        _ => (None, None),
    };
    Ok(Volume {
        id: String::new(),
        device: image.root_device.to_owned(),
        size_gib: size,
        kind,
        iops,
        throughput,
        encrypted: false,
        delete_on_termination: true,
        snapshot: image.snapshot.clone(),
        tags: order.spec.tags.get("volume").cloned().unwrap_or_default(),
    })
}

const VOLUME_TYPES: [&str; 7] = ["standard", "io1", "io2", "gp2", "gp3", "sc1", "st1"];

fn key_of(tx: &Transaction, order: &Order) -> Result<Option<Key>, Error> {
    let Some(name) = &order.spec.key_name else {
        return Ok(None);
    };
    let pair = tx.get(KEY_PAIRS, &key(&order.scope, name)).ok_or_else(|| {
        with_code(
            "InvalidKeyPair.NotFound",
            format!("The key pair '{name}' does not exist"),
        )
    })?;
    Ok(Some(Key {
        name: name.clone(),
        public: pair.public.clone(),
    }))
}

fn subnet(tx: &Transaction, order: &Order) -> Result<model::Subnet, Error> {
    let spec = &order.spec;
    let named = spec.interface.as_ref().and_then(|it| it.subnet.as_ref());
    let Some(id) = named.or(spec.subnet.as_ref()) else {
        return default_subnet(tx, &order.scope, spec.zone.as_deref());
    };
    let subnet = table::subnet(tx, &order.scope, id)?;
    if let Some(zone) = spec.zone.as_ref().filter(|zone| **zone != subnet.zone) {
        let why = format!("The availability zone of the subnet is {}.", subnet.zone);
        return Err(invalid("availabilityZone", zone, &why));
    }
    Ok(subnet)
}

/// The default VPC's subnet in a zone, or in the first that has one.
fn default_subnet(tx: &Transaction, scope: &Scope, zone: Option<&str>) -> Result<model::Subnet, Error> {
    let vpc = default::vpc_of(tx, scope).ok_or_else(|| {
        let message =
            "No default VPC for this user. GroupName is only supported for EC2-Classic and default VPC.";
        with_code("VPCIdNotSpecified", message)
    })?;
    if let Some(unknown) = zone.filter(|it| !zone::names(&scope.region).iter().any(|name| name == it)) {
        let message = format!("Invalid availability zone: [{unknown}]");
        return Err(with_code("InvalidParameterValue", message));
    }
    let mut subnets: Vec<model::Subnet> = table::all(tx, table::SUBNETS, scope);
    subnets.retain(|one| one.vpc == vpc.id && one.is_default && zone.is_none_or(|zone| zone == one.zone));
    subnets.sort_by(|one, other| one.zone.cmp(&other.zone));
    let first = subnets.into_iter().next();
    first.ok_or_else(|| {
        with_code(
            "MissingInput",
            "No subnets found for the default VPC. Please specify a subnet.",
        )
    })
}

fn groups(tx: &Transaction, order: &Order, subnet: &model::Subnet) -> Result<Vec<String>, Error> {
    let spec = &order.spec;
    let of_interface = spec
        .interface
        .as_ref()
        .map(|it| it.groups.clone())
        .unwrap_or_default();
    let mut ids = if of_interface.is_empty() {
        spec.groups.clone()
    } else {
        of_interface
    };
    if !spec.group_names.is_empty() {
        let all = table::all(tx, table::GROUPS, &order.scope);
        for name in &spec.group_names {
            let found = all.iter().find(|one| one.vpc == subnet.vpc && one.name == *name);
            let found = found.ok_or_else(|| {
                let message = format!(
                    "The security group '{name}' does not exist in VPC '{}'",
                    subnet.vpc
                );
                with_code("InvalidGroup.NotFound", message)
            })?;
            ids.push(found.id.clone());
        }
    }
    group::of_interface(tx, &order.scope, &subnet.vpc, Some(ids))
}

fn new_interface(
    tx: &mut Transaction,
    order: &Order,
    instance: &str,
    subnet: &model::Subnet,
    groups: &[String],
) -> Result<model::Interface, Error> {
    let asked = order.spec.interface.as_ref();
    let wanted: Option<Ipv4Addr> = asked.and_then(|it| it.address).or(order.spec.address);
    let address = interface::take_address(tx, &order.scope, subnet, wanted)?;
    let tags = order.spec.tags.get("network-interface");
    let mut interface = model::Interface {
        groups: groups.to_vec(),
        description: asked.and_then(|it| it.description.clone()).unwrap_or_default(),
        instance: Some(instance.to_owned()),
        device_index: Some(0),
        delete_on_termination: asked.and_then(|it| it.delete_on_termination).unwrap_or(true),
        tags: tags.cloned().unwrap_or_default(),
        ..interface::new(&order.ec2, order.ec2.new_id("eni"), subnet, address)
    };
    if asked.and_then(|it| it.public).unwrap_or(subnet.map_public_ip) {
        interface::give_public(tx, order.ec2.pool, &mut interface)?;
    }
    tx.put(INTERFACES, &key(&order.scope, &interface.id), interface.clone());
    Ok(interface)
}
