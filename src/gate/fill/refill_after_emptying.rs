//! `fill.refill-after-emptying`: filled, emptied at the station and filled again without having left. That happens, and it is
//! also how a carried code would be made fit for the next cylinder: somebody must look at it.

use super::FillRule;
use super::cycle_too_short::{filled_here_lately, told};
use crate::domain::finding::{Evidence, Severity};
use crate::domain::instant::Moment;
use crate::domain::said::Words;
use crate::gate::facts::FillFacts;
use crate::gate::law;
use crate::gate::policy::Policy;
use crate::gate::rule::Rule;

pub(super) const RULE: FillRule = FillRule {
    rule: Rule {
        id: "fill.refill-after-emptying",
        severity: Severity::Warn,
        by_policy: true,
        alert: true,
        message: Words {
            zh: "此码 {within_hours} 小时内刚充过，在站内倒空后又来充装",
            en: "This code was filled less than {within_hours} h ago, emptied at the station and is to be filled again",
        },
        next_step: Words {
            zh: "核对标签是不是这只瓶的；监管部门会收到提示",
            en: "Check that the label belongs to this cylinder; the regulator is told",
        },
        citations: &[law::CODE_AND_STAMP],
    },
    check,
};

fn check(facts: &FillFacts<'_>, policy: &Policy, now: Moment) -> Option<Evidence> {
    filled_here_lately(facts, policy, now).filter(|fill| fill.emptied_since).map(|fill| told(fill, now))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::cylinder::LastFill;
    use crate::gate::fill::testing::breaks;
    use crate::gate::fixtures::last_fill;

    #[test]
    fn only_what_was_emptied_here_within_the_cycle() {
        for (at, moved_since, emptied_since, broken) in [
            ("2026-06-14T14:00:00.000001Z", false, true, true),
            ("2026-06-14T14:00:00Z", false, true, false),
            ("2026-06-15T01:00:00Z", false, false, false),
            ("2026-06-15T01:00:00Z", true, true, false),
        ] {
            let found = breaks(&RULE, |w| {
                w.cylinder_mut().last_fill = Some(LastFill { moved_since, emptied_since, ..last_fill(at) });
            });
            assert_eq!(found, broken, "{at} {moved_since} {emptied_since}");
        }
        assert!(!breaks(&RULE, |w| w.cylinder = None));
    }
}
