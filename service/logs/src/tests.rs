mod events;
mod groups;
mod lines;
mod live_tail;
mod metrics;
mod queries;
mod subscriptions;
mod world;
