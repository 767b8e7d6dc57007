//! How the words of the domain are kept in columns: ids as 16 bytes, instants as microseconds, words as text.

use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, Queryable};
use diesel::expression::AsExpression;
use diesel::internal::derives::as_expression::Bound;
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::{BigInt, Binary, Nullable, Text};

use crate::domain::audit::Outcome;
use crate::domain::cylinder::{CustodyKind, CylinderStatus, LabelStatus, Medium};
use crate::domain::district::{DistrictCode, DistrictScope};
use crate::domain::event::{Decision, FillStatus};
use crate::domain::id::Id;
use crate::domain::instant::Instant;
use crate::domain::label_code::LabelId;
use crate::domain::registry::{
    Authority, CertificateKind, LicenseKind, LicenseStatus, OrganizationStatus, SiteKind,
};
use crate::domain::value;

impl<K, DB> FromSql<Binary, DB> for Id<K>
where
    DB: Backend,
    Vec<u8>: FromSql<Binary, DB>,
{
    fn from_sql(bytes: DB::RawValue<'_>) -> deserialize::Result<Self> {
        Self::from_bytes(&Vec::<u8>::from_sql(bytes)?).ok_or_else(|| "an id must have 16 bytes".into())
    }
}

impl<K, DB> ToSql<Binary, DB> for Id<K>
where
    DB: Backend,
    [u8]: ToSql<Binary, DB>,
{
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
        <[u8] as ToSql<Binary, DB>>::to_sql(self.as_bytes(), out)
    }
}

impl<DB> FromSql<BigInt, DB> for Instant
where
    DB: Backend,
    i64: FromSql<BigInt, DB>,
{
    fn from_sql(bytes: DB::RawValue<'_>) -> deserialize::Result<Self> {
        Ok(Self::from_micros(i64::from_sql(bytes)?))
    }
}

impl<DB> ToSql<BigInt, DB> for Instant
where
    DB: Backend,
    i64: ToSql<BigInt, DB>,
{
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
        <i64 as ToSql<BigInt, DB>>::to_sql(self.as_micros(), out)
    }
}

/// `AsExpression` and `Queryable` for a type of one column.
macro_rules! column {
    ($name:ty, $sql:ty $(, $k:ident)?) => {
        impl$(<$k>)? AsExpression<$sql> for $name {
            type Expression = Bound<$sql, Self>;
            fn as_expression(self) -> Self::Expression {
                Bound::new(self)
            }
        }
        impl<'e, $($k)?> AsExpression<$sql> for &'e $name {
            type Expression = Bound<$sql, Self>;
            fn as_expression(self) -> Self::Expression {
                Bound::new(self)
            }
        }
        impl$(<$k>)? AsExpression<Nullable<$sql>> for $name {
            type Expression = Bound<Nullable<$sql>, Self>;
            fn as_expression(self) -> Self::Expression {
                Bound::new(self)
            }
        }
        impl<'e, $($k)?> AsExpression<Nullable<$sql>> for &'e $name {
            type Expression = Bound<Nullable<$sql>, Self>;
            fn as_expression(self) -> Self::Expression {
                Bound::new(self)
            }
        }
        impl<DB, $($k)?> ToSql<Nullable<$sql>, DB> for $name
        where
            DB: Backend,
            Self: ToSql<$sql, DB>,
        {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
                <Self as ToSql<$sql, DB>>::to_sql(self, out)
            }
        }
        impl<DB, $($k)?> Queryable<$sql, DB> for $name
        where
            DB: Backend,
            Self: FromSql<$sql, DB>,
        {
            type Row = Self;
            fn build(row: Self) -> deserialize::Result<Self> {
                Ok(row)
            }
        }
    };
}

column!(Id<K>, Binary, K);
column!(Instant, BigInt);

/// Text columns of types that read and write themselves as text.
macro_rules! text_columns {
    ($($name:ty),+ $(,)?) => {$(
        impl<DB> FromSql<Text, DB> for $name
        where
            DB: Backend,
            String: FromSql<Text, DB>,
        {
            fn from_sql(bytes: DB::RawValue<'_>) -> deserialize::Result<Self> {
                Ok(String::from_sql(bytes)?.parse()?)
            }
        }
        impl<DB> ToSql<Text, DB> for $name
        where
            DB: Backend,
            str: ToSql<Text, DB>,
        {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
                <str as ToSql<Text, DB>>::to_sql(self.as_str(), out)
            }
        }
        column!($name, Text);
    )+};
}

text_columns!(
    Authority,
    CertificateKind,
    CustodyKind,
    CylinderStatus,
    Decision,
    DistrictCode,
    FillStatus,
    LabelId,
    LabelStatus,
    LicenseKind,
    LicenseStatus,
    Medium,
    OrganizationStatus,
    Outcome,
    SiteKind,
);

impl<const MIN: usize, const MAX: usize, DB> FromSql<Text, DB> for value::Text<MIN, MAX>
where
    DB: Backend,
    String: FromSql<Text, DB>,
{
    fn from_sql(bytes: DB::RawValue<'_>) -> deserialize::Result<Self> {
        Ok(Self::new(&String::from_sql(bytes)?)?)
    }
}

impl<const MIN: usize, const MAX: usize, DB> Queryable<Text, DB> for value::Text<MIN, MAX>
where
    DB: Backend,
    Self: FromSql<Text, DB>,
{
    type Row = Self;
    fn build(row: Self) -> deserialize::Result<Self> {
        Ok(row)
    }
}

/// A text column of a type that carries the text it is kept as.
macro_rules! writes_its_text {
    ($name:ident) => {
        impl<T, DB> ToSql<Text, DB> for $name<T>
        where
            DB: Backend,
            str: ToSql<Text, DB>,
            T: std::fmt::Debug,
        {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
                <str as ToSql<Text, DB>>::to_sql(&self.1, out)
            }
        }
        column!($name<T>, Text, T);
    };
}

/// A list of words in one column, comma by comma; a list in JSON.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub struct Words<T>(pub Vec<T>, #[serde(skip)] String);

impl<T: std::fmt::Display> From<Vec<T>> for Words<T> {
    fn from(items: Vec<T>) -> Self {
        let text = join(&items);
        Self(items, text)
    }
}

impl<T, DB> FromSql<Text, DB> for Words<T>
where
    DB: Backend,
    String: FromSql<Text, DB>,
    T: std::str::FromStr,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    fn from_sql(bytes: DB::RawValue<'_>) -> deserialize::Result<Self> {
        let text = String::from_sql(bytes)?;
        Ok(Self(split(&text)?, text))
    }
}

writes_its_text!(Words);

/// A value kept as JSON text.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[serde(transparent)]
pub struct Json<T>(pub T, #[serde(skip)] String);

impl<T: serde::Serialize> Json<T> {
    /// Writes the text.
    ///
    /// # Errors
    /// A value that JSON can't hold.
    pub fn new(value: T) -> Result<Self, super::DbError> {
        let text = serde_json::to_string(&value).map_err(super::DbError::corrupt)?;
        Ok(Self(value, text))
    }
}

impl<T, DB> FromSql<Text, DB> for Json<T>
where
    DB: Backend,
    String: FromSql<Text, DB>,
    T: serde::de::DeserializeOwned,
{
    fn from_sql(bytes: DB::RawValue<'_>) -> deserialize::Result<Self> {
        let text = String::from_sql(bytes)?;
        Ok(Self(serde_json::from_str(&text)?, text))
    }
}

writes_its_text!(Json);

/// A list of words in one column, comma by comma.
pub fn join<T: std::fmt::Display>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// Reads what [`join`] wrote.
///
/// # Errors
/// A word that is not of the list.
pub fn split<T: std::str::FromStr>(text: &str) -> Result<Vec<T>, T::Err> {
    text.split(',').filter(|word| !word.is_empty()).map(str::parse).collect()
}

/// A scope column: empty means the whole country.
///
/// # Errors
/// Not a scope.
pub fn scope(text: &str) -> Result<Option<DistrictScope>, value::ValueError> {
    if text.is_empty() { Ok(None) } else { text.parse().map(Some) }
}
