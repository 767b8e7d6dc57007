//! Use cases, one file per command or query: authorize → gather → decide → persist. What touches a cylinder is a command for
//! the ledger; everything else is an ordinary transaction.

pub mod custody;
pub mod cylinder;
pub mod fill;
pub mod inspection;
pub mod label;
pub mod public;
pub mod query;
pub mod registry;
pub mod scan;
pub mod session;
pub mod standing;
pub mod target;
pub mod transfer;

use std::sync::Arc;

use chrono_tz::Tz;
use serde::Serialize;
use tokio::sync::Semaphore;

use crate::auth::backoff::Backoff;
use crate::auth::keyring::Keyring;
use crate::auth::permission::{Action, Scope, authorize};
use crate::auth::token::Tokens;
use crate::clock::{Clock, IdGen};
use crate::db::DbError;
use crate::db::conn::{Conn, DbPool};
use crate::db::registry::Reach;
use crate::db::sessions::IdempotencyRecord;
use crate::db::tx::write_tx;
use crate::db::{facts, registry as db};
use crate::domain::actor::{Actor, Credential};
use crate::domain::instant::Moment;
use crate::error::{Code, Result};
use crate::ledger::{Call, Writer};

/// Everything a call may need.
pub struct App {
    /// Connections for reads and for what is no cylinder.
    pub pool: DbPool,
    /// The one way to write an event.
    pub writer: Writer,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Ids and chance.
    pub ids: Arc<dyn IdGen>,
    /// Keys of labels and tokens.
    pub keyring: Arc<Keyring>,
    /// Access tokens.
    pub tokens: Tokens,
    /// Who must wait before the next login.
    pub backoff: Backoff,
    /// How many passwords are hashed at once: each takes 19 MiB and most of a core.
    pub hashing: Semaphore,
    /// Time zone in which days are counted.
    pub zone: Tz,
    /// Address of the service as printed on labels.
    pub public_url: String,
    /// Days without an event after which the clock is not believed.
    pub clock_gap_days: i64,
}

/// Somebody at work on a connection, with what they may do.
pub struct Session<'a> {
    /// The connection, inside a transaction for writes.
    pub conn: &'a mut Conn,
    /// Who.
    pub actor: Actor,
    /// How far the action reaches for them.
    pub scope: Scope,
    /// When.
    pub now: Moment,
    /// Ids and chance.
    pub ids: &'a dyn IdGen,
}

/// The answer to a write: its body as JSON text, as it was stored with the effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// JSON.
    pub body: String,
    /// Whether an earlier call under the same key made it.
    pub replayed: bool,
}

/// Who is behind a credential, if it is good now.
///
/// # Errors
/// 401 if it is not.
pub fn actor(conn: &mut Conn, credential: Credential, now: Moment) -> Result<Actor> {
    let found = facts::actors(conn, &[credential], now.at)?;
    let actor = found.into_iter().find(|(of, _)| *of == credential).map(|(_, actor)| actor);
    actor.ok_or_else(|| Code::TokenInvalid.into())
}

impl App {
    /// The moment a call is served.
    pub fn now(&self) -> Moment {
        Moment::new(self.clock.now(), self.zone)
    }

    /// Looks something up.
    ///
    /// # Errors
    /// 401, 403, whatever `work` says, or the database.
    pub fn read<T>(
        &self,
        credential: Credential,
        action: Action,
        work: impl FnOnce(&mut Session<'_>) -> Result<T>,
    ) -> Result<T> {
        let mut conn = self.pool.get()?;
        let now = self.now();
        let actor = actor(&mut conn, credential, now)?;
        let scope = authorize(&actor, action)?;
        work(&mut Session { conn: &mut conn, actor, scope, now, ids: &*self.ids })
    }

    /// Writes something that is no cylinder, in one transaction with the record of its idempotency key.
    ///
    /// # Errors
    /// 401, 403, a key that came with another body before, whatever `work` says, or the database.
    pub fn write<T: Serialize>(
        &self,
        call: &Call,
        action: Action,
        mut work: impl FnMut(&mut Session<'_>) -> Result<T>,
    ) -> Result<Answer> {
        let mut conn = self.pool.get()?;
        let now = self.now();
        write_tx(&mut conn, |conn| {
            let actor = actor(conn, call.credential, now)?;
            let principal_id = actor.principal();
            if let Some(key) = &call.idempotency
                && let Some(record) = IdempotencyRecord::find(conn, principal_id, key)?
            {
                if record.body_digest != key.body_digest {
                    return Err(Code::IdempotencyKeyReused.into());
                }
                return Ok(Answer { body: record.body, replayed: true });
            }
            let scope = authorize(&actor, action)?;
            let value = work(&mut Session { conn, actor, scope, now, ids: &*self.ids })?;
            let body = serde_json::to_string(&value).map_err(DbError::corrupt)?;
            if let Some(key) = &call.idempotency {
                let record = IdempotencyRecord {
                    principal_id,
                    route: key.route.clone(),
                    key: key.key.clone(),
                    body_digest: key.body_digest.to_vec(),
                    body: body.clone(),
                    recorded_at: now.at,
                };
                record.insert(conn)?;
            }
            Ok(Answer { body, replayed: false })
        })
    }
}

impl Session<'_> {
    /// Whose rows the actor may see.
    pub fn reach(&self) -> Reach {
        match self.scope {
            Scope::All => Reach::All,
            Scope::Own => Reach::Own(self.actor.organization_id),
            Scope::District => Reach::District(self.actor.scope.clone()),
        }
    }

    /// An organization, if the actor may see it.
    ///
    /// # Errors
    /// 404, or the database.
    pub fn organization(&mut self, id: crate::domain::id::OrganizationId) -> Result<db::OrganizationRow> {
        let row = db::OrganizationRow::get(self.conn, id)?;
        let seen = row.filter(|row| match self.scope {
            Scope::All => true,
            Scope::Own => row.id == self.actor.organization_id,
            Scope::District => self.actor.scope.covers(&row.district_code),
        });
        seen.ok_or_else(|| Code::OrganizationNotFound.into())
    }
}
