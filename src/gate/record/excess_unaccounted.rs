//! `fill.excess-unaccounted`: gas that is gone on the second scale, with none taken out in between, is a lie of one of the two
//! weighings. Which one, only an emptying settles.

use super::{RecordRule, weighed};
use crate::domain::finding::{Evidence, Severity};
use crate::domain::hold::EXCESS_UNACCOUNTED;
use crate::domain::instant::Moment;
use crate::domain::said::Words;
use crate::evidence;
use crate::gate::facts::RecordFacts;
use crate::gate::law;
use crate::gate::policy::Policy;
use crate::gate::rule::Rule;

pub(super) const RULE: RecordRule = RecordRule {
    rule: Rule {
        id: EXCESS_UNACCOUNTED,
        severity: Severity::Hold,
        by_policy: false,
        alert: true,
        message: Words {
            zh: "先前称得净重 {heaviest_g} 克，现称 {net_g} 克，少了 {gone_g} 克，其间没有倒残、卸气记录",
            en: "Weighed with {heaviest_g} g of gas before and {net_g} g now: {gone_g} g are gone and no emptying was recorded",
        },
        next_step: Words {
            zh: "不得发出，两人卸气并登记，再复称",
            en: "Do not release it; take gas out by two people, record the emptying and weigh again",
        },
        citations: &[law::CHECKS_AND_RECORDS, law::TSG_FILLING],
    },
    check,
};

fn check(facts: &RecordFacts<'_>, policy: &Policy, _: Moment) -> Option<Evidence> {
    let (stamp, net_g) = weighed(facts)?;
    let heaviest_g = facts.heaviest_g?;
    let gone_g = heaviest_g.saturating_sub(net_g);
    (gone_g > policy.reweigh_tolerance_g()).then(|| {
        evidence! {
            "net_g" => net_g,
            "heaviest_g" => heaviest_g,
            "gone_g" => gone_g,
            "max_fill_g" => stamp.max_fill_g,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::fixtures::policy;
    use crate::gate::record::fixtures::Record;

    fn again(heaviest_g: Option<i32>, net_g: i32) -> Record {
        Record::again(|r| {
            r.heaviest_g = heaviest_g;
            r.set_net(net_g);
        })
    }

    #[test]
    fn half_a_kilogram_is_the_scales_the_rest_is_gas() {
        for (heaviest_g, net_g, gone_g) in [
            (None, 14_000, None),
            (Some(14_900), 5_000, Some(9_900)),
            (Some(14_900), 14_400, None),
            (Some(14_901), 14_401, None),
            (Some(14_901), 14_400, Some(501)),
            (Some(20_000), 14_900, Some(5_100)),
            (Some(20_000), 19_500, None),
            (Some(20_000), 20_500, None),
        ] {
            let expected = gone_g.map(|gone_g| {
                evidence! { "net_g" => net_g, "heaviest_g" => heaviest_g, "gone_g" => gone_g, "max_fill_g" => 14_900 }
            });
            assert_eq!(again(heaviest_g, net_g).check(&RULE), expected, "{heaviest_g:?} {net_g}");
        }
    }

    #[test]
    fn policy_sets_the_tolerance() {
        let record = again(Some(15_000), 14_800);
        let check = |grams: i64| {
            (RULE.check)(&record.facts(), &policy(&[("reweigh_tolerance_g", grams.into())]), record.now)
        };
        assert!(check(199).is_some());
        assert!(check(200).is_none());
    }
}
