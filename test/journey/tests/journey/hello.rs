//! The main job: a folder goes online, is looked at, changed under load, and removed.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::cloud::{Cloud, root};
use crate::command::{get, run};

/// A copy of `examples/hello` whose page says something of its own.
pub fn application(folder: &Path, greeting: &str) -> PathBuf {
    let (from, to) = (root().join("examples/hello"), folder.join("hello"));
    run(Command::new("cp").arg("-rT").args([&from, &to]));
    set_greeting(&to, greeting);
    to
}

/// Changes one line of the source and compiles it, as a developer would.
pub fn set_greeting(application: &Path, greeting: &str) {
    let source = application.join("src/main.rs");
    let text = std::fs::read_to_string(&source).unwrap();
    let line = text
        .lines()
        .find(|line| line.starts_with("const GREETING"))
        .unwrap()
        .to_owned();
    std::fs::write(
        &source,
        text.replace(&line, &format!("const GREETING: &str = {greeting:?};")),
    )
    .unwrap();
    let mut rustc = Command::new("rustc");
    rustc.args([
        "--edition",
        "2024",
        "-C",
        "target-feature=+crt-static",
        "-C",
        "panic=abort",
    ]);
    run(rustc.arg(&source).arg("-o").arg(application.join("hello")));
}

/// Requests without a pause until it is told to stop.
pub struct Load {
    child: Child,
}

impl Load {
    pub fn start(url: &str) -> Self {
        let mut wrk = Command::new("wrk");
        wrk.args(["-t1", "-c16", "-d120s", "--timeout", "10s", url]);
        Self {
            child: wrk.stdout(Stdio::piped()).spawn().unwrap(),
        }
    }

    /// Ends it; no request may have failed.
    pub fn finish(mut self) {
        run(Command::new("kill").args(["-INT", &self.child.id().to_string()]));
        let mut text = String::new();
        std::io::Read::read_to_string(&mut self.child.stdout.take().unwrap(), &mut text).unwrap();
        self.child.wait().unwrap();
        let count = text
            .lines()
            .find_map(|line| line.trim().split_once(" requests in"))
            .map(|(count, _)| count);
        let count: u64 = count
            .unwrap_or_else(|| panic!("no requests were made\n{text}"))
            .parse()
            .unwrap();
        assert!(count > 100, "only {count} requests were made\n{text}");
        assert!(
            !text.contains("Non-2xx") && !text.contains("Socket errors"),
            "requests failed:\n{text}"
        );
    }
}

#[test]
fn a_folder_goes_online_and_every_client_sees_the_truth() {
    let cloud = Cloud::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let application = application(folder.path(), "first version");
    let path = application.to_str().unwrap();
    let said = run(&mut cloud.wharf(&["up", path]));
    let url = run(&mut cloud.wharf(&["url", "hello"]));
    assert!(said.contains(&url), "up prints the URL\n{said}");
    let (status, body) = get(&url);
    assert_eq!(status, 200);
    assert!(body.contains("first version"), "{body}");

    let service = &cloud.aws_json("ecs describe-services --cluster wharf --services hello")["services"][0];
    assert_eq!(service["runningCount"], 1);
    assert_eq!(service["deployments"][0]["rolloutState"], "COMPLETED");
    assert_eq!(service["deployments"].as_array().unwrap().len(), 1);
    let tasks = cloud.aws_json("ecs list-tasks --cluster wharf --service-name hello");
    let task = tasks["taskArns"][0].as_str().unwrap();
    let task = &cloud.aws_json(&format!("ecs describe-tasks --cluster wharf --tasks {task}"))["tasks"][0];
    assert_eq!(task["lastStatus"], "RUNNING");
    let image = &cloud.aws_json("ecr describe-images --repository-name hello")["imageDetails"][0];
    assert_eq!(task["containers"][0]["imageDigest"], image["imageDigest"]);
    let group =
        cloud.aws("elbv2 describe-target-groups --query TargetGroups[0].TargetGroupArn --output text");
    let health = cloud.aws_json(&format!(
        "elbv2 describe-target-health --target-group-arn {group}"
    ));
    let target = &health["TargetHealthDescriptions"][0];
    assert_eq!(target["TargetHealth"]["State"], "healthy");
    assert_eq!(
        target["Target"]["Id"],
        task["containers"][0]["networkInterfaces"][0]["privateIpv4Address"]
    );
    let logs = cloud.aws("logs describe-log-groups --query logGroups[0].logGroupName --output text");
    let lines = cloud.aws(&format!(
        "logs filter-log-events --log-group-name {logs} --query events[].message --output text"
    ));
    assert!(
        lines.contains("listening on port 8080") && lines.contains("GET /"),
        "{lines}"
    );
    assert!(run(&mut cloud.wharf(&["logs", "hello"])).contains("listening on port 8080"));

    cloud.aws("ecs update-service --cluster wharf --service hello --desired-count 3");
    cloud.aws("ecs wait services-stable --cluster wharf --services hello");
    let service = &cloud.aws_json("ecs describe-services --cluster wharf --services hello")["services"][0];
    assert_eq!(service["runningCount"], 3);

    let status: serde_json::Value =
        serde_json::from_str(&run(&mut cloud.wharf(&["status", "hello", "--json"]))).unwrap();
    assert!(status.to_string().contains(&url), "{status}");

    run(&mut cloud.wharf(&["down", "hello"]));
    for (what, line) in [
        ("clusters", "ecs list-clusters --query clusterArns"),
        (
            "load balancers",
            "elbv2 describe-load-balancers --query LoadBalancers",
        ),
        (
            "target groups",
            "elbv2 describe-target-groups --query TargetGroups",
        ),
        ("repositories", "ecr describe-repositories --query repositories"),
        ("log groups", "logs describe-log-groups --query logGroups"),
        ("VPCs", "ec2 describe-vpcs --query Vpcs[?!IsDefault]"),
        (
            "interfaces",
            "ec2 describe-network-interfaces --query NetworkInterfaces",
        ),
        (
            "gateways",
            "ec2 describe-internet-gateways --query InternetGateways[?Tags]",
        ),
        ("roles", "iam list-roles --query Roles"),
    ] {
        assert_eq!(
            cloud.aws_json(line).as_array().unwrap().len(),
            0,
            "{what} are left"
        );
    }
    cloud.stop();
    cloud.assert_nothing_left();
}

#[test]
fn a_change_goes_live_under_load_without_a_failed_request() {
    let cloud = Cloud::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let application = application(folder.path(), "one");
    let path = application.to_str().unwrap();
    run(&mut cloud.wharf(&["up", path, "--name", "web"]));
    let url = run(&mut cloud.wharf(&["url", "web"]));
    let load = Load::start(&url);
    for greeting in ["two", "three"] {
        set_greeting(&application, greeting);
        run(&mut cloud.wharf(&["up", path, "--name", "web"]));
        assert!(
            get(&url).1.contains(greeting),
            "the change is live when up returns"
        );
    }
    let before = cloud.aws("ecs list-task-definitions --query length(taskDefinitionArns) --output text");
    run(&mut cloud.wharf(&["up", path, "--name", "web"]));
    let after = cloud.aws("ecs list-task-definitions --query length(taskDefinitionArns) --output text");
    assert_eq!(before, after, "up without a change makes no new revision");
    load.finish();
}

#[test]
fn two_clouds_run_side_by_side() {
    let (one, two) = (Cloud::start(&[]), Cloud::start(&[]));
    let folder = tempfile::tempdir().unwrap();
    let application = application(folder.path(), "side by side");
    let path = application.to_str().unwrap();
    for cloud in [&one, &two] {
        run(&mut cloud.wharf(&["up", path]));
    }
    let urls = [&one, &two].map(|cloud| run(&mut cloud.wharf(&["url", "hello"])));
    assert_ne!(urls[0], urls[1]);
    one.stop();
    one.assert_nothing_left();
    assert_eq!(get(&urls[1]).0, 200, "the other one goes on");
}
