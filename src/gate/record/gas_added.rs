//! `fill.gas-added`: a cylinder that is heavier on the second scale than the fill left it got gas that no permit was given for.

use super::{RecordRule, weighed};
use crate::domain::finding::{Evidence, Severity};
use crate::domain::hold::GAS_ADDED;
use crate::domain::instant::Moment;
use crate::domain::said::Words;
use crate::evidence;
use crate::gate::facts::RecordFacts;
use crate::gate::law;
use crate::gate::policy::Policy;
use crate::gate::rule::Rule;

pub(super) const RULE: RecordRule = RecordRule {
    rule: Rule {
        id: GAS_ADDED,
        severity: Severity::Hold,
        by_policy: false,
        alert: true,
        message: Words {
            zh: "充装记录之后又加过气，没有充装许可（先前最重净重 {heaviest_g} 克，现称 {net_g} 克）",
            en: "Gas was added after the fill without a permit (at most {heaviest_g} g were weighed before, {net_g} g now)",
        },
        next_step: Words {
            zh: "不得发出，两人卸出气体并登记，再复称",
            en: "Do not release it; take the gas out by two people, record the emptying and weigh again",
        },
        citations: &[law::FILLING_CONTROL, law::CHECKS_AND_RECORDS],
    },
    check,
};

fn check(facts: &RecordFacts<'_>, policy: &Policy, _: Moment) -> Option<Evidence> {
    let (_, net_g) = weighed(facts)?;
    let heaviest_g = facts.heaviest_g?;
    // A third, lighter weighing doesn't unsay the second.
    let added = net_g.saturating_sub(heaviest_g) > policy.reweigh_tolerance_g() || facts.gas_was_added;
    added.then(|| evidence! { "net_g" => net_g, "heaviest_g" => heaviest_g })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::fixtures::policy;
    use crate::gate::record::fixtures::Record;

    fn again(heaviest_g: Option<i32>, net_g: i32, gas_was_added: bool) -> Record {
        Record::again(|r| {
            r.heaviest_g = heaviest_g;
            r.gas_was_added = gas_was_added;
            r.set_net(net_g);
        })
    }

    #[test]
    fn half_a_kilogram_is_the_scales_the_rest_came_from_somewhere() {
        for (heaviest_g, net_g, before, broken) in [
            (None, 14_000, false, false),
            (Some(7_000), 6_000, false, false),
            (Some(7_000), 7_500, false, false),
            (Some(7_000), 7_501, false, true),
            (Some(0), 14_800, false, true),
            (Some(14_800), 14_800, true, true),
            (Some(14_800), 7_000, true, true),
        ] {
            let expected = broken.then(|| evidence! { "net_g" => net_g, "heaviest_g" => heaviest_g });
            assert_eq!(again(heaviest_g, net_g, before).check(&RULE), expected, "{heaviest_g:?} {net_g}");
        }
    }

    #[test]
    fn policy_sets_the_tolerance() {
        let record = again(Some(14_000), 14_200, false);
        let check = |grams: i64| {
            (RULE.check)(&record.facts(), &policy(&[("reweigh_tolerance_g", grams.into())]), record.now)
        };
        assert!(check(199).is_some());
        assert!(check(200).is_none());
    }
}
