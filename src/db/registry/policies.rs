//! Policies.

use super::super::DbError;
use super::super::conn::Conn;
use super::super::schema::policies;
use super::super::types::Json;
use super::Page;
use crate::domain::id::{PolicyId, UserId};
use crate::domain::instant::Instant;
use crate::on_backend;
use chrono::NaiveDate;
use diesel::dsl::max;
use diesel::prelude::*;

rows! {
    /// A policy entry.
    PolicyRow of policies {
        /// Its id.
        id: PolicyId,
        /// Its name.
        name: String,
        /// Where it holds; empty means everywhere.
        district_code: String,
        /// From which day.
        effective_on: NaiveDate,
        /// The value.
        #[schema(value_type = serde_json::Value)]
        value: Json<serde_json::Value>,
        /// Why.
        reason: String,
        /// By whom.
        set_by: UserId,
        /// When.
        set_at: Instant,
    }
}

impl PolicyRow {
    /// Adds it, numbered after all that were recorded before it: a clock may go back, the numbers don't.
    ///
    /// # Errors
    /// The database; [`DbError::Conflict`] where another entry took the number.
    pub fn insert(&self, conn: &mut Conn) -> Result<(), DbError> {
        use policies as t;
        let last: Option<i64> = on_backend!(conn, c => t::table.select(max(t::seq)).first(c))?;
        let numbered = (self, t::seq.eq(last.unwrap_or(0) + 1));
        let inserted = on_backend!(conn, c => diesel::insert_into(t::table).values(numbered).execute(c));
        match inserted.map_err(DbError::from) {
            Ok(_) => Ok(()),
            Err(DbError::Duplicate(_)) => Err(DbError::Conflict),
            Err(other) => Err(other),
        }
    }

    /// Lists all entries, newest first.
    ///
    /// # Errors
    /// The database.
    pub fn list(conn: &mut Conn, page: &Page<PolicyId>) -> Result<Vec<Self>, DbError> {
        page_of!(conn, page, policies, policies::table)
    }
}
