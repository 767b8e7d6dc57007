//! SQL that differs between the databases.

pub mod postgres;
pub mod sqlite;
