//! `fill.held`: what was filled wrongly and never put right is not filled over.

use super::FillRule;
use crate::domain::event::FillStatus;
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
        id: "fill.held",
        severity: Severity::Refuse,
        by_policy: false,
        alert: false,
        message: Words {
            zh: "上次充装（净重 {net_g} 克）还没有放行",
            en: "The last fill ({net_g} g of gas) is held and was not released",
        },
        next_step: Words {
            zh: "先复称，或两人倒空并登记",
            en: "Weigh it again first, or let two people empty it and record that",
        },
        citations: &[law::CHECKS_AND_RECORDS, law::TSG_FILLING],
    },
    check,
};

fn check(facts: &FillFacts<'_>, _: &Policy, _: Moment) -> Option<Evidence> {
    let fill = facts.cylinder?.last_fill.as_ref()?;
    let waits = fill.status == FillStatus::Held && !fill.emptied_since;
    waits.then(|| {
        evidence! { "last_fill_id" => fill.id, "net_g" => fill.net_g, "held_for" => fill.held_for.clone() }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::cylinder::LastFill;
    use crate::gate::fill::testing::breaks;
    use crate::gate::fixtures::last_fill;

    #[test]
    fn a_hold_ends_with_a_release_or_an_emptying_and_not_with_time_or_a_journey() {
        use FillStatus::{Held, Released};
        for (status, moved_since, emptied_since, broken) in [
            (Released, false, false, false),
            (Released, true, true, false),
            (Held, false, false, true),
            (Held, true, false, true),
            (Held, false, true, false),
            (Held, true, true, false),
        ] {
            let found = breaks(&RULE, |w| {
                let fill = last_fill("2026-01-01T02:00:00Z");
                w.cylinder_mut().last_fill = Some(LastFill { status, moved_since, emptied_since, ..fill });
            });
            assert_eq!(found, broken, "{status} {moved_since} {emptied_since}");
        }
        assert!(!breaks(&RULE, |_| {}), "never filled");
        assert!(!breaks(&RULE, |w| w.cylinder = None));
    }
}
