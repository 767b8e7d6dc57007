//! `fill.scrapped`: a scrapped cylinder is never filled again.

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
        id: "fill.scrapped",
        severity: Severity::Refuse,
        by_policy: false,
        alert: false,
        message: Words { zh: "此瓶已报废", en: "This cylinder is scrapped" },
        next_step: Words {
            zh: "不充，留下气瓶，送检验机构销毁",
            en: "Do not fill; keep it and send it to an inspection agency to be destroyed",
        },
        citations: &[law::NO_SCRAPPED, law::NO_UNFIT],
    },
    check,
};

fn check(facts: &FillFacts<'_>, _: &Policy, _: Moment) -> Option<Evidence> {
    facts.cylinder?.scrapped.then(|| evidence! { "scrapped" => true })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::fill::testing::breaks;

    #[test]
    fn only_the_state_itself_counts() {
        assert!(!breaks(&RULE, |_| {}));
        assert!(breaks(&RULE, |w| w.cylinder_mut().scrapped = true));
        assert!(!breaks(&RULE, |w| {
            let cylinder = w.cylinder_mut();
            (cylinder.seized, cylinder.blacklisted, cylinder.lost) = (true, true, true);
        }));
        assert!(!breaks(&RULE, |w| w.cylinder = None));
    }
}
