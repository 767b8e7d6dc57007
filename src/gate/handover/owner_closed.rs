//! `handover.owner-closed`: cylinders of a closed owner, or of one whose licenses were revoked, are frozen, full or empty.

use super::HandoverRule;
use crate::domain::finding::{Evidence, Severity};
use crate::domain::instant::Moment;
use crate::domain::said::Words;
use crate::gate::facts::HandoverFacts;
use crate::gate::fill::owner_closed::closed;
use crate::gate::law;
use crate::gate::policy::Policy;
use crate::gate::rule::Rule;

pub(super) const RULE: HandoverRule = HandoverRule {
    rule: Rule {
        id: "handover.owner-closed",
        severity: Severity::Refuse,
        by_policy: false,
        alert: false,
        message: Words {
            zh: "产权单位已关停、吊销或查不到（{reason}）",
            en: "The owner is closed, revoked or not on record ({reason})",
        },
        next_step: Words {
            zh: "不要交付，隔离此瓶，报告市场监管部门",
            en: "Do not hand it over; set it aside and report it to the market regulator",
        },
        citations: &[law::CLOSE_UNLICENSED],
    },
    check,
};

fn check(facts: &HandoverFacts<'_>, _: &Policy, now: Moment) -> Option<Evidence> {
    closed(facts.cylinder?, facts.owner, now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::registry::OrganizationStatus;
    use crate::gate::handover::fixtures::Doorstep;

    #[test]
    fn closed_or_unknown_freezes_suspended_does_not() {
        for (status, found) in [
            (OrganizationStatus::Active, false),
            (OrganizationStatus::Suspended, false),
            (OrganizationStatus::Closed, true),
        ] {
            let doorstep = Doorstep::with(|d| d.owner.as_mut().unwrap().status = status);
            assert_eq!(doorstep.check(&RULE).is_some(), found, "{status}");
        }
        assert!(Doorstep::with(|d| d.owner = None).check(&RULE).is_some());
        assert_eq!(Doorstep::with(|d| d.cylinder = None).check(&RULE), None);
    }
}
