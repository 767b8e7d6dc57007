//! `fill.code-unknown`: the code names no cylinder of ours.

use super::FillRule;
use crate::domain::event::CodeStatus;
use crate::domain::finding::{Evidence, Severity};
use crate::domain::instant::Moment;
use crate::domain::label_code::Entry;
use crate::domain::said::Words;
use crate::evidence;
use crate::gate::code;
use crate::gate::facts::FillFacts;
use crate::gate::law;
use crate::gate::policy::Policy;
use crate::gate::rule::Rule;

pub(super) const RULE: FillRule = FillRule {
    rule: Rule {
        id: "fill.code-unknown",
        severity: Severity::Refuse,
        by_policy: false,
        alert: false,
        message: Words { zh: "系统里没有这个气瓶码", en: "No such cylinder code in the system" },
        next_step: Words {
            zh: "擦净标签重扫一次；仍不行就不充，放到待查区",
            en: "Wipe the label and scan again; if it still fails, do not fill and set the cylinder aside",
        },
        citations: &[law::ONE_CYLINDER_ONE_CODE, law::PRE_FILL_CHECK],
    },
    check,
};

fn check(facts: &FillFacts<'_>, _: &Policy, _: Moment) -> Option<Evidence> {
    code::leads_nowhere(facts.scan, facts.cylinder).then(|| {
        evidence! { "entry" => facts.scan.entry, "tag_verified" => has_our_tag(facts) }
    })
}

/// Whether a scanned code carries a right tag and still names no label: our keys or records are in wrong hands.
pub(super) fn has_our_tag(facts: &FillFacts<'_>) -> bool {
    let scan = facts.scan;
    scan.status == CodeStatus::Unknown && scan.entry == Entry::Scanned && scan.label_id.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::fill::testing::breaks;
    use crate::gate::fixtures::World;

    #[test]
    fn only_a_code_with_a_cylinder_is_known() {
        for (status, has_cylinder, broken) in [
            (CodeStatus::Unknown, false, true),
            (CodeStatus::Unknown, true, true),
            (CodeStatus::Bound, false, true),
            (CodeStatus::Suspended, false, true),
            (CodeStatus::Bound, true, false),
            (CodeStatus::Forged, false, false),
            (CodeStatus::Revoked, false, false),
        ] {
            let got = breaks(&RULE, |w| {
                w.scan.status = status;
                w.cylinder = w.cylinder.take().filter(|_| has_cylinder);
            });
            assert_eq!(got, broken, "{status} {has_cylinder}");
        }
    }

    #[test]
    fn a_right_tag_without_a_label_is_an_alarm_but_a_mistyped_id_is_not() {
        let alert = |change: fn(&mut World)| {
            let world = World::with(|w| {
                w.scan.status = CodeStatus::Unknown;
                w.cylinder = None;
                change(w);
            });
            let found = crate::gate::fill::findings(&world.fill_facts(), &Policy::default(), world.now);
            found.into_iter().find(|f| f.rule == RULE.rule.id).unwrap().alert
        };
        assert!(alert(|_| {}));
        assert!(!alert(|w| w.scan.label_id = None));
        assert!(!alert(|w| w.scan.entry = Entry::Typed));
    }
}
