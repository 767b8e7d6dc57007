//! `fill.lost`: a cylinder that was reported lost is not filled until it is recorded as found.

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
        id: "fill.lost",
        severity: Severity::Refuse,
        by_policy: false,
        alert: false,
        message: Words { zh: "此瓶已报失", en: "This cylinder is reported lost" },
        next_step: Words {
            zh: "不充，留下气瓶，报告站长",
            en: "Do not fill; keep it and tell the station manager",
        },
        citations: &[law::WHOLE_WAY, law::PRE_FILL_CHECK],
    },
    check,
};

fn check(facts: &FillFacts<'_>, _: &Policy, _: Moment) -> Option<Evidence> {
    facts.cylinder?.lost.then(|| evidence! { "lost" => true })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::fill::testing::breaks;

    #[test]
    fn only_the_state_itself_counts() {
        assert!(!breaks(&RULE, |_| {}));
        assert!(breaks(&RULE, |w| w.cylinder_mut().lost = true));
        assert!(!breaks(&RULE, |w| {
            let cylinder = w.cylinder_mut();
            (cylinder.scrapped, cylinder.seized, cylinder.blacklisted) = (true, true, true);
        }));
        assert!(!breaks(&RULE, |w| w.cylinder = None));
    }
}
