//! What git's hook runs after a push: it starts what the push calls for and shows it, to whoever pushes.

use std::io::BufRead as _;

use client_pipeline::{Push, Run, check_repository};

use crate::command::Session;
use crate::exit::{End, Ended, FAILED};

impl Session {
    /// Reads `<old> <new> <reference>` lines, as git gives them.
    pub(super) fn receive(&self) -> Ended {
        let machine = self.machine()?;
        let Some(repository) = self.variable("WHARF_REPOSITORY").map(str::to_owned) else {
            return Err(super::unreachable(
                "this is for git's hook after a push".to_owned(),
            ));
        };
        check_repository(&repository)?;
        let mut runs: Vec<Run> = Vec::new();
        for line in std::io::stdin().lock().lines() {
            let line = line?;
            let mut words = line.split(' ').map(str::to_owned);
            let (Some(old), Some(new), Some(git_ref)) = (words.next(), words.next(), words.next()) else {
                return Err(End::new(FAILED, format!("git said `{line}`")));
            };
            let is_zero = |sha: &str| sha.bytes().all(|byte| byte == b'0');
            if is_zero(&new) {
                self.output.say(format!("{git_ref} is gone: nothing runs"));
                continue;
            }
            if !git_ref.starts_with("refs/heads/") && !git_ref.starts_with("refs/tags/") {
                continue;
            }
            let push = Push {
                repository: repository.clone(),
                git_ref,
                before: (!is_zero(&old)).then_some(old),
                after: new,
                actor: self.actor(),
            };
            let started = self.runtime.block_on(client_pipeline::push(&machine, &push))?;
            for (name, reason) in started.passed {
                self.output.say(format!("{name} does not run: {reason}"));
            }
            runs.extend(started.runs);
        }
        self.begin(&runs, &[])?;
        let ended = self.follow_all(&machine, &runs, false)?;
        super::verdict(&ended, false)
    }
}
