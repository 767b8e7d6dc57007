//! Sessions and refresh tokens, and the stored answers of calls that are no cylinder's.

use diesel::prelude::*;

use super::conn::Conn;
use super::schema::{idempotency_records, refresh_tokens, sessions};
use super::{DbError, one};
use crate::domain::event::Idempotency;
use crate::domain::id::{PrincipalId, SessionId, UserId};
use crate::domain::instant::Instant;
use crate::on_backend;

/// A session: one login and all tokens that came from it.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = sessions)]
pub struct SessionRow {
    /// Its id.
    pub id: SessionId,
    /// Whose.
    pub user_id: UserId,
    /// When it began.
    pub created_at: Instant,
    /// When it ends at the latest.
    pub expires_at: Instant,
    /// When it was revoked.
    pub revoked_at: Option<Instant>,
    /// Why.
    pub revoked_for: Option<String>,
}

/// A refresh token, by its digest.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = refresh_tokens)]
pub struct RefreshTokenRow {
    /// SHA-256 of the token.
    pub digest: Vec<u8>,
    /// Its session.
    pub session_id: SessionId,
    /// The how-manieth of its session.
    pub generation: i64,
    /// When it was made.
    pub issued_at: Instant,
    /// When it was exchanged for the next one.
    pub rotated_at: Option<Instant>,
}

basics!(SessionRow, sessions, SessionId);
lock!(SessionRow, sessions, SessionId);

/// Ends one session.
///
/// # Errors
/// The database.
pub fn revoke_session(conn: &mut Conn, id: SessionId, why: &str, at: Instant) -> Result<(), DbError> {
    use sessions as t;
    on_backend!(conn, c => diesel::update(t::table.filter(t::id.eq(id)).filter(t::revoked_at.is_null()))
        .set((t::revoked_at.eq(at), t::revoked_for.eq(why)))
        .execute(c))?;
    Ok(())
}

/// Ends every session of a user.
///
/// # Errors
/// The database.
pub fn revoke_sessions_of(conn: &mut Conn, user: UserId, why: &str, at: Instant) -> Result<(), DbError> {
    use sessions as t;
    on_backend!(conn, c => diesel::update(t::table.filter(t::user_id.eq(user)).filter(t::revoked_at.is_null()))
        .set((t::revoked_at.eq(at), t::revoked_for.eq(why)))
        .execute(c))?;
    Ok(())
}

impl RefreshTokenRow {
    /// Adds it.
    ///
    /// # Errors
    /// The database.
    pub fn insert(&self, conn: &mut Conn) -> Result<(), DbError> {
        on_backend!(conn, c => diesel::insert_into(refresh_tokens::table).values(self).execute(c))?;
        Ok(())
    }

    /// Reads one by its digest.
    ///
    /// # Errors
    /// The database.
    pub fn get(conn: &mut Conn, digest: &[u8]) -> Result<Option<Self>, DbError> {
        use refresh_tokens as t;
        Ok(on_backend!(conn, c => t::table
            .filter(t::digest.eq(digest))
            .select(Self::as_select())
            .first(c)
            .optional())?)
    }

    /// Whose session a token is of.
    ///
    /// # Errors
    /// The database.
    pub fn session_of(conn: &mut Conn, digest: &[u8]) -> Result<Option<SessionId>, DbError> {
        use refresh_tokens as t;
        let query = t::table.filter(t::digest.eq(digest)).select(t::session_id);
        Ok(on_backend!(conn, c => query.first(c).optional())?)
    }

    /// The newest of a session.
    ///
    /// # Errors
    /// The database.
    pub fn newest(conn: &mut Conn, session: SessionId) -> Result<Option<Self>, DbError> {
        use refresh_tokens as t;
        Ok(on_backend!(conn, c => t::table
            .filter(t::session_id.eq(session))
            .order(t::generation.desc())
            .select(Self::as_select())
            .first(c)
            .optional())?)
    }

    /// Marks it as exchanged.
    ///
    /// # Errors
    /// The database; [`DbError::Conflict`] where another request was faster.
    pub fn rotate(&self, conn: &mut Conn, at: Instant) -> Result<(), DbError> {
        use refresh_tokens as t;
        let open = t::table.filter(t::digest.eq(&self.digest)).filter(t::rotated_at.is_null());
        one(on_backend!(conn, c => diesel::update(open).set(t::rotated_at.eq(at)).execute(c))?)
    }
}

/// The stored answer of a call under an idempotency key.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = idempotency_records)]
pub struct IdempotencyRecord {
    /// Who called.
    pub principal_id: PrincipalId,
    /// Method and path.
    pub route: String,
    /// The client's key.
    pub key: String,
    /// Digest of the body.
    pub body_digest: Vec<u8>,
    /// Body of the answer; its status is that of the route.
    pub body: String,
    /// When.
    pub recorded_at: Instant,
}

impl IdempotencyRecord {
    /// Adds it.
    ///
    /// # Errors
    /// The database.
    pub fn insert(&self, conn: &mut Conn) -> Result<(), DbError> {
        on_backend!(conn, c => diesel::insert_into(idempotency_records::table).values(self).execute(c))?;
        Ok(())
    }

    /// Reads the answer to a call.
    ///
    /// # Errors
    /// The database.
    pub fn find(
        conn: &mut Conn,
        principal: PrincipalId,
        call: &Idempotency,
    ) -> Result<Option<Self>, DbError> {
        use idempotency_records as t;
        Ok(on_backend!(conn, c => t::table
            .filter(t::principal_id.eq(principal))
            .filter(t::route.eq(&call.route))
            .filter(t::key.eq(&call.key))
            .select(Self::as_select())
            .first(c)
            .optional())?)
    }

    /// Forgets records from before `at`; says how many.
    ///
    /// # Errors
    /// The database.
    pub fn forget_before(conn: &mut Conn, at: Instant) -> Result<usize, DbError> {
        use idempotency_records as t;
        Ok(on_backend!(conn, c => diesel::delete(t::table.filter(t::recorded_at.lt(at))).execute(c))?)
    }
}
