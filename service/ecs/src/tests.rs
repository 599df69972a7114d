//! ECS with its real neighbours over one store, and a data plane that does as it is told.

mod contract_fakes;
mod operation;
mod plane;
mod service;
mod task;
mod walk;
mod world;
