//! Task definitions field by field: registered, read back, and seen from inside containers.

use crate::cloud::{Cloud, root};
use crate::command::run;
use crate::image::{load_busybox, load_python};

/// Runs one of the scripts beside this test against a cloud.
pub fn script(cloud: &Cloud, name: &str, arguments: &[&str]) -> String {
    let path = root().join("test/journey/python").join(name);
    let mut words = vec![path.to_str().unwrap()];
    words.extend(arguments);
    run(&mut cloud.client("python3", &words))
}

#[test]
fn an_application_that_is_an_aws_client_runs_unchanged() {
    let cloud = Cloud::start(&[]);
    load_python(&cloud);
    let folder = tempfile::tempdir().unwrap();
    let source = root().join("test/journey/python/application.py");
    std::fs::copy(source, folder.path().join("application.py")).unwrap();
    let dockerfile = "FROM python:3.12\nRUN pip install --no-cache-dir boto3\nCOPY application.py /\nCMD [\"python3\", \"/application.py\", \"inside\"]\n";
    std::fs::write(folder.path().join("Dockerfile"), dockerfile).unwrap();
    run(&mut cloud.client(
        "docker",
        &["build", "-t", "shop:1", folder.path().to_str().unwrap()],
    ));
    assert_eq!(script(&cloud, "application.py", &["shop:1"]), "done");
}

#[test]
fn every_field_of_a_task_definition_is_seen_from_inside() {
    let cloud = Cloud::start(&[]);
    load_busybox(&cloud);
    let said = script(&cloud, "inside.py", &[]);
    assert_eq!(said, "fargate\nmachine\noverrides\nfailures");
    cloud.stop();
    cloud.assert_nothing_left();
}
