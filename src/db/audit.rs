//! What `pingma verify` reads.

use diesel::prelude::*;

use super::DbError;
use super::conn::Conn;
use super::facts::EventRow;
use super::schema::{cylinders, event_private, events, fills, labels, ledger_head, streams};
use crate::domain::cylinder::LabelStatus;
use crate::domain::event::FillStatus;
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

/// What the tables say of one cylinder.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredCylinder {
    /// State, version, head hash.
    pub row: Option<(String, i64, Vec<u8>)>,
    /// Labels.
    pub labels: Vec<(LabelId, LabelStatus)>,
    /// Fills: net mass and status.
    pub fills: Vec<(EventId, i32, FillStatus)>,
}

/// Reads what the tables say of one cylinder.
///
/// # Errors
/// The database.
pub fn stored_cylinder(conn: &mut Conn, id: CylinderId) -> Result<StoredCylinder, DbError> {
    let row = on_backend!(conn, c => cylinders::table
        .filter(cylinders::id.eq(id))
        .select((cylinders::state, cylinders::version, cylinders::head_hash))
        .first(c)
        .optional())?;
    let labels = on_backend!(conn, c => labels::table
        .filter(labels::cylinder_id.eq(id))
        .order(labels::id)
        .select((labels::id, labels::status))
        .load(c))?;
    let fills = on_backend!(conn, c => fills::table
        .filter(fills::cylinder_id.eq(id))
        .order(fills::id)
        .select((fills::id, fills::net_g, fills::status))
        .load(c))?;
    Ok(StoredCylinder { row, labels, fills })
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
