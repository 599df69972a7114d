//! Killing what can be killed.

use std::process::Command;

use crate::cloud::{Cloud, until};
use crate::command::{get, run, shell};
use crate::hello::{Load, application};

fn kill(pid: i32) {
    run(Command::new("kill").args(["-9", &pid.to_string()]));
}

#[test]
fn the_control_process_dies_under_load_and_nobody_notices() {
    let cloud = Cloud::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let application = application(folder.path(), "immortal");
    run(&mut cloud.wharf(&["up", application.to_str().unwrap()]));
    let url = run(&mut cloud.wharf(&["url", "hello"]));
    let tasks = cloud.aws("ecs list-tasks --cluster wharf --output text");
    let load = Load::start(&url);
    for _ in 0..2 {
        let old = cloud.process("control");
        kill(old);
        until("another control process", || {
            cloud.process("control") != old
                && cloud
                    .client("aws", &["sts", "get-caller-identity"])
                    .output()
                    .unwrap()
                    .status
                    .success()
        });
    }
    assert_eq!(
        cloud.aws("ecs list-tasks --cluster wharf --output text"),
        tasks,
        "the running task is adopted"
    );
    cloud.aws("ecs update-service --cluster wharf --service hello --force-new-deployment");
    cloud.aws("ecs wait services-stable --cluster wharf --services hello");
    assert_ne!(
        cloud.aws("ecs list-tasks --cluster wharf --output text"),
        tasks,
        "and it goes on working"
    );
    load.finish();
    cloud.stop();
    cloud.assert_nothing_left();
}

#[test]
fn everything_dies_and_the_next_up_works() {
    let mut cloud = Cloud::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let application = application(folder.path(), "phoenix");
    let path = application.to_str().unwrap();
    run(&mut cloud.wharf(&["up", path]));
    kill(cloud.process("supervise"));
    kill(cloud.process("control"));
    kill(cloud.process("proxy"));
    let state = cloud.state().display().to_string();
    shell(&format!("pkill -9 -f '[s]him task {state}'"));
    cloud.start_again(&[]);
    run(&mut cloud.wharf(&["up", path]));
    let url = run(&mut cloud.wharf(&["url", "hello"]));
    assert!(get(&url).1.contains("phoenix"));
    // And once more, without a start: stopping cleans up after the dead.
    kill(cloud.process("supervise"));
    kill(cloud.process("control"));
    kill(cloud.process("proxy"));
    cloud.stop();
    cloud.assert_nothing_left();
}

#[test]
fn the_load_balancer_dies_and_comes_back_from_its_table_on_disk() {
    let cloud = Cloud::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let application = application(folder.path(), "back");
    run(&mut cloud.wharf(&["up", application.to_str().unwrap()]));
    let url = run(&mut cloud.wharf(&["url", "hello"]));
    let old = cloud.process("proxy");
    kill(old);
    until("the load balancer", || {
        let answer = Command::new("curl")
            .args(["-sf", "-m", "2", "-o", "/dev/null", &url])
            .status();
        answer.is_ok_and(|status| status.success())
    });
    assert_ne!(cloud.process("proxy"), old);
}
