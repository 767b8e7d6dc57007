//! `handover.already-delivered`: a cylinder that is with a customer can't be handed to another; its label was copied, or it was
//! never scanned on the way back.

use super::HandoverRule;
use crate::domain::cylinder::CustodyKind;
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
        id: "handover.already-delivered",
        severity: Severity::Refuse,
        by_policy: false,
        alert: true,
        message: Words {
            zh: "记录显示这只气瓶已交付给用户，没有回收记录",
            en: "By the record this cylinder is with a customer and never came back",
        },
        next_step: Words {
            zh: "核对钢印；确是同一只的，先做回收扫码",
            en: "Compare the stamp; if it is the same cylinder, scan its return first",
        },
        citations: &[law::WHOLE_WAY, law::CODE_AND_STAMP],
    },
    check,
};

fn check(facts: &HandoverFacts<'_>, _: &Policy, _: Moment) -> Option<Evidence> {
    let custody = facts.cylinder?.custody;
    (custody.kind == CustodyKind::Customer).then(|| {
        evidence! {
            "custody" => custody.kind,
            "since" => custody.since,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::instant::Instant;
    use crate::gate::fixtures::{FILLER, custody, instant};
    use crate::gate::handover::fixtures::Doorstep;

    #[test]
    fn only_a_customer_has_it_already() {
        let since: Instant = instant("2026-06-14T02:00:00Z");
        for (kind, found) in [
            (CustodyKind::Owner, false),
            (CustodyKind::Site, false),
            (CustodyKind::Customer, true),
            (CustodyKind::Agency, false),
            (CustodyKind::Authority, false),
        ] {
            let doorstep = Doorstep::with(|d| d.cylinder_mut().custody = custody(kind, FILLER, None));
            let expected = found.then(|| evidence! { "custody" => "customer", "since" => since });
            assert_eq!(doorstep.check(&RULE), expected, "{kind}");
        }
        assert_eq!(Doorstep::with(|d| d.cylinder = None).check(&RULE), None);
    }
}
