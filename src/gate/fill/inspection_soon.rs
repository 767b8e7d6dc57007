//! `fill.inspection-soon`: the inspection is due soon, and not overdue yet.

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
        id: "fill.inspection-soon",
        severity: Severity::Warn,
        by_policy: false,
        alert: false,
        message: Words {
            zh: "{inspection_due_on} 前须送检",
            en: "Its inspection is due by {inspection_due_on}",
        },
        next_step: Words { zh: "安排送检", en: "Plan its inspection" },
        citations: &[law::APPLY_FOR_INSPECTION],
    },
    check,
};

fn check(facts: &FillFacts<'_>, policy: &Policy, now: Moment) -> Option<Evidence> {
    let cylinder = facts.cylinder?;
    let due_on = cylinder.inspection_due_on;
    let days_left = due_on.0.signed_duration_since(now.today).num_days();
    let soon = (0..=policy.inspection_soon_days()).contains(&days_left) && !cylinder.inspection_failed;
    soon.then(|| evidence! { "inspection_due_on" => due_on, "days_left" => days_left })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::date::Day;
    use crate::gate::fill::testing::breaks;
    use crate::gate::fixtures::{day, noon};

    #[test]
    fn from_thirty_days_before_to_the_day_itself() {
        for (today, broken) in [
            ("2028-04-30", false),
            ("2028-05-01", true),
            ("2028-05-02", true),
            ("2028-05-30", true),
            ("2028-05-31", true),
            ("2028-06-01", false),
        ] {
            assert_eq!(breaks(&RULE, |w| w.now = noon(today)), broken, "{today}");
        }
        assert!(!breaks(&RULE, |w| w.cylinder = None));
    }

    #[test]
    fn a_leap_day_is_a_day() {
        for (today, broken) in
            [("2028-01-29", false), ("2028-01-30", true), ("2028-02-29", true), ("2028-03-01", false)]
        {
            let got = breaks(&RULE, |w| {
                w.cylinder_mut().inspection_due_on = Day(day("2028-02-29"));
                w.now = noon(today);
            });
            assert_eq!(got, broken, "{today}");
        }
    }

    #[test]
    fn a_failed_inspection_is_refused_and_not_announced() {
        assert!(!breaks(&RULE, |w| {
            w.cylinder_mut().inspection_failed = true;
            w.now = noon("2028-05-31");
        }));
    }
}
