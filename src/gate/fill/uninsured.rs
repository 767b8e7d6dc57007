//! `fill.uninsured`: a cylinder in use should be insured today.

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
        id: "fill.uninsured",
        severity: Severity::Warn,
        by_policy: true,
        alert: false,
        message: Words { zh: "此瓶没有有效保险", en: "This cylinder is not insured today" },
        next_step: Words { zh: "告知气瓶管理员投保", en: "Tell the office to insure it" },
        citations: &[law::INSURANCE],
    },
    check,
};

fn check(facts: &FillFacts<'_>, _: &Policy, now: Moment) -> Option<Evidence> {
    let insurance = facts.cylinder?.insurance.as_ref();
    let insured = insurance.is_some_and(|insurance| insurance.validity().contains(now.today));
    (!insured).then(|| evidence! { "valid_to" => insurance.map(|i| i.valid_to), "today" => now.today })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::fill::testing::breaks;
    use crate::gate::fixtures::noon;

    #[test]
    fn insured_from_the_first_to_the_last_day() {
        for (today, broken) in
            [("2025-12-31", true), ("2026-01-01", false), ("2026-12-31", false), ("2027-01-01", true)]
        {
            assert_eq!(breaks(&RULE, |w| w.now = noon(today)), broken, "{today}");
        }
        assert!(breaks(&RULE, |w| w.cylinder_mut().insurance = None));
        assert!(!breaks(&RULE, |w| w.cylinder = None));
    }
}
