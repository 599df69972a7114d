//! Route 53 as far as Cloud Map needs it, strict about batches; and an EC2 with one network.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use aws_protocol::{ApiError, Context};
use aws_shape::ec2;
use aws_shape::route53::{self, *};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Trouble {
    #[default]
    None,
    /// Nothing is done.
    Down,
    /// It is done, and the answer is lost: as if the caller had died in between.
    LostAnswers,
}

type Place = (String, String, Option<String>);

#[derive(Clone, Default)]
struct Zone {
    name: String,
    vpc: Option<String>,
    reference: String,
    records: BTreeMap<Place, ResourceRecordSet>,
}

#[derive(Default)]
pub(super) struct Names {
    zones: Mutex<BTreeMap<String, Zone>>,
    checks: Mutex<BTreeMap<String, CreateHealthCheckRequest>>,
    trouble: Mutex<Trouble>,
    batches: Mutex<usize>,
}

fn place(set: &ResourceRecordSet) -> Place {
    (
        set.name.clone(),
        set.type_.to_string(),
        set.set_identifier.clone(),
    )
}

fn invalid(message: &str) -> ApiError {
    ApiError::client("InvalidChangeBatch", message)
}

/// What Route 53 refuses about a record set, as far as Cloud Map could get it wrong.
fn check(zone: &Zone, set: &ResourceRecordSet) -> Result<(), ApiError> {
    if !set.name.ends_with(&format!("{}.", zone.name)) {
        return Err(invalid("RRSet is not permitted in zone"));
    }
    if set
        .name
        .split('.')
        .any(|label| label.len() > 63 || label.contains('/'))
    {
        return Err(invalid("FATAL problem: DomainLabelTooLong"));
    }
    let policies = [set.weight.is_some(), set.multi_value_answer.is_some()];
    let policies = policies.iter().filter(|it| **it).count();
    if policies != usize::from(set.set_identifier.is_some()) {
        return Err(invalid("a policy goes with a set identifier"));
    }
    if set.multi_value_answer.is_some() && (set.type_ == RRType::Cname || set.alias_target.is_some()) {
        return Err(invalid("no multivalue answer for this"));
    }
    if set.alias_target.is_some() == (set.ttl.is_some() && set.resource_records.is_some()) {
        return Err(invalid("either an alias or values"));
    }
    Ok(())
}

impl Names {
    pub(super) fn set(&self, trouble: Trouble) {
        *self.trouble.lock().unwrap() = trouble;
    }

    pub(super) fn batches(&self) -> usize {
        *self.batches.lock().unwrap()
    }

    /// `name type [set] data`, of all zones, without SOA.
    pub(super) fn records(&self) -> Vec<String> {
        let zones = self.zones.lock().unwrap();
        let sets = zones.values().flat_map(|zone| zone.records.values());
        let line = |set: &ResourceRecordSet| {
            let values = set.resource_records.iter().flatten();
            let mut data: Vec<String> = values.map(|it| it.value.clone()).collect();
            data.extend(set.alias_target.iter().map(|it| format!("alias {}", it.dns_name)));
            data.extend(set.set_identifier.iter().map(|it| format!("[{it}]")));
            data.extend(set.health_check_id.iter().map(|it| format!("if {it}")));
            format!("{} {} {}", set.name, set.type_, data.join(" "))
        };
        sets.filter(|it| it.type_ != RRType::Soa).map(line).collect()
    }

    pub(super) fn soa_ttl(&self) -> Option<i64> {
        let zones = self.zones.lock().unwrap();
        let mut sets = zones.values().flat_map(|zone| zone.records.values());
        sets.find(|it| it.type_ == RRType::Soa)?.ttl
    }

    pub(super) fn zones(&self) -> Vec<(String, Option<String>)> {
        let zones = self.zones.lock().unwrap();
        zones
            .values()
            .map(|it| (it.name.clone(), it.vpc.clone()))
            .collect()
    }

    pub(super) fn checks(&self) -> Vec<HealthCheckConfig> {
        let checks = self.checks.lock().unwrap();
        checks.values().map(|it| it.health_check_config.clone()).collect()
    }

    fn begin(&self, context: &Context) -> Result<(), ApiError> {
        assert_eq!(context.principal_arn, "servicediscovery.amazonaws.com");
        match *self.trouble.lock().unwrap() {
            Trouble::Down => Err(ApiError::internal("down")),
            _ => Ok(()),
        }
    }

    fn end<T>(&self, answer: T) -> Result<T, ApiError> {
        match *self.trouble.lock().unwrap() {
            Trouble::LostAnswers => Err(ApiError::internal("the answer is lost")),
            _ => Ok(answer),
        }
    }

    fn apply(&self, input: ChangeResourceRecordSetsRequest) -> Result<(), ApiError> {
        let mut zones = self.zones.lock().unwrap();
        let none = || ApiError::client("NoSuchHostedZone", "No hosted zone found");
        let zone = zones.get_mut(&input.hosted_zone_id).ok_or_else(none)?;
        let mut next = zone.clone();
        for change in input.change_batch.changes {
            let set = change.resource_record_set;
            let old = next.records.get(&place(&set));
            match change.action {
                ChangeAction::Delete if old == Some(&set) => drop(next.records.remove(&place(&set))),
                ChangeAction::Delete => return Err(invalid("it was not found")),
                _ => {
                    check(zone, &set)?;
                    next.records.insert(place(&set), set);
                }
            }
        }
        *zone = next;
        Ok(())
    }
}

#[async_trait]
impl route53::Api for Names {
    async fn create_hosted_zone(
        &self,
        context: &Context,
        input: CreateHostedZoneRequest,
    ) -> Result<CreateHostedZoneResponse, ApiError> {
        self.begin(context)?;
        let mut zones = self.zones.lock().unwrap();
        let vpc = input.vpc.and_then(|it| it.vpc_id);
        if zones.values().any(|it| it.reference == input.caller_reference) {
            return Err(ApiError::client("HostedZoneAlreadyExists", "exists"));
        }
        if let Some((id, _)) = zones
            .iter()
            .find(|(_, it)| it.name == input.name && it.vpc == vpc)
        {
            let message = format!("The VPC has already been associated with the hosted zone {id}");
            return Err(ApiError::client("ConflictingDomainExists", message));
        }
        let id = format!("Z{}", zones.len() + 1);
        let soa = ResourceRecordSet {
            name: format!("{}.", input.name),
            type_: RRType::Soa,
            ttl: Some(900),
            resource_records: Some(vec![]),
            ..Default::default()
        };
        let zone = Zone {
            name: input.name.clone(),
            vpc,
            reference: input.caller_reference,
            records: [(place(&soa), soa)].into(),
        };
        zones.insert(id.clone(), zone);
        self.end(CreateHostedZoneResponse {
            hosted_zone: HostedZone {
                id: format!("/hostedzone/{id}"),
                name: format!("{}.", input.name),
                ..Default::default()
            },
            change_info: change_info(),
            delegation_set: Default::default(),
            vpc: None,
            location: String::new(),
        })
    }

    async fn list_hosted_zones_by_name(
        &self,
        context: &Context,
        _: ListHostedZonesByNameRequest,
    ) -> Result<ListHostedZonesByNameResponse, ApiError> {
        self.begin(context)?;
        let zones = self.zones.lock().unwrap();
        let shape = |(id, zone): (&String, &Zone)| HostedZone {
            id: format!("/hostedzone/{id}"),
            name: format!("{}.", zone.name),
            caller_reference: zone.reference.clone(),
            ..Default::default()
        };
        Ok(ListHostedZonesByNameResponse {
            hosted_zones: zones.iter().map(shape).collect(),
            ..Default::default()
        })
    }

    async fn delete_hosted_zone(
        &self,
        context: &Context,
        input: DeleteHostedZoneRequest,
    ) -> Result<DeleteHostedZoneResponse, ApiError> {
        self.begin(context)?;
        let removed = self.zones.lock().unwrap().remove(&input.id);
        if removed.is_none() {
            return Err(ApiError::client("NoSuchHostedZone", "none"));
        }
        self.end(DeleteHostedZoneResponse {
            change_info: change_info(),
        })
    }

    async fn change_resource_record_sets(
        &self,
        context: &Context,
        input: ChangeResourceRecordSetsRequest,
    ) -> Result<ChangeResourceRecordSetsResponse, ApiError> {
        self.begin(context)?;
        *self.batches.lock().unwrap() += 1;
        self.apply(input)?;
        self.end(ChangeResourceRecordSetsResponse {
            change_info: change_info(),
        })
    }

    async fn list_resource_record_sets(
        &self,
        context: &Context,
        input: ListResourceRecordSetsRequest,
    ) -> Result<ListResourceRecordSetsResponse, ApiError> {
        self.begin(context)?;
        let name = input.start_record_name.unwrap();
        let name = format!("{}.", name.trim_end_matches('.'));
        let kind = input.start_record_type.unwrap();
        let zones = self.zones.lock().unwrap();
        let sets = zones[&input.hosted_zone_id].records.values();
        Ok(ListResourceRecordSetsResponse {
            resource_record_sets: sets
                .filter(|it| it.name == name && it.type_ == kind)
                .cloned()
                .collect(),
            ..Default::default()
        })
    }

    async fn create_health_check(
        &self,
        context: &Context,
        input: CreateHealthCheckRequest,
    ) -> Result<CreateHealthCheckResponse, ApiError> {
        self.begin(context)?;
        assert!((1..=64).contains(&input.caller_reference.len()));
        let id = format!("check-{}", input.health_check_config.ip_address.as_ref().unwrap());
        self.checks.lock().unwrap().insert(id.clone(), input);
        self.end(CreateHealthCheckResponse {
            health_check: HealthCheck {
                id,
                ..Default::default()
            },
            location: String::new(),
        })
    }

    async fn delete_health_check(
        &self,
        context: &Context,
        input: DeleteHealthCheckRequest,
    ) -> Result<DeleteHealthCheckResponse, ApiError> {
        self.begin(context)?;
        self.checks.lock().unwrap().remove(&input.health_check_id);
        self.end(DeleteHealthCheckResponse {})
    }
}

fn change_info() -> ChangeInfo {
    ChangeInfo {
        id: "/change/C1".into(),
        status: ChangeStatus::Insync,
        submitted_at: "2026-01-01T12:00:00Z".parse().unwrap(),
        comment: None,
    }
}

pub(super) struct Networks;

#[async_trait]
impl ec2::Api for Networks {
    async fn describe_vpcs(
        &self,
        _: &Context,
        input: ec2::DescribeVpcsRequest,
    ) -> Result<ec2::DescribeVpcsResult, ApiError> {
        let ids = input.vpc_ids.unwrap();
        match ids[0].as_str() {
            "vpc-1" | "vpc-2" => Ok(Default::default()),
            other => Err(ApiError::client(
                "InvalidVpcID.NotFound",
                format!("The vpc ID '{other}' does not exist"),
            )),
        }
    }

    async fn describe_instances(
        &self,
        _: &Context,
        _: ec2::DescribeInstancesRequest,
    ) -> Result<ec2::DescribeInstancesResult, ApiError> {
        Ok(ec2::DescribeInstancesResult {
            reservations: Some(vec![ec2::Reservation {
                instances: Some(vec![ec2::Instance {
                    private_ip_address: Some("10.0.0.9".into()),
                    ..Default::default()
                }]),
                ..Default::default()
            }]),
            ..Default::default()
        })
    }
}
