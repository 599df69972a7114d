//! From the APIs to pictures.

mod app;
mod balancer;
mod log;
mod metric;
mod network;

pub(crate) use log::{LogLine, Tail, groups, tail};
pub(crate) use metric::{Cache, Line, Metric, Stat};

use crate::picture::System;
use crate::source::Source;

/// Reads everything; what cannot be read is said, not left out silently.
pub(crate) async fn system(source: &Source) -> System {
    let mut system = System::default();
    balancer::read(source, &mut system).await;
    network::read(source, &mut system).await;
    app::read(source, &mut system).await;
    system
}
