//! What instances find at their metadata service, and what others can read of their consoles.

use std::sync::Arc;

use async_trait::async_trait;
use contract::agent::{self, AgentError, Caller, HostAgent, HostFacts};
use contract::console;
use dataplane_runtime::Runtime;
use front_instance::KEY_BYTES;
use front_task::Door;
use serde_json::json;
use service_ec2::Ec2;
use service_iam::{AssumeError, Iam};

use super::wire::Plane;

/// The only container of an instance.
const CONTAINER: &str = "instance";
const CONSOLE_LINES_MAX: usize = 10_000;

/// The door to the metadata service; it is the network's, not the instances' own.
pub(super) fn door(plane: &Plane) -> Door {
    let agent = Guests {
        ec2: plane.ec2.clone(),
        iam: plane.iam.clone(),
    };
    let mut key = Vec::with_capacity(KEY_BYTES);
    while key.len() < KEY_BYTES {
        key.extend(plane.ids.next().to_ne_bytes());
    }
    let mut exact = [0; KEY_BYTES];
    exact.copy_from_slice(&key[..KEY_BYTES]);
    Door {
        in_hosts: false,
        address: agent::HOST_ADDRESS,
        port: agent::PORT,
        router: front_instance::router(Arc::new(agent), Arc::clone(&plane.clock), &exact),
    }
}

/// Joins what EC2 knows of an instance with what IAM gives its role.
struct Guests {
    ec2: Ec2,
    iam: Iam,
}

#[async_trait]
impl HostAgent for Guests {
    async fn facts(&self, caller: &Caller) -> Option<HostFacts> {
        let guest = self.ec2.guest(&caller.network, caller.address)?;
        let role = guest
            .profile
            .as_ref()
            .and_then(|profile| self.iam.role_of_profile(&profile.arn));
        Some(HostFacts {
            enabled: guest.metadata.endpoint,
            tokens_required: guest.metadata.tokens_required,
            documents: guest.documents(),
            user_data: guest.user_data,
            role,
        })
    }

    async fn credentials(&self, caller: &Caller) -> Result<String, AgentError> {
        let guest = self.ec2.guest(&caller.network, caller.address);
        let found = guest.and_then(|guest| Some((guest.profile.clone()?, guest)));
        let (profile, guest) = found.ok_or_else(|| AgentError::NotFound("no profile".to_owned()))?;
        let session = self
            .iam
            .instance_session(&profile.arn, &guest.instance_id, &guest.arn())
            .await;
        let found = session.map_err(|error| match error {
            AssumeError::Failed(why) => AgentError::Failed(why),
            AssumeError::Missing | AssumeError::NotTrusted { .. } => AgentError::Refused(
                json!({
                    "Code": "AssumeRoleUnauthorizedAccess",
                    "Message": format!(
                        "EC2 cannot assume the role of the instance profile {}. Please see documentation at \
                         https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_iam-ec2.html: {error}.",
                        profile.arn
                    ),
                })
                .to_string(),
            ),
        })?;
        let form = |at: jiff::Timestamp| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let document = json!({
            "Code": "Success",
            "LastUpdated": form(found.expires_at.unwrap_or_default() - service_iam::INSTANCE_CREDENTIALS_LIFE),
            "Type": "AWS-HMAC",
            "AccessKeyId": found.access_key,
            "SecretAccessKey": found.secret_key,
            "Token": found.session_token,
            "Expiration": form(found.expires_at.unwrap_or_default()),
        });
        Ok(document.to_string())
    }
}

/// The consoles of instances: what their boots have written.
pub(super) struct Consoles(pub(super) Runtime);

impl console::Consoles for Consoles {
    fn tail(&self, task: &str, limit_bytes: usize) -> Option<Vec<u8>> {
        let lines = self.0.tail(task, CONTAINER, CONSOLE_LINES_MAX, limit_bytes);
        let text: Vec<String> = lines.into_iter().map(|line| line.message).collect();
        (!text.is_empty()).then(|| (text.join("\n") + "\n").into_bytes())
    }
}
