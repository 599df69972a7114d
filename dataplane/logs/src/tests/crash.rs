//! A process that appends is killed, again and again.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::*;

const DIRECTORY: &str = "WHARF_TEST_LOG_STORE";
const STREAMS: u64 = 4;
const ROUNDS: u64 = 30;

fn spool(stream: u64) -> String {
    format!("spool {stream}")
}

/// What is killed: goes on where the positions are, and says each number that is durable.
#[test]
#[ignore = "started, and killed, by the test below"]
fn appends_until_it_is_killed() {
    let directory = std::env::var(DIRECTORY).unwrap();
    let logs = small(Path::new(&directory));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let appends = (0..STREAMS).map(|number| {
        let logs = logs.clone();
        async move {
            let mut next = logs.position(&spool(number)).await.unwrap();
            loop {
                let count = 1 + next % 7;
                let lines = (next..next + count)
                    .map(|n| line(n as i64 / 3, &format!("line {n} of stream {number}")))
                    .collect();
                next += count;
                let position = SpoolPosition {
                    spool: spool(number),
                    offset_bytes: next,
                };
                logs.append(&stream(&number.to_string()), lines, Some(position))
                    .await
                    .unwrap();
                writeln!(std::io::stderr(), "durable {number} {next}").unwrap();
            }
        }
    });
    let _entered = runtime.enter();
    let appends: tokio::task::JoinSet<_> = appends.collect();
    runtime.block_on(appends.join_all());
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_or_doubled_by_kills() {
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged = [0; STREAMS as usize];
    for round in 0..ROUNDS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "tests::crash::appends_until_it_is_killed"])
            .args(["--ignored", "--nocapture"])
            .env(DIRECTORY, folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(child.stderr.take().unwrap());
        let reader = std::thread::spawn(move || said.lines().map_while(Result::ok).collect::<Vec<_>>());
        std::thread::sleep(Duration::from_millis(30 + round * 37 % 170));
        child.kill().unwrap();
        child.wait().unwrap();
        for line in reader.join().unwrap() {
            let words: Vec<&str> = line.split(' ').collect();
            // The last one may have been cut off in the middle: then it says less, or nothing.
            if let ["durable", number, next] = words[..]
                && let (Ok(number), Ok(next)) = (number.parse::<usize>(), next.parse::<u64>())
            {
                acknowledged[number] = next.max(acknowledged[number]);
            }
        }
        let logs = small(folder.path());
        for number in 0..STREAMS {
            let position = logs.position(&spool(number)).await.unwrap();
            assert!(
                position >= acknowledged[number as usize],
                "round {round}: {position} of stream {number}"
            );
            let query = LogQuery {
                streams: vec![number.to_string()],
                ..everything()
            };
            let found = logs.query(query).await.unwrap();
            let expected = (0..position).map(|n| format!("line {n} of stream {number}"));
            assert!(
                found.iter().map(|line| line.message.clone()).eq(expected),
                "round {round}: {} lines at position {position}",
                found.len()
            );
        }
    }
    assert!(acknowledged.iter().all(|&last| last > ROUNDS), "{acknowledged:?}");
}
