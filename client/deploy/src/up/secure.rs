//! The listener for HTTPS, and the other one that sends everybody there.

use std::time::Duration;

use aws_shape::elbv2::{
    self, Action, ActionTypeEnum, Certificate, Listener, ProtocolEnum, RedirectActionConfig,
    RedirectActionStatusCodeEnum,
};

use super::balancer::{Ground, forward, leads_to};
use super::firewall::{LISTENER_PORT, SECURE_PORT};
use crate::aws::Tags;
use crate::deployer::Deployer;
use crate::event::Step;
use crate::failure::{Doing as _, Failure};
use crate::name::AppName;

/// AWS's recommended policy: TLS 1.3 and 1.2.
const POLICY: &str = "ELBSecurityPolicy-TLS13-1-2-2021-06";
/// What is said of a certificate that was issued a moment ago and that not everybody knows yet.
const TOO_NEW: [&str; 2] = ["CertificateNotFound", "UnsupportedCertificate"];
/// How long that may be.
const TOO_NEW_MAX: Duration = Duration::from_secs(60);

impl Deployer {
    /// Returns whether anything had to be done.
    pub(super) async fn ensure_secure(
        &self,
        name: &AppName,
        ground: &Ground,
        certificate: &str,
    ) -> Result<bool, Failure> {
        let listeners = self.listeners_of(Some(ground.balancer.clone())).await?;
        let at = |port: u16| listeners.iter().find(|it| it.port == Some(port.into()));
        let mut changed = self
            .ensure_secure_listener(name, ground, certificate, at(SECURE_PORT))
            .await?;
        if let Some(plain) = at(LISTENER_PORT).filter(|it| !is_redirected(it)) {
            let input = elbv2::ModifyListenerInput {
                listener_arn: plain.listener_arn.clone().unwrap_or_default(),
                default_actions: Some(vec![redirect()]),
                ..Default::default()
            };
            let sent = self.aws.elb.modify_listener(&self.aws.context, input).await;
            sent.doing("sending requests on to HTTPS")?;
            changed = true;
        }
        Ok(changed)
    }

    async fn ensure_secure_listener(
        &self,
        name: &AppName,
        ground: &Ground,
        certificate: &str,
        found: Option<&Listener>,
    ) -> Result<bool, Failure> {
        if found.is_some_and(|it| is_secure_with(it, certificate, &ground.target_group)) {
            return Ok(false);
        }
        let aws = &self.aws;
        let certificates = Some(vec![Certificate {
            certificate_arn: Some(certificate.to_owned()),
            is_default: None,
        }]);
        let wait = self.wait_for("the load balancer does not know the certificate", TOO_NEW_MAX);
        loop {
            let done = match found {
                Some(found) => {
                    let input = elbv2::ModifyListenerInput {
                        listener_arn: found.listener_arn.clone().unwrap_or_default(),
                        protocol: Some(ProtocolEnum::Https),
                        // A policy that somebody chose stays.
                        ssl_policy: found.ssl_policy.is_none().then(|| POLICY.to_owned()),
                        certificates: certificates.clone(),
                        default_actions: Some(forward(&ground.target_group)),
                        ..Default::default()
                    };
                    aws.elb.modify_listener(&aws.context, input).await.map(drop)
                }
                None => {
                    let input = elbv2::CreateListenerInput {
                        load_balancer_arn: ground.balancer.clone(),
                        protocol: Some(ProtocolEnum::Https),
                        port: Some(SECURE_PORT.into()),
                        ssl_policy: Some(POLICY.to_owned()),
                        certificates: certificates.clone(),
                        default_actions: forward(&ground.target_group),
                        tags: Some(Tags::of_app(name, &self.cluster).elb()),
                        ..Default::default()
                    };
                    aws.elb.create_listener(&aws.context, input).await.map(drop)
                }
            };
            match done {
                Err(error) if TOO_NEW.contains(&error.code.as_str()) => {
                    let said = "waiting until the load balancer knows the certificate";
                    self.teller.waiting(Step::Domain, said);
                    wait.again().await?;
                }
                done => {
                    done.doing("making the listener for HTTPS")?;
                    return Ok(true);
                }
            }
        }
    }
}

fn redirect() -> Action {
    Action {
        type_: ActionTypeEnum::Redirect,
        redirect_config: Some(RedirectActionConfig {
            protocol: Some("HTTPS".to_owned()),
            port: Some(SECURE_PORT.to_string()),
            // What is left out is as it was asked for.
            host: None,
            path: None,
            query: None,
            status_code: RedirectActionStatusCodeEnum::Http301,
        }),
        ..Default::default()
    }
}

/// Whether a listener sends everybody to HTTPS.
pub(super) fn is_redirected(listener: &Listener) -> bool {
    let mut configs = listener
        .default_actions
        .iter()
        .flatten()
        .filter_map(|it| it.redirect_config.as_ref());
    configs.any(|it| {
        it.protocol.as_deref() == Some("HTTPS")
            && it.port == Some(SECURE_PORT.to_string())
            && it.status_code == RedirectActionStatusCodeEnum::Http301
    })
}

/// Whether a listener speaks HTTPS at its port.
pub(crate) fn is_secure(listener: &Listener) -> bool {
    listener.port == Some(SECURE_PORT.into()) && listener.protocol == Some(ProtocolEnum::Https)
}

fn is_secure_with(listener: &Listener, certificate: &str, target_group: &str) -> bool {
    let mut certificates = listener.certificates.iter().flatten();
    let mut actions = listener.default_actions.iter().flatten();
    is_secure(listener)
        && certificates.any(|it| it.certificate_arn.as_deref() == Some(certificate))
        && actions.any(|action| leads_to(action, target_group))
}
