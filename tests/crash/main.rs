//! The built program as a process of its own: killed in the middle of its work, stopped, started where it must not start.

#[path = "../api/support/chance.rs"]
#[allow(dead_code, reason = "not every test binary uses all of it")]
mod chance;
#[path = "../api/support/database.rs"]
mod database;
#[path = "../support/soak.rs"]
#[allow(dead_code, reason = "not every test binary uses all of it")]
mod soak;

mod backup;
mod cluster;
mod commands;
mod cut;
mod disk;
mod failover;
mod hostile;
mod kill;
mod load;
mod metrics;
mod mount;
mod power;
mod process;
mod proxy;
mod restart;
mod roles;
mod standby_away;
mod steady;
mod tls;
