//! How long it takes from the order to start a task until its program runs, in Wharf's runtime, in crun and with
//! `podman run`, side by side in one run; and what many tasks at once cost. See README.md.

mod crun;
mod many;
mod memory;
mod numbers;
mod place;
mod podman;
mod rounds;
mod sweep;
mod wharf;

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::{env, fs};

use crun::Crun;
use place::Place;
use podman::Podman;
use tokio::signal::unix::{SignalKind, signal};
use wharf::Wharf;

/// How much longer than crun Wharf may take.
pub const GOAL: f64 = 1.5;
/// The task whose configuration crun is given.
const MODEL_TASK: usize = 0xfff;

/// `<rounds> <directory> <numbers of tasks, with commas> [shim command…]`.
struct Wanted {
    rounds: usize,
    parent: OsString,
    sizes: Vec<usize>,
    shim_command: Vec<OsString>,
}

fn main() -> ExitCode {
    let mut arguments = env::args_os().skip(1).peekable();
    if arguments.next_if(|first| first == "shim").is_some() {
        return dataplane_runtime::shim_main(arguments);
    }
    match wanted(arguments).and_then(|wanted| measure(&wanted)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

fn wanted(mut arguments: impl Iterator<Item = OsString>) -> io::Result<Wanted> {
    let usage = || io::Error::other("usage: <rounds> <directory> <numbers of tasks> [shim command]");
    let number = |text: &str| text.parse().map_err(|_| usage());
    let rounds = arguments.next().ok_or_else(usage)?;
    let parent = arguments.next().ok_or_else(usage)?;
    let sizes = arguments.next().ok_or_else(usage)?;
    let mut shim_command: Vec<OsString> = arguments.collect();
    if shim_command.is_empty() {
        shim_command = vec!["/proc/self/exe".into(), "shim".into()];
    }
    Ok(Wanted {
        rounds: number(&rounds.to_string_lossy())?,
        parent,
        sizes: sizes
            .to_string_lossy()
            .split(',')
            .filter(|part| !part.is_empty())
            .map(number)
            .collect::<io::Result<_>>()?,
        shim_command,
    })
}

fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}

fn measure(wanted: &Wanted) -> io::Result<()> {
    let executor = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let mut place = Place::new(Path::new(&wanted.parent))?;
    let wharf = Wharf::new(&place, wanted.shim_command.clone());
    let result = executor.block_on(async {
        let (mut interrupt, mut end) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        tokio::select! {
            result = both(&mut place, &wharf, wanted) => result,
            _ = interrupt.recv() => Err(io::Error::other("interrupted")),
            _ = end.recv() => Err(io::Error::other("interrupted")),
        }
    });
    wharf.runtime.kill_all();
    let groups = [
        format!("wharf-{}", place.instance),
        Crun::cgroup(&place),
        Podman::cgroup(&place),
    ];
    for group in &groups {
        sweep::remove_groups(group);
    }
    let removed = fs::remove_dir_all(&place.directory);
    let swept = sweep::check(&place.directory, &groups);
    result.and(removed).and(swept)
}

async fn both(place: &mut Place, wharf: &Wharf, wanted: &Wanted) -> io::Result<()> {
    if wanted.rounds > 0 {
        let task = wharf.task(MODEL_TASK);
        let mut handle = wharf.start(&task).await?;
        place.next_begun().await?;
        let peers = Peers {
            crun: Crun::new(place, &wharf.runtime.directory(&task.id), &wharf.bundle(&task.id))?,
            podman: Podman::new(place)?,
        };
        wharf.end(&mut handle).await?;
        let mut peers = Ending(Some(peers));
        if let Ending(Some(Peers { crun, podman })) = &mut peers {
            let times = rounds::run(place, wharf, crun, podman, wanted.rounds).await?;
            times.lines().iter().for_each(|line| say(line));
        }
    }
    let mut outcomes = Vec::new();
    for &size in &wanted.sizes {
        if outcomes.is_empty() {
            say(&format!("\n{}", many::Outcome::heading()));
        }
        let outcome = many::run(place, wharf, size).await?;
        say(&outcome.line());
        outcomes.push(outcome);
    }
    if !outcomes.is_empty() {
        say(&many::verdict(&outcomes));
    }
    Ok(())
}

struct Peers {
    crun: Crun,
    podman: Podman,
}

/// However the run ends, interrupted or not, the peers give back what they have.
struct Ending(Option<Peers>);

impl Drop for Ending {
    fn drop(&mut self) {
        if let Some(Peers { crun, podman }) = self.0.take() {
            crun.end();
            podman.end();
        }
    }
}
