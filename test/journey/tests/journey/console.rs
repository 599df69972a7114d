//! The console as a person sees it, in a browser; and as those see it who have no business there.

use std::process::Command;

use crate::cloud::{Cloud, root};
use crate::command::{get, run};
use crate::image::load_busybox;

/// Says a line of a stranger's every half second, and one with the word seven less often; serves HTTP, but not at once;
/// and does not end when it is told to.
const DOCKERFILE: &str = r#"FROM busybox:1.35
EXPOSE 8080
RUN mkdir /www && echo well > /www/index.html
CMD ["sh", "-c", "trap '' TERM; sleep 4; httpd -p 8080 -h /www; n=0; while :; do n=$((n+1)); printf 'line %d <b>bold</b> \\033[31mred\\033[0m \\342\\200\\256\\n' $n; [ $((n%7)) = 0 ] && echo seven $n; sleep 0.5; done"]
"#;

const DEFINITION: &str = r#"{
  "family": "shown", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512",
  "containerDefinitions": [{ "name": "web", "stopTimeout": 2, "portMappings": [{ "containerPort": 8080 }] }]
}"#;

const WORKFLOW: &str = "on: push
jobs:
  say:
    runs-on: ubuntu-latest
    steps:
      - run: echo said by a step
";

fn application(cloud: &Cloud) -> tempfile::TempDir {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("shown");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("Dockerfile"), DOCKERFILE).unwrap();
    std::fs::write(folder.join("task-definition.json"), DEFINITION).unwrap();
    run(&mut cloud.wharf(&["up", folder.to_str().unwrap(), "--desired-count", "2"]));
    let url = run(&mut cloud.wharf(&["url", "shown"]));
    for _ in 0..50 {
        assert_eq!(get(&url).1, "well\n");
    }
    parent
}

/// A push whose message is a stranger's.
fn pipeline(cloud: &Cloud) -> tempfile::TempDir {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("site");
    std::fs::create_dir_all(folder.join(".github/workflows")).unwrap();
    std::fs::write(folder.join(".github/workflows/say.yml"), WORKFLOW).unwrap();
    let git = |arguments: &[&str]| {
        let mut git = Command::new("git");
        git.arg("-C")
            .arg(&folder)
            .args(["-c", "user.name=dev", "-c", "user.email=dev@example.com"]);
        run(git.args(arguments));
    };
    git(&["init", "--quiet", "--initial-branch=main"]);
    run(cloud.wharf(&["pipeline", "remote"]).arg(&folder));
    git(&["add", "--all"]);
    git(&[
        "commit",
        "--quiet",
        "-m",
        "<script>alert(1)</script> \u{202e}cod.exe",
    ]);
    git(&["push", "--quiet", "wharf", "main"]);
    parent
}

/// The network's name tag is a stranger's too.
fn rename_network(cloud: &Cloud) {
    let name = format!("<img src=x onerror=alert(1)>{}", "x".repeat(200));
    let vpcs = cloud.aws_json("ec2 describe-vpcs");
    for vpc in vpcs["Vpcs"].as_array().unwrap() {
        let id = vpc["VpcId"].as_str().unwrap();
        let tag = format!("Key=Name,Value={name}");
        run(&mut cloud.client("aws", &["ec2", "create-tags", "--resources", id, "--tags", &tag]));
    }
}

fn status(arguments: &[&str]) -> String {
    let fixed = ["-s", "-o", "/dev/null", "-m", "20", "-w", "%{http_code}"];
    run(Command::new("curl").args(fixed).args(arguments))
}

#[test]
fn a_person_sees_what_runs() {
    let cloud = Cloud::start(&[]);
    load_busybox(&cloud);
    let _application = application(&cloud);
    let _pipeline = pipeline(&cloud);
    rename_network(&cloud);
    let url = run(&mut cloud.wharf(&["console"]));
    let folder = root().join("test/journey/node");
    let script = folder.join("console.js");
    let mut node = cloud.client("node", &[script.to_str().unwrap()]);
    node.env("CONSOLE_URL", &url)
        .env("CONSOLE_APP", "shown")
        .env("CONSOLE_RUN", "1")
        .env_remove("DBUS_SESSION_BUS_ADDRESS");
    let said = run(node.current_dir(&folder));
    assert!(said.ends_with("done"), "{said}");
    strangers(&url, cloud.port);
}

/// Other names, other pages, no token.
fn strangers(url: &str, port: u16) {
    assert_eq!(status(&[url]), "200");
    assert_eq!(status(&[url, "-H", "Host: evil.test"]), "403");
    let service = format!("{url}/apps/wharf/shown");
    let form = ["-d", "action=scale&count=0"];
    assert_eq!(status(&[&service, form[0], form[1]]), "403");
    assert_eq!(
        status(&[&service, form[0], form[1], "-H", "Origin: http://evil.test"]),
        "403"
    );
    let app = "Origin: http://127.0.0.1:80";
    assert_eq!(status(&[&service, form[0], form[1], "-H", app]), "403");
    let endpoint = format!("http://127.0.0.1:{port}/");
    assert_eq!(status(&[&endpoint, "-H", "Accept: text/html"]), "303");
    assert_eq!(status(&[&endpoint]), "200");
}

#[test]
fn from_elsewhere_a_password_is_needed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    std::fs::write(&file, "open sesame\n").unwrap();
    let cloud = Cloud::start(&["--console-password-file", file.to_str().unwrap()]);
    let url = run(&mut cloud.wharf(&["console"]));
    assert_eq!(status(&[&url]), "303");
    assert_eq!(status(&["-L", &url]), "200");
    assert_eq!(status(&[&format!("{url}/live?page=/console")]), "401");
    assert_eq!(status(&[&format!("{url}/asset/style.css")]), "200");
}
