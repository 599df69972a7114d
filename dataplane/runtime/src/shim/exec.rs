//! Further processes in running containers. The shim starts them and hands their streams or terminal to whoever asked,
//! so that it has nothing to carry; it tells the exit code, and kills the process when nobody is there any more.

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, AsRawFd as _, OwnedFd, RawFd};
use std::path::Path;

use contract::exec::TerminalSize;
use nix::fcntl::OFlag;
use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Interest};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};

use super::control::address;
use super::task::Event;
use crate::container::Stdio;

pub(crate) const EXEC_FILE: &str = "exec.sock";
/// Longest request that is listened to.
const REQUEST_BYTES_MAX: u64 = 1 << 20;

/// What is asked for, as a JSON line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Request {
    pub container: String,
    pub arguments: Vec<String>,
    pub environment: Vec<(String, String)>,
    /// Columns and rows.
    pub terminal: Option<(u16, u16)>,
    /// Instead of the container's.
    #[serde(default)]
    pub working_directory: Option<String>,
    /// Instead of the container's.
    #[serde(default)]
    pub user: Option<String>,
}

/// Asks for this side of a container's standard input, or for its terminal: the other thing that can be asked for here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct InputWish {
    pub container: String,
    /// Nobody else shall have it any more.
    pub alone: bool,
}

/// What comes in as a line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Asked {
    Exec(Request),
    Input(InputWish),
}

impl Request {
    pub fn window(&self) -> Option<TerminalSize> {
        self.terminal
            .map(|(columns, rows)| TerminalSize { columns, rows })
    }
}

/// The first line of the answer. With `Started` come descriptors: the terminal, or this side of standard input,
/// output and error. The exit code follows as a line of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Answer {
    Started,
    NotRunning,
    /// The program cannot be run; Docker's sentence.
    Program(String),
    Failed(String),
}

/// A process that was started.
#[derive(Debug)]
pub(super) struct Begun {
    pub pid: i32,
    /// This side of its streams, or its terminal.
    pub ends: Vec<OwnedFd>,
    /// Gets its exit code.
    pub ended: oneshot::Receiver<i32>,
}

/// Both sides of a process' streams.
pub(super) fn streams() -> io::Result<(Stdio, Vec<OwnedFd>)> {
    let pipe = || nix::unistd::pipe2(OFlag::O_CLOEXEC).map_err(io::Error::from);
    let (stdin, input) = pipe()?;
    let (output, stdout) = pipe()?;
    let (errors, stderr) = pipe()?;
    let theirs = Stdio::Streams {
        stdin,
        stdout,
        stderr,
    };
    Ok((theirs, vec![input, output, errors]))
}

pub(super) fn listen(directory: &Path) -> io::Result<UnixListener> {
    let (_open, address) = address(directory, EXEC_FILE)?;
    let _ = std::fs::remove_file(directory.join(EXEC_FILE));
    UnixListener::bind(address)
}

/// Serves one request until its process has ended or nobody listens any more.
pub(super) async fn serve(stream: UnixStream, events: mpsc::UnboundedSender<Event>) {
    let mut stream = BufReader::new(stream);
    let mut line = Vec::new();
    let read = (&mut stream)
        .take(REQUEST_BYTES_MAX)
        .read_until(b'\n', &mut line)
        .await;
    let request = match read.and_then(|_| serde_json::from_slice(&line).map_err(io::Error::other)) {
        Ok(Asked::Exec(request)) => request,
        Ok(Asked::Input(wish)) => return hand_over(stream.into_inner(), wish, events).await,
        Err(_) => return,
    };
    let (answer, answered) = oneshot::channel();
    if events.send(Event::Exec(request, answer)).is_err() {
        return;
    }
    let mut stream = stream.into_inner();
    let begun = match answered.await {
        Ok(Ok(begun)) => begun,
        Ok(Err(refusal)) => {
            let _ = send(&stream, &refusal, &[]).await;
            return;
        }
        Err(_) => return,
    };
    let pid = begun.pid;
    if send(&stream, &Answer::Started, &begun.ends).await.is_err() {
        let _ = events.send(Event::ExecGone(pid));
        return;
    }
    // The other side is theirs alone, so that its end is an end.
    drop(begun.ends);
    let mut nothing = [0; 1];
    tokio::select! {
        code = begun.ended => {
            if let Ok(code) = code {
                let _ = stream.write_all(format!("{code}\n").as_bytes()).await;
            }
        }
        // Nothing is said after the request: what can be read is the end.
        _ = stream.read(&mut nothing) => {
            let _ = events.send(Event::ExecGone(pid));
        }
    }
}

async fn hand_over(stream: UnixStream, wish: InputWish, events: mpsc::UnboundedSender<Event>) {
    let (answer, answered) = oneshot::channel();
    if events.send(Event::Input(wish, answer)).is_err() {
        return;
    }
    let _ = match answered.await {
        Ok(Ok(input)) => send(&stream, &Answer::Started, &[input]).await,
        Ok(Err(refusal)) => send(&stream, &refusal, &[]).await,
        Err(_) => return,
    };
}

async fn send(stream: &UnixStream, answer: &Answer, ends: &[OwnedFd]) -> io::Result<()> {
    let text = format!("{}\n", serde_json::to_string(answer).map_err(io::Error::other)?);
    let descriptors: Vec<RawFd> = ends.iter().map(|end| end.as_raw_fd()).collect();
    let rights = [ControlMessage::ScmRights(&descriptors)];
    let control: &[ControlMessage<'_>] = if descriptors.is_empty() { &[] } else { &rights };
    // An empty socket takes a line of this size in one piece.
    stream
        .async_io(Interest::WRITABLE, || {
            let socket = stream.as_fd().as_raw_fd();
            let pieces = [IoSlice::new(text.as_bytes())];
            sendmsg::<()>(socket, &pieces, control, MsgFlags::MSG_NOSIGNAL, None)?;
            Ok(())
        })
        .await
}
