//! What a batch writes, in one transaction: cylinders, labels, events, permits, fills.

use chrono::NaiveDate;
use diesel::prelude::*;

use super::conn::Conn;
use super::facts::{EventRow, FillRow, LabelRow, ScalePermitRow};
use super::schema::{
    cylinders, event_private, fills, labels, ledger_head, owner_changes, scale_permits, streams,
};
use super::{DbError, backend, one};
use crate::domain::cylinder::{CustodyKind, Cylinder, CylinderStatus, LabelStatus};
use crate::domain::district::DistrictCode;
use crate::domain::id::{CylinderId, EventId, OrganizationId, OwnerChangeId, StreamId, UserId};
use crate::domain::instant::Instant;
use crate::domain::label_code::LabelId;
use crate::domain::steel;
use crate::on_backend;

/// A cylinder's row: the columns people search by, and the whole state.
// What is none is written as NULL, so that the statement stays the same.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = cylinders, treat_none_as_default_value = false)]
pub struct CylinderColumns {
    /// Its id.
    pub id: CylinderId,
    /// Owner.
    pub owner_id: OrganizationId,
    /// 使用登记代码
    pub registration_code: Option<String>,
    /// Its letters and digits.
    pub registration_key: Option<String>,
    /// 制造单位代号
    pub manufacturer_code: String,
    /// Its letters and digits.
    pub manufacturer_key: String,
    /// 气瓶编号
    pub serial_no: String,
    /// Its letters and digits.
    pub serial_key: String,
    /// 制造年月
    pub manufactured_month: String,
    /// Its label.
    pub label_id: LabelId,
    /// Model.
    pub model: String,
    /// How it stands.
    pub status: CylinderStatus,
    /// When the next inspection is due.
    pub inspection_due_on: NaiveDate,
    /// Last day of its life.
    pub life_ends_on: NaiveDate,
    /// Who has it.
    pub custody_kind: CustodyKind,
    /// Which organization has it.
    pub custody_organization_id: OrganizationId,
    /// Where it was last seen.
    pub district_code: String,
    /// The whole state as JSON.
    pub state: String,
    /// Sequence number of its last event.
    pub version: i64,
    /// Hash of its last event.
    pub head_hash: Vec<u8>,
    /// When it was registered.
    pub registered_at: Instant,
}

impl CylinderColumns {
    /// The row of a state, last seen somewhere, at a place in its chain.
    ///
    /// # Errors
    /// Never for this type; serde's signature has one.
    pub fn new(
        cylinder: &Cylinder,
        seen_in: &DistrictCode,
        version: i64,
        head_hash: &[u8; 32],
    ) -> Result<Self, DbError> {
        let stamp = &cylinder.stamp;
        Ok(Self {
            id: cylinder.id,
            owner_id: cylinder.owner_id,
            registration_code: cylinder.registration_code.as_ref().map(ToString::to_string),
            registration_key: cylinder.registration_code.as_ref().map(|code| steel::key(code.as_str())),
            manufacturer_code: stamp.manufacturer.code.to_string(),
            manufacturer_key: steel::key(stamp.manufacturer.code.as_str()),
            serial_no: stamp.serial_no.to_string(),
            serial_key: steel::serial_key(stamp.serial_no.as_str()),
            manufactured_month: stamp.manufactured_on.month_text(),
            label_id: cylinder.label.id.clone(),
            model: stamp.model.to_string(),
            status: cylinder.status(),
            inspection_due_on: cylinder.inspection_due_on.0,
            life_ends_on: cylinder.life_ends_on.0,
            custody_kind: cylinder.custody.kind,
            custody_organization_id: cylinder.custody.organization_id,
            district_code: seen_in.to_string(),
            state: serde_json::to_string(cylinder).map_err(DbError::corrupt)?,
            version,
            head_hash: head_hash.to_vec(),
            registered_at: cylinder.registered_at,
        })
    }
}

/// Waits until nobody else appends, and keeps it so until the end of the transaction. On SQLite the transaction itself does.
///
/// # Errors
/// The database.
pub fn lock_head(conn: &mut Conn) -> Result<(), DbError> {
    if let Conn::Postgres(c) = conn {
        ledger_head::table.select(ledger_head::log_index).for_update().first::<i64>(c)?;
    }
    Ok(())
}

/// Takes `count` places in the ledger and returns the last of them. Holds the head's lock until the commit, so that there are no gaps.
///
/// # Errors
/// The database.
pub fn take_places(conn: &mut Conn, count: i64, trusted_at: Option<Instant>) -> Result<i64, DbError> {
    use ledger_head as t;
    Ok(on_backend!(conn, c => match trusted_at {
        Some(at) => {
            let moved = (t::log_index.eq(t::log_index + count), t::trusted_at.eq(at));
            prepared!(diesel::update(t::table).set(moved).returning(t::log_index)).get_result(c)
        }
        None => {
            let moved = t::log_index.eq(t::log_index + count);
            prepared!(diesel::update(t::table).set(moved).returning(t::log_index)).get_result(c)
        }
    })?)
}

/// Adds cylinders.
///
/// # Errors
/// The database; a stamp or registration code that is taken.
pub fn insert_cylinders(conn: &mut Conn, rows: &[CylinderColumns]) -> Result<(), DbError> {
    if !rows.is_empty() {
        on_backend!(conn, c => diesel::insert_into(cylinders::table).values(rows).execute(c))?;
    }
    Ok(())
}

/// Moves cylinders on, each only from the version that was read: `(row, version read)`.
///
/// # Errors
/// The database; [`DbError::Conflict`] where somebody else was faster.
pub fn update_cylinders(conn: &mut Conn, rows: &[(CylinderColumns, i64)]) -> Result<(), DbError> {
    if rows.is_empty() {
        return Ok(());
    }
    let updated = match conn {
        Conn::Sqlite(c) => backend::sqlite::update_cylinders(c, rows)?,
        Conn::Postgres(c) => backend::postgres::update_cylinders(c, rows)?,
    };
    if updated == rows.len() { Ok(()) } else { Err(DbError::Conflict) }
}

/// Adds labels.
///
/// # Errors
/// The database; a label id that exists.
pub fn insert_labels(conn: &mut Conn, rows: &[LabelRow], at: Instant) -> Result<(), DbError> {
    use labels as t;
    let values: Vec<_> = rows
        .iter()
        .map(|row| {
            (
                t::id.eq(&row.id),
                t::key_id.eq(&row.key_id),
                t::cylinder_id.eq(row.cylinder_id),
                t::status.eq(row.status),
                t::bound_at.eq(at),
            )
        })
        .collect();
    if !values.is_empty() {
        on_backend!(conn, c => diesel::insert_into(t::table).values(values).execute(c))?;
    }
    Ok(())
}

/// Suspends or revokes a label.
///
/// # Errors
/// The database.
pub fn end_label(conn: &mut Conn, id: &LabelId, status: LabelStatus, at: Instant) -> Result<(), DbError> {
    use labels as t;
    let ended = (t::status.eq(status), t::ended_at.eq(at));
    on_backend!(conn, c => diesel::update(t::table.filter(t::id.eq(id))).set(ended).execute(c))?;
    Ok(())
}

/// Adds events.
///
/// # Errors
/// The database; an idempotency key that was used.
pub fn insert_events(conn: &mut Conn, rows: &[EventRow]) -> Result<(), DbError> {
    match conn {
        Conn::Sqlite(c) => backend::sqlite::insert_events(c, rows),
        Conn::Postgres(c) => backend::postgres::insert_events(c, rows),
    }
}

/// Keeps what belongs to an event but not into it.
///
/// # Errors
/// The database.
pub fn insert_private(
    conn: &mut Conn,
    event_id: EventId,
    salt: &[u8],
    data: &str,
    recorded_at: Instant,
) -> Result<(), DbError> {
    use event_private as t;
    on_backend!(conn, c => diesel::insert_into(t::table)
        .values((t::event_id.eq(event_id), t::salt.eq(salt), t::data.eq(data), t::recorded_at.eq(recorded_at)))
        .execute(c))?;
    Ok(())
}

/// Moves the head of a chain that is no cylinder's: from `from_seq` (none: it begins) to `seq`.
///
/// # Errors
/// The database; [`DbError::Conflict`] where somebody else was faster.
pub fn move_stream(
    conn: &mut Conn,
    id: StreamId,
    kind: &str,
    from_seq: Option<i64>,
    head: (i64, &[u8]),
) -> Result<(), DbError> {
    use streams as t;
    let head = (t::seq.eq(head.0), t::head_hash.eq(head.1));
    let moved = on_backend!(conn, c => match from_seq {
        None => diesel::insert_into(t::table).values((t::id.eq(id), t::kind.eq(kind), head)).execute(c),
        Some(from) => {
            diesel::update(t::table.filter(t::id.eq(id)).filter(t::seq.eq(from))).set(head).execute(c)
        }
    })?;
    one(moved)
}

/// Sets the newest permits of scales: `(row, version read)`, none where it is the scale's first.
///
/// # Errors
/// The database; [`DbError::Conflict`] where somebody else was faster.
pub fn put_scale_permits(conn: &mut Conn, rows: &[(ScalePermitRow, Option<i64>)]) -> Result<(), DbError> {
    let (known, first): (Vec<_>, Vec<_>) = rows.iter().copied().partition(|(_, stored)| stored.is_some());
    for (row, _) in first {
        on_backend!(conn, c => diesel::insert_into(scale_permits::table).values(row).execute(c))?;
    }
    if known.is_empty() {
        return Ok(());
    }
    let known: Vec<_> = known.into_iter().filter_map(|(row, stored)| Some((row, stored?))).collect();
    let updated = match conn {
        Conn::Sqlite(c) => backend::sqlite::update_scale_permits(c, &known)?,
        Conn::Postgres(c) => backend::postgres::update_scale_permits(c, &known)?,
    };
    if updated == known.len() { Ok(()) } else { Err(DbError::Conflict) }
}

/// Adds fills.
///
/// # Errors
/// The database; a permit that was used.
pub fn insert_fills(conn: &mut Conn, rows: &[FillRow]) -> Result<(), DbError> {
    use fills as t;
    let values: Vec<_> = rows
        .iter()
        .map(|row| {
            (
                t::id.eq(row.id),
                t::log_index.eq(row.log_index),
                t::permit_id.eq(row.permit_id),
                t::cylinder_id.eq(row.cylinder_id),
                t::organization_id.eq(row.organization_id),
                t::site_id.eq(row.site_id),
                t::district_code.eq(&row.district_code),
                t::scale_id.eq(row.scale_id),
                t::operator_id.eq(row.operator_id),
                t::gross_g.eq(row.gross_g),
                t::net_g.eq(row.net_g),
                t::status.eq(row.status),
                t::finished_at.eq(row.finished_at),
            )
        })
        .collect();
    if !values.is_empty() {
        on_backend!(conn, c => diesel::insert_into(t::table).values(values).execute(c))?;
    }
    Ok(())
}

/// Sets what a second weighing or an emptying changed.
///
/// # Errors
/// The database.
pub fn update_fill(conn: &mut Conn, row: &FillRow) -> Result<(), DbError> {
    use fills as t;
    let weighed = (t::gross_g.eq(row.gross_g), t::net_g.eq(row.net_g), t::status.eq(row.status));
    on_backend!(conn, c => diesel::update(t::table.filter(t::id.eq(row.id))).set(weighed).execute(c))?;
    Ok(())
}

/// Settles a proposed owner change.
///
/// # Errors
/// The database; [`DbError::Conflict`] where somebody else was faster.
pub fn approve_owner_change(
    conn: &mut Conn,
    id: OwnerChangeId,
    by: UserId,
    at: Instant,
) -> Result<(), DbError> {
    use owner_changes as t;
    let settled = on_backend!(conn, c => diesel::update(t::table.filter(t::id.eq(id)).filter(t::status.eq("pending")))
        .set((t::status.eq("approved"), t::decided_by.eq(by), t::decided_at.eq(at)))
        .execute(c))?;
    one(settled)
}
