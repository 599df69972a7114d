//! Pure decisions about alarms.

pub(crate) mod composite;
pub(crate) mod metric;
