//! Transactions: the ledger's own, and the ordinary one for what is no cylinder.

use std::time::Duration;

use diesel::connection::{SimpleConnection, TransactionManager};
use diesel::prelude::*;

use super::DbError;
use super::conn::Conn;

/// How a transaction ended that did not end well.
#[derive(Debug)]
pub enum TxError<E> {
    /// Nothing was written.
    RolledBack(E),
    /// The commit was sent, but no answer came: nobody knows.
    OutcomeUnknown(DbError),
}

fn begin(conn: &mut Conn) -> Result<(), DbError> {
    match conn {
        // IMMEDIATE takes the write lock first, so that a transaction that read never fails for having to wait to write.
        Conn::Sqlite(c) => {
            diesel::connection::AnsiTransactionManager::begin_transaction_sql(c, "BEGIN IMMEDIATE")?
        }
        Conn::Postgres(c) => {
            <PgConnection as Connection>::TransactionManager::begin_transaction(c)?;
        }
    }
    Ok(())
}

/// Runs `work` in a transaction of its own. Tells a failed commit apart from a rolled back one.
///
/// # Errors
/// What `work` returned, or the database.
pub fn transaction<T, E>(
    conn: &mut Conn,
    work: impl FnOnce(&mut Conn) -> Result<T, E>,
) -> Result<T, TxError<E>>
where
    E: From<DbError>,
{
    begin(conn).map_err(|error| TxError::RolledBack(error.into()))?;
    match work(conn) {
        Ok(value) => {
            let committed = match conn {
                Conn::Sqlite(c) => {
                    <SqliteConnection as Connection>::TransactionManager::commit_transaction(c)
                }
                Conn::Postgres(c) => <PgConnection as Connection>::TransactionManager::commit_transaction(c),
            };
            match committed {
                Ok(()) => Ok(value),
                Err(error) => {
                    roll_back(conn);
                    Err(TxError::OutcomeUnknown(error.into()))
                }
            }
        }
        Err(error) => {
            roll_back(conn);
            Err(TxError::RolledBack(error))
        }
    }
}

/// A failed roll-back leaves a connection that can't be used again; the next `BEGIN` on it says so.
fn roll_back(conn: &mut Conn) {
    let result = match conn {
        Conn::Sqlite(c) => <SqliteConnection as Connection>::TransactionManager::rollback_transaction(c),
        Conn::Postgres(c) => <PgConnection as Connection>::TransactionManager::rollback_transaction(c),
    };
    if let Err(error) = result {
        tracing::debug!(%error, "roll-back");
    }
}

/// Reads what will be judged before the transaction that writes the judgement. On SQLite in one view of the data; on PostgreSQL
/// each statement has its own, as inside the ledger's transactions: the guards of the writes tell whether something moved.
///
/// # Errors
/// What `work` returned, or the database.
pub fn reading<T, E: From<DbError>>(
    conn: &mut Conn,
    work: impl FnOnce(&mut Conn) -> Result<T, E>,
) -> Result<T, E> {
    match conn {
        Conn::Sqlite(_) => read_tx(conn, work),
        Conn::Postgres(_) => work(conn),
    }
}

/// How often a transaction that lost a race is tried.
const TRIES: u32 = 3;

/// An ordinary write: begins, works, commits; a lost race is tried again after a short wait.
///
/// # Errors
/// What `work` returned, or the database.
pub fn write_tx<T, E>(conn: &mut Conn, mut work: impl FnMut(&mut Conn) -> Result<T, E>) -> Result<T, E>
where
    E: From<DbError> + IsConflict,
{
    let mut tried = 1;
    loop {
        match transaction(conn, &mut work) {
            Ok(value) => return Ok(value),
            Err(TxError::OutcomeUnknown(error)) => return Err(DbError::Away(error.to_string()).into()),
            Err(TxError::RolledBack(error)) if error.is_conflict() && tried < TRIES => {
                std::thread::sleep(Duration::from_millis(u64::from(5 * tried)));
                tried += 1;
            }
            Err(TxError::RolledBack(error)) => return Err(error),
        }
    }
}

/// Whether another try may succeed.
pub trait IsConflict {
    /// Lost a race.
    fn is_conflict(&self) -> bool;
}

impl IsConflict for crate::error::Error {
    fn is_conflict(&self) -> bool {
        self.code == crate::error::Code::ChangedInBetween
    }
}

/// One view of the data for several reads.
///
/// # Errors
/// What `work` returned, or the database.
pub fn read_tx<T, E: From<DbError>>(
    conn: &mut Conn,
    work: impl FnOnce(&mut Conn) -> Result<T, E>,
) -> Result<T, E> {
    let started = match conn {
        Conn::Sqlite(c) => c.batch_execute("BEGIN DEFERRED"),
        Conn::Postgres(c) => c.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"),
    };
    started.map_err(DbError::from)?;
    let result = work(conn);
    let ended = match conn {
        Conn::Sqlite(c) => c.batch_execute("ROLLBACK"),
        Conn::Postgres(c) => c.batch_execute("ROLLBACK"),
    };
    ended.map_err(DbError::from)?;
    result
}
