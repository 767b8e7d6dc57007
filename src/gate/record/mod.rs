//! The record gate: does a fill record fit its permit, and may the filled cylinder leave? It runs on a fill record and
//! again on every second weighing.

mod excess_unaccounted;
#[cfg(test)]
mod fixtures;
mod gas_added;
mod no_gas;
mod overfilled;
mod permit_expired;
mod permit_foreign;
mod permit_overtaken;
mod permit_unknown;
mod permit_used;
mod post_check_failed;
mod post_check_missing;
#[cfg(test)]
mod property;
mod recorded_late;
mod same_person;
mod short_weight;

use crate::domain::cylinder::Stamp;
use crate::domain::event::FillStatus;
use crate::domain::finding::{Evidence, Finding, Severity, worst};
use crate::domain::instant::Moment;
use crate::gate::facts::{PermitFacts, RecordFacts};
use crate::gate::policy::Policy;
use crate::gate::rule::{self, RuleOf};

/// A rule of the record gate.
pub type RecordRule = RuleOf<fn(&RecordFacts<'_>, &Policy, Moment) -> Option<Evidence>>;

/// Every rule of the record gate, in the order in which findings are shown.
pub const RULES: &[RecordRule] = &[
    permit_unknown::RULE,
    permit_foreign::RULE,
    permit_used::RULE,
    permit_expired::RULE,
    permit_overtaken::RULE,
    recorded_late::RULE,
    overfilled::RULE,
    excess_unaccounted::RULE,
    gas_added::RULE,
    post_check_failed::RULE,
    post_check_missing::RULE,
    no_gas::RULE,
    short_weight::RULE,
    same_person::RULE,
];

/// What becomes of a fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// No fill is recorded, only the attempt.
    Refused,
    /// The fill, or its second weighing, is recorded, and the cylinder may leave or not.
    Recorded(FillStatus),
}

/// Runs all rules.
pub fn findings(facts: &RecordFacts<'_>, policy: &Policy, now: Moment) -> Vec<Finding> {
    rule::run(RULES, facts, policy, now)
}

/// What findings mean for the fill: the worst severity decides.
pub fn outcome(findings: &[Finding]) -> Outcome {
    match worst(findings) {
        Some(Severity::Refuse) => Outcome::Refused,
        Some(Severity::Hold) => Outcome::Recorded(FillStatus::Held),
        Some(Severity::Warn) | None => Outcome::Recorded(FillStatus::Released),
    }
}

/// Whether the permit that is judged was given to another organization. Nothing about it, nor about its cylinder, may
/// then be told: `fill.permit-foreign` refuses and the rules that would tell keep silent.
fn is_another_organizations(facts: &RecordFacts<'_>) -> bool {
    facts.judge_permit && facts.permit.is_some_and(|permit| permit.organization_id != facts.organization_id)
}

/// The permit, where it is judged and may be talked about.
fn own_permit(facts: &RecordFacts<'_>) -> Option<PermitFacts> {
    facts.permit.filter(|_| facts.judge_permit && !is_another_organizations(facts))
}

/// The permit on which the fill rests, also on a second weighing, where it may be talked about.
fn ground(facts: &RecordFacts<'_>) -> Option<PermitFacts> {
    facts.permit.filter(|_| !is_another_organizations(facts))
}

/// What the steel says and the net mass by it, in grams, where they may be talked about.
fn weighed<'a>(facts: &RecordFacts<'a>) -> Option<(&'a Stamp, i32)> {
    let cylinder = facts.cylinder.filter(|_| !is_another_organizations(facts))?;
    Some((&cylinder.stamp, facts.net_g()?))
}

#[cfg(test)]
mod tests {
    use super::fixtures::Record;
    use super::*;
    use crate::domain::event::CheckResult;
    use crate::evidence;
    use crate::gate::fixtures::{OTHER_SCALE, STRANGER, id};

    fn outcome_of(record: &Record) -> Outcome {
        outcome(&findings(&record.facts(), &Policy::default(), record.now))
    }

    #[test]
    fn a_good_fill_is_released_without_a_finding() {
        let record = Record::good();
        assert_eq!(findings(&record.facts(), &Policy::default(), record.now), vec![]);
    }

    #[test]
    fn the_worst_finding_decides() {
        use Severity::{Hold, Refuse, Warn};
        let found =
            |severity| Finding { rule: "x".to_owned(), severity, alert: false, evidence: Evidence::new() };
        for (severities, expected) in [
            (&[][..], Outcome::Recorded(FillStatus::Released)),
            (&[Warn], Outcome::Recorded(FillStatus::Released)),
            (&[Hold], Outcome::Recorded(FillStatus::Held)),
            (&[Warn, Hold, Warn], Outcome::Recorded(FillStatus::Held)),
            (&[Refuse], Outcome::Refused),
            (&[Hold, Refuse, Warn], Outcome::Refused),
        ] {
            let findings: Vec<_> = severities.iter().copied().map(found).collect();
            assert_eq!(outcome(&findings), expected, "{severities:?}");
        }
    }

    #[test]
    fn the_rules_are_as_bad_as_the_rule_book_says() {
        use Severity::{Hold, Refuse, Warn};
        let rules: Vec<_> =
            RULES.iter().map(|r| (r.rule.id, r.rule.severity, r.rule.by_policy, r.rule.alert)).collect();
        let expected = [
            ("fill.permit-unknown", Refuse, false, false),
            ("fill.permit-foreign", Refuse, false, false),
            ("fill.permit-used", Refuse, false, false),
            ("fill.permit-expired", Refuse, false, false),
            ("fill.permit-overtaken", Hold, false, true),
            ("fill.recorded-late", Hold, false, true),
            ("fill.overfilled", Hold, false, false),
            ("fill.excess-unaccounted", Hold, false, true),
            ("fill.gas-added", Hold, false, true),
            ("fill.post-check-failed", Hold, false, false),
            ("fill.post-check-missing", Hold, false, false),
            ("fill.no-gas", Warn, false, true),
            ("fill.short-weight", Warn, true, false),
            ("fill.same-person", Warn, true, false),
        ];
        assert_eq!(rules, expected);
    }

    #[test]
    fn a_second_weighing_does_not_judge_the_permit_or_the_time_again() {
        let again = Record::again(|r| {
            r.permit_mut().used = true;
            r.permit_mut().voided = true;
            r.finished_at = r.started_at;
            r.device_scale_id = Some(id(OTHER_SCALE));
            r.now = crate::gate::fixtures::moment("2026-07-15T02:02:00Z");
        });
        assert_eq!(findings(&again.facts(), &Policy::default(), again.now), vec![]);
        let without = Record { permit: None, ..again };
        assert_eq!(findings(&without.facts(), &Policy::default(), without.now), vec![]);
    }

    #[test]
    fn a_second_weighing_holds_what_is_still_wrong() {
        let breaks: [fn(&mut Record); 3] = [
            |r| r.set_net(14_901),
            |r| r.postcheck = None,
            |r| r.postcheck_mut().seal = Some(CheckResult::Fail),
        ];
        for break_one in breaks {
            assert_eq!(outcome_of(&Record::again(break_one)), Outcome::Recorded(FillStatus::Held));
        }
    }

    #[test]
    fn nothing_is_told_about_another_organizations_permit_and_cylinder() {
        let record = Record::with(|r| {
            r.permit_mut().organization_id = id(STRANGER);
            r.permit_mut().used = true;
            r.permit_mut().voided = true;
            r.set_net(20_000);
            r.finished_at = r.started_at;
        });
        let findings = findings(&record.facts(), &Policy::default(), record.now);
        assert_eq!(findings.iter().map(|f| f.rule.as_str()).collect::<Vec<_>>(), ["fill.permit-foreign"]);
        assert_eq!(findings[0].evidence, evidence! { "mismatch" => ["organization"] });
    }
}
