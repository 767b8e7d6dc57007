//! `handover.not-in-custody`: what another organization has by the records can't be handed over here: its label was copied, or
//! its way was not scanned.

use super::HandoverRule;
use crate::domain::finding::{Evidence, Severity};
use crate::domain::instant::Moment;
use crate::domain::said::Words;
use crate::evidence;
use crate::gate::facts::HandoverFacts;
use crate::gate::law;
use crate::gate::policy::Policy;
use crate::gate::rule::Rule;

pub(super) const RULE: HandoverRule = HandoverRule {
    rule: Rule {
        id: "handover.not-in-custody",
        severity: Severity::Refuse,
        by_policy: false,
        alert: true,
        message: Words {
            zh: "记录显示此瓶在其他单位，不在本单位和产权单位",
            en: "By the record another organization has this cylinder, neither you nor its owner",
        },
        next_step: Words {
            zh: "核对钢印；确是同一只的，先扫回收",
            en: "Compare the stamp; if it is the same cylinder, scan its coming in first",
        },
        citations: &[law::WHOLE_WAY, law::CODE_AND_STAMP],
    },
    check,
};

fn check(facts: &HandoverFacts<'_>, _: &Policy, _: Moment) -> Option<Evidence> {
    let cylinder = facts.cylinder?;
    let holder = cylinder.custody.organization_id;
    let seller = facts.seller.map(|seller| seller.organization.id);
    let known = holder == cylinder.owner_id || Some(holder) == seller;
    (!known).then(|| evidence! { "custody" => cylinder.custody.kind, "since" => cylinder.custody.since })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::cylinder::CustodyKind;
    use crate::gate::fixtures::{FILLER, STRANGER, custody, id};
    use crate::gate::handover::fixtures::Doorstep;

    #[test]
    fn the_seller_or_the_owner_has_it() {
        for (owner, holder, found) in [
            (FILLER, FILLER, false),
            (STRANGER, STRANGER, false),
            (STRANGER, FILLER, false),
            (FILLER, STRANGER, true),
        ] {
            let doorstep = Doorstep::with(|d| {
                d.cylinder_mut().owner_id = id(owner);
                d.cylinder_mut().custody = custody(CustodyKind::Site, holder, None);
            });
            assert_eq!(doorstep.check(&RULE).is_some(), found, "{owner} {holder}");
        }
        assert_eq!(Doorstep::with(|d| d.cylinder = None).check(&RULE), None);
    }
}
