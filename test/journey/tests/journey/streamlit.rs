//! The deployment guide's application: a Streamlit page whose clicks travel over a WebSocket.

use std::process::Command;

use crate::cloud::{Cloud, root};
use crate::command::{get, run};
use crate::image::load_python;

#[test]
fn a_browser_clicks_through_the_load_balancer() {
    let cloud = Cloud::start(&[]);
    load_python(&cloud);
    let example = root().join("examples/streamlit");
    run(&mut cloud.wharf(&["up", example.to_str().unwrap()]));
    let url = run(&mut cloud.wharf(&["url", "streamlit"]));
    assert_eq!(get(&url).0, 200);
    let script = root().join("test/journey/python/click.py");
    let said = run(Command::new("python3").arg(script).arg(&url));
    assert_eq!(said, "You have clicked 2 times.");
    let service =
        &cloud.aws_json("ecs describe-services --cluster wharf --services streamlit")["services"][0];
    assert_eq!(service["runningCount"], 1);
    let definition = cloud.aws_json("ecs describe-task-definition --task-definition streamlit-app");
    let container = &definition["taskDefinition"]["containerDefinitions"][0];
    assert_eq!(container["portMappings"][0]["appProtocol"], "http");
    assert_eq!(container["pseudoTerminal"], true);
    run(&mut cloud.wharf(&["down", "streamlit"]));
}
