//! The docker client, command by command.

use crate::bench::{Bench, Test};
use crate::tests;

pub const TESTS: &[Test] = tests![
    an_image_goes_all_the_way,
    a_login_is_really_checked,
    what_is_no_image_business_says_so,
    an_image_survives_save_and_load,
    names_are_taken_away_one_by_one,
];

fn hello(bench: &Bench) {
    let folder = bench.folder(
        "hello",
        &[
            (
                "Dockerfile",
                "FROM scratch\nCOPY hello /hello\nEXPOSE 8080\nENTRYPOINT [\"/hello\"]\n",
            ),
            ("hello*", "binary"),
        ],
    );
    let text = bench.build(&folder, &["-t", "hello"]).ok();
    assert!(
        text.contains("[2/2] COPY hello /hello") && text.contains("Successfully tagged hello"),
        "{text}"
    );
}

fn an_image_goes_all_the_way(bench: &mut Bench) {
    hello(bench);
    let listed = bench
        .docker(&["images", "--format", "{{.Repository}}:{{.Tag}}"])
        .ok();
    assert_eq!(listed.trim(), "hello:latest");
    let inspected = bench
        .docker(&[
            "inspect",
            "--type",
            "image",
            "hello",
            "--format",
            "{{json .Config}} {{.Os}}",
        ])
        .ok();
    assert!(
        inspected.contains(r#""Entrypoint":["/hello"]"#) && inspected.contains("8080/tcp"),
        "{inspected}"
    );

    let remote = bench.image("team/web:7");
    bench.docker(&["tag", "hello", &remote]).ok();
    // Nobody is logged in.
    let text = bench.docker(&["push", &remote]).fails();
    assert!(text.contains("docker login"), "{text}");
    bench.login();
    let text = bench.docker(&["push", &remote]).fails();
    assert!(
        text.contains("The repository with name 'team/web' does not exist"),
        "{text}"
    );
    bench.service.catalog.create("team/web", false);
    let text = bench.docker(&["push", &remote]).ok();
    // One store: there is nothing to send.
    assert!(
        text.contains("already exists") && !text.contains("Pushed"),
        "{text}"
    );
    assert!(text.contains("7: digest: sha256:"), "{text}");

    let before = bench.service.store.find(&remote).unwrap();
    bench.docker(&["rmi", &remote]).ok();
    bench.docker(&["pull", &remote]).ok();
    assert_eq!(bench.service.store.find(&remote).unwrap(), before);
}

fn a_login_is_really_checked(bench: &mut Bench) {
    let registry = bench.service.registry.to_string();
    let text = bench
        .docker(&["login", "-u", "AWS", "-p", "wrong", &registry])
        .fails();
    assert!(text.contains("refused the credentials"), "{text}");
    bench.login();
}

fn what_is_no_image_business_says_so(bench: &mut Bench) {
    let text = bench.docker(&["ps"]).fails();
    assert!(text.contains("Wharf serves images only"), "{text}");
    bench.docker(&["version"]).ok();
    bench.docker(&["info"]).ok();
}

fn an_image_survives_save_and_load(bench: &mut Bench) {
    hello(bench);
    let digest = bench.service.store.find("hello").unwrap();
    let path = bench.path("saved.tar");
    bench
        .docker(&["save", "-o", path.to_str().unwrap(), "hello"])
        .ok();
    bench.docker(&["rmi", "hello"]).ok();
    assert!(bench.docker(&["inspect", "hello"]).fails().contains("No such"));
    let text = bench.docker(&["load", "-i", path.to_str().unwrap()]).ok();
    assert!(text.contains("Loaded image: hello:latest"), "{text}");
    assert_eq!(bench.service.store.find("hello").unwrap(), digest);
    let listed = bench
        .skopeo(&["inspect", &format!("docker-archive:{}", path.display())])
        .ok();
    assert!(listed.contains("\"Architecture\": \"amd64\""), "{listed}");
}

fn names_are_taken_away_one_by_one(bench: &mut Bench) {
    hello(bench);
    bench.docker(&["tag", "hello", "other:1"]).ok();
    let id = bench.docker(&["images", "-q", "hello"]).ok();
    let id = id.trim();
    assert!(bench.docker(&["rmi", id]).fails().contains("must be forced"));
    let text = bench.docker(&["rmi", "hello"]).ok();
    assert!(
        text.contains("Untagged: hello:latest") && !text.contains("Deleted"),
        "{text}"
    );
    assert!(bench.docker(&["rmi", id]).ok().contains("Deleted"));
}
