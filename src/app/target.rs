//! Which cylinder an act is about, and whether the caller may know that it exists.

use crate::auth::permission::{Action, Scope, authorize};
use crate::domain::actor::Actor;
use crate::domain::cylinder::{Cylinder, CylinderStatus};
use crate::domain::district::DistrictCode;
use crate::domain::id::CylinderId;
use crate::domain::said::said;
use crate::error::{Code, Error, Result};
use crate::ledger::{Context, Needs};

/// A cylinder, and whether its label was scanned: a right tag proves that the caller has the label before them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// The cylinder.
    pub id: CylinderId,
    /// Whether a whole code with its tag was given.
    pub scanned: bool,
}

/// Whether an actor may see a cylinder: their own or held by them, or of their district (by its owner or by where it was
/// last seen).
pub fn may_see(actor: &Actor, scope: Scope, cylinder: &Cylinder, places: [Option<&DistrictCode>; 2]) -> bool {
    let own = cylinder.owner_id == actor.organization_id
        || cylinder.custody.organization_id == actor.organization_id;
    match scope {
        Scope::All => true,
        Scope::Own => own,
        Scope::District => places.into_iter().flatten().any(|place| actor.scope.covers(place)),
    }
}

impl Target {
    /// Names the cylinder.
    pub fn needs(self, needs: &mut Needs) {
        needs.cylinders.insert(self.id);
    }

    /// The cylinder, if the actor may take the action on it.
    ///
    /// # Errors
    /// The role does not allow it, or there is no such cylinder for this actor.
    pub fn find<'a>(self, context: &Context<'a>, action: Action) -> Result<&'a Cylinder> {
        let scope = authorize(context.actor, action)?;
        let cylinder = context.facts.cylinder(self.id).ok_or(Code::CylinderNotFound)?;
        let owner = context.facts.organization(cylinder.owner_id).map(|o| &o.district_code);
        // A scan shows that the label is at hand, but it does not widen a regulator's district.
        let at_hand = self.scanned && scope != Scope::District;
        let seen =
            at_hand || may_see(context.actor, scope, cylinder, [owner, context.facts.seen_in(self.id)]);
        if seen { Ok(cylinder) } else { Err(Code::CylinderNotFound.into()) }
    }

    /// The same for acts of the owner.
    ///
    /// # Errors
    /// As [`Target::find`]; 403 for somebody who sees the cylinder but does not own it.
    pub fn find_own<'a>(self, context: &Context<'a>, action: Action) -> Result<&'a Cylinder> {
        let cylinder = self.find(context, action)?;
        let all = authorize(context.actor, action)? == Scope::All;
        if all || cylinder.owner_id == context.actor.organization_id {
            Ok(cylinder)
        } else {
            Err(Error::new(Code::Forbidden, said("仅产权单位可以操作", "only the owner may do this")))
        }
    }
}

/// Refuses an act on a scrapped cylinder: nothing comes after scrap.
///
/// # Errors
/// It is scrapped.
pub fn not_scrapped(cylinder: &Cylinder) -> Result<()> {
    if cylinder.status() == CylinderStatus::Scrapped {
        return Err(Error::new(
            Code::StateConflict,
            said(
                "气瓶已报废，不能再作任何记录",
                "the cylinder is scrapped; nothing can be recorded for it any more",
            ),
        ));
    }
    Ok(())
}
