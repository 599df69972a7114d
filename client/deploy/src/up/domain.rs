//! A domain that leads to the load balancer: zone, alias and, for HTTPS, a certificate with its listener.
//!
//! The load balancer carries the domain as a tag before anything is made for it, so that what is made can be found
//! and taken away from then on, whenever a run breaks off.

use std::time::Duration;

use aws_shape::acm::{self, CertificateStatus};
use aws_shape::elbv2;
use aws_shape::route53::{
    AliasTarget, ChangeAction, ChangeTagsForResourceRequest, CreateHostedZoneRequest, HostedZoneConfig,
    RRType, ResourceRecordSet, TagResourceType,
};
use sha2::{Digest as _, Sha256};

use super::balancer::Ground;
use super::survey::Survey;
use crate::aws::{DOMAIN_BEFORE_TAG, DOMAIN_TAG, Tags};
use crate::certificate::{is_exactly_for, is_proof, proof};
use crate::deployer::{Deployer, Wait};
use crate::domain::{DomainName, is_same};
use crate::event::{Done, Outcome, Step};
use crate::failure::{Doing as _, Failure, present};
use crate::name::AppName;
use crate::zone::{Zone, leads_to};

/// How long a certificate may take; with a zone that is delegated it is a matter of a few minutes.
const VALIDATION_MAX: Duration = Duration::from_secs(600);
/// Of the digest in a request's token; ACM takes 32 characters.
const TOKEN_DIGITS: usize = 32;

/// A domain for an application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainOptions {
    pub name: DomainName,
    /// With a certificate, and every other request sent on to HTTPS.
    pub https: bool,
}

impl Deployer {
    /// Returns whether anything had to be done.
    pub(super) async fn ensure_domain(
        &self,
        app: &AppName,
        survey: &Survey,
        ground: &Ground,
        wanted: &DomainOptions,
    ) -> Result<bool, Failure> {
        let domain = &wanted.name;
        let old = survey.domain().filter(|old| *old != domain.as_str());
        // A listener needs a certificate for the domain that leads to it.
        let https = wanted.https || (old.is_some() && survey.is_secure());
        let work = async {
            let found = self.zone_of(domain).await?;
            let is_led = match &found {
                Some(zone) => self.is_led(app, zone, ground, domain).await?,
                None => false,
            };
            let mut changed = self.mark_domain(survey, ground, domain, old).await? || !is_led;
            let zone = match found {
                Some(zone) => self.ensure_zone_is_marked(app, zone).await?,
                None => self.make_zone(app, domain).await?,
            };
            if !is_led {
                self.change_record(&zone, ChangeAction::Upsert, alias(domain, ground))
                    .await?;
            }
            if https {
                let (arn, is_new) = self.ensure_certificate(app, domain).await?;
                changed |= is_new;
                changed |= self.ensure_issued(&arn, &zone, domain).await?;
                changed |= self.ensure_secure(app, ground, &arn).await?;
            }
            changed |= self.remove_domains_before(app, survey, ground, domain).await?;
            let outcome = match (changed, survey.domain()) {
                (false, _) => Outcome::Unchanged,
                (true, None) => Outcome::Made,
                (true, Some(_)) => Outcome::Changed,
            };
            let said = format!("{domain} in the zone {}", zone.name);
            Ok(Done::new(outcome, said, changed))
        };
        self.teller.step(Step::Domain, work).await
    }

    /// The tags by which the domain is known, and the one before it until nothing of it is left.
    async fn mark_domain(
        &self,
        survey: &Survey,
        ground: &Ground,
        domain: &DomainName,
        old: Option<&str>,
    ) -> Result<bool, Failure> {
        if survey.domain() == Some(domain.as_str()) {
            return Ok(false);
        }
        let mut tags = Tags::default().with(DOMAIN_TAG, domain.as_str());
        if let Some(old) = old {
            tags = tags.with(DOMAIN_BEFORE_TAG, old);
        }
        let input = elbv2::AddTagsInput {
            resource_arns: vec![ground.balancer.clone()],
            tags: tags.elb(),
        };
        let tagged = self.aws.elb.add_tags(&self.aws.context, input).await;
        tagged.doing("writing the domain on the load balancer")?;
        Ok(true)
    }

    /// Returns whether there was any.
    async fn remove_domains_before(
        &self,
        app: &AppName,
        survey: &Survey,
        ground: &Ground,
        domain: &DomainName,
    ) -> Result<bool, Failure> {
        let before: Vec<&str> = survey.domains().filter(|it| *it != domain.as_str()).collect();
        if before.is_empty() {
            return Ok(false);
        }
        for one in before {
            self.remove_domain_named(app, one, &ground.dns_name).await?;
        }
        let input = elbv2::RemoveTagsInput {
            resource_arns: vec![ground.balancer.clone()],
            tag_keys: vec![DOMAIN_BEFORE_TAG.to_owned()],
        };
        let gone = self.aws.elb.remove_tags(&self.aws.context, input).await;
        gone.doing("taking the old domain off the load balancer")?;
        Ok(true)
    }

    async fn make_zone(&self, app: &AppName, domain: &DomainName) -> Result<Zone, Failure> {
        let now = self.clock().now().as_millisecond();
        let input = CreateHostedZoneRequest {
            name: domain.to_string(),
            caller_reference: format!("{}{now}", reference_head(app)),
            hosted_zone_config: Some(HostedZoneConfig {
                comment: Some(format!("made by wharf for {app}")),
                private_zone: None,
            }),
            ..Default::default()
        };
        let made = self.aws.zones.create_hosted_zone(&self.aws.context, input).await;
        let made = made.doing(format!("making the zone {domain}"))?;
        let zone = Zone::from(made.hosted_zone);
        self.mark_zone(app, &zone).await?;
        let servers = made.delegation_set.name_servers.join(", ");
        let said = format!("made the zone {domain}; its name servers are {servers}");
        self.teller.detail(Step::Domain, said);
        Ok(zone)
    }

    /// A run may have broken off between making a zone and tagging it; nobody else makes such references.
    async fn ensure_zone_is_marked(&self, app: &AppName, zone: Zone) -> Result<Zone, Failure> {
        if zone.reference.starts_with(&reference_head(app)) && !self.zone_tags(&zone).await?.are_ours() {
            self.mark_zone(app, &zone).await?;
        }
        Ok(zone)
    }

    async fn mark_zone(&self, app: &AppName, zone: &Zone) -> Result<(), Failure> {
        let input = ChangeTagsForResourceRequest {
            resource_type: TagResourceType::Hostedzone,
            resource_id: zone.id.clone(),
            add_tags: Some(Tags::of_app(app, &self.cluster).route53()),
            remove_tag_keys: None,
        };
        let tagged = self
            .aws
            .zones
            .change_tags_for_resource(&self.aws.context, input)
            .await;
        tagged.doing(format!("writing on the zone {} whose it is", zone.name))?;
        Ok(())
    }

    /// Whether the domain leads to the load balancer already.
    ///
    /// # Errors
    /// When it leads to what is not ours; asked before anything is made for it.
    async fn is_led(
        &self,
        app: &AppName,
        zone: &Zone,
        ground: &Ground,
        domain: &DomainName,
    ) -> Result<bool, Failure> {
        let is_apex = is_same(domain.as_str(), &zone.name);
        let mut records = self.records(zone, domain.as_str()).await?;
        // Somebody may have led IPv6 the same way.
        let is_twin = |it: &ResourceRecordSet| it.type_ == RRType::Aaaa && leads_to(it, &ground.dns_name);
        records.retain(|it| leads_somewhere(it, is_apex) && !is_twin(it));
        let taken = |record: &ResourceRecordSet| Failure::RecordTaken {
            domain: domain.to_string(),
            record: said(record),
        };
        match records.as_slice() {
            [] => Ok(false),
            [one] if is_alias(one, ground) => Ok(true),
            [one] if self.is_replaceable(app, zone, one).await? => Ok(false),
            [one] => Err(taken(one)),
            all => Err(taken(
                all.iter().find(|it| !is_alias(it, ground)).unwrap_or(&all[0]),
            )),
        }
    }

    /// Whether a record is an alias to a load balancer of this application's that is, or that was: in a zone of ours
    /// an alias to a load balancer that is not there any more is what is left of one.
    async fn is_replaceable(
        &self,
        app: &AppName,
        zone: &Zone,
        record: &ResourceRecordSet,
    ) -> Result<bool, Failure> {
        if record.type_ != RRType::A || record.alias_target.is_none() || record.set_identifier.is_some() {
            return Ok(false);
        }
        match self.owner_of_target(record).await? {
            Some(tags) => Ok(tags.are_of(app, &self.cluster)),
            None => Ok(self.zone_tags(zone).await?.are_of(app, &self.cluster)),
        }
    }

    /// Tags of the load balancer that an alias leads to; `None` when there is none.
    async fn owner_of_target(&self, record: &ResourceRecordSet) -> Result<Option<Tags>, Failure> {
        let mut input = elbv2::DescribeLoadBalancersInput::default();
        loop {
            let page = self
                .aws
                .elb
                .describe_load_balancers(&self.aws.context, input.clone())
                .await;
            let page = page.doing("looking for what the domain leads to")?;
            let mut all = page.load_balancers.into_iter().flatten();
            let found = all.find(|it| it.dns_name.as_deref().is_some_and(|name| leads_to(record, name)));
            if let Some(arn) = found.and_then(|it| it.load_balancer_arn) {
                let found = self.tags_of(vec![arn]).await?.into_iter().next();
                return Ok(Some(Tags::from(found.and_then(|it| it.tags))));
            }
            input.marker = page.next_marker;
            if input.marker.is_none() {
                return Ok(None);
            }
        }
    }

    /// Its ARN, and whether it is a new one.
    async fn ensure_certificate(
        &self,
        app: &AppName,
        domain: &DomainName,
    ) -> Result<(String, bool), Failure> {
        let mut found = self.certificates_proven_by(domain).await?;
        found.retain(|it| is_exactly_for(it, domain));
        // One that is issued is better than one that may never be.
        found.sort_by_key(|it| it.status != Some(CertificateStatus::Issued));
        for arn in found.into_iter().filter_map(|it| it.certificate_arn) {
            if self.certificate_tags(&arn).await?.are_of(app, &self.cluster) {
                return Ok((arn, false));
            }
        }
        let tags = Tags::of_app(app, &self.cluster);
        let now = self.clock().now();
        let digest = Sha256::digest(format!("{app} {} {domain} {now}", self.cluster));
        let input = acm::RequestCertificateRequest {
            domain_name: domain.to_string(),
            validation_method: Some(acm::ValidationMethod::Dns),
            // The same request sent twice by the network makes one certificate.
            idempotency_token: Some(hex::encode(digest).chars().take(TOKEN_DIGITS).collect()),
            tags: Some(tags.acm()),
            ..Default::default()
        };
        let made = self
            .aws
            .certificates
            .request_certificate(&self.aws.context, input)
            .await;
        let made = made.doing(format!("asking for a certificate for {domain}"))?;
        let arn = present(
            made.certificate_arn,
            "RequestCertificate",
            "the certificate's ARN",
        )?;
        Ok((arn, true))
    }

    /// Proves that the domain is ours and waits until ACM has seen it. The proof stays: renewals look at it again.
    /// Returns whether anything had to be done.
    async fn ensure_issued(&self, arn: &str, zone: &Zone, domain: &DomainName) -> Result<bool, Failure> {
        let wait = self.wait_for("the certificate", VALIDATION_MAX);
        let mut is_proven = false;
        let mut changed = false;
        loop {
            let found = self.certificate(arn).await?;
            let found = present(found, "DescribeCertificate", "the certificate that was asked for")?;
            if let (false, Some(proof)) = (is_proven, proof(&found)) {
                let records = self.records(zone, &proof.name).await?;
                if !records.iter().any(|it| is_proof(it, &proof)) {
                    self.change_record(zone, ChangeAction::Upsert, proof).await?;
                    changed = true;
                }
                is_proven = true;
            }
            match found.status {
                Some(CertificateStatus::Issued) => return Ok(changed),
                Some(CertificateStatus::PendingValidation) | None => {}
                Some(status) => {
                    let reason = found.failure_reason.map(|it| it.to_string());
                    return Err(Failure::Certificate {
                        domain: domain.to_string(),
                        reason: reason.unwrap_or_else(|| status.to_string()),
                    });
                }
            }
            changed = true;
            let said = match is_proven {
                true => format!("waiting until the certificate for {domain} is validated"),
                false => format!("waiting for the record that proves that {domain} is ours"),
            };
            self.teller.waiting(Step::Domain, said);
            self.pause(&wait, zone, domain).await?;
        }
    }

    async fn pause(&self, wait: &Wait<'_>, zone: &Zone, domain: &DomainName) -> Result<(), Failure> {
        match wait.again().await {
            Err(Failure::TooLong { limit, .. }) => {
                let input = aws_shape::route53::GetHostedZoneRequest { id: zone.id.clone() };
                let found = self.aws.zones.get_hosted_zone(&self.aws.context, input).await;
                let found = found.doing("looking at the zone")?.delegation_set;
                Err(Failure::NotValidated {
                    domain: domain.to_string(),
                    zone: zone.name.clone(),
                    name_servers: found.map(|it| it.name_servers).unwrap_or_default(),
                    limit,
                })
            }
            other => other,
        }
    }
}

/// How the references of zones begin that are made here.
fn reference_head(app: &AppName) -> String {
    format!("wharf {app} ")
}

fn alias(domain: &DomainName, ground: &Ground) -> ResourceRecordSet {
    ResourceRecordSet {
        name: domain.to_string(),
        type_: RRType::A,
        alias_target: Some(AliasTarget {
            hosted_zone_id: ground.dns_zone.clone(),
            dns_name: ground.dns_name.clone(),
            evaluate_target_health: true,
        }),
        ..Default::default()
    }
}

/// Whether a record is exactly the one that is wanted.
fn is_alias(record: &ResourceRecordSet, ground: &Ground) -> bool {
    let target = record.alias_target.as_ref();
    record.type_ == RRType::A
        && record.set_identifier.is_none()
        && leads_to(record, &ground.dns_name)
        && target.is_some_and(|it| it.evaluate_target_health && it.hosted_zone_id == ground.dns_zone)
}

/// Whether a record decides where a name's visitors go; name servers do unless they are the zone's own.
fn leads_somewhere(record: &ResourceRecordSet, is_apex: bool) -> bool {
    match record.type_ {
        RRType::A | RRType::Aaaa | RRType::Cname | RRType::Https | RRType::Svcb => true,
        RRType::Ns => !is_apex,
        _ => false,
    }
}

/// `CNAME elsewhere.example`.
fn said(record: &ResourceRecordSet) -> String {
    let values = record
        .resource_records
        .iter()
        .flatten()
        .map(|it| it.value.as_str());
    let target = record.alias_target.iter().map(|it| it.dns_name.as_str());
    let all: Vec<&str> = values.chain(target).collect();
    format!("{} {}", record.type_, all.join(", "))
}

#[cfg(test)]
mod tests;
