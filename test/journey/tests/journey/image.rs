//! Images through docker and skopeo, unmodified.

use std::process::Command;
use std::sync::OnceLock;

use crate::cloud::{Cloud, root};
use crate::command::run;

/// A small image with a shell, made on this machine.
pub fn load_busybox(cloud: &Cloud) {
    let archive = cloud.state().join("busybox.tar");
    let maker = root().join("../shared/base-images/make-busybox-image");
    run(Command::new(&maker)
        .arg("-o")
        .arg(&archive)
        .args(["-t", "busybox:1.35"]));
    run(&mut cloud.client("docker", &["load", "-i", archive.to_str().unwrap()]));
}

/// `python:3.12`, made on this machine once for all tests.
pub fn load_python(cloud: &Cloud) {
    static MADE: OnceLock<tempfile::TempDir> = OnceLock::new();
    let folder = MADE.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let maker = root().join("../shared/base-images/make-python-image");
        run(Command::new(&maker)
            .arg("-o")
            .arg(folder.path().join("python.tar"))
            .args(["-t", "python:3.12", "--trust", "auto"]));
        folder
    });
    let archive = folder.path().join("python.tar");
    run(&mut cloud.client("docker", &["load", "-i", archive.to_str().unwrap()]));
}

#[test]
fn docker_builds_and_pushes_and_skopeo_copies() {
    let cloud = Cloud::start(&[]);
    load_busybox(&cloud);
    let folder = tempfile::tempdir().unwrap();
    let dockerfile =
        "FROM busybox:1.35\nARG WHO=world\nRUN echo hello $WHO > /greeting\nCMD [\"cat\", \"/greeting\"]\n";
    std::fs::write(folder.path().join("Dockerfile"), dockerfile).unwrap();
    let registry = format!("127.0.0.1:{}", cloud.port);
    cloud.aws("ecr create-repository --repository-name tools/greeting");
    let password = cloud.aws("ecr get-login-password");
    let name = format!("{registry}/tools/greeting:1");
    let path = folder.path().to_str().unwrap();
    run(&mut cloud.client("docker", &["login", "-u", "AWS", "-p", &password, &registry]));
    run(&mut cloud.client(
        "docker",
        &["build", "--build-arg", "WHO=Wharf", "-t", &name, path],
    ));
    run(&mut cloud.client("docker", &["push", &name]));
    let images = cloud.aws_json("ecr describe-images --repository-name tools/greeting");
    assert_eq!(images["imageDetails"][0]["imageTags"][0], "1");

    let credentials = format!("AWS:{password}");
    let copy = |from: &str, to: &str| {
        let flags = ["copy", "--src-tls-verify=false", "--dest-tls-verify=false"];
        let mut skopeo = Command::new("skopeo");
        skopeo.args(flags);
        if from.starts_with("docker:") {
            skopeo.args(["--src-creds", &credentials]);
        }
        if to.starts_with("docker:") {
            skopeo.args(["--dest-creds", &credentials]);
        }
        run(skopeo.args([from, to]))
    };
    let layout = format!("oci:{}:1", folder.path().join("layout").display());
    copy(&format!("docker://{name}"), &layout);
    copy(&layout, &format!("docker://{registry}/tools/greeting:2"));
    let tags =
        cloud.aws("ecr list-images --repository-name tools/greeting --query length(imageIds) --output text");
    assert_eq!(tags, "2");
}
