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

    /// What libpq says where it can't connect. While it reads an address it quotes what it stumbles over, and that may be the
    /// password: so only what it says of a server is passed on, and of an address that could be masked in parts.
    fn connect_postgres(error: &diesel::ConnectionError, masked: &str) -> Self {
        let text = match error {
            diesel::ConnectionError::BadConnection(text) => text.as_str(),
            _ => "",
        };
        let of_a_server = ["connection to server ", "could not connect to server", "FATAL:"];
        // Some options are read only when a server is about to be called.
        let quotes = masked.ends_with("://***") || text.contains("invalid ");
        if !quotes && of_a_server.iter().any(|begin| text.starts_with(begin)) {
            return Self::Away(text.to_owned());
        }
        let what = if text.starts_with("could not translate host name") {
            "there is no host of that name"
        } else {
            "libpq can't use the address"
        };
        Self::Away(format!("{what}: {masked}"))
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

#[cfg(test)]
mod tests {
    use super::conn::DatabaseUrl;

    fn refusal(url: &str) -> String {
        let url: DatabaseUrl = url.parse().unwrap();
        url.connect().err().unwrap().to_string()
    }

    #[test]
    fn an_address_that_cannot_be_used_is_told_without_its_password() {
        for url in [
            "postgres://pingma:geheim%zz@127.0.0.1:1/p",
            "postgres://pingma:x@127.0.0.1:geheim/p",
            "postgres://pingma@127.0.0.1:1/p?connect_timeout=geheim",
            "postgres://pingma@127.0.0.1:1/p?geheim",
            "postgres://pingma@127.0.0.1:1/p?passwort=geheim",
            "postgres://pingma@127.0.0.1:1/p?sslmode=geheim",
            "postgres://pingma:x@geheim@127.0.0.1:1/p",
            "postgres://pingma:[geheim",
        ] {
            let said = refusal(url);
            let shown: DatabaseUrl = url.parse().unwrap();
            assert!(said.contains(&shown.to_string()), "{said}");
            // What the address itself is shown with is masked elsewhere.
            assert!(!said.replace(&shown.to_string(), "").contains("geheim"), "{said}");
        }
    }

    #[test]
    fn a_server_that_is_away_is_told_in_its_own_words() {
        let said = refusal("postgres://pingma:geheim@127.0.0.1:1/p?connect_timeout=2");
        assert!(said.contains("127.0.0.1") && said.contains("port 1"), "{said}");
        assert!(!said.contains("geheim"), "{said}");
    }
}
