//! `handover.not-owned`: a company hands over its own cylinders, or those of an owner it has an agreement with.

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
        id: "handover.not-owned",
        severity: Severity::Refuse,
        by_policy: false,
        alert: false,
        message: Words {
            zh: "这只气瓶不是本单位的，与产权单位也没有有效的供应协议",
            en: "Your company does not own this cylinder and has no supply agreement with its owner in force",
        },
        next_step: Words {
            zh: "不要交付，把气瓶退回产权单位",
            en: "Do not hand it over; return it to its owner",
        },
        citations: &[law::NO_SALE_OF_OTHERS, law::NO_UNOWNED],
    },
    check,
};

fn check(facts: &HandoverFacts<'_>, _: &Policy, _: Moment) -> Option<Evidence> {
    let cylinder = facts.cylinder?;
    let owned = facts.seller.map(|seller| seller.organization.id == cylinder.owner_id);
    // An unknown seller can't have an agreement.
    let may_sell = owned.is_some_and(|owned| owned || facts.has_supply_agreement);
    (!may_sell).then(|| {
        evidence! {
            "seller_known" => owned.is_some(),
            "owned" => owned == Some(true),
            "has_supply_agreement" => facts.has_supply_agreement,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::fixtures::{STRANGER, id};
    use crate::gate::handover::fixtures::Doorstep;

    #[test]
    fn owned_or_under_an_agreement() {
        for (seller_known, owned, agreement, refused) in [
            (true, true, false, false),
            (true, true, true, false),
            (true, false, true, false),
            (true, false, false, true),
            (false, true, false, true),
            (false, true, true, true),
            (false, false, false, true),
        ] {
            let doorstep = Doorstep::with(|d| {
                d.seller = d.seller.take().filter(|_| seller_known);
                d.has_supply_agreement = agreement;
                if !owned {
                    d.cylinder_mut().owner_id = id(STRANGER);
                }
            });
            let expected = refused.then(|| {
                evidence! {
                    "seller_known" => seller_known,
                    "owned" => seller_known && owned,
                    "has_supply_agreement" => agreement,
                }
            });
            assert_eq!(doorstep.check(&RULE), expected, "{seller_known} {owned} {agreement}");
        }
        assert_eq!(Doorstep::with(|d| d.cylinder = None).check(&RULE), None);
    }
}
