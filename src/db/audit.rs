//! What `pingma verify` reads.

use diesel::prelude::*;

use super::DbError;
use super::append::CylinderColumns;
use super::conn::Conn;
use super::facts::{EventRow, FillRow, ScalePermitRow};
use super::schema::{cylinders, event_private, events, fills, labels, ledger_head, scale_permits, streams};
use crate::domain::cylinder::LabelStatus;
use crate::domain::id::{CylinderId, EventId, StreamId};
use crate::domain::label_code::LabelId;
use crate::on_backend;

/// Events in the order of their chains, after a position.
///
/// # Errors
/// The database.
pub fn chain_page(
    conn: &mut Conn,
    after: Option<(StreamId, i64)>,
    limit: i64,
) -> Result<Vec<EventRow>, DbError> {
    use events as t;
    Ok(on_backend!(conn, c => match after {
        None => t::table.select(EventRow::as_select()).order((t::stream_id, t::stream_seq)).limit(limit).load(c),
        Some((stream, seq)) => t::table
            .filter(t::stream_id.gt(stream).or(t::stream_id.eq(stream).and(t::stream_seq.gt(seq))))
            .filter(t::stream_id.ge(stream))
            .select(EventRow::as_select())
            .order((t::stream_id, t::stream_seq))
            .limit(limit)
            .load(c),
    })?)
}

/// How many there are of everything that must agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Events.
    pub events: i64,
    /// Lowest place in the ledger; 0 without events.
    pub first: i64,
    /// Highest place in the ledger; 0 without events.
    pub last: i64,
    /// What the head says is the highest place.
    pub head: i64,
    /// Cylinders.
    pub cylinders: i64,
    /// Chains that are no cylinder's.
    pub streams: i64,
}

/// Counts.
///
/// # Errors
/// The database.
pub fn counts(conn: &mut Conn) -> Result<Counts, DbError> {
    use diesel::dsl::{max, min};
    let (events, first, last) = on_backend!(conn, c => {
        let count: i64 = events::table.count().get_result(c)?;
        let first: Option<i64> = events::table.select(min(events::log_index)).first(c)?;
        let last: Option<i64> = events::table.select(max(events::log_index)).first(c)?;
        Ok::<_, diesel::result::Error>((count, first.unwrap_or(0), last.unwrap_or(0)))
    })?;
    let head = on_backend!(conn, c => ledger_head::table.select(ledger_head::log_index).first(c))?;
    let cylinders = on_backend!(conn, c => cylinders::table.count().get_result(c))?;
    let streams = on_backend!(conn, c => streams::table.count().get_result(c))?;
    Ok(Counts { events, first, last, head, cylinders, streams })
}

/// The places in the ledger after one place, in order.
///
/// # Errors
/// The database.
pub fn places(conn: &mut Conn, after: i64, limit: i64) -> Result<Vec<i64>, DbError> {
    Ok(on_backend!(conn, c => events::table
        .filter(events::log_index.gt(after))
        .order(events::log_index)
        .limit(limit)
        .select(events::log_index)
        .load(c))?)
}

/// The first place whose event holds a value that can't be read.
///
/// # Errors
/// The database.
pub fn first_unreadable(conn: &mut Conn, page: i64) -> Result<Option<i64>, DbError> {
    let mut after = 0;
    loop {
        let places = places(conn, after, page)?;
        let Some(last) = places.last().copied() else { return Ok(None) };
        if events_between(conn, after + 1, last).is_err() {
            let bad = places.into_iter().find(|place| events_between(conn, *place, *place).is_err());
            return Ok(bad);
        }
        after = last;
    }
}

fn events_between(conn: &mut Conn, first: i64, last: i64) -> Result<Vec<EventRow>, DbError> {
    Ok(on_backend!(conn, c => events::table
        .filter(events::log_index.between(first, last))
        .select(EventRow::as_select())
        .load(c))?)
}

/// What the tables say of one cylinder.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredCylinder {
    /// Its row.
    pub row: Option<CylinderColumns>,
    /// Its labels: id, key, status.
    pub labels: Vec<(LabelId, String, LabelStatus)>,
    /// Its fills.
    pub fills: Vec<FillRow>,
}

/// Reads what the tables say of one cylinder.
///
/// # Errors
/// The database.
pub fn stored_cylinder(conn: &mut Conn, id: CylinderId) -> Result<StoredCylinder, DbError> {
    let row = on_backend!(conn, c => cylinders::table
        .filter(cylinders::id.eq(id))
        .select(CylinderColumns::as_select())
        .first(c)
        .optional())?;
    let labels = on_backend!(conn, c => labels::table
        .filter(labels::cylinder_id.eq(id))
        .order(labels::id)
        .select((labels::id, labels::key_id, labels::status))
        .load(c))?;
    let fills = on_backend!(conn, c => fills::table
        .filter(fills::cylinder_id.eq(id))
        .order(fills::id)
        .select(FillRow::as_select())
        .load(c))?;
    Ok(StoredCylinder { row, labels, fills })
}

/// The newest permit of every scale.
///
/// # Errors
/// The database.
pub fn stored_scale_permits(conn: &mut Conn) -> Result<Vec<ScalePermitRow>, DbError> {
    use scale_permits as t;
    Ok(on_backend!(conn, c => t::table
        .order(t::scale_id)
        .select((t::scale_id, t::permit_id, t::cylinder_id, t::operator_id, t::expires_at, t::version))
        .load(c))?)
}

/// The head of a chain that is no cylinder's.
///
/// # Errors
/// The database.
pub fn stored_stream(conn: &mut Conn, id: StreamId) -> Result<Option<(i64, Vec<u8>)>, DbError> {
    Ok(on_backend!(conn, c => streams::table
        .filter(streams::id.eq(id))
        .select((streams::seq, streams::head_hash))
        .first(c)
        .optional())?)
}

/// What is kept apart from an event: salt and data; `None` once it was deleted.
///
/// # Errors
/// The database.
pub fn private(conn: &mut Conn, id: EventId) -> Result<Option<(Vec<u8>, String)>, DbError> {
    Ok(on_backend!(conn, c => event_private::table
        .filter(event_private::event_id.eq(id))
        .select((event_private::salt, event_private::data))
        .first(c)
        .optional())?)
}

/// Up to where a database reaches: what somebody notes down beside a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reached {
    /// Events.
    pub events: i64,
    /// The highest place in the ledger.
    pub log_index: i64,
    /// The hash of the event there.
    pub head_hash: Option<Vec<u8>>,
    /// The newest entry of the audit log.
    pub audit_seq: i64,
    /// Its hash.
    pub audit_hash: Option<Vec<u8>>,
}

/// Up to where a database reaches.
///
/// # Errors
/// The database.
pub fn reached(conn: &mut Conn) -> Result<Reached, DbError> {
    let counts = counts(conn)?;
    let head_hash = on_backend!(conn, c => events::table
        .filter(events::log_index.eq(counts.last))
        .select(events::hash)
        .first(c)
        .optional())?;
    let audit = super::audit_log::head(conn)?;
    Ok(Reached {
        events: counts.events,
        log_index: counts.last,
        head_hash,
        audit_seq: audit.as_ref().map_or(0, |(seq, _)| *seq),
        audit_hash: audit.map(|(_, hash)| hash),
    })
}
