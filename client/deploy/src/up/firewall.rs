//! Security groups: anybody may reach the load balancer, and only the load balancer reaches the tasks.

use aws_shape::ec2::{self, ResourceType};

use crate::aws::{APP_TAG, CLUSTER_TAG, Tags, filter, tagged};
use crate::deployer::Deployer;
use crate::event::{Done, Outcome, Step};
use crate::failure::{Doing as _, Failure, present};
use crate::name::AppName;

/// Where the load balancer listens.
pub(crate) const LISTENER_PORT: u16 = 80;
/// Where it listens for HTTPS.
pub(crate) const SECURE_PORT: u16 = 443;

/// Ids of the two groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Groups {
    pub balancer: String,
    pub tasks: String,
}

pub(crate) fn balancer_group_name(name: &AppName) -> String {
    format!("wharf-{name}-balancer")
}

pub(crate) fn task_group_name(name: &AppName) -> String {
    format!("wharf-{name}-tasks")
}

/// Who may come in.
enum From<'a> {
    Anybody,
    Group(&'a str),
}

impl Deployer {
    pub(super) async fn ensure_groups(
        &self,
        name: &AppName,
        vpc: &str,
        port: u16,
        is_secure: bool,
    ) -> Result<Groups, Failure> {
        let work = async {
            let found = self.groups(name, Some(vpc)).await?;
            let (listening, said): (&[u16], _) = match is_secure {
                true => (
                    &[LISTENER_PORT, SECURE_PORT],
                    format!("ports {LISTENER_PORT} and {SECURE_PORT}"),
                ),
                false => (&[LISTENER_PORT], format!("port {LISTENER_PORT}")),
            };
            let group = balancer_group_name(name);
            let (balancer, one) = self
                .ensure_group(name, vpc, &found, &group, listening, &From::Anybody)
                .await?;
            let from = From::Group(&balancer);
            let (tasks, other) = self
                .ensure_group(name, vpc, &found, &task_group_name(name), &[port], &from)
                .await?;
            let outcome = match (found.is_empty(), one || other) {
                (true, _) => Outcome::Made,
                (false, true) => Outcome::Changed,
                (false, false) => Outcome::Unchanged,
            };
            let summary = format!("{said} for all, port {port} for the load balancer");
            Ok(Done::new(outcome, summary, Groups { balancer, tasks }))
        };
        self.teller.step(Step::Firewall, work).await
    }

    /// The application's security groups.
    pub(crate) async fn groups(
        &self,
        name: &AppName,
        vpc: Option<&str>,
    ) -> Result<Vec<ec2::SecurityGroup>, Failure> {
        let mut filters = vec![tagged(APP_TAG, name.as_str()), tagged(CLUSTER_TAG, &self.cluster)];
        filters.extend(vpc.map(|vpc| filter("vpc-id", vpc)));
        let input = ec2::DescribeSecurityGroupsRequest {
            filters: Some(filters),
            ..Default::default()
        };
        let found = self
            .aws
            .ec2
            .describe_security_groups(&self.aws.context, input)
            .await;
        let found = found.doing("looking for the security groups")?.security_groups;
        Ok(found.unwrap_or_default())
    }

    async fn ensure_group(
        &self,
        name: &AppName,
        vpc: &str,
        found: &[ec2::SecurityGroup],
        group: &str,
        ports: &[u16],
        from: &From<'_>,
    ) -> Result<(String, bool), Failure> {
        let old = found.iter().find(|it| it.group_name.as_deref() == Some(group));
        let id = match old.and_then(|it| it.group_id.clone()) {
            Some(id) => id,
            None => {
                let input = ec2::CreateSecurityGroupRequest {
                    group_name: group.to_owned(),
                    description: format!("made by wharf for {name}"),
                    vpc_id: Some(vpc.to_owned()),
                    tag_specifications: Some(
                        Tags::of_app(name, &self.cluster).ec2(ResourceType::SecurityGroup),
                    ),
                    ..Default::default()
                };
                let made = self.aws.ec2.create_security_group(&self.aws.context, input).await;
                let made = made.doing(format!("making the security group {group}"))?;
                present(made.group_id, "CreateSecurityGroup", "the group's id")?
            }
        };
        let rules = old
            .and_then(|it| it.ip_permissions.as_deref())
            .unwrap_or_default();
        let is_open = |port| rules.iter().any(|rule| lets_in(rule, port, from));
        let closed: Vec<u16> = ports.iter().copied().filter(|port| !is_open(*port)).collect();
        if closed.is_empty() {
            return Ok((id, false));
        }
        let opening: Vec<String> = closed.iter().map(|port| format!("opening port {port}")).collect();
        let input = ec2::AuthorizeSecurityGroupIngressRequest {
            group_id: Some(id.clone()),
            ip_permissions: Some(closed.iter().map(|port| permission(*port, from)).collect()),
            ..Default::default()
        };
        let allowed = self
            .aws
            .ec2
            .authorize_security_group_ingress(&self.aws.context, input)
            .await;
        allowed.found(&["InvalidPermission.Duplicate"], opening.join(", "))?;
        Ok((id, true))
    }
}

const ANYWHERE: &str = "0.0.0.0/0";

fn permission(port: u16, from: &From<'_>) -> ec2::IpPermission {
    let mut permission = ec2::IpPermission {
        ip_protocol: Some("tcp".to_owned()),
        from_port: Some(port.into()),
        to_port: Some(port.into()),
        ..Default::default()
    };
    match from {
        From::Anybody => {
            permission.ip_ranges = Some(vec![ec2::IpRange {
                cidr_ip: Some(ANYWHERE.to_owned()),
                description: None,
            }]);
        }
        From::Group(group) => {
            permission.user_id_group_pairs = Some(vec![ec2::UserIdGroupPair {
                group_id: Some((*group).to_owned()),
                ..Default::default()
            }]);
        }
    }
    permission
}

fn lets_in(rule: &ec2::IpPermission, port: u16, from: &From<'_>) -> bool {
    let ports = rule.from_port == Some(port.into()) && rule.to_port == Some(port.into());
    let from = match from {
        From::Anybody => rule
            .ip_ranges
            .iter()
            .flatten()
            .any(|range| range.cidr_ip.as_deref() == Some(ANYWHERE)),
        From::Group(group) => rule
            .user_id_group_pairs
            .iter()
            .flatten()
            .any(|pair| pair.group_id.as_deref() == Some(*group)),
    };
    ports && from && rule.ip_protocol.as_deref() == Some("tcp")
}
