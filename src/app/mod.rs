//! Use cases, one file per command or query: authorize → gather → decide → persist. What touches a cylinder is a command for
//! the ledger; everything else is an ordinary transaction.

pub mod audit;
pub mod custody;
pub mod cylinder;
mod event_view;
pub mod fill;
pub mod inspection;
pub mod label;
pub mod masking;
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

use self::audit::Audited;
use self::audit::denials::Denials;
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
use crate::db::{audit_log, facts, registry as db};
use crate::domain::actor::{Actor, Credential};
use crate::domain::audit::{Act, Who};
use crate::domain::id::PrincipalId;
use crate::domain::instant::Moment;
use crate::error::{Code, Result};
use crate::ledger::{self, Call, Writer};

/// Everything a call may need.
pub struct App {
    /// Connections for what only reads, or writes what waits for nobody.
    pub pool: DbPool,
    /// Connections for what writes and is no cylinder. A commit may hang, behind a standby that is away: it must not take those
    /// of readers along.
    pub writers: DbPool,
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
    /// Denied calls on their way into the audit log.
    pub denials: Denials,
    /// How many passwords are hashed at once: each takes 19 MiB and most of a core.
    pub hashing: Arc<Semaphore>,
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
    /// What the audit log is to say besides how the thing stands afterwards.
    pub note: Option<&'static str>,
}

/// The answer to a write: its body as JSON text, as it was stored with the effect; a secret in it was not stored.
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
    let actor = found.into_iter().find(|found| found.credential == credential).map(|found| found.actor);
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
        call: &Call,
        action: Action,
        work: impl FnOnce(&mut Session<'_>) -> Result<T>,
    ) -> Result<T> {
        self.look(call, action.as_str(), |actor| authorize(actor, action), work)
    }

    /// Looks up what is the caller's own and needs no permission. `what` is the word for the audit log.
    ///
    /// # Errors
    /// 401, whatever `work` says, or the database.
    pub fn read_own<T>(
        &self,
        call: &Call,
        what: &'static str,
        work: impl FnOnce(&mut Session<'_>) -> Result<T>,
    ) -> Result<T> {
        self.look(call, what, |_| Ok(Scope::Own), work)
    }

    fn look<T>(
        &self,
        call: &Call,
        action: &'static str,
        allowed: impl FnOnce(&Actor) -> Result<Scope>,
        work: impl FnOnce(&mut Session<'_>) -> Result<T>,
    ) -> Result<T> {
        let mut conn = self.pool.get()?;
        let now = self.now();
        let looked = actor(&mut conn, call.credential, now).and_then(|actor| {
            let scope = allowed(&actor)?;
            work(&mut Session { conn: &mut conn, actor, scope, now, ids: &*self.ids, note: None })
        });
        looked.inspect_err(|error| self.deny(&mut conn, call, action, error))
    }

    /// Writes something that is no cylinder, in one transaction with the record of its idempotency key and its entry in the
    /// audit log.
    ///
    /// # Errors
    /// 401, 403, a key that came with another body before, whatever `work` says, or the database.
    pub fn write<T: Serialize + Audited>(
        &self,
        call: &Call,
        action: Action,
        mut work: impl FnMut(&mut Session<'_>) -> Result<T>,
    ) -> Result<Answer> {
        let mut conn = self.writers.get()?;
        let now = self.now();
        let written = write_tx(&mut conn, |conn| self.write_in(conn, call, action, now, &mut work));
        written.inspect_err(|error| self.deny(&mut conn, call, action.as_str(), error))
    }

    fn write_in<T: Serialize + Audited>(
        &self,
        conn: &mut Conn,
        call: &Call,
        action: Action,
        now: Moment,
        work: &mut impl FnMut(&mut Session<'_>) -> Result<T>,
    ) -> Result<Answer> {
        let actor = actor(conn, call.credential, now)?;
        let who = Who::of(actor.principal(), actor.organization_id);
        if let Some(answer) = replayed(conn, call, actor.principal())? {
            // What an earlier call left is told only when a standby that is waited for has it too: this waits for it.
            audit_log::lock_head(conn)?;
            return Ok(answer);
        }
        let scope = authorize(&actor, action)?;
        let mut session = Session { conn: &mut *conn, actor, scope, now, ids: &*self.ids, note: None };
        let value = work(&mut session)?;
        let mut subject = value.subject();
        if let (Some(note), Some(members)) = (session.note, subject.as_object_mut()) {
            members.insert("note".to_owned(), note.into());
        }
        let body = serde_json::to_string(&value).map_err(DbError::corrupt)?;
        if let (Some(key), Some(principal_id)) = (&call.idempotency, who.actor_id) {
            let record = IdempotencyRecord {
                principal_id,
                route: key.route.clone(),
                key: key.key.clone(),
                body_digest: key.body_digest.to_vec(),
                body: value.kept().map_or_else(|| body.clone(), |kept| kept.to_string()),
                recorded_at: now.at,
            };
            record.insert(conn)?;
        }
        ledger::audit::append(conn, &Act::done(now.at, who, action.as_str(), &call.route, subject))?;
        Ok(Answer { body, replayed: false })
    }
}

/// The answer that was given under the same key before.
fn replayed(conn: &mut Conn, call: &Call, principal: PrincipalId) -> Result<Option<Answer>> {
    let Some(key) = &call.idempotency else { return Ok(None) };
    let Some(record) = IdempotencyRecord::find(conn, principal, key)? else { return Ok(None) };
    if record.body_digest != key.body_digest {
        return Err(Code::IdempotencyKeyReused.into());
    }
    Ok(Some(Answer { body: record.body, replayed: true }))
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
