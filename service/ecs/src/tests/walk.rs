//! Random walks: any operations, any behaviour of the data plane, in any order. What must hold is looked at after
//! every decision (`world.rs`); at the end everything comes to rest and nothing is left.

use std::time::Duration;

use aws_shape::ecs::*;

use super::world::World;

const SEEDS: u64 = 200;
const MOVES: usize = 14;

/// SplitMix64: the same walk for the same seed, on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }
}

/// Says which walk it was when one fails.
struct Seed(u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the walk that failed has the seed {}", self.0);
        }
    }
}

async fn make(world: &World, dice: &mut Dice, name: &str) {
    let (minimum, maximum) = [(100, 200), (50, 100), (50, 200), (0, 100), (100, 150)][dice.roll(5) as usize];
    let input = CreateServiceRequest {
        load_balancers: (dice.roll(3) > 0).then(|| world.behind(&world.group).unwrap()),
        deployment_configuration: Some(DeploymentConfiguration {
            minimum_healthy_percent: Some(minimum),
            maximum_percent: Some(maximum),
            deployment_circuit_breaker: Some(DeploymentCircuitBreaker {
                enable: dice.roll(2) == 0,
                rollback: dice.roll(2) == 0,
            }),
            ..Default::default()
        }),
        ..world.service(name, dice.roll(5) as i32)
    };
    // It may be there already.
    let _ = world.create(input).await;
}

async fn change(world: &World, dice: &mut Dice, name: &str) {
    let input = UpdateServiceRequest {
        service: name.into(),
        desired_count: (dice.roll(2) == 0).then(|| dice.roll(5) as i32),
        task_definition: (dice.roll(2) == 0).then(|| format!("web:{}", 1 + dice.roll(3))),
        force_new_deployment: Some(dice.roll(5) == 0),
        load_balancers: (dice.roll(6) == 0).then(|| {
            if dice.roll(2) == 0 {
                vec![]
            } else {
                world.behind(&world.group).unwrap()
            }
        }),
        ..Default::default()
    };
    // It may be gone.
    let _ = world.update(input).await;
}

async fn disturb(world: &mut World, dice: &mut Dice, name: &str) {
    let living = world.living(name);
    if living.is_empty() {
        return;
    }
    let task = &living[dice.roll(living.len() as u64) as usize];
    match dice.roll(3) {
        0 => world.crash(&task.id, false).await,
        1 => world.crash(&task.id, true).await,
        _ => {
            let input = StopTaskRequest {
                task: task.arn.clone(),
                ..Default::default()
            };
            world.ecs.stop_task(&world.context, input).await.unwrap();
        }
    }
}

async fn misbehave(world: &mut World, dice: &mut Dice) {
    let label = format!("web:{}", 1 + dice.roll(3));
    let set = if dice.roll(2) == 0 {
        &mut world.behaviour.broken
    } else {
        &mut world.behaviour.unwell
    };
    if !set.remove(&label) {
        set.insert(label);
    }
}

async fn walk(seed: u64) {
    let _seed = Seed(seed);
    let (mut world, mut dice) = (World::new().await, Dice(seed));
    for _ in 0..2 {
        world.define("web").await;
    }
    let names = ["web", "api"];
    for name in names {
        make(&world, &mut dice, name).await;
    }
    for _ in 0..MOVES {
        let name = names[dice.roll(2) as usize];
        match dice.roll(8) {
            0 => make(&world, &mut dice, name).await,
            1..=3 => change(&world, &mut dice, name).await,
            4 => disturb(&mut world, &mut dice, name).await,
            5 => misbehave(&mut world, &mut dice).await,
            6 => world.clock.advance(Duration::from_secs(dice.roll(30))),
            _ => drop(world.delete(name).await),
        }
        for _ in 0..dice.roll(12) {
            world.turn(dice.roll(6) as usize).await;
        }
    }
    // From here on all is well: what is there becomes stable.
    world.behaviour = Default::default();
    for name in names {
        let input = UpdateServiceRequest {
            service: name.into(),
            desired_count: Some(2),
            force_new_deployment: Some(true),
            // A walk may have chosen floor and ceiling that leave no room.
            deployment_configuration: Some(DeploymentConfiguration {
                minimum_healthy_percent: Some(50),
                maximum_percent: Some(200),
                ..Default::default()
            }),
            ..Default::default()
        };
        if world.update(input).await.is_ok() {
            world.settle_stable(name).await;
            assert_eq!(world.living(name).len(), 2);
        }
        let _ = world.delete(name).await;
    }
    world.settle().await;
    world.assert_nothing_left().await;
}

/// In two halves, so that two cores share them.
async fn walks(first: u64) {
    for seed in (first..SEEDS).step_by(2) {
        walk(seed).await;
    }
}

#[tokio::test]
async fn any_even_walk_keeps_the_floor_and_the_ceiling_ends_and_leaves_nothing() {
    walks(0).await;
}

#[tokio::test]
async fn any_odd_walk_keeps_the_floor_and_the_ceiling_ends_and_leaves_nothing() {
    walks(1).await;
}
