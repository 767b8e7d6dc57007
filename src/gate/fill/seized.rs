//! `fill.seized`: a seized cylinder 查封扣押 stays as it is until an agency scraps it.

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
        id: "fill.seized",
        severity: Severity::Refuse,
        by_policy: false,
        alert: false,
        message: Words { zh: "此瓶已被查封扣押", en: "This cylinder is seized" },
        next_step: Words {
            zh: "不充不动，原样封存，报告市场监管部门",
            en: "Do not fill or use it; lock it away and report it to the market regulator",
        },
        citations: &[law::SEIZURE, law::SEIZED_UNTOUCHED, law::SEIZE_AND_BLACKLIST],
    },
    check,
};

fn check(facts: &FillFacts<'_>, _: &Policy, _: Moment) -> Option<Evidence> {
    facts.cylinder?.seized.then(|| evidence! { "seized" => true })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::fill::testing::breaks;

    #[test]
    fn only_the_state_itself_counts() {
        assert!(!breaks(&RULE, |_| {}));
        assert!(breaks(&RULE, |w| w.cylinder_mut().seized = true));
        assert!(!breaks(&RULE, |w| {
            let cylinder = w.cylinder_mut();
            (cylinder.scrapped, cylinder.blacklisted, cylinder.lost) = (true, true, true);
        }));
        assert!(!breaks(&RULE, |w| w.cylinder = None));
    }
}
