//! Further processes in running containers.

use std::time::Duration;

use bytes::Bytes;
use contract::exec::{ExecError, ExecInput, ExecOutput, ExecRequest, ExecSession, TerminalSize};
use futures::{SinkExt as _, StreamExt as _};

use crate::bench::{Bench, Test, wait_for};
use crate::tests;

pub const TESTS: &[Test] = tests![
    streams_and_exit_code,
    it_is_like_the_containers_own_process,
    standard_input_is_read_to_its_end,
    a_terminal_has_a_size_that_changes,
    much_output_for_a_slow_reader,
    dropping_the_session_kills,
    several_at_a_time,
    what_cannot_be_run_says_why,
    the_end_of_the_container_ends_it,
];

const SIZE: TerminalSize = TerminalSize {
    columns: 97,
    rows: 41,
};

fn request(task: &str, line: &str) -> ExecRequest {
    ExecRequest {
        task: task.to_owned(),
        container: "app".to_owned(),
        arguments: ["sh", "-c", line].map(str::to_owned).to_vec(),
        environment: vec![],
        terminal: None,
        user: None,
        working_directory: None,
    }
}

/// A task whose container does nothing, and its id.
async fn idle(bench: &Bench) -> String {
    let handle = bench.start(vec![bench.shell("app", "echo up; sleep 60")]).await;
    let id = handle.status().id;
    bench.until_output(&id, "app", "up").await;
    id
}

/// Everything that comes: standard output, standard error, exit code.
async fn outcome(mut session: ExecSession) -> (String, String, i32) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    loop {
        match session.output.next().await.expect("an exit code comes last") {
            ExecOutput::Stdout(bytes) => out.extend_from_slice(&bytes),
            ExecOutput::Stderr(bytes) => err.extend_from_slice(&bytes),
            ExecOutput::Exited(code) => {
                assert_eq!(session.output.next().await, None, "nothing follows");
                let text = |bytes| String::from_utf8(bytes).unwrap();
                return (text(out), text(err), code);
            }
        }
    }
}

async fn run(bench: &Bench, request: ExecRequest) -> (String, String, i32) {
    outcome(bench.runtime.exec(request).await.unwrap()).await
}

async fn refusal(bench: &Bench, request: ExecRequest) -> ExecError {
    let refused = bench.runtime.exec(request).await;
    refused.expect_err("it cannot be run")
}

async fn streams_and_exit_code(bench: Bench) {
    let id = idle(&bench).await;
    let (out, err, code) = run(&bench, request(&id, "echo out; echo err >&2; exit 7")).await;
    assert_eq!((out.as_str(), err.as_str(), code), ("out\n", "err\n", 7));
    let (_, _, code) = run(&bench, request(&id, "kill -9 $$")).await;
    assert_eq!(code, 137);
    // One that leaves somebody behind with its streams has ended all the same.
    let (out, _, code) = run(&bench, request(&id, "sleep 30 & echo left")).await;
    assert_eq!((out.as_str(), code), ("left\n", 0));
    assert_eq!(
        bench.output(&id, "app"),
        "up\n",
        "nothing of it is the container's output"
    );
}

async fn it_is_like_the_containers_own_process(bench: Bench) {
    let line = "id -u; id -g; pwd; echo $A $B; grep -E '^(CapEff|CapBnd|Seccomp|NoNewPrivs):' /proc/self/status; \
                ulimit -n; cat /proc/self/cgroup | grep -v '/$' | wc -l; hostname";
    let mut container = bench.shell("app", &format!("{line}; echo up; sleep 60"));
    container.user = Some("web".to_owned());
    container.working_directory = "/work".to_owned();
    container.environment = [("A", "1"), ("B", "2")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec();
    container.linux.capabilities_drop = vec!["NET_RAW".to_owned()];
    container.linux.no_new_privileges = true;
    container.ulimits = vec![contract::task::Ulimit {
        name: "nofile".to_owned(),
        soft: 123,
        hard: 456,
    }];
    let handle = bench.start(vec![container]).await;
    let id = handle.status().id;
    bench.until_output(&id, "app", "up").await;
    let (out, err, code) = run(&bench, request(&id, line)).await;
    assert_eq!(format!("{out}up\n"), bench.output(&id, "app"), "{err}");
    assert_eq!(code, 0);
    let mut further = request(&id, "echo $A $B $TERM");
    further.environment = vec![("B".to_owned(), "other".to_owned())];
    assert_eq!(run(&bench, further).await.0, "1 other\n");
    handle.kill("enough").await.unwrap();
}

async fn standard_input_is_read_to_its_end(bench: Bench) {
    let id = idle(&bench).await;
    let mut session = bench.runtime.exec(request(&id, "cat; echo ended")).await.unwrap();
    for text in ["one\n", "two\n"] {
        session
            .input
            .send(ExecInput::Bytes(Bytes::from_static(text.as_bytes())))
            .await
            .unwrap();
    }
    session.input.send(ExecInput::End).await.unwrap();
    assert_eq!(outcome(session).await.0, "one\ntwo\nended\n");
    // Whoever only lets go of the input wants to hear the rest.
    let session = bench.runtime.exec(request(&id, "cat; echo ended")).await.unwrap();
    let ExecSession { input, output } = session;
    drop(input);
    let session = ExecSession {
        input: Box::pin(futures::sink::drain().sink_map_err(|never| match never {})),
        output,
    };
    assert_eq!(outcome(session).await.0, "ended\n");
}

async fn a_terminal_has_a_size_that_changes(bench: Bench) {
    let id = idle(&bench).await;
    let line = "test -t 0 && test -t 2 && stty size; echo $TERM; read x; stty size; echo got $x; read y; echo end $y; exit 4";
    let mut request = request(&id, line);
    request.terminal = Some(SIZE);
    let mut session = bench.runtime.exec(request).await.unwrap();
    let mut seen = String::new();
    while !seen.contains("xterm") {
        match session.output.next().await.unwrap() {
            ExecOutput::Stdout(bytes) => seen.push_str(std::str::from_utf8(&bytes).unwrap()),
            other => panic!("{other:?} after {seen}"),
        }
    }
    assert_eq!(seen, "41 97\r\nxterm\r\n");
    let larger = TerminalSize {
        columns: 120,
        rows: 50,
    };
    session.input.send(ExecInput::Resize(larger)).await.unwrap();
    session
        .input
        .send(ExecInput::Bytes(Bytes::from_static(b"typed\n")))
        .await
        .unwrap();
    session.input.send(ExecInput::End).await.unwrap();
    let (out, err, code) = outcome(session).await;
    assert_eq!(
        (out.as_str(), err.as_str(), code),
        ("typed\r\n50 120\r\ngot typed\r\nend\r\n", "", 4)
    );
}

async fn much_output_for_a_slow_reader(bench: Bench) {
    let id = idle(&bench).await;
    let mut session = bench
        .runtime
        .exec(request(&id, "seq 200000; echo done >&2"))
        .await
        .unwrap();
    // Longer than output without a reader is waited for.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let first = session.output.next().await.unwrap();
    assert!(matches!(first, ExecOutput::Stdout(_)));
    // Meanwhile the shim has other things to do.
    assert_eq!(run(&bench, request(&id, "echo quick")).await.0, "quick\n");
    let ExecOutput::Stdout(first) = first else {
        unreachable!()
    };
    let (out, err, code) = outcome(session).await;
    let all = format!("{}{out}", std::str::from_utf8(&first).unwrap());
    assert_eq!(all.lines().count(), 200_000);
    assert!(all.ends_with("199999\n200000\n"));
    assert_eq!((err.as_str(), code), ("done\n", 0));
}

fn sleeping(seconds: &str) -> bool {
    std::fs::read_dir("/proc").unwrap().flatten().any(|entry| {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        line == format!("sleep\0{seconds}\0").as_bytes()
    })
}

async fn dropping_the_session_kills(bench: Bench) {
    let id = idle(&bench).await;
    for terminal in [None, Some(SIZE)] {
        let mut request = request(&id, "sleep 71 & echo up; sleep 72");
        request.terminal = terminal;
        let mut session = bench.runtime.exec(request).await.unwrap();
        assert!(session.output.next().await.is_some());
        while !(sleeping("71") && sleeping("72")) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        drop(session);
        while sleeping("71") || sleeping("72") {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    assert_eq!(
        run(&bench, request(&id, "echo still here")).await.0,
        "still here\n"
    );
}

async fn several_at_a_time(bench: Bench) {
    let id = idle(&bench).await;
    let mut sessions = Vec::new();
    for number in 0..8 {
        let mut request = request(&id, &format!("read x; echo {number} $x"));
        request.terminal = (number % 2 == 0).then_some(SIZE);
        sessions.push(bench.runtime.exec(request).await.unwrap());
    }
    for (number, mut session) in sessions.into_iter().enumerate().rev() {
        let typed = Bytes::from(format!("in{number}\n"));
        session.input.send(ExecInput::Bytes(typed)).await.unwrap();
        let (out, _, code) = outcome(session).await;
        assert!(out.contains(&format!("{number} in{number}")), "{out}");
        assert_eq!(code, 0);
    }
}

async fn what_cannot_be_run_says_why(bench: Bench) {
    let id = idle(&bench).await;
    let mut missing = request(&id, "");
    missing.arguments = vec!["bash".to_owned()];
    let refused = refusal(&bench, missing).await;
    assert!(matches!(refused, ExecError::Program(_)));
    assert_eq!(
        refused.to_string(),
        "exec: \"bash\": executable file not found in $PATH"
    );
    let mut other = request(&id, "true");
    other.container = "other".to_owned();
    for request in [other, request("nothing", "true"), request("../x", "true")] {
        assert!(matches!(
            refusal(&bench, request).await,
            ExecError::NotRunning { .. }
        ));
    }
}

async fn the_end_of_the_container_ends_it(bench: Bench) {
    let id = idle(&bench).await;
    let session = bench.runtime.exec(request(&id, "sleep 73")).await.unwrap();
    let handle = bench.runtime.adopt(&id).await.unwrap();
    handle.stop("enough").await.unwrap();
    assert_eq!(outcome(session).await.2, 137);
    wait_for(handle, |status| status.stopped_at.is_some()).await;
    assert!(matches!(
        refusal(&bench, request(&id, "true")).await,
        ExecError::NotRunning { .. }
    ));
}
