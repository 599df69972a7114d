//! People who create, change, stop and delete, at the worst moments.

use aws_shape::ecs::*;

use super::dice::Dice;
use super::{Simulation, fleet};

const PERCENTAGES: [(i32, i32); 6] = [(100, 200), (50, 100), (50, 200), (0, 100), (100, 150), (0, 200)];

fn configuration(dice: &mut Dice) -> Option<DeploymentConfiguration> {
    let (minimum, maximum) = dice.pick(&PERCENTAGES);
    Some(DeploymentConfiguration {
        minimum_healthy_percent: Some(minimum),
        maximum_percent: Some(maximum),
        deployment_circuit_breaker: Some(DeploymentCircuitBreaker {
            enable: dice.one_in(2),
            rollback: dice.one_in(2),
        }),
        ..Default::default()
    })
}

pub(super) async fn make(simulation: &mut Simulation, name: &str) {
    let (world, fleet, dice) = (&simulation.world, &simulation.fleet, &mut simulation.dice);
    let input = CreateServiceRequest {
        load_balancers: (dice.below(3) > 0).then(|| fleet.behind(world)),
        deployment_configuration: configuration(dice),
        availability_zone_rebalancing: Some(AvailabilityZoneRebalancing::Disabled),
        ..fleet.service(world, name, dice.below(5) as i32)
    };
    simulation.watch.forgive(name);
    // It may be there already.
    let _ = world.create(input).await;
}

async fn change(simulation: &mut Simulation, name: &str) {
    let (world, fleet, dice) = (&simulation.world, &simulation.fleet, &mut simulation.dice);
    let input = UpdateServiceRequest {
        service: name.into(),
        desired_count: dice.one_in(3).then(|| dice.below(5) as i32),
        task_definition: dice
            .one_in(2)
            .then(|| format!("{}:{}", fleet.family, 1 + dice.below(3))),
        force_new_deployment: Some(dice.one_in(5)),
        deployment_configuration: if dice.one_in(5) { configuration(dice) } else { None },
        load_balancers: dice.one_in(8).then(|| {
            if dice.one_in(2) {
                vec![]
            } else {
                fleet.behind(world)
            }
        }),
        ..Default::default()
    };
    // Another task definition alone is no excuse to fall below the floor.
    if input.desired_count.is_some()
        || input.deployment_configuration.is_some()
        || input.load_balancers.is_some()
    {
        simulation.watch.forgive(name);
    }
    // It may be gone.
    let _ = world.update(input).await;
}

async fn disturb(simulation: &mut Simulation, name: &str) {
    let living = simulation.world.living(name);
    if living.is_empty() {
        return;
    }
    let task = &living[simulation.dice.below(living.len() as u64) as usize];
    simulation.watch.forgive(name);
    if simulation.dice.one_in(2) {
        let input = StopTaskRequest {
            task: task.arn.clone(),
            ..Default::default()
        };
        let world = &simulation.world;
        world.ecs.stop_task(&world.context, input).await.unwrap();
    } else {
        let (lost, now) = (simulation.dice.one_in(2), simulation.now());
        simulation.node.kill(&task.id, lost, now);
    }
}

fn misbehave(simulation: &mut Simulation) {
    let label = format!("{}:{}", simulation.fleet.family, 1 + simulation.dice.below(3));
    let broken = simulation.dice.one_in(2);
    if !broken {
        // Tasks that serve now do not any more.
        super::NAMES
            .iter()
            .for_each(|name| simulation.watch.forgive(name));
    }
    let set = if broken {
        &mut simulation.node.broken
    } else {
        &mut simulation.node.unwell
    };
    if !set.remove(&label) {
        set.insert(label);
    }
}

async fn stop_deployment(simulation: &mut Simulation, name: &str) {
    let input = DescribeServicesRequest {
        services: vec![name.into()],
        ..Default::default()
    };
    let (world, dice) = (&simulation.world, &mut simulation.dice);
    let answer = world.ecs.describe_services(&world.context, input).await.unwrap();
    let service = answer.services.unwrap_or_default().pop();
    let Some(current) = service.and_then(|it| it.current_service_deployment) else {
        return;
    };
    let input = StopServiceDeploymentRequest {
        service_deployment_arn: current,
        stop_type: dice.one_in(3).then_some(StopServiceDeploymentStopType::Abort),
    };
    // It may be over.
    let _ = world.ecs.stop_service_deployment(&world.context, input).await;
}

pub(super) async fn act(simulation: &mut Simulation, name: &str) {
    if !simulation.fleet.is_fargate() && simulation.dice.one_in(4) {
        return fleet::act(simulation).await;
    }
    match simulation.dice.below(10) {
        0 => make(simulation, name).await,
        1..=5 => change(simulation, name).await,
        6 => disturb(simulation, name).await,
        7 => misbehave(simulation),
        8 => stop_deployment(simulation, name).await,
        _ => {
            if simulation.dice.one_in(2) {
                simulation.watch.forgive(name);
                let _ = simulation.world.delete(name).await;
            }
        }
    }
}
