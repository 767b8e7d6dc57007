//! One connection type for both databases, made by diesel.

#![allow(missing_docs, reason = "diesel's derive writes items without")]

use diesel::{PgConnection, SqliteConnection};

/// A connection to SQLite or PostgreSQL.
#[derive(diesel::MultiConnection)]
pub enum Conn {
    /// The embedded database.
    Sqlite(SqliteConnection),
    /// The server.
    Postgres(PgConnection),
}
