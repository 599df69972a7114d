//! What made a domain lead to an application: its records, its certificate and, when nothing is left in it, its zone.

use aws_shape::acm::{CertificateSummary, DeleteCertificateRequest};
use aws_shape::elbv2;
use aws_shape::route53::{ChangeAction, DeleteHostedZoneRequest};

use crate::certificate::{is_exactly_for, is_proof, proof};
use crate::deployer::Deployer;
use crate::domain::DomainName;
use crate::event::{Done, Outcome, Step};
use crate::failure::{Doing as _, Failure};
use crate::name::AppName;
use crate::up::{Survey, is_secure};
use crate::zone::{Zone, is_of_every_zone, leads_to};

use super::GONE;

impl Deployer {
    /// Before the load balancer goes: its tag is what says which domain it was.
    pub(super) async fn remove_domain(&self, name: &AppName, survey: &Survey) -> Result<(), Failure> {
        let Some(balancer) = survey.balancer.as_ref().and_then(|it| it.dns_name.as_deref()) else {
            return Ok(());
        };
        let domains: Vec<&str> = survey.domains().collect();
        if domains.is_empty() {
            return Ok(());
        }
        let work = async {
            // A certificate is in use as long as a listener shows it.
            for listener in survey.listeners.iter().filter(|it| is_secure(it)) {
                let input = elbv2::DeleteListenerInput {
                    listener_arn: listener.listener_arn.clone().unwrap_or_default(),
                };
                let gone = self.aws.elb.delete_listener(&self.aws.context, input).await;
                gone.found(&GONE, "deleting the listener for HTTPS")?;
            }
            for domain in &domains {
                self.remove_domain_named(name, domain, balancer).await?;
            }
            Ok(Done::new(Outcome::Removed, domains.join(", "), ()))
        };
        self.teller.step(Step::Domain, work).await
    }

    /// Records before the certificate that names one of them, the zone at the end: each can still be found when this
    /// breaks off and is begun again.
    pub(crate) async fn remove_domain_named(
        &self,
        name: &AppName,
        domain: &str,
        balancer: &str,
    ) -> Result<(), Failure> {
        // Somebody else's idea of the tag.
        let Ok(domain) = domain.parse::<DomainName>() else {
            return Ok(());
        };
        let zone = self.zone_of(&domain).await?;
        if let Some(zone) = &zone {
            for record in self.records(zone, domain.as_str()).await? {
                if leads_to(&record, balancer) {
                    self.change_record(zone, ChangeAction::Delete, record).await?;
                }
            }
        }
        self.remove_certificates(name, &domain, zone.as_ref()).await?;
        match zone {
            Some(zone) => self.remove_zone_if_empty(&zone).await,
            None => Ok(()),
        }
    }

    async fn remove_certificates(
        &self,
        name: &AppName,
        domain: &DomainName,
        zone: Option<&Zone>,
    ) -> Result<(), Failure> {
        let (mut ours, mut others) = (Vec::new(), 0);
        for found in self.certificates_proven_by(domain).await? {
            let CertificateSummary {
                certificate_arn: Some(arn),
                ..
            } = &found
            else {
                continue;
            };
            let is_ours = self.certificate_tags(arn).await?.are_of(name, &self.cluster);
            match is_ours && is_exactly_for(&found, domain) {
                true => ours.push(arn.clone()),
                false => others += 1,
            }
        }
        for arn in ours {
            // Every certificate of a domain is proven, and renewed, by the same record.
            if let (0, Some(zone)) = (others, zone) {
                self.remove_proof(&arn, zone).await?;
            }
            self.persist(Step::Domain, "the certificate", async || {
                let input = DeleteCertificateRequest {
                    certificate_arn: arn.clone(),
                };
                self.aws
                    .certificates
                    .delete_certificate(&self.aws.context, input)
                    .await
            })
            .await?;
        }
        Ok(())
    }

    async fn remove_proof(&self, arn: &str, zone: &Zone) -> Result<(), Failure> {
        let found = self.certificate(arn).await?;
        let Some(proof) = found.as_ref().and_then(proof) else {
            return Ok(());
        };
        for record in self.records(zone, &proof.name).await? {
            if is_proof(&record, &proof) {
                self.change_record(zone, ChangeAction::Delete, record).await?;
            }
        }
        Ok(())
    }

    /// A zone may serve several applications: the last one takes it away.
    async fn remove_zone_if_empty(&self, zone: &Zone) -> Result<(), Failure> {
        if !self.zone_tags(zone).await?.are_ours() {
            return Ok(());
        }
        let records = self.records_from(zone, None).await?;
        if !records.iter().all(|it| is_of_every_zone(it, zone)) {
            return Ok(());
        }
        let input = DeleteHostedZoneRequest { id: zone.id.clone() };
        let gone = self.aws.zones.delete_hosted_zone(&self.aws.context, input).await;
        // Somebody was quicker to take it away, or to put something in.
        gone.found(&["NoSuchHostedZone", "HostedZoneNotEmpty"], "deleting the zone")?;
        Ok(())
    }
}
