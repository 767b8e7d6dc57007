//! Writes what a batch decided: places, hashes, rows, all in the transaction of the batch.

use std::collections::HashMap;

use super::chain::{GENESIS, Position, seal};
use super::command::Decided;
use super::facts::Facts;
use crate::db::DbError;
use crate::db::append::{self as db, CylinderColumns};
use crate::db::conn::Conn;
use crate::db::facts::{CylinderRow, EventRow, FillRow};
use crate::domain::event::Event;
use crate::domain::id::StreamId;
use crate::domain::instant::Instant;
use crate::domain::label_code::LabelId;
use crate::domain::stream::Stream;

/// Gives the events of a batch their places and writes everything. Returns them sealed, in order.
///
/// # Errors
/// The database; a lost race.
pub fn append(
    conn: &mut Conn,
    facts: &Facts,
    decided: Vec<Decided>,
    now: Instant,
    trusted: bool,
) -> Result<Vec<Event>, DbError> {
    let count = i64::try_from(decided.len()).map_err(DbError::corrupt)?;
    let trusted_at = trusted.then(|| facts.trusted_at.map_or(now, |at| at.max(now)));
    let last = db::take_places(conn, count, trusted_at)?;
    let mut heads = Heads { facts, moved: HashMap::new(), order: Vec::new() };
    let mut events = Vec::with_capacity(decided.len());
    let mut rows = Vec::with_capacity(decided.len());
    let mut privates = Vec::new();
    let mut settled = Vec::new();
    for (log_index, decided) in (last - count + 1..).zip(decided) {
        privates.extend(decided.private.map(|private| (decided.event.id, private)));
        settled.extend(decided.settles.map(|id| (id, decided.event.actor_id.cast())));
        let (seq, prev_hash) = heads.next(decided.event.stream);
        let (kind, data) = decided.event.data.to_stored().map_err(DbError::corrupt)?;
        let data = data.to_string();
        let position = Position { log_index, seq, prev_hash };
        let event = seal(decided.event, &kind, &data, position).map_err(DbError::corrupt)?;
        heads.moved_to(&event);
        rows.push(EventRow::new(&event, kind, data));
        events.push(event);
    }
    write_cylinders(conn, facts, &heads)?;
    write_labels(conn, facts, now)?;
    db::insert_events(conn, &rows)?;
    heads.write_streams(conn)?;
    write_projections(conn, facts, &events)?;
    for (event_id, private) in privates {
        db::insert_private(conn, event_id, &private.salt, &private.data.to_string(), now)?;
    }
    for (id, by) in settled {
        db::approve_owner_change(conn, id, by, now)?;
    }
    Ok(events)
}

/// The heads of the chains while events are added to them.
struct Heads<'a> {
    facts: &'a Facts,
    moved: HashMap<StreamId, (i64, [u8; 32])>,
    order: Vec<Stream>,
}

impl Heads<'_> {
    fn stored(&self, stream: Stream) -> Option<(i64, [u8; 32])> {
        match stream {
            Stream::Cylinder(id) => {
                let fact = self.facts.cylinders.get(&id)?;
                fact.stored_version.map(|version| (version, fact.stored_hash))
            }
            Stream::Site(_) | Stream::Organization(_) => self.facts.streams.get(&stream.id()).copied(),
        }
    }

    fn next(&self, stream: Stream) -> (i64, [u8; 32]) {
        let head = self.moved.get(&stream.id()).copied().or_else(|| self.stored(stream));
        head.map_or((1, GENESIS), |(seq, hash)| (seq + 1, hash))
    }

    fn moved_to(&mut self, event: &Event) {
        let stream = event.event.stream;
        if self.moved.insert(stream.id(), (event.seq, event.hash)).is_none() {
            self.order.push(stream);
        }
    }

    fn write_streams(&self, conn: &mut Conn) -> Result<(), DbError> {
        let mut streams: Vec<_> = self.order.iter().filter(|s| s.cylinder().is_none()).copied().collect();
        // A fixed order, so that two writers on one database can't wait for each other.
        streams.sort_unstable();
        for stream in streams {
            if let Some((seq, hash)) = self.moved.get(&stream.id()) {
                let from = self.stored(stream).map(|(seq, _)| seq);
                db::move_stream(conn, stream.id(), stream.kind(), from, (*seq, hash.as_slice()))?;
            }
        }
        Ok(())
    }
}

fn write_cylinders(conn: &mut Conn, facts: &Facts, heads: &Heads<'_>) -> Result<(), DbError> {
    let mut new = Vec::new();
    let mut moved = Vec::new();
    for id in &facts.dirty.cylinders {
        let (Some(fact), Some((version, head_hash))) = (facts.cylinders.get(id), heads.moved.get(&id.cast()))
        else {
            continue;
        };
        let columns = CylinderColumns::new(&CylinderRow {
            cylinder: fact.cylinder.clone(),
            version: *version,
            head_hash: *head_hash,
            seen_in: fact.seen_in.clone(),
        })?;
        match fact.stored_version {
            None => new.push(columns),
            Some(stored) => moved.push((columns, stored)),
        }
    }
    db::insert_cylinders(conn, &new)?;
    db::update_cylinders(conn, &moved)
}

fn write_labels(conn: &mut Conn, facts: &Facts, now: Instant) -> Result<(), DbError> {
    // Labels that the batch both made and ended are inserted as they ended.
    let is_new = |id: &LabelId| facts.dirty.new_labels.iter().any(|row| row.id == *id);
    for (id, status) in facts.dirty.ended_labels.iter().filter(|(id, _)| !is_new(id)) {
        db::end_label(conn, id, *status, now)?;
    }
    let rows: Vec<_> =
        facts.dirty.new_labels.iter().map(|row| facts.labels.get(&row.id).unwrap_or(row).clone()).collect();
    db::insert_labels(conn, &rows, now)
}

fn write_projections(conn: &mut Conn, facts: &Facts, events: &[Event]) -> Result<(), DbError> {
    let stored = |id| facts.dirty.stored_scale_permits.get(id).copied();
    let permits = facts.dirty.scale_permits.iter();
    let permits: Vec<_> =
        permits.filter_map(|id| facts.scale_permits.get(id).map(|row| (*row, stored(id)))).collect();
    db::put_scale_permits(conn, &permits)?;
    let new: Vec<FillRow> = events
        .iter()
        .filter(|event| facts.dirty.new_fills.contains(&event.event.id))
        .filter_map(|event| facts.fills.get(&event.event.id).map(|row| (event, row)))
        .map(|(event, row)| FillRow { log_index: event.log_index, ..row.clone() })
        .collect();
    db::insert_fills(conn, &new)?;
    for id in facts.dirty.changed_fills.iter().filter(|id| !facts.dirty.new_fills.contains(id)) {
        if let Some(row) = facts.fills.get(id) {
            db::update_fill(conn, row)?;
        }
    }
    Ok(())
}
