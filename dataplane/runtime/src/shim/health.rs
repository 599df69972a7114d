//! A container's health, by Docker's rules: what each result of its check makes of it.

use contract::task::{Health, HealthCheck};

#[derive(Clone, Debug)]
pub(super) struct Tracker {
    check: HealthCheck,
    pub health: Health,
    failures: u32,
}

impl Tracker {
    pub fn new(check: HealthCheck) -> Self {
        Self {
            check,
            health: Health::Unknown,
            failures: 0,
        }
    }

    pub fn check(&self) -> &HealthCheck {
        &self.check
    }

    /// One check ended `running_seconds` after the container started.
    pub fn record(&mut self, passed: bool, running_seconds: u64) {
        if passed {
            self.failures = 0;
            self.health = Health::Healthy;
        } else if self.health == Health::Healthy
            || running_seconds >= u64::from(self.check.start_period_seconds)
        {
            // While it starts, failures do not count, until it has been healthy once.
            self.failures += 1;
            if self.failures >= self.check.retries.max(1) {
                self.health = Health::Unhealthy;
            }
        }
    }

    /// The program and arguments to run, or `None` for `["NONE"]` and for what is not a check.
    pub fn arguments(&self) -> Option<Vec<String>> {
        let (kind, rest) = self.check.command.split_first()?;
        match kind.as_str() {
            "CMD-SHELL" => Some(vec!["/bin/sh".to_owned(), "-c".to_owned(), rest.join(" ")]),
            "CMD" if !rest.is_empty() => Some(rest.to_vec()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
