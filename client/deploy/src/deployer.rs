//! One cluster of one account in one region, ours to deploy to.

use std::sync::Arc;
use std::time::Duration;

use base_clock::{Clock, SystemClock};

use crate::aws::Aws;
use crate::check::Target;
use crate::event::{Event, Outcome, Sink, Step, Teller};
use crate::failure::Failure;

/// The cluster that applications are in unless somebody says otherwise.
pub const CLUSTER_DEFAULT: &str = "wharf";

/// Does the work and tells what it does. Cheap to clone.
#[derive(Clone)]
pub struct Deployer {
    pub(crate) aws: Aws,
    pub(crate) target: Target,
    pub(crate) cluster: String,
    pub(crate) teller: Teller,
}

impl Deployer {
    /// `sink` is told everything that happens.
    pub fn new(client: &aws_client::Client, target: Target, cluster: impl Into<String>, sink: Sink) -> Self {
        Self {
            aws: Aws::new(client),
            target,
            cluster: cluster.into(),
            teller: Teller {
                sink,
                clock: Arc::new(SystemClock),
            },
        }
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.teller.clock
    }

    /// How long to wait before looking again: a local cloud answers at once and costs nothing.
    pub(crate) fn look_every(&self) -> Duration {
        match self.target {
            Target::Local => Duration::from_millis(100),
            Target::Aws => Duration::from_secs(3),
        }
    }

    /// How long anything is waited for before giving up.
    pub(crate) fn patience(&self) -> Duration {
        match self.target {
            Target::Local => Duration::from_secs(300),
            Target::Aws => Duration::from_secs(1800),
        }
    }

    /// A deadline for one wait.
    pub(crate) fn wait(&self, what: impl Into<String>) -> Wait<'_> {
        self.wait_for(what, self.patience())
    }

    /// The same with a limit of its own.
    pub(crate) fn wait_for(&self, what: impl Into<String>, limit: Duration) -> Wait<'_> {
        Wait {
            clock: self.clock(),
            began: self.clock().now(),
            every: self.look_every(),
            limit,
            what: what.into(),
        }
    }

    /// A step that had nothing to say while it went on.
    pub(crate) fn finished(&self, step: Step, outcome: Outcome, summary: impl Into<String>) {
        (self.teller.sink)(Event::Finished {
            step,
            outcome,
            summary: summary.into(),
            took: Duration::ZERO,
        });
    }
}

/// Looks again and again, but not for ever.
pub(crate) struct Wait<'a> {
    clock: &'a dyn Clock,
    began: jiff::Timestamp,
    every: Duration,
    limit: Duration,
    what: String,
}

impl Wait<'_> {
    /// Sleeps until it is time to look again.
    ///
    /// # Errors
    /// When it has been long enough.
    pub async fn again(&self) -> Result<(), Failure> {
        if crate::event::since(self.began, self.clock.now()) >= self.limit {
            return Err(Failure::TooLong {
                what: self.what.clone(),
                limit: self.limit,
            });
        }
        self.clock.sleep(self.every).await;
        Ok(())
    }
}
