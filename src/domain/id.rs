//! Identifiers: UUIDv7, one type per thing, so that a site can't be handed in where a scale is meant.

use crate::domain::said::said;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use super::value::{ValueCode, ValueError};

/// The id of a `K`.
pub struct Id<K>(Uuid, PhantomData<fn() -> K>);

/// What ids are of.
pub mod of {
    macro_rules! kinds { ($($(#[$meta:meta])* $name:ident,)+) => { $($(#[$meta])* #[derive(Debug)] pub enum $name {})+ }; }
    kinds! {
        /// A cylinder 气瓶.
        Cylinder,
        /// An event of the ledger; a permit and a fill have the id of their event.
        Event,
        /// An organization 单位.
        Organization,
        /// A license 许可证.
        License,
        /// A site 站点.
        Site,
        /// A filling scale 充装秤.
        Scale,
        /// A person with a login.
        User,
        /// A certificate of a person 人员证书.
        Certificate,
        /// A login and all tokens that came from it.
        Session,
        /// A key of a device.
        DeviceKey,
        /// A proposed change of owner.
        OwnerChange,
        /// A stream of the ledger: a cylinder's, a site's or an organization's.
        Stream,
        /// Whoever acts: a person, or a scale by its device key.
        Principal,
        /// A policy entry.
        Policy,
        /// A supply agreement 供气协议 between an owner and a distributor.
        Agreement,
        /// A customer's look-up of a code.
        PublicScan,
    }
}

/// A cylinder's id.
pub type CylinderId = Id<of::Cylinder>;
/// An event's id.
pub type EventId = Id<of::Event>;
/// An organization's id.
pub type OrganizationId = Id<of::Organization>;
/// A license's id.
pub type LicenseId = Id<of::License>;
/// A site's id.
pub type SiteId = Id<of::Site>;
/// A scale's id.
pub type ScaleId = Id<of::Scale>;
/// A user's id.
pub type UserId = Id<of::User>;
/// A certificate's id.
pub type CertificateId = Id<of::Certificate>;
/// A session's id.
pub type SessionId = Id<of::Session>;
/// A device key's id.
pub type DeviceKeyId = Id<of::DeviceKey>;
/// A proposed owner change's id.
pub type OwnerChangeId = Id<of::OwnerChange>;
/// The id of whoever acts.
pub type PrincipalId = Id<of::Principal>;
/// A policy entry's id.
pub type PolicyId = Id<of::Policy>;
/// A supply agreement's id.
pub type AgreementId = Id<of::Agreement>;
/// A public look-up's id.
pub type PublicScanId = Id<of::PublicScan>;
/// A ledger stream's id.
pub type StreamId = Id<of::Stream>;

impl<K> Id<K> {
    /// Wraps a UUID that an `IdGen` made or a client sent.
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid, PhantomData)
    }

    /// From the 16 bytes that the database keeps.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Uuid::from_slice(bytes).ok().map(Self::from_uuid)
    }

    /// The UUID.
    pub const fn uuid(self) -> Uuid {
        self.0
    }

    /// The 16 bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// The same id read as one of another kind: a permit is the id of the event that gave it.
    pub const fn cast<L>(self) -> Id<L> {
        Id::from_uuid(self.0)
    }
}

impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<K> Copy for Id<K> {}
impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<K> Eq for Id<K> {}
impl<K> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<K> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}
impl<K> Hash for Id<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}
impl<K> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
impl<K> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl<K> FromStr for Id<K> {
    type Err = ValueError;
    fn from_str(text: &str) -> Result<Self, ValueError> {
        // `Uuid::parse_str` also takes braces and URNs; one id has one spelling here.
        let parsed = (text.len() == 36).then(|| Uuid::parse_str(text).ok()).flatten();
        parsed
            .map(Self::from_uuid)
            .ok_or_else(|| ValueError::new(ValueCode::BadFormat, said("应为 UUID", "a UUID is expected")))
    }
}

impl<K> Serialize for Id<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, K> Deserialize<'de> for Id<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(ValueError::through_serde)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_spelling_only() {
        let text = "019a0000-0000-7000-8000-000000000001";
        assert_eq!(text.parse::<CylinderId>().unwrap().to_string(), text);
        assert!(format!("{{{text}}}").parse::<CylinderId>().is_err());
        assert!(text.replace('-', "").parse::<CylinderId>().is_err());
    }
}
