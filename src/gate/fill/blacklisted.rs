//! `fill.blacklisted`: a cylinder on the blacklist 黑名单 is not filled.

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
        id: "fill.blacklisted",
        severity: Severity::Refuse,
        by_policy: false,
        alert: false,
        message: Words { zh: "此瓶在黑名单上", en: "This cylinder is on the blacklist" },
        next_step: Words {
            zh: "不充，隔离此瓶，报告站长",
            en: "Do not fill; set it aside and tell the station manager",
        },
        citations: &[law::SEIZE_AND_BLACKLIST, law::NOT_BACK_ON_THE_MARKET],
    },
    check,
};

fn check(facts: &FillFacts<'_>, _: &Policy, _: Moment) -> Option<Evidence> {
    facts.cylinder?.blacklisted.then(|| evidence! { "blacklisted" => true })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::fill::testing::breaks;

    #[test]
    fn only_the_state_itself_counts() {
        assert!(!breaks(&RULE, |_| {}));
        assert!(breaks(&RULE, |w| w.cylinder_mut().blacklisted = true));
        assert!(!breaks(&RULE, |w| {
            let cylinder = w.cylinder_mut();
            (cylinder.scrapped, cylinder.seized, cylinder.lost) = (true, true, true);
        }));
        assert!(!breaks(&RULE, |w| w.cylinder = None));
    }
}
