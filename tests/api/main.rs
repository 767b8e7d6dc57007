//! Behavior of the whole service through its HTTP interface, on SQLite and on PostgreSQL. One binary, so that the throw-away
//! PostgreSQL server is started once.

#[path = "../support/decoder.rs"]
mod decoder;
#[path = "../support/soak.rs"]
#[allow(dead_code, reason = "not every test binary uses all of it")]
mod soak;
#[path = "support/mod.rs"]
mod support;

mod access;
mod audit;
mod bad_input;
mod batch;
mod challenge;
mod collusion;
mod credentials;
mod database_away;
mod devices;
mod edge;
mod faults;
mod filling;
mod history;
mod holds;
mod hostile;
mod labels;
mod lifecycle;
mod loopholes;
mod model;
mod never_allowed;
mod parsers;
mod permits;
mod public;
mod registration;
mod relabelled;
mod sessions;
mod storms;
mod tamper;
