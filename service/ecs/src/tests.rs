//! ECS with its real neighbours over one store, and a data plane that does as it is told.

mod account;
mod capacity;
mod contract_fakes;
mod definition;
mod deployment;
mod discovery;
mod group;
mod instance;
mod machine;
mod map;
mod metadata;
mod operation;
mod plane;
mod refusal;
mod run_task;
mod scenario;
mod service;
mod simulation;
mod task;
mod world;
