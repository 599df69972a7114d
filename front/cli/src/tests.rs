use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use client_deploy::{Event, Outcome, Step};
use expect_test::{Expect, expect};

use super::*;
use crate::progress::Progress;

/// A cloud that is asked and never there, unless told so.
#[derive(Clone, Default)]
struct FakeCloud {
    running: bool,
    lacks_root: bool,
    asked: Arc<Mutex<Vec<String>>>,
}

impl FakeCloud {
    fn note(&self, what: &str, state_dir: &Path) {
        self.asked
            .lock()
            .unwrap()
            .push(format!("{what} {}", state_dir.display()));
    }

    fn cloud_info(&self, state_dir: &Path) -> CloudInfo {
        CloudInfo {
            // A port that nobody listens on.
            endpoint: "http://127.0.0.1:1".to_owned(),
            region: "us-east-1".to_owned(),
            access_key: "AKIA".to_owned(),
            secret_key: "it's secret".to_owned(),
            docker_host: "unix:///nowhere/docker.sock".to_owned(),
            dns: None,
            state_dir: state_dir.to_owned(),
            auth: Auth::Sigv4,
        }
    }
}

impl Cloud for FakeCloud {
    fn default_state_dir(&self) -> PathBuf {
        "/default".into()
    }

    fn start(&self, state_dir: &Path, options: &StartOptions) -> Result<CloudInfo, CloudError> {
        self.note(
            &format!("start {:?} {:?}", options.listen, options.auth),
            state_dir,
        );
        if self.lacks_root {
            return Err(CloudError::Machine {
                message: "the local cloud needs root".to_owned(),
                remedy: "run the same command with sudo".to_owned(),
            });
        }
        Ok(self.cloud_info(state_dir))
    }

    fn stop(&self, state_dir: &Path) -> Result<bool, CloudError> {
        self.note("stop", state_dir);
        Ok(self.running)
    }

    fn info(&self, state_dir: &Path) -> Result<Option<CloudInfo>, CloudError> {
        Ok(self.running.then(|| self.cloud_info(state_dir)))
    }

    fn processes(&self, _: &Path) -> Result<Vec<Process>, CloudError> {
        let pid = self.running.then_some(7);
        Ok(vec![Process {
            name: "control".to_owned(),
            pid,
        }])
    }

    fn machine(&self, state_dir: &Path) -> Result<client_pipeline::Machine, CloudError> {
        self.note("machine", state_dir);
        Err(CloudError::Failed("this cloud has no machine".to_owned()))
    }

    fn start_runner(&self, state_dir: &Path, run: u64, _: &[PathBuf]) -> Result<(), CloudError> {
        self.note(&format!("runner {run}"), state_dir);
        Ok(())
    }

    fn install_dns(&self, _: &Path, domain: &str) -> Result<NamesLed, CloudError> {
        Ok(NamesLed {
            domains: vec![domain.to_owned()],
            file: "/etc/resolv.conf".into(),
            note: None,
        })
    }

    fn remove_dns(&self, _: &Path, domain: &str) -> Result<NamesLed, CloudError> {
        Err(CloudError::Failed(format!("{domain} is not installed")))
    }

    fn dns_domains(&self, _: &Path) -> Result<Vec<String>, CloudError> {
        Ok(vec!["example.test".to_owned()])
    }

    fn authority(&self, _: &Path) -> Result<String, CloudError> {
        Ok("-----BEGIN CERTIFICATE-----\n".to_owned())
    }

    fn doctor(&self, _: &Path) -> Vec<Finding> {
        let finding = |name: &str, ok: bool, sentence: &str, remedy: Option<&str>| Finding {
            name: name.to_owned(),
            ok,
            sentence: sentence.to_owned(),
            remedy: remedy.map(str::to_owned),
        };
        vec![
            finding("overlay", true, "the kernel has overlayfs", None),
            finding("root", !self.lacks_root, "this is not root", Some("use sudo")),
        ]
    }
}

/// What went to one of the two outputs.
type Written = Arc<Mutex<Vec<u8>>>;

struct Ran {
    code: u8,
    out: String,
    err: String,
}

fn wharf(cloud: &FakeCloud, variables: &[(&str, &str)], line: &str) -> Ran {
    let (out, err) = (Written::default(), Written::default());
    let environment = Environment {
        arguments: std::iter::once("wharf")
            .chain(line.split_whitespace())
            .map(Into::into)
            .collect(),
        variables: variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect::<BTreeMap<_, _>>(),
        cloud: Box::new(cloud.clone()),
    };
    let code = run_to(environment, Output::to(out.clone(), err.clone()));
    let text = |bytes: Written| String::from_utf8(bytes.lock().unwrap().clone()).unwrap();
    Ran {
        code,
        out: text(out),
        err: text(err),
    }
}

/// Code, results and all else of a command.
fn check(cloud: &FakeCloud, line: &str, expected: Expect) {
    let ran = wharf(cloud, &[], line);
    expected.assert_eq(&format!("{}\n--\n{}--\n{}", ran.code, ran.out, ran.err));
}

fn running() -> FakeCloud {
    FakeCloud {
        running: true,
        ..Default::default()
    }
}

#[test]
fn what_is_typed_wrong_ends_with_2() {
    let cloud = FakeCloud::default();
    for line in [
        "",
        "upp",
        "up",
        "logs",
        "cloud start --listen nonsense",
        "cloud start --auth maybe",
        "up . --health-path health",
        "up . --desired-count -1",
        "url Not_A_Name",
        "up . --name x",
        "completions tcsh",
    ] {
        assert_eq!(wharf(&cloud, &[], line).code, exit::USAGE, "{line}");
    }
    assert_eq!(wharf(&cloud, &[], "--version").code, exit::OK);
    assert_eq!(wharf(&cloud, &[], "up --help").code, exit::OK);
    assert!(cloud.asked.lock().unwrap().is_empty());
}

#[test]
fn every_command_explains_itself() {
    use clap::CommandFactory as _;
    let command = Arguments::command();
    command.clone().debug_assert();
    for one in command.get_subcommands() {
        assert!(one.get_about().is_some(), "{}", one.get_name());
        for argument in one.get_arguments() {
            let told = argument.get_help().is_some() || argument.is_positional();
            assert!(told, "{} {}", one.get_name(), argument.get_id());
        }
    }
    let help = command.clone().render_long_help().to_string();
    for part in [
        "wharf up examples/hello",
        "Exit codes:",
        "6  this machine lacks something",
    ] {
        assert!(help.contains(part), "{part} is missing in\n{help}");
    }
}

#[test]
fn completions_are_printed() {
    for shell in ["bash", "zsh", "fish"] {
        let ran = wharf(&FakeCloud::default(), &[], &format!("completions {shell}"));
        assert!(ran.code == exit::OK && ran.out.contains("wharf"), "{shell}");
    }
}

#[test]
fn the_state_directory_is_the_one_that_was_named() {
    for (line, variables, expected) in [
        ("cloud stop", vec![], "stop /default"),
        (
            "cloud stop",
            vec![("WHARF_STATE_DIR", "/of/variable")],
            "stop /of/variable",
        ),
        ("cloud stop", vec![("WHARF_STATE_DIR", "")], "stop /default"),
        (
            "cloud stop --state-dir /of/option",
            vec![("WHARF_STATE_DIR", "/of/variable")],
            "stop /of/option",
        ),
        ("--state-dir /of/option cloud stop", vec![], "stop /of/option"),
    ] {
        let cloud = FakeCloud::default();
        assert_eq!(wharf(&cloud, &variables, line).code, exit::OK);
        assert_eq!(*cloud.asked.lock().unwrap(), [expected], "{line}");
    }
}

#[test]
fn a_cloud_is_started_stopped_and_described() {
    let cloud = FakeCloud::default();
    check(
        &cloud,
        "cloud start --listen 127.0.0.1:4567 --auth open",
        expect![[r#"
            0
            --
            the local cloud answers at http://127.0.0.1:1
            --

              for aws, boto3 and docker:  eval "$(wharf cloud env)"
        "#]],
    );
    assert_eq!(
        *cloud.asked.lock().unwrap(),
        ["start Some(127.0.0.1:4567) Some(Open) /default"]
    );
    check(
        &running(),
        "cloud status",
        expect![[r#"
            0
            --
            running at http://127.0.0.1:1
              region    us-east-1
              state     /default
              docker    unix:///nowhere/docker.sock
              dns       not answering
              auth      sigv4
              control    process 7
            --
        "#]],
    );
    check(
        &cloud,
        "cloud status --json",
        expect![[r#"
            5
            --
            {
              "processes": [
                {
                  "name": "control",
                  "pid": null
                }
              ],
              "running": false
            }
            --
        "#]],
    );
}

#[test]
fn the_environment_can_be_read_by_a_shell() {
    check(
        &running(),
        "cloud env",
        expect![[r#"
            0
            --
            export AWS_ENDPOINT_URL=http://127.0.0.1:1
            export AWS_ENDPOINT_URL_SERVICEDISCOVERY=http://@127.0.0.1:1
            export AWS_ENDPOINT_URL_CLOUDWATCH_LOGS=http://@127.0.0.1:1
            export AWS_REGION=us-east-1
            export AWS_DEFAULT_REGION=us-east-1
            export AWS_ACCESS_KEY_ID=AKIA
            export AWS_SECRET_ACCESS_KEY='it'\''s secret'
            export DOCKER_HOST=unix:///nowhere/docker.sock
            --
        "#]],
    );
}

#[test]
fn what_needs_a_cloud_says_so_when_none_runs() {
    let expected = "error: the local cloud is not running\n\nhint: wharf cloud start starts it; --state-dir selects another; --target aws means AWS\n";
    for line in [
        "url web",
        "status",
        "status web",
        "logs web",
        "down web",
        "open web",
        "cloud env",
    ] {
        let ran = wharf(&FakeCloud::default(), &[], line);
        assert_eq!(
            (ran.code, ran.err.as_str(), ran.out.as_str()),
            (exit::UNREACHABLE, expected, ""),
            "{line}"
        );
    }
}

#[test]
fn a_cloud_that_does_not_answer_is_named() {
    let ran = wharf(&running(), &[], "url web");
    assert_eq!(ran.code, exit::UNREACHABLE);
    assert!(
        ran.err.starts_with("error: http://127.0.0.1:1/ did not answer"),
        "{}",
        ran.err
    );
    assert!(ran.err.contains("\n\nhint: "), "{}", ran.err);
}

#[test]
fn the_doctor_says_what_is_missing() {
    let cloud = FakeCloud {
        lacks_root: true,
        ..Default::default()
    };
    for line in ["doctor", "cloud doctor"] {
        check(
            &cloud,
            line,
            expect![[r#"
                6
                --
                  ✓ overlay              the kernel has overlayfs
                  ✗ root                 this is not root
                                         hint: use sudo
                --
                error: this machine lacks something that the local cloud needs
            "#]],
        );
    }
    assert_eq!(wharf(&FakeCloud::default(), &[], "doctor --json").code, exit::OK);
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

#[test]
fn bad_files_are_reported_before_anything_is_done() {
    let cloud = FakeCloud::default();
    let files = [
        ("Dockerfile", "FROM scratch\nCOPPY a /a\nCOPY b /b\n"),
        ("task-definition.json", "{\n\"family\": \"my app\"\n}"),
    ];
    let folder = folder(&files);
    let path = folder.path().display().to_string();
    for line in [format!("up {path}"), format!("check {path}")] {
        let ran = wharf(&cloud, &[], &line);
        assert_eq!((ran.code, ran.out.as_str()), (exit::FILES, ""), "{}", ran.err);
        for part in [
            "Dockerfile:2:1",
            "COPPY a /a",
            "did you mean `COPY`?",
            "Dockerfile:3:6",
            "`b` is not in the build context",
            "task-definition.json:2:11",
            "write \"my-app\"",
        ] {
            assert!(ran.err.contains(part), "{part} is missing in\n{}", ran.err);
        }
    }
    let ran = wharf(&cloud, &[], &format!("check {path} --json"));
    assert_eq!(ran.code, exit::FILES);
    let report: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(report["ok"], false);
    assert_eq!(report["problems"][0]["line"], 2);
    assert!(cloud.asked.lock().unwrap().is_empty(), "nothing was started");
}

#[test]
fn a_folder_without_a_dockerfile_is_refused() {
    let folder = folder(&[]);
    let ran = wharf(
        &FakeCloud::default(),
        &[],
        &format!("up {}", folder.path().display()),
    );
    assert_eq!(ran.code, exit::FILES);
    assert!(ran.err.contains("has no Dockerfile\n\nhint: "), "{}", ran.err);
}

#[test]
fn what_is_in_order_is_told() {
    let folder = folder(&[("Dockerfile", "FROM scratch\nEXPOSE 80\n")]);
    check(
        &FakeCloud::default(),
        &format!("check {}", folder.path().display()),
        expect![[r#"
            0
            --
            no problems found
            --
              no task-definition.json: Fargate with 256 CPU units and 512 MiB, requests to port 80
              the files only: the local cloud does not run
        "#]],
    );
}

#[test]
fn a_machine_that_cannot_run_a_cloud_is_told_so() {
    let folder = folder(&[("Dockerfile", "FROM scratch\nEXPOSE 80\n")]);
    let cloud = FakeCloud {
        lacks_root: true,
        ..Default::default()
    };
    let ran = wharf(&cloud, &[], &format!("up {}", folder.path().display()));
    assert_eq!(ran.code, exit::MACHINE);
    assert!(
        ran.err
            .ends_with("error: the local cloud needs root\n\nhint: run the same command with sudo\n"),
        "{}",
        ran.err
    );
}

#[test]
fn progress_reads_plainly_where_there_is_no_terminal() {
    let err = Written::default();
    let progress = Progress::new(Output::to(err.clone(), err.clone()));
    let sink = progress.sink();
    let finished = |step, outcome, summary: &str, millis| Event::Finished {
        step,
        outcome,
        summary: summary.to_owned(),
        took: Duration::from_millis(millis),
    };
    for event in [
        Event::Started(Step::Build),
        Event::Detail(Step::Build, "[1/1] FROM scratch".to_owned()),
        finished(Step::Build, Outcome::Made, "image 0123", 1234),
        Event::Started(Step::Rollout),
        Event::Waiting(Step::Rollout, "0 of 1 tasks running".to_owned()),
        Event::Waiting(Step::Rollout, "0 of 1 tasks running".to_owned()),
        Event::Waiting(Step::Rollout, "1 of 1 tasks running".to_owned()),
        finished(Step::Rollout, Outcome::Changed, "1 task", 125_000),
        Event::Failed(Step::Service),
    ] {
        sink(event);
    }
    let text = String::from_utf8(err.lock().unwrap().clone()).unwrap();
    expect![[r#"
        progress:
            build: [1/1] FROM scratch
          ✓ build            image 0123  1.2 s
            roll-out: 0 of 1 tasks running
            roll-out: 1 of 1 tasks running
          ✓ roll-out         changed: 1 task  2 min 5 s
          ✗ service
    "#]]
    .assert_eq(&format!("progress:\n{text}"));
}

#[test]
fn a_plugin_says_that_it_is_there_and_reads_its_session_from_either_place() {
    let cloud = FakeCloud::default();
    check(
        &cloud,
        "session-manager-plugin",
        expect![[r#"
            0
            --
            --
            this is wharf as session-manager-plugin: aws ecs execute-command starts sessions with it
        "#]],
    );
    check(
        &cloud,
        "session-manager-plugin --version",
        expect![[r#"
            0
            --
            1.2.707.0
            --
        "#]],
    );
    check(
        &cloud,
        "session-manager-plugin NOT_THERE us-east-1 StartSession",
        expect![[r#"
            2
            --
            --
            error: there is no session in the variable `NOT_THERE`
        "#]],
    );
    // A port that nobody listens on.
    let session = r#"{"SessionId":"one","StreamUrl":"ws://127.0.0.1:1/one","TokenValue":"secret"}"#;
    let by_variable = wharf(
        &cloud,
        &[("AWS_SSM_START_SESSION_RESPONSE", session)],
        "session-manager-plugin AWS_SSM_START_SESSION_RESPONSE us-east-1 StartSession",
    );
    let by_argument = wharf(
        &cloud,
        &[],
        &format!("session-manager-plugin {session} us-east-1 StartSession p {{}} http://127.0.0.1:1"),
    );
    for ran in [by_variable, by_argument] {
        assert_eq!(ran.code, 5, "{}", ran.err);
        assert!(
            ran.err
                .contains("the session at ws://127.0.0.1:1/one cannot be joined"),
            "{}",
            ran.err
        );
    }
    check(
        &cloud,
        "session-manager-plugin {} us-east-1 StartPortForwarding",
        expect![[r#"
            2
            --
            --
            error: a session-manager-plugin is started by AWS's command line

            hint: wharf exec NAME opens a session in an application's container
        "#]],
    );
}

#[test]
fn domains_are_led_here_and_back() {
    let cloud = running();
    check(
        &cloud,
        "dns install example.test",
        expect![[r#"
            0
            --
            example.test is answered by the local cloud now
            --
              changed  /etc/resolv.conf
        "#]],
    );
    check(
        &cloud,
        "dns remove example.test",
        expect![[r#"
            1
            --
            --
            error: example.test is not installed
        "#]],
    );
    assert_eq!(wharf(&cloud, &[], "dns list").out, "example.test\n");
    assert!(
        wharf(&cloud, &[], "cloud ca")
            .out
            .starts_with("-----BEGIN CERTIFICATE-----")
    );
}
