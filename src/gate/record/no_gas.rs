//! `fill.no-gas`: a fill that put no gas in, or took no time, is a record made to look like a fill.

use super::{RecordRule, weighed};
use crate::domain::finding::{Evidence, Severity};
use crate::domain::instant::Moment;
use crate::domain::said::Words;
use crate::evidence;
use crate::gate::facts::RecordFacts;
use crate::gate::law;
use crate::gate::policy::Policy;
use crate::gate::rule::Rule;

pub(super) const RULE: RecordRule = RecordRule {
    rule: Rule {
        id: "fill.no-gas",
        severity: Severity::Warn,
        by_policy: false,
        alert: true,
        message: Words {
            zh: "疑似空充：充入 {added_g} 克，用时 {seconds} 秒",
            en: "Hardly a fill: {added_g} g went in, in {seconds} s",
        },
        next_step: Words {
            zh: "核对秤上的气瓶与所扫的码是否一致，并报告站长",
            en: "Make sure that the scanned cylinder is the one on the scale, and tell the station manager",
        },
        citations: &[law::CODE_AND_STAMP, law::CHECKS_AND_RECORDS],
    },
    check,
};

fn check(facts: &RecordFacts<'_>, policy: &Policy, _: Moment) -> Option<Evidence> {
    // A second weighing comes after any time, and has no reading before it.
    let (_, net_g) = weighed(facts).filter(|_| facts.judge_permit)?;
    let added_g = net_g.saturating_sub(facts.residual_g);
    let seconds = facts.finished_at.seconds_since(facts.started_at);
    (added_g < policy.no_gas_g() || seconds < policy.min_fill_seconds()).then(|| {
        evidence! {
            "added_g" => added_g,
            "least_g" => policy.no_gas_g(),
            "seconds" => seconds,
            "least_seconds" => policy.min_fill_seconds(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::fixtures::{STRANGER, id};
    use crate::gate::record::fixtures::Record;

    fn fill(net_g: i32, residual_g: i32, micros: i64) -> Record {
        Record::with(|r| {
            r.set_net(net_g);
            r.residual_g = residual_g;
            r.finished_at = crate::domain::instant::Instant::from_micros(r.started_at.micros() + micros);
        })
    }

    #[test]
    fn gas_and_time_have_a_least() {
        for (net_g, residual_g, micros, found) in [
            (14_500, 100, 90_000_000, false),
            (199, 0, 90_000_000, true),
            (200, 0, 90_000_000, false),
            (201, 0, 90_000_000, false),
            (7_199, 7_000, 90_000_000, true),
            (7_200, 7_000, 90_000_000, false),
            (100, -100, 90_000_000, false),
            (5_000, 7_000, 90_000_000, true),
            (14_500, 100, 19_000_000, true),
            (14_500, 100, 19_999_999, true),
            (14_500, 100, 20_000_000, false),
            (14_500, 100, 21_000_000, false),
            (14_500, 100, 0, true),
            (14_500, 100, -60_000_000, true),
        ] {
            let evidence = fill(net_g, residual_g, micros).check(&RULE);
            let expected = found.then(|| {
                evidence! {
                    "added_g" => net_g - residual_g,
                    "least_g" => 200,
                    "seconds" => micros / 1_000_000,
                    "least_seconds" => 20,
                }
            });
            assert_eq!(evidence, expected, "{net_g} {residual_g} {micros}");
        }
    }

    #[test]
    fn not_on_a_second_weighing_nor_for_an_unknown_cylinder_nor_for_somebody_elses() {
        let nothing = fill(0, 0, 0);
        assert!(nothing.check(&RULE).is_some());
        assert_eq!(Record { judge_permit: false, ..nothing.clone() }.check(&RULE), None);
        assert_eq!(Record { cylinder: None, ..nothing.clone() }.check(&RULE), None);
        assert_eq!(Record { organization_id: id(STRANGER), ..nothing }.check(&RULE), None);
    }
}
