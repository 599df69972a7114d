//! `git push` runs the repository's workflows: the guide's with the actions that it names, and much else.
//!
//! `WHARF_ACTIONS_DIR` names a folder with the official actions; without it, actions of `test/journey/actions` that
//! make the same API calls stand in for them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::cloud::{Cloud, root, until};
use crate::command::{fail, get, run, shell};
use crate::hello::Load;
use crate::image::load_busybox;

/// A git repository with the local cloud as its remote `wharf`.
struct Repository {
    _parent: tempfile::TempDir,
    folder: PathBuf,
}

impl Repository {
    fn new(cloud: &Cloud, name: &str) -> Self {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join(name);
        std::fs::create_dir_all(folder.join(".github/workflows")).unwrap();
        let new = Self {
            _parent: parent,
            folder,
        };
        run(&mut new.git(&["init", "--quiet", "--initial-branch=main"]));
        run(cloud.wharf(&["pipeline", "remote"]).arg(&new.folder));
        new
    }

    fn git(&self, arguments: &[&str]) -> Command {
        let mut git = Command::new("git");
        git.arg("-C").arg(&self.folder);
        git.args(["-c", "user.name=dev", "-c", "user.email=dev@example.com"]);
        git.args(arguments);
        git
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn workflow(&self, name: &str) {
        let text = std::fs::read_to_string(own("pipeline").join(name)).unwrap();
        self.write(&format!(".github/workflows/{name}"), &text);
    }

    fn commit(&self) -> String {
        run(&mut self.git(&["add", "--all"]));
        run(&mut self.git(&["commit", "--quiet", "--allow-empty", "-m", "A change"]));
        run(&mut self.git(&["rev-parse", "HEAD"]))
    }

    /// What the one who pushes reads.
    fn push(&self) -> String {
        let output = self.git(&["push", "wharf", "HEAD"]).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        text.lines()
            .map(|line| format!("{}\n", line.trim_start_matches("remote: ").trim_end()))
            .collect()
    }
}

fn own(path: &str) -> PathBuf {
    root().join("test/journey").join(path)
}

fn cloud_with_actions() -> Cloud {
    let stand_ins = own("actions");
    match std::env::var_os("WHARF_ACTIONS_DIR") {
        Some(_) => Cloud::start(&[]),
        None => Cloud::start(&["--actions", stand_ins.to_str().unwrap()]),
    }
}

fn runs(cloud: &Cloud) -> serde_json::Value {
    let text = run(&mut cloud.wharf(&["pipeline", "list", "--json"]));
    serde_json::from_str(&text).unwrap()
}

fn conclusion(cloud: &Cloud, id: u64) -> String {
    let text = run(&mut cloud.wharf(&["pipeline", "show", &id.to_string(), "--json"]));
    let run: serde_json::Value = serde_json::from_str(&text).unwrap();
    run["progress"]["conclusion"]
        .as_str()
        .unwrap_or("none")
        .to_owned()
}

fn application(repository: &Repository, version: u32) {
    let dockerfile = "FROM busybox:1.35\nCOPY www /www\nEXPOSE 8080\nSTOPSIGNAL KILL\n\
        CMD [\"httpd\", \"-f\", \"-p\", \"8080\", \"-h\", \"/www\"]\n";
    repository.write("Dockerfile", dockerfile);
    repository.write("www/index.html", &format!("version {version}\n"));
}

/// The task definition that the cloud has, as people keep it beside their application.
fn task_definition(cloud: &Cloud, repository: &Repository) {
    let answer = cloud.aws_json("ecs describe-task-definition --task-definition app");
    let mut definition = answer["taskDefinition"].clone();
    let fields = definition.as_object_mut().unwrap();
    for told in [
        "taskDefinitionArn",
        "revision",
        "status",
        "registeredAt",
        "registeredBy",
        "requiresAttributes",
        "compatibilities",
    ] {
        fields.remove(told);
    }
    repository.write("task-definition.json", &definition.to_string());
}

#[test]
fn the_guides_workflow_deploys_on_every_push_and_fails_no_request() {
    let cloud = cloud_with_actions();
    load_busybox(&cloud);
    let repository = Repository::new(&cloud, "app");
    application(&repository, 1);
    // Network, load balancer and service are there before the pipeline, as in the guide.
    run(&mut cloud.wharf(&["up", repository.folder.to_str().unwrap(), "--desired-count", "2"]));
    let url = run(&mut cloud.wharf(&["url", "app"]));
    task_definition(&cloud, &repository);
    repository.workflow("deploy.yml");
    let load = Load::start(&url);
    for version in [2, 3] {
        application(&repository, version);
        let sha = repository.commit();
        let said = repository.push();
        assert!(said.contains("run") && said.contains(": success after"), "{said}");
        assert!(said.contains(&url), "the push tells the URL {url}:\n{said}");
        // The end of the run is the end of the roll-out.
        assert_eq!(get(&url).1, format!("version {version}\n"));
        let services = cloud.aws_json("ecs describe-services --cluster wharf --services app");
        let deployments = services["services"][0]["deployments"].as_array().unwrap();
        assert_eq!(deployments.len(), 1, "{deployments:?}");
        let images =
            cloud.aws("ecr list-images --repository-name app --query imageIds[].imageTag --output text");
        assert!(images.contains(&sha), "{images}");
    }
    load.finish();
    run(&mut cloud.wharf(&["down", "app"]));
    cloud.stop();
    cloud.assert_nothing_left();
}

#[test]
fn without_a_workflow_a_push_checks_builds_pushes_and_deploys() {
    let cloud = Cloud::start(&[]);
    load_busybox(&cloud);
    let repository = Repository::new(&cloud, "plain");
    application(&repository, 1);
    repository.commit();
    let said = repository.push();
    let url = run(&mut cloud.wharf(&["url", "plain"]));
    assert!(said.contains(": success after") && said.contains(&url), "{said}");
    assert_eq!(get(&url).1, "version 1\n");
    // A Dockerfile that is wrong is told to whoever pushes, and what runs stays.
    repository.write("Dockerfile", "FORM busybox:1.35\n");
    repository.commit();
    let said = repository.push();
    assert!(
        said.contains("FORM") && said.contains(": failure after"),
        "{said}"
    );
    assert_eq!(get(&url).1, "version 1\n");
    run(&mut cloud.wharf(&["down", "plain"]));
}

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

#[test]
fn a_workflow_with_everything_succeeds_and_tells_no_secret() {
    let cloud = Cloud::start(&[]);
    let repository = Repository::new(&cloud, "everything");
    repository.workflow("everything.yml");
    run(Command::new("cp")
        .arg("-r")
        .arg(own("pipeline/actions"))
        .arg(repository.folder.join(".github/")));
    let mut set = cloud.wharf(&[
        "pipeline",
        "secret",
        "set",
        "API_TOKEN",
        "--repository",
        "local/everything",
    ]);
    let mut set = set.stdin(Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(
        &mut set.stdin.take().unwrap(),
        format!("{SECRET}\nsecond line\n").as_bytes(),
    )
    .unwrap();
    assert!(set.wait().unwrap().success());
    repository.commit();
    let said = repository.push();
    assert!(said.contains(": success after"), "{said}");
    let ran = &runs(&cloud)[0];
    assert_eq!(ran["title"], "Everything on main by root");
    let jobs = ran["jobs"].as_array().unwrap();
    let job = |title: &str| {
        jobs.iter()
            .find(|job| job["title"] == title)
            .unwrap_or_else(|| panic!("{title}: {jobs:?}"))
    };
    assert_eq!(
        job("many (windows-latest, a)")["progress"]["conclusion"],
        "skipped"
    );
    assert!(
        job("mac")["progress"]["reason"]
            .as_str()
            .unwrap()
            .contains("macos-latest")
    );
    assert_eq!(job("last")["progress"]["conclusion"], "success");
    assert_eq!(job("cleanup")["progress"]["conclusion"], "skipped");
    assert!(
        job("first")["summary"]
            .as_str()
            .unwrap()
            .contains("# Summary of g")
    );
    assert_eq!(job("first")["annotations"][0]["message"], "bad ***");
    // Asked for, jobs for other systems fail what needs them.
    let strict = [
        "pipeline",
        "run",
        "--strict-platforms",
        repository.folder.to_str().unwrap(),
    ];
    assert_eq!(fail(&mut cloud.wharf(&strict)).0, 4);
    // Neither as it is, nor line by line, nor encoded.
    let encoded = shell(&format!("printf '%s' '{SECRET}' | base64 -w0"));
    for form in [SECRET, "second line", encoded.trim_end_matches('=')] {
        assert!(!said.contains(form), "{said}");
        let records = cloud.state().join("pipelines/runs");
        let found = shell(&format!(
            "grep -rlF -e '{form}' {} {} || true",
            records.display(),
            cloud.state().join("log").display()
        ));
        assert!(found.is_empty(), "{form} is in {found}");
    }
    let left = shell("pgrep -f '[s]leep 12345' || true");
    assert!(left.is_empty(), "{left}");
}

#[test]
fn whatever_ends_a_run_its_record_is_true_and_nothing_is_left() {
    let cloud = Cloud::start(&[]);
    let repository = Repository::new(&cloud, "slow");
    repository.workflow("slow.yml");
    repository.commit();
    let start = || {
        run(cloud
            .wharf(&["pipeline", "run", "--no-wait"])
            .arg(&repository.folder))
    };
    let begun = |id: u64| {
        let log = cloud.state().join(format!("pipelines/runs/{id}/log.jsonl"));
        until("the step has begun", || {
            std::fs::read_to_string(&log)
                .unwrap_or_default()
                .contains("\"output\",\"text\":\"begun\"")
        });
    };
    let status = |id: usize| {
        runs(&cloud)[id]["progress"]["status"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    start();
    begun(1);
    // A push during a run waits for its concurrency group; the next one takes its place in the queue.
    start();
    until("the second waits", || status(0) == "waiting");
    start();
    until("the second gave way", || conclusion(&cloud, 2) == "cancelled");
    run(&mut cloud.wharf(&["pipeline", "cancel", "1"]));
    assert_eq!(conclusion(&cloud, 1), "cancelled");
    let log = run(&mut cloud.wharf(&["pipeline", "logs", "1"]));
    assert!(
        log.contains("was-cancelled") && log.contains("always") && !log.contains("after\n"),
        "{log}"
    );
    // The third goes on now; its runner is killed.
    begun(3);
    let pid = std::fs::read_to_string(cloud.state().join("pipelines/runs/3/lock")).unwrap();
    run(Command::new("kill").args(["-9", pid.trim()]));
    until("the record is put right", || conclusion(&cloud, 3) == "failure");
    let shown = run(&mut cloud.wharf(&["pipeline", "show", "3"]));
    assert!(shown.contains("the runner was killed"), "{shown}");
    until("nothing runs any more", || {
        shell(&format!(
            "pgrep -f '[/]{}' || true",
            cloud
                .state()
                .join("pipelines/runs")
                .display()
                .to_string()
                .trim_start_matches('/')
        ))
        .is_empty()
    });
    assert!(!cloud.state().join("pipelines/runs/3/work").exists());
    // The control process is killed while a run goes on: the run does not mind.
    run(&mut cloud.wharf(&["pipeline", "rerun", "3"]));
    begun(4);
    run(Command::new("kill").args(["-9", &cloud.process("control").to_string()]));
    until("it is back", || {
        cloud
            .wharf(&["cloud", "status"])
            .output()
            .unwrap()
            .status
            .success()
    });
    assert_eq!(conclusion(&cloud, 4), "none");
    cloud.stop();
    assert_eq!(conclusion(&cloud, 4), "cancelled");
    cloud.assert_nothing_left();
}

#[test]
fn an_environment_waits_for_its_approval() {
    let cloud = Cloud::start(&[]);
    let repository = Repository::new(&cloud, "gated");
    let workflow = "on: workflow_dispatch\njobs:\n  go:\n    runs-on: ubuntu-latest\n    environment: {name: production, url: 'https://example.com/${{ vars.WHERE }}'}\n    steps: [{run: echo gone}]\n";
    repository.write(".github/workflows/gate.yml", workflow);
    let named = ["--repository", "local/gated"];
    run(cloud
        .wharf(&["pipeline", "environment", "set", "production", "--approval"])
        .args(named));
    run(cloud
        .wharf(&[
            "pipeline",
            "variable",
            "set",
            "WHERE",
            "--value",
            "here",
            "--environment",
            "production",
        ])
        .args(named));
    let event = ["pipeline", "run", "--no-wait", "--event", "workflow_dispatch"];
    run(cloud.wharf(&event).arg(&repository.folder));
    until("it waits", || {
        runs(&cloud)[0]["jobs"][0]["progress"]["status"] == "waiting"
    });
    let reason = runs(&cloud)[0]["jobs"][0]["progress"]["reason"].clone();
    assert!(
        reason.as_str().unwrap().contains("wharf pipeline approve 1"),
        "{reason}"
    );
    run(&mut cloud.wharf(&["pipeline", "approve", "1"]));
    until("it goes on", || conclusion(&cloud, 1) == "success");
    assert_eq!(runs(&cloud)[0]["urls"][0], "https://example.com/here");
}

#[test]
fn what_cannot_run_is_told_before_anything_does() {
    let cloud = Cloud::start(&[]);
    let repository = Repository::new(&cloud, "broken");
    let job = |rest: &str| format!("on: push\njobs:\n  one:\n    runs-on: ubuntu-latest\n{rest}");
    for (text, words) in [
        ("on: push\njobs: [\n", &["broken.yml:"][..]),
        (&job("    stepz: []\n"), &["stepz", "steps", "broken.yml:5:5"]),
        (
            &job("    needs: one\n    steps: [{run: echo}]\n"),
            &["one", "broken.yml:5"],
        ),
        (
            &job("    steps: [{run: 'echo ${{ nothing( }}'}]\n"),
            &["nothing", "broken.yml:5"],
        ),
        (
            &job("    container: alpine\n    steps: [{run: echo}]\n"),
            &["container", "not served", "broken.yml:5"],
        ),
        (
            &job("    steps: [{uses: nobody/nothing@v1}]\n"),
            &["nobody/nothing@v1", "WHARF_ACTIONS_DIR", "broken.yml:5"],
        ),
    ] {
        repository.write(".github/workflows/broken.yml", text);
        repository.commit();
        let said = repository.push();
        assert!(said.contains("startup failure"), "{said}");
        for word in words {
            assert!(said.contains(word), "`{word}` is missing:\n{said}");
        }
    }
}

#[test]
fn nobody_pushes_without_the_clouds_key() {
    let cloud = Cloud::start(&["--auth", "open"]);
    let repository = Repository::new(&cloud, "closed");
    repository.write("x", "y");
    repository.commit();
    let address = |keys: &str| format!("http://{keys}127.0.0.1:{}/git/local/closed.git", cloud.port);
    let origin = Path::new("/dev/null");
    for keys in ["", "AKIA:wrong@", "123456789012:x@"] {
        let mut push = repository.git(&["-c", "credential.helper=", "push", &address(keys), "main"]);
        let (_, text) = fail(
            push.env("GIT_TERMINAL_PROMPT", "0")
                .env("GIT_CONFIG_GLOBAL", origin)
                .env("GIT_ASKPASS", "/bin/false"),
        );
        assert!(
            text.contains("uthentication failed") || text.contains("could not read"),
            "{text}"
        );
    }
    for path in [
        "../../etc",
        "local/..%2f..%2fx.git/info/refs",
        "a/b.git/config",
        "a/b.git/objects/info/packs",
    ] {
        let keys = format!(
            "{}:{}",
            cloud.variable("AWS_ACCESS_KEY_ID"),
            cloud.variable("AWS_SECRET_ACCESS_KEY")
        );
        let url = format!("http://127.0.0.1:{}/git/{path}", cloud.port);
        let code = run(Command::new("curl").args([
            "-s",
            "--path-as-is",
            "-o",
            "/dev/null",
            "-w",
            "%{http_code}",
            "-u",
            &keys,
            &url,
        ]));
        assert!(code.starts_with('4'), "{path}: {code}");
    }
}

#[test]
fn a_job_is_known_by_its_token() {
    let cloud = Cloud::start(&[]);
    let repository = Repository::new(&cloud, "tokens");
    repository.workflow("token.yml");
    let issuer = "token.actions.githubusercontent.com";
    cloud.aws(&format!(
        "iam create-open-id-connect-provider --url https://{issuer} --client-id-list sts.amazonaws.com"
    ));
    let arn = format!("arn:aws:iam::000000000000:oidc-provider/{issuer}");
    let trust = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"Federated":"{arn}"}},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{{"StringEquals":{{"{issuer}:aud":"sts.amazonaws.com"}},"StringLike":{{"{issuer}:sub":"repo:local/tokens:ref:*"}}}}}}]}}"#
    );
    cloud.aws(&format!(
        "iam create-role --role-name deploy --assume-role-policy-document {trust}"
    ));
    repository.commit();
    let said = repository.push();
    assert!(said.contains(": success after"), "{said}");
    assert!(said.contains("assumed-role/deploy/run"), "{said}");
}

#[test]
fn actions_that_are_images_run() {
    let cloud = Cloud::start(&[]);
    load_busybox(&cloud);
    let repository = Repository::new(&cloud, "dock");
    repository.workflow("docker.yml");
    run(Command::new("cp")
        .arg("-r")
        .arg(own("pipeline/actions"))
        .arg(repository.folder.join(".github/")));
    repository.commit();
    let said = repository.push();
    assert!(said.contains(": success after"), "{said}");
    assert!(said.contains("hello from the container"), "{said}");
    cloud.stop();
    cloud.assert_nothing_left();
}
