//! PostgreSQL: every statement is a journey, so a whole batch goes in one.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Binary, Date, Text};

use crate::db::DbError;
use crate::db::append::CylinderColumns;

/// Moves cylinders on from the versions that were read; says how many were still there.
///
/// # Errors
/// The database.
pub fn update_cylinders(conn: &mut PgConnection, rows: &[(CylinderColumns, i64)]) -> Result<usize, DbError> {
    fn column<'a, T>(rows: &'a [(CylinderColumns, i64)], pick: impl Fn(&'a CylinderColumns) -> T) -> Vec<T> {
        rows.iter().map(|(row, _)| pick(row)).collect()
    }
    let expected: Vec<i64> = rows.iter().map(|(_, version)| *version).collect();
    let updated = diesel::sql_query(
        "UPDATE cylinders AS c SET owner_id = v.owner_id, label_id = v.label_id, status = v.status, \
         inspection_due_on = v.inspection_due_on, life_ends_on = v.life_ends_on, custody_kind = v.custody_kind, \
         custody_organization_id = v.custody_organization_id, district_code = v.district_code, state = v.state, \
         version = v.version, head_hash = v.head_hash \
         FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) AS v (id, expected, owner_id, label_id, \
         status, inspection_due_on, life_ends_on, custody_kind, custody_organization_id, district_code, state, \
         version, head_hash) \
         WHERE c.id = v.id AND c.version = v.expected",
    )
    .bind::<Array<Binary>, _>(column(rows, |row| row.id))
    .bind::<Array<BigInt>, _>(expected)
    .bind::<Array<Binary>, _>(column(rows, |row| row.owner_id))
    .bind::<Array<Text>, _>(column(rows, |row| &row.label_id))
    .bind::<Array<Text>, _>(column(rows, |row| row.status))
    .bind::<Array<Date>, _>(column(rows, |row| row.inspection_due_on))
    .bind::<Array<Date>, _>(column(rows, |row| row.life_ends_on))
    .bind::<Array<Text>, _>(column(rows, |row| row.custody_kind))
    .bind::<Array<Binary>, _>(column(rows, |row| row.custody_organization_id))
    .bind::<Array<Text>, _>(column(rows, |row| row.district_code.as_str()))
    .bind::<Array<Text>, _>(column(rows, |row| row.state.as_str()))
    .bind::<Array<BigInt>, _>(column(rows, |row| row.version))
    .bind::<Array<Binary>, _>(column(rows, |row| row.head_hash.as_slice()))
    .execute(conn)?;
    Ok(updated)
}
