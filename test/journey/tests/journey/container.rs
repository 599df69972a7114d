//! Containers through the docker client, as steps of workflows and Docker actions run them.

use crate::cloud::{Cloud, until};
use crate::command::{fail, run, shell};
use crate::image::load_busybox;

#[test]
fn docker_runs_containers_and_leaves_nothing() {
    let cloud = Cloud::start(&[]);
    load_busybox(&cloud);
    let docker = |arguments: &[&str]| cloud.client("docker", arguments);
    let folder = tempfile::tempdir().unwrap();
    let bind = format!("{}:/inside", folder.path().display());
    let host = ["run", "--rm", "--network=host"];
    let all = |more: &[&str]| docker(&[&host[..], more].concat());
    // Standard output, standard error and the exit code are the program's own, every time.
    for round in 0..10 {
        let script = format!("echo out{round}; echo err{round} >&2; exit {round}");
        let output = all(&["busybox:1.35", "sh", "-c", &script]).output().unwrap();
        assert_eq!(output.status.code(), Some(round));
        assert_eq!(output.stdout, format!("out{round}\n").into_bytes());
        assert_eq!(output.stderr, format!("err{round}\n").into_bytes());
    }
    let script = "echo $A $PWD; id -u; id -g; echo written > f";
    let mut said = all(&[
        "-e",
        "A=given",
        "-w",
        "/inside",
        "-u",
        "0:7",
        "-v",
        &bind,
        "--entrypoint",
        "sh",
        "busybox:1.35",
        "-c",
        script,
    ]);
    assert_eq!(run(&mut said), "given /inside\n0\n7");
    assert_eq!(
        std::fs::read_to_string(folder.path().join("f")).unwrap(),
        "written\n"
    );
    let typed = shell(&format!(
        "echo typed | DOCKER_HOST={} docker run --rm -i --network=none busybox:1.35 cat",
        cloud.variable("DOCKER_HOST")
    ));
    assert_eq!(typed, "typed");
    // What is not served says so, and what to do instead.
    for (more, words) in [
        (&["run", "--rm", "busybox:1.35", "true"][..], "--network=host"),
        (
            &[
                "run",
                "--rm",
                "--network=host",
                "--restart=always",
                "busybox:1.35",
                "true",
            ],
            "conflict",
        ),
        (
            &["run", "--rm", "--network=host", "busybox:1.35", "no-such-program"],
            "executable file not found",
        ),
        (
            &[
                "run",
                "--rm",
                "--network=host",
                "-v",
                "named:/x",
                "busybox:1.35",
                "true",
            ],
            "named",
        ),
    ] {
        let (_, text) = fail(&mut docker(more));
        assert!(text.to_lowercase().contains(words), "{more:?}: {text}");
    }
    // One that outlives the process that started it.
    let script = "for i in 1 2 3 4; do echo $i; sleep 1; done; exit 4";
    run(&mut docker(&[
        "run",
        "-d",
        "--name",
        "long",
        "--network=host",
        "busybox:1.35",
        "sh",
        "-c",
        script,
    ]));
    until("it has begun", || {
        run(&mut docker(&["logs", "long"])).contains('1')
    });
    assert_eq!(run(&mut docker(&["exec", "long", "echo", "inside"])), "inside");
    run(std::process::Command::new("kill").args(["-9", &cloud.process("control").to_string()]));
    until("it is back", || {
        docker(&["ps"]).output().unwrap().status.success()
    });
    assert_eq!(run(&mut docker(&["wait", "long"])), "4");
    assert_eq!(run(&mut docker(&["logs", "long"])), "1\n2\n3\n4");
    run(&mut docker(&["rm", "long"]));
    // One that does not listen is ended all the same.
    run(&mut docker(&[
        "run",
        "-d",
        "--name",
        "deaf",
        "--network=host",
        "busybox:1.35",
        "sleep",
        "600",
    ]));
    run(&mut docker(&["stop", "-t", "1", "deaf"]));
    run(&mut docker(&["rm", "deaf"]));
    assert_eq!(run(&mut docker(&["ps", "--all", "--quiet"])), "");
    cloud.stop();
    cloud.assert_nothing_left();
}
