//! Following a roll-out to its end, and finding out why it broke.

mod broken;

pub use broken::{Broken, ContainerEnd, TaskEnd};

use aws_shape::{ecs, elbv2};

use crate::deployer::Deployer;
use crate::event::{Done, Outcome, Step};
use crate::failure::{Doing as _, Failure};
use crate::name::AppName;
use crate::up::{Deployment, Ground};

/// What is asked only every so many looks.
const DETAILS_EVERY: usize = 3;

/// How far a deployment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Going,
    Done,
    /// Failed, or taken back, or replaced by another.
    Broken,
}

impl Deployer {
    /// Until the deployment is complete and the only one.
    pub(crate) async fn follow(
        &self,
        name: &AppName,
        deployment: &Deployment,
        ground: &Ground,
    ) -> Result<(), Failure> {
        let work = async {
            let wait = self.wait(format!("the roll-out of {name} is not complete"));
            let mut looks = 0;
            loop {
                let Some(service) = self.find_service(name.as_str()).await? else {
                    return Err(self.broken(name, &deployment.id, None).await);
                };
                match standing(&service, &deployment.id) {
                    Standing::Broken => return Err(self.broken(name, &deployment.id, Some(&service)).await),
                    Standing::Done if self.is_balancer_active(name).await? => {
                        let count = service.running_count.unwrap_or_default();
                        let noun = if count == 1 { "task" } else { "tasks" };
                        let outcome = if deployment.changed {
                            Outcome::Made
                        } else {
                            Outcome::Unchanged
                        };
                        return Ok(Done::new(
                            outcome,
                            format!("{count} {noun} running and healthy"),
                            (),
                        ));
                    }
                    Standing::Done => self
                        .teller
                        .waiting(Step::Rollout, "waiting until the load balancer is active"),
                    Standing::Going if looks % DETAILS_EVERY == 0 => {
                        let said = self.explain(&service, &deployment.id, ground).await?;
                        self.teller.waiting(Step::Rollout, said);
                    }
                    Standing::Going => {}
                }
                looks += 1;
                wait.again().await?;
            }
        };
        self.teller.step(Step::Rollout, work).await
    }

    async fn is_balancer_active(&self, name: &AppName) -> Result<bool, Failure> {
        let state = self.find_balancer(name).await?.and_then(|it| it.state);
        // A load balancer that says nothing of its state has none to wait for.
        Ok(state
            .and_then(|it| it.code)
            .is_none_or(|code| code != elbv2::LoadBalancerStateEnum::Provisioning))
    }

    /// What is being waited for, in a sentence.
    async fn explain(&self, service: &ecs::Service, id: &str, ground: &Ground) -> Result<String, Failure> {
        let input = elbv2::DescribeTargetHealthInput {
            target_group_arn: ground.target_group.clone(),
            ..Default::default()
        };
        let health = self
            .aws
            .elb
            .describe_target_health(&self.aws.context, input)
            .await;
        let health = health
            .doing("asking how the targets are")?
            .target_health_descriptions;
        let mut said = sentence(service, id, &health.unwrap_or_default(), &ground.health_path);
        let failed = find(service, id)
            .and_then(|it| it.failed_tasks)
            .unwrap_or_default();
        if failed > 0 {
            let noun = if failed == 1 { "has" } else { "have" };
            said.push_str(&format!("; {failed} {noun} failed"));
            let ends = self.ends(service, Some(id), 1).await?;
            if let Some(why) = ends.first().map(TaskEnd::sentence) {
                said.push_str(&format!(": {why}"));
            }
        }
        Ok(said)
    }
}

fn find<'a>(service: &'a ecs::Service, id: &str) -> Option<&'a ecs::Deployment> {
    service
        .deployments
        .iter()
        .flatten()
        .find(|it| it.id.as_deref() == Some(id))
}

fn standing(service: &ecs::Service, id: &str) -> Standing {
    let count = service.deployments.as_ref().map_or(0, Vec::len);
    let Some(mine) = find(service, id) else {
        return Standing::Broken;
    };
    let is_primary = mine.status.as_deref() == Some("PRIMARY");
    match &mine.rollout_state {
        Some(ecs::DeploymentRolloutState::Failed) => Standing::Broken,
        _ if !is_primary => Standing::Broken,
        Some(ecs::DeploymentRolloutState::Completed)
            if count == 1 && mine.running_count >= mine.desired_count =>
        {
            Standing::Done
        }
        // Controllers other than ECS's own say nothing of a roll-out.
        None if count == 1 && mine.running_count == mine.desired_count => Standing::Done,
        _ => Standing::Going,
    }
}

fn sentence(
    service: &ecs::Service,
    id: &str,
    health: &[elbv2::TargetHealthDescription],
    path: &str,
) -> String {
    let Some(mine) = find(service, id) else {
        return "waiting for the deployment".to_owned();
    };
    let (running, desired) = (
        mine.running_count.unwrap_or_default(),
        mine.desired_count.unwrap_or_default(),
    );
    let tasks = format!("{running} of {desired} tasks running");
    if running < desired {
        return match mine.pending_count.unwrap_or_default() {
            0 => format!("{tasks}, waiting for the next to start"),
            pending => format!("{tasks}, {pending} starting"),
        };
    }
    let states = |wanted: &elbv2::TargetHealthStateEnum| {
        let of = |it: &&elbv2::TargetHealthDescription| {
            it.target_health.as_ref().and_then(|health| health.state.as_ref()) == Some(wanted)
        };
        health.iter().filter(of).count()
    };
    let healthy = i32::try_from(states(&elbv2::TargetHealthStateEnum::Healthy)).unwrap_or(i32::MAX);
    let others = service.deployments.as_ref().map_or(0, Vec::len) > 1;
    let unwell = health
        .iter()
        .filter_map(|it| it.target_health.as_ref())
        .find(|it| {
            matches!(
                it.state,
                Some(elbv2::TargetHealthStateEnum::Unhealthy | elbv2::TargetHealthStateEnum::Initial)
            )
        });
    match unwell {
        Some(unwell) => {
            let last = unwell.description.as_deref().filter(|text| !text.is_empty());
            let last = last.map_or(String::new(), |text| format!(" (last answer: {text})"));
            format!("{tasks}, waiting for the health check GET {path}{last}")
        }
        None if healthy < desired => format!("{tasks}, waiting until the load balancer knows them"),
        None if others => format!("{tasks} and healthy, the old ones are finishing their requests"),
        None => format!("{tasks} and healthy"),
    }
}

#[cfg(test)]
mod tests;
