//! Behavior of the whole service through its HTTP interface, on SQLite and on PostgreSQL. One binary, so that the throw-away
//! PostgreSQL server is started once.

#[path = "support/mod.rs"]
mod support;

mod access;
mod challenge;
mod credentials;
mod devices;
mod filling;
mod holds;
mod lifecycle;
mod permits;
mod registration;
mod sessions;
