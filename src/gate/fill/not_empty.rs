//! `fill.not-empty`: a cylinder with more than half of its gas in it is emptied first.

use super::FillRule;
use crate::domain::cylinder::Stamp;
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
        id: "fill.not-empty",
        severity: Severity::Refuse,
        by_policy: false,
        alert: false,
        message: Words {
            zh: "瓶内余量过多：秤上 {reading_g} 克，皮重 {tare_g} 克",
            en: "Too much left in it: {reading_g} g on the scale, tare {tare_g} g",
        },
        next_step: Words {
            zh: "先抽出残液，过秤后重扫",
            en: "Take the residue out first, then weigh and scan again",
        },
        citations: &[law::PRE_FILL_CHECK, law::TSG_FILLING],
    },
    check,
};

fn check(facts: &FillFacts<'_>, _: &Policy, _: Moment) -> Option<Evidence> {
    let stamp = &facts.cylinder?.stamp;
    let reading = facts.scale_g?;
    (reading > half_full_g(stamp)).then(|| evidence! { "reading_g" => reading, "tare_g" => stamp.tare_g })
}

/// The weight up to which a cylinder counts as empty: its tare and half of what it may hold.
pub(super) fn half_full_g(stamp: &Stamp) -> i32 {
    stamp.tare_g.get().saturating_add(stamp.max_fill_g.get() / 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::fill::testing::breaks;
    use crate::gate::fixtures::int;

    #[test]
    fn up_to_the_tare_and_half_of_the_gas() {
        for (reading, broken) in
            [(23_949, false), (23_950, false), (23_951, true), (16_500, false), (i32::MAX, true)]
        {
            assert_eq!(breaks(&RULE, |w| w.scale_g = Some(reading)), broken, "{reading}");
        }
        assert!(!breaks(&RULE, |w| w.scale_g = None));
        assert!(!breaks(&RULE, |w| (w.scale_g, w.cylinder) = (Some(50_000), None)));
    }

    #[test]
    fn an_odd_maximum_is_halved_downward() {
        for (reading, broken) in [(16_550, false), (16_551, true)] {
            let got = breaks(&RULE, |w| {
                w.cylinder_mut().stamp.max_fill_g = int(101);
                w.scale_g = Some(reading);
            });
            assert_eq!(got, broken, "{reading}");
        }
    }
}
