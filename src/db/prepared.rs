//! Statements that stay prepared. Diesel parses every `UPDATE` and every `sql_query` anew, which costs more than running
//! them: it can't know that their text stays the same. Whoever writes `prepared!` says so.
//!
//! Such a statement must answer rows (`RETURNING`) and be loaded: `execute` hands diesel a reference, and behind that the
//! promise is lost and the statement parsed anew.

use std::marker::PhantomData;

use diesel::backend::Backend;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};

/// A statement whose text is the same whenever it comes from the place that `Place` names.
pub struct Prepared<Place, Q> {
    query: Q,
    place: PhantomData<Place>,
}

impl<Place, Q> Prepared<Place, Q> {
    /// Use `prepared!`, which makes up a place of its own each time it is written.
    pub fn new(_: Place, query: Q) -> Self {
        Self { query, place: PhantomData }
    }
}

impl<Place: 'static, Q> QueryId for Prepared<Place, Q> {
    type QueryId = Place;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<Place, Q: QueryFragment<DB>, DB: Backend> QueryFragment<DB> for Prepared<Place, Q> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        self.query.walk_ast(out)
    }

    /// Diesel asks the parts, and an `UPDATE` says no because what it sets may differ from call to call.
    fn is_safe_to_cache_prepared(&self, _: &DB) -> QueryResult<bool> {
        Ok(true)
    }
}

impl<Place, Q: Query> Query for Prepared<Place, Q> {
    type SqlType = Q::SqlType;
}

impl<Place, Q, Conn> RunQueryDsl<Conn> for Prepared<Place, Q> {}

/// Keeps a statement prepared. Its text must not depend on values: no `IN` lists on SQLite, no optional parts.
macro_rules! prepared {
    ($query:expr) => {{
        struct Here;
        $crate::db::prepared::Prepared::new(Here, $query)
    }};
}
