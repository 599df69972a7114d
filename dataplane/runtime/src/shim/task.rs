//! A task's shim: starts the containers in order, spools their output, sees them end, and tells about it.

mod launch;
mod member;
mod shared;

use std::collections::HashMap;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use contract::task::{ContainerPhase, StopCause, StopKind, TaskPhase};
use jiff::Timestamp;
use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;
use tokio::net::UnixListener;
use tokio::sync::{mpsc, oneshot, watch};

use super::control::{self, Command};
use super::exec;
use super::plan::{self, Verdict};
use crate::cgroup::Cgroup;
use crate::container::Library;
use crate::spec::{ContainerSpec, TaskSpec};
use crate::status::TaskStatus;
use member::{Member, State};
use shared::Shared;

/// How long listeners may take to hear the last status before the shim goes.
const FAREWELL: Duration = Duration::from_millis(500);
/// Further processes in a task at one time.
const EXECS_MAX: usize = 64;
pub(super) const ESSENTIAL_EXITED: &str = "Essential container in task exited";

/// What happens to a task; indices are places in the list of its containers, followed by the number of the run where
/// a container may have been started again meanwhile.
#[derive(Debug)]
pub(super) enum Event {
    Order(Command),
    /// Everything that the container wrote is spooled, or was waited for long enough.
    OutputEnded(usize, u32),
    StartTimeout(usize),
    StopTimeout(usize),
    CheckDue(usize, u32),
    CheckTimeout(usize, i32),
    /// A further process is asked for.
    Exec(exec::Request, oneshot::Sender<Result<exec::Begun, exec::Answer>>),
    /// This side of a container's standard input, or its terminal.
    Input(exec::InputWish, oneshot::Sender<Result<OwnedFd, exec::Answer>>),
    /// Whoever asked for this process has gone.
    ExecGone(i32),
}

pub(super) fn run(directory: &Path, cgroup: &str, shims: &str, state: &Path) -> io::Result<()> {
    super::detach()?;
    let text = std::fs::read(directory.join(super::TASK_FILE))?;
    let spec: TaskSpec = serde_json::from_slice(&text).map_err(io::Error::other)?;
    super::enter_network(spec.network.as_deref())?;
    launch::write_shared_files(directory, &spec)?;
    let shared = Shared::prepare(directory, &spec, cgroup, shims, state)?;
    let library = Library::new(directory.join("library"))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, async {
        let listener = control::listen(directory)?;
        let execs = exec::listen(directory)?;
        // As late as may be: the kernel makes no group while it waits for somebody's move to another.
        let group = Cgroup::new(cgroup);
        group.create(spec.limits, swap_mib(&spec))?;
        // Out of the group of whoever started us, so that ending that one's service does not end the task. Not
        // earlier: whoever started us has begun this meanwhile (see `Cgroup::begin_to_enter`).
        Cgroup::new(shims).enter(std::process::id())?;
        // Whoever started us and has gone meanwhile may start the task again, not knowing of us.
        super::tell(super::READY)?;
        release_output()?;
        let mut task = Task::new(spec, group, shared, library);
        task.run(listener, execs).await
    })
}

/// What the containers may have together.
fn swap_mib(spec: &TaskSpec) -> u32 {
    let swap = |container: &ContainerSpec| container.linux.max_swap_mib.unwrap_or(0);
    spec.containers.iter().map(swap).fold(0, u32::saturating_add)
}

/// Whoever started us need not keep the pipe open on which we said that we are ready.
fn release_output() -> io::Result<()> {
    let null = std::fs::File::options().write(true).open("/dev/null")?;
    nix::unistd::dup2_stdout(&null)?;
    Ok(())
}

struct Task {
    spec: Rc<TaskSpec>,
    group: Cgroup,
    shared: Shared,
    library: Library,
    members: Vec<Member>,
    /// Further processes, and who is told of their end.
    execs: HashMap<i32, oneshot::Sender<i32>>,
    events: mpsc::UnboundedSender<Event>,
    incoming: mpsc::UnboundedReceiver<Event>,
    stopping: Option<Stopping>,
    started_at: Option<Timestamp>,
    stopped_at: Option<Timestamp>,
    last: Option<TaskStatus>,
}

struct Stopping {
    cause: StopCause,
    at: Timestamp,
}

impl Task {
    fn new(spec: TaskSpec, group: Cgroup, shared: Shared, library: Library) -> Self {
        let (events, incoming) = mpsc::unbounded_channel();
        let spec = Rc::new(spec);
        let members = (0..spec.containers.len())
            .map(|index| Member::new(index, Rc::clone(&spec), &shared.directory, events.clone()))
            .collect();
        Self {
            spec,
            group,
            shared,
            library,
            members,
            execs: HashMap::new(),
            events,
            incoming,
            stopping: None,
            started_at: None,
            stopped_at: None,
            last: None,
        }
    }

    async fn run(&mut self, listener: UnixListener, execs: UnixListener) -> io::Result<()> {
        let mut children = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::child())?;
        let (teller, status) = watch::channel(Rc::from(""));
        let mut listeners = tokio::task::JoinSet::new();
        self.publish(&teller)?;
        loop {
            self.advance();
            self.publish(&teller)?;
            if self.stopped_at.is_some() {
                break;
            }
            tokio::select! {
                event = self.incoming.recv() => {
                    if let Some(event) = event {
                        self.handle(event);
                    }
                }
                _ = children.recv() => self.reap(),
                accepted = listener.accept() => {
                    if let Ok((stream, _)) = accepted {
                        listeners.spawn_local(control::serve(stream, status.clone(), self.events.clone()));
                    }
                }
                accepted = execs.accept() => {
                    if let Ok((stream, _)) = accepted {
                        listeners.spawn_local(exec::serve(stream, self.events.clone()));
                    }
                }
            }
        }
        // Nobody new: whoever comes now finds the last status on disk.
        drop((listener, execs));
        for name in [control::SOCKET_FILE, exec::EXEC_FILE] {
            let _ = std::fs::remove_file(self.shared.directory.join(name));
        }
        drop(teller);
        let _ =
            tokio::time::timeout(FAREWELL, async { while listeners.join_next().await.is_some() {} }).await;
        Ok(())
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Order(Command::Stop { reason }) => self.stop(StopKind::Requested, reason),
            Event::Order(Command::Kill { reason }) => {
                self.stop(StopKind::Requested, reason);
                self.group.signal(Signal::SIGKILL);
            }
            Event::Order(Command::Signal { name }) => {
                for member in &self.members {
                    member.signal(name.as_deref());
                }
            }
            Event::OutputEnded(index, run) => {
                self.members[index].output_ended(run, &self.library, &self.group);
            }
            Event::StartTimeout(index) => self.members[index].late = true,
            Event::StopTimeout(index) => self.members[index].kill(&self.group),
            Event::CheckDue(index, run) => self.members[index].check_health(run, &self.library),
            Event::CheckTimeout(index, pid) => self.members[index].abandon_check(pid),
            Event::Exec(request, answer) => {
                // Whoever asked may have gone meanwhile, and with them the ends of the streams.
                if let Err(Ok(begun)) = answer.send(self.exec(&request)) {
                    self.end_exec(begun.pid);
                }
            }
            Event::Input(wish, answer) => {
                let member = self
                    .members
                    .iter_mut()
                    .find(|member| member.spec().name == wish.container);
                let input = member
                    .ok_or(exec::Answer::NotRunning)
                    .and_then(|member| member.input(wish.alone));
                let _ = answer.send(input);
            }
            Event::ExecGone(pid) => self.end_exec(pid),
        }
    }

    fn exec(&mut self, request: &exec::Request) -> Result<exec::Begun, exec::Answer> {
        if self.execs.len() >= EXECS_MAX {
            let sentence = format!("{EXECS_MAX} further processes run in this task already");
            return Err(exec::Answer::Failed(sentence));
        }
        let member = self
            .members
            .iter()
            .find(|member| member.spec().name == request.container)
            .ok_or(exec::Answer::NotRunning)?;
        let (pid, ends) = member.exec(request, &self.library)?;
        let (teller, ended) = oneshot::channel();
        self.execs.insert(pid, teller);
        Ok(exec::Begun { pid, ends, ended })
    }

    /// SIGKILL for a further process and those in its group, as long as it is not known to have ended: its number is
    /// nobody else's until then.
    fn end_exec(&self, pid: i32) {
        if self.execs.contains_key(&pid) {
            let _ = killpg(Pid::from_raw(pid), Signal::SIGKILL);
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
    }

    /// Begins the end; the first cause stands.
    fn stop(&mut self, kind: StopKind, reason: String) {
        if self.stopping.is_none() {
            self.stopping = Some(Stopping {
                cause: StopCause { kind, reason },
                at: Timestamp::now(),
            });
        }
    }

    /// Does whatever can be done now.
    fn advance(&mut self) {
        if self.stopping.is_none() {
            self.start_what_may();
        }
        if self.stopping.is_some() {
            self.stop_what_may();
        }
        let all_started = self
            .members
            .iter()
            .all(|member| member.status.started_at.is_some());
        if self.started_at.is_none() && all_started {
            self.started_at = Some(Timestamp::now());
        }
        if self
            .members
            .iter()
            .all(|member| matches!(member.state, State::Stopped))
        {
            // A task of which nothing is left has ended, whoever was essential.
            self.stop(StopKind::EssentialContainerExited, ESSENTIAL_EXITED.to_owned());
            self.group.kill_and_remove();
            self.stopped_at = Some(Timestamp::now());
        }
    }

    fn start_what_may(&mut self) {
        for index in 0..self.members.len() {
            let verdict = match self.members[index].state {
                State::Waiting => plan::may_start(self.members[index].spec(), |name| {
                    self.members
                        .iter()
                        .find(|member| member.spec().name == name)
                        .map(Member::view)
                }),
                State::Due(_) => Verdict::Start,
                _ => continue,
            };
            match verdict {
                Verdict::Wait => {}
                Verdict::Start => {
                    if !self.start(index) {
                        return;
                    }
                }
                Verdict::GiveUp(sentence) => {
                    self.fail(index, sentence);
                    return;
                }
            }
        }
    }

    /// Whether the task goes on.
    fn start(&mut self, index: usize) -> bool {
        let spec = Rc::clone(&self.spec);
        let member = &mut self.members[index];
        let again = matches!(member.state, State::Due(_));
        let Err(sentence) = member.start(&self.shared, &spec, &self.library, &self.group) else {
            return true;
        };
        let sentence = format!("CannotStartContainerError: {sentence}");
        if again && !member.spec().essential {
            member.status.reason = Some(sentence);
            return true;
        }
        self.fail(index, sentence);
        false
    }

    fn fail(&mut self, index: usize, sentence: String) {
        self.members[index].status.reason = Some(sentence.clone());
        self.stop(StopKind::FailedToStart, sentence);
    }

    fn stop_what_may(&mut self) {
        for index in 0..self.members.len() {
            let all: Vec<_> = self
                .members
                .iter()
                .map(|member| (member.spec(), member.view()))
                .collect();
            let may = plan::may_stop(&self.members[index].spec().name, &all);
            let member = &mut self.members[index];
            match &member.state {
                State::Waiting | State::Due(_) => member.leave(),
                State::Running(_) if may => member.ask_to_stop(),
                _ => {}
            }
        }
    }

    /// Takes in every child that has ended.
    fn reap(&mut self) {
        while let Ok(status) = waitpid(Pid::from_raw(-1), Some(WaitPidFlag::WNOHANG)) {
            if matches!(status, nix::sys::wait::WaitStatus::StillAlive) {
                return;
            }
            let Some((pid, code)) = super::exit_code(status) else {
                continue;
            };
            if let Some(teller) = self.execs.remove(&pid) {
                let _ = teller.send(code);
                continue;
            }
            for index in 0..self.members.len() {
                let member = &mut self.members[index];
                member.check_ended(pid, code);
                if member.ended(pid, code, &self.group, self.stopping.is_some()) && member.spec().essential {
                    self.stop(StopKind::EssentialContainerExited, ESSENTIAL_EXITED.to_owned());
                }
            }
        }
    }

    fn status(&self) -> TaskStatus {
        let phase = match (self.stopped_at, &self.stopping, self.started_at) {
            (Some(_), _, _) => TaskPhase::Stopped,
            (None, Some(_), _) => TaskPhase::Stopping,
            (None, None, Some(_)) => TaskPhase::Running,
            (None, None, None) => TaskPhase::Pending,
        };
        TaskStatus {
            id: self.spec.id.clone(),
            phase,
            containers: self.members.iter().map(|member| member.status.clone()).collect(),
            started_at: self.started_at,
            stopping_at: self.stopping.as_ref().map(|stopping| stopping.at),
            stopped_at: self.stopped_at,
            cause: self.stopping.as_ref().map(|stopping| stopping.cause.clone()),
        }
    }

    /// Writes and tells the status if it is news.
    fn publish(&mut self, teller: &watch::Sender<Rc<str>>) -> io::Result<()> {
        let status = self.status();
        if self.last.as_ref() == Some(&status) {
            return Ok(());
        }
        status.save(&self.shared.directory)?;
        let text = serde_json::to_string(&status).map_err(io::Error::other)?;
        let _ = teller.send(text.into());
        debug_assert!(
            status.phase != TaskPhase::Stopped
                || status
                    .containers
                    .iter()
                    .all(|container| container.phase == ContainerPhase::Stopped),
            "a task stops after its containers"
        );
        self.last = Some(status);
        Ok(())
    }
}
