//! What is no cylinder: organizations, licenses, sites, scales, users, certificates, agreements, policies. Entering, changing, judging.

mod agreements;
mod equipment;
mod organizations;
mod people;
mod policies;

pub use agreements::*;
pub use equipment::*;
pub use organizations::*;
pub(crate) use people::PLATFORM_CODE;
pub use people::*;
pub use policies::*;

use super::Session;
use crate::auth::permission::Scope;
use crate::db::registry::OrganizationRow;
use crate::db::types::Json;
use crate::domain::date::Day;
use crate::domain::registry::{LicenseStatus, Location, OrganizationKind};
use crate::domain::said::said;
use crate::domain::value::Reason;
use crate::error::{Class, Code, Error, Result};
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;

/// Most media, areas, roles or kinds in one list.
const MAX_LIST: usize = 20;

fn place(location: Option<Location>) -> Result<Option<Json<Location>>> {
    match location {
        Some(location) if !location.is_valid() => Err(Error::invalid(
            "/location",
            "out_of_range",
            said("lat 为 -90 到 90，lon 为 -180 到 180", "lat is -90 to 90, lon is -180 to 180"),
        )),
        Some(location) => Ok(Some(Json::new(location)?)),
        None => Ok(None),
    }
}

/// Reads a member that may be null: null takes away what was there, where a member that is left out keeps it.
fn or_null<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// A thing of an organization that the actor may not see does not exist for them. Whatever else went wrong stays what it
/// is: a database that is away has not lost the thing.
fn hidden_as(code: Code) -> impl FnOnce(Error) -> Error {
    move |error| if error.code.class() == Class::NotFound { code.into() } else { error }
}

fn bounded<T>(pointer: &str, list: &[T]) -> Result<()> {
    if list.len() > MAX_LIST {
        return Err(Error::invalid(
            pointer,
            "too_long",
            said(format!("最多 {MAX_LIST} 项"), format!("at most {MAX_LIST} items")),
        ));
    }
    Ok(())
}

fn period(from: Day, to: Day) -> Result<()> {
    if to < from {
        return Err(Error::invalid(
            "/valid_to",
            "before_start",
            said("不得早于 valid_from", "must not be before valid_from"),
        ));
    }
    Ok(())
}

/// A regulator judges whom it regulates: not another authority, and not the platform they all stand on.
fn may_judge(session: &Session<'_>, organization: &OrganizationRow) -> Result<()> {
    let regulated =
        !organization.kinds.0.contains(&OrganizationKind::Regulator) && !is_platform(organization);
    if session.scope == Scope::All || regulated {
        return Ok(());
    }
    Err(Error::new(
        Code::Forbidden,
        said(
            "监管部门无权处置其他监管部门和平台",
            "authorities and the platform itself are not judged by a regulator",
        ),
    ))
}

fn is_platform(organization: &OrganizationRow) -> bool {
    organization.credit_code == PLATFORM_CODE
}

/// A judgement over a license or certificate.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Judgement {
    /// Whether it is in force.
    pub status: LicenseStatus,
    /// Why.
    pub reason: Reason,
}

fn judge(before: LicenseStatus, judgement: &Judgement) -> Result<()> {
    if before == LicenseStatus::Revoked && judgement.status != LicenseStatus::Revoked {
        return Err(Error::new(
            Code::StateConflict,
            said("已吊销的不能恢复，请重新录入", "what was revoked stays revoked; enter a new one"),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_that_is_away_is_not_a_thing_that_is_not_there() {
        let as_site = |code: Code| hidden_as(Code::SiteNotFound)(code.into()).code;
        assert_eq!(as_site(Code::OrganizationNotFound), Code::SiteNotFound);
        for other in [Code::Unavailable, Code::Internal, Code::ChangedInBetween, Code::Forbidden] {
            assert_eq!(as_site(other), other);
        }
    }
}
