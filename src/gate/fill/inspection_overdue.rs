//! `fill.inspection-overdue`: a cylinder must not be filled after the day its inspection was due, nor after a failed one.

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
        id: "fill.inspection-overdue",
        severity: Severity::Refuse,
        by_policy: false,
        alert: false,
        message: Words {
            zh: "气瓶{inspection}，检验有效期至 {inspection_due_on}",
            en: "Inspection {inspection}; it was due by {inspection_due_on}",
        },
        next_step: Words {
            zh: "停止充装，送检验机构检验",
            en: "Do not fill; send it to an inspection agency",
        },
        citations: &[law::NO_OVERDUE, law::FILL_GATE],
    },
    check,
};

fn check(facts: &FillFacts<'_>, _: &Policy, now: Moment) -> Option<Evidence> {
    let cylinder = facts.cylinder?;
    (cylinder.inspection_failed || now.today > cylinder.inspection_due_on.0).then(|| {
        evidence! {
            "inspection" => if cylinder.inspection_failed { "failed" } else { "overdue" },
            "inspection_due_on" => cylinder.inspection_due_on,
            "today" => now.today,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::date::Day;
    use crate::domain::inspection::inspection_due;
    use crate::domain::said::Lang;
    use crate::gate::fill::testing::{breaks, evidence_of};
    use crate::gate::fixtures::{World, day, moment, noon, stamp_date};

    #[test]
    fn the_day_it_is_due_is_a_good_day() {
        for (today, broken) in [("2028-05-30", false), ("2028-05-31", false), ("2028-06-01", true)] {
            assert_eq!(breaks(&RULE, |w| w.now = noon(today)), broken, "{today}");
        }
        assert!(!breaks(&RULE, |w| w.cylinder = None));
    }

    #[test]
    fn a_failed_inspection_is_never_in_date_and_says_so() {
        let failed = World::with(|w| w.cylinder_mut().inspection_failed = true);
        let evidence = evidence_of(&RULE, &failed).unwrap();
        assert_eq!(RULE.rule.message(&evidence, Lang::Zh), "气瓶检验不合格，检验有效期至 2028-05-31");
        let overdue = World::with(|w| w.now = noon("2028-06-01"));
        let evidence = evidence_of(&RULE, &overdue).unwrap();
        assert_eq!(RULE.rule.message(&evidence, Lang::En), "Inspection overdue; it was due by 2028-05-31");
    }

    #[test]
    fn months_and_leap_days_as_the_stamp_means_them() {
        for (since, certificate, today, broken) in [
            ("2024-02", None, "2028-02-29", false),
            ("2024-02", None, "2028-03-01", true),
            ("2024-02-29", None, "2028-02-29", false),
            ("2022-02", None, "2026-02-28", false),
            ("2022-02", None, "2026-03-01", true),
            ("2024-02", Some("2027-02-28"), "2027-02-28", false),
            ("2024-02", Some("2027-02-28"), "2027-03-01", true),
        ] {
            let policy = Policy::default().life();
            let due_on = inspection_due(stamp_date(since), certificate.map(day), day("2032-05-31"), policy);
            let got = breaks(&RULE, |w| {
                w.cylinder_mut().inspection_due_on = Day(due_on);
                w.now = noon(today);
            });
            assert_eq!(got, broken, "{since} {certificate:?} {today}");
        }
    }

    #[test]
    fn the_day_ends_at_midnight_of_the_service() {
        assert!(!breaks(&RULE, |w| w.now = moment("2028-05-31T15:59:59Z")));
        assert!(breaks(&RULE, |w| w.now = moment("2028-05-31T16:00:00Z")));
    }
}
