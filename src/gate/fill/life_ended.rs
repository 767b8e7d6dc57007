//! `fill.life-ended`: a cylinder must not be filled after the last day of its life.

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
        id: "fill.life-ended",
        severity: Severity::Refuse,
        by_policy: false,
        alert: false,
        message: Words {
            zh: "已超设计使用年限：{life_ends_on} 到期",
            en: "Past its design life: it ended on {life_ends_on}",
        },
        next_step: Words {
            zh: "不充，送检验机构报废",
            en: "Do not fill; send it to an inspection agency to be scrapped",
        },
        citations: &[law::DESIGN_LIFE, law::FILL_GATE],
    },
    check,
};

fn check(facts: &FillFacts<'_>, _: &Policy, now: Moment) -> Option<Evidence> {
    let last_day = facts.cylinder?.life_ends_on;
    (now.today > last_day.0).then(|| evidence! { "life_ends_on" => last_day, "today" => now.today })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::date::Day;
    use crate::domain::inspection::life_end;
    use crate::gate::fill::testing::breaks;
    use crate::gate::fixtures::{moment, noon, stamp_date};

    #[test]
    fn the_last_day_is_a_good_day() {
        for (today, broken) in [("2032-05-30", false), ("2032-05-31", false), ("2032-06-01", true)] {
            assert_eq!(breaks(&RULE, |w| w.now = noon(today)), broken, "{today}");
        }
        assert!(!breaks(&RULE, |w| w.cylinder = None));
    }

    #[test]
    fn a_month_on_the_stamp_lasts_to_its_last_day_in_leap_years_too() {
        for (made, months, today, broken) in [
            ("2020-02", 96, "2028-02-29", false),
            ("2020-02", 96, "2028-03-01", true),
            ("2020-02-28", 96, "2028-02-28", false),
            ("2020-02-28", 96, "2028-02-29", true),
            ("2019-02", 96, "2027-02-28", false),
            ("2019-02", 96, "2027-03-01", true),
        ] {
            let policy = Policy::default().life();
            let end = life_end(stamp_date(made), Some(months), policy).unwrap();
            let got = breaks(&RULE, |w| {
                w.cylinder_mut().life_ends_on = Day(end);
                w.now = noon(today);
            });
            assert_eq!(got, broken, "{made} {today}");
        }
    }

    #[test]
    fn the_day_ends_at_midnight_of_the_service() {
        assert!(!breaks(&RULE, |w| w.now = moment("2032-05-31T15:59:59Z")));
        assert!(breaks(&RULE, |w| w.now = moment("2032-05-31T16:00:00Z")));
    }
}
