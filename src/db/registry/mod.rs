//! Rows of what is no cylinder, as they are kept and listed.
//!
//! Every list is a keyset page: newest first by id (UUIDv7 is in the order of time), `after` is the id of the last row seen.

mod agreements;
mod equipment;
mod organizations;
mod people;
mod policies;

pub use agreements::*;
pub use equipment::*;
pub use organizations::*;
pub use people::*;
pub use policies::*;

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
