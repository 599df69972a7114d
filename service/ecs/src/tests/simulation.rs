//! The whole control plane in a simulator: the real store, the real services and their reconcilers, a clock turned by
//! hand, and a data plane that is late, crashes, flaps, loses observations, cannot pull and ends tasks; a control
//! process that is killed or held up in the middle of its work; and people who change their minds. What must hold is looked at
//! after every step; when the noise ends all comes to what was wished.
//!
//! A seed is one run. `WHARF_SEED=7 cargo test -p service-ecs simulation` runs the seventh again, `WHARF_SEEDS=5000`
//! runs that many.

mod check;
mod dice;
mod fleet;
mod mortal;
mod node;
mod people;

use std::sync::Arc;
use std::time::Duration;

use aws_shape::ecs::*;
use base_reconcile::{Outcome, Reconciler};

use super::world::{self, World};
use crate::table::{SERVICE_DEPLOYMENTS, SERVICE_REVISIONS, SERVICES};
use check::Watch;
use dice::Dice;
use fleet::Fleet;
use mortal::{Ended, Fuse};
use node::{Node, Noise};

const SEEDS: u64 = 500;
const MOVES: u64 = 10;
/// Rounds in which everything must come to rest once there is no noise any more.
const ROUNDS_MAX: usize = 200;
const NAMES: [&str; 2] = ["web", "api"];

/// Says which seed it was when one fails.
struct Seed(u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "the seed that failed is {0}: WHARF_SEED={0} runs it again",
                self.0
            );
        }
    }
}

struct Simulation {
    world: World,
    node: Node,
    fuse: Arc<Fuse>,
    control: Vec<Arc<dyn Reconciler>>,
    watch: Watch,
    fleet: Fleet,
    dice: Dice,
}

impl Simulation {
    async fn new(seed: u64) -> Self {
        let mut dice = Dice(seed);
        let world = World::new().await;
        let fleet = Fleet::of(&world, dice.one_in(3)).await;
        let fuse = Arc::new(Fuse::default());
        let control = world.control(mortal::ecs(&world, &fuse));
        let noise = Noise::of(&mut dice);
        Self {
            watch: Watch::new(noise == Noise::QUIET),
            node: Node::new(noise),
            world,
            fuse,
            control,
            fleet,
            dice,
        }
    }

    /// One step of one part.
    async fn step(&mut self) -> Outcome {
        let parts = self.control.len() + 2;
        let which = self.dice.below(parts as u64) as usize;
        self.part(which).await
    }

    async fn part(&mut self, which: usize) -> Outcome {
        let before = self.world.store.snapshot();
        let (outcome, alone) = match self.control.get(which) {
            Some(reconciler) => {
                let reconciler = Arc::clone(reconciler);
                self.activate(which, &*reconciler).await
            }
            None if which == self.control.len() => {
                let now = self.now();
                self.node.tasks(&self.world.store, &mut self.dice, now).await;
                (Outcome::Settled, true)
            }
            None => {
                self.node.routes(&self.world.store, &mut self.dice).await;
                (Outcome::Settled, true)
            }
        };
        let after = self.world.store.snapshot();
        if which == 0 && alone {
            world::check(&before, &after);
        }
        self.watch.look(&after, &self.node);
        outcome
    }

    fn now(&self) -> jiff::Timestamp {
        base_clock::Clock::now(&*self.world.clock)
    }

    /// One activation, in the middle of which the process may be killed (then a new one takes its place), or others may
    /// do what it does not know of. Answers whether it was alone.
    async fn activate(&mut self, which: usize, reconciler: &dyn Reconciler) -> (Outcome, bool) {
        if self.node.noise.kills && self.dice.one_in(4) {
            let (left, kills) = (self.dice.below(8) as u32, self.dice.one_in(2));
            self.fuse.light(left, kills);
        }
        let fuse = Arc::clone(&self.fuse);
        let mut work = reconciler.activate();
        let mut alone = true;
        loop {
            match fuse.run(work.as_mut()).await {
                Ended::Done(outcome) => {
                    fuse.put_out();
                    let outcome = outcome.expect("an activation succeeds when its neighbours answer");
                    return (outcome, alone);
                }
                Ended::HeldUp => {
                    alone = false;
                    self.interfere(which).await;
                    fuse.put_out();
                }
                Ended::Killed => {
                    fuse.put_out();
                    self.control = self.world.control(mortal::ecs(&self.world, &self.fuse));
                    return (Outcome::Again, alone);
                }
            }
        }
    }

    /// What happens while the control process is in the middle of activating one of its reconcilers. None of them runs
    /// twice at a time.
    async fn interfere(&mut self, busy: usize) {
        let now = self.now();
        match self.dice.below(4) {
            0 => self.node.tasks(&self.world.store, &mut self.dice, now).await,
            1 => self.node.routes(&self.world.store, &mut self.dice).await,
            2 => {
                // Services while tasks are busy, and the other way round.
                let other = usize::from(busy == 0);
                self.world.turn(other).await;
            }
            _ => {
                let name = NAMES[self.dice.below(2) as usize];
                people::act(self, name).await;
            }
        }
        let snapshot = self.world.store.snapshot();
        self.watch.look(&snapshot, &self.node);
    }

    async fn live(&mut self) {
        for name in NAMES {
            people::make(self, name).await;
        }
        for _ in 0..MOVES {
            let name = NAMES[self.dice.below(2) as usize];
            people::act(self, name).await;
            for _ in 0..self.dice.below(24) {
                self.step().await;
            }
            if self.dice.one_in(4) {
                let seconds = self.dice.below(20);
                self.world.clock.advance(Duration::from_secs(seconds));
            }
        }
    }

    /// Without noise: until nothing changes and nothing becomes due within a day.
    async fn rest(&mut self) {
        for _ in 0..ROUNDS_MAX {
            let before = self.world.store.snapshot().commit();
            let (mut again, mut due) = (false, None);
            for which in 0..self.control.len() + 2 {
                match self.part(which).await {
                    Outcome::Again => again = true,
                    Outcome::Until(at) => due = Some(due.map_or(at, |due: jiff::Timestamp| due.min(at))),
                    Outcome::Settled => {}
                }
            }
            if again || self.world.store.snapshot().commit() != before {
                continue;
            }
            let Some(due) = due else { return };
            let wait = Duration::try_from(due.duration_since(self.now())).unwrap_or_default();
            // Tasks that nothing will ever make work are tried again for ever, ever more slowly; history is forgotten.
            if wait > Duration::from_secs(20) {
                return;
            }
            self.world.clock.advance(wait.max(Duration::from_millis(1)));
        }
        panic!(
            "nothing comes to rest: {:#?}",
            self.world.store.snapshot().list(SERVICES)
        );
    }

    /// All works again, and everybody asks for the same once more: now it has to be so.
    async fn heal(&mut self) {
        self.fleet.be_enough(&self.world).await;
        self.node.broken.clear();
        self.node.unwell.clear();
        for name in NAMES {
            let input = UpdateServiceRequest {
                service: name.into(),
                desired_count: Some(2),
                force_new_deployment: Some(true),
                deployment_configuration: Some(DeploymentConfiguration {
                    minimum_healthy_percent: Some(50),
                    maximum_percent: Some(200),
                    ..Default::default()
                }),
                ..Default::default()
            };
            self.watch.forgive(name);
            // It may have been deleted.
            let _ = self.world.update(input).await;
        }
        self.rest().await;
        check::as_wished(&self.world, &self.node, &self.fleet.group).await;
    }

    async fn end(&mut self) {
        for name in NAMES {
            let _ = self.world.delete(name).await;
        }
        self.rest().await;
        self.world.assert_nothing_left().await;
        let snapshot = self.world.store.snapshot();
        assert!(
            snapshot.list(SERVICE_DEPLOYMENTS).is_empty(),
            "deployments are left"
        );
        assert!(snapshot.list(SERVICE_REVISIONS).is_empty(), "revisions are left");
        assert!(self.node.is_empty(), "processes are left");
    }
}

async fn run(seed: u64) {
    let _seed = Seed(seed);
    let mut simulation = Simulation::new(seed).await;
    simulation.live().await;
    simulation.node.noise = Noise::NONE;
    simulation.node.come_back();
    simulation.rest().await;
    check::explained(&simulation.world).await;
    simulation.heal().await;
    simulation.end().await;
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().expect("the variable is a number"))
}

/// In two halves, so that two cores share them.
async fn runs(half: u64) {
    if let Some(seed) = number("WHARF_SEED") {
        if seed % 2 == half {
            run(seed).await;
        }
        return;
    }
    for seed in (half..number("WHARF_SEEDS").unwrap_or(SEEDS)).step_by(2) {
        run(seed).await;
    }
}

#[tokio::test]
async fn every_even_seed_keeps_its_promises_and_ends_as_wished() {
    runs(0).await;
}

#[tokio::test]
async fn every_odd_seed_keeps_its_promises_and_ends_as_wished() {
    runs(1).await;
}
