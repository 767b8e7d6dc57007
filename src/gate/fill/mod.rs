//! The fill gate: may this cylinder be filled here, now, by this person, on this scale?

mod already_full;
mod blacklisted;
mod clock_untrusted;
mod code_foreign_host;
mod code_forged;
mod code_revoked;
mod code_unknown;
mod custody_gap;
mod cycle_too_short;
mod dual_phase;
mod gas_unaccounted;
mod held;
mod inspection_overdue;
mod inspection_soon;
mod life_ended;
mod lost;
mod medium_mismatch;
mod no_filler_mark;
mod not_empty;
mod not_owned;
mod not_registered;
mod open_permit;
mod operator_certificate;
pub(in crate::gate) mod owner_closed;
mod paper;
mod precheck_failed;
#[cfg(test)]
mod properties;
mod quick_return;
mod refill_after_emptying;
mod refurbished;
mod scale_busy;
mod scale_invalid;
mod scale_reading_missing;
mod scrapped;
mod seized;
mod stamp_mismatch;
mod station_closed;
mod station_license;
mod tare_mismatch;
#[cfg(test)]
mod testing;
mod uninsured;

use crate::domain::event::{CheckResult, Decision};
use crate::domain::finding::{Evidence, Finding, Severity, worst};
use crate::domain::instant::Moment;
use crate::domain::label_code::Entry;
use crate::gate::facts::FillFacts;
use crate::gate::policy::Policy;
use crate::gate::rule::{self, RuleOf};

use stamp_mismatch::stamp_answer;

/// A rule of the fill gate.
pub type FillRule = RuleOf<fn(&FillFacts<'_>, &Policy, Moment) -> Option<Evidence>>;

/// Every rule of the fill gate, in the order in which findings are shown.
pub const RULES: &[FillRule] = &[
    // The code.
    code_unknown::RULE,
    code_forged::RULE,
    code_revoked::RULE,
    code_foreign_host::RULE,
    // The cylinder and its state.
    scrapped::RULE,
    seized::RULE,
    blacklisted::RULE,
    lost::RULE,
    not_registered::RULE,
    dual_phase::RULE,
    refurbished::RULE,
    no_filler_mark::RULE,
    precheck_failed::RULE,
    // Dates.
    clock_untrusted::RULE,
    inspection_overdue::RULE,
    life_ended::RULE,
    // Owner, station, people.
    not_owned::RULE,
    owner_closed::RULE,
    station_closed::RULE,
    station_license::RULE,
    operator_certificate::RULE,
    // The scale and the permits.
    scale_invalid::RULE,
    scale_busy::RULE,
    medium_mismatch::RULE,
    open_permit::RULE,
    // Whether the code belongs to this cylinder.
    stamp_mismatch::RULE,
    held::RULE,
    cycle_too_short::RULE,
    already_full::RULE,
    scale_reading_missing::RULE,
    tare_mismatch::RULE,
    not_empty::RULE,
    // Worth knowing.
    uninsured::RULE,
    refill_after_emptying::RULE,
    quick_return::RULE,
    gas_unaccounted::RULE,
    custody_gap::RULE,
    inspection_soon::RULE,
];

/// The rules that a permit rests on and that can be broken between the check and the record of the fill: by an authority, or
/// because a day ended in between. What an event does to the cylinder voids the permit by itself.
pub const PERMIT_RESTS_ON: &[FillRule] = &[
    inspection_overdue::RULE,
    life_ended::RULE,
    owner_closed::RULE,
    station_closed::RULE,
    station_license::RULE,
    operator_certificate::RULE,
    scale_invalid::RULE,
];

/// The rules that a permit rests on and that are broken now.
pub fn overtaken(facts: &FillFacts<'_>, policy: &Policy, now: Moment) -> Vec<&'static str> {
    let broken = |r: &&FillRule| (r.check)(facts, policy, now).is_some();
    PERMIT_RESTS_ON.iter().filter(broken).map(|r| r.rule.id).collect()
}

/// Runs all rules.
pub fn findings(facts: &FillFacts<'_>, policy: &Policy, now: Moment) -> Vec<Finding> {
    let mut findings = rule::run(RULES, facts, policy, now);
    // The one rule whose alarm depends on the facts: an unknown code is a mistake, unless its tag is ours.
    let unknown = findings.iter_mut().find(|f| f.rule == code_unknown::RULE.rule.id);
    if let Some(finding) = unknown {
        finding.alert |= code_unknown::has_our_tag(facts);
    }
    findings
}

/// Whether this check asks for the stamp. A typed code always does: whoever types it need not have the label at hand.
fn is_asked(facts: &FillFacts<'_>, policy: &Policy, roll_ppm: u32) -> bool {
    facts.scan.entry == Entry::Typed || roll_ppm < policy.stamp_challenge_ppm()
}

/// What the gate came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// Everything the rules found.
    pub findings: Vec<Finding>,
    /// The decision.
    pub decision: Decision,
    /// Whether an answer that was owed was right.
    pub stamp_answer: Option<CheckResult>,
}

/// Runs the gate. An answer to the stamp challenge counts only where one is owed and nothing else refuses: otherwise
/// anybody with a copied code could use up the three wrong answers of a label.
pub fn judge(mut facts: FillFacts<'_>, policy: &Policy, now: Moment, roll_ppm: u32) -> Judged {
    let digits = facts.stamp_digits.take();
    let mut found = findings(&facts, policy, now);
    let owed = facts.cylinder.is_some_and(|c| c.label.challenged) || is_asked(&facts, policy, roll_ppm);
    if owed && worst(&found) <= Some(Severity::Warn) && digits.is_some() {
        facts.stamp_digits = digits;
        found = findings(&facts, policy, now);
    }
    let decision = decide(&found, &facts, policy, roll_ppm);
    Judged { findings: found, decision, stamp_answer: stamp_answer(&facts) }
}

/// What the gate says: a permit, a question about the stamp, or no.
///
/// `roll_ppm` is a number from 0 to 999 999 drawn for this check; below the rate of the policy it asks for the
/// stamp. Before a fill there is nothing to hold back, so that a `hold` refuses too.
pub fn decide(findings: &[Finding], facts: &FillFacts<'_>, policy: &Policy, roll_ppm: u32) -> Decision {
    let Some(cylinder) = facts.cylinder else {
        return Decision::Refused;
    };
    if worst(findings) > Some(Severity::Warn) {
        return Decision::Refused;
    }
    let owed = cylinder.label.challenged || is_asked(facts, policy, roll_ppm);
    match (stamp_answer(facts), owed) {
        (Some(CheckResult::Fail), _) => Decision::Refused,
        (None, true) => Decision::Challenged,
        (Some(CheckResult::Pass), _) | (None, false) => Decision::Allowed,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::gate::fixtures::{World, policy};
    use crate::gate::rule::Rule;

    const RATE_PPM: u32 = 50_000;

    fn decision(world: &World, policy: &Policy, roll_ppm: u32) -> Decision {
        let facts = world.fill_facts();
        decide(&findings(&facts, policy, world.now), &facts, policy, roll_ppm)
    }

    fn ids(wanted: impl Fn(&Rule) -> bool) -> BTreeSet<&'static str> {
        RULES.iter().map(|r| &r.rule).filter(|rule| wanted(rule)).map(|rule| rule.id).collect()
    }

    #[test]
    fn a_good_world_has_no_findings() {
        let world = World::good();
        assert_eq!(findings(&world.fill_facts(), &Policy::default(), world.now), []);
        assert_eq!(decision(&world, &Policy::default(), RATE_PPM), Decision::Allowed);
    }

    #[test]
    fn all_rules_run_and_all_findings_come_back_in_order() {
        let world = World::with(|w| {
            w.cylinder_mut().insurance = None;
            w.cylinder_mut().seized = true;
            w.operator = None;
            w.scale_g = Some(0);
        });
        let found = findings(&world.fill_facts(), &Policy::default(), world.now);
        let ids: Vec<_> = found.iter().map(|f| f.rule.as_str()).collect();
        assert_eq!(ids, ["fill.seized", "fill.operator-certificate", "fill.tare-mismatch", "fill.uninsured"]);
        assert_eq!(decision(&world, &Policy::default(), RATE_PPM), Decision::Refused);
    }

    #[test]
    fn without_a_cylinder_there_is_no_leave_even_if_nothing_was_found() {
        let world = World::with(|w| w.cylinder = None);
        assert_eq!(decide(&[], &world.fill_facts(), &Policy::default(), RATE_PPM), Decision::Refused);
    }

    #[test]
    fn without_a_cylinder_only_code_station_people_and_scale_are_judged() {
        let world =
            World { cylinder: None, filler: None, operator: None, scale: None, site: None, ..World::good() };
        let found = findings(&world.fill_facts(), &Policy::default(), world.now);
        let ids: Vec<_> = found.iter().map(|f| f.rule.as_str()).collect();
        let expected =
            ["fill.code-unknown", "fill.station-license", "fill.operator-certificate", "fill.scale-invalid"];
        assert_eq!(ids, expected);
    }

    #[test]
    fn a_warning_lets_pass_and_policy_may_make_it_refuse() {
        let world = World::with(|w| w.cylinder_mut().insurance = None);
        for (severity, expected) in
            [("warn", Decision::Allowed), ("hold", Decision::Refused), ("refuse", Decision::Refused)]
        {
            let policy = policy(&[("severity.fill.uninsured", severity.into())]);
            assert_eq!(decision(&world, &policy, RATE_PPM), expected, "{severity}");
        }
    }

    #[test]
    fn the_roll_or_the_label_asks_for_the_stamp_and_a_right_answer_gives_leave() {
        use Decision::{Allowed, Challenged, Refused};
        for (roll, challenged, typed, expected) in [
            (RATE_PPM, false, None, Allowed),
            (RATE_PPM - 1, false, None, Challenged),
            (RATE_PPM, true, None, Challenged),
            (RATE_PPM, true, Some(""), Challenged),
            (0, true, Some("12A7"), Allowed),
            (0, false, Some("12A7"), Allowed),
            (RATE_PPM, true, Some("0000"), Refused),
            (RATE_PPM, false, Some("0000"), Refused),
        ] {
            let world = World::with(|w| {
                w.cylinder_mut().label.challenged = challenged;
                w.stamp_digits = typed.map(str::to_owned);
            });
            assert_eq!(decision(&world, &Policy::default(), roll), expected, "{roll} {challenged} {typed:?}");
        }
    }

    #[test]
    fn an_answer_counts_only_where_it_is_owed_and_nothing_else_refuses() {
        use CheckResult::{Fail, Pass};
        for (roll, challenged, broken, typed, expected) in [
            (RATE_PPM, false, false, "0000", (Decision::Allowed, None)),
            (RATE_PPM, true, false, "0000", (Decision::Refused, Some(Fail))),
            (0, false, false, "0000", (Decision::Refused, Some(Fail))),
            (0, false, false, "12A7", (Decision::Allowed, Some(Pass))),
            (RATE_PPM, true, true, "0000", (Decision::Refused, None)),
            (RATE_PPM, true, true, "12A7", (Decision::Refused, None)),
        ] {
            let world = World::with(|w| {
                w.cylinder_mut().label.challenged = challenged;
                w.cylinder_mut().lost = broken;
                w.stamp_digits = Some(typed.to_owned());
            });
            let judged = judge(world.fill_facts(), &Policy::default(), world.now, roll);
            assert_eq!(
                (judged.decision, judged.stamp_answer),
                expected,
                "{roll} {challenged} {broken} {typed}"
            );
            let told = judged.findings.iter().any(|f| f.rule == "fill.stamp-mismatch");
            assert_eq!(told, expected.1 == Some(Fail));
        }
    }

    #[test]
    fn a_typed_code_is_always_asked_for_the_stamp() {
        let typed = World::with(|w| w.scan.entry = Entry::Typed);
        assert_eq!(decision(&typed, &Policy::default(), RATE_PPM), Decision::Challenged);
        let never = policy(&[("stamp_challenge_rate", 0.0.into())]);
        assert_eq!(decision(&typed, &never, RATE_PPM), Decision::Challenged, "at any rate");
        let owing = World::with(|w| w.cylinder_mut().label.challenged = true);
        assert_eq!(
            decision(&owing, &never, RATE_PPM),
            Decision::Challenged,
            "the label still owes an answer"
        );
        let answered = World { stamp_digits: Some("12A7".to_owned()), ..typed };
        assert_eq!(decision(&answered, &Policy::default(), RATE_PPM), Decision::Allowed);
    }

    #[test]
    fn policy_sets_the_rate_of_the_question() {
        for (rate, roll, expected) in [
            (0.0, 0, Decision::Allowed),
            (1.0, 999_999, Decision::Challenged),
            (0.2, 199_999, Decision::Challenged),
            (0.2, 200_000, Decision::Allowed),
        ] {
            let policy = policy(&[("stamp_challenge_rate", rate.into())]);
            assert_eq!(decision(&World::good(), &policy, roll), expected, "{rate} {roll}");
        }
    }

    #[test]
    fn a_right_answer_mends_nothing_else() {
        let world = World::with(|w| {
            w.cylinder_mut().scrapped = true;
            w.stamp_digits = Some("12A7".to_owned());
        });
        assert_eq!(decision(&world, &Policy::default(), RATE_PPM), Decision::Refused);
    }

    #[test]
    fn policy_and_alarms_as_in_the_rule_book() {
        let by_policy = [
            "fill.code-foreign-host",
            "fill.custody-gap",
            "fill.dual-phase",
            "fill.gas-unaccounted",
            "fill.no-filler-mark",
            "fill.quick-return",
            "fill.refill-after-emptying",
            "fill.scale-reading-missing",
            "fill.uninsured",
        ];
        let alert = [
            "fill.code-foreign-host",
            "fill.code-forged",
            "fill.code-revoked",
            "fill.cycle-too-short",
            "fill.gas-unaccounted",
            "fill.open-permit",
            "fill.quick-return",
            "fill.refill-after-emptying",
            "fill.stamp-mismatch",
            "fill.tare-mismatch",
        ];
        let warn = [
            "fill.code-foreign-host",
            "fill.custody-gap",
            "fill.gas-unaccounted",
            "fill.inspection-soon",
            "fill.quick-return",
            "fill.refill-after-emptying",
            "fill.uninsured",
        ];
        assert_eq!(ids(|rule| rule.by_policy), BTreeSet::from(by_policy));
        assert_eq!(ids(|rule| rule.alert), BTreeSet::from(alert));
        assert_eq!(ids(|rule| rule.severity == Severity::Warn), BTreeSet::from(warn));
        assert!(ids(|rule| rule.severity == Severity::Hold).is_empty());
        assert_eq!(RULES.len(), 38);
    }
}
