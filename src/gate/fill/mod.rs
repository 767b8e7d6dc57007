//! The fill gate: may this cylinder be filled here, now, by this person, on this scale?

mod inspection_overdue;

use crate::domain::finding::{Evidence, Finding};
use crate::domain::instant::Moment;
use crate::gate::facts::FillFacts;
use crate::gate::policy::Policy;
use crate::gate::rule::Rule;

/// A rule of the fill gate.
pub struct FillRule {
    /// Its id, words and law.
    pub rule: Rule,
    /// The compared values where the rule is broken.
    pub check: fn(&FillFacts<'_>, &Policy, Moment) -> Option<Evidence>,
}

/// Every rule of the fill gate, in the order in which findings are shown.
pub const RULES: &[FillRule] = &[inspection_overdue::RULE];

/// Runs all rules.
pub fn findings(facts: &FillFacts<'_>, policy: &Policy, now: Moment) -> Vec<Finding> {
    RULES
        .iter()
        .filter_map(|r| (r.check)(facts, policy, now).map(|evidence| r.rule.finding(evidence, policy)))
        .collect()
}
