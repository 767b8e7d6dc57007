//! Writes what a batch decided: places, hashes, rows, all in the transaction of the batch.

use std::collections::HashMap;

use super::chain::{GENESIS, Position, seal};
use super::command::{Decided, Private};
use super::facts::Facts;
use crate::db::DbError;
use crate::db::append::{self as db, CylinderColumns};
use crate::db::conn::Conn;
use crate::db::facts::{self, EventRow, FillRow, ScalePermitRow};
use crate::domain::event::{Event, NewEvent};
use crate::domain::id::{CylinderId, OwnerChangeId, StreamId};
use crate::domain::instant::Instant;
use crate::domain::label_code::LabelId;
use crate::domain::stream::Stream;

/// What a command decided, written out but for its place and hash.
pub(super) struct Draft {
    event: NewEvent,
    kind: String,
    data: String,
    private: Option<Private>,
    settles: Option<OwnerChangeId>,
}

impl Draft {
    /// Writes out what was decided.
    ///
    /// # Errors
    /// Never for these types; serde's signature has one.
    pub(super) fn of(decided: Decided) -> Result<Self, DbError> {
        let (kind, data) = decided.event.data.to_stored().map_err(DbError::corrupt)?;
        Ok(Self {
            kind,
            data: data.to_string(),
            event: decided.event,
            private: decided.private,
            settles: decided.settles,
        })
    }
}

/// The heads of the chains that a batch moved, in the order in which it did.
#[derive(Default)]
pub(super) struct Heads {
    moved: HashMap<StreamId, (i64, [u8; 32])>,
    order: Vec<Stream>,
}

impl Heads {
    fn moved_to(&mut self, event: &Event) {
        let stream = event.event.stream;
        if self.moved.insert(stream.id(), (event.seq, event.hash)).is_none() {
            self.order.push(stream);
        }
    }
}

/// The heads of the chains while events are added to them.
struct Chains<'a> {
    facts: &'a Facts,
    /// What the batch before left, where the facts rest upon it.
    before: &'a Heads,
    heads: Heads,
}

impl Chains<'_> {
    /// A chain's head before this batch; `None` if the chain begins with it.
    fn stored(&self, stream: Stream) -> Result<Option<(i64, [u8; 32])>, DbError> {
        match stream {
            Stream::Cylinder(id) => self.stored_cylinder(id),
            Stream::Site(_) | Stream::Organization(_) => Ok(self.facts.streams.get(&stream.id()).copied()),
        }
    }

    fn stored_cylinder(&self, id: CylinderId) -> Result<Option<(i64, [u8; 32])>, DbError> {
        let Some(fact) = self.facts.cylinders.get(&id) else {
            return Ok(None);
        };
        match (fact.stored_version, fact.stored_hash) {
            (None, _) => Ok(None),
            (Some(version), Some(hash)) => Ok(Some((version, hash))),
            // Foreseen from the batch before, which gave the hash only when it was written.
            (Some(version), None) => {
                let head = self.before.moved.get(&id.cast()).filter(|(seq, _)| *seq == version);
                head.copied().map(Some).ok_or(DbError::Conflict)
            }
        }
    }

    fn next(&self, stream: Stream) -> Result<(i64, [u8; 32]), DbError> {
        let head = match self.heads.moved.get(&stream.id()) {
            Some(head) => Some(*head),
            None => self.stored(stream)?,
        };
        Ok(head.map_or((1, GENESIS), |(seq, hash)| (seq + 1, hash)))
    }

    fn seal(&mut self, draft: Draft, log_index: i64) -> Result<(Event, EventRow), DbError> {
        let (seq, prev_hash) = self.next(draft.event.stream)?;
        let position = Position { log_index, seq, prev_hash };
        let event = seal(draft.event, &draft.kind, &draft.data, position).map_err(DbError::corrupt)?;
        self.heads.moved_to(&event);
        let row = EventRow::new(&event, draft.kind, draft.data);
        Ok((event, row))
    }

    fn write_streams(&self, conn: &mut Conn) -> Result<(), DbError> {
        let mut streams: Vec<_> =
            self.heads.order.iter().filter(|s| s.cylinder().is_none()).copied().collect();
        // A fixed order, so that two writers on one database can't wait for each other.
        streams.sort_unstable();
        for stream in streams {
            if let Some((seq, hash)) = self.heads.moved.get(&stream.id()) {
                let from = self.stored(stream)?.map(|(seq, _)| seq);
                db::move_stream(conn, stream.id(), stream.kind(), from, (*seq, hash.as_slice()))?;
            }
        }
        Ok(())
    }
}

/// Gives the events of a batch their places and writes everything. Returns them sealed, in order. `before` are the heads that
/// the batch before left; those of this one take their place.
///
/// # Errors
/// The database; a lost race.
pub(super) fn append(
    conn: &mut Conn,
    facts: &Facts,
    drafts: Vec<Draft>,
    (now, trusted): (Instant, bool),
    before: &mut Heads,
) -> Result<Vec<Event>, DbError> {
    let count = i64::try_from(drafts.len()).map_err(DbError::corrupt)?;
    let last = db::take_places(conn, count, facts.trusted_at.filter(|_| trusted))?;
    let mut chains = Chains { facts, before, heads: Heads::default() };
    let mut events = Vec::with_capacity(drafts.len());
    let mut rows = Vec::with_capacity(drafts.len());
    let mut privates = Vec::new();
    let mut settled = Vec::new();
    for (log_index, mut draft) in (last - count + 1..).zip(drafts) {
        privates.extend(draft.private.take().map(|private| (draft.event.id, private)));
        settled.extend(draft.settles.map(|id| (id, draft.event.actor_id.cast())));
        let (event, row) = chains.seal(draft, log_index)?;
        rows.push(row);
        events.push(event);
    }
    write_cylinders(conn, facts, &chains.heads)?;
    write_labels(conn, facts, now)?;
    db::insert_events(conn, &rows)?;
    chains.write_streams(conn)?;
    write_projections(conn, facts, &events)?;
    for (event_id, private) in privates {
        db::insert_private(conn, event_id, &private.salt, &private.data.to_string(), now)?;
    }
    for (id, by) in settled {
        db::approve_owner_change(conn, id, by, now)?;
    }
    let heads = chains.heads;
    *before = heads;
    Ok(events)
}

fn write_cylinders(conn: &mut Conn, facts: &Facts, heads: &Heads) -> Result<(), DbError> {
    let mut new = Vec::new();
    let mut moved = Vec::new();
    for id in &facts.dirty.cylinders {
        let (Some(fact), Some((version, head_hash))) = (facts.cylinders.get(id), heads.moved.get(&id.cast()))
        else {
            continue;
        };
        let columns = CylinderColumns::new(&fact.cylinder, &fact.seen_in, *version, head_hash)?;
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

/// A fill rests on its permit being the newest of its scale. Where the batch gives no other on that scale, nothing it writes would
/// tell that somebody else did; nobody can any more, since the places in the ledger are taken.
fn guard_scale_permits(conn: &mut Conn, batch: &Facts) -> Result<(), DbError> {
    let only_read = batch.dirty.filled_on.difference(&batch.dirty.scale_permits);
    let scales: Vec<_> = only_read.copied().collect();
    let moved =
        |row: &ScalePermitRow| batch.dirty.stored_scale_permits.get(&row.scale_id) != Some(&row.version);
    if facts::scale_permits(conn, &scales)?.iter().any(moved) { Err(DbError::Conflict) } else { Ok(()) }
}

fn write_projections(conn: &mut Conn, facts: &Facts, events: &[Event]) -> Result<(), DbError> {
    let stored = |id| facts.dirty.stored_scale_permits.get(id).copied();
    let permits = facts.dirty.scale_permits.iter();
    let permits: Vec<_> =
        permits.filter_map(|id| facts.scale_permits.get(id).map(|row| (*row, stored(id)))).collect();
    db::put_scale_permits(conn, &permits)?;
    guard_scale_permits(conn, facts)?;
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
