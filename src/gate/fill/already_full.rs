//! `fill.already-full`: a full cylinder is not filled again: it is a carried code or would be over-filled.

use super::{FillRule, not_empty::half_full_g};
use crate::domain::cylinder::LastFill;
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
        id: "fill.already-full",
        severity: Severity::Refuse,
        by_policy: false,
        alert: false,
        message: Words { zh: "记录显示此瓶是满瓶", en: "By the records this cylinder is full" },
        next_step: Words {
            zh: "不再充；确已用空就过秤后重扫",
            en: "Do not fill again; if it is empty, weigh it and scan again",
        },
        citations: &[law::PRE_FILL_CHECK, law::CODE_AND_STAMP],
    },
    check,
};

fn check(facts: &FillFacts<'_>, _: &Policy, _: Moment) -> Option<Evidence> {
    let fill = stayed_full(facts).filter(|_| !shows_empty(facts))?;
    let gas_g = facts.cylinder.map(|c| c.gas_g);
    Some(evidence! { "last_fill_id" => fill.id, "gas_g" => gas_g, "reading_g" => facts.scale_g })
}

/// The last fill, where its gas is still in the cylinder by the records.
pub(super) fn stayed_full<'a>(facts: &FillFacts<'a>) -> Option<&'a LastFill> {
    let cylinder = facts.cylinder.filter(|c| c.is_filled())?;
    cylinder.last_fill.as_ref().filter(|fill| !fill.moved_since && !fill.emptied_since)
}

/// Whether the scale shows that most of the gas is gone.
pub(super) fn shows_empty(facts: &FillFacts<'_>) -> bool {
    let half_g = facts.cylinder.map(|c| half_full_g(&c.stamp));
    facts.scale_g.zip(half_g).is_some_and(|(reading_g, half_g)| reading_g <= half_g)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::fill::testing::breaks;
    use crate::gate::fixtures::last_fill;

    fn filled(gas_g: i32, scale_g: Option<i32>, moved_since: bool, emptied_since: bool) -> bool {
        breaks(&RULE, |w| {
            w.scale_g = scale_g;
            w.cylinder_mut().gas_g = gas_g;
            w.cylinder_mut().last_fill =
                Some(LastFill { moved_since, emptied_since, ..last_fill("2026-06-01T02:00:00Z") });
        })
    }

    #[test]
    fn a_reading_up_to_tare_and_half_of_the_gas_shows_empty() {
        for (reading, broken) in
            [(None, true), (Some(23_950), false), (Some(23_951), true), (Some(16_500), false)]
        {
            assert_eq!(filled(14_500, reading, false, false), broken, "{reading:?}");
        }
    }

    #[test]
    fn whatever_moved_or_was_emptied_is_not_known_to_be_full() {
        assert!(filled(14_500, None, false, false));
        assert!(!filled(14_500, None, true, false));
        assert!(!filled(14_500, None, false, true));
    }

    #[test]
    fn half_full_is_not_full() {
        for (gas_g, broken) in [(0, false), (7_450, false), (7_451, true)] {
            assert_eq!(filled(gas_g, None, false, false), broken, "{gas_g}");
        }
    }

    #[test]
    fn never_filled_is_not_full() {
        assert!(!breaks(&RULE, |w| w.scale_g = None));
        assert!(!breaks(&RULE, |w| w.cylinder = None));
    }
}
