//! The docker client, command by command.

use crate::bench::{Bench, Test};
use crate::tests;

pub const TESTS: &[Test] = tests![
    an_image_goes_all_the_way,
    a_login_is_really_checked,
    what_is_no_image_business_says_so,
    an_image_survives_save_and_load,
    names_are_taken_away_one_by_one,
    an_image_tells_how_it_came_about,
    what_lost_its_name_is_listed_until_it_is_pruned,
    what_is_refused_is_read_to_its_end,
    pulls_and_their_refusals_speak_as_docker_does,
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
    assert!(text.contains("is not served"), "{text}");
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

fn an_image_tells_how_it_came_about(bench: &mut Bench) {
    hello(bench);
    let text = bench
        .docker(&[
            "history",
            "--no-trunc",
            "--format",
            "{{.CreatedBy}}|{{.Size}}",
            "hello",
        ])
        .ok();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3, "{text}");
    assert!(
        lines[0].starts_with("ENTRYPOINT") && lines[0].ends_with("|0B"),
        "{text}"
    );
    assert!(
        lines[2].starts_with("COPY hello /hello|") && !lines[2].ends_with("|0B"),
        "{text}"
    );
    assert!(
        bench
            .docker(&["history", "nothing"])
            .fails()
            .contains("No such image")
    );
}

fn what_lost_its_name_is_listed_until_it_is_pruned(bench: &mut Bench) {
    hello(bench);
    let id = |bench: &Bench, filter: &str| {
        let text = bench.docker(&["images", "-q", "--no-trunc", "-f", filter]).ok();
        text.trim().to_owned()
    };
    let before = id(bench, "reference=hello");
    assert_eq!(id(bench, "dangling=true"), "");
    let folder = bench.folder("other", &[("Dockerfile", "FROM hello\nLABEL again=yes\n")]);
    bench.build(&folder, &["-t", "hello"]).ok();
    assert_eq!(id(bench, "dangling=true"), before);
    assert_eq!(id(bench, "label=again=yes"), id(bench, "dangling=false"));
    let text = bench
        .docker(&["images", "--digests", "--format", "{{.Repository}} {{.Digest}}"])
        .ok();
    assert!(
        text.contains("<none> <none>") || text.contains(&format!("<none> {before}")),
        "{text}"
    );
    let text = bench.docker(&["images", "-f", "nonsense=1"]).fails();
    assert!(text.contains("invalid filter 'nonsense'"), "{text}");
    let text = bench
        .docker(&["image", "prune", "-f", "--filter", "until=24h"])
        .ok();
    assert!(!text.contains("deleted:"), "{text}");
    let text = bench.docker(&["image", "prune", "-f"]).ok();
    assert!(text.contains(&format!("deleted: {before}")), "{text}");
    assert_eq!(id(bench, "dangling=true"), "");
    let text = bench.docker(&["image", "prune", "-a", "-f"]).ok();
    assert!(text.contains("untagged: hello:latest"), "{text}");
    assert_eq!(bench.docker(&["images", "-q"]).ok(), "");
    assert!(bench.docker(&["system", "df"]).ok().contains("Images"));
}

fn what_is_refused_is_read_to_its_end(bench: &mut Bench) {
    // Far more than any socket holds.
    let noise = bench.path("noise");
    let bytes: Vec<u8> = (0..8_000_000_u32)
        .map(|number| (number.wrapping_mul(number) >> 7) as u8)
        .collect();
    std::fs::write(&noise, bytes).unwrap();
    let text = bench.docker(&["load", "-i", noise.to_str().unwrap()]).fails();
    assert!(
        text.contains("the archive") && !text.contains("broken pipe"),
        "{text}"
    );
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
    let text = bench.docker(&["import", noise.to_str().unwrap()]).fails();
    assert!(
        text.contains("docker load") && !text.contains("broken pipe"),
        "{text}"
    );
}

fn pulls_and_their_refusals_speak_as_docker_does(bench: &mut Bench) {
    hello(bench);
    bench.service.catalog.create("web", false);
    bench.login();
    let remote = bench.image("web:1");
    bench.docker(&["tag", "hello", &remote]).ok();
    bench.docker(&["push", &remote]).ok();
    let text = bench.docker(&["pull", &remote]).ok();
    assert!(
        text.contains("1: Pulling from web") && text.contains("Status: Image is up to date for"),
        "{text}"
    );
    bench.docker(&["rmi", &remote]).ok();
    let text = bench.docker(&["pull", &remote]).ok();
    assert!(text.contains("Status: Downloaded newer image for"), "{text}");
    let text = bench
        .docker(&["pull", "--platform", "linux/arm64", &remote])
        .fails();
    assert!(text.contains("no image for `linux/arm64`"), "{text}");
    let text = bench.docker(&["pull", &bench.image("web:2")]).fails();
    assert!(text.contains("Requested image not found"), "{text}");
}
