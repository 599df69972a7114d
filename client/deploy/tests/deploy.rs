//! Deployments against an independent implementation of AWS (moto's server), which runs no containers: what is made
//! is there, what is removed is gone, and every call is one that AWS's own models allow.

#[path = "deploy/domain.rs"]
mod domain;
#[path = "deploy/engine.rs"]
mod engine;
#[path = "deploy/inventory.rs"]
mod inventory;
#[path = "deploy/life.rs"]
mod life;
#[path = "deploy/moto.rs"]
mod moto;
