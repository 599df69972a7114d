//! `--auth open`: for test suites that exist already.

use std::process::Command;

use crate::cloud::Cloud;
use crate::command::{run, shell};
use crate::hello::application;

#[test]
fn any_well_formed_signature_is_accepted_and_reset_removes_everything() {
    let cloud = Cloud::start(&["--auth", "open"]);
    let endpoint = cloud.variable("AWS_ENDPOINT_URL");
    let account = |key: &str| {
        let mut aws = cloud.client(
            "aws",
            &[
                "sts",
                "get-caller-identity",
                "--query",
                "Account",
                "--output",
                "text",
            ],
        );
        run(aws
            .env("AWS_ACCESS_KEY_ID", key)
            .env("AWS_SECRET_ACCESS_KEY", "anything"))
    };
    assert_eq!(account("test"), "123456789012");
    assert_eq!(account("111122223333"), "111122223333");

    let folder = tempfile::tempdir().unwrap();
    let application = application(folder.path(), "short life");
    run(&mut cloud.wharf(&["up", application.to_str().unwrap()]));
    let status = |extra: &[&str]| {
        let mut curl = Command::new("curl");
        curl.args(["-s", "-o", "/dev/null", "-w", "%{http_code}"])
            .args(extra);
        run(&mut curl)
    };
    let reset = format!("{endpoint}/_wharf/reset");
    assert_eq!(
        status(&["-X", "POST", "-H", "Origin: http://evil.example", &reset]),
        "403"
    );
    assert_eq!(status(&["-X", "POST", "-H", "Host: evil.example", &reset]), "403");
    let unsigned = ["-d", "Action=GetCallerIdentity&Version=2011-06-15", &endpoint];
    assert_eq!(
        status(&unsigned),
        "403",
        "a request without a signature is refused"
    );
    assert_eq!(status(&["-X", "POST", &reset]), "200");
    assert_eq!(
        cloud.aws("ecs list-clusters --query length(clusterArns) --output text"),
        "0"
    );
    let state = cloud.state().display().to_string();
    let running = shell(&format!("pgrep -f '[s]him task {state}' || true"));
    assert!(running.is_empty(), "tasks are still running: {running}");
    run(&mut cloud.wharf(&["up", application.to_str().unwrap()]));
}
