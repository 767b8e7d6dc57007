//! The handover gate: may this worker hand this cylinder to a customer, here and now?

mod already_delivered;
mod clock_untrusted;
mod code_forged;
mod code_revoked;
mod code_unknown;
mod cylinder_unfit;
#[cfg(test)]
mod fixtures;
mod gas_license;
mod not_in_custody;
mod not_owned;
mod out_of_order;
mod owner_closed;
#[cfg(test)]
mod property;
mod worker_certificate;

use crate::domain::finding::{Evidence, Finding};
use crate::domain::instant::Moment;
use crate::gate::facts::HandoverFacts;
use crate::gate::policy::Policy;
use crate::gate::rule::{self, RuleOf};

/// A rule of the handover gate.
pub type HandoverRule = RuleOf<fn(&HandoverFacts<'_>, &Policy, Moment) -> Option<Evidence>>;

/// Every rule of the handover gate, in the order in which findings are shown.
pub const RULES: &[HandoverRule] = &[
    code_forged::RULE,
    code_unknown::RULE,
    code_revoked::RULE,
    cylinder_unfit::RULE,
    already_delivered::RULE,
    not_in_custody::RULE,
    out_of_order::RULE,
    not_owned::RULE,
    owner_closed::RULE,
    worker_certificate::RULE,
    gas_license::RULE,
    clock_untrusted::RULE,
];

/// Runs all rules.
pub fn findings(facts: &HandoverFacts<'_>, policy: &Policy, now: Moment) -> Vec<Finding> {
    rule::run(RULES, facts, policy, now)
}

#[cfg(test)]
mod tests {
    use super::fixtures::Doorstep;
    use super::*;
    use crate::domain::event::CodeStatus;
    use crate::domain::finding::Severity;
    use crate::gate::fixtures::scan;

    fn rules_that_find(doorstep: &Doorstep) -> Vec<&'static str> {
        let findings = findings(&doorstep.facts(), &Policy::default(), doorstep.now);
        assert!(findings.iter().all(|f| f.severity == Severity::Refuse));
        RULES.iter().map(|r| r.rule.id).filter(|id| findings.iter().any(|f| f.rule == *id)).collect()
    }

    #[test]
    fn a_good_handover_has_no_finding() {
        assert_eq!(rules_that_find(&Doorstep::good()), Vec::<&str>::new());
    }

    #[test]
    fn every_rule_refuses_and_no_policy_moves_it() {
        for rule in RULES {
            assert_eq!(rule.rule.severity, Severity::Refuse, "{}", rule.rule.id);
            assert!(!rule.rule.by_policy, "{}", rule.rule.id);
        }
        let alerts: Vec<_> = RULES.iter().filter(|r| r.rule.alert).map(|r| r.rule.id).collect();
        let codes = ["handover.code-forged", "handover.code-unknown", "handover.code-revoked"];
        assert_eq!(
            alerts,
            [&codes[..], &["handover.already-delivered", "handover.not-in-custody", "handover.out-of-order"]]
                .concat()
        );
    }

    #[test]
    fn without_a_cylinder_its_rules_are_silent_and_the_others_are_not() {
        let doorstep = Doorstep::with(|d| {
            d.scan = scan(CodeStatus::Forged);
            d.cylinder = None;
            d.worker = None;
            d.seller = None;
            d.clock_trusted = false;
        });
        let expected = [
            "handover.code-forged",
            "handover.worker-certificate",
            "handover.gas-license",
            "handover.clock-untrusted",
        ];
        assert_eq!(rules_that_find(&doorstep), expected);
    }

    #[test]
    fn a_revoked_code_does_not_silence_the_rules_of_its_cylinder() {
        let doorstep = Doorstep::with(|d| {
            d.scan = scan(CodeStatus::Revoked);
            d.cylinder_mut().scrapped = true;
        });
        assert_eq!(rules_that_find(&doorstep), ["handover.code-revoked", "handover.cylinder-unfit"]);
    }
}
