//! `fill.dual-phase`: cylinders that give gas and liquid 气液双相 are recalled, not filled.

use super::FillRule;
use crate::domain::cylinder::Phase;
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
        id: "fill.dual-phase",
        severity: Severity::Refuse,
        by_policy: true,
        alert: false,
        message: Words {
            zh: "气液双相瓶，禁止充装", en: "Dual-phase cylinder: filling is forbidden"
        },
        next_step: Words {
            zh: "不充，送检验机构报废",
            en: "Do not fill; send it to an inspection agency to be scrapped",
        },
        citations: &[law::DUAL_PHASE_RECALL, law::DUAL_PHASE_FORBIDDEN],
    },
    check,
};

fn check(facts: &FillFacts<'_>, _: &Policy, _: Moment) -> Option<Evidence> {
    let phase = facts.cylinder?.stamp.phase;
    (phase == Phase::Dual).then(|| evidence! { "phase" => phase })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::fill::testing::breaks;

    #[test]
    fn gas_or_liquid_alone_is_fine() {
        for (phase, broken) in [(Phase::Gas, false), (Phase::Liquid, false), (Phase::Dual, true)] {
            assert_eq!(breaks(&RULE, |w| w.cylinder_mut().stamp.phase = phase), broken, "{phase}");
        }
        assert!(!breaks(&RULE, |w| w.cylinder = None));
    }
}
