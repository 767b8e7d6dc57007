//! Whether a cylinder may change hands: asked when a change of owner is proposed, and again when it is approved.

use crate::domain::cylinder::{Cylinder, CylinderStatus};
use crate::domain::instant::Moment;
use crate::domain::registry::{License, Organization, OrganizationStatus, frozen};
use crate::domain::said::{Said, said};
use crate::error::{Code, Error, Result};

/// Refuses a change of owner that would slip a frozen owner's cylinders, or a cylinder that is not in service, back into use.
///
/// # Errors
/// 409 with what stands against it.
pub fn may_change_hands(
    cylinder: &Cylinder,
    giver: Option<&Organization>,
    licenses: &[License],
    now: Moment,
) -> Result<()> {
    let obstacle = obstacle_of(cylinder.status()).or_else(|| frozen_giver(giver, licenses, now));
    obstacle.map_or(Ok(()), |why| Err(Error::new(Code::StateConflict, why)))
}

fn obstacle_of(status: CylinderStatus) -> Option<Said> {
    match status {
        CylinderStatus::InService => None,
        CylinderStatus::Lost => {
            Some(said("报失的气瓶不能变更产权单位", "a lost cylinder can't change hands"))
        }
        CylinderStatus::Blacklisted => {
            Some(said("黑名单中的气瓶不能变更产权单位", "a cylinder on the blacklist can't change hands"))
        }
        CylinderStatus::Seized => {
            Some(said("被查封扣押的气瓶不能变更产权单位", "a seized cylinder can't change hands"))
        }
        CylinderStatus::Scrapped => {
            Some(said("已报废的气瓶不能变更产权单位", "a scrapped cylinder can't change hands"))
        }
    }
}

fn frozen_giver(giver: Option<&Organization>, licenses: &[License], now: Moment) -> Option<Said> {
    let free = giver
        .is_some_and(|of| of.status == OrganizationStatus::Active && frozen(of, licenses, now).is_none());
    (!free).then(|| {
        said(
            "产权单位已暂停、关停或没有充装许可，其气瓶不得转移",
            "the owner is suspended, closed or without its filling licenses: its cylinders stay where they are",
        )
    })
}
