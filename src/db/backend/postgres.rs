//! PostgreSQL: every statement is a journey, so a whole batch goes in one.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Binary, Bool, Date, Nullable, Text};

use crate::db::DbError;
use crate::db::append::CylinderColumns;
use crate::db::facts::{EventRow, ScalePermitRow};
use crate::db::history::PublicScanRow;

/// Moves cylinders on from the versions that were read; says how many were still there.
///
/// # Errors
/// The database.
pub fn update_cylinders(conn: &mut PgConnection, rows: &[(CylinderColumns, i64)]) -> Result<usize, DbError> {
    let column = Column(rows);
    let moved = diesel::sql_query(
        "WITH written AS (UPDATE cylinders AS c SET owner_id = v.owner_id, label_id = v.label_id, status = v.status, \
         inspection_due_on = v.inspection_due_on, life_ends_on = v.life_ends_on, custody_kind = v.custody_kind, \
         custody_organization_id = v.custody_organization_id, district_code = v.district_code, state = v.state, \
         version = v.version, head_hash = v.head_hash \
         FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) AS v (id, expected, owner_id, label_id, \
         status, inspection_due_on, life_ends_on, custody_kind, custody_organization_id, district_code, state, \
         version, head_hash) \
         WHERE c.id = v.id AND c.version = v.expected RETURNING 1) SELECT count(*) AS rows FROM written",
    )
    .bind::<Array<Binary>, _>(column.of(|(row, _)| row.id))
    .bind::<Array<BigInt>, _>(column.of(|(_, expected)| *expected))
    .bind::<Array<Binary>, _>(column.of(|(row, _)| row.owner_id))
    .bind::<Array<Text>, _>(column.of(|(row, _)| &row.label_id))
    .bind::<Array<Text>, _>(column.of(|(row, _)| row.status))
    .bind::<Array<Date>, _>(column.of(|(row, _)| row.inspection_due_on))
    .bind::<Array<Date>, _>(column.of(|(row, _)| row.life_ends_on))
    .bind::<Array<Text>, _>(column.of(|(row, _)| row.custody_kind))
    .bind::<Array<Binary>, _>(column.of(|(row, _)| row.custody_organization_id))
    .bind::<Array<Text>, _>(column.of(|(row, _)| row.district_code.as_str()))
    .bind::<Array<Text>, _>(column.of(|(row, _)| row.state.as_str()))
    .bind::<Array<BigInt>, _>(column.of(|(row, _)| row.version))
    .bind::<Array<Binary>, _>(column.of(|(row, _)| row.head_hash.as_slice()));
    Written::rows(prepared!(moved).get_result(conn)?)
}

/// Adds events.
///
/// # Errors
/// The database.
pub fn insert_events(conn: &mut PgConnection, rows: &[EventRow]) -> Result<(), DbError> {
    let column = Column(rows);
    let inserted = diesel::sql_query(
        "WITH written AS (INSERT INTO events (log_index, id, stream_kind, stream_id, stream_seq, kind, decision, alert, occurred_at, \
         recorded_at, actor_id, organization_id, site_id, district_code, data, idempotency_route, idempotency_key, \
         body_digest, prev_hash, hash) \
         SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20) \
         RETURNING 1) SELECT count(*) AS rows FROM written",
    )
    .bind::<Array<BigInt>, _>(column.of(|row| row.log_index))
    .bind::<Array<Binary>, _>(column.of(|row| row.id))
    .bind::<Array<Text>, _>(column.of(|row| row.stream_kind.as_str()))
    .bind::<Array<Binary>, _>(column.of(|row| row.stream_id))
    .bind::<Array<BigInt>, _>(column.of(|row| row.stream_seq))
    .bind::<Array<Text>, _>(column.of(|row| row.kind.as_str()))
    .bind::<Array<Nullable<Text>>, _>(column.of(|row| row.decision.as_deref()))
    .bind::<Array<Bool>, _>(column.of(|row| row.alert))
    .bind::<Array<BigInt>, _>(column.of(|row| row.occurred_at))
    .bind::<Array<BigInt>, _>(column.of(|row| row.recorded_at))
    .bind::<Array<Binary>, _>(column.of(|row| row.actor_id))
    .bind::<Array<Binary>, _>(column.of(|row| row.organization_id))
    .bind::<Array<Nullable<Binary>>, _>(column.of(|row| row.site_id))
    .bind::<Array<Text>, _>(column.of(|row| row.district_code.as_str()))
    .bind::<Array<Text>, _>(column.of(|row| row.data.as_str()))
    .bind::<Array<Nullable<Text>>, _>(column.of(|row| row.idempotency_route.as_deref()))
    .bind::<Array<Nullable<Text>>, _>(column.of(|row| row.idempotency_key.as_deref()))
    .bind::<Array<Nullable<Binary>>, _>(column.of(|row| row.body_digest.as_deref()))
    .bind::<Array<Binary>, _>(column.of(|row| row.prev_hash.as_slice()))
    .bind::<Array<Binary>, _>(column.of(|row| row.hash.as_slice()));
    Written::rows(prepared!(inserted).get_result(conn)?).map(drop)
}

/// Sets the newest permits of scales from the versions that were read; says how many were still there.
///
/// # Errors
/// The database.
pub fn update_scale_permits(
    conn: &mut PgConnection,
    rows: &[(ScalePermitRow, i64)],
) -> Result<usize, DbError> {
    let column = Column(rows);
    let newest = diesel::sql_query(
        "WITH written AS (UPDATE scale_permits AS p SET permit_id = v.permit_id, cylinder_id = v.cylinder_id, \
         operator_id = v.operator_id, expires_at = v.expires_at, version = v.version \
         FROM unnest($1, $2, $3, $4, $5, $6, $7) AS v (scale_id, expected, permit_id, cylinder_id, operator_id, \
         expires_at, version) \
         WHERE p.scale_id = v.scale_id AND p.version = v.expected RETURNING 1) SELECT count(*) AS rows FROM written",
    )
    .bind::<Array<Binary>, _>(column.of(|(row, _)| row.scale_id))
    .bind::<Array<BigInt>, _>(column.of(|(_, expected)| *expected))
    .bind::<Array<Binary>, _>(column.of(|(row, _)| row.permit_id))
    .bind::<Array<Binary>, _>(column.of(|(row, _)| row.cylinder_id))
    .bind::<Array<Binary>, _>(column.of(|(row, _)| row.operator_id))
    .bind::<Array<BigInt>, _>(column.of(|(row, _)| row.expires_at))
    .bind::<Array<BigInt>, _>(column.of(|(row, _)| row.version));
    Written::rows(prepared!(newest).get_result(conn)?)
}

/// Counts a look-up in a transaction of its own that does not wait for a standby, all in one statement.
///
/// # Errors
/// The database.
pub fn insert_public_scan(conn: &mut PgConnection, row: &PublicScanRow) -> Result<(), DbError> {
    let counted = diesel::sql_query(
        "WITH counted AS (INSERT INTO public_scans (id, label_id, scanned_at, device_class, location) \
         VALUES ($1, $2, $3, $4, $5) RETURNING 1) \
         SELECT count(*) AS rows FROM counted WHERE set_config('synchronous_commit', 'local', true) = 'local'",
    )
    .bind::<Binary, _>(row.id)
    .bind::<Text, _>(&row.label_id)
    .bind::<BigInt, _>(row.scanned_at)
    .bind::<Text, _>(&row.device_class)
    .bind::<Nullable<Text>, _>(row.location.as_ref());
    Written::rows(prepared!(counted).get_result(conn)?).map(drop)
}

/// How many rows a statement wrote, as its answer: see `prepared`.
#[derive(QueryableByName)]
struct Written {
    #[diesel(sql_type = BigInt)]
    rows: i64,
}

impl Written {
    fn rows(self) -> Result<usize, DbError> {
        usize::try_from(self.rows).map_err(DbError::corrupt)
    }
}

/// Rows, to be sent column by column.
struct Column<'a, R>(&'a [R]);

impl<'a, R> Column<'a, R> {
    fn of<T>(&self, pick: impl Fn(&'a R) -> T) -> Vec<T> {
        self.0.iter().map(pick).collect()
    }
}
