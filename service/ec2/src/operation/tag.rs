//! Tags: of any resource, given with it or later.

use aws_protocol::Context;
use aws_shape::ec2::*;
use base_id::Scope;
use base_store::{Table, Transaction};

use crate::Ec2;
use crate::error::{Error, dry_run, invalid, missing};
use crate::filter::{self, Facts};
use crate::model::Tags;
use crate::table::{
    self, ACLS, ADDRESSES, GATEWAYS, GROUPS, INSTANCES, INTERFACES, KEY_PAIRS, LAUNCH_TEMPLATES,
    NAT_GATEWAYS, ROUTE_TABLES, SUBNETS, VPCS, key, prefix,
};

/// The tags that a creating operation was given for this kind of resource.
pub(super) fn parse(
    specifications: Option<Vec<TagSpecification>>,
    kind: &ResourceType,
) -> Result<Tags, Error> {
    let mut tags = Tags::new();
    for specification in specifications.into_iter().flatten() {
        let given = specification
            .resource_type
            .ok_or_else(|| missing("ResourceType"))?;
        if given != *kind {
            let why = "The tag specification names another kind of resource.";
            return Err(invalid("resourceType", given.as_str(), why));
        }
        tags.extend(specification.tags.into_iter().flatten().filter_map(pair));
    }
    check(&tags)?;
    Ok(tags)
}

fn pair(tag: Tag) -> Option<(String, String)> {
    Some((tag.key?, tag.value.unwrap_or_default()))
}

/// Services act on their own account under these names; no caller's credentials lead to them.
const SERVICE_PRINCIPALS: &str = "arn:aws:iam::aws:";

pub(super) fn is_service(context: &Context) -> bool {
    context.principal_arn.starts_with(SERVICE_PRINCIPALS)
}

pub(super) fn check(tags: &Tags) -> Result<(), Error> {
    if let Some(reserved) = tags.keys().find(|key| key.starts_with("aws:")) {
        return Err(invalid(
            "key",
            reserved,
            "Tag keys starting with 'aws:' are reserved for internal use",
        ));
    }
    Ok(())
}

pub(super) fn shape(tags: &Tags) -> Vec<Tag> {
    tags.iter()
        .map(|(key, value)| Tag {
            key: Some(key.clone()),
            value: Some(value.clone()),
        })
        .collect()
}

pub(super) async fn create_tags(ec2: &Ec2, context: &Context, input: CreateTagsRequest) -> Result<(), Error> {
    let tags: Tags = input.tags.into_iter().filter_map(pair).collect();
    check(&tags)?;
    dry_run(input.dry_run)?;
    change(ec2, context, input.resources, move |old| old.extend(tags.clone())).await
}

pub(super) async fn delete_tags(ec2: &Ec2, context: &Context, input: DeleteTagsRequest) -> Result<(), Error> {
    dry_run(input.dry_run)?;
    let wanted = input.tags;
    change(ec2, context, input.resources, move |old| match &wanted {
        None => old.retain(|key, _| key.starts_with("aws:")),
        Some(wanted) => old.retain(|key, value| {
            let named =
                |tag: &Tag| tag.key.as_ref() == Some(key) && tag.value.as_ref().is_none_or(|it| it == value);
            !wanted.iter().any(named)
        }),
    })
    .await
}

async fn change(
    ec2: &Ec2,
    context: &Context,
    ids: Vec<String>,
    edit: impl Fn(&mut Tags) + Send + 'static,
) -> Result<(), Error> {
    let scope = context.scope.clone();
    ec2.store
        .write(move |tx| {
            for id in &ids {
                let known = edit_row(tx, VPCS, &scope, id, |row| edit(&mut row.tags))
                    || edit_row(tx, SUBNETS, &scope, id, |row| edit(&mut row.tags))
                    || edit_row(tx, GATEWAYS, &scope, id, |row| edit(&mut row.tags))
                    || edit_row(tx, ROUTE_TABLES, &scope, id, |row| edit(&mut row.tags))
                    || edit_row(tx, GROUPS, &scope, id, |row| edit(&mut row.tags))
                    || edit_row(tx, INTERFACES, &scope, id, |row| edit(&mut row.tags))
                    || edit_row(tx, INSTANCES, &scope, id, |row| edit(&mut row.tags))
                    || edit_row(tx, LAUNCH_TEMPLATES, &scope, id, |row| edit(&mut row.tags))
                    || edit_volume(tx, &scope, id, &edit)
                    || edit_key(tx, &scope, id, &edit)
                    || edit_row(tx, ACLS, &scope, id, |row| edit(&mut row.tags))
                    || edit_row(tx, ADDRESSES, &scope, id, |row| edit(&mut row.tags))
                    || edit_row(tx, NAT_GATEWAYS, &scope, id, |row| edit(&mut row.tags))
                    || edit_rule(tx, &scope, id, &edit);
                if !known {
                    return Err(untaggable(id));
                }
            }
            Ok(())
        })
        .await
}

/// What tags can be put on, by how its ids begin: in AWS's codes and in its sentences.
const KINDS: &[(&str, &str, &str)] = &[
    ("vpc", "Vpc", "vpc"),
    ("subnet", "Subnet", "subnet"),
    ("igw", "InternetGateway", "internetGateway"),
    ("rtb", "RouteTable", "routeTable"),
    ("acl", "NetworkAcl", "networkAcl"),
    ("i", "Instance", "instance"),
];

fn untaggable(id: &str) -> Error {
    let (kind, digits) = id.split_once('-').unwrap_or_default();
    let well_formed = matches!(digits.len(), 8 | 17) && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let known = KINDS.iter().find(|(head, ..)| *head == kind && well_formed);
    match (kind, known) {
        ("sg", _) if well_formed => crate::error::group_not_found(id),
        ("eni", _) if well_formed => crate::error::interface_not_found(id),
        (_, Some((_, noun, word))) => crate::error::not_found(noun, word, id),
        _ => crate::error::with_code("InvalidID", format!("The ID '{id}' is not valid")),
    }
}

/// A volume's tags are kept with its instance.
fn edit_volume(tx: &mut Transaction, scope: &Scope, id: &str, edit: impl Fn(&mut Tags)) -> bool {
    let instances = tx.prefix(INSTANCES, &prefix(scope));
    let owner = instances.iter().find(|(_, one)| one.volume.id == id);
    owner.is_some_and(|(_, one)| edit_row(tx, INSTANCES, scope, &one.id, |row| edit(&mut row.volume.tags)))
}

/// Key pairs are stored by name.
fn edit_key(tx: &mut Transaction, scope: &Scope, id: &str, edit: impl Fn(&mut Tags)) -> bool {
    let pairs = tx.prefix(KEY_PAIRS, &prefix(scope));
    let named = pairs.iter().find(|(_, pair)| pair.id == id);
    named.is_some_and(|(_, pair)| edit_row(tx, KEY_PAIRS, scope, &pair.name, |row| edit(&mut row.tags)))
}

fn edit_row<T: Clone + serde::Serialize + serde::de::DeserializeOwned + Send + Sync + 'static>(
    transaction: &mut Transaction,
    table: Table<T>,
    scope: &Scope,
    id: &str,
    edit: impl Fn(&mut T),
) -> bool {
    let place = key(scope, id);
    let Some(row) = transaction.get(table, &place) else {
        return false;
    };
    let mut row = T::clone(&row);
    edit(&mut row);
    transaction.put(table, &place, row);
    true
}

/// Rules live inside their groups.
fn edit_rule(transaction: &mut Transaction, scope: &Scope, id: &str, edit: impl Fn(&mut Tags)) -> bool {
    for mut group in table::all(transaction, GROUPS, scope) {
        if let Some(rule) = group.rules.iter_mut().find(|rule| rule.id == id) {
            edit(&mut rule.tags);
            let place = key(scope, &group.id);
            transaction.put(GROUPS, &place, group);
            return true;
        }
    }
    false
}

pub(super) async fn describe_tags(
    ec2: &Ec2,
    context: &Context,
    input: DescribeTagsRequest,
) -> Result<DescribeTagsResult, Error> {
    dry_run(input.dry_run)?;
    let (snapshot, head) = (ec2.store.snapshot(), prefix(&context.scope));
    let mut all: Vec<(String, ResourceType, Tags)> = Vec::new();
    macro_rules! collect {
        ($($table:ident: $kind:ident),*) => {$(
            all.extend(snapshot.prefix($table, &head).into_iter().map(|(_, row)| {
                (row.id.clone(), ResourceType::$kind, row.tags.clone())
            }));
        )*};
    }
    collect!(VPCS: Vpc, SUBNETS: Subnet, GATEWAYS: InternetGateway, ROUTE_TABLES: RouteTable,
             GROUPS: SecurityGroup, INTERFACES: NetworkInterface);
    collect!(INSTANCES: Instance, KEY_PAIRS: KeyPair, LAUNCH_TEMPLATES: LaunchTemplate);
    let volumes = snapshot.prefix(INSTANCES, &head).into_iter().map(|(_, one)| {
        (
            one.volume.id.clone(),
            ResourceType::Volume,
            one.volume.tags.clone(),
        )
    });
    all.extend(volumes);
    collect!(ACLS: NetworkAcl, ADDRESSES: ElasticIp, NAT_GATEWAYS: Natgateway);
    for (_, group) in snapshot.prefix(GROUPS, &head) {
        let rules = group.rules.iter();
        all.extend(rules.map(|rule| {
            (
                rule.id.clone(),
                ResourceType::SecurityGroupRule,
                rule.tags.clone(),
            )
        }));
    }
    let mut found = Vec::new();
    for (id, kind, tags) in all {
        for (key, value) in tags {
            let facts = Facts::new(&Tags::from([(key.clone(), value.clone())]))
                .with("key", &key)
                .with("value", &value)
                .with("resource-id", &id)
                .with("resource-type", kind.as_str());
            if facts.match_all(input.filters.as_deref().unwrap_or_default())? {
                let (key, value) = (Some(key), Some(value));
                found.push(TagDescription {
                    key,
                    value,
                    resource_id: Some(id.clone()),
                    resource_type: Some(kind.clone()),
                });
            }
        }
    }
    let (tags, next_token) = filter::page(found, input.max_results, input.next_token.as_deref())?;
    Ok(DescribeTagsResult {
        tags: Some(tags),
        next_token,
    })
}
