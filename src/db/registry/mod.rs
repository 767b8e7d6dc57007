//! Rows of what is no cylinder, as they are kept and listed.
//!
//! Every list is a keyset page: newest first by id (UUIDv7 is in the order of time), `after` is the id of the last row seen.

macro_rules! rows {
    ($(#[$meta:meta])* $name:ident of $table:ident { $($(#[$fmeta:meta])* $field:ident: $ty:ty,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, serde::Serialize, utoipa::ToSchema)]
        #[diesel(table_name = $table)]
        pub struct $name { $($(#[$fmeta])* pub $field: $ty,)+ }
    };
}

/// Insert and get by id, the same for every table.
macro_rules! basics {
    ($row:ident, $table:ident, $id:ty) => {
        impl $row {
            /// Adds it.
            ///
            /// # Errors
            /// The database; a value that must be unique.
            pub fn insert(&self, conn: &mut Conn) -> Result<(), DbError> {
                on_backend!(conn, c => diesel::insert_into($table::table).values(self).execute(c))?;
                Ok(())
            }

            /// Reads one.
            ///
            /// # Errors
            /// The database.
            pub fn get(conn: &mut Conn, id: $id) -> Result<Option<Self>, DbError> {
                Ok(on_backend!(conn, c => $table::table
                    .filter($table::id.eq(id))
                    .select(Self::as_select())
                    .first(c)
                    .optional())?)
            }
        }
    };
}

mod agreements;
mod equipment;
mod organizations;
mod people;

pub use agreements::*;
pub use equipment::*;
pub use organizations::*;
pub use people::*;

use super::DbError;
use crate::domain::district::DistrictScope;
use crate::domain::id::OrganizationId;

/// Whose rows a caller may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// Everybody's.
    All,
    /// One organization's.
    Own(OrganizationId),
    /// Those of a district.
    District(DistrictScope),
}

impl Reach {
    /// A LIKE pattern for districts; everything where the reach is no district. Scopes are digits only.
    pub(super) fn district_pattern(&self) -> String {
        match self {
            Self::District(scope) => format!("{scope}%"),
            Self::All | Self::Own(_) => "%".to_owned(),
        }
    }

    pub(super) fn own(&self) -> Option<OrganizationId> {
        match self {
            Self::Own(id) => Some(*id),
            Self::All | Self::District(_) => None,
        }
    }
}

/// A page to fetch.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// The last row seen.
    pub after: Option<T>,
    /// How many; one more is fetched to see whether there are more.
    pub limit: i64,
}

fn one(updated: usize) -> Result<(), DbError> {
    if updated == 1 { Ok(()) } else { Err(DbError::Conflict) }
}
