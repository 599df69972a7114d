//! Addresses, gateways, ACLs, rules, and what is there by default.

use contract::network::{ObservedNetwork, Target};

use super::*;

impl World {
    /// What a data plane that makes everything tells.
    async fn build(&self) {
        self.reconcile().await;
        self.store
            .write(|tx| {
                let desired = tx.list(table::DESIRED);
                for (id, _) in tx.list(table::OBSERVED) {
                    if !desired.iter().any(|(one, _)| *one == id) {
                        tx.delete(table::OBSERVED, &id);
                    }
                }
                for (id, row) in desired {
                    let seen = ObservedNetwork {
                        id: id.clone(),
                        generation: row.generation,
                        failure: None,
                    };
                    tx.put(table::OBSERVED, &id, seen);
                }
                Ok::<_, base_store::StoreError>(())
            })
            .await
            .unwrap();
        self.reconcile().await;
    }

    async fn gateway(&self, vpc: &str) -> String {
        let (ec2, context) = (&self.ec2, &self.context);
        let made = ec2.create_internet_gateway(context, Default::default()).await;
        let id = made
            .unwrap()
            .internet_gateway
            .unwrap()
            .internet_gateway_id
            .unwrap();
        let attach = AttachInternetGatewayRequest {
            internet_gateway_id: id.clone(),
            vpc_id: vpc.into(),
            dry_run: None,
        };
        ec2.attach_internet_gateway(context, attach).await.unwrap();
        id
    }

    async fn elastic(&self) -> (String, String) {
        let made = self
            .ec2
            .allocate_address(&self.context, Default::default())
            .await
            .unwrap();
        (made.allocation_id.unwrap(), made.public_ip.unwrap())
    }

    async fn associate(&self, allocation: &str, interface: &str) -> Result<String, ApiError> {
        let input = AssociateAddressRequest {
            allocation_id: Some(allocation.into()),
            network_interface_id: Some(interface.into()),
            allow_reassociation: Some(false),
            ..Default::default()
        };
        let made = self.ec2.associate_address(&self.context, input).await?;
        Ok(made.association_id.unwrap())
    }

    async fn addresses(&self) -> Vec<Address> {
        let found = self
            .ec2
            .describe_addresses(&self.context, Default::default())
            .await;
        found.unwrap().addresses.unwrap()
    }

    async fn nat(&self, subnet: &str, allocation: &str) -> NatGateway {
        let input = CreateNatGatewayRequest {
            subnet_id: Some(subnet.into()),
            allocation_id: Some(allocation.into()),
            client_token: Some("once".into()),
            ..Default::default()
        };
        let made = self.ec2.create_nat_gateway(&self.context, input).await.unwrap();
        made.nat_gateway.unwrap()
    }

    async fn nat_state(&self) -> Option<NatGatewayState> {
        let found = self
            .ec2
            .describe_nat_gateways(&self.context, Default::default())
            .await;
        found.unwrap().nat_gateways.unwrap().pop()?.state
    }

    async fn default_vpcs(&self) -> Vec<String> {
        let input = DescribeVpcsRequest {
            filters: Some(vec![filter("is-default", "true")]),
            ..Default::default()
        };
        let found = self.ec2.describe_vpcs(&self.context, input).await.unwrap();
        found
            .vpcs
            .into_iter()
            .flatten()
            .filter_map(|vpc| vpc.vpc_id)
            .collect()
    }
}

fn filter(name: &str, value: &str) -> Filter {
    Filter {
        name: Some(name.into()),
        values: Some(vec![value.into()]),
    }
}

#[tokio::test]
async fn an_elastic_address_goes_from_hand_to_hand() {
    let world = world();
    let (ec2, context) = (&world.ec2, &world.context);
    let vpc = world.vpc().await;
    let subnet = world.subnet(&vpc, "10.0.1.0/24").await.unwrap();
    let one = world.interface(&subnet, "").await.network_interface_id.unwrap();
    let other = world.interface(&subnet, "").await.network_interface_id.unwrap();
    let (allocation, public) = world.elastic().await;
    assert_eq!(public, "198.18.0.1");
    assert_eq!(
        code(world.associate(&allocation, &one).await),
        "Gateway.NotAttached"
    );
    let gateway = world.gateway(&vpc).await;
    let association = world.associate(&allocation, &one).await.unwrap();
    assert_eq!(
        code(world.associate(&allocation, &other).await),
        "Resource.AlreadyAssociated"
    );
    let told = world.addresses().await.remove(0);
    assert_eq!(told.association_id.as_deref(), Some(association.as_str()));
    assert_eq!(told.network_interface_id.as_deref(), Some(one.as_str()));
    assert_eq!(told.private_ip_address.as_deref(), Some("10.0.1.4"));
    assert_eq!(world.network(&vpc).await.public.len(), 1);

    let detach = DetachInternetGatewayRequest {
        internet_gateway_id: gateway,
        vpc_id: vpc.clone(),
        dry_run: None,
    };
    let detached = ec2.detach_internet_gateway(context, detach).await;
    assert_eq!(code(detached), "DependencyViolation");
    let release = ReleaseAddressRequest {
        allocation_id: Some(allocation.clone()),
        ..Default::default()
    };
    let released = ec2.release_address(context, release.clone()).await;
    assert_eq!(code(released), "InvalidIPAddress.InUse");
    let input = DisassociateAddressRequest {
        association_id: Some(association),
        ..Default::default()
    };
    ec2.disassociate_address(context, input.clone()).await.unwrap();
    let again = ec2.disassociate_address(context, input).await;
    assert_eq!(code(again), "InvalidAssociationID.NotFound");
    assert!(world.network(&vpc).await.public.is_empty());
    ec2.release_address(context, release.clone()).await.unwrap();
    assert_eq!(
        code(ec2.release_address(context, release).await),
        "InvalidAllocationID.NotFound"
    );
    assert_eq!(world.elastic().await.1, "198.18.0.2", "the old one rests");
}

#[tokio::test]
async fn a_nat_gateway_is_what_the_network_shows() {
    let world = world();
    let (ec2, context) = (&world.ec2, &world.context);
    let vpc = world.vpc().await;
    let subnet = world.subnet(&vpc, "10.0.1.0/24").await.unwrap();
    world.gateway(&vpc).await;
    let (allocation, public) = world.elastic().await;
    let made = world.nat(&subnet, &allocation).await;
    let id = made.nat_gateway_id.clone().unwrap();
    assert_eq!(
        world.nat(&subnet, &allocation).await.nat_gateway_id,
        Some(id.clone()),
        "one token"
    );
    assert_eq!(world.nat_state().await, Some(NatGatewayState::Pending));
    world.build().await;
    assert_eq!(world.nat_state().await, Some(NatGatewayState::Available));
    let network = world.network(&vpc).await;
    assert_eq!(network.gateways[0].public.to_string(), public);

    let table = ec2
        .describe_route_tables(context, Default::default())
        .await
        .unwrap();
    let mut tables = table.route_tables.into_iter().flatten();
    let main = tables.find(|one| one.vpc_id.as_ref() == Some(&vpc)).unwrap();
    let route = CreateRouteRequest {
        route_table_id: main.route_table_id.unwrap(),
        destination_cidr_block: Some("0.0.0.0/0".into()),
        nat_gateway_id: Some(id.clone()),
        ..Default::default()
    };
    ec2.create_route(context, route).await.unwrap();
    assert_eq!(world.way_out(&vpc).await, Some(Target::Gateway(id.clone())));

    let delete = DeleteNatGatewayRequest {
        nat_gateway_id: id,
        dry_run: None,
    };
    ec2.delete_nat_gateway(context, delete).await.unwrap();
    assert_eq!(world.nat_state().await, Some(NatGatewayState::Deleting));
    assert!(
        world.addresses().await[0].association_id.is_some(),
        "not before it has gone"
    );
    world.build().await;
    assert_eq!(world.nat_state().await, Some(NatGatewayState::Deleted));
    assert_eq!(world.way_out(&vpc).await, Some(Target::Nowhere));
    assert_eq!(world.addresses().await[0].association_id, None);
    let left = ec2
        .describe_network_interfaces(context, Default::default())
        .await
        .unwrap();
    assert!(left.network_interfaces.unwrap().is_empty());
    world.clock.advance(std::time::Duration::from_secs(3_600));
    world.reconcile().await;
    assert_eq!(world.nat_state().await, None);
}

#[tokio::test]
async fn a_nat_gateway_without_the_internet_fails() {
    let world = world();
    let vpc = world.vpc().await;
    let subnet = world.subnet(&vpc, "10.0.1.0/24").await.unwrap();
    let (allocation, _) = world.elastic().await;
    let made = world.nat(&subnet, &allocation).await;
    assert_eq!(made.state, Some(NatGatewayState::Failed));
    assert_eq!(made.failure_code.as_deref(), Some("Gateway.NotAttached"));
}

#[tokio::test]
async fn every_scope_has_a_default_vpc_that_nobody_builds_before_it_is_used() {
    let world = world();
    let (ec2, context) = (&world.ec2, &world.context);
    let vpc = world.default_vpcs().await;
    assert_eq!(vpc.len(), 1);
    let found = ec2.describe_subnets(context, Default::default()).await.unwrap();
    let subnets = found.subnets.unwrap();
    let ranges: Vec<_> = subnets.iter().filter_map(|one| one.cidr_block.clone()).collect();
    assert_eq!(ranges, ["172.31.0.0/20", "172.31.16.0/20", "172.31.32.0/20"]);
    assert!(
        subnets
            .iter()
            .all(|one| one.map_public_ip_on_launch == Some(true))
    );
    world.reconcile().await;
    assert!(world.store.snapshot().list(table::DESIRED).is_empty());

    world
        .interface(subnets[0].subnet_id.as_deref().unwrap(), "")
        .await;
    assert_eq!(world.way_out(&vpc[0]).await, Some(Target::Internet));
    let again = ec2.create_default_vpc(context, Default::default()).await;
    assert_eq!(code(again), "DefaultVpcAlreadyExists");
    let zone = |zone: &str| CreateDefaultSubnetRequest {
        availability_zone: Some(zone.into()),
        ..Default::default()
    };
    let again = ec2.create_default_subnet(context, zone("us-east-1a")).await;
    assert_eq!(code(again), "DefaultSubnetAlreadyExistsInAvailabilityZone");
    let delete = DeleteSubnetRequest {
        subnet_id: subnets[1].subnet_id.clone().unwrap(),
        dry_run: None,
    };
    ec2.delete_subnet(context, delete).await.unwrap();
    let made = ec2
        .create_default_subnet(context, zone("us-east-1b"))
        .await
        .unwrap();
    assert_eq!(made.subnet.unwrap().cidr_block.as_deref(), Some("172.31.16.0/20"));
}

#[tokio::test]
async fn a_subnet_is_behind_one_acl() {
    let world = world();
    let (ec2, context) = (&world.ec2, &world.context);
    let vpc = world.vpc().await;
    world.subnet(&vpc, "10.0.1.0/24").await.unwrap();
    let input = DescribeNetworkAclsRequest {
        filters: Some(vec![filter("vpc-id", &vpc)]),
        ..Default::default()
    };
    let found = ec2.describe_network_acls(context, input).await.unwrap();
    let default = found.network_acls.unwrap().remove(0);
    assert_eq!(default.entries.unwrap().len(), 4);
    let delete = DeleteNetworkAclRequest {
        network_acl_id: default.network_acl_id.unwrap(),
        dry_run: None,
    };
    assert_eq!(
        code(ec2.delete_network_acl(context, delete).await),
        "InvalidParameterValue"
    );

    let input = CreateNetworkAclRequest {
        vpc_id: vpc.clone(),
        ..Default::default()
    };
    let acl = ec2
        .create_network_acl(context, input)
        .await
        .unwrap()
        .network_acl
        .unwrap();
    let acl = acl.network_acl_id.unwrap();
    let association = default.associations.unwrap().remove(0);
    let replace = ReplaceNetworkAclAssociationRequest {
        association_id: association.network_acl_association_id.unwrap(),
        network_acl_id: acl.clone(),
        dry_run: None,
    };
    ec2.replace_network_acl_association(context, replace.clone())
        .await
        .unwrap();
    let again = ec2.replace_network_acl_association(context, replace).await;
    assert_eq!(code(again), "InvalidAssociationID.NotFound");
    let border = world.network(&vpc).await.subnets.remove(0).border;
    assert!(
        border.ingress.is_empty() && border.egress.is_empty(),
        "a new one lets nothing through"
    );

    let entry = CreateNetworkAclEntryRequest {
        network_acl_id: acl.clone(),
        rule_number: 100,
        protocol: "6".into(),
        rule_action: RuleAction::Allow,
        egress: false,
        cidr_block: Some("0.0.0.0/0".into()),
        ..Default::default()
    };
    let without_ports = ec2.create_network_acl_entry(context, entry.clone()).await;
    assert_eq!(code(without_ports), "MissingParameter");
    let entry = CreateNetworkAclEntryRequest {
        port_range: Some(PortRange {
            from: Some(80),
            to: Some(80),
        }),
        ..entry
    };
    ec2.create_network_acl_entry(context, entry.clone())
        .await
        .unwrap();
    let again = ec2.create_network_acl_entry(context, entry).await;
    assert_eq!(code(again), "NetworkAclEntryAlreadyExists");
    let border = world.network(&vpc).await.subnets.remove(0).border;
    assert_eq!(border.ingress[0].protocol, Protocol::Tcp { from: 80, to: 80 });
    let delete = DeleteNetworkAclRequest {
        network_acl_id: acl,
        dry_run: None,
    };
    assert_eq!(
        code(ec2.delete_network_acl(context, delete).await),
        "DependencyViolation"
    );
}

#[tokio::test]
async fn main_and_own_tables_change_places() {
    let world = world();
    let (ec2, context) = (&world.ec2, &world.context);
    let vpc = world.vpc().await;
    let gateway = world.gateway(&vpc).await;
    world.subnet(&vpc, "10.0.1.0/24").await.unwrap();
    let input = CreateRouteTableRequest {
        vpc_id: vpc.clone(),
        ..Default::default()
    };
    let made = ec2.create_route_table(context, input).await.unwrap();
    let table = made.route_table.unwrap().route_table_id.unwrap();
    let route = CreateRouteRequest {
        route_table_id: table.clone(),
        destination_cidr_block: Some("0.0.0.0/0".into()),
        gateway_id: Some(gateway.clone()),
        ..Default::default()
    };
    ec2.create_route(context, route.clone()).await.unwrap();
    let inside = CreateRouteRequest {
        destination_cidr_block: Some("10.0.0.0/16".into()),
        ..route
    };
    assert_eq!(
        code(ec2.create_route(context, inside).await),
        "RouteAlreadyExists"
    );
    let input = DescribeRouteTablesRequest {
        filters: Some(vec![filter("vpc-id", &vpc), filter("association.main", "true")]),
        ..Default::default()
    };
    let found = ec2.describe_route_tables(context, input).await.unwrap();
    let main = found
        .route_tables
        .unwrap()
        .remove(0)
        .associations
        .unwrap()
        .remove(0);
    let replace = ReplaceRouteTableAssociationRequest {
        association_id: main.route_table_association_id.unwrap(),
        route_table_id: table.clone(),
        dry_run: None,
    };
    ec2.replace_route_table_association(context, replace)
        .await
        .unwrap();
    assert_eq!(world.way_out(&vpc).await, Some(Target::Internet));
    let replace = ReplaceRouteRequest {
        route_table_id: table,
        destination_cidr_block: Some("192.0.2.0/24".into()),
        gateway_id: Some(gateway),
        ..Default::default()
    };
    assert_eq!(
        code(ec2.replace_route(context, replace).await),
        "InvalidParameterValue"
    );
}

#[tokio::test]
async fn an_interface_changes_while_it_is_there() {
    let world = world();
    let (ec2, context) = (&world.ec2, &world.context);
    let vpc = world.vpc().await;
    world.gateway(&vpc).await;
    let subnet = world.subnet(&vpc, "10.0.1.0/24").await.unwrap();
    let id = world.interface(&subnet, "").await.network_interface_id.unwrap();
    let change = ModifyNetworkInterfaceAttributeRequest {
        network_interface_id: id.clone(),
        ..Default::default()
    };
    let nothing = ec2
        .modify_network_interface_attribute(context, change.clone())
        .await;
    assert_eq!(code(nothing), "MissingParameter");
    for one in [
        ModifyNetworkInterfaceAttributeRequest {
            associate_public_ip_address: Some(true),
            ..change.clone()
        },
        ModifyNetworkInterfaceAttributeRequest {
            source_dest_check: Some(AttributeBooleanValue { value: Some(false) }),
            ..change.clone()
        },
    ] {
        ec2.modify_network_interface_attribute(context, one)
            .await
            .unwrap();
    }
    let network = world.network(&vpc).await;
    assert!(network.interfaces[0].forwards);
    assert_eq!(network.public[0].private.to_string(), "10.0.1.4");
    let found = ec2
        .describe_network_interfaces(context, Default::default())
        .await
        .unwrap();
    let shown = found.network_interfaces.unwrap().remove(0).association.unwrap();
    assert_eq!(shown.ip_owner_id.as_deref(), Some("amazon"));
    assert!(world.addresses().await.is_empty(), "it is not an elastic one");
}

#[tokio::test]
async fn rules_are_changed_one_by_one() {
    let world = world();
    let (ec2, context) = (&world.ec2, &world.context);
    world.vpc().await;
    // Without a VPC it is the default one's, where groups also go by their names.
    let input = CreateSecurityGroupRequest {
        group_name: "web".into(),
        description: "d".into(),
        ..Default::default()
    };
    let group = ec2
        .create_security_group(context, input)
        .await
        .unwrap()
        .group_id
        .unwrap();
    let allow = AuthorizeSecurityGroupIngressRequest {
        group_name: Some("web".into()),
        ip_protocol: Some("tcp".into()),
        from_port: Some(80),
        to_port: Some(80),
        cidr_ip: Some("0.0.0.0/0".into()),
        ..Default::default()
    };
    let added = ec2
        .authorize_security_group_ingress(context, allow)
        .await
        .unwrap();
    let rule = added
        .security_group_rules
        .unwrap()
        .remove(0)
        .security_group_rule_id
        .unwrap();
    let modify = ModifySecurityGroupRulesRequest {
        group_id: group,
        security_group_rules: vec![SecurityGroupRuleUpdate {
            security_group_rule_id: rule.clone(),
            security_group_rule: Some(SecurityGroupRuleRequest {
                ip_protocol: Some("icmp".into()),
                from_port: Some(8),
                to_port: Some(-1),
                cidr_ipv4: Some("10.0.0.0/8".into()),
                ..Default::default()
            }),
        }],
        dry_run: None,
    };
    ec2.modify_security_group_rules(context, modify).await.unwrap();
    let describe = UpdateSecurityGroupRuleDescriptionsIngressRequest {
        group_name: Some("web".into()),
        security_group_rule_descriptions: Some(vec![SecurityGroupRuleDescription {
            security_group_rule_id: Some(rule.clone()),
            description: Some("ping".into()),
        }]),
        ..Default::default()
    };
    ec2.update_security_group_rule_descriptions_ingress(context, describe)
        .await
        .unwrap();
    let input = DescribeSecurityGroupRulesRequest {
        security_group_rule_ids: Some(vec![rule]),
        ..Default::default()
    };
    let found = ec2.describe_security_group_rules(context, input).await.unwrap();
    let shown = found.security_group_rules.unwrap().remove(0);
    assert_eq!(
        (
            shown.ip_protocol.as_deref(),
            shown.from_port,
            shown.description.as_deref()
        ),
        (Some("icmp"), Some(8), Some("ping"))
    );
}
