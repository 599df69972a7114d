//! Route 53: hosted zones, record sets, health checks.

mod value;
