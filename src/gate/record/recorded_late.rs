//! `fill.recorded-late`: the times of a fill are what its client tells. What is told long after the permit ended can't be
//! believed without somebody looking at it.

use super::{RecordRule, ground};
use crate::domain::finding::{Evidence, Severity};
use crate::domain::hold::RECORDED_LATE;
use crate::domain::instant::Moment;
use crate::domain::said::Words;
use crate::evidence;
use crate::gate::facts::RecordFacts;
use crate::gate::law;
use crate::gate::policy::Policy;
use crate::gate::rule::Rule;

pub(super) const RULE: RecordRule = RecordRule {
    rule: Rule {
        id: RECORDED_LATE,
        severity: Severity::Hold,
        by_policy: false,
        alert: true,
        message: Words {
            zh: "充装许可到期后 {seconds_late} 秒才上报（允许 {allowed_s} 秒）",
            en: "Recorded {seconds_late} s after the permit ended ({allowed_s} s are allowed)",
        },
        next_step: Words {
            zh: "不得发出，核对此瓶和充装时间，再复称",
            en: "Do not release it; check the cylinder and the time of its fill, then weigh it again",
        },
        citations: &[law::FILLING_CONTROL, law::CHECKS_AND_RECORDS],
    },
    check,
};

fn check(facts: &RecordFacts<'_>, policy: &Policy, _: Moment) -> Option<Evidence> {
    let (expires_at, recorded_at) = (ground(facts)?.permit.expires_at, facts.recorded_at?);
    let last = expires_at.plus_seconds(policy.late_record_s());
    (recorded_at > last).then(|| {
        evidence! {
            "expires_at" => expires_at,
            "recorded_at" => recorded_at,
            "seconds_late" => recorded_at.seconds_since(expires_at),
            "allowed_s" => policy.late_record_s(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::fixtures::{STRANGER, id, instant, policy};
    use crate::gate::record::fixtures::Record;

    fn recorded(at: &str) -> Record {
        Record::with(|r| r.recorded_at = Some(instant(at)))
    }

    #[test]
    fn an_hour_after_the_end_of_the_permit_is_the_last_moment() {
        for (at, late) in [
            ("2026-06-15T02:02:00Z", false),
            ("2026-06-15T03:05:00Z", false),
            ("2026-06-15T03:05:00.000001Z", true),
            ("2026-06-16T02:05:00Z", true),
        ] {
            assert_eq!(recorded(at).check(&RULE).is_some(), late, "{at}");
        }
    }

    #[test]
    fn policy_sets_the_grace() {
        let record = recorded("2026-06-15T02:06:00Z");
        let check = |seconds: i64| {
            (RULE.check)(&record.facts(), &policy(&[("late_record_s", seconds.into())]), record.now)
        };
        assert!(check(59).is_some());
        assert!(check(60).is_none());
    }

    #[test]
    fn nothing_is_told_of_another_organizations_permit_and_a_second_weighing_changes_nothing() {
        let late = recorded("2026-06-16T02:05:00Z");
        assert!(Record { judge_permit: false, ..late.clone() }.check(&RULE).is_some());
        assert_eq!(Record { recorded_at: None, ..late.clone() }.check(&RULE), None);
        assert_eq!(Record { organization_id: id(STRANGER), ..late.clone() }.check(&RULE), None);
        assert_eq!(Record { permit: None, ..late }.check(&RULE), None);
    }
}
