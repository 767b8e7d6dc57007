//! What can be wrong with a license or a certificate.

use crate::domain::date::Validity;
use crate::domain::instant::Moment;
use crate::domain::registry::LicenseStatus;

crate::words! {
    /// What is wrong, from what comes nearest to a good paper to none at all.
    pub(super) enum Fault {
        /// Good elsewhere.
        District => "district",
        /// Good for another gas.
        Medium => "medium",
        /// Not in force yet.
        NotYetValid => "not_yet_valid",
        /// No longer in force.
        Expired => "expired",
        /// 暂扣
        Suspended => "suspended",
        /// 吊销
        Revoked => "revoked",
        /// There is none.
        Missing => "none",
    }
}

impl Fault {
    /// What is wrong with the paper that comes nearest to a good one; nothing where one is good.
    pub fn nearest(faults: impl Iterator<Item = Option<Self>>) -> Option<Self> {
        faults.min().unwrap_or(Some(Self::Missing))
    }

    /// What is wrong by status and dates; nothing when it is in force on the day of `now`.
    pub fn of(status: LicenseStatus, validity: Validity, now: Moment) -> Option<Self> {
        match status {
            LicenseStatus::Suspended => Some(Self::Suspended),
            LicenseStatus::Revoked => Some(Self::Revoked),
            LicenseStatus::Valid if validity.contains(now.today) => None,
            LicenseStatus::Valid if now.today < validity.valid_from.0 => Some(Self::NotYetValid),
            LicenseStatus::Valid => Some(Self::Expired),
        }
    }
}
