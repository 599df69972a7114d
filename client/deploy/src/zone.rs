//! Hosted zones of Route 53: finding the one that a domain belongs to, and its records.

use aws_shape::route53::{
    self, Change, ChangeAction, ChangeBatch, ChangeResourceRecordSetsRequest, HostedZone,
    ListHostedZonesByNameRequest, ListResourceRecordSetsRequest, RRType, ResourceRecordSet, TagResourceType,
};

use crate::aws::Tags;
use crate::deployer::Deployer;
use crate::domain::{DomainName, is_same};
use crate::failure::{Doing as _, Failure};
use crate::status::short;

/// Zones and records that one call lists; what is looked for comes first.
const LISTED_MAX: &str = "100";

/// A public hosted zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Zone {
    /// Without `/hostedzone/`.
    pub id: String,
    /// Without the last dot.
    pub name: String,
    /// Who asked for it, in the words of the request.
    pub reference: String,
}

impl From<HostedZone> for Zone {
    fn from(zone: HostedZone) -> Self {
        Self {
            id: short(&zone.id).to_owned(),
            name: zone.name.trim_end_matches('.').to_owned(),
            reference: zone.caller_reference,
        }
    }
}

impl Deployer {
    /// The public zone with the longest name that is the domain's or that of a parent.
    pub(crate) async fn zone_of(&self, domain: &DomainName) -> Result<Option<Zone>, Failure> {
        for name in domain.with_parents() {
            let input = ListHostedZonesByNameRequest {
                dns_name: Some(name.to_owned()),
                max_items: Some(LISTED_MAX.to_owned()),
                ..Default::default()
            };
            let (aws, doing) = (&self.aws, "looking for the domain's zone");
            let found = aws.zones.list_hosted_zones_by_name(&aws.context, input).await;
            let found = found.doing(doing)?.hosted_zones.into_iter();
            let mut same = found.take_while(|zone| is_same(&zone.name, name));
            if let Some(zone) = same.find(|zone| !is_private(zone)) {
                return Ok(Some(zone.into()));
            }
        }
        Ok(None)
    }

    pub(crate) async fn zone_tags(&self, zone: &Zone) -> Result<Tags, Failure> {
        let input = route53::ListTagsForResourceRequest {
            resource_type: TagResourceType::Hostedzone,
            resource_id: zone.id.clone(),
        };
        let found = self
            .aws
            .zones
            .list_tags_for_resource(&self.aws.context, input)
            .await;
        let found = found.found(&["NoSuchHostedZone"], "asking whose zone it is")?;
        Ok(Tags::from(found.and_then(|it| it.resource_tag_set.tags)))
    }

    /// All records of one name.
    pub(crate) async fn records(&self, zone: &Zone, name: &str) -> Result<Vec<ResourceRecordSet>, Failure> {
        let mut records = self.records_from(zone, Some(name)).await?;
        records.retain(|it| is_same(&it.name, name));
        Ok(records)
    }

    /// The first records of a zone, in the order of their names.
    pub(crate) async fn records_from(
        &self,
        zone: &Zone,
        name: Option<&str>,
    ) -> Result<Vec<ResourceRecordSet>, Failure> {
        let input = ListResourceRecordSetsRequest {
            hosted_zone_id: zone.id.clone(),
            start_record_name: name.map(str::to_owned),
            max_items: Some(LISTED_MAX.to_owned()),
            ..Default::default()
        };
        let found = self
            .aws
            .zones
            .list_resource_record_sets(&self.aws.context, input)
            .await;
        let found = found.found(&["NoSuchHostedZone"], "looking at the zone's records")?;
        Ok(found.map(|it| it.resource_record_sets).unwrap_or_default())
    }

    /// Writes or deletes one record.
    pub(crate) async fn change_record(
        &self,
        zone: &Zone,
        action: ChangeAction,
        record: ResourceRecordSet,
    ) -> Result<(), Failure> {
        let verb = if action == ChangeAction::Delete {
            "deleting"
        } else {
            "writing"
        };
        let doing = format!("{verb} the record {}", record.name);
        let input = ChangeResourceRecordSetsRequest {
            hosted_zone_id: zone.id.clone(),
            change_batch: ChangeBatch {
                comment: None,
                changes: vec![Change {
                    action,
                    resource_record_set: record,
                }],
            },
        };
        let changed = self
            .aws
            .zones
            .change_resource_record_sets(&self.aws.context, input)
            .await;
        changed.doing(doing)?;
        Ok(())
    }
}

fn is_private(zone: &HostedZone) -> bool {
    let config = zone.config.as_ref();
    config.and_then(|it| it.private_zone).unwrap_or_default()
}

/// Whether an alias leads to a load balancer. Consoles write the name that has IPv6 addresses too.
pub(crate) fn leads_to(record: &ResourceRecordSet, balancer: &str) -> bool {
    let target = record.alias_target.as_ref();
    target.is_some_and(|target| {
        let name = target.dns_name.as_str();
        is_same(name.strip_prefix("dualstack.").unwrap_or(name), balancer)
    })
}

/// What every zone has.
pub(crate) fn is_of_every_zone(record: &ResourceRecordSet, zone: &Zone) -> bool {
    is_same(&record.name, &zone.name) && matches!(record.type_, RRType::Ns | RRType::Soa)
}
