//! Events, the heads of chains, the clock.

use super::super::DbError;
use super::super::conn::Conn;
use super::super::schema::{events, ledger_head, streams};
use super::hash;
use crate::db::among::among;
use crate::domain::event::{Event, EventData, Idempotency, NewEvent};
use crate::domain::finding::Finding;
use crate::domain::id::{EventId, OrganizationId, PrincipalId, SiteId, StreamId};
use crate::domain::instant::Instant;
use crate::domain::stream::Stream;
use crate::on_backend;
use diesel::prelude::*;
use serde::Deserialize;

/// The newest instant at which the clock was believed.
///
/// # Errors
/// The database.
pub fn trusted_at(conn: &mut Conn) -> Result<Option<Instant>, DbError> {
    Ok(on_backend!(conn, c => ledger_head::table.select(ledger_head::trusted_at).get_result(c))?)
}

/// The heads of chains that are no cylinder's.
///
/// # Errors
/// The database.
pub fn streams(conn: &mut Conn, ids: &[StreamId]) -> Result<Vec<(StreamId, i64, [u8; 32])>, DbError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<(StreamId, i64, Vec<u8>)> = on_backend!(conn, c => streams::table
        .filter(among(streams::id, ids))
        .select((streams::id, streams::seq, streams::head_hash))
        .load(c))?;
    rows.into_iter().map(|(id, seq, head)| Ok((id, seq, hash(head)?))).collect()
}

/// An event as stored.
// What is none is written as NULL, so that the statement stays the same.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = events, treat_none_as_default_value = false)]
pub struct EventRow {
    /// Place among all events.
    pub log_index: i64,
    /// Its id.
    pub id: EventId,
    /// Kind of its chain.
    pub stream_kind: String,
    /// Its chain.
    pub stream_id: StreamId,
    /// Place in its chain.
    pub stream_seq: i64,
    /// What happened.
    pub kind: String,
    /// Decision of a fill check.
    pub decision: Option<String>,
    /// Whether a finding is an alert.
    pub alert: bool,
    /// When it happened.
    pub occurred_at: Instant,
    /// When it was recorded.
    pub recorded_at: Instant,
    /// Who.
    pub actor_id: PrincipalId,
    /// Their organization.
    pub organization_id: OrganizationId,
    /// Where.
    pub site_id: Option<SiteId>,
    /// In which district.
    pub district_code: String,
    /// Canonical JSON.
    pub data: String,
    /// Method and path of the call.
    pub idempotency_route: Option<String>,
    /// The client's key.
    pub idempotency_key: Option<String>,
    /// Digest of the body.
    pub body_digest: Option<Vec<u8>>,
    /// Hash of the event before it.
    pub prev_hash: Vec<u8>,
    /// Its hash.
    pub hash: Vec<u8>,
}

impl EventRow {
    /// The row of a sealed event; `kind` and `data` are what `EventData::to_stored` wrote.
    pub fn new(event: &Event, kind: String, data: String) -> Self {
        let new = &event.event;
        let made_by = new.idempotency.as_ref();
        Self {
            log_index: event.log_index,
            id: new.id,
            stream_kind: new.stream.kind().to_owned(),
            stream_id: new.stream.id(),
            stream_seq: event.seq,
            kind,
            decision: new.data.decision().map(|d| d.as_str().to_owned()),
            alert: new.data.findings().iter().any(|f| f.alert),
            occurred_at: new.occurred_at,
            recorded_at: new.recorded_at,
            actor_id: new.actor_id,
            organization_id: new.organization_id,
            site_id: new.site_id,
            district_code: new.district_code.as_str().to_owned(),
            data,
            idempotency_route: made_by.map(|i| i.route.clone()),
            idempotency_key: made_by.map(|i| i.key.clone()),
            body_digest: made_by.map(|i| i.body_digest.to_vec()),
            prev_hash: event.prev_hash.to_vec(),
            hash: event.hash.to_vec(),
        }
    }

    /// What the rules found, where the event carries findings, without reading the rest of its content.
    ///
    /// # Errors
    /// A value that can't be read.
    pub fn findings(&self) -> Result<Vec<Finding>, DbError> {
        #[derive(Deserialize)]
        struct Judged {
            #[serde(default)]
            findings: Vec<Finding>,
        }
        let judged: Option<Judged> = serde_json::from_str(&self.data).map_err(DbError::corrupt)?;
        Ok(judged.map(|judged| judged.findings).unwrap_or_default())
    }

    /// The event.
    ///
    /// # Errors
    /// A value that can't be read.
    pub fn read(self) -> Result<Event, DbError> {
        let idempotency = match (self.idempotency_route, self.idempotency_key, self.body_digest) {
            (Some(route), Some(key), Some(digest)) => {
                Some(Idempotency { route, key, body_digest: hash(digest)? })
            }
            (None, None, None) => None,
            _ => return Err(DbError::corrupt("only a part of an idempotency key")),
        };
        let stream = Stream::from_parts(&self.stream_kind, self.stream_id);
        Ok(Event {
            event: NewEvent {
                id: self.id,
                stream: stream.ok_or_else(|| DbError::corrupt("kind of stream"))?,
                occurred_at: self.occurred_at,
                recorded_at: self.recorded_at,
                actor_id: self.actor_id,
                organization_id: self.organization_id,
                site_id: self.site_id,
                district_code: self.district_code.parse().map_err(DbError::corrupt)?,
                data: EventData::from_stored(&self.kind, &self.data).map_err(DbError::corrupt)?,
                idempotency,
            },
            log_index: self.log_index,
            seq: self.stream_seq,
            prev_hash: hash(self.prev_hash)?,
            hash: hash(self.hash)?,
        })
    }
}

/// Events by their ids.
///
/// # Errors
/// The database.
pub fn events(conn: &mut Conn, ids: &[EventId]) -> Result<Vec<EventRow>, DbError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    Ok(on_backend!(conn, c => events::table
        .filter(among(events::id, ids))
        .select(EventRow::as_select())
        .load(c))?)
}

/// Events that calls of these principals on these routes under these idempotency keys made: a key is anybody's choice, and
/// what others made under it is no business of the batch.
///
/// # Errors
/// The database.
pub fn events_by_key(
    conn: &mut Conn,
    keys: &[String],
    actors: &[PrincipalId],
    routes: &[String],
) -> Result<Vec<Event>, DbError> {
    if keys.is_empty() || actors.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<EventRow> = on_backend!(conn, c => events::table
        .filter(events::idempotency_key.is_not_null())
        .filter(among(events::idempotency_key, keys))
        .filter(among(events::actor_id, actors))
        .filter(among(events::idempotency_route, routes))
        .select(EventRow::as_select())
        .load(c))?;
    rows.into_iter().map(EventRow::read).collect()
}
