//! One container at a time, each of the three in turn: from the order to start until its program says that it runs.

use std::io;
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

use contract::task::TaskPhase;

use crate::crun::Crun;
use crate::numbers::{Sample, milliseconds};
use crate::place::Place;
use crate::podman::Podman;
use crate::wharf::{self, Wharf};

/// Rounds that are not counted: the first ones read everything from disk.
const WARM_UP_ROUNDS: usize = 3;
/// Until what the one before has left in the background is done, above all podman's own cleaning up.
const PAUSE: Duration = Duration::from_millis(400);
/// Nobody comes after the same neighbour more often than the others do.
const ORDERS: [[Turn; 3]; 6] = [
    [Turn::Wharf, Turn::Crun, Turn::Podman],
    [Turn::Podman, Turn::Crun, Turn::Wharf],
    [Turn::Crun, Turn::Wharf, Turn::Podman],
    [Turn::Podman, Turn::Wharf, Turn::Crun],
    [Turn::Wharf, Turn::Podman, Turn::Crun],
    [Turn::Crun, Turn::Podman, Turn::Wharf],
];

#[derive(Clone, Copy)]
enum Turn {
    Wharf,
    Crun,
    Podman,
}

#[derive(Default)]
pub struct Times {
    /// Until the program runs.
    pub wharf: Vec<f64>,
    pub crun: Vec<f64>,
    pub podman: Vec<f64>,
    /// Until Wharf's own status says `Running`, crun and podman have returned.
    pub wharf_known: Vec<f64>,
    pub crun_known: Vec<f64>,
    pub podman_known: Vec<f64>,
}

impl Times {
    /// One line each, and the ratios to crun.
    pub fn lines(&self) -> Vec<String> {
        let crun = Sample::new(self.crun.clone());
        let mut lines = vec![format!(
            "{:<28}{:>10}{:>10}{:>16}{:>20}",
            "order to program running", "median", "p90", "median / crun", "median of ratios"
        )];
        let rows = [
            ("wharf", &self.wharf, &self.crun),
            ("crun", &self.crun, &self.crun),
            ("podman run (runc)", &self.podman, &self.crun),
            ("  wharf: told RUNNING", &self.wharf_known, &self.crun_known),
            ("  crun: returns", &self.crun_known, &self.crun_known),
            ("  podman: returns", &self.podman_known, &self.crun_known),
        ];
        for (name, values, base) in rows {
            let sample = Sample::new(values.clone());
            let base_sample = Sample::new(base.clone());
            let each = values
                .iter()
                .zip(base)
                .map(|(value, base)| value / base)
                .collect();
            lines.push(format!(
                "{name:<28}{:>7.1} ms{:>7.1} ms{:>16.2}{:>20.2}",
                sample.median(),
                sample.quantile(0.9),
                sample.median() / base_sample.median(),
                Sample::new(each).median(),
            ));
        }
        let ratio = Sample::new(self.wharf.clone()).median() / crun.median();
        let verdict = if ratio <= crate::GOAL { "met" } else { "MISSED" };
        lines.push(format!(
            "goal: wharf at most {} x crun: {ratio:.2}, {verdict} ({} rounds)",
            crate::GOAL,
            crun.len()
        ));
        lines
    }
}

pub async fn run(
    place: &mut Place,
    wharf: &Wharf,
    crun: &mut Crun,
    podman: &Podman,
    rounds: usize,
) -> io::Result<Times> {
    let mut times = Times::default();
    for round in 0..rounds + WARM_UP_ROUNDS {
        let mut measured = Times::default();
        for turn in ORDERS[round % ORDERS.len()] {
            tokio::time::sleep(PAUSE).await;
            match turn {
                Turn::Wharf => of_wharf(place, wharf, round, &mut measured).await?,
                Turn::Crun => of_crun(place, crun, round, &mut measured).await?,
                Turn::Podman => of_podman(place, podman, round, &mut measured).await?,
            }
        }
        if round >= WARM_UP_ROUNDS {
            times.wharf.extend(measured.wharf);
            times.crun.extend(measured.crun);
            times.podman.extend(measured.podman);
            times.wharf_known.extend(measured.wharf_known);
            times.crun_known.extend(measured.crun_known);
            times.podman_known.extend(measured.podman_known);
        }
    }
    Ok(times)
}

async fn of_wharf(place: &mut Place, wharf: &Wharf, round: usize, times: &mut Times) -> io::Result<()> {
    let task = wharf.task(round + 1);
    let begin = Instant::now();
    let mut handle = wharf.start(&task).await?;
    let known = wharf::until(&mut handle, TaskPhase::Running).await?;
    let (name, begun) = place.next_begun().await?;
    expect(&name, &task.id)?;
    times.wharf.push(milliseconds(begun - begin));
    times.wharf_known.push(milliseconds(known - begin));
    wharf.end(&mut handle).await
}

async fn of_crun(place: &mut Place, crun: &mut Crun, round: usize, times: &mut Times) -> io::Result<()> {
    let name = format!("crun-{round}");
    crun.prepare(&name)?;
    let begin = Instant::now();
    let child = crun.start(&name)?;
    let (status, known) = wait(child).await?;
    if !status.success() {
        return Err(io::Error::other(format!("crun run: {status}")));
    }
    let (said, begun) = place.next_begun().await?;
    expect(&said, &name)?;
    times.crun.push(milliseconds(begun - begin));
    times.crun_known.push(milliseconds(known - begin));
    crun.remove(&name)
}

async fn of_podman(place: &mut Place, podman: &Podman, round: usize, times: &mut Times) -> io::Result<()> {
    let name = format!("podman-{round}");
    let begin = Instant::now();
    let child = podman.start(&name)?;
    let (status, known) = wait(child).await?;
    if !status.success() {
        return Err(io::Error::other(format!("podman run: {status}")));
    }
    let (said, begun) = place.next_begun().await?;
    expect(&said, &name)?;
    times.podman.push(milliseconds(begun - begin));
    times.podman_known.push(milliseconds(known - begin));
    podman.remove(&name)
}

async fn wait(mut child: Child) -> io::Result<(ExitStatus, Instant)> {
    tokio::task::spawn_blocking(move || child.wait().map(|status| (status, Instant::now())))
        .await
        .map_err(io::Error::other)?
}

fn expect(said: &str, name: &str) -> io::Result<()> {
    if said == name {
        Ok(())
    } else {
        Err(io::Error::other(format!("{said} runs, not {name}")))
    }
}
