//! `fill.no-filler-mark`: bought on or after 2021-06-01, a cylinder must have its owner's mark embossed on the head.

use chrono::NaiveDate;

use super::FillRule;
use crate::domain::finding::{Evidence, Severity};
use crate::domain::instant::Moment;
use crate::domain::said::Words;
use crate::evidence;
use crate::gate::facts::FillFacts;
use crate::gate::law;
use crate::gate::policy::Policy;
use crate::gate::rule::Rule;

/// Purchases from this day on must carry the mark.
const MARKED_FROM: Option<NaiveDate> = NaiveDate::from_ymd_opt(2021, 6, 1);

pub(super) const RULE: FillRule = FillRule {
    rule: Rule {
        id: "fill.no-filler-mark",
        severity: Severity::Refuse,
        by_policy: true,
        alert: false,
        message: Words {
            zh: "封头上没有充装单位标志（{bought_on} 购入或制造）",
            en: "No owner’s mark embossed on the head (bought or made {bought_on})",
        },
        next_step: Words {
            zh: "不充，交气瓶管理员处理", en: "Do not fill; hand it to the office"
        },
        citations: &[law::NOTICE_2021, law::TSG_FILLING],
    },
    check,
};

fn check(facts: &FillFacts<'_>, _: &Policy, _: Moment) -> Option<Evidence> {
    let stamp = &facts.cylinder?.stamp;
    let bought_on = stamp.purchased_on.map_or_else(|| stamp.manufactured_on.first_day(), |day| day.0);
    (!stamp.filler_mark && Some(bought_on) >= MARKED_FROM).then(|| {
        evidence! { "bought_on" => bought_on, "filler_mark" => false }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::date::Day;
    use crate::gate::fill::testing::breaks;
    use crate::gate::fixtures::{day, stamp_date};

    fn unmarked(purchased_on: Option<&str>, manufactured_on: &str) -> bool {
        breaks(&RULE, |w| {
            let stamp = &mut w.cylinder_mut().stamp;
            stamp.filler_mark = false;
            stamp.purchased_on = purchased_on.map(|text| Day(day(text)));
            stamp.manufactured_on = stamp_date(manufactured_on);
        })
    }

    #[test]
    fn the_day_of_purchase_decides() {
        for (bought, broken) in [("2021-05-31", false), ("2021-06-01", true), ("2021-06-02", true)] {
            assert_eq!(unmarked(Some(bought), "2020-01"), broken, "{bought}");
            assert_eq!(unmarked(Some(bought), "2021-06"), broken, "{bought}: manufacture does not count");
        }
    }

    #[test]
    fn without_it_the_first_day_of_manufacture_counts() {
        for (made, broken) in [
            ("2021-05", false),
            ("2021-06", true),
            ("2021-05-31", false),
            ("2021-06-01", true),
            ("2020-02-29", false),
        ] {
            assert_eq!(unmarked(None, made), broken, "{made}");
        }
    }

    #[test]
    fn with_a_mark_all_is_well() {
        assert!(!breaks(&RULE, |_| {}));
        assert!(!breaks(&RULE, |w| w.cylinder = None));
    }
}
