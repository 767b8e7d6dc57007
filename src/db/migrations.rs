//! Schema migrations, embedded in the binary.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Array, Bool, Text};
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
            versions::<diesel::sqlite::Sqlite>(&SQLITE)?.len(),
        ),
        Conn::Postgres(c) => {
            let (applied, known) = (applied(c)?, versions::<diesel::pg::Pg>(&POSTGRES)?);
            (known.iter().any(|version| !applied.contains(version)), applied.len(), known.len())
        }
    };
    Ok(match (pending, applied > known) {
        (_, true) => Fit::Newer,
        (true, false) => Fit::Older,
        (false, false) => Fit::Fits,
    })
}

fn versions<DB: diesel::backend::Backend>(migrations: &EmbeddedMigrations) -> Result<Vec<String>, DbError> {
    use diesel::migration::MigrationSource;
    let all = MigrationSource::<DB>::migrations(migrations).map_err(failed)?;
    Ok(all.iter().map(|migration| migration.name().version().to_string()).collect())
}

/// The steps that were made. Diesel's own look-up begins with `CREATE TABLE IF NOT EXISTS`, which fails for a role that may
/// not create and on a standby, even where the table is there.
fn applied(conn: &mut PgConnection) -> Result<Vec<String>, DbError> {
    let begun = sql::<Bool>("to_regclass('__diesel_schema_migrations') IS NOT NULL");
    if !diesel::select(begun).get_result::<bool>(conn)? {
        return Ok(Vec::new());
    }
    let made = "(SELECT coalesce(array_agg(version::text), '{}') FROM __diesel_schema_migrations)";
    Ok(diesel::select(sql::<Array<Text>>(made)).get_result(conn)?)
}

/// Refuses a schema that does not fit.
///
/// # Errors
/// It does not, or the database.
pub fn check(conn: &mut Conn) -> Result<(), DbError> {
    match fit(conn)? {
        Fit::Fits => Ok(()),
        Fit::Older => Err(DbError::Schema(
            "its schema is older than this program, or not there yet: run `pingma migrate`",
        )),
        Fit::Newer => Err(DbError::Schema("its schema is newer than this program")),
    }
}
