//! `needs`: every name is a job, and no job waits for itself.

use std::ops::Range;

use base_diagnostic::Problem;

use crate::model::Job;
use crate::nearest;

/// Jobs that all wait for all make very many, and long ones.
const CYCLES_MAX: usize = 20;

/// What a job needs, and where that is written.
pub(super) type Needs = Vec<(String, Range<usize>)>;

/// Notes unknown names and cycles, and gives every need the spelling of the job's id. `ids` are all jobs of the file, also
/// those that could not be read.
pub(super) fn check(jobs: &mut [Job], needs: &[Needs], ids: &[&str], problems: &mut Vec<Problem>) {
    for (job, needs) in jobs.iter_mut().zip(needs) {
        for (name, span) in needs {
            match ids.iter().find(|id| id.eq_ignore_ascii_case(name)) {
                Some(id) if job.needs.iter().any(|need| need == id) => {}
                Some(id) => job.needs.push((*id).to_owned()),
                None => {
                    let problem = Problem::new(
                        span.clone(),
                        format!("`{}` needs `{name}`, which is no job", job.id),
                    );
                    problems.push(problem.hint(nearest::hint(name, ids)));
                }
            }
        }
    }
    for cycle in cycles(jobs) {
        let first = cycle[0];
        let names: Vec<_> = cycle
            .iter()
            .chain([&first])
            .map(|&at| jobs[at].id.as_str())
            .collect();
        let next = names[1];
        let span = needs[first]
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(next))
            .map_or_else(|| jobs[first].span.clone(), |(_, span)| span.clone());
        let problem = Problem::new(span, format!("jobs wait for each other: {}", names.join(" → ")));
        problems.push(problem.hint("take one of these `needs` away"));
    }
}

/// Each cycle once, beginning with the job that comes first in the file. Jobs are many at most, so it does without
/// calling itself.
fn cycles(jobs: &[Job]) -> Vec<Vec<usize>> {
    let place = |id: &String| jobs.iter().position(|job| &job.id == id);
    let edges: Vec<Vec<usize>> = jobs
        .iter()
        .map(|job| job.needs.iter().filter_map(place).collect())
        .collect();
    let mut found = Vec::new();
    let mut done = vec![false; jobs.len()];
    for start in 0..jobs.len() {
        let mut path = if done[start] { Vec::new() } else { vec![(start, 0)] };
        while let Some((job, next)) = path.pop() {
            let Some(&needed) = edges[job].get(next) else {
                done[job] = true;
                continue;
            };
            path.push((job, next + 1));
            if let Some(at) = path.iter().position(|(on_path, _)| *on_path == needed) {
                let mut cycle: Vec<_> = path[at..].iter().map(|(job, _)| *job).collect();
                let smallest = cycle
                    .iter()
                    .enumerate()
                    .min_by_key(|(_, job)| **job)
                    .map_or(0, |(at, _)| at);
                cycle.rotate_left(smallest);
                found.push(cycle);
                if found.len() == CYCLES_MAX {
                    return found;
                }
            } else if !done[needed] {
                path.push((needed, 0));
            }
        }
    }
    found
}
