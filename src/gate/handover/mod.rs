//! The handover gate.

use crate::domain::finding::{Evidence, Finding};
use crate::domain::instant::Moment;
use crate::gate::facts::HandoverFacts;
use crate::gate::policy::Policy;
use crate::gate::rule::Rule;

/// A rule of the handover gate.
pub struct HandoverRule {
    /// Its id, words and law.
    pub rule: Rule,
    /// The compared values where the rule is broken.
    pub check: fn(&HandoverFacts<'_>, &Policy, Moment) -> Option<Evidence>,
}

/// Every rule of the handover gate, in the order in which findings are shown.
pub const RULES: &[HandoverRule] = &[];

/// Runs all rules.
pub fn findings(facts: &HandoverFacts<'_>, policy: &Policy, now: Moment) -> Vec<Finding> {
    RULES
        .iter()
        .filter_map(|r| (r.check)(facts, policy, now).map(|evidence| r.rule.finding(evidence, policy)))
        .collect()
}
