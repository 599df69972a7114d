use proptest::prelude::*;

use super::*;

fn picture(desired: u32, minimum: u32, maximum: u32) -> Picture {
    Picture {
        desired,
        minimum_healthy_percent: minimum,
        maximum_percent: maximum,
        circuit_breaker: true,
        failures: 0,
        last_failure_at: None,
        rollout: Rollout::InProgress,
        has_old: true,
        tasks: vec![],
    }
}

fn task(id: impl ToString, new: bool, standing: Standing) -> Task {
    Task {
        id: id.to_string(),
        new,
        standing,
        protected: false,
    }
}

#[test]
fn protected_tasks_outlive_deployments_and_scaling_in() {
    let protected = |id: u32, new: bool| Task {
        protected: true,
        ..task(id, new, Standing::Healthy)
    };
    let mut old = picture(2, 50, 200);
    old.tasks = vec![protected(1, false), task(2, false, Standing::Healthy)];
    old.tasks
        .extend([task(3, true, Standing::Healthy), task(4, true, Standing::Healthy)]);
    assert_eq!(
        plan(&old, at(0)).stop,
        [("2".to_owned(), Why::Replaced)],
        "the other one goes instead"
    );
    let mut many = picture(1, 100, 200);
    (many.has_old, many.rollout) = (false, Rollout::Completed);
    many.tasks = vec![protected(1, true), task(2, true, Standing::Healthy)];
    assert_eq!(plan(&many, at(0)).stop, [("2".to_owned(), Why::ScaledIn)]);
    many.tasks = vec![protected(1, true), protected(2, true)];
    assert!(plan(&many, at(0)).stop.is_empty());
    many.tasks[0].standing = Standing::Unhealthy(Unwell::Container);
    assert_eq!(
        plan(&many, at(0)).stop.len(),
        1,
        "what is not well is replaced all the same"
    );
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// A world in which every started task becomes healthy and every stopped one goes, one step at a time.
struct World {
    picture: Picture,
    next: u32,
    log: Vec<String>,
}

impl World {
    fn rolling(desired: u32, minimum: u32, maximum: u32) -> Self {
        let mut picture = picture(desired, minimum, maximum);
        picture.tasks = (0..desired)
            .map(|n| task(format!("old{n}"), false, Standing::Healthy))
            .collect();
        Self {
            picture,
            next: 0,
            log: vec![],
        }
    }

    /// Plans, does it, lets the world move. Returns whether the roll-out is complete.
    fn step(&mut self) -> bool {
        let steps = plan(&self.picture, at(0));
        self.log
            .push(format!("start {} stop {}", steps.start, steps.stop.len()));
        for task in &mut self.picture.tasks {
            match task.standing {
                Standing::Pending => task.standing = Standing::Unready,
                Standing::Unready => task.standing = Standing::Healthy,
                _ => {}
            }
        }
        self.picture
            .tasks
            .retain(|task| task.standing != Standing::Stopping);
        for (id, _) in &steps.stop {
            let task = self
                .picture
                .tasks
                .iter_mut()
                .find(|task| task.id == *id)
                .expect("only what is there is stopped");
            task.standing = Standing::Stopping;
        }
        for _ in 0..steps.start {
            self.picture
                .tasks
                .push(task(format!("new{}", self.next), true, Standing::Pending));
            self.next += 1;
        }
        steps.complete
    }

    fn healthy(&self) -> u32 {
        count(&self.picture, |task| task.standing == Standing::Healthy)
    }

    fn present(&self) -> u32 {
        count(&self.picture, |task| task.standing != Standing::Stopping)
    }
}

#[test]
fn one_task_is_replaced_by_starting_first() {
    let mut world = World::rolling(1, 100, 200);
    let mut steps = 0;
    while !world.step() {
        steps += 1;
        assert!(steps < 20, "{:?}", world.log);
    }
    assert_eq!(
        world.log,
        [
            "start 1 stop 0",
            "start 0 stop 0",
            "start 0 stop 0",
            "start 0 stop 1",
            "start 0 stop 0",
            "start 0 stop 0",
        ]
    );
}

#[test]
fn half_may_go_first_when_the_ceiling_is_tight() {
    let mut world = World::rolling(4, 50, 100);
    world.step();
    assert_eq!(world.log[0], "start 0 stop 2");
    world.step();
    assert_eq!(world.log[1], "start 2 stop 0");
}

#[test]
fn a_first_deployment_starts_all() {
    let mut picture = picture(3, 100, 200);
    picture.has_old = false;
    assert_eq!(plan(&picture, at(0)).start, 3);
}

#[test]
fn scaling_in_retires_those_that_serve_nobody_first() {
    let mut picture = picture(1, 100, 200);
    picture.tasks = vec![
        task("a", true, Standing::Healthy),
        task("b", true, Standing::Pending),
    ];
    assert_eq!(plan(&picture, at(0)).stop, [("b".to_owned(), Why::ScaledIn)]);
}

#[test]
fn an_unhealthy_task_is_stopped_and_replaced_once_that_has_been_counted() {
    let mut picture = picture(1, 100, 200);
    picture.rollout = Rollout::Completed;
    picture.tasks = vec![task("a", true, Standing::Unhealthy(Unwell::Container))];
    let steps = plan(&picture, at(0));
    assert_eq!(steps.stop, [("a".to_owned(), Why::Unhealthy(Unwell::Container))]);
    assert_eq!(steps.start, 0, "or it would never be too early");
    picture.tasks[0].standing = Standing::Stopping;
    (picture.failures, picture.last_failure_at) = (1, Some(at(0)));
    assert_eq!(plan(&picture, at(0)).look_again_at, Some(at(1)));
    assert_eq!(plan(&picture, at(1)).start, 1);
    // One of an older deployment says nothing about the new one.
    picture.failures = 0;
    picture.tasks = vec![task("old", false, Standing::Unhealthy(Unwell::Container))];
    assert_eq!(plan(&picture, at(1)).start, 1);
}

#[test]
fn failures_slow_the_next_attempt_and_open_the_circuit_breaker() {
    let mut picture = picture(1, 100, 200);
    (picture.failures, picture.last_failure_at) = (2, Some(at(10)));
    let steps = plan(&picture, at(11));
    assert_eq!((steps.start, steps.look_again_at), (0, Some(at(12))));
    assert_eq!(plan(&picture, at(12)).start, 1);
    picture.failures = 3;
    assert!(plan(&picture, at(100)).fail);
    picture.circuit_breaker = false;
    assert!(!plan(&picture, at(100)).fail);
}

#[test]
fn an_old_task_of_unknown_health_stays_until_others_are_known_to_serve() {
    let mut picture = picture(1, 100, 200);
    picture.tasks = vec![
        task("old", false, Standing::Unready),
        task("new", true, Standing::Unready),
    ];
    assert_eq!(plan(&picture, at(0)).stop, []);
    picture.tasks[1].standing = Standing::Healthy;
    assert_eq!(plan(&picture, at(0)).stop, [("old".to_owned(), Why::Replaced)]);
}

#[test]
fn a_failed_deployment_starts_nothing_more() {
    let mut picture = picture(2, 100, 200);
    picture.rollout = Rollout::Failed;
    assert_eq!(plan(&picture, at(0)), Steps::default());
}

#[test]
fn what_ended_by_itself_is_replaced_once_it_has_been_counted() {
    let mut picture = picture(1, 100, 200);
    picture.tasks = vec![task("a", true, Standing::Failing)];
    assert_eq!(plan(&picture, at(0)).start, 0);
    picture.tasks = vec![task("a", true, Standing::Stopping)];
    assert_eq!(plan(&picture, at(0)).start, 1);
}

#[test]
fn many_tasks_failing_at_once_are_one_round_of_failures() {
    let mut picture = picture(10, 100, 200);
    (picture.failures, picture.last_failure_at) = (10, Some(at(10)));
    picture.circuit_breaker = false;
    assert_eq!(plan(&picture, at(11)).start, 10);
    picture.failures = 11;
    assert_eq!(plan(&picture, at(11)).look_again_at, Some(at(12)));
}

#[test]
fn a_deployment_that_can_never_move_is_told_apart() {
    let mut picture = picture(1, 100, 150);
    picture.tasks = vec![task("a", false, Standing::Healthy)];
    assert!(plan(&picture, at(0)).blocked);
    picture.maximum_percent = 200;
    assert!(!plan(&picture, at(0)).blocked);
}

#[test]
fn the_circuit_breaker_has_no_say_when_nothing_is_desired() {
    let mut picture = picture(0, 100, 200);
    picture.failures = 4;
    assert!(!plan(&picture, at(0)).fail);
}

proptest! {
    #[test]
    fn never_below_the_floor_never_above_the_ceiling_and_it_ends(
        desired in 0_u32..12, minimum in 0_u32..=100, maximum in 100_u32..=200,
    ) {
        let mut world = World::rolling(desired, minimum, maximum);
        let floor = (desired * minimum).div_ceil(100);
        let ceiling = desired * maximum / 100;
        // With floor and ceiling both at the desired count nothing can ever move.
        prop_assume!(floor < ceiling || desired == 0);
        let mut steps = 0;
        loop {
            let done = world.step();
            prop_assert!(world.healthy() >= floor, "{:?}", world.log);
            prop_assert!(world.present() <= ceiling, "{:?}", world.log);
            if done { break; }
            steps += 1;
            prop_assert!(steps < 200, "it never ends: {:?}", world.log);
        }
    }

    #[test]
    fn planning_twice_says_the_same(desired in 0_u32..6, old in 0_usize..6, new in 0_usize..6) {
        let mut picture = picture(desired, 100, 200);
        picture.tasks = (0..old).map(|n| task(format!("o{n}"), false, Standing::Healthy))
            .chain((0..new).map(|n| task(format!("n{n}"), true, Standing::Pending))).collect();
        prop_assert_eq!(plan(&picture, at(0)), plan(&picture, at(0)));
    }

    #[test]
    fn whatever_it_sees_it_keeps_the_floor_and_the_ceiling(picture in any_picture()) {
        let steps = plan(&picture, at(1000));
        let mut stopped: Vec<&String> = steps.stop.iter().map(|(id, _)| id).collect();
        stopped.sort();
        stopped.dedup();
        prop_assert_eq!(stopped.len(), steps.stop.len(), "nobody is stopped twice");
        let healthy = count(&picture, |task| task.standing == Standing::Healthy);
        let gone = steps.stop.iter().filter(|(id, _)| {
            picture.tasks.iter().any(|task| task.id == *id && task.standing == Standing::Healthy)
        });
        let left = healthy - gone.count() as u32;
        let floor = (picture.desired * picture.minimum_healthy_percent).div_ceil(100);
        prop_assert!(left >= floor.min(healthy), "{:?}: {:?}", picture, steps);
        let present = count(&picture, living);
        let ceiling = picture.desired * picture.maximum_percent / 100;
        prop_assert!(steps.start == 0 || present + steps.start <= ceiling, "{:?}: {:?}", picture, steps);
    }

    #[test]
    fn from_wherever_it_starts_it_ends_and_then_has_nothing_to_say(picture in any_picture()) {
        let floor = (picture.desired * picture.minimum_healthy_percent).div_ceil(100);
        let ceiling = picture.desired * picture.maximum_percent / 100;
        prop_assume!(floor < ceiling || picture.desired == 0);
        prop_assume!(picture.rollout != Rollout::Failed);
        let mut world = World { picture, next: 0, log: vec![] };
        // All is well from here on.
        (world.picture.failures, world.picture.circuit_breaker) = (0, false);
        world.picture.tasks.retain(|task| task.standing != Standing::Failing);
        let mut steps = 0;
        while plan(&world.picture, at(1000)) != settled(&world.picture) {
            world.step();
            steps += 1;
            prop_assert!(steps < 100, "it never ends: {:?} {:?}", world.log, world.picture);
        }
        prop_assert_eq!(count(&world.picture, |task| task.new), world.picture.desired);
    }
}

/// What is left to say when all is as desired.
fn settled(picture: &Picture) -> Steps {
    Steps {
        steady: true,
        complete: picture.rollout == Rollout::InProgress || picture.has_old,
        ..Steps::default()
    }
}

fn any_picture() -> impl Strategy<Value = Picture> {
    let standing = prop_oneof![
        Just(Standing::Pending),
        Just(Standing::Unready),
        Just(Standing::Healthy),
        Just(Standing::Healthy),
        Just(Standing::Unhealthy(Unwell::Container)),
        Just(Standing::Failing),
        Just(Standing::Stopping),
    ];
    let tasks = prop::collection::vec((any::<bool>(), standing), 0..12);
    let rollout = prop_oneof![
        Just(Rollout::InProgress),
        Just(Rollout::Completed),
        Just(Rollout::Failed)
    ];
    let percent = (0_u32..=100, 100_u32..=200);
    let failures = (0_u32..6, any::<bool>());
    let all = (0_u32..8, percent, tasks, rollout, failures, any::<bool>());
    all.prop_map(
        |(desired, (minimum, maximum), tasks, rollout, (failures, breaker), has_old)| {
            let tasks = tasks.into_iter().enumerate();
            let tasks = tasks.map(|(n, (new, standing))| task(format!("t{n}"), new, standing));
            Picture {
                circuit_breaker: breaker,
                failures,
                last_failure_at: (failures > 0).then(|| at(990)),
                rollout,
                has_old,
                tasks: tasks.collect(),
                ..picture(desired, minimum, maximum)
            }
        },
    )
}
