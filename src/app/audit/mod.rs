//! The audit log: every act that is no act on a cylinder (those are events), and every call that was denied. An act is written
//! in the transaction of its effect; for denials see [`denials`].

pub mod denials;
mod list;
mod subject;

pub use list::{AuditView, entries};
pub use subject::Audited;

use self::denials::Denial;
use super::App;
use crate::db::audit_log::behind;
use crate::db::conn::Conn;
use crate::db::tx::write_tx;
use crate::domain::audit::{Act, Who};
use crate::domain::instant::Instant;
use crate::error::{Class, Code, Error, Result};
use crate::ledger::{Call, audit};
use serde_json::{Value, json};

/// Whether an error says that somebody may not.
pub fn is_denial(error: &Error) -> bool {
    matches!(error.code.class(), Class::Forbidden | Class::Unauthenticated)
}

/// Writes an act that was typed on the machine of the service, in the transaction of its effect.
///
/// # Errors
/// The database.
pub fn typed(conn: &mut Conn, at: Instant, action: &str, command: &str, subject: Value) -> Result<()> {
    Ok(audit::append(conn, &Act::done(at, Who::default(), action, command, subject))?)
}

/// Believes the machine's clock as it stands.
///
/// # Errors
/// The database.
pub fn trust_clock(conn: &mut Conn, at: Instant) -> Result<()> {
    write_tx(conn, |conn| {
        crate::db::history::trust_clock(conn, at)?;
        typed(conn, at, "trust_clock", "pingma admin trust-clock", json!({ "trusted_at": at }))
    })
}

impl App {
    /// Notes that a call was denied, if that is what the error says and the caller is, or was, somebody of ours.
    pub fn deny(&self, conn: &mut Conn, call: &Call, action: &'static str, error: &Error) {
        if !is_denial(error) {
            return;
        }
        match behind(conn, call.credential) {
            Ok(Some(who)) => self.note_denial(Denial::new(who, action, &call.route, error.code)),
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, action, "a denial is missing in the audit log"),
        }
    }

    /// The same for an act on a cylinder.
    pub fn deny_command(&self, call: &Call, action: &'static str, error: &Error) {
        match self.pool.get() {
            Ok(mut conn) => self.deny(&mut conn, call, action, error),
            Err(error) => tracing::warn!(%error, action, "a denial is missing in the audit log"),
        }
    }

    /// Notes a sign-in with the wrong password, or with a name that nobody has.
    pub(super) fn deny_log_in(&self, who: Option<Who>) {
        let who = who.unwrap_or_default();
        self.note_denial(Denial::new(who, LOG_IN.0, LOG_IN.1, Code::CredentialsWrong));
    }

    pub(super) fn note_denial(&self, denial: Denial) {
        self.denials.note(denial, self.clock.now());
    }

    /// Writes the denials that may be written now, or all of them; says how many entries that made.
    ///
    /// # Errors
    /// The database; they wait on.
    pub fn record_denials(&self, conn: &mut Conn, at_the_end: bool) -> Result<usize> {
        let waiting = self.denials.take(self.clock.now(), at_the_end);
        if waiting.is_empty() {
            return Ok(0);
        }
        let written: Result<()> = write_tx(conn, |conn| {
            waiting.iter().try_for_each(|one| Ok(audit::append(conn, &denials::act(one))?))
        });
        let count = waiting.len();
        if written.is_err() {
            self.denials.put_back(waiting);
        }
        written.map(|()| count)
    }
}

/// Acts on sessions: action and route.
pub(super) const LOG_IN: (&str, &str) = ("log_in", "POST /api/v1/auth/login");
pub(super) const REFRESH: (&str, &str) = ("refresh_session", "POST /api/v1/auth/refresh");
