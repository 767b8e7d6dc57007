//! `column IN (…)` with one text for any number of values, so that the statement around it stays prepared: an array on
//! PostgreSQL, a JSON array on SQLite. Diesel's `eq_any` writes a `?` per value on SQLite and parses the query each time.

use std::cell::OnceCell;

use diesel::expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::serialize::ToSql;
use diesel::sql_types::{Array, Binary, Bool, SingleValue, SqlType, Text};
use diesel::sqlite::Sqlite;

use crate::digest::hex;
use crate::domain::id::Id;
use crate::domain::label_code::LabelId;

/// A value that can stand in such a list.
pub trait Listed: ToSql<Self::Sql, Pg> + std::fmt::Debug + Clone + 'static {
    /// Its type in SQL.
    type Sql: SqlType + SingleValue + 'static;
    /// What makes it of the text that JSON has for it.
    const FROM_JSON: &'static str;
    /// That text.
    fn json(&self) -> String;
}

impl<K: 'static> Listed for Id<K> {
    type Sql = Binary;
    const FROM_JSON: &'static str = "unhex(value)";
    fn json(&self) -> String {
        self.uuid().simple().to_string()
    }
}

impl Listed for Vec<u8> {
    type Sql = Binary;
    const FROM_JSON: &'static str = "unhex(value)";
    fn json(&self) -> String {
        hex(self)
    }
}

impl Listed for LabelId {
    type Sql = Text;
    const FROM_JSON: &'static str = "value";
    fn json(&self) -> String {
        self.to_string()
    }
}

impl Listed for String {
    type Sql = Text;
    const FROM_JSON: &'static str = "value";
    fn json(&self) -> String {
        self.clone()
    }
}

/// See [`among`].
#[derive(Debug, Clone)]
pub struct Among<C, V> {
    column: C,
    values: Vec<V>,
    json: OnceCell<String>,
}

/// Whether a column has one of these values.
pub fn among<C, V: Listed>(column: C, values: &[V]) -> Among<C, V> {
    Among { column, values: values.to_vec(), json: OnceCell::new() }
}

impl<C: QueryId, V: 'static> QueryId for Among<C, V> {
    type QueryId = Among<C::QueryId, V>;
    const HAS_STATIC_QUERY_ID: bool = C::HAS_STATIC_QUERY_ID;
}

impl<C: Expression, V> Expression for Among<C, V> {
    type SqlType = Bool;
}

impl<C, V, Source> AppearsOnTable<Source> for Among<C, V>
where
    C: AppearsOnTable<Source>,
    Self: Expression,
{
}

impl<C, V, Source> SelectableExpression<Source> for Among<C, V>
where
    C: SelectableExpression<Source>,
    Self: AppearsOnTable<Source>,
{
}

impl<C: ValidGrouping<By>, V, By> ValidGrouping<By> for Among<C, V> {
    type IsAggregate = C::IsAggregate;
}

impl<C: QueryFragment<Pg>, V: Listed> QueryFragment<Pg> for Among<C, V>
where
    Vec<V>: ToSql<Array<V::Sql>, Pg>,
    Pg: diesel::sql_types::HasSqlType<V::Sql>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.column.walk_ast(out.reborrow())?;
        out.push_sql(" = ANY(");
        out.push_bind_param::<Array<V::Sql>, _>(&self.values)?;
        out.push_sql(")");
        Ok(())
    }
}

impl<C: QueryFragment<Sqlite>, V: Listed> QueryFragment<Sqlite> for Among<C, V> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        let json = self.json.get_or_init(|| {
            let values: Vec<String> = self.values.iter().map(Listed::json).collect();
            serde_json::Value::from(values).to_string()
        });
        self.column.walk_ast(out.reborrow())?;
        out.push_sql(" IN (SELECT ");
        out.push_sql(V::FROM_JSON);
        out.push_sql(" FROM json_each(");
        out.push_bind_param::<Text, _>(json)?;
        out.push_sql("))");
        Ok(())
    }
}
