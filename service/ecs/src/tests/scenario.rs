//! Roll-outs as small texts, and what becomes of them: documentation that is run.
//!
//! A script's steps are separated by `|`. The first makes a service, `desired 2 min 100 max 200 breaker rollback`; the
//! others are `update web:2`, `scale 3`, `force`, `web:2 cannot be pulled`, `web:2 is unwell`, `web:2 works`,
//! `a task crashes`, `stop` (roll back by hand), `abort`, `delete` and `wait 30` (seconds). After each step all comes to
//! rest. Tasks are numbered in the order in which they were started, deployments likewise.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_shape::ecs::*;
use expect_test::{Expect, expect};

use super::world::World;

struct Script {
    world: World,
    /// Short names for ids.
    names: BTreeMap<String, String>,
    /// Events that were there before.
    told: usize,
    said: String,
}

fn number(word: Option<&&str>) -> i32 {
    word.and_then(|it| it.parse().ok()).expect("a number")
}

fn configuration(words: &[&str]) -> DeploymentConfiguration {
    let after = |name: &str| {
        let at = words.iter().position(|it| *it == name)?;
        Some(number(words.get(at + 1)))
    };
    DeploymentConfiguration {
        minimum_healthy_percent: after("min"),
        maximum_percent: after("max"),
        deployment_circuit_breaker: Some(DeploymentCircuitBreaker {
            enable: words.contains(&"breaker"),
            rollback: words.contains(&"rollback"),
        }),
        ..Default::default()
    }
}

impl Script {
    async fn step(&mut self, text: &str) {
        let words: Vec<&str> = text.split_whitespace().collect();
        let web = || UpdateServiceRequest {
            service: "web".into(),
            ..Default::default()
        };
        match words.as_slice() {
            ["desired", desired, rest @ ..] => {
                let balanced = rest.contains(&"balanced");
                let input = CreateServiceRequest {
                    load_balancers: balanced.then(|| self.world.behind(&self.world.group).unwrap()),
                    deployment_configuration: Some(configuration(rest)),
                    ..self.world.service("web", number(Some(desired)))
                };
                self.world.create(input).await.unwrap();
            }
            ["update", definition] => drop(self.world.roll("web", definition).await),
            ["scale", desired] => drop(self.world.scale("web", number(Some(desired))).await),
            ["force"] => {
                let input = UpdateServiceRequest {
                    force_new_deployment: Some(true),
                    ..web()
                };
                self.world.update(input).await.unwrap();
            }
            [definition, "cannot", "be", "pulled"] => {
                self.world.behaviour.broken.insert((*definition).to_owned());
            }
            [definition, "is", "unwell"] => {
                self.world.behaviour.unwell.insert((*definition).to_owned());
            }
            [definition, "works"] => {
                self.world.behaviour.broken.remove(*definition);
                self.world.behaviour.unwell.remove(*definition);
            }
            ["a", "task", "crashes"] => {
                let id = self.world.living("web")[0].id.clone();
                self.world.crash(&id, false).await;
            }
            ["stop" | "abort"] => {
                let current = self.world.describe("web").await.current_service_deployment;
                let abort = words[0] == "abort";
                let input = StopServiceDeploymentRequest {
                    service_deployment_arn: current.unwrap(),
                    stop_type: abort.then_some(StopServiceDeploymentStopType::Abort),
                };
                let world = &self.world;
                world
                    .ecs
                    .stop_service_deployment(&world.context, input)
                    .await
                    .unwrap();
            }
            ["delete"] => drop(self.world.delete("web").await.unwrap()),
            ["wait", seconds] => {
                let seconds = u64::try_from(number(Some(seconds))).unwrap();
                self.world.clock.advance(Duration::from_secs(seconds));
            }
            other => panic!("no such step: {other:?}"),
        }
        self.said += &format!("> {text}\n");
        self.world.settle().await;
        self.tell().await;
    }

    /// The events since the last time, and how things stand.
    async fn tell(&mut self) {
        let events = self.world.events("web").await;
        let new = events.len() - self.told;
        self.told = events.len();
        for event in events[..new].iter().rev() {
            let line = self.short(event);
            self.said += &format!("  {line}\n");
        }
        let service = self.world.describe("web").await;
        let deployments = service.deployments.unwrap_or_default().into_iter().map(|it| {
            let definition = it.task_definition.unwrap_or_default();
            let definition = definition.rsplit('/').next().unwrap_or_default().to_owned();
            format!(
                "{} {definition} {} running {} pending {}",
                it.status.unwrap_or_default(),
                it.rollout_state.map(|it| it.to_string()).unwrap_or_default(),
                it.running_count.unwrap_or_default(),
                it.pending_count.unwrap_or_default()
            )
        });
        let all: Vec<String> = deployments.collect();
        let all = if all.is_empty() {
            service.status.unwrap_or_default()
        } else {
            all.join(" | ")
        };
        self.said += &format!("  = {all}\n");
    }

    /// Without ids that nobody can remember.
    fn short(&mut self, event: &str) -> String {
        let event = event.replace(&self.world.group, "web");
        let mut line = String::new();
        let inside = |it: char| it == '(' || it == ')' || it == ' ' || it == '.';
        for word in event.split_inclusive(inside) {
            let (id, end) = word.split_at(word.trim_end_matches(inside).len());
            let is_task = id.len() == 32 && id.chars().all(|it| it.is_ascii_hexdigit());
            let kind = if is_task { "" } else { "d" };
            if is_task || id.starts_with("ecs-svc/") {
                let next = 1 + self
                    .names
                    .values()
                    .filter(|it| it.starts_with('d') != is_task)
                    .count();
                let name = self.names.entry(id.to_owned());
                line += name.or_insert_with(|| format!("{kind}{next}"));
            } else {
                line += id;
            }
            line += end;
        }
        line.strip_prefix("(service web) ").unwrap_or(&line).to_owned()
    }
}

async fn check(script: &str, expected: Expect) {
    let world = World::new().await;
    for _ in 0..2 {
        world.define("web").await;
    }
    let mut script_run = Script {
        world,
        names: BTreeMap::new(),
        told: 0,
        said: String::new(),
    };
    for step in script.split('|') {
        script_run.step(step.trim()).await;
    }
    expected.assert_eq(&script_run.said);
}

#[tokio::test]
async fn new_tasks_first_then_the_old_ones_go() {
    check(
        "desired 2 balanced | update web:2",
        expect![[r#"
        > desired 2 balanced
          has started 2 tasks: (task 1) (task 2).
          registered 2 targets in (target-group web)
          (deployment d1) deployment completed.
          has reached a steady state.
          = PRIMARY web:1 COMPLETED running 2 pending 0
        > update web:2
          has started 2 tasks: (task 3) (task 4).
          registered 2 targets in (target-group web)
          has begun draining connections on 2 tasks.
          deregistered 2 targets in (target-group web)
          has stopped 1 running tasks: (task 1).
          has stopped 1 running tasks: (task 2).
          (deployment d2) deployment completed.
          has reached a steady state.
          = PRIMARY web:2 COMPLETED running 2 pending 0
    "#]],
    )
    .await;
}

#[tokio::test]
async fn half_may_go_first_when_there_is_no_room_above() {
    check(
        "desired 4 min 50 max 100 | update web:2",
        expect![[r#"
        > desired 4 min 50 max 100
          has started 4 tasks: (task 1) (task 2) (task 3) (task 4).
          (deployment d1) deployment completed.
          has reached a steady state.
          = PRIMARY web:1 COMPLETED running 4 pending 0
        > update web:2
          has started 2 tasks: (task 5) (task 6).
          has stopped 1 running tasks: (task 1).
          has stopped 1 running tasks: (task 2).
          has started 2 tasks: (task 7) (task 8).
          has stopped 1 running tasks: (task 3).
          has stopped 1 running tasks: (task 4).
          (deployment d2) deployment completed.
          has reached a steady state.
          = PRIMARY web:2 COMPLETED running 4 pending 0
    "#]],
    )
    .await;
}

#[tokio::test]
async fn an_image_that_cannot_be_pulled_is_rolled_back() {
    check(
        "desired 2 breaker rollback | web:2 cannot be pulled | update web:2 | wait 1 | wait 2",
        expect![[r#"
            > desired 2 breaker rollback
              has started 2 tasks: (task 1) (task 2).
              (deployment d1) deployment completed.
              has reached a steady state.
              = PRIMARY web:1 COMPLETED running 2 pending 0
            > web:2 cannot be pulled
              = PRIMARY web:1 COMPLETED running 2 pending 0
            > update web:2
              has started 2 tasks: (task 3) (task 4).
              (task 3) stopped: CannotPullContainerError: no
              (task 4) stopped: CannotPullContainerError: no
              = PRIMARY web:2 IN_PROGRESS running 0 pending 0 | ACTIVE web:1 COMPLETED running 2 pending 0
            > wait 1
              has started 2 tasks: (task 5) (task 6).
              (task 5) stopped: CannotPullContainerError: no
              (task 6) stopped: CannotPullContainerError: no
              (deployment d2) deployment failed: tasks failed to start.
              rolling back to deployment d1.
              (deployment d1) deployment completed.
              has reached a steady state.
              = PRIMARY web:1 COMPLETED running 2 pending 0
            > wait 2
              = PRIMARY web:1 COMPLETED running 2 pending 0
        "#]],
    )
    .await;
}

#[tokio::test]
async fn without_rollback_the_old_tasks_stay() {
    check(
        "desired 2 min 50 breaker | web:2 cannot be pulled | update web:2 | wait 1 | wait 2 | update web:3",
        expect![[r#"
            > desired 2 min 50 breaker
              has started 2 tasks: (task 1) (task 2).
              (deployment d1) deployment completed.
              has reached a steady state.
              = PRIMARY web:1 COMPLETED running 2 pending 0
            > web:2 cannot be pulled
              = PRIMARY web:1 COMPLETED running 2 pending 0
            > update web:2
              has started 2 tasks: (task 3) (task 4).
              has stopped 1 running tasks: (task 1).
              (task 3) stopped: CannotPullContainerError: no
              (task 4) stopped: CannotPullContainerError: no
              = PRIMARY web:2 IN_PROGRESS running 0 pending 0 | ACTIVE web:1 COMPLETED running 1 pending 0
            > wait 1
              has started 2 tasks: (task 5) (task 6).
              (task 5) stopped: CannotPullContainerError: no
              (task 6) stopped: CannotPullContainerError: no
              (deployment d2) deployment failed: tasks failed to start.
              = PRIMARY web:2 FAILED running 0 pending 0 | ACTIVE web:1 COMPLETED running 1 pending 0
            > wait 2
              = PRIMARY web:2 FAILED running 0 pending 0 | ACTIVE web:1 COMPLETED running 1 pending 0
            > update web:3
              has started 2 tasks: (task 7) (task 8).
              has stopped 1 running tasks: (task 2).
              (deployment d3) deployment completed.
              has reached a steady state.
              = PRIMARY web:3 COMPLETED running 2 pending 0
        "#]],
    )
    .await;
}

#[tokio::test]
async fn tasks_that_never_become_healthy_open_the_circuit_breaker() {
    check(
        "desired 1 balanced breaker rollback | web:2 is unwell | update web:2 | wait 1 | wait 2 | wait 4",
        expect![[r#"
            > desired 1 balanced breaker rollback
              has started 1 tasks: (task 1).
              registered 1 targets in (target-group web)
              (deployment d1) deployment completed.
              has reached a steady state.
              = PRIMARY web:1 COMPLETED running 1 pending 0
            > web:2 is unwell
              = PRIMARY web:1 COMPLETED running 1 pending 0
            > update web:2
              has started 1 tasks: (task 2).
              registered 1 targets in (target-group web)
              (task 2) (port 80) is unhealthy in (target-group web) due to (reason Request timed out (asked for /)).
              deregistered 1 targets in (target-group web)
              has stopped 1 running tasks: (task 2).
              = PRIMARY web:2 IN_PROGRESS running 0 pending 0 | ACTIVE web:1 COMPLETED running 1 pending 0
            > wait 1
              has started 1 tasks: (task 3).
              registered 1 targets in (target-group web)
              (task 3) (port 80) is unhealthy in (target-group web) due to (reason Request timed out (asked for /)).
              deregistered 1 targets in (target-group web)
              is unable to consistently start tasks successfully. For more information, see the Troubleshooting section.
              has stopped 1 running tasks: (task 3).
              = PRIMARY web:2 IN_PROGRESS running 0 pending 0 | ACTIVE web:1 COMPLETED running 1 pending 0
            > wait 2
              has started 1 tasks: (task 4).
              registered 1 targets in (target-group web)
              (task 4) (port 80) is unhealthy in (target-group web) due to (reason Request timed out (asked for /)).
              deregistered 1 targets in (target-group web)
              (deployment d2) deployment failed: tasks failed to start.
              rolling back to deployment d1.
              has stopped 1 running tasks: (task 4).
              (deployment d1) deployment completed.
              has reached a steady state.
              = PRIMARY web:1 COMPLETED running 1 pending 0
            > wait 4
              = PRIMARY web:1 COMPLETED running 1 pending 0
        "#]],
    )
    .await;
}

#[tokio::test]
async fn without_a_circuit_breaker_retries_slow_down_and_say_so() {
    check(
        "desired 1 | web:2 cannot be pulled | update web:2 | wait 1 | wait 2 | wait 4 | web:2 works | wait 8",
        expect![[r#"
            > desired 1
              has started 1 tasks: (task 1).
              (deployment d1) deployment completed.
              has reached a steady state.
              = PRIMARY web:1 COMPLETED running 1 pending 0
            > web:2 cannot be pulled
              = PRIMARY web:1 COMPLETED running 1 pending 0
            > update web:2
              has started 1 tasks: (task 2).
              (task 2) stopped: CannotPullContainerError: no
              = PRIMARY web:2 IN_PROGRESS running 0 pending 0 | ACTIVE web:1 COMPLETED running 1 pending 0
            > wait 1
              has started 1 tasks: (task 3).
              (task 3) stopped: CannotPullContainerError: no
              is unable to consistently start tasks successfully. For more information, see the Troubleshooting section.
              = PRIMARY web:2 IN_PROGRESS running 0 pending 0 | ACTIVE web:1 COMPLETED running 1 pending 0
            > wait 2
              has started 1 tasks: (task 4).
              (task 4) stopped: CannotPullContainerError: no
              = PRIMARY web:2 IN_PROGRESS running 0 pending 0 | ACTIVE web:1 COMPLETED running 1 pending 0
            > wait 4
              has started 1 tasks: (task 5).
              (task 5) stopped: CannotPullContainerError: no
              = PRIMARY web:2 IN_PROGRESS running 0 pending 0 | ACTIVE web:1 COMPLETED running 1 pending 0
            > web:2 works
              = PRIMARY web:2 IN_PROGRESS running 0 pending 0 | ACTIVE web:1 COMPLETED running 1 pending 0
            > wait 8
              has started 1 tasks: (task 6).
              has stopped 1 running tasks: (task 1).
              (deployment d2) deployment completed.
              has reached a steady state.
              = PRIMARY web:2 COMPLETED running 1 pending 0
        "#]],
    )
    .await;
}

#[tokio::test]
async fn a_crashed_task_is_replaced_after_a_second() {
    check(
        "desired 2 | a task crashes | wait 1",
        expect![[r#"
        > desired 2
          has started 2 tasks: (task 1) (task 2).
          (deployment d1) deployment completed.
          has reached a steady state.
          = PRIMARY web:1 COMPLETED running 2 pending 0
        > a task crashes
          (task 1) stopped: Essential container in task exited
          = PRIMARY web:1 COMPLETED running 1 pending 0
        > wait 1
          has started 1 tasks: (task 3).
          has reached a steady state.
          = PRIMARY web:1 COMPLETED running 2 pending 0
    "#]],
    )
    .await;
}

#[tokio::test]
async fn no_room_to_move_is_said() {
    check("desired 1 max 150 | update web:2 | scale 2", expect![[r#"
        > desired 1 max 150
          has started 1 tasks: (task 1).
          (deployment d1) deployment completed.
          has reached a steady state.
          = PRIMARY web:1 COMPLETED running 1 pending 0
        > update web:2
          was unable to stop or start tasks during a deployment because of the service deployment configuration. Update the minimumHealthyPercent or maximumPercent value and try again.
          = PRIMARY web:2 IN_PROGRESS running 0 pending 0 | ACTIVE web:1 COMPLETED running 1 pending 0
        > scale 2
          has started 2 tasks: (task 2) (task 3).
          has stopped 1 running tasks: (task 1).
          (deployment d2) deployment completed.
          has reached a steady state.
          = PRIMARY web:2 COMPLETED running 2 pending 0
    "#]]).await;
}

#[tokio::test]
async fn a_roll_out_is_undone_by_hand() {
    check(
        "desired 2 | web:2 cannot be pulled | update web:2 | stop",
        expect![[r#"
            > desired 2
              has started 2 tasks: (task 1) (task 2).
              (deployment d1) deployment completed.
              has reached a steady state.
              = PRIMARY web:1 COMPLETED running 2 pending 0
            > web:2 cannot be pulled
              = PRIMARY web:1 COMPLETED running 2 pending 0
            > update web:2
              has started 2 tasks: (task 3) (task 4).
              (task 3) stopped: CannotPullContainerError: no
              (task 4) stopped: CannotPullContainerError: no
              = PRIMARY web:2 IN_PROGRESS running 0 pending 0 | ACTIVE web:1 COMPLETED running 2 pending 0
            > stop
              (deployment d2) deployment failed: it was stopped by a user.
              rolling back to deployment d1.
              (deployment d1) deployment completed.
              has reached a steady state.
              = PRIMARY web:1 COMPLETED running 2 pending 0
        "#]],
    )
    .await;
}

#[tokio::test]
async fn a_roll_out_is_aborted_by_hand() {
    check(
        "desired 2 | web:2 cannot be pulled | update web:2 | abort | delete",
        expect![[r#"
            > desired 2
              has started 2 tasks: (task 1) (task 2).
              (deployment d1) deployment completed.
              has reached a steady state.
              = PRIMARY web:1 COMPLETED running 2 pending 0
            > web:2 cannot be pulled
              = PRIMARY web:1 COMPLETED running 2 pending 0
            > update web:2
              has started 2 tasks: (task 3) (task 4).
              (task 3) stopped: CannotPullContainerError: no
              (task 4) stopped: CannotPullContainerError: no
              = PRIMARY web:2 IN_PROGRESS running 0 pending 0 | ACTIVE web:1 COMPLETED running 2 pending 0
            > abort
              (deployment d2) deployment failed: it was stopped by a user.
              = PRIMARY web:2 FAILED running 0 pending 0 | ACTIVE web:1 COMPLETED running 2 pending 0
            > delete
              has stopped 1 running tasks: (task 1).
              has stopped 1 running tasks: (task 2).
              = INACTIVE
        "#]],
    )
    .await;
}

#[tokio::test]
async fn the_rollback_fails_too() {
    check(
        "desired 1 breaker rollback | web:2 cannot be pulled | web:1 cannot be pulled | a task crashes | update web:2 | wait 1 | wait 2 | wait 1 | wait 2 | wait 4",
        expect![[r#"
            > desired 1 breaker rollback
              has started 1 tasks: (task 1).
              (deployment d1) deployment completed.
              has reached a steady state.
              = PRIMARY web:1 COMPLETED running 1 pending 0
            > web:2 cannot be pulled
              = PRIMARY web:1 COMPLETED running 1 pending 0
            > web:1 cannot be pulled
              = PRIMARY web:1 COMPLETED running 1 pending 0
            > a task crashes
              (task 1) stopped: Essential container in task exited
              = PRIMARY web:1 COMPLETED running 0 pending 0
            > update web:2
              has started 1 tasks: (task 2).
              (task 2) stopped: CannotPullContainerError: no
              = PRIMARY web:2 IN_PROGRESS running 0 pending 0 | ACTIVE web:1 COMPLETED running 0 pending 0
            > wait 1
              has started 1 tasks: (task 3).
              (task 3) stopped: CannotPullContainerError: no
              is unable to consistently start tasks successfully. For more information, see the Troubleshooting section.
              = PRIMARY web:2 IN_PROGRESS running 0 pending 0 | ACTIVE web:1 COMPLETED running 0 pending 0
            > wait 2
              has started 1 tasks: (task 4).
              (task 4) stopped: CannotPullContainerError: no
              (deployment d2) deployment failed: tasks failed to start.
              rolling back to deployment d1.
              has started 1 tasks: (task 5).
              (task 5) stopped: CannotPullContainerError: no
              = PRIMARY web:1 IN_PROGRESS running 0 pending 0 | ACTIVE web:2 FAILED running 0 pending 0
            > wait 1
              has started 1 tasks: (task 6).
              (task 6) stopped: CannotPullContainerError: no
              is unable to consistently start tasks successfully. For more information, see the Troubleshooting section.
              = PRIMARY web:1 IN_PROGRESS running 0 pending 0 | ACTIVE web:2 FAILED running 0 pending 0
            > wait 2
              has started 1 tasks: (task 7).
              (task 7) stopped: CannotPullContainerError: no
              (deployment d1) deployment failed: tasks failed to start.
              = PRIMARY web:1 FAILED running 0 pending 0 | ACTIVE web:2 FAILED running 0 pending 0
            > wait 4
              = PRIMARY web:1 FAILED running 0 pending 0 | ACTIVE web:2 FAILED running 0 pending 0
        "#]],
    )
    .await;
}
