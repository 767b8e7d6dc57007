//! The audit log: one chain of rows, and its head.

use diesel::prelude::*;

use super::conn::Conn;
use super::registry::{Page, Reach};
use super::schema::{audit_head, audit_log, device_keys, organizations, scales, sessions, users};
use super::{DbError, one};
use crate::domain::actor::Credential;
use crate::domain::audit::{Outcome, Who};
use crate::domain::id::{OrganizationId, PrincipalId, ScaleId, UserId};
use crate::domain::instant::Instant;
use crate::on_backend;

/// An entry as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = audit_log)]
pub struct AuditRow {
    /// Place in the log, from 1, without gaps.
    pub seq: i64,
    /// When.
    pub at: Instant,
    /// Who.
    pub actor_id: Option<PrincipalId>,
    /// Their organization.
    pub organization_id: Option<OrganizationId>,
    /// What.
    pub action: String,
    /// How it ended.
    pub outcome: Outcome,
    /// By which route or command.
    pub route: String,
    /// Canonical JSON.
    pub subject: String,
    /// Hash of the entry before it.
    pub prev_hash: Vec<u8>,
    /// Its hash.
    pub hash: Vec<u8>,
}

/// The place and the hash of the last entry.
pub type Head = (i64, Vec<u8>);

/// The head; nobody else moves it until the end of the transaction.
///
/// # Errors
/// The database.
pub fn lock_head(conn: &mut Conn) -> Result<Head, DbError> {
    let query = audit_head::table.select((audit_head::seq, audit_head::hash));
    Ok(match conn {
        // The transaction itself holds the only lock there is.
        Conn::Sqlite(c) => query.first(c)?,
        Conn::Postgres(c) => query.for_update().first(c)?,
    })
}

/// The head as it is.
///
/// # Errors
/// The database.
pub fn head(conn: &mut Conn) -> Result<Option<Head>, DbError> {
    Ok(on_backend!(conn, c => audit_head::table
        .select((audit_head::seq, audit_head::hash))
        .first(c)
        .optional())?)
}

impl AuditRow {
    /// Adds it behind the head and makes it the head.
    ///
    /// # Errors
    /// The database.
    pub fn append(&self, conn: &mut Conn) -> Result<(), DbError> {
        on_backend!(conn, c => diesel::insert_into(audit_log::table).values(self).execute(c))?;
        let before = audit_head::table.filter(audit_head::seq.eq(self.seq - 1));
        let moved = (audit_head::seq.eq(self.seq), audit_head::hash.eq(&self.hash));
        one(on_backend!(conn, c => diesel::update(before).set(moved).execute(c))?)
    }
}

/// The entries behind a place, in order.
///
/// # Errors
/// The database.
pub fn after(conn: &mut Conn, seq: i64, limit: i64) -> Result<Vec<AuditRow>, DbError> {
    Ok(on_backend!(conn, c => audit_log::table
        .filter(audit_log::seq.gt(seq))
        .order(audit_log::seq)
        .limit(limit)
        .select(AuditRow::as_select())
        .load(c))?)
}

/// The places behind a place, in order: also those whose entries can't be read.
///
/// # Errors
/// The database.
pub fn places_after(conn: &mut Conn, seq: i64, limit: i64) -> Result<Vec<i64>, DbError> {
    Ok(on_backend!(conn, c => audit_log::table
        .filter(audit_log::seq.gt(seq))
        .order(audit_log::seq)
        .limit(limit)
        .select(audit_log::seq)
        .load(c))?)
}

/// Which entries to list.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// Of whom.
    pub actor: Option<PrincipalId>,
    /// What.
    pub action: Option<String>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// From when on.
    pub since: Option<Instant>,
}

/// Entries within reach, newest first; `after` is the place of the last one seen.
///
/// # Errors
/// The database.
pub fn list(
    conn: &mut Conn,
    reach: &Reach,
    filter: &AuditFilter,
    page: &Page<i64>,
) -> Result<Vec<AuditRow>, DbError> {
    use audit_log as t;
    Ok(on_backend!(conn, c => {
        let mut query = t::table.order(t::seq.desc()).limit(page.limit).select(AuditRow::as_select()).into_boxed();
        match reach {
            Reach::All => {}
            Reach::Own(id) => query = query.filter(t::organization_id.eq(*id)),
            Reach::District(_) => {
                let there = organizations::table
                    .filter(organizations::district_code.like(reach.district_pattern()))
                    .select(organizations::id.nullable());
                query = query.filter(t::organization_id.eq_any(there));
            }
        }
        if let Some(actor) = filter.actor {
            query = query.filter(t::actor_id.eq(actor));
        }
        if let Some(action) = &filter.action {
            query = query.filter(t::action.eq(action));
        }
        if let Some(outcome) = filter.outcome {
            query = query.filter(t::outcome.eq(outcome));
        }
        if let Some(since) = filter.since {
            query = query.filter(t::at.ge(since));
        }
        if let Some(after) = page.after {
            query = query.filter(t::seq.lt(after));
        }
        query.load(c)
    })?)
}

/// Who is behind a credential, good or not any more; nobody if it never was one of ours.
///
/// # Errors
/// The database.
pub fn behind(conn: &mut Conn, credential: Credential) -> Result<Option<Who>, DbError> {
    match credential {
        Credential::Session { session_id, .. } => {
            let found: Option<(UserId, OrganizationId)> = on_backend!(conn, c => sessions::table
                .inner_join(users::table)
                .filter(sessions::id.eq(session_id))
                .select((users::id, users::organization_id))
                .first(c)
                .optional())?;
            Ok(found.map(|(user, organization)| Who::of(user.cast(), organization)))
        }
        Credential::Device { key_digest } => {
            let found: Option<(ScaleId, OrganizationId)> = on_backend!(conn, c => device_keys::table
                .inner_join(scales::table)
                .filter(device_keys::digest.eq(key_digest.to_vec()))
                .select((scales::id, scales::organization_id))
                .first(c)
                .optional())?;
            Ok(found.map(|(scale, organization)| Who::of(scale.cast(), organization)))
        }
    }
}
