//! Reading the audit log.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::super::Session;
use crate::db::DbError;
use crate::db::audit_log::{self as db, AuditFilter, AuditRow};
use crate::db::registry::Page;
use crate::digest::hex;
use crate::domain::audit::Outcome;
use crate::domain::id::{OrganizationId, PrincipalId};
use crate::domain::instant::Instant;
use crate::error::Result;

/// An entry of the audit log.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditView {
    /// Place in the log, from 1, without gaps.
    pub seq: i64,
    /// When; of calls denied again and again, the last of them.
    pub at: Instant,
    /// Who: a user or a scale; null for what was typed on the machine and for names that nobody has.
    pub actor_id: Option<PrincipalId>,
    /// Their organization.
    pub organization_id: Option<OrganizationId>,
    /// What, as in the table of permissions; sessions and commands have words of their own.
    pub action: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Method and pattern of the route, or the command that was typed.
    pub route: String,
    /// What it was about; of a denial its `code`, and how many `times`.
    pub subject: Value,
    /// Hash of the entry before it.
    pub prev_hash: String,
    /// Its hash.
    pub hash: String,
}

impl AuditView {
    /// An entry to show.
    ///
    /// # Errors
    /// Its subject can't be read.
    pub fn new(row: AuditRow) -> Result<Self> {
        Ok(Self {
            seq: row.seq,
            at: row.at,
            actor_id: row.actor_id,
            organization_id: row.organization_id,
            action: row.action,
            outcome: row.outcome,
            route: row.route,
            subject: serde_json::from_str(&row.subject).map_err(DbError::corrupt)?,
            prev_hash: hex(&row.prev_hash),
            hash: hex(&row.hash),
        })
    }
}

/// Entries within reach, newest first: of acts of the own organization, of organizations in the district, or all.
///
/// # Errors
/// The database.
pub fn entries(session: &mut Session<'_>, filter: &AuditFilter, page: &Page<i64>) -> Result<Vec<AuditRow>> {
    Ok(db::list(session.conn, &session.reach(), filter, page)?)
}
