//! Availability zones: three per region, all of them this machine.

use aws_protocol::Context;
use aws_shape::ec2::*;

use crate::Ec2;
use crate::error::{Error, dry_run, invalid, with_code};
use crate::filter::Facts;
use crate::model::Tags;

const LETTERS: [char; 3] = ['a', 'b', 'c'];

pub(super) fn names(region: &str) -> Vec<String> {
    LETTERS.iter().map(|letter| format!("{region}{letter}")).collect()
}

/// `us-east-1a` is `use1-az1`.
pub(crate) fn id_of_name(name: &str) -> String {
    let (region, letter) = name.split_at(name.len().saturating_sub(1));
    let number = LETTERS
        .iter()
        .position(|known| letter.starts_with(*known))
        .unwrap_or(0)
        + 1;
    let mut parts = region.split('-');
    let (area, place, count) = (parts.next(), parts.next(), parts.next());
    let initials: String = match place.unwrap_or_default() {
        "northeast" => "ne".into(),
        "northwest" => "nw".into(),
        "southeast" => "se".into(),
        "southwest" => "sw".into(),
        other => other.chars().take(1).collect(),
    };
    format!(
        "{}{initials}{}-az{number}",
        area.unwrap_or_default(),
        count.unwrap_or_default()
    )
}

pub(super) fn name_of_id(region: &str, id: &str) -> Result<String, Error> {
    let known = names(region).into_iter().find(|name| id_of_name(name) == id);
    known.ok_or_else(|| {
        invalid(
            "availabilityZoneId",
            id,
            "There is no such availability zone in this region.",
        )
    })
}

/// The zone that a caller names by name or id, if by any.
pub(super) fn chosen(
    region: &str,
    name: Option<String>,
    id: Option<String>,
) -> Result<Option<String>, Error> {
    let by_id = id.map(|id| name_of_id(region, &id)).transpose()?;
    let Some(zone) = name.or(by_id) else {
        return Ok(None);
    };
    if !names(region).contains(&zone) {
        let known = names(region).join(", ");
        let message = format!(
            "Value ({zone}) for parameter availabilityZone is invalid. Subnets can currently only be created in the following availability zones: {known}."
        );
        return Err(with_code("InvalidParameterValue", message));
    }
    Ok(Some(zone))
}

pub(super) async fn describe_availability_zones(
    _: &Ec2,
    context: &Context,
    input: DescribeAvailabilityZonesRequest,
) -> Result<DescribeAvailabilityZonesResult, Error> {
    dry_run(input.dry_run)?;
    let region = &context.scope.region;
    let zones = names(region);
    if let Some(unknown) = input
        .zone_names
        .iter()
        .flatten()
        .find(|name| !zones.contains(name))
    {
        return Err(invalid("zoneName", unknown, "Invalid availability zone."));
    }
    let mut found = Vec::new();
    for name in zones {
        let id = id_of_name(&name);
        let facts = Facts::new(&Tags::new())
            .with("zone-name", &name)
            .with("zone-id", &id)
            .with("region-name", region)
            .with("state", "available")
            .with("zone-type", "availability-zone")
            .with("group-name", format!("{region}-zg-1"))
            .with("opt-in-status", "opt-in-not-required");
        let named = input
            .zone_names
            .as_ref()
            .is_none_or(|wanted| wanted.contains(&name));
        let by_id = input.zone_ids.as_ref().is_none_or(|wanted| wanted.contains(&id));
        if named && by_id && facts.match_all(input.filters.as_deref().unwrap_or_default())? {
            found.push(AvailabilityZone {
                zone_name: Some(name),
                zone_id: Some(id),
                region_name: Some(region.clone()),
                group_name: Some(format!("{region}-zg-1")),
                network_border_group: Some(region.clone()),
                zone_type: Some("availability-zone".into()),
                state: Some(AvailabilityZoneState::Available),
                opt_in_status: Some(AvailabilityZoneOptInStatus::OptInNotRequired),
                messages: Some(vec![]),
                ..Default::default()
            });
        }
    }
    Ok(DescribeAvailabilityZonesResult {
        availability_zones: Some(found),
    })
}
