//! What an instance may be told about itself: everything that its metadata service answers from.

mod document;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use base_id::Scope;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ipnet::Ipv4Net;
use jiff::Timestamp;

use crate::Ec2;
use crate::model::instance::{Instance, public_name};
use crate::table::{GROUPS, INSTANCES, INTERFACES, SUBNETS, VPCS, key};

/// A running instance, as seen from inside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guest {
    pub instance_id: String,
    pub instance_type: String,
    pub image_id: String,
    pub reservation_id: String,
    pub launch_index: u32,
    /// `on-demand`
    pub lifecycle: &'static str,
    pub launched_at: Timestamp,
    pub account: String,
    pub region: String,
    pub zone: String,
    pub zone_id: String,
    /// Also its private DNS name.
    pub hostname: String,
    pub address: Ipv4Addr,
    pub public_address: Option<Ipv4Addr>,
    /// Where the VPC gives such names.
    pub public_name: Option<String>,
    pub interface_id: String,
    pub mac: String,
    pub subnet: String,
    pub subnet_range: Ipv4Net,
    pub vpc: String,
    pub vpc_range: Ipv4Net,
    /// Ids and names.
    pub groups: Vec<(String, String)>,
    pub key: Option<GuestKey>,
    pub user_data: Option<Vec<u8>>,
    pub profile: Option<GuestProfile>,
    /// Absent where the instance may not see them.
    pub tags: Option<BTreeMap<String, String>>,
    pub metadata: GuestMetadata,
    /// Name of its boot in the data plane: 32 hexadecimal digits.
    pub task: String,
    /// As `/dev/xvda`.
    pub root_device: String,
}

/// Its owner's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuestKey {
    pub name: String,
    /// In the form of `authorized_keys`.
    pub public: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuestProfile {
    pub arn: String,
    pub name: String,
    pub id: String,
}

/// How its metadata service answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GuestMetadata {
    /// Only with a session token (version 2).
    pub tokens_required: bool,
    pub endpoint: bool,
    pub hop_limit: u8,
}

impl Ec2 {
    /// The instance with this address in this network (a VPC's id), if there is one that is not terminated.
    pub fn guest(&self, network: &str, address: Ipv4Addr) -> Option<Guest> {
        let snapshot = self.store.snapshot();
        let all = snapshot.list(INSTANCES).into_iter();
        let mut here = all.filter(|(_, one)| one.vpc == network && one.address == address);
        let (place, instance) = here.find(|(_, one)| !one.is_terminated())?;
        let scope = Scope::of_key(&place);
        let interface = snapshot.get(INTERFACES, &key(&scope, &instance.interface))?;
        let subnet = snapshot.get(SUBNETS, &key(&scope, &instance.subnet))?;
        let vpc = snapshot.get(VPCS, &key(&scope, &instance.vpc))?;
        let groups = interface.groups.iter().map(|id| {
            let name = snapshot
                .get(GROUPS, &key(&scope, id))
                .map(|group| group.name.clone());
            (id.clone(), name.unwrap_or_default())
        });
        let public = interface.public_address();
        Some(Guest {
            groups: groups.collect(),
            hostname: instance.private_name(&scope.region),
            public_address: public,
            public_name: public
                .filter(|_| vpc.dns_hostnames)
                .map(|address| public_name(address, &scope.region)),
            interface_id: interface.id.clone(),
            mac: interface.mac.clone(),
            subnet_range: subnet.range,
            vpc_range: vpc.range,
            zone_id: crate::operation::zone_id(&instance.zone),
            account: scope.account,
            region: scope.region,
            ..told(&instance)?
        })
    }
}

/// What the instance's own row tells.
fn told(instance: &Instance) -> Option<Guest> {
    let nowhere = Ipv4Net::default();
    Some(Guest {
        instance_id: instance.id.clone(),
        instance_type: instance.kind.clone(),
        image_id: instance.image.clone(),
        reservation_id: instance.reservation.clone(),
        launch_index: instance.launch_index,
        lifecycle: "on-demand",
        launched_at: instance.launched_at,
        account: String::new(),
        region: String::new(),
        zone: instance.zone.clone(),
        zone_id: String::new(),
        hostname: String::new(),
        address: instance.address,
        public_address: None,
        public_name: None,
        interface_id: String::new(),
        mac: String::new(),
        subnet: instance.subnet.clone(),
        subnet_range: nowhere,
        vpc: instance.vpc.clone(),
        vpc_range: nowhere,
        groups: vec![],
        key: instance.key.as_ref().map(|key| GuestKey {
            name: key.name.clone(),
            public: key.public.clone(),
        }),
        user_data: instance
            .user_data
            .as_ref()
            .and_then(|text| STANDARD.decode(text).ok()),
        profile: instance.profile.as_ref().map(|profile| GuestProfile {
            arn: profile.arn.clone(),
            name: profile.name().to_owned(),
            id: profile.id.clone(),
        }),
        tags: instance.metadata.tags.then(|| instance.tags.clone()),
        metadata: GuestMetadata {
            tokens_required: instance.metadata.tokens_required,
            endpoint: instance.metadata.endpoint,
            hop_limit: instance.metadata.hop_limit,
        },
        task: instance.boot()?.to_owned(),
        root_device: instance.volume.device.clone(),
    })
}
