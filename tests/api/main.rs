//! Behavior of the whole service through its HTTP interface, on SQLite and on PostgreSQL. One binary, so that the throw-away
//! PostgreSQL server is started once.

#[path = "../support/decoder.rs"]
mod decoder;
#[path = "support/mod.rs"]
mod support;

mod access;
mod audit;
mod bad_input;
mod batch;
mod challenge;
mod credentials;
mod database_away;
mod devices;
mod edge;
mod filling;
mod history;
mod holds;
mod labels;
mod lifecycle;
mod loopholes;
mod model;
mod never_allowed;
mod permits;
mod public;
mod registration;
mod relabelled;
mod sessions;
mod storms;
mod tamper;
