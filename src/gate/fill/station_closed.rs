//! `fill.station-closed`: an organization that was closed 关停、取缔、清退 does not fill.

use super::FillRule;
use crate::domain::finding::{Evidence, Severity};
use crate::domain::instant::Moment;
use crate::domain::registry::OrganizationStatus;
use crate::domain::said::Words;
use crate::evidence;
use crate::gate::facts::FillFacts;
use crate::gate::law;
use crate::gate::policy::Policy;
use crate::gate::rule::Rule;

pub(super) const RULE: FillRule = FillRule {
    rule: Rule {
        id: "fill.station-closed",
        severity: Severity::Refuse,
        by_policy: false,
        alert: false,
        message: Words {
            zh: "本单位已被关停或取缔，不得充装",
            en: "This organization is closed and may not fill",
        },
        next_step: Words { zh: "停止全部充装", en: "Stop all filling" },
        citations: &[law::CLOSE_UNLICENSED, law::CLEAR_OUT],
    },
    check,
};

fn check(facts: &FillFacts<'_>, _: &Policy, _: Moment) -> Option<Evidence> {
    let filler = facts.filler?.organization;
    (filler.status == OrganizationStatus::Closed).then(|| evidence! { "status" => filler.status })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::fill::testing::breaks;

    #[test]
    fn only_closed_is_closed() {
        use OrganizationStatus::{Active, Closed, Suspended};
        for (status, broken) in [(Active, false), (Suspended, false), (Closed, true)] {
            assert_eq!(breaks(&RULE, |w| w.filler_mut().status = status), broken, "{status}");
        }
    }

    #[test]
    fn it_holds_without_a_cylinder_too() {
        assert!(breaks(&RULE, |w| {
            w.filler_mut().status = OrganizationStatus::Closed;
            w.cylinder = None;
        }));
    }
}
