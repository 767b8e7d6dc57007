//! Asks one rule about one world.

use super::FillRule;
use crate::domain::finding::Evidence;
use crate::gate::fixtures::{World, told};
use crate::gate::policy::Policy;

/// What the rule finds under the default policy.
pub(super) fn evidence_of(rule: &FillRule, world: &World) -> Option<Evidence> {
    told(&rule.rule, (rule.check)(&world.fill_facts(), &Policy::default(), world.now))
}

/// Whether the rule is broken in the good world after one change.
pub(super) fn breaks(rule: &FillRule, change: impl FnOnce(&mut World)) -> bool {
    evidence_of(rule, &World::with(change)).is_some()
}
