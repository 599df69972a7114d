//! The load balancer and the security groups.

use aws_shape::{ec2, elbv2};

use crate::aws::Tags;
use crate::deployer::Deployer;
use crate::event::{Done, Outcome, Step};
use crate::failure::{Doing as _, Failure};
use crate::name::AppName;
use crate::up::{Survey, task_group_name};

use super::{GONE, counted};

impl Deployer {
    pub(super) async fn remove_balancer(&self, survey: &Survey) -> Result<(), Failure> {
        let Some(balancer) = &survey.balancer else {
            return Ok(());
        };
        let work = async {
            let aws = &self.aws;
            for arn in survey.listeners.iter().filter_map(|it| it.listener_arn.clone()) {
                let input = elbv2::DeleteListenerInput { listener_arn: arn };
                let gone = aws.elb.delete_listener(&aws.context, input).await;
                gone.found(&GONE, "deleting the listener")?;
            }
            let input = elbv2::DeleteLoadBalancerInput {
                load_balancer_arn: balancer.load_balancer_arn.clone().unwrap_or_default(),
            };
            let gone = aws.elb.delete_load_balancer(&aws.context, input).await;
            gone.found(&GONE, "deleting the load balancer")?;
            let summary = balancer.dns_name.clone().unwrap_or_default();
            Ok(Done::new(Outcome::Removed, summary, ()))
        };
        self.teller.step(Step::Balancer, work).await
    }

    pub(super) async fn remove_target_group(&self, survey: &Survey) -> Result<(), Failure> {
        let group = survey.target_group.as_ref();
        let Some(arn) = group.and_then(|it| it.target_group_arn.clone()) else {
            return Ok(());
        };
        self.persist(Step::Balancer, "the target group", async || {
            let input = elbv2::DeleteTargetGroupInput {
                target_group_arn: arn.clone(),
            };
            self.aws.elb.delete_target_group(&self.aws.context, input).await
        })
        .await
    }

    /// The tasks' group first: its rule names the other one.
    pub(super) async fn remove_groups(
        &self,
        name: &AppName,
        found: Vec<ec2::SecurityGroup>,
    ) -> Result<(), Failure> {
        let mut ours = found;
        ours.retain(|it| Tags::from(it.tags.clone()).are_of(name, &self.cluster));
        if ours.is_empty() {
            return Ok(());
        }
        let first = task_group_name(name);
        ours.sort_by_key(|it| it.group_name.as_ref() != Some(&first));
        let work = async {
            for group in &ours {
                let id = group.group_id.clone();
                let what = format!(
                    "the security group {}",
                    group.group_name.as_deref().unwrap_or_default()
                );
                self.persist(Step::Firewall, &what, async || {
                    let input = ec2::DeleteSecurityGroupRequest {
                        group_id: id.clone(),
                        ..Default::default()
                    };
                    self.aws.ec2.delete_security_group(&self.aws.context, input).await
                })
                .await?;
            }
            Ok(Done::new(
                Outcome::Removed,
                counted(ours.len(), "security group"),
                (),
            ))
        };
        self.teller.step(Step::Firewall, work).await
    }
}
