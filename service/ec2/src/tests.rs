mod attribute;
mod instance;
mod launch;
mod network;
mod plane;

use std::sync::Arc;

use aws_protocol::{ApiError, Context};
use aws_shape::ec2::*;
use base_clock::ManualClock;
use base_id::{Scope, SequentialIds};
use base_reconcile::{Outcome, Reconciler as _};
use base_store::Store;
use contract::network::{Border, DesiredNetwork, Peer, Protocol, Route, Target};

use crate::{Ec2, Networks, table};

struct World {
    ec2: Ec2,
    store: Store,
    clock: Arc<ManualClock>,
    context: Context,
}

fn world() -> World {
    let store = Store::in_memory();
    let clock = Arc::new(ManualClock::new("2026-01-01T00:00:00Z".parse().unwrap()));
    let ec2 = Ec2::new(store.clone(), clock.clone(), Arc::new(SequentialIds::default()));
    let context = Context {
        scope: Scope::new("000000000000", "us-east-1"),
        request_id: "r".into(),
        principal_arn: "arn:aws:iam::000000000000:root".into(),
        access_key: "k".into(),
    };
    World {
        ec2,
        store,
        clock,
        context,
    }
}

impl World {
    async fn vpc(&self) -> String {
        let input = CreateVpcRequest {
            cidr_block: Some("10.0.0.0/16".into()),
            ..Default::default()
        };
        self.ec2
            .create_vpc(&self.context, input)
            .await
            .unwrap()
            .vpc
            .unwrap()
            .vpc_id
            .unwrap()
    }

    async fn subnet(&self, vpc: &str, cidr: &str) -> Result<String, ApiError> {
        let input = CreateSubnetRequest {
            vpc_id: vpc.into(),
            cidr_block: Some(cidr.into()),
            ..Default::default()
        };
        Ok(self
            .ec2
            .create_subnet(&self.context, input)
            .await?
            .subnet
            .unwrap()
            .subnet_id
            .unwrap())
    }

    async fn interface(&self, subnet: &str, description: &str) -> NetworkInterface {
        let input = CreateNetworkInterfaceRequest {
            subnet_id: subnet.into(),
            description: Some(description.into()),
            ..Default::default()
        };
        self.ec2
            .create_network_interface(&self.context, input)
            .await
            .unwrap()
            .network_interface
            .unwrap()
    }

    async fn reconcile(&self) -> Outcome {
        let networks = Networks::new(self.store.clone(), self.clock.clone());
        networks.activate().await.unwrap()
    }

    async fn network(&self, vpc: &str) -> DesiredNetwork {
        self.reconcile().await;
        (*self.store.snapshot().get(table::DESIRED, vpc).unwrap()).clone()
    }
}

impl World {
    /// Where the first subnet's route to everywhere leads.
    async fn way_out(&self, vpc: &str) -> Option<Target> {
        let network = self.network(vpc).await;
        let mut routes = network.subnets[0].routes.iter();
        let route = routes.find(|route| route.destination.prefix_len() == 0);
        route.map(|route| route.target.clone())
    }
}

fn code<T: std::fmt::Debug>(result: Result<T, ApiError>) -> String {
    result.unwrap_err().code
}

#[tokio::test]
async fn a_vpc_becomes_a_network_with_its_default_group() {
    let world = world();
    let vpc = world.vpc().await;
    let subnet = world.subnet(&vpc, "10.0.1.0/24").await.unwrap();
    let interface = world.interface(&subnet, "").await;
    assert_eq!(interface.private_ip_address.as_deref(), Some("10.0.1.4"));
    let network = world.network(&vpc).await;
    assert_eq!(network.subnets.len(), 1);
    let local = Route {
        destination: "10.0.0.0/16".parse().unwrap(),
        target: Target::Local,
    };
    assert_eq!(network.subnets[0].routes, [local]);
    assert_eq!(network.subnets[0].border, Border::default());
    let group = &network.groups[0];
    assert_eq!(group.ingress[0].peer, Peer::Group(group.id.clone()));
    assert_eq!(group.members, ["10.0.1.4".parse::<std::net::Ipv4Addr>().unwrap()]);
    assert_eq!(
        world.network(&vpc).await,
        network,
        "without a change the generation stays"
    );
}

#[tokio::test]
async fn a_subnet_reaches_the_world_through_a_gateway_only() {
    let world = world();
    let vpc = world.vpc().await;
    let subnet = world.subnet(&vpc, "10.0.1.0/24").await.unwrap();
    let (ec2, context) = (&world.ec2, &world.context);
    let gateway = ec2
        .create_internet_gateway(context, Default::default())
        .await
        .unwrap();
    let gateway = gateway.internet_gateway.unwrap().internet_gateway_id.unwrap();
    let attach = AttachInternetGatewayRequest {
        internet_gateway_id: gateway.clone(),
        vpc_id: vpc.clone(),
        dry_run: None,
    };
    ec2.attach_internet_gateway(context, attach.clone())
        .await
        .unwrap();
    assert_eq!(
        code(ec2.attach_internet_gateway(context, attach).await),
        "Resource.AlreadyAssociated"
    );
    let input = CreateRouteTableRequest {
        vpc_id: vpc.clone(),
        ..Default::default()
    };
    let table = ec2
        .create_route_table(context, input)
        .await
        .unwrap()
        .route_table
        .unwrap()
        .route_table_id
        .unwrap();
    let route = CreateRouteRequest {
        route_table_id: table.clone(),
        destination_cidr_block: Some("0.0.0.0/0".into()),
        gateway_id: Some(gateway.clone()),
        ..Default::default()
    };
    ec2.create_route(context, route.clone()).await.unwrap();
    assert_eq!(code(ec2.create_route(context, route).await), "RouteAlreadyExists");
    assert_eq!(
        world.way_out(&vpc).await,
        None,
        "the table is not the subnet's yet"
    );
    let associate = AssociateRouteTableRequest {
        route_table_id: table,
        subnet_id: Some(subnet),
        ..Default::default()
    };
    ec2.associate_route_table(context, associate).await.unwrap();
    assert_eq!(world.way_out(&vpc).await, Some(Target::Internet));
    let detach = DetachInternetGatewayRequest {
        internet_gateway_id: gateway,
        vpc_id: vpc.clone(),
        dry_run: None,
    };
    ec2.detach_internet_gateway(context, detach).await.unwrap();
    assert_eq!(world.way_out(&vpc).await, Some(Target::Nowhere));
}

#[tokio::test]
async fn rules_are_added_shown_and_revoked() {
    let world = world();
    let vpc = world.vpc().await;
    let (ec2, context) = (&world.ec2, &world.context);
    let input = CreateSecurityGroupRequest {
        group_name: "web".into(),
        description: "d".into(),
        vpc_id: Some(vpc.clone()),
        ..Default::default()
    };
    let group = ec2
        .create_security_group(context, input.clone())
        .await
        .unwrap()
        .group_id
        .unwrap();
    assert_eq!(
        code(ec2.create_security_group(context, input).await),
        "InvalidGroup.Duplicate"
    );
    let allow = AuthorizeSecurityGroupIngressRequest {
        group_id: Some(group.clone()),
        ip_protocol: Some("tcp".into()),
        from_port: Some(80),
        to_port: Some(80),
        cidr_ip: Some("0.0.0.0/0".into()),
        ..Default::default()
    };
    let added = ec2
        .authorize_security_group_ingress(context, allow.clone())
        .await
        .unwrap();
    assert_eq!(
        code(ec2.authorize_security_group_ingress(context, allow).await),
        "InvalidPermission.Duplicate"
    );
    let network = world.network(&vpc).await;
    let seen = network.groups.iter().find(|one| one.id == group).unwrap();
    assert_eq!(seen.ingress[0].protocol, Protocol::Tcp { from: 80, to: 80 });
    let id = added.security_group_rules.unwrap()[0]
        .security_group_rule_id
        .clone()
        .unwrap();
    let revoke = RevokeSecurityGroupIngressRequest {
        group_id: Some(group.clone()),
        security_group_rule_ids: Some(vec![id]),
        ..Default::default()
    };
    ec2.revoke_security_group_ingress(context, revoke).await.unwrap();
    let network = world.network(&vpc).await;
    assert!(
        network
            .groups
            .iter()
            .find(|one| one.id == group)
            .unwrap()
            .ingress
            .is_empty()
    );
}

#[tokio::test]
async fn what_is_in_use_is_not_deleted() {
    let world = world();
    let vpc = world.vpc().await;
    let subnet = world.subnet(&vpc, "10.0.1.0/24").await.unwrap();
    let interface = world.interface(&subnet, "").await.network_interface_id.unwrap();
    let (ec2, context) = (&world.ec2, &world.context);
    let delete_vpc = DeleteVpcRequest {
        vpc_id: vpc.clone(),
        dry_run: None,
    };
    let delete_subnet = DeleteSubnetRequest {
        subnet_id: subnet.clone(),
        dry_run: None,
    };
    assert_eq!(
        code(ec2.delete_vpc(context, delete_vpc.clone()).await),
        "DependencyViolation"
    );
    assert_eq!(
        code(ec2.delete_subnet(context, delete_subnet.clone()).await),
        "DependencyViolation"
    );
    let delete = DeleteNetworkInterfaceRequest {
        network_interface_id: interface,
        dry_run: None,
    };
    ec2.delete_network_interface(context, delete).await.unwrap();
    ec2.delete_subnet(context, delete_subnet).await.unwrap();
    ec2.delete_vpc(context, delete_vpc.clone()).await.unwrap();
    assert_eq!(
        code(ec2.delete_vpc(context, delete_vpc).await),
        "InvalidVpcID.NotFound"
    );
    world.reconcile().await;
    assert!(world.store.snapshot().list(table::DESIRED).is_empty());
}

#[tokio::test]
async fn bad_ranges_are_refused_with_aws_codes() {
    let world = world();
    let vpc = world.vpc().await;
    world.subnet(&vpc, "10.0.1.0/24").await.unwrap();
    for (cidr, expected) in [
        ("10.0.1.128/25", "InvalidSubnet.Conflict"),
        ("10.1.0.0/24", "InvalidSubnet.Range"),
        ("10.0.2.1/24", "InvalidSubnet.Range"),
        ("10.0.2.0/29", "InvalidSubnet.Range"),
        ("nonsense", "InvalidSubnet.Range"),
    ] {
        assert_eq!(code(world.subnet(&vpc, cidr).await), expected, "{cidr}");
    }
    assert_eq!(
        code(world.subnet("vpc-x", "10.0.2.0/24").await),
        "InvalidVpcID.NotFound"
    );
}

#[tokio::test]
async fn another_account_sees_nothing() {
    let world = world();
    let vpc = world.vpc().await;
    let mut other = world.context.clone();
    other.scope.account = "111111111111".into();
    let found = world.ec2.describe_vpcs(&other, Default::default()).await.unwrap();
    let found: Vec<_> = found
        .vpcs
        .unwrap()
        .into_iter()
        .map(|one| one.is_default)
        .collect();
    assert_eq!(found, [Some(true)], "but its own default one");
    let input = DescribeVpcsRequest {
        vpc_ids: Some(vec![vpc]),
        ..Default::default()
    };
    assert_eq!(
        code(world.ec2.describe_vpcs(&other, input).await),
        "InvalidVpcID.NotFound"
    );
}

#[tokio::test]
async fn a_dry_run_changes_nothing() {
    let world = world();
    let input = CreateVpcRequest {
        cidr_block: Some("10.0.0.0/16".into()),
        dry_run: Some(true),
        ..Default::default()
    };
    let error = world.ec2.create_vpc(&world.context, input).await.unwrap_err();
    assert_eq!((error.code.as_str(), error.status), ("DryRunOperation", 412));
    assert!(world.store.snapshot().list(table::VPCS).is_empty());
}

#[tokio::test]
async fn what_a_service_made_only_a_service_removes() {
    let world = world();
    let vpc = world.vpc().await;
    let subnet = world.subnet(&vpc, "10.0.1.0/24").await.unwrap();
    let interface = world
        .interface(&subnet, "arn:aws:ecs:us-east-1:000000000000:attachment/1")
        .await;
    let input = DeleteNetworkInterfaceRequest {
        network_interface_id: interface.network_interface_id.unwrap(),
        dry_run: None,
    };
    let refused = world
        .ec2
        .delete_network_interface(&world.context, input.clone())
        .await;
    assert_eq!(code(refused), "InvalidParameterValue");
    let service = Context {
        principal_arn: "arn:aws:iam::aws:role/AWSServiceRoleForECS".into(),
        ..world.context.clone()
    };
    world.ec2.delete_network_interface(&service, input).await.unwrap();
}
