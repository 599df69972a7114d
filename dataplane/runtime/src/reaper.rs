//! A small first process: passes signals on to its program and reaps what is orphaned. It is made in the container
//! between the runtime library and the program, so it needs no file inside the image. The first process of a
//! namespace that containers share is another, with nothing to pass on.

use std::ffi::CStr;
use std::io;

use nix::sys::signal::{SigSet, SigmaskHow, Signal, sigprocmask};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork, getpid};

/// As Docker calls its own.
const INIT_NAME: &CStr = c"docker-init";
const PAUSE_NAME: &CStr = c"pause";
const CAPABILITY_VERSION: u32 = 0x2008_0522;
/// Of `/proc/<pid>/stat`, counted from behind the program's name: where the arguments begin and end.
const ARGUMENT_FIELDS: usize = 45;

/// Forks. Comes back only in the child, which is to become the program; the parent stays as its reaper with the
/// capabilities `keep` and ends as the program does.
///
/// # Errors
/// When there can be no further process.
pub(crate) fn precede(keep: u64) -> io::Result<()> {
    let before = block_all()?;
    // SAFETY: this process has one thread, so nothing is left half done by others in the copy.
    match unsafe { fork() }? {
        ForkResult::Child => {
            // A group of its own, in the foreground: what a terminal sends then reaches it once. Without a terminal
            // there is no foreground to be in.
            let _ = nix::unistd::setpgid(Pid::from_raw(0), Pid::from_raw(0));
            let _ = nix::unistd::tcsetpgrp(io::stdin(), getpid());
            sigprocmask(SigmaskHow::SIG_SETMASK, Some(&before), None)?;
            Ok(())
        }
        ForkResult::Parent { child } => {
            let _ = nix::sys::prctl::set_child_subreaper(true);
            become_small(INIT_NAME, keep);
            reap(Some(child))
        }
    }
}

/// Starts the first process of a new process namespace, which lives until it is killed or this process ends.
///
/// # Errors
/// When the kernel refuses the namespace.
pub(crate) fn pause() -> io::Result<Pid> {
    let flags = libc::CLONE_NEWPID | libc::SIGCHLD;
    // SAFETY: without a stack of its own this is a fork; this process has one thread, so nothing is left half done
    // by others in the copy.
    let pid = unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) };
    match pid {
        ..0 => Err(io::Error::last_os_error()),
        0 => {
            let _ = nix::sys::prctl::set_pdeathsig(Signal::SIGKILL);
            let _ = nix::unistd::setsid();
            let _ = block_all();
            become_small(PAUSE_NAME, 0);
            reap(None)
        }
        pid => Ok(Pid::from_raw(pid as i32)),
    }
}

fn block_all() -> io::Result<SigSet> {
    let mut before = SigSet::empty();
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::all()), Some(&mut before))?;
    Ok(before)
}

/// Lets go of everything that this copy of the shim does not need, and looks like what it is.
fn become_small(name: &CStr, keep: u64) {
    let _ = nix::sys::prctl::set_dumpable(false);
    let _ = nix::sys::prctl::set_name(name);
    overwrite_arguments(name);
    let _ = std::env::set_current_dir("/");
    if let Ok(null) = std::fs::File::options().read(true).write(true).open("/dev/null") {
        let _ = nix::unistd::dup2_stdin(&null);
        let _ = nix::unistd::dup2_stdout(&null);
        let _ = nix::unistd::dup2_stderr(&null);
    }
    // SAFETY: nothing of what the closed descriptors belong to is used or dropped any more: this process only
    // waits from here on.
    unsafe {
        libc::close_range(3, libc::c_uint::MAX, 0);
    }
    set_capabilities(keep);
}

fn set_capabilities(keep: u64) {
    let header: [u32; 2] = [CAPABILITY_VERSION, 0];
    let (low, high) = (keep as u32, (keep >> 32) as u32);
    let sets: [u32; 6] = [low, low, 0, high, high, 0];
    // SAFETY: header and sets are what the call expects of this version, and outlive it.
    unsafe {
        libc::syscall(libc::SYS_capset, header.as_ptr(), sets.as_ptr());
    }
}

/// The shim's own arguments hold paths of the host.
fn overwrite_arguments(name: &CStr) {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let mut fields = stat
        .rsplit(") ")
        .next()
        .unwrap_or_default()
        .split(' ')
        .skip(ARGUMENT_FIELDS)
        .map_while(|field| field.parse::<usize>().ok());
    let (Some(start), Some(end)) = (fields.next(), fields.next()) else {
        return;
    };
    let name = name.to_bytes();
    if start == 0 || end <= start + name.len() {
        return;
    }
    // SAFETY: the kernel says that this process' arguments lie there, which is writable memory of its own stack.
    // Nothing reads them any more.
    unsafe {
        std::ptr::write_bytes(start as *mut u8, 0, end - start);
        std::ptr::copy_nonoverlapping(name.as_ptr(), start as *mut u8, name.len());
    }
}

/// Waits for signals for ever, or until the program has ended. All signals are blocked.
fn reap(program: Option<Pid>) -> ! {
    // SAFETY: an all-zero set is valid memory to be filled by the next call.
    let mut all: libc::sigset_t = unsafe { std::mem::zeroed() };
    // SAFETY: the set outlives the call.
    unsafe { libc::sigfillset(&raw mut all) };
    loop {
        // SAFETY: the set is filled and outlives the call; nothing is written as no place for it is given.
        let signal = unsafe { libc::sigwaitinfo(&raw const all, std::ptr::null_mut()) };
        match (signal, program) {
            (libc::SIGCHLD, _) => take_in_children(program),
            // About terminals, and meant for this process alone.
            (..=0 | libc::SIGTTIN | libc::SIGTTOU, _) | (_, None) => {}
            (signal, Some(program)) => {
                // SAFETY: a plain system call.
                unsafe { libc::kill(program.as_raw(), signal) };
            }
        }
    }
}

fn take_in_children(program: Option<Pid>) {
    while let Ok(status) = waitpid(Pid::from_raw(-1), Some(WaitPidFlag::WNOHANG)) {
        let (pid, code) = match status {
            WaitStatus::StillAlive => return,
            WaitStatus::Exited(pid, code) => (pid, code),
            WaitStatus::Signaled(pid, signal, _) => (pid, 128 + signal as i32),
            _ => continue,
        };
        if Some(pid) == program {
            // SAFETY: ends this process at once; nothing of the shim's copied state must run.
            unsafe { libc::_exit(code) }
        }
    }
}
