//! The only place that knows diesel. One file per aggregate; SQL that differs per database is in `backend`.

#[macro_use]
mod prepared;
#[macro_use]
mod rows;

mod among;
pub mod append;
pub mod audit;
pub mod audit_log;
pub mod backend;
pub mod conn;
pub mod facts;
pub mod history;
pub mod migrations;
mod multi;
pub mod registry;
pub mod schema;
pub mod sessions;
pub mod tx;
pub mod types;

use diesel::result::{DatabaseErrorKind, Error};

/// What can go wrong with a database.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// Not an address of a database.
    #[error("a database address is sqlite://FILE or postgres://…")]
    Url,
    /// The database can't be reached or is too busy.
    #[error("the database is away: {0}")]
    Away(String),
    /// Made by another version of this program.
    #[error("the database can't be used: {0}")]
    Schema(&'static str),
    /// A unique column would hold a value twice.
    #[error("a value exists already: {0}")]
    Duplicate(String),
    /// Somebody else changed the row in between.
    #[error("changed by somebody else in between")]
    Conflict,
    /// A row holds what no version of this program wrote.
    #[error("a stored value can't be read: {0}")]
    Corrupt(String),
    /// Everything else.
    #[error("the database reports: {0}")]
    Other(Error),
}

impl DbError {
    fn connect(error: diesel::ConnectionError) -> Self {
        Self::Away(error.to_string())
    }

    /// A row that can't be read.
    pub fn corrupt(what: impl std::fmt::Display) -> Self {
        Self::Corrupt(what.to_string())
    }
}

impl From<Error> for DbError {
    fn from(error: Error) -> Self {
        match error {
            Error::DatabaseError(DatabaseErrorKind::UniqueViolation, info) => Self::Duplicate(
                info.constraint_name().map_or_else(|| info.message().to_owned(), str::to_owned),
            ),
            Error::DatabaseError(DatabaseErrorKind::SerializationFailure, _) => Self::Conflict,
            Error::DatabaseError(DatabaseErrorKind::ClosedConnection, info) => {
                Self::Away(info.message().to_owned())
            }
            Error::BrokenTransactionManager => {
                Self::Away("the connection broke inside a transaction".to_owned())
            }
            Error::DeserializationError(cause) => Self::Corrupt(cause.to_string()),
            other => Self::Other(other),
        }
    }
}

/// Holds a guarded write to its one row: none means that somebody else was faster.
fn one(changed: usize) -> Result<(), DbError> {
    if changed == 1 { Ok(()) } else { Err(DbError::Conflict) }
}
