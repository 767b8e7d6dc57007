//! Schema migrations, embedded in the binary.

use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::DbError;
use super::conn::Conn;

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

fn failed(error: impl std::fmt::Display) -> DbError {
    DbError::Away(format!("migration: {error}"))
}

/// Brings the schema up to date; says how many steps that took.
///
/// # Errors
/// The database.
pub fn run(conn: &mut Conn) -> Result<usize, DbError> {
    match conn {
        Conn::Sqlite(c) => c.run_pending_migrations(SQLITE).map(|steps| steps.len()).map_err(failed),
        Conn::Postgres(c) => c.run_pending_migrations(POSTGRES).map(|steps| steps.len()).map_err(failed),
    }
}

/// Takes the whole schema away. For tests of the way down.
///
/// # Errors
/// The database.
pub fn revert_all(conn: &mut Conn) -> Result<(), DbError> {
    match conn {
        Conn::Sqlite(c) => c.revert_all_migrations(SQLITE).map(|_| ()).map_err(failed),
        Conn::Postgres(c) => c.revert_all_migrations(POSTGRES).map(|_| ()).map_err(failed),
    }
}

/// How a schema stands to this program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// Up to date.
    Fits,
    /// Steps are missing.
    Older,
    /// It has steps that this program does not know.
    Newer,
}

/// How the schema stands to this program.
///
/// # Errors
/// The database.
pub fn fit(conn: &mut Conn) -> Result<Fit, DbError> {
    let (pending, applied, known) = match conn {
        Conn::Sqlite(c) => (
            c.has_pending_migration(SQLITE).map_err(failed)?,
            c.applied_migrations().map_err(failed)?.len(),
            count::<diesel::sqlite::Sqlite>(&SQLITE)?,
        ),
        Conn::Postgres(c) => (
            c.has_pending_migration(POSTGRES).map_err(failed)?,
            c.applied_migrations().map_err(failed)?.len(),
            count::<diesel::pg::Pg>(&POSTGRES)?,
        ),
    };
    Ok(match (pending, applied > known) {
        (_, true) => Fit::Newer,
        (true, false) => Fit::Older,
        (false, false) => Fit::Fits,
    })
}

fn count<DB: diesel::backend::Backend>(migrations: &EmbeddedMigrations) -> Result<usize, DbError> {
    use diesel::migration::MigrationSource;
    MigrationSource::<DB>::migrations(migrations).map(|list| list.len()).map_err(failed)
}

/// Refuses a schema that does not fit.
///
/// # Errors
/// It does not, or the database.
pub fn check(conn: &mut Conn) -> Result<(), DbError> {
    match fit(conn)? {
        Fit::Fits => Ok(()),
        Fit::Older => {
            Err(DbError::Away("the schema is older than this program: run `pingma migrate`".to_owned()))
        }
        Fit::Newer => Err(DbError::Away("the schema is newer than this program".to_owned())),
    }
}
