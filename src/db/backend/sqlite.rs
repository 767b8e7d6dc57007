//! SQLite: no network between us and the database, so one statement per row costs nothing.

use std::path::Path;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;

use crate::db::DbError;
use crate::db::append::CylinderColumns;
use crate::db::schema::cylinders as t;

/// Moves cylinders on from the versions that were read; says how many were still there.
///
/// # Errors
/// The database.
pub fn update_cylinders(
    conn: &mut SqliteConnection,
    rows: &[(CylinderColumns, i64)],
) -> Result<usize, DbError> {
    let mut updated = 0;
    for (row, version) in rows {
        updated += diesel::update(t::table.filter(t::id.eq(row.id)).filter(t::version.eq(version)))
            .set((
                t::owner_id.eq(row.owner_id),
                t::label_id.eq(&row.label_id),
                t::status.eq(row.status),
                t::inspection_due_on.eq(row.inspection_due_on),
                t::life_ends_on.eq(row.life_ends_on),
                t::custody_kind.eq(row.custody_kind),
                t::custody_organization_id.eq(row.custody_organization_id),
                t::district_code.eq(&row.district_code),
                t::state.eq(&row.state),
                t::version.eq(row.version),
                t::head_hash.eq(&row.head_hash),
            ))
            .execute(conn)?;
    }
    Ok(updated)
}

/// Copies what the write-ahead log holds into the database file, without waiting for anybody.
///
/// # Errors
/// The database.
pub fn checkpoint(conn: &mut SqliteConnection) -> Result<(), DbError> {
    Ok(conn.batch_execute("PRAGMA wal_checkpoint(PASSIVE)")?)
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
