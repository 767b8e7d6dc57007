//! Signing in, staying in, getting out.

use std::net::IpAddr;

use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::audit::denials::Denial;
use super::audit::{LOG_IN, REFRESH, is_denial};
use super::registry::hash_password;
use super::{App, Session};
use crate::auth::password;
use crate::auth::secret::{OpaqueSecret, SecretKind};
use crate::db::conn::Conn;
use crate::db::registry::{OrganizationRow, UserRow};
use crate::db::sessions::{RefreshTokenRow, SessionRow, revoke_session, revoke_sessions_of};
use crate::db::tx::write_tx;
use crate::domain::audit::{Act, Outcome, Who};
use crate::domain::id::{OrganizationId, SessionId, SiteId, UserId};
use crate::domain::instant::Moment;
use crate::error::{Code, Error, Result};
use crate::ledger::{self, Call};

/// Longest life of a session, in seconds: 30 days.
const SESSION_S: i64 = 30 * 86_400;
/// An exchanged refresh token is taken once more for so long, for an answer that got lost on the way.
const GRACE_S: i64 = 10;

/// Who is signed in.
#[derive(Debug, Serialize, ToSchema)]
pub struct Me {
    /// Their id.
    pub id: UserId,
    /// The name to sign in with.
    pub username: String,
    /// Their name.
    pub display_name: String,
    /// What they may do.
    pub roles: Vec<crate::domain::actor::Role>,
    /// Their organization.
    pub organization: MyOrganization,
    /// The site they work at.
    pub site_id: Option<SiteId>,
}

/// The organization of who is signed in.
#[derive(Debug, Serialize, ToSchema)]
pub struct MyOrganization {
    /// Its id.
    pub id: OrganizationId,
    /// Its name.
    pub name: String,
    /// What it does.
    pub kinds: Vec<crate::domain::registry::OrganizationKind>,
    /// Where it sits.
    pub district_code: crate::domain::district::DistrictCode,
    /// Whether it may act.
    pub status: crate::domain::registry::OrganizationStatus,
}

/// A pair of tokens.
#[derive(Serialize, ToSchema)]
pub struct TokenPair {
    /// For `Authorization: Bearer …`.
    pub access_token: String,
    /// Always `Bearer`.
    pub token_type: &'static str,
    /// Seconds until the access token ends.
    pub expires_in: i64,
    /// For `POST /auth/refresh`; good once.
    pub refresh_token: String,
    /// Who signed in.
    pub user: Me,
}

/// Who gave the right password a moment ago.
pub struct Proven(UserRow);

/// What is new for a session: the refresh token that was just stored.
struct Rotation {
    user: UserRow,
    session_id: SessionId,
    refresh: OpaqueSecret,
}

/// What became of a refresh token. A value, not an error: the revocation of a stolen family must be committed.
enum Refreshed {
    Rotated(Box<Rotation>),
    /// It was exchanged before: somebody has a copy. The session ended, and that is on record.
    Stolen,
    /// It is not good, or not any more; whose it was.
    Denied(Option<Who>),
}

/// Words for the audit log.
const CHANGE_PASSWORD: &str = "change_password";
const LOG_OUT: &str = "log_out";

fn me(conn: &mut Conn, user: &UserRow) -> Result<Me> {
    let organization = OrganizationRow::get(conn, user.organization_id)?.ok_or(Code::Internal)?;
    Ok(Me {
        id: user.id,
        username: user.username.clone(),
        display_name: user.display_name.clone(),
        roles: user.roles.0.clone(),
        organization: MyOrganization {
            id: organization.id,
            name: organization.name,
            kinds: organization.kinds.0,
            district_code: organization.district_code,
            status: organization.status,
        },
        site_id: user.site_id,
    })
}

/// Who is signed in: a person, no scale, though a scale acts for the one whose shift it is.
///
/// # Errors
/// 403 for a scale, or the database.
pub fn who_am_i(session: &mut Session<'_>) -> Result<Me> {
    let person = session.actor.user_id.filter(|_| session.actor.device.is_none());
    let id = person.ok_or(Code::Forbidden)?;
    let user = UserRow::get(session.conn, id)?.ok_or(Code::UserNotFound)?;
    me(session.conn, &user)
}

fn who(user: &UserRow) -> Who {
    Who::of(user.id.cast(), user.organization_id)
}

fn secret_error(error: &dyn std::fmt::Display) -> Error {
    tracing::error!(%error, "auth");
    Code::Internal.into()
}

impl App {
    /// Signs in. The caller holds a permit of `hashing`.
    ///
    /// # Errors
    /// 401, 429, or the database.
    pub fn log_in(&self, username: &str, given: &SecretString, address: IpAddr) -> Result<TokenPair> {
        let proven = self.prove(username, given, address)?;
        self.open_session(&proven)
    }

    /// The first half of signing in: whose name and password it is. Outside a transaction, because hashing takes long.
    ///
    /// # Errors
    /// 401, 429, or the database.
    pub fn prove(&self, username: &str, given: &SecretString, address: IpAddr) -> Result<Proven> {
        let now = self.now();
        let attempt =
            self.backoff.check(username, address, now.at).map_err(|wait| Error::too_many(wait.seconds))?;
        let looked_up = self.pool.get().map_err(Error::from).and_then(|mut conn| {
            let named = UserRow::by_username(&mut conn, username)?;
            let who = named.as_ref().map(who);
            let user = named.filter(|user| user.active);
            // Nobody's password takes as long to check as somebody's.
            let right = match &user {
                Some(user) => password::verify(given, &user.password_hash),
                None => password::verify_nobody(given),
            };
            Ok((who, user, right.map_err(|error| secret_error(&error))?))
        });
        let (who, user, right) = match looked_up {
            Ok(found) => found,
            Err(error) => {
                self.backoff.undecided(attempt);
                return Err(error);
            }
        };
        let Some(user) = user.filter(|_| right) else {
            self.backoff.failed(attempt, self.clock.now());
            metrics::counter!("pingma_login_failures_total").increment(1);
            self.deny_log_in(who);
            return Err(Code::CredentialsWrong.into());
        };
        self.backoff.succeeded(attempt, self.clock.now());
        Ok(Proven(user))
    }

    /// The second half: begins the session, unless the login was disabled or has another password by now.
    ///
    /// # Errors
    /// 401, or the database.
    pub fn open_session(&self, proven: &Proven) -> Result<TokenPair> {
        let now = self.now();
        let mut conn = self.writers.get()?;
        let begun = write_tx(&mut conn, |conn| self.begin_session(conn, &proven.0, now));
        let rotation = begun.inspect_err(|error| {
            if is_denial(error) {
                self.deny_log_in(Some(who(&proven.0)));
            }
        })?;
        self.pair(&mut conn, &rotation, now)
    }

    /// The user is looked at again under a lock: a change of password or a disabling that was committed since the hash
    /// was checked has ended all sessions but this one, and one that comes now waits and ends this one too.
    fn begin_session(&self, conn: &mut Conn, proven: &UserRow, now: Moment) -> Result<Rotation> {
        let user = UserRow::lock(conn, proven.id)?.ok_or(Code::CredentialsWrong)?;
        if !user.active || user.password_hash != proven.password_hash {
            return Err(Code::CredentialsWrong.into());
        }
        let session = SessionRow {
            id: self.ids.id(now.at),
            user_id: user.id,
            created_at: now.at,
            expires_at: now.at.plus_seconds(SESSION_S),
            revoked_at: None,
            revoked_for: None,
        };
        session.insert(conn)?;
        let refresh = self.store_refresh(conn, session.id, 1, now)?;
        let (action, route) = LOG_IN;
        let subject = json!({ "session_id": session.id });
        ledger::audit::append(conn, &Act::done(now.at, who(&user), action, route, subject))?;
        Ok(Rotation { user, session_id: session.id, refresh })
    }

    fn store_refresh(
        &self,
        conn: &mut Conn,
        session_id: SessionId,
        generation: i64,
        now: Moment,
    ) -> Result<OpaqueSecret> {
        let refresh = OpaqueSecret::new(&*self.ids, SecretKind::Refresh);
        let row = RefreshTokenRow {
            digest: refresh.digest().to_vec(),
            session_id,
            generation,
            issued_at: now.at,
            rotated_at: None,
        };
        row.insert(conn)?;
        Ok(refresh)
    }

    fn pair(&self, conn: &mut Conn, rotation: &Rotation, now: Moment) -> Result<TokenPair> {
        let issued = self.tokens.issue(rotation.user.id, rotation.session_id, now.at);
        let (access, expires_in) = issued.map_err(|error| secret_error(&error))?;
        Ok(TokenPair {
            access_token: access.expose_secret().to_owned(),
            token_type: "Bearer",
            expires_in,
            refresh_token: rotation.refresh.text().expose_secret().to_owned(),
            user: me(conn, &rotation.user)?,
        })
    }

    /// Exchanges a refresh token for a new pair. An exchanged one that comes back ends the session: somebody has a copy.
    ///
    /// # Errors
    /// 401, or the database.
    pub fn refresh(&self, text: &str) -> Result<TokenPair> {
        let given = OpaqueSecret::parse(text, SecretKind::Refresh).map_err(|_| Code::TokenInvalid)?;
        let now = self.now();
        let mut conn = self.writers.get()?;
        match write_tx(&mut conn, |conn| self.rotate(conn, &given, now))? {
            Refreshed::Rotated(rotation) => self.pair(&mut conn, &rotation, now),
            Refreshed::Stolen => Err(Code::TokenInvalid.into()),
            Refreshed::Denied(who) => {
                if let Some(who) = who {
                    self.note_denial(Denial::new(who, REFRESH.0, REFRESH.1, Code::TokenInvalid));
                }
                Err(Code::TokenInvalid.into())
            }
        }
    }

    /// The session is locked before its tokens are looked at: between two views of the data another request may have
    /// exchanged the same token, and its successor would be exchanged for this one without either being noticed.
    fn rotate(&self, conn: &mut Conn, given: &OpaqueSecret, now: Moment) -> Result<Refreshed> {
        let Some(session_id) = RefreshTokenRow::session_of(conn, &given.digest())? else {
            return Ok(Refreshed::Denied(None));
        };
        let session = SessionRow::lock(conn, session_id)?.ok_or(Code::Internal)?;
        let token = RefreshTokenRow::get(conn, &given.digest())?.ok_or(Code::Internal)?;
        let user = UserRow::get(conn, session.user_id)?.ok_or(Code::Internal)?;
        if session.revoked_at.is_some() || session.expires_at <= now.at || !user.active {
            return Ok(Refreshed::Denied(Some(who(&user))));
        }
        let newest = RefreshTokenRow::newest(conn, session.id)?.ok_or(Code::Internal)?;
        let lost_answer = token.rotated_at.is_some_and(|at| now.at.seconds_since(at) < GRACE_S)
            && newest.generation == token.generation + 1
            && newest.rotated_at.is_none();
        if token.rotated_at.is_some() && !lost_answer {
            tracing::warn!(session = %session.id, user = %user.id, "a refresh token was used again; session revoked");
            revoke_session(conn, session.id, "a refresh token was used again", now.at)?;
            let subject = json!({ "code": "refresh_token_used_again", "session_id": session.id });
            let act = Act::done(now.at, who(&user), REFRESH.0, REFRESH.1, subject);
            ledger::audit::append(conn, &Act { outcome: Outcome::Denied, ..act })?;
            return Ok(Refreshed::Stolen);
        }
        newest.rotate(conn, now.at)?;
        let refresh = self.store_refresh(conn, session.id, newest.generation + 1, now)?;
        Ok(Refreshed::Rotated(Box::new(Rotation { user, session_id: session.id, refresh })))
    }

    /// Sets a new password and ends every session. The caller holds a permit of `hashing`.
    ///
    /// # Errors
    /// 401 for a wrong current password, 422 for a weak new one, 429, or the database.
    pub fn change_password(
        &self,
        call: &Call,
        current: &SecretString,
        new: &SecretString,
        address: IpAddr,
    ) -> Result<()> {
        let mut conn = self.writers.get()?;
        let changed = self.exchange_password(&mut conn, call, (current, new), address);
        changed.inspect_err(|error| self.deny(&mut conn, call, CHANGE_PASSWORD, error))
    }

    fn exchange_password(
        &self,
        conn: &mut Conn,
        call: &Call,
        (current, new): (&SecretString, &SecretString),
        address: IpAddr,
    ) -> Result<()> {
        let now = self.now();
        let actor = super::actor(conn, call.credential, now)?;
        let id = actor.user_id.filter(|_| actor.device.is_none()).ok_or(Code::Forbidden)?;
        let user = UserRow::get(conn, id)?.ok_or(Code::UserNotFound)?;
        let hash = hash_password(new, &user.username, "/new_password", &*self.ids)?;
        let attempt = self
            .backoff
            .check(&user.username, address, now.at)
            .map_err(|wait| Error::too_many(wait.seconds))?;
        if !password::verify(current, &user.password_hash).map_err(|error| secret_error(&error))? {
            self.backoff.failed(attempt, self.clock.now());
            return Err(Code::CredentialsWrong.into());
        }
        self.backoff.succeeded(attempt, self.clock.now());
        write_tx(conn, |conn| {
            let changed = UserRow { password_hash: hash.clone(), updated_at: now.at, ..user.clone() };
            changed.update(conn)?;
            revoke_sessions_of(conn, id, "password changed", now.at)?;
            let subject = json!({ "user_id": id });
            let act = Act::done(now.at, who(&user), CHANGE_PASSWORD, &call.route, subject);
            Ok(ledger::audit::append(conn, &act)?)
        })
    }

    /// Ends the session of a token.
    ///
    /// # Errors
    /// 401, or the database.
    pub fn log_out(&self, call: &Call) -> Result<()> {
        let now = self.now();
        let mut conn = self.writers.get()?;
        let ended = write_tx(&mut conn, |conn| {
            let actor = super::actor(conn, call.credential, now)?;
            let session = actor.session_id.ok_or(Code::Forbidden)?;
            revoke_session(conn, session, "logged out", now.at)?;
            let who = Who::of(actor.principal(), actor.organization_id);
            let act = Act::done(now.at, who, LOG_OUT, &call.route, json!({ "session_id": session }));
            Ok(ledger::audit::append(conn, &act)?)
        });
        ended.inspect_err(|error| self.deny(&mut conn, call, LOG_OUT, error))
    }
}
