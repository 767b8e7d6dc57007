//! The chains of events: each cylinder has its own, and codes of no cylinder are kept with the station that met them.

use super::id::{CylinderId, OrganizationId, SiteId, StreamId};

/// Which chain an event belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stream {
    /// A cylinder's own.
    Cylinder(CylinderId),
    /// A site's, for codes of no cylinder.
    Site(SiteId),
    /// An organization's, where no site is known.
    Organization(OrganizationId),
}

impl Stream {
    /// The cylinder, if it is one's.
    pub fn cylinder(self) -> Option<CylinderId> {
        match self {
            Self::Cylinder(id) => Some(id),
            _ => None,
        }
    }

    /// Its kind as it is stored and hashed.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Cylinder(_) => "cylinder",
            Self::Site(_) => "site",
            Self::Organization(_) => "organization",
        }
    }

    /// Its id as it is stored and hashed.
    pub fn id(self) -> StreamId {
        match self {
            Self::Cylinder(id) => id.cast(),
            Self::Site(id) => id.cast(),
            Self::Organization(id) => id.cast(),
        }
    }

    /// Reads the stored kind and id.
    pub fn from_parts(kind: &str, id: StreamId) -> Option<Self> {
        match kind {
            "cylinder" => Some(Self::Cylinder(id.cast())),
            "site" => Some(Self::Site(id.cast())),
            "organization" => Some(Self::Organization(id.cast())),
            _ => None,
        }
    }
}
