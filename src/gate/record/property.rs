//! The gate held against an oracle that was written from the rule book, without looking at the rules.

use proptest::prelude::*;

use super::fixtures::{CHECKER, Record};
use super::{Outcome, findings, outcome};
use crate::domain::event::{CheckResult, FillStatus, Postcheck};
use crate::domain::instant::Instant;
use crate::gate::facts::PermitFacts;
use crate::gate::fixtures::{
    FILLER, OPERATOR, OTHER_OPERATOR, OTHER_SCALE, SCALE, STRANGER, assert_readable, id, instant,
};
use crate::gate::policy::Policy;

const EXPIRES_AT: &str = "2026-06-15T02:05:00Z";

/// The rule book, once more: nothing is recorded.
fn must_refuse(record: &Record) -> bool {
    if record.cylinder.is_none() {
        return true;
    }
    if !record.judge_permit {
        return false;
    }
    let Some(permit) = record.permit else { return true };
    let Some(operator_id) = record.operator_id else {
        return true;
    };
    if let Some(scale_id) = record.device_scale_id
        && scale_id != permit.scale_id
    {
        return true;
    }
    permit.organization_id != record.organization_id
        || permit.operator_id != operator_id
        || permit.used
        || permit.voided
        || record.started_at > instant(EXPIRES_AT)
}

/// The rule book, once more: the cylinder may not leave.
fn must_hold(record: &Record) -> bool {
    let Some(postcheck) = &record.postcheck else {
        return true;
    };
    let passed = |result| result == Some(CheckResult::Pass);
    record.gross_g > 16_500 + 14_900
        || !passed(postcheck.leak)
        || !passed(postcheck.valve)
        || !passed(postcheck.seal)
        || postcheck.checker_id.is_none()
}

fn rarely() -> impl Strategy<Value = bool> {
    prop::bool::weighted(0.06)
}

fn any_result() -> impl Strategy<Value = Option<CheckResult>> {
    prop_oneof![
        10 => Just(Some(CheckResult::Pass)),
        1 => Just(Some(CheckResult::Fail)),
        1 => Just(None),
    ]
}

fn any_postcheck() -> impl Strategy<Value = Postcheck> {
    let checker_id =
        prop_oneof![8 => Just(Some(id(CHECKER))), 1 => Just(Some(id(OPERATOR))), 1 => Just(None)];
    (any_result(), any_result(), any_result(), checker_id)
        .prop_map(|(leak, valve, seal, checker_id)| Postcheck { leak, valve, seal, checker_id })
}

fn any_permit() -> impl Strategy<Value = PermitFacts> {
    (rarely(), rarely(), rarely(), rarely(), rarely()).prop_map(
        |(organization, operator, scale, used, voided)| PermitFacts {
            organization_id: id(if organization { STRANGER } else { FILLER }),
            operator_id: id(if operator { OTHER_OPERATOR } else { OPERATOR }),
            scale_id: id(if scale { OTHER_SCALE } else { SCALE }),
            used,
            voided,
            ..Record::good().permit.unwrap()
        },
    )
}

/// When gas began to flow and stopped, in microseconds around the end of the permit and around the least time.
fn any_times() -> impl Strategy<Value = (i64, i64)> {
    let start = prop_oneof![6 => -300_000_000..=0_i64, 2 => -2..=2_i64, 1 => 1..300_000_000_i64];
    let length =
        prop_oneof![4 => 20_000_000..600_000_000_i64, 1 => 19_999_998..20_000_002_i64, 1 => -5..5_i64];
    (start, length)
}

fn any_record() -> impl Strategy<Value = Record> {
    let gross_g = prop_oneof![4 => 16_500..=31_400, 2 => 31_398..31_403, 1 => 0..200_000];
    (
        (prop::option::weighted(0.95, any_permit()), any::<bool>(), rarely(), rarely(), any::<bool>()),
        (gross_g, 0..15_000),
        any_times(),
        prop::option::weighted(0.95, any_postcheck()),
    )
        .prop_map(
            |((permit, judge_permit, no_cylinder, no_operator, by_device), masses, times, postcheck)| {
                let good = Record::good();
                let started_at = Instant::from_micros(instant(EXPIRES_AT).micros() + times.0);
                Record {
                    permit,
                    judge_permit,
                    operator_id: good.operator_id.filter(|_| !no_operator),
                    device_scale_id: good.device_scale_id.filter(|_| by_device),
                    cylinder: good.cylinder.clone().filter(|_| !no_cylinder),
                    gross_g: masses.0,
                    residual_g: masses.1,
                    started_at,
                    finished_at: Instant::from_micros(started_at.micros() + times.1),
                    postcheck,
                    ..good
                }
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn nothing_is_released_that_the_rule_book_refuses_or_holds(record in any_record()) {
        let findings = findings(&record.facts(), &Policy::default(), record.now);
        let expected = match (must_refuse(&record), must_hold(&record)) {
            (true, _) => Outcome::Refused,
            (false, true) => Outcome::Recorded(FillStatus::Held),
            (false, false) => Outcome::Recorded(FillStatus::Released),
        };
        prop_assert_eq!(outcome(&findings), expected, "{:?}", findings);
        findings.iter().for_each(assert_readable);
    }

    #[test]
    fn no_number_makes_a_rule_panic(gross_g: i32, residual_g: i32, from: i64, to: i64) {
        let record = Record::with(|r| {
            r.gross_g = gross_g;
            r.residual_g = residual_g;
            r.started_at = Instant::from_micros(from);
            r.finished_at = Instant::from_micros(to);
        });
        findings(&record.facts(), &Policy::default(), record.now);
    }
}
