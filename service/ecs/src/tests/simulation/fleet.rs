//! Where the services run: on Fargate, or on container instances that come, are drained and go.

use aws_shape::ec2::InstanceStateName;
use aws_shape::ecs::*;
use aws_shape::elbv2::TargetTypeEnum;

use super::Simulation;
use crate::table::{self, INSTANCES};
use crate::tests::instance::{define, guide, join};
use crate::tests::world::World;

/// With so many there is room for everything that anybody may ask for.
const ENOUGH: usize = 4;

pub(super) struct Fleet {
    pub(super) family: &'static str,
    /// The target group that fits.
    pub(super) group: String,
    /// Instances that were ever started; none on Fargate.
    started: Option<u8>,
}

impl Fleet {
    pub(super) async fn of(world: &World, instances: bool) -> Self {
        if !instances {
            for _ in 0..2 {
                world.define("web").await;
            }
            return Self {
                family: "web",
                group: world.group.clone(),
                started: None,
            };
        }
        for _ in 0..3 {
            define(world, guide(None)).await;
        }
        let mut fleet = Self {
            family: "guide",
            group: world.target_group_of("inst", TargetTypeEnum::Instance).await,
            started: Some(0),
        };
        for _ in 0..3 {
            fleet.join(world).await;
        }
        fleet
    }

    pub(super) fn is_fargate(&self) -> bool {
        self.started.is_none()
    }

    async fn join(&mut self, world: &World) {
        let Some(number) = &mut self.started else { return };
        *number += 1;
        let zone = if *number % 2 == 0 {
            "us-east-1a"
        } else {
            "us-east-1b"
        };
        join(world, *number, zone).await;
    }

    /// Those that are drained serve again, and further ones come.
    pub(super) async fn be_enough(&mut self, world: &World) {
        if self.is_fargate() {
            return;
        }
        for (_, row) in world.store.snapshot().list(INSTANCES) {
            turn(world, &row.arn, ContainerInstanceStatus::Active).await;
        }
        while world.store.snapshot().list(INSTANCES).len() < ENOUGH {
            self.join(world).await;
        }
    }

    pub(super) fn service(&self, world: &World, name: &str, desired: i32) -> CreateServiceRequest {
        let base = world.service(name, desired);
        if self.is_fargate() {
            return base;
        }
        CreateServiceRequest {
            task_definition: Some(format!("{}:1", self.family)),
            launch_type: Some(LaunchType::Ec2),
            network_configuration: None,
            ..base
        }
    }

    pub(super) fn behind(&self, world: &World) -> Vec<LoadBalancer> {
        let mut balancers = world.behind(&self.group).unwrap();
        if !self.is_fargate() {
            balancers[0].container_port = Some(8502);
        }
        balancers
    }
}

async fn turn(world: &World, arn: &str, status: ContainerInstanceStatus) {
    let input = UpdateContainerInstancesStateRequest {
        container_instances: vec![arn.to_owned()],
        status,
        ..Default::default()
    };
    let done = world
        .ecs
        .update_container_instances_state(&world.context, input)
        .await;
    done.unwrap();
}

/// An instance comes, is drained, or goes with all that runs on it.
pub(super) async fn act(simulation: &mut Simulation) {
    let rows = simulation.world.store.snapshot().list(INSTANCES);
    let which = simulation.dice.below(rows.len().max(1) as u64) as usize;
    let Some((_, row)) = rows.get(which) else {
        return simulation.fleet.join(&simulation.world).await;
    };
    match simulation.dice.below(4) {
        0 if rows.len() < 2 * ENOUGH => simulation.fleet.join(&simulation.world).await,
        1 => turn(&simulation.world, &row.arn, ContainerInstanceStatus::Active).await,
        2 => turn(&simulation.world, &row.arn, ContainerInstanceStatus::Draining).await,
        _ => {
            super::NAMES
                .iter()
                .for_each(|name| simulation.watch.forgive(name));
            simulation
                .world
                .machines
                .set(&row.ec2_instance, InstanceStateName::Terminated);
            let now = simulation.now();
            let snapshot = simulation.world.store.snapshot();
            let scope = &simulation.world.context.scope;
            for task in table::tasks(&snapshot, scope, &row.cluster) {
                if task.lives_on(&row.id) {
                    simulation.node.kill(&task.id, true, now);
                }
            }
            simulation.node.gone.insert(row.ec2_instance.clone());
        }
    }
}
