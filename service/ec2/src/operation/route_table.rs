//! Route tables: which way packets leave a subnet.

use aws_protocol::Context;
use aws_shape::ec2::*;
use base_id::Scope;
use base_store::Transaction;
use ipnet::Ipv4Net;

use super::{default, tag, vpc};
use crate::Ec2;
use crate::error::{Error, dependency, dry_run, invalid, missing, unsupported, with_code};
use crate::filter::{self, Facts};
use crate::model;
use crate::table::{self, GATEWAYS, NAT_GATEWAYS, ROUTE_TABLES, VPCS, key};

pub(super) async fn create_route_table(
    ec2: &Ec2,
    context: &Context,
    input: CreateRouteTableRequest,
) -> Result<CreateRouteTableResult, Error> {
    let tags = tag::parse(input.tag_specifications, &ResourceType::RouteTable)?;
    let (scope, id) = (context.scope.clone(), ec2.new_id("rtb"));
    let answer = ec2
        .store
        .write(move |tx| {
            let vpc = table::vpc(tx, &scope, &input.vpc_id)?;
            dry_run(input.dry_run)?;
            let (routes, associations) = (vec![], vec![]);
            let table = model::RouteTable {
                id,
                vpc: vpc.id.clone(),
                main_association: None,
                routes,
                associations,
                tags,
            };
            tx.put(ROUTE_TABLES, &key(&scope, &table.id), table.clone());
            Ok::<_, Error>(shape(&table, vpc.range, &scope.account, |_| true))
        })
        .await?;
    Ok(CreateRouteTableResult {
        route_table: Some(answer),
        ..Default::default()
    })
}

pub(super) async fn create_route(
    ec2: &Ec2,
    context: &Context,
    input: CreateRouteRequest,
) -> Result<CreateRouteResult, Error> {
    let wanted = Wanted {
        v6: input.destination_ipv6_cidr_block.is_some(),
        destination: input.destination_cidr_block,
        gateway: input.gateway_id,
        nat: input.nat_gateway_id,
        others: [
            ("DestinationPrefixListId", input.destination_prefix_list_id),
            ("VpcEndpointId", input.vpc_endpoint_id),
            ("TransitGatewayId", input.transit_gateway_id),
            ("LocalGatewayId", input.local_gateway_id),
            ("CarrierGatewayId", input.carrier_gateway_id),
            ("CoreNetworkArn", input.core_network_arn),
            (
                "EgressOnlyInternetGatewayId",
                input.egress_only_internet_gateway_id,
            ),
            ("InstanceId", input.instance_id),
            ("NetworkInterfaceId", input.network_interface_id),
            ("VpcPeeringConnectionId", input.vpc_peering_connection_id),
        ],
    };
    let scope = context.scope.clone();
    ec2.store
        .write(move |tx| {
            let mut table = table::route_table(tx, &scope, &input.route_table_id)?;
            let route = wanted.route(tx, &scope, &table)?;
            if table
                .routes
                .iter()
                .any(|other| other.destination == route.destination)
            {
                let message = format!("The route identified by {} already exists.", route.destination);
                return Err(with_code("RouteAlreadyExists", message));
            }
            dry_run(input.dry_run)?;
            table.routes.push(route);
            tx.put(ROUTE_TABLES, &key(&scope, &input.route_table_id), table);
            Ok::<_, Error>(())
        })
        .await?;
    Ok(CreateRouteResult { return_: Some(true) })
}

pub(super) async fn replace_route(
    ec2: &Ec2,
    context: &Context,
    input: ReplaceRouteRequest,
) -> Result<(), Error> {
    if input.local_target == Some(true) {
        return Err(unsupported("LocalTarget"));
    }
    let wanted = Wanted {
        v6: input.destination_ipv6_cidr_block.is_some(),
        destination: input.destination_cidr_block,
        gateway: input.gateway_id,
        nat: input.nat_gateway_id,
        others: [
            ("DestinationPrefixListId", input.destination_prefix_list_id),
            ("VpcEndpointId", input.vpc_endpoint_id),
            ("TransitGatewayId", input.transit_gateway_id),
            ("LocalGatewayId", input.local_gateway_id),
            ("CarrierGatewayId", input.carrier_gateway_id),
            ("CoreNetworkArn", input.core_network_arn),
            (
                "EgressOnlyInternetGatewayId",
                input.egress_only_internet_gateway_id,
            ),
            ("InstanceId", input.instance_id),
            ("NetworkInterfaceId", input.network_interface_id),
            ("VpcPeeringConnectionId", input.vpc_peering_connection_id),
        ],
    };
    let scope = context.scope.clone();
    ec2.store
        .write(move |tx| {
            let mut table = table::route_table(tx, &scope, &input.route_table_id)?;
            let route = wanted.route(tx, &scope, &table)?;
            let mut routes = table.routes.iter_mut();
            let old = routes.find(|other| other.destination == route.destination);
            let old = old.ok_or_else(|| {
                let message = format!(
                    "There is no route defined for '{}' in the route table. Use CreateRoute instead.",
                    route.destination
                );
                with_code("InvalidParameterValue", message)
            })?;
            dry_run(input.dry_run)?;
            *old = route;
            tx.put(ROUTE_TABLES, &key(&scope, &input.route_table_id), table);
            Ok(())
        })
        .await
}

/// A route as both operations that write one are given it.
struct Wanted {
    destination: Option<String>,
    v6: bool,
    gateway: Option<String>,
    nat: Option<String>,
    /// Targets and kinds of destinations that are not served.
    others: [(&'static str, Option<String>); 10],
}

impl Wanted {
    fn route(
        &self,
        tx: &Transaction,
        scope: &Scope,
        table: &model::RouteTable,
    ) -> Result<model::Route, Error> {
        if self.v6 {
            return Err(unsupported("DestinationIpv6CidrBlock"));
        }
        if let Some((name, _)) = self.others.iter().find(|(_, given)| given.is_some()) {
            return Err(unsupported(name));
        }
        let destination = destination(self.destination.as_deref())?;
        let vpc = table::vpc(tx, scope, &table.vpc)?;
        if destination == vpc.range {
            let message = format!("The route identified by {destination} already exists.");
            return Err(with_code("RouteAlreadyExists", message));
        }
        if vpc.range.contains(&destination) {
            return Err(unsupported("DestinationCidrBlock inside the VPC's own range"));
        }
        let gateway = match (&self.gateway, &self.nat) {
            (Some(_), Some(_)) => {
                let message = "The request must contain exactly one target.";
                return Err(with_code("InvalidParameterCombination", message));
            }
            (Some(id), None) | (None, Some(id)) if id.starts_with("nat-") => {
                let gateways = table::all(tx, NAT_GATEWAYS, scope);
                let gateway = gateways
                    .iter()
                    .find(|one| one.id == *id && one.deleting.is_none());
                let gateway = gateway.ok_or_else(|| {
                    let message = format!("The natGateway ID '{id}' does not exist");
                    with_code("InvalidNatGatewayID.NotFound", message)
                })?;
                self.same_network(&gateway.vpc, table, id)?;
                id
            }
            (Some(id), None) => {
                let gateway = table::gateway(tx, scope, id)?;
                self.same_network(gateway.vpc.as_deref().unwrap_or_default(), table, id)?;
                id
            }
            (None, Some(id)) => {
                let message = format!("The natGateway ID '{id}' does not exist");
                return Err(with_code("InvalidNatGatewayID.NotFound", message));
            }
            (None, None) => return Err(missing("gatewayId")),
        };
        Ok(model::Route {
            destination,
            gateway: gateway.clone(),
        })
    }

    fn same_network(&self, vpc: &str, table: &model::RouteTable, gateway: &str) -> Result<(), Error> {
        if vpc == table.vpc {
            return Ok(());
        }
        let message = format!(
            "route table {} and network gateway {gateway} belong to different networks",
            table.id
        );
        Err(with_code("InvalidParameterValue", message))
    }
}

fn destination(text: Option<&str>) -> Result<Ipv4Net, Error> {
    let text = text.ok_or_else(|| missing("destinationCidrBlock"))?;
    vpc::parse_range(text)
        .ok_or_else(|| invalid("destinationCidrBlock", text, "This is not a valid CIDR block."))
}

pub(super) async fn delete_route(
    ec2: &Ec2,
    context: &Context,
    input: DeleteRouteRequest,
) -> Result<(), Error> {
    let destination = destination(input.destination_cidr_block.as_deref())?;
    let scope = context.scope.clone();
    ec2.store
        .write(move |tx| {
            let mut table = table::route_table(tx, &scope, &input.route_table_id)?;
            let before = table.routes.len();
            table.routes.retain(|route| route.destination != destination);
            if table.routes.len() == before {
                let message = format!(
                    "no route with destination-cidr-block {destination} in route table {}",
                    table.id
                );
                return Err(with_code("InvalidRoute.NotFound", message));
            }
            dry_run(input.dry_run)?;
            tx.put(ROUTE_TABLES, &key(&scope, &input.route_table_id), table);
            Ok(())
        })
        .await
}

pub(super) async fn associate_route_table(
    ec2: &Ec2,
    context: &Context,
    input: AssociateRouteTableRequest,
) -> Result<AssociateRouteTableResult, Error> {
    if input.gateway_id.is_some() {
        return Err(unsupported("GatewayId"));
    }
    let subnet = input.subnet_id.ok_or_else(|| missing("subnetId"))?;
    let (scope, new_id) = (context.scope.clone(), ec2.new_id("rtbassoc"));
    let id = ec2
        .store
        .write(move |tx| {
            let mut table = table::route_table(tx, &scope, &input.route_table_id)?;
            let subnet = table::subnet(tx, &scope, &subnet)?;
            if subnet.vpc != table.vpc {
                let message = format!(
                    "route table {} and subnet {} belong to different networks",
                    table.id, subnet.id
                );
                return Err(with_code("InvalidParameterValue", message));
            }
            let tables = table::all(tx, ROUTE_TABLES, &scope);
            let mut associations = tables
                .iter()
                .flat_map(|one| one.associations.iter().map(move |it| (one, it)));
            if let Some((other, old)) = associations.find(|(_, it)| it.subnet == subnet.id) {
                if other.id == table.id {
                    return Ok(old.id.clone());
                }
                let message = format!(
                    "the specified association for route table {} conflicts with an existing association",
                    table.id
                );
                return Err(with_code("Resource.AlreadyAssociated", message));
            }
            dry_run(input.dry_run)?;
            table.associations.push(model::Association {
                id: new_id.clone(),
                subnet: subnet.id,
            });
            tx.put(ROUTE_TABLES, &key(&scope, &input.route_table_id), table);
            Ok::<_, Error>(new_id)
        })
        .await?;
    Ok(AssociateRouteTableResult {
        association_id: Some(id),
        association_state: Some(associated()),
    })
}

fn associated() -> RouteTableAssociationState {
    RouteTableAssociationState {
        state: Some(RouteTableAssociationStateCode::Associated),
        status_message: None,
    }
}

pub(super) async fn disassociate_route_table(
    ec2: &Ec2,
    context: &Context,
    input: DisassociateRouteTableRequest,
) -> Result<(), Error> {
    let scope = context.scope.clone();
    ec2.store
        .write(move |tx| {
            let id = input.association_id;
            for mut table in table::all(tx, ROUTE_TABLES, &scope) {
                if table.main_association.as_ref() == Some(&id) {
                    let message = "cannot disassociate the main route table association";
                    return Err(invalid("associationId", &id, message));
                }
                if table.associations.iter().any(|one| one.id == id) {
                    dry_run(input.dry_run)?;
                    table.associations.retain(|one| one.id != id);
                    let place = key(&scope, &table.id);
                    tx.put(ROUTE_TABLES, &place, table);
                    return Ok(());
                }
            }
            Err(unknown_association(&id))
        })
        .await
}

pub(super) async fn replace_route_table_association(
    ec2: &Ec2,
    context: &Context,
    input: ReplaceRouteTableAssociationRequest,
) -> Result<ReplaceRouteTableAssociationResult, Error> {
    let (scope, new_id) = (context.scope.clone(), ec2.new_id("rtbassoc"));
    let id = ec2
        .store
        .write(move |tx| {
            let id = input.association_id;
            let mut to = table::route_table(tx, &scope, &input.route_table_id)?;
            let has = |one: &model::RouteTable| {
                one.main_association.as_ref() == Some(&id) || one.associations.iter().any(|it| it.id == id)
            };
            let found = table::all(tx, ROUTE_TABLES, &scope).into_iter().find(has);
            let mut from = found.ok_or_else(|| unknown_association(&id))?;
            if from.vpc != to.vpc {
                let message = format!(
                    "route table {} and its subnet belong to different networks",
                    to.id
                );
                return Err(with_code("InvalidParameterValue", message));
            }
            dry_run(input.dry_run)?;
            if from.id == to.id {
                return Ok(id);
            }
            if from.main_association.as_ref() == Some(&id) {
                from.main_association = None;
                to.main_association = Some(new_id.clone());
            } else if let Some(at) = from.associations.iter().position(|it| it.id == id) {
                let subnet = from.associations.remove(at).subnet;
                to.associations.push(model::Association {
                    id: new_id.clone(),
                    subnet,
                });
            }
            for table in [from, to] {
                let place = key(&scope, &table.id);
                tx.put(ROUTE_TABLES, &place, table);
            }
            Ok::<_, Error>(new_id)
        })
        .await?;
    Ok(ReplaceRouteTableAssociationResult {
        new_association_id: Some(id),
        association_state: Some(associated()),
    })
}

fn unknown_association(id: &str) -> Error {
    let message = format!("The association ID '{id}' does not exist");
    with_code("InvalidAssociationID.NotFound", message)
}

pub(super) async fn delete_route_table(
    ec2: &Ec2,
    context: &Context,
    input: DeleteRouteTableRequest,
) -> Result<(), Error> {
    let scope = context.scope.clone();
    ec2.store
        .write(move |tx| {
            let table = table::route_table(tx, &scope, &input.route_table_id)?;
            if table.main_association.is_some() || !table.associations.is_empty() {
                return Err(dependency("routeTable", &table.id));
            }
            dry_run(input.dry_run)?;
            tx.delete(ROUTE_TABLES, &key(&scope, &table.id));
            Ok(())
        })
        .await
}

pub(super) async fn describe_route_tables(
    ec2: &Ec2,
    context: &Context,
    input: DescribeRouteTablesRequest,
) -> Result<DescribeRouteTablesResult, Error> {
    dry_run(input.dry_run)?;
    let scope = &context.scope;
    default::ensure(ec2, scope).await?;
    let snapshot = ec2.store.snapshot();
    let mut tables: Vec<_> = snapshot
        .prefix(ROUTE_TABLES, &table::prefix(scope))
        .into_iter()
        .map(|(_, row)| row)
        .collect();
    if let Some(ids) = &input.route_table_ids {
        if let Some(unknown) = ids.iter().find(|id| !tables.iter().any(|one| one.id == **id)) {
            return Err(crate::error::not_found("RouteTable", "routeTable", unknown));
        }
        tables.retain(|one| ids.contains(&one.id));
    }
    let attached = |id: &str| {
        let place = key(scope, id);
        let gateway = snapshot.get(GATEWAYS, &place);
        let nat = snapshot.get(NAT_GATEWAYS, &place);
        gateway.is_some_and(|one| one.vpc.is_some())
            || nat.is_some_and(|one| one.deleting.is_none() && one.failure.is_none())
    };
    let mut found = Vec::new();
    for table in tables {
        let facts = Facts::new(&table.tags)
            .with("route-table-id", &table.id)
            .with("vpc-id", &table.vpc)
            .with("owner-id", &scope.account)
            .with("association.main", table.main_association.is_some())
            .with_all(
                "association.subnet-id",
                table.associations.iter().map(|one| one.subnet.clone()),
            )
            .with_all(
                "association.route-table-association-id",
                table
                    .associations
                    .iter()
                    .map(|one| one.id.clone())
                    .chain(table.main_association.clone()),
            )
            .with_all(
                "association.route-table-id",
                table
                    .associations
                    .iter()
                    .map(|_| table.id.clone())
                    .chain(table.main_association.iter().map(|_| table.id.clone())),
            )
            .with_all(
                "route.gateway-id",
                targets(&table, false).chain(["local".to_owned()]),
            )
            .with_all("route.nat-gateway-id", targets(&table, true))
            .with_all(
                "route.destination-cidr-block",
                table.routes.iter().map(|one| one.destination.to_string()),
            )
            .with_all(
                "route.state",
                table.routes.iter().map(|one| {
                    let state = if attached(&one.gateway) {
                        "active"
                    } else {
                        "blackhole"
                    };
                    state.to_owned()
                }),
            );
        if facts.match_all(input.filters.as_deref().unwrap_or_default())? {
            let range = snapshot
                .get(VPCS, &key(scope, &table.vpc))
                .map(|vpc| vpc.range)
                .unwrap_or_default();
            found.push(shape(&table, range, &scope.account, attached));
        }
    }
    let (route_tables, next_token) = filter::page(found, input.max_results, input.next_token.as_deref())?;
    Ok(DescribeRouteTablesResult {
        route_tables: Some(route_tables),
        next_token,
    })
}

/// Ids of the NAT gateways, or of the other ones, that a table's routes lead to.
fn targets(table: &model::RouteTable, nat: bool) -> impl Iterator<Item = String> {
    let routes = table.routes.iter().filter(move |one| one.is_nat() == nat);
    routes.map(|one| one.gateway.clone())
}

fn shape(
    table: &model::RouteTable,
    range: Ipv4Net,
    owner: &str,
    attached: impl Fn(&str) -> bool,
) -> RouteTable {
    let local = Route {
        destination_cidr_block: Some(range.to_string()),
        gateway_id: Some("local".into()),
        origin: Some(RouteOrigin::CreateRouteTable),
        state: Some(RouteState::Active),
        ..Default::default()
    };
    let routes = table.routes.iter().map(|route| Route {
        destination_cidr_block: Some(route.destination.to_string()),
        gateway_id: (!route.is_nat()).then(|| route.gateway.clone()),
        nat_gateway_id: route.is_nat().then(|| route.gateway.clone()),
        origin: Some(RouteOrigin::CreateRoute),
        state: Some(if attached(&route.gateway) {
            RouteState::Active
        } else {
            RouteState::Blackhole
        }),
        ..Default::default()
    });
    let association = |id: &String, subnet: Option<String>| RouteTableAssociation {
        main: Some(subnet.is_none()),
        route_table_association_id: Some(id.clone()),
        route_table_id: Some(table.id.clone()),
        subnet_id: subnet,
        association_state: Some(associated()),
        ..Default::default()
    };
    let main = table.main_association.iter().map(|id| association(id, None));
    let explicit = table
        .associations
        .iter()
        .map(|one| association(&one.id, Some(one.subnet.clone())));
    RouteTable {
        route_table_id: Some(table.id.clone()),
        vpc_id: Some(table.vpc.clone()),
        owner_id: Some(owner.to_owned()),
        routes: Some(std::iter::once(local).chain(routes).collect()),
        associations: Some(main.chain(explicit).collect()),
        propagating_vgws: Some(vec![]),
        tags: Some(tag::shape(&table.tags)),
    }
}
