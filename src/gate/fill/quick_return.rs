//! `fill.quick-return`: filled, out and back within the shortest cycle. A restaurant may burn a cylinder in that time; two scans
//! made at the station are also how a carried code gets past the cycle. Somebody must look at it.

use super::FillRule;
use super::cycle_too_short::{filled_here_lately, filled_lately, told};
use crate::domain::finding::{Evidence, Severity};
use crate::domain::instant::Moment;
use crate::domain::said::Words;
use crate::gate::facts::FillFacts;
use crate::gate::law;
use crate::gate::policy::Policy;
use crate::gate::rule::Rule;

pub(super) const RULE: FillRule = FillRule {
    rule: Rule {
        id: "fill.quick-return",
        severity: Severity::Warn,
        by_policy: true,
        alert: true,
        message: Words {
            zh: "此码 {within_hours} 小时内刚充过，出站又回站",
            en: "This code was filled less than {within_hours} h ago, went out and is back",
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
    let fill = filled_lately(facts, policy, now)?;
    filled_here_lately(facts, policy, now).is_none().then(|| told(fill, now))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::cylinder::{CustodyKind, LastFill};
    use crate::gate::fill::testing::breaks;
    use crate::gate::fixtures::{FILLER, SITE, custody, last_fill};

    #[test]
    fn out_and_back_within_the_cycle() {
        for (at, moved_since, kind, broken) in [
            ("2026-06-14T14:00:00.000001Z", true, CustodyKind::Site, true),
            ("2026-06-14T14:00:00Z", true, CustodyKind::Site, false),
            ("2026-06-15T01:00:00Z", false, CustodyKind::Site, false),
            ("2026-06-15T01:00:00Z", true, CustodyKind::Customer, false),
        ] {
            let found = breaks(&RULE, |w| {
                w.cylinder_mut().last_fill = Some(LastFill { moved_since, ..last_fill(at) });
                w.cylinder_mut().custody = custody(kind, FILLER, Some(SITE));
            });
            assert_eq!(found, broken, "{at} {moved_since} {kind}");
        }
        assert!(!breaks(&RULE, |w| w.cylinder = None));
    }
}
