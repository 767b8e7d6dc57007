//! SQLite: no network between us and the database, so one statement per row costs nothing.

use std::path::Path;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Bool, Integer, Text};

use crate::db::DbError;
use crate::db::append::CylinderColumns;
use crate::db::conn::SQLITE_PATIENCE;
use crate::db::facts::{EventRow, ScalePermitRow};
use crate::db::schema::{cylinders as t, events, scale_permits};

/// Moves cylinders on from the versions that were read; says how many were still there.
///
/// Two statements, because SQLite writes every index anew whose column is named in an `UPDATE`, changed or not, and a check
/// changes none of the columns that people search by.
///
/// # Errors
/// The database.
pub fn update_cylinders(
    conn: &mut SqliteConnection,
    rows: &[(CylinderColumns, i64)],
) -> Result<usize, DbError> {
    let mut updated = 0;
    for (row, version) in rows {
        let read = t::table.filter(t::id.eq(row.id)).filter(t::version.eq(version));
        let moved = diesel::update(read).set((
            t::state.eq(&row.state),
            t::version.eq(row.version),
            t::head_hash.eq(&row.head_hash),
        ));
        updated += prepared!(moved.returning(t::version)).load::<i64>(conn)?.len();
        update_searched(conn, row)?;
    }
    Ok(updated)
}

fn update_searched(conn: &mut SqliteConnection, row: &CylinderColumns) -> Result<(), DbError> {
    let differs = t::owner_id
        .ne(row.owner_id)
        .or(t::label_id.ne(&row.label_id))
        .or(t::status.ne(row.status))
        .or(t::inspection_due_on.ne(row.inspection_due_on))
        .or(t::life_ends_on.ne(row.life_ends_on))
        .or(t::custody_kind.ne(row.custody_kind))
        .or(t::custody_organization_id.ne(row.custody_organization_id))
        .or(t::district_code.ne(&row.district_code));
    let moved = diesel::update(t::table.filter(t::id.eq(row.id)).filter(differs)).set((
        t::owner_id.eq(row.owner_id),
        t::label_id.eq(&row.label_id),
        t::status.eq(row.status),
        t::inspection_due_on.eq(row.inspection_due_on),
        t::life_ends_on.eq(row.life_ends_on),
        t::custody_kind.eq(row.custody_kind),
        t::custody_organization_id.eq(row.custody_organization_id),
        t::district_code.eq(&row.district_code),
    ));
    prepared!(moved.returning(t::version)).load::<i64>(conn)?;
    Ok(())
}

/// Adds events. One by one: diesel would put a savepoint around many, and SQLite a journal under that.
///
/// # Errors
/// The database.
pub fn insert_events(conn: &mut SqliteConnection, rows: &[EventRow]) -> Result<(), DbError> {
    for row in rows {
        diesel::insert_into(events::table).values(row).execute(conn)?;
    }
    Ok(())
}

/// Sets the newest permits of scales from the versions that were read; says how many were still there.
///
/// # Errors
/// The database.
pub fn update_scale_permits(
    conn: &mut SqliteConnection,
    rows: &[(ScalePermitRow, i64)],
) -> Result<usize, DbError> {
    use scale_permits as p;
    let mut updated = 0;
    for (row, version) in rows {
        let read = p::table.filter(p::scale_id.eq(row.scale_id)).filter(p::version.eq(version));
        let newest = diesel::update(read).set((
            p::permit_id.eq(row.permit_id),
            p::cylinder_id.eq(row.cylinder_id),
            p::operator_id.eq(row.operator_id),
            p::expires_at.eq(row.expires_at),
            p::version.eq(row.version),
        ));
        updated += prepared!(newest.returning(p::version)).load::<i64>(conn)?.len();
    }
    Ok(updated)
}

/// What a checkpoint came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub struct Checkpoint {
    /// Whether somebody was in the way.
    #[diesel(sql_type = Bool)]
    pub busy: bool,
    /// Pages in the write-ahead log; -1 if another checkpoint was running.
    #[diesel(sql_type = Integer)]
    pub log: i32,
    /// Those of them that are in the database file.
    #[diesel(sql_type = Integer)]
    pub checkpointed: i32,
}

/// Copies what the write-ahead log holds into the database file, without waiting for anybody.
///
/// # Errors
/// The database.
pub fn checkpoint(conn: &mut SqliteConnection) -> Result<Checkpoint, DbError> {
    Ok(sql_query("PRAGMA wal_checkpoint(PASSIVE)").get_result(conn)?)
}

/// Copies the rest and lets the next transaction begin the write-ahead log at its start: while readers and the writer are
/// always busy it grows for ever otherwise. For the writer's own connection, between two transactions. A reader that
/// is in the way is waited for only briefly, since nobody writes meanwhile; the log then goes on for now.
///
/// # Errors
/// The database.
pub fn restart_log(conn: &mut SqliteConnection) -> Result<Checkpoint, DbError> {
    conn.batch_execute("PRAGMA busy_timeout = 20;")?;
    let came_to = sql_query("PRAGMA wal_checkpoint(RESTART)").get_result(conn)?;
    conn.batch_execute(SQLITE_PATIENCE)?;
    Ok(came_to)
}

/// Writes a copy of the whole database, as it is at this moment, into an empty file. The copy is one read transaction: the
/// writer goes on beside it, and the write-ahead log grows until it is done. SQLite's page by page backup would begin again
/// with every commit of the server. What is written is not yet forced to the disk.
///
/// # Errors
/// The database; the place is no UTF-8 text or no empty file.
pub fn copy_into(conn: &mut SqliteConnection, place: &Path) -> Result<(), DbError> {
    let place = place.to_str().ok_or_else(|| DbError::Away("the path must be UTF-8".to_owned()))?;
    diesel::sql_query("VACUUM INTO ?").bind::<Text, _>(place).execute(conn)?;
    Ok(())
}

/// Opens a database file only to look: nothing is made, nothing is set up.
///
/// # Errors
/// There is none, or it can't be read.
pub fn look_into(file: &Path) -> Result<SqliteConnection, DbError> {
    let place = file.to_str().ok_or_else(|| DbError::Away("the path must be UTF-8".to_owned()))?;
    let escaped = place.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    SqliteConnection::establish(&format!("file:{escaped}?mode=ro")).map_err(DbError::connect)
}
