//! What a deployment says while it goes on.

use std::sync::Arc;
use std::time::Duration;

use base_clock::Clock;
use jiff::Timestamp;

/// A part of the work, in the order in which people read them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    Account,
    Build,
    Repository,
    Push,
    Cluster,
    Logs,
    Role,
    Network,
    Firewall,
    Balancer,
    Domain,
    Definition,
    Service,
    Rollout,
    /// One that is run on its own.
    Task,
    Images,
}

impl Step {
    /// One or two words.
    pub fn title(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Build => "build",
            Self::Repository => "repository",
            Self::Push => "push",
            Self::Cluster => "cluster",
            Self::Logs => "logs",
            Self::Role => "role",
            Self::Network => "network",
            Self::Firewall => "firewall",
            Self::Balancer => "load balancer",
            Self::Domain => "domain",
            Self::Definition => "task definition",
            Self::Service => "service",
            Self::Rollout => "roll-out",
            Self::Task => "task",
            Self::Images => "images",
        }
    }
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Made,
    Changed,
    /// All was as it should be.
    Unchanged,
    Removed,
    /// Left alone, for a reason that the summary says.
    Skipped,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    Started(Step),
    /// A line of output.
    Detail(Step, String),
    /// What is being waited for; replaces what was said before.
    Waiting(Step, String),
    Finished {
        step: Step,
        outcome: Outcome,
        summary: String,
        took: Duration,
    },
    Failed(Step),
}

/// Where events go to.
pub type Sink = Arc<dyn Fn(Event) + Send + Sync>;

/// Tells a step's events.
#[derive(Clone)]
pub(crate) struct Teller {
    pub sink: Sink,
    pub clock: Arc<dyn Clock>,
}

/// What a step has come to.
pub(crate) struct Done<T> {
    pub outcome: Outcome,
    pub summary: String,
    pub value: T,
}

impl<T> Done<T> {
    pub fn new(outcome: Outcome, summary: impl Into<String>, value: T) -> Self {
        Self {
            outcome,
            summary: summary.into(),
            value,
        }
    }
}

impl Teller {
    /// Runs a step and says how it began and ended.
    pub async fn step<T, E>(
        &self,
        step: Step,
        work: impl Future<Output = Result<Done<T>, E>>,
    ) -> Result<T, E> {
        let began = self.clock.now();
        (self.sink)(Event::Started(step));
        match work.await {
            Ok(done) => {
                (self.sink)(Event::Finished {
                    step,
                    outcome: done.outcome,
                    summary: done.summary,
                    took: since(began, self.clock.now()),
                });
                Ok(done.value)
            }
            Err(error) => {
                (self.sink)(Event::Failed(step));
                Err(error)
            }
        }
    }

    pub fn detail(&self, step: Step, text: impl Into<String>) {
        (self.sink)(Event::Detail(step, text.into()));
    }

    pub fn waiting(&self, step: Step, text: impl Into<String>) {
        (self.sink)(Event::Waiting(step, text.into()));
    }
}

/// Never less than nothing, whatever the clock does.
pub(crate) fn since(began: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(began)).unwrap_or_default()
}
