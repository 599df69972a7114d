//! Programs that steps run: their lines as they come, and an end to all of them when the step ends early.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{SigHandler, Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::net::unix::pipe::Receiver;
use tokio::process::{Child, Command};
use tokio::sync::watch;

/// A longer line is cut into pieces.
const LINE_BYTES_MAX: u64 = 64 << 10;
/// After a program has ended, others that it left running may hold its output open for so long.
const DRAIN: Duration = Duration::from_millis(250);
/// GitHub's patience with programs that are to end: this long after SIGINT, and this long after SIGTERM.
const AFTER_INTERRUPT: Duration = Duration::from_millis(7500);
const AFTER_TERMINATE: Duration = Duration::from_millis(2500);

/// What to run.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) arguments: Vec<OsString>,
    pub(crate) folder: PathBuf,
    pub(crate) environment: BTreeMap<String, String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// With its exit code; 128 and the signal's number for one that was killed.
    Exit(i32),
    Cancelled,
    TimedOut,
}

/// What makes a program end early.
#[derive(Clone)]
pub(crate) struct Halt {
    pub(crate) cancel: watch::Receiver<bool>,
    pub(crate) limit: Duration,
}

impl Halt {
    async fn wait(&mut self) -> Ended {
        let cancelled = async {
            // Whoever could cancel is gone: then nobody will.
            if self.cancel.wait_for(|wanted| *wanted).await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = cancelled => Ended::Cancelled,
            () = tokio::time::sleep(self.limit) => Ended::TimedOut,
        }
    }
}

/// Runs it to its end; `told` gets every line, standard output and standard error in the order in which they came.
pub(crate) async fn run(
    program: &Program,
    mut halt: Halt,
    told: &(dyn Fn(&str) + Sync),
) -> io::Result<Ended> {
    let (output, mut child) = spawn(program)?;
    let mut lines = BufReader::new(output);
    let mut ended = None;
    let mut buffer = Vec::new();
    let mut is_open = true;
    while ended.is_none() {
        tokio::select! {
            biased;
            early = halt.wait() => {
                stop(&mut child, &mut lines, told).await;
                ended = Some(early);
            }
            more = next_line(&mut lines, &mut buffer), if is_open => is_open = flush(more, &mut buffer, told),
            status = child.wait() => ended = Some(Ended::Exit(exit_code(status?))),
        }
    }
    drain(&mut lines, &mut buffer, told).await;
    Ok(ended.unwrap_or(Ended::Exit(1)))
}

fn spawn(program: &Program) -> io::Result<(Receiver, Child)> {
    let (reader, writer) = io::pipe()?;
    let [first, rest @ ..] = program.arguments.as_slice() else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "nothing to run"));
    };
    let mut command = Command::new(first);
    command
        .args(rest)
        .current_dir(&program.folder)
        .env_clear()
        .envs(&program.environment)
        .stdin(Stdio::null())
        .stdout(writer.try_clone()?)
        .stderr(writer)
        .process_group(0)
        .kill_on_drop(true);
    // SAFETY: between fork and exec it makes system calls only, which need no memory.
    unsafe { command.pre_exec(heed_all_signals) };
    let child = command.spawn()?;
    Ok((Receiver::from_owned_fd(OwnedFd::from(reader))?, child))
}

/// What is ignored stays ignored in the program: SIGINT, if the cloud was started in the background of a script. A shell
/// could not even trap it then, and a step is asked to end by it.
fn heed_all_signals() -> io::Result<()> {
    for signal in Signal::iterator() {
        // SAFETY: no handler is installed, the default one is put back.
        let _ = unsafe { nix::sys::signal::signal(signal, SigHandler::SigDfl) };
    }
    Ok(())
}

/// Reads on in the line that `buffer` has the beginning of. `false` at the end of all output. Nothing is lost when it
/// is dropped half-way.
async fn next_line(lines: &mut BufReader<Receiver>, buffer: &mut Vec<u8>) -> io::Result<bool> {
    let room = LINE_BYTES_MAX.saturating_sub(buffer.len() as u64);
    let read = lines.take(room.max(1)).read_until(b'\n', buffer).await?;
    Ok(read > 0)
}

/// Tells the line if it is whole.
fn flush(more: io::Result<bool>, buffer: &mut Vec<u8>, told: &(dyn Fn(&str) + Sync)) -> bool {
    let more = more.unwrap_or(false);
    if !buffer.is_empty() && (!more || buffer.ends_with(b"\n") || buffer.len() as u64 >= LINE_BYTES_MAX) {
        let text = String::from_utf8_lossy(buffer);
        // Progress bars draw one state over the other: the last one counts.
        let line = text.trim_end_matches(['\n', '\r']);
        told(line.rsplit('\r').next().unwrap_or(line));
        buffer.clear();
    }
    more
}

async fn drain(lines: &mut BufReader<Receiver>, buffer: &mut Vec<u8>, told: &(dyn Fn(&str) + Sync)) {
    loop {
        let more = tokio::time::timeout(DRAIN, next_line(lines, buffer)).await;
        let more = more.unwrap_or(Ok(false));
        if !flush(more, buffer, told) {
            return;
        }
    }
}

/// First asks, then insists.
async fn stop(child: &mut Child, lines: &mut BufReader<Receiver>, told: &(dyn Fn(&str) + Sync)) {
    let Some(pid) = child.id() else { return };
    let group = Pid::from_raw(pid.cast_signed());
    let mut buffer = Vec::new();
    for (signal, patience) in [
        (Signal::SIGINT, AFTER_INTERRUPT),
        (Signal::SIGTERM, AFTER_TERMINATE),
    ] {
        let _ = killpg(group, signal);
        let deadline = tokio::time::Instant::now() + patience;
        let mut is_open = true;
        loop {
            tokio::select! {
                _ = child.wait() => {
                    let _ = killpg(group, Signal::SIGKILL);
                    return;
                }
                more = next_line(lines, &mut buffer), if is_open => is_open = flush(more, &mut buffer, told),
                () = tokio::time::sleep_until(deadline) => break,
            }
        }
    }
    let _ = killpg(group, Signal::SIGKILL);
    let _ = child.wait().await;
}

fn exit_code(status: std::process::ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt as _;
    status
        .code()
        .unwrap_or_else(|| 128 + status.signal().unwrap_or_default())
}

#[cfg(test)]
mod tests;
