//! Working inside a container: `wharf exec`, and `aws ecs execute-command` with wharf as its plugin.
//!
//! `script` gives a command a terminal of its own.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::cloud::{Cloud, until, wharf};
use crate::command::{fail, run};
use crate::image::load_busybox;

/// A shell, and a server that answers.
const DOCKERFILE: &str = r#"FROM busybox:1.35
RUN mkdir /site && echo hello > /site/index.html
EXPOSE 8080
CMD ["httpd", "-f", "-p", "8080", "-h", "/site"]
"#;

/// A cloud with the application `app`.
fn start() -> Cloud {
    let cloud = Cloud::start(&[]);
    load_busybox(&cloud);
    let folder = cloud.state().join("app");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("Dockerfile"), DOCKERFILE).unwrap();
    run(&mut cloud.wharf(&["up", folder.to_str().unwrap()]));
    cloud
}

/// A shell's words at a terminal; what is typed there comes piece by piece. Exit code and what is seen.
fn at_terminal(cloud: &Cloud, words: &str, typed: &[&str]) -> (i32, String) {
    let plugins = cloud.state().join("plugins");
    let path = format!("{}:{}", plugins.display(), std::env::var("PATH").unwrap());
    let mut child = cloud
        .client("timeout", &["60", "script", "-qec", words, "/dev/null"])
        .env("WHARF_STATE_DIR", cloud.state())
        .env("WHARF", wharf())
        .env("PATH", path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // It stays open: its end would end what runs at the terminal.
    let mut keyboard = child.stdin.take().unwrap();
    for piece in typed {
        // Who types looks first.
        std::thread::sleep(Duration::from_secs(1));
        keyboard.write_all(piece.as_bytes()).unwrap();
    }
    let output = child.wait_with_output().unwrap();
    drop(keyboard);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status.code().unwrap_or(-1), text)
}

fn make_plugin(cloud: &Cloud, make: impl FnOnce(&Path)) {
    let folder = cloud.state().join("plugins");
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("session-manager-plugin");
    let _ = std::fs::remove_file(&path);
    make(&path);
}

/// Processes of this machine with these arguments: containers' too.
fn is_running(arguments: &str) -> bool {
    let all = run(Command::new("ps").args(["-eo", "args"]));
    all.lines().any(|line| line == arguments)
}

#[test]
fn a_command_runs_in_a_container_with_its_output_input_and_exit_code() {
    let cloud = start();
    let (code, text) = fail(&mut cloud.wharf(&["exec", "app", "--", "sh", "-c", "echo $((6*7)); exit 3"]));
    assert_eq!((code, text.trim()), (3, "42"));

    // It is the service's own container, by what only that has.
    assert_eq!(
        run(&mut cloud.wharf(&["exec", "app", "--", "cat", "/site/index.html"])),
        "hello"
    );

    // A pipe's end is the end of the program's input, also within a line; lines are echoed, as at any terminal.
    for (input, expected) in [("a\nb\n", "a\nb\na\nb\n"), ("ab", "abab")] {
        let mut command = cloud.wharf(&["exec", "app", "--", "cat"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        let text = String::from_utf8(output.stdout).unwrap().replace('\r', "");
        assert_eq!(text.len(), expected.len(), "{text}");
        assert!(
            input.lines().all(|line| text.matches(line).count() == 2),
            "{text}"
        );
    }

    // What a shell is sent it does, and it ends with the last of it.
    let mut command = cloud.wharf(&["exec", "app"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(b"echo $((40+2)) > /tmp/answer\n")
        .unwrap();
    assert!(child.wait_with_output().unwrap().status.success());
    assert_eq!(
        run(&mut cloud.wharf(&["exec", "app", "--", "cat", "/tmp/answer"])),
        "42"
    );

    for (words, sentence) in [
        (&["exec", "app", "--container", "db"][..], "there are: app"),
        (
            &["exec", "app", "--task", "xyz"],
            "no running task whose id begins with `xyz`",
        ),
        (&["exec", "other"], "there is no application `other`"),
        (&["exec", "app", "--", "nonsense"], "executable file not found"),
    ] {
        let (code, text) = fail(&mut cloud.wharf(words));
        assert_eq!(code, 1, "{text}");
        assert!(text.contains(sentence), "{text}");
    }
    cloud.aws(
        "ecs update-service --cluster wharf --service app --disable-execute-command --force-new-deployment",
    );
    cloud.aws("ecs wait services-stable --cluster wharf --services app");
    let (_, text) = fail(&mut cloud.wharf(&["exec", "app"]));
    assert!(text.contains("execute command is not enabled"), "{text}");
    assert!(text.contains("--service app --enable-execute-command"), "{text}");
}

#[test]
fn a_terminal_is_as_large_as_the_persons_own_and_left_as_it_was() {
    let cloud = start();
    let (code, text) = at_terminal(
        &cloud,
        "stty rows 47 cols 131; \"$WHARF\" exec app -- stty size",
        &[],
    );
    assert_eq!((code, text.trim()), (0, "47 131"));

    let resized = "stty rows 47 cols 131; (sleep 2; stty rows 33 cols 99 < /dev/tty) & \"$WHARF\" exec app -- sh -c 'sleep 4; stty size'";
    let (code, text) = at_terminal(&cloud, resized, &[]);
    assert_eq!((code, text.trim()), (0, "33 99"));

    // Ctrl-C goes to what runs inside, not to wharf; afterwards the terminal is as it was.
    let words =
        "before=$(stty -g); \"$WHARF\" exec app; code=$?; [ \"$before\" = \"$(stty -g)\" ] && exit $code";
    let typed = ["sleep 1234\n", "\u{3}", "echo still $((1+1))\n", "exit 4\n"];
    let (code, text) = at_terminal(&cloud, words, &typed);
    assert_eq!(code, 4, "{text}");
    assert!(text.contains("still 2"), "{text}");

    // So it is after a signal, which takes the program along.
    let words = "before=$(stty -g); timeout --foreground 3 \"$WHARF\" exec app -- sh -c 'echo begun; exec sleep 4321'; [ \"$before\" = \"$(stty -g)\" ] && exit 9";
    let (code, text) = at_terminal(&cloud, words, &[]);
    assert_eq!(code, 9, "{text}");
    assert!(text.contains("begun"), "{text}");
    until("the program's end", || !is_running("sleep 4321"));
}

#[test]
fn the_aws_command_line_takes_wharf_for_its_plugin() {
    let cloud = start();
    make_plugin(&cloud, |path| std::os::unix::fs::symlink(wharf(), path).unwrap());
    let task = cloud.aws("ecs list-tasks --cluster wharf --query taskArns[0] --output text");
    let execute = |command: &str| {
        format!(
            "stty rows 47 cols 131; aws ecs execute-command --cluster wharf --task {task} --container app --interactive --command \"{command}\""
        )
    };
    let (code, text) = at_terminal(&cloud, &execute("stty size"), &[]);
    assert_eq!(code, 0, "{text}");
    assert!(text.lines().any(|line| line.trim() == "47 131"), "{text}");

    let (code, text) = at_terminal(&cloud, &execute("/bin/sh"), &["echo $((6*7))\n", "exit 3\n"]);
    assert_eq!(
        code, 0,
        "AWS's plugin does not tell how the program ended either\n{text}"
    );
    assert!(text.lines().any(|line| line.trim() == "42"), "{text}");

    // Newer command lines hand the session over by the environment.
    let script = format!(
        "#!/bin/sh\n[ $# = 0 ] && exit 0\nexport AWS_SSM_START_SESSION_RESPONSE=\"$1\"\nshift\nexec '{}' session-manager-plugin AWS_SSM_START_SESSION_RESPONSE \"$@\"\n",
        wharf().display()
    );
    make_plugin(&cloud, |path| {
        std::fs::write(path, script).unwrap();
        std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).unwrap();
    });
    let (code, text) = at_terminal(&cloud, &execute("echo in"), &[]);
    assert_eq!((code, text.trim()), (0, "in"));
}
