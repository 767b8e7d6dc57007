//! `fill.tare-mismatch`: a cylinder that weighs less than its stamped tare is another cylinder.

use super::FillRule;
use crate::domain::finding::{Evidence, Severity};
use crate::domain::instant::Moment;
use crate::domain::said::Words;
use crate::evidence;
use crate::gate::facts::FillFacts;
use crate::gate::law;
use crate::gate::policy::Policy;
use crate::gate::rule::Rule;

pub(super) const RULE: FillRule = FillRule {
    rule: Rule {
        id: "fill.tare-mismatch",
        severity: Severity::Refuse,
        by_policy: false,
        alert: true,
        message: Words {
            zh: "码瓶不符：秤上 {reading_g} 克，钢印皮重 {tare_g} 克",
            en: "Code and cylinder do not match: {reading_g} g on the scale, stamped tare {tare_g} g",
        },
        next_step: Words {
            zh: "不充，核对瓶上钢印与标签",
            en: "Do not fill; compare the stamp on the steel with the label",
        },
        citations: &[law::CODE_AND_STAMP, law::PRE_FILL_CHECK],
    },
    check,
};

fn check(facts: &FillFacts<'_>, policy: &Policy, _: Moment) -> Option<Evidence> {
    let tare = facts.cylinder?.stamp.tare_g.get();
    let reading = facts.scale_g?;
    let lowest = tare.saturating_sub(policy.tare_tolerance_g());
    (reading < lowest).then(|| evidence! { "reading_g" => reading, "tare_g" => tare })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::fill::testing::breaks;
    use crate::gate::fixtures::{World, policy};

    #[test]
    fn up_to_four_hundred_grams_below_the_tare() {
        for (below, broken) in [(399, false), (400, false), (401, true), (-100, false), (16_500, true)] {
            assert_eq!(breaks(&RULE, |w| w.scale_g = Some(16_500 - below)), broken, "{below}");
        }
        assert!(!breaks(&RULE, |w| w.scale_g = None));
        assert!(!breaks(&RULE, |w| (w.scale_g, w.cylinder) = (Some(0), None)));
        assert!(breaks(&RULE, |w| w.scale_g = Some(i32::MIN)));
    }

    #[test]
    fn policy_sets_the_tolerance_and_evidence_does_not_tell_it() {
        let world = World::with(|w| w.scale_g = Some(16_200));
        let check = |grams: i64| {
            (RULE.check)(&world.fill_facts(), &policy(&[("tare_tolerance_g", grams.into())]), world.now)
        };
        assert!(check(300).is_none());
        assert_eq!(check(299).unwrap(), evidence! { "reading_g" => 16_200, "tare_g" => 16_500 });
    }
}
