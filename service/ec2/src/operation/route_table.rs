//! Route tables: which way packets leave a subnet.

use aws_protocol::Context;
use aws_shape::ec2::*;
use ipnet::Ipv4Net;

use super::{tag, vpc};
use crate::Ec2;
use crate::error::{Error, dependency, dry_run, invalid, missing, unsupported, with_code};
use crate::filter::{self, Facts};
use crate::model;
use crate::table::{self, GATEWAYS, ROUTE_TABLES, VPCS, key};

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
    let destination = destination(input.destination_cidr_block.as_deref())?;
    let gateway = input
        .gateway_id
        .ok_or_else(|| unsupported("beside GatewayId as a route's target"))?;
    let scope = context.scope.clone();
    ec2.store
        .write(move |tx| {
            let mut table = table::route_table(tx, &scope, &input.route_table_id)?;
            let door = table::gateway(tx, &scope, &gateway)?;
            if door.vpc.as_ref() != Some(&table.vpc) {
                let message = format!(
                    "route table {} and network gateway {gateway} belong to different networks",
                    table.id
                );
                return Err(with_code("InvalidParameterValue", message));
            }
            if table.routes.iter().any(|route| route.destination == destination) {
                let message = format!("The route identified by {destination} already exists.");
                return Err(with_code("RouteAlreadyExists", message));
            }
            dry_run(input.dry_run)?;
            table.routes.push(model::Route { destination, gateway });
            tx.put(ROUTE_TABLES, &key(&scope, &input.route_table_id), table);
            Ok::<_, Error>(())
        })
        .await?;
    Ok(CreateRouteResult { return_: Some(true) })
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
            let message = format!("The association ID '{id}' does not exist");
            Err(with_code("InvalidAssociationID.NotFound", message))
        })
        .await
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
        snapshot
            .get(GATEWAYS, &key(scope, id))
            .is_some_and(|one| one.vpc.is_some())
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
                table.associations.iter().map(|one| one.id.clone()),
            )
            .with_all(
                "route.gateway-id",
                table.routes.iter().map(|one| one.gateway.clone()),
            )
            .with_all(
                "route.destination-cidr-block",
                table.routes.iter().map(|one| one.destination.to_string()),
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
        gateway_id: Some(route.gateway.clone()),
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
