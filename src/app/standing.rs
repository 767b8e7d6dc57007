//! Acts that change how a cylinder stands: seizure, blacklist, loss, recovery, a void label, change of owner.

use super::target::{Target, not_scrapped};
use super::transfer::may_change_hands;
use crate::auth::permission::{Action, authorize};
use crate::domain::cylinder::Cylinder;
use crate::domain::cylinder::LabelStatus;
use crate::domain::event::{Documented, EventData, LabelRevoked, OwnerChanged, Reasoned};
use crate::domain::id::OwnerChangeId;
use crate::domain::registry::{OrganizationKind, OrganizationStatus};
use crate::domain::said::{Said, said};
use crate::domain::stream::Stream;
use crate::domain::value::{Number, Reason};
use crate::error::{Code, Error, Result};
use crate::ledger::command::Place;
use crate::ledger::{Call, Command, Context, Decided, Needs};

/// What changes.
#[derive(Debug, Clone)]
pub enum Change {
    /// `POST /cylinders/{ref}/seizures`
    Seize(Documented),
    /// `POST /cylinders/{ref}/blacklistings`
    Blacklist(Documented),
    /// `DELETE /cylinders/{ref}/blacklistings`
    Unblacklist(Documented),
    /// `POST /cylinders/{ref}/losses`
    Lose(Reason),
    /// `POST /cylinders/{ref}/recoveries`
    Recover(Reason),
    /// `DELETE /cylinders/{ref}/labels`
    RevokeLabel(Reason),
}

impl Change {
    /// The action that it is.
    pub fn action(&self) -> Action {
        match self {
            Self::Seize(_) | Self::Blacklist(_) | Self::Unblacklist(_) => Action::Seize,
            Self::Lose(_) | Self::Recover(_) => Action::ReportLoss,
            Self::RevokeLabel(_) => Action::RegisterCylinder,
        }
    }

    fn find<'a>(&self, target: Target, context: &Context<'a>) -> Result<&'a Cylinder> {
        match self.action() {
            Action::Seize => target.find(context, Action::Seize),
            own => target.find_own(context, own),
        }
    }

    /// Why it can't be, as things stand.
    fn obstacle(&self, cylinder: &Cylinder) -> Option<Said> {
        match self {
            Self::Seize(_) => cylinder.seized.then(|| said("气瓶已被查封扣押", "it is seized already")),
            Self::Blacklist(_) => {
                cylinder.blacklisted.then(|| said("气瓶已在黑名单中", "it is on the blacklist already"))
            }
            Self::Unblacklist(_) => {
                (!cylinder.blacklisted).then(|| said("气瓶不在黑名单中", "it is not on the blacklist"))
            }
            Self::Lose(_) | Self::RevokeLabel(_) if cylinder.seized => {
                Some(said("气瓶被查封扣押", "it is seized"))
            }
            Self::Lose(_) => cylinder.lost.then(|| said("气瓶已报失", "it is reported lost already")),
            Self::Recover(_) => (!cylinder.lost).then(|| said("气瓶未报失", "it is not reported lost")),
            Self::RevokeLabel(_) => (cylinder.label.status == LabelStatus::Revoked)
                .then(|| said("标签已作废", "its label is void already")),
        }
    }

    fn data(&self, cylinder: &Cylinder) -> EventData {
        match self.clone() {
            Self::Seize(documented) => EventData::Seized(documented),
            Self::Blacklist(documented) => EventData::Blacklisted(documented),
            Self::Unblacklist(documented) => EventData::Unblacklisted(documented),
            Self::Lose(reason) => EventData::Lost(Reasoned { reason }),
            Self::Recover(reason) => EventData::Recovered(Reasoned { reason }),
            Self::RevokeLabel(reason) => {
                EventData::LabelRevoked(LabelRevoked { label_id: cylinder.label.id.clone(), reason })
            }
        }
    }
}

/// Changes how a cylinder stands.
#[derive(Debug)]
pub struct ChangeStanding {
    /// The call.
    pub call: Call,
    /// Which cylinder.
    pub target: Target,
    /// What changes.
    pub change: Change,
}

impl Command for ChangeStanding {
    fn call(&self) -> &Call {
        &self.call
    }

    fn action(&self) -> &'static str {
        self.change.action().as_str()
    }

    fn needs(&self, needs: &mut Needs) {
        self.target.needs(needs);
    }

    fn decide(&self, context: &Context<'_>) -> Result<Decided> {
        let cylinder = self.change.find(self.target, context)?;
        not_scrapped(cylinder)?;
        if let Some(obstacle) = self.change.obstacle(cylinder) {
            return Err(Error::new(Code::StateConflict, obstacle));
        }
        let place = Place { site_id: context.actor.site_id, occurred_at: None };
        let stream = Stream::Cylinder(cylinder.id);
        Ok(context.event(&self.call, stream, place, |_| self.change.data(cylinder)).into())
    }
}

/// `POST /owner-changes/{id}/approve`: the receiving owner takes the cylinder.
#[derive(Debug)]
pub struct ApproveOwnerChange {
    /// The call.
    pub call: Call,
    /// The proposal.
    pub id: OwnerChangeId,
}

impl Command for ApproveOwnerChange {
    fn call(&self) -> &Call {
        &self.call
    }

    fn action(&self) -> &'static str {
        Action::ChangeOwner.as_str()
    }

    fn needs(&self, needs: &mut Needs) {
        needs.owner_changes.insert(self.id);
    }

    fn decide(&self, context: &Context<'_>) -> Result<Decided> {
        authorize(context.actor, Action::ChangeOwner)?;
        context.user_id()?;
        let proposal = context
            .facts
            .owner_change(self.id)
            .filter(|p| {
                p.to_id == context.actor.organization_id || p.from_id == context.actor.organization_id
            })
            .ok_or(Code::OwnerChangeNotFound)?;
        if proposal.to_id != context.actor.organization_id {
            return Err(Error::new(
                Code::Forbidden,
                said("须由接收单位同意", "the receiving owner must approve"),
            ));
        }
        let cylinder = context.facts.cylinder(proposal.cylinder_id).ok_or(Code::CylinderNotFound)?;
        let giver = context.facts.organization(proposal.from_id);
        may_change_hands(cylinder, giver, context.facts.licenses(proposal.from_id), context.now)?;
        let receiver = context.facts.organization(proposal.to_id).ok_or(Code::Internal)?;
        let fits = proposal.status == "pending"
            && cylinder.owner_id == proposal.from_id
            && receiver.is(OrganizationKind::Filler)
            && receiver.status == OrganizationStatus::Active;
        if !fits {
            return Err(Error::new(
                Code::StateConflict,
                said(
                    "该变更已办结，或气瓶目前不能变更产权单位",
                    "the proposal is settled, or the cylinder can't change hands now",
                ),
            ));
        }
        let data = OwnerChanged {
            from: proposal.from_id,
            to: proposal.to_id,
            document_no: Number::new(&proposal.document_no).map_err(|_| Code::Internal)?,
            reason: Reason::new(&proposal.reason).map_err(|_| Code::Internal)?,
        };
        let stream = Stream::Cylinder(cylinder.id);
        let event = context.event(&self.call, stream, Place::default(), |_| EventData::OwnerChanged(data));
        Ok(Decided { settles: Some(self.id), ..event.into() })
    }
}
