//! `fill.permit-expired`: a permit is good for a short time, and no longer once it is voided. A fill that **started** in time
//! is in time.

use super::{RecordRule, own_permit};
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
        id: "fill.permit-expired",
        severity: Severity::Refuse,
        by_policy: false,
        alert: false,
        message: Words {
            zh: "充装许可已失效：开始充装前已过期，或已被作废",
            en: "The permit was no longer good: it expired before the fill began, or it was voided",
        },
        next_step: Words {
            zh: "隔离气瓶不得发出，重新扫码做充装前检查",
            en: "Set the cylinder aside and scan it for a new check",
        },
        citations: &[law::FILLING_CONTROL, law::CHECKS_AND_RECORDS],
    },
    check,
};

fn check(facts: &RecordFacts<'_>, _: &Policy, _: Moment) -> Option<Evidence> {
    let permit = own_permit(facts)?;
    let expires_at = permit.permit.expires_at;
    // Whether it expired can be seen from the instants; that it was voided can't.
    let reason = match (permit.voided, facts.started_at > expires_at) {
        (true, _) => "voided",
        (false, true) => "expired",
        (false, false) => return None,
    };
    Some(evidence! {
        "reason" => reason,
        "expires_at" => expires_at,
        "started_at" => facts.started_at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::instant::Instant;
    use crate::gate::fixtures::{STRANGER, id, instant};
    use crate::gate::record::fixtures::Record;

    fn started(at: &str, voided: bool) -> Record {
        Record::with(|r| {
            r.permit_mut().voided = voided;
            r.started_at = instant(at);
            // Long after the permit's end: only the start counts.
            r.finished_at = instant("2026-06-15T02:30:00Z");
        })
    }

    fn reason(record: &Record) -> Option<String> {
        record.check(&RULE).map(|evidence| evidence["reason"].as_str().unwrap().to_owned())
    }

    #[test]
    fn the_fill_must_start_by_the_very_microsecond() {
        for (at, voided, expected) in [
            ("2026-06-15T02:04:59.999999Z", false, None),
            ("2026-06-15T02:05:00.000000Z", false, None),
            ("2026-06-15T02:05:00.000001Z", false, Some("expired")),
            ("2026-06-15T02:04:59.999999Z", true, Some("voided")),
            ("2026-06-15T02:05:00.000001Z", true, Some("voided")),
        ] {
            assert_eq!(reason(&started(at, voided)).as_deref(), expected, "{at} {voided}");
        }
    }

    #[test]
    fn the_instants_are_evidence() {
        let evidence = started("2026-06-15T02:05:01Z", false).check(&RULE).unwrap();
        let of = |name: &str| evidence[name].as_str().unwrap().parse::<Instant>().unwrap();
        assert_eq!(of("started_at").seconds_since(of("expires_at")), 1);
    }

    #[test]
    fn nothing_is_told_of_another_organizations_permit_nor_judged_twice() {
        let mut record = started("2026-06-15T03:00:00Z", true);
        record.permit_mut().organization_id = id(STRANGER);
        assert_eq!(record.check(&RULE), None);
        let again = Record { judge_permit: false, ..started("2026-06-15T03:00:00Z", true) };
        assert_eq!(again.check(&RULE), None);
        let unknown = Record { permit: None, ..started("2026-06-15T03:00:00Z", true) };
        assert_eq!(unknown.check(&RULE), None);
    }
}
