//! The built program as a process of its own: killed in the middle of its work, stopped, started where it must not start.

#[path = "../api/support/database.rs"]
mod database;

mod backup;
mod commands;
mod kill;
mod load;
mod process;
mod tls;
