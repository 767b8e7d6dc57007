//! `fill.gas-unaccounted`: full by the records, never out and never emptied, and the scale shows it empty: either somebody forgot
//! to scan, or this is another cylinder under its code.

use super::FillRule;
use super::already_full::{shows_empty, stayed_full};
use super::cycle_too_short::filled_here_lately;
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
        id: "fill.gas-unaccounted",
        severity: Severity::Warn,
        by_policy: true,
        alert: true,
        message: Words {
            zh: "记录显示瓶内有 {gas_g} 克气，没有出站和倒空记录，秤上却是空瓶",
            en: "By the records it holds {gas_g} g and neither left nor was emptied, but the scale shows it empty",
        },
        next_step: Words {
            zh: "核对标签是不是这只瓶的；监管部门会收到提示",
            en: "Check that the label belongs to this cylinder; the regulator is told",
        },
        citations: &[law::CODE_AND_STAMP, law::WHOLE_WAY],
    },
    check,
};

fn check(facts: &FillFacts<'_>, policy: &Policy, now: Moment) -> Option<Evidence> {
    // Within the shortest cycle `fill.cycle-too-short` refuses it.
    let old = filled_here_lately(facts, policy, now).is_none();
    let fill = stayed_full(facts).filter(|_| old && shows_empty(facts))?;
    Some(evidence! {
        "last_fill_id" => fill.id,
        "gas_g" => facts.cylinder.map(|c| c.gas_g),
        "reading_g" => facts.scale_g,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::cylinder::LastFill;
    use crate::gate::fill::testing::breaks;
    use crate::gate::fixtures::last_fill;

    #[test]
    fn only_where_the_scale_contradicts_the_records() {
        for (reading, moved_since, emptied_since, broken) in [
            (Some(16_700), false, false, true),
            (Some(23_950), false, false, true),
            (Some(23_951), false, false, false),
            (None, false, false, false),
            (Some(16_700), true, false, false),
            (Some(16_700), false, true, false),
        ] {
            let found = breaks(&RULE, |w| {
                w.scale_g = reading;
                w.cylinder_mut().gas_g = 14_500;
                w.cylinder_mut().last_fill =
                    Some(LastFill { moved_since, emptied_since, ..last_fill("2026-06-01T02:00:00Z") });
            });
            assert_eq!(found, broken, "{reading:?} {moved_since} {emptied_since}");
        }
        let lately = breaks(&RULE, |w| {
            w.cylinder_mut().gas_g = 14_500;
            w.cylinder_mut().last_fill = Some(last_fill("2026-06-15T01:00:00Z"));
        });
        assert!(!lately, "that is a cycle too short");
        assert!(!breaks(&RULE, |w| w.cylinder = None));
    }
}
