//! ECS with its real neighbours over one store, and a data plane that does as it is told.

mod contract_fakes;
mod definition;
mod operation;
mod plane;
mod run_task;
mod service;
mod task;
mod walk;
mod world;
