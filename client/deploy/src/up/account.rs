//! What a service needs of its account: a cluster, log groups, a role to pull images and write logs.

use aws_shape::{ecs, iam, logs};

use crate::aws::Tags;
use crate::check::App;
use crate::deployer::Deployer;
use crate::event::{Done, Outcome, Step};
use crate::failure::{Doing as _, Failure};

/// AWS's own policy for exactly this.
pub(crate) const ROLE_POLICY: &str = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy";
const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;

/// Roles know no regions, applications do: with one role for each region, none is taken away from another's.
pub(crate) fn role_name(region: &str) -> String {
    format!("wharf-ecs-execution-{region}")
}

impl Deployer {
    pub(super) async fn ensure_cluster(&self) -> Result<(), Failure> {
        let work = async {
            let (aws, name) = (&self.aws, self.cluster.clone());
            let input = ecs::DescribeClustersRequest {
                clusters: Some(vec![name.clone()]),
                include: None,
            };
            let found = aws.ecs.describe_clusters(&aws.context, input).await;
            let found = found
                .doing("looking for the cluster")?
                .clusters
                .unwrap_or_default();
            if found.iter().any(|it| it.status.as_deref() == Some("ACTIVE")) {
                return Ok(Done::new(Outcome::Unchanged, name, ()));
            }
            let input = ecs::CreateClusterRequest {
                cluster_name: Some(name.clone()),
                tags: Some(Tags::shared().ecs()),
                ..Default::default()
            };
            aws.ecs
                .create_cluster(&aws.context, input)
                .await
                .doing("making the cluster")?;
            Ok(Done::new(Outcome::Made, name, ()))
        };
        self.teller.step(Step::Cluster, work).await
    }

    pub(super) async fn ensure_logs(&self, app: &App) -> Result<(), Failure> {
        let work = async {
            let groups = app.definition.log_groups(&app.name);
            let mut made = false;
            for group in &groups {
                made |= self.ensure_log_group(app, group).await?;
            }
            let outcome = if made { Outcome::Made } else { Outcome::Unchanged };
            Ok(Done::new(outcome, groups.join(", "), ()))
        };
        self.teller.step(Step::Logs, work).await
    }

    /// Returns whether it had to be made.
    async fn ensure_log_group(&self, app: &App, group: &str) -> Result<bool, Failure> {
        let aws = &self.aws;
        let input = logs::DescribeLogGroupsRequest {
            log_group_name_prefix: Some(group.to_owned()),
            ..Default::default()
        };
        let found = aws.logs.describe_log_groups(&aws.context, input).await;
        let found = found
            .doing("looking for the log group")?
            .log_groups
            .unwrap_or_default();
        if found.iter().any(|it| it.log_group_name.as_deref() == Some(group)) {
            return Ok(false);
        }
        let input = logs::CreateLogGroupRequest {
            log_group_name: group.to_owned(),
            tags: Some(Tags::of_app(&app.name, &self.cluster).map()),
            ..Default::default()
        };
        let made = aws.logs.create_log_group(&aws.context, input).await;
        // The prefix may have more groups than one answer lists.
        let made = made.found(
            &["ResourceAlreadyExistsException"],
            format!("making the log group {group}"),
        )?;
        Ok(made.is_some())
    }

    /// The role's ARN; `None` when the task definition names its own.
    pub(super) async fn ensure_role(&self, app: &App) -> Result<Option<String>, Failure> {
        if app.definition.has_execution_role() {
            return Ok(None);
        }
        let work = async {
            let (aws, name) = (&self.aws, role_name(&self.aws.region));
            let input = iam::GetRoleRequest {
                role_name: name.clone(),
            };
            let found = aws.iam.get_role(&aws.context, input).await;
            let found = found.found(&["NoSuchEntity"], "looking for the role")?;
            if let Some(found) = found {
                let attached = self.role_policies(&name).await?.contains(&ROLE_POLICY.to_owned());
                if !attached {
                    self.attach(&name).await?;
                }
                let outcome = if attached {
                    Outcome::Unchanged
                } else {
                    Outcome::Changed
                };
                return Ok(Done::new(outcome, name, found.role.arn));
            }
            let input = iam::CreateRoleRequest {
                role_name: name.clone(),
                assume_role_policy_document: TRUST.to_owned(),
                description: Some("Lets ECS pull images and write logs for applications of wharf".to_owned()),
                tags: Some(Tags::shared().iam()),
                ..Default::default()
            };
            let made = aws
                .iam
                .create_role(&aws.context, input)
                .await
                .doing("making the role")?;
            self.attach(&name).await?;
            Ok(Done::new(Outcome::Made, name, made.role.arn))
        };
        self.teller.step(Step::Role, work).await.map(Some)
    }

    pub(crate) async fn role_policies(&self, role: &str) -> Result<Vec<String>, Failure> {
        let input = iam::ListAttachedRolePoliciesRequest {
            role_name: role.to_owned(),
            ..Default::default()
        };
        let found = self
            .aws
            .iam
            .list_attached_role_policies(&self.aws.context, input)
            .await;
        let found = found.doing("looking at the role's policies")?;
        let policies = found.attached_policies.unwrap_or_default().into_iter();
        Ok(policies.filter_map(|it| it.policy_arn).collect())
    }

    /// Returns whether there is such a policy. AWS always has it; what stands in for AWS need not, and runs tasks
    /// without.
    async fn attach(&self, role: &str) -> Result<bool, Failure> {
        let input = iam::AttachRolePolicyRequest {
            role_name: role.to_owned(),
            policy_arn: ROLE_POLICY.to_owned(),
        };
        let attached = self.aws.iam.attach_role_policy(&self.aws.context, input).await;
        let tolerated: &[&str] = if self.aws.is_stand_in() {
            &["NoSuchEntity"]
        } else {
            &[]
        };
        let attached = attached.found(tolerated, "giving the role its policy")?;
        Ok(attached.is_some())
    }
}
