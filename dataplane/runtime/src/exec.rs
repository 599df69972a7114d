//! Further processes in running containers, from outside: asks the task's shim for one, and carries its streams.

use std::io::{self, IoSliceMut};
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd, RawFd};
use std::time::Duration;

use bytes::Bytes;
use contract::exec::{ExecError, ExecInput, ExecOutput, ExecRequest, ExecSession, Gone, TerminalSize};
use futures::SinkExt as _;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg};
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Interest};
use tokio::net::UnixStream;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::PollSender;

use crate::Runtime;
use crate::shim::{EXEC_FILE, ExecAnswer, ExecWish, InputWish, address};
use crate::terminal::resize;

/// Messages that wait in each direction; more are waited with.
const MESSAGES_MAX: usize = 16;
const CHUNK_BYTES: usize = 16 * 1024;
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// How long output may still come after the process' end, when others hold its streams.
const DRAIN_IDLE: Duration = Duration::from_millis(300);
/// A terminal's sign for the end of input.
const END_OF_TRANSMISSION: &[u8] = &[4];
const KILLED: i32 = 128 + libc::SIGKILL;

impl Runtime {
    /// Starts a process in a running container; returns when its program runs.
    ///
    /// # Errors
    /// When the container does not run, or the program cannot be run in it.
    pub async fn exec(&self, request: ExecRequest) -> Result<ExecSession, ExecError> {
        let not_running = || ExecError::NotRunning {
            task: request.task.clone(),
            container: request.container.clone(),
        };
        let failed = |error: io::Error| ExecError::Failed(error.to_string());
        let directory = self.task_directory(&request.task).ok_or_else(not_running)?;
        let (_open, address) = address(&directory, EXEC_FILE).map_err(|_| not_running())?;
        let mut stream = UnixStream::connect(address).await.map_err(|_| not_running())?;
        let wish = ExecWish {
            container: request.container.clone(),
            arguments: request.arguments.clone(),
            environment: request.environment.clone(),
            terminal: request.terminal.map(|size| (size.columns, size.rows)),
            working_directory: request.working_directory.clone(),
            user: request.user.clone(),
        };
        let mut line = serde_json::to_vec(&wish).map_err(|error| failed(error.into()))?;
        line.push(b'\n');
        stream.write_all(&line).await.map_err(failed)?;
        let (answer, ends) = receive(&stream).await.map_err(failed)?;
        match answer {
            ExecAnswer::Started => begin(stream, ends, request.terminal.is_some()).map_err(failed),
            ExecAnswer::NotRunning => Err(not_running()),
            ExecAnswer::Program(sentence) => Err(ExecError::Program(sentence)),
            ExecAnswer::Failed(sentence) => Err(ExecError::Failed(sentence)),
        }
    }
}

impl Runtime {
    /// This side of a running container's standard input, or its terminal. Taken alone, its end is the end of the
    /// container's input.
    ///
    /// # Errors
    /// When the container does not run, or does not keep its input open.
    pub async fn input(&self, task: &str, container: &str, alone: bool) -> Result<Input, ExecError> {
        let not_running = || ExecError::NotRunning {
            task: task.to_owned(),
            container: container.to_owned(),
        };
        let failed = |error: io::Error| ExecError::Failed(error.to_string());
        let directory = self.task_directory(task).ok_or_else(not_running)?;
        let (_open, address) = address(&directory, EXEC_FILE).map_err(|_| not_running())?;
        let mut stream = UnixStream::connect(address).await.map_err(|_| not_running())?;
        let wish = InputWish {
            container: container.to_owned(),
            alone,
        };
        let mut line = serde_json::to_vec(&wish).map_err(|error| failed(error.into()))?;
        line.push(b'\n');
        stream.write_all(&line).await.map_err(failed)?;
        let (answer, ends) = receive(&stream).await.map_err(failed)?;
        match (answer, ends.into_iter().next()) {
            (ExecAnswer::Started, Some(end)) => {
                Ok(Input(registered(end, Interest::WRITABLE).map_err(failed)?))
            }
            (ExecAnswer::NotRunning, _) => Err(not_running()),
            (ExecAnswer::Program(sentence) | ExecAnswer::Failed(sentence), _) => {
                Err(ExecError::Failed(sentence))
            }
            (ExecAnswer::Started, None) => Err(ExecError::Failed("the input did not come".to_owned())),
        }
    }
}

/// This side of a container's standard input, or its terminal. Dropping it closes it.
#[derive(Debug)]
pub struct Input(AsyncFd<OwnedFd>);

impl Input {
    /// Waits while the container does not read.
    ///
    /// # Errors
    /// When nobody reads it any more.
    pub async fn write(&self, bytes: &[u8]) -> io::Result<()> {
        write_all(&self.0, bytes).await
    }

    /// # Errors
    /// When it is no terminal.
    pub fn resize(&self, size: TerminalSize) -> io::Result<()> {
        resize(self.0.get_ref(), size)
    }
}

/// The shim's answer, and the descriptors that came with it.
async fn receive(stream: &UnixStream) -> io::Result<(ExecAnswer, Vec<OwnedFd>)> {
    let mut bytes = Vec::new();
    let mut ends = Vec::new();
    while bytes.last() != Some(&b'\n') {
        // One byte at a time would be slow, and more than the answer would be the exit code: the answer comes in one
        // piece, and the exit code is only read from where its line ends.
        let mut buffer = vec![0; ANSWER_BYTES_MAX];
        let (count, more) = stream
            .async_io(Interest::READABLE, || {
                read_piece(stream.as_raw_fd(), &mut buffer, &bytes)
            })
            .await?;
        if count == 0 {
            return Err(io::Error::other("the task's shim went away"));
        }
        bytes.extend_from_slice(&buffer[..count]);
        ends.extend(more);
        if bytes.len() > ANSWER_BYTES_MAX {
            return Err(io::Error::other("the task's shim says too much"));
        }
    }
    let answer = serde_json::from_slice(&bytes).map_err(io::Error::other)?;
    Ok((answer, ends))
}

/// Reads to the end of the first line at most.
fn read_piece(socket: RawFd, buffer: &mut [u8], before: &[u8]) -> io::Result<(usize, Vec<OwnedFd>)> {
    let peeked = {
        let mut pieces = [IoSliceMut::new(buffer)];
        recvmsg::<()>(socket, &mut pieces, None, MsgFlags::MSG_PEEK)?.bytes
    };
    let end = buffer[..peeked].iter().position(|&byte| byte == b'\n');
    let wanted = end.map_or(peeked, |end| end + 1);
    debug_assert!(before.len() <= ANSWER_BYTES_MAX);
    let mut pieces = [IoSliceMut::new(&mut buffer[..wanted])];
    let mut space = nix::cmsg_space!([RawFd; 3]);
    let message = recvmsg::<()>(socket, &mut pieces, Some(&mut space), MsgFlags::MSG_CMSG_CLOEXEC)?;
    let mut ends = Vec::new();
    for control in message.cmsgs()? {
        if let ControlMessageOwned::ScmRights(descriptors) = control {
            for descriptor in descriptors {
                // SAFETY: the kernel has just made this descriptor for us, and we are the only ones to know it.
                ends.push(unsafe { OwnedFd::from_raw_fd(descriptor) });
            }
        }
    }
    Ok((message.bytes, ends))
}

/// This side of the process' streams.
struct Ends {
    input: Option<AsyncFd<OwnedFd>>,
    output: AsyncFd<OwnedFd>,
    errors: Option<AsyncFd<OwnedFd>>,
    terminal: bool,
}

impl Ends {
    fn new(ends: Vec<OwnedFd>, terminal: bool) -> io::Result<Self> {
        let mut ends = ends.into_iter();
        let missing = || io::Error::other("the task's shim did not hand over the streams");
        let mut next = || ends.next().ok_or_else(missing);
        if terminal {
            let terminal = next()?;
            let input = registered(terminal.try_clone()?, Interest::WRITABLE)?;
            return Ok(Self {
                input: Some(input),
                output: registered(terminal, Interest::READABLE)?,
                errors: None,
                terminal: true,
            });
        }
        Ok(Self {
            input: Some(registered(next()?, Interest::WRITABLE)?),
            output: registered(next()?, Interest::READABLE)?,
            errors: Some(registered(next()?, Interest::READABLE)?),
            terminal: false,
        })
    }
}

fn registered(descriptor: OwnedFd, interest: Interest) -> io::Result<AsyncFd<OwnedFd>> {
    let flags = OFlag::from_bits_truncate(fcntl(&descriptor, FcntlArg::F_GETFL)?);
    fcntl(&descriptor, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
    // SAFETY: the descriptor is owned by the `AsyncFd` and stays open and the same as long as that lives.
    unsafe { Ok(AsyncFd::register_with_interest(descriptor, interest)?) }
}

fn begin(stream: UnixStream, ends: Vec<OwnedFd>, terminal: bool) -> io::Result<ExecSession> {
    let ends = Ends::new(ends, terminal)?;
    let (input, wishes) = mpsc::channel(MESSAGES_MAX);
    let (outcome, output) = mpsc::channel(MESSAGES_MAX);
    tokio::spawn(carry(stream, ends, wishes, outcome));
    Ok(ExecSession {
        input: Box::pin(PollSender::new(input).sink_map_err(|_| Gone)),
        output: Box::pin(ReceiverStream::new(output)),
    })
}

/// Carries until the process has ended and everything it wrote is told, or nobody listens any more. The shim kills
/// the process when the connection closes.
async fn carry(
    stream: UnixStream,
    ends: Ends,
    wishes: mpsc::Receiver<ExecInput>,
    outcome: mpsc::Sender<ExecOutput>,
) {
    let (told, exited) = watch::channel(false);
    let feeding = tokio::spawn(feed(ends.input, ends.terminal, wishes));
    let life = async {
        let code = exit_code(stream).await;
        told.send_replace(true);
        code
    };
    let errors = async {
        if let Some(errors) = ends.errors {
            pump(errors, ExecOutput::Stderr, outcome.clone(), exited.clone()).await;
        }
    };
    let output = pump(ends.output, ExecOutput::Stdout, outcome.clone(), exited.clone());
    tokio::select! {
        (code, (), ()) = async { tokio::join!(life, output, errors) } => {
            let _ = outcome.send(ExecOutput::Exited(code)).await;
        }
        () = outcome.closed() => {}
    }
    feeding.abort();
}

/// A shim that goes takes its processes along.
async fn exit_code(stream: UnixStream) -> i32 {
    let mut line = String::new();
    let _ = BufReader::new(stream).read_line(&mut line).await;
    line.trim().parse().unwrap_or(KILLED)
}

/// Passes on what is written until nobody can write any more. A terminal ends with EIO instead of an end of file.
async fn pump(
    source: AsyncFd<OwnedFd>,
    wrap: fn(Bytes) -> ExecOutput,
    outcome: mpsc::Sender<ExecOutput>,
    mut exited: watch::Receiver<bool>,
) {
    let mut buffer = vec![0; CHUNK_BYTES];
    loop {
        let idle = async {
            let _ = exited.wait_for(|exited| *exited).await;
            tokio::time::sleep(DRAIN_IDLE).await;
        };
        let mut ready = tokio::select! {
            ready = source.readable() => match ready {
                Ok(ready) => ready,
                Err(_) => return,
            },
            () = idle => return,
        };
        let count = match ready.try_io(|inner| Ok(nix::unistd::read(inner.get_ref(), &mut buffer)?)) {
            Ok(Ok(0)) => return,
            Ok(Ok(count)) => count,
            Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => continue,
            Ok(Err(_)) => return,
            Err(_would_block) => continue,
        };
        drop(ready);
        // A slow reader is waited for: the pipe behind us is the buffer.
        if outcome
            .send(wrap(Bytes::copy_from_slice(&buffer[..count])))
            .await
            .is_err()
        {
            return;
        }
    }
}

/// Writes what is to be written. Who stops giving input has ended it.
async fn feed(mut input: Option<AsyncFd<OwnedFd>>, terminal: bool, mut wishes: mpsc::Receiver<ExecInput>) {
    loop {
        let wish = wishes.recv().await;
        let Some(sink) = &input else {
            match wish {
                Some(_) => continue,
                None => return,
            }
        };
        let written = match wish {
            Some(ExecInput::Bytes(bytes)) => write_all(sink, &bytes).await,
            Some(ExecInput::Resize(size)) => {
                let _ = terminal.then(|| resize(sink.get_ref(), size));
                Ok(())
            }
            Some(ExecInput::End) | None if terminal => {
                let ended = write_all(sink, END_OF_TRANSMISSION).await;
                if wish.is_none() {
                    return;
                }
                ended
            }
            Some(ExecInput::End) | None => Err(io::ErrorKind::BrokenPipe.into()),
        };
        if written.is_err() {
            // Nobody reads it any more, or nothing more is to come.
            input = None;
        }
    }
}

async fn write_all(sink: &AsyncFd<OwnedFd>, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        let mut ready = sink.writable().await?;
        match ready.try_io(|inner| Ok(nix::unistd::write(inner.get_ref(), bytes)?)) {
            Ok(Ok(count)) => bytes = &bytes[count..],
            Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(Err(error)) => return Err(error),
            Err(_would_block) => {}
        }
    }
    Ok(())
}
