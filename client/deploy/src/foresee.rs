//! What will go wrong, or take long, as far as that shows before anything is done: only the account can tell.

use std::fmt;

use aws_protocol::ApiError;
use aws_shape::{ecs, elbv2, secretsmanager, ssm};

use crate::check::App;
use crate::deployer::Deployer;
use crate::failure::{Doing as _, Failure};

/// Waits above this are worth a word.
const DEREGISTRATION_SECONDS_LONG: u32 = 60;

/// Something that is known before it happens.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Foreseen {
    /// It cannot work, rather than only take long.
    pub fatal: bool,
    pub message: String,
    pub hint: String,
}

impl fmt::Display for Foreseen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Deployer {
    /// Looks at the account with an application's eyes; changes nothing.
    ///
    /// # Errors
    /// When nobody answers, or these credentials may not look.
    pub async fn foresee(&self, app: &App, desired: Option<u32>) -> Result<Vec<Foreseen>, Failure> {
        let service = self.find_service(app.name.as_str()).await?;
        let mut all = self.missing_secrets(app).await?;
        if let Some(service) = &service {
            all.extend(blocked(service, desired, &self.cluster));
        }
        all.extend(self.long_draining(app).await?);
        Ok(all)
    }

    /// Secrets and parameters that containers are to get, and that are not there.
    pub(crate) async fn missing_secrets(&self, app: &App) -> Result<Vec<Foreseen>, Failure> {
        let mut missing = Vec::new();
        for (container, secret) in app.definition.secrets() {
            let is_secret = secret.value_from.starts_with("arn:aws:secretsmanager:");
            let there = if is_secret {
                self.has_secret(&secret.value_from).await?
            } else {
                self.has_parameter(&secret.value_from).await?
            };
            if there == Some(false) {
                let kind = if is_secret { "secret" } else { "parameter" };
                missing.push(Foreseen {
                    fatal: true,
                    message: format!(
                        "the container `{container}` gets its variable {} from the {kind} {}, which is not there",
                        secret.name, secret.value_from
                    ),
                    hint: if is_secret {
                        "aws secretsmanager create-secret --name NAME --secret-string VALUE prints its ARN".to_owned()
                    } else {
                        format!(
                            "aws ssm put-parameter --name {} --type SecureString --value VALUE",
                            secret.value_from.split(":parameter").last().unwrap_or_default()
                        )
                    },
                });
            }
        }
        Ok(missing)
    }

    /// `None` when these credentials may not look.
    async fn has_secret(&self, arn: &str) -> Result<Option<bool>, Failure> {
        // What follows the secret's own ARN selects a part of it.
        let own: Vec<&str> = arn.splitn(8, ':').take(7).collect();
        let input = secretsmanager::DescribeSecretRequest {
            secret_id: own.join(":"),
        };
        let found = self.aws.secrets.describe_secret(&self.aws.context, input).await;
        match found {
            Err(error) if is_denied(&error) => Ok(None),
            found => {
                let found = found.found(&["ResourceNotFoundException"], "looking for a secret")?;
                Ok(Some(found.is_some_and(|it| it.deleted_date.is_none())))
            }
        }
    }

    async fn has_parameter(&self, name: &str) -> Result<Option<bool>, Failure> {
        let input = ssm::GetParametersRequest {
            names: vec![name.to_owned()],
            with_decryption: Some(false),
        };
        match self.aws.parameters.get_parameters(&self.aws.context, input).await {
            Err(error) if is_denied(&error) => Ok(None),
            found => {
                let found = found.doing("looking for a parameter")?;
                Ok(Some(found.parameters.is_some_and(|it| !it.is_empty())))
            }
        }
    }

    /// A load balancer that keeps old tasks for long.
    async fn long_draining(&self, app: &App) -> Result<Option<Foreseen>, Failure> {
        let group = self.find_target_group(&app.name).await?;
        let Some(arn) = group.and_then(|it| it.target_group_arn) else {
            return Ok(None);
        };
        let input = elbv2::DescribeTargetGroupAttributesInput {
            target_group_arn: arn.clone(),
        };
        let found = self
            .aws
            .elb
            .describe_target_group_attributes(&self.aws.context, input)
            .await
            .doing("looking at the target group")?;
        let mut attributes = found.attributes.into_iter().flatten();
        let delay = attributes
            .find(|it| it.key.as_deref() == Some("deregistration_delay.timeout_seconds"))
            .and_then(|it| it.value?.parse::<u32>().ok());
        Ok(delay.filter(|seconds| *seconds > DEREGISTRATION_SECONDS_LONG).map(|seconds| Foreseen {
            fatal: false,
            message: format!(
                "the target group's deregistration delay is {seconds} s: a task that is replaced stays that long if a client keeps its connection, and this will dominate the deploy"
            ),
            hint: format!(
                "aws elbv2 modify-target-group-attributes --target-group-arn {arn} --attributes Key=deregistration_delay.timeout_seconds,Value=30"
            ),
        }))
    }
}

fn is_denied(error: &ApiError) -> bool {
    error.code.contains("AccessDenied") || error.code.contains("Unauthorized")
}

/// A service of which no task can ever be replaced.
pub(crate) fn blocked(service: &ecs::Service, desired: Option<u32>, cluster: &str) -> Option<Foreseen> {
    let configuration = service.deployment_configuration.as_ref()?;
    let percent = |value: Option<i32>, default: u32| value.map_or(default, i32::unsigned_abs);
    let minimum = percent(configuration.minimum_healthy_percent, 100);
    let maximum = percent(configuration.maximum_percent, 200);
    let desired = desired.unwrap_or_else(|| percent(service.desired_count, 0));
    let (floor, ceiling) = room(desired, minimum, maximum);
    if desired == 0 || floor < ceiling {
        return None;
    }
    let name = service.service_name.as_deref().unwrap_or_default();
    let noun = if desired == 1 { "task" } else { "tasks" };
    Some(Foreseen {
        fatal: true,
        message: format!(
            "a roll-out of {name} can never proceed: with {desired} {noun} desired, minimumHealthyPercent {minimum} means that at least {floor} run, and maximumPercent {maximum} that at most {ceiling} do, so none can be replaced"
        ),
        hint: format!(
            "aws ecs update-service --cluster {cluster} --service {name} --deployment-configuration minimumHealthyPercent=100,maximumPercent=200"
        ),
    })
}

/// How many tasks run at least and at most while a service is rolled out.
fn room(desired: u32, minimum_percent: u32, maximum_percent: u32) -> (u32, u32) {
    let floor = (u64::from(desired) * u64::from(minimum_percent)).div_ceil(100);
    let ceiling = u64::from(desired) * u64::from(maximum_percent) / 100;
    let number = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
    (number(floor), number(ceiling))
}

#[cfg(test)]
mod tests;
