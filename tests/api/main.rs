//! Behavior of the whole service through its HTTP interface, on SQLite and on PostgreSQL. One binary, so that the throw-away
//! PostgreSQL server is started once.

#[path = "support/mod.rs"]
mod support;

mod batch;
mod database_away;
mod filling;
mod model;
mod never_allowed;
mod tamper;
