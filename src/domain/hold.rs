//! The rules that hold a fill and that a cylinder's state has to know by name, because they end in another way than by a second
//! weighing.

use super::finding::{Finding, Severity};

/// The rule whose hold ends when enough gas was taken out.
pub const OVERFILLED: &str = "fill.overfilled";

/// The rule that holds what a second weighing found lighter than gas can vanish; it ends the same way.
pub const EXCESS_UNACCOUNTED: &str = "fill.excess-unaccounted";

/// The rule that holds what a second weighing found heavier than the fill left it; it ends the same way.
pub const GAS_ADDED: &str = "fill.gas-added";

/// The rule that holds what was filled on a permit whose ground was gone; it ends the same way, or when the ground is good again.
pub const PERMIT_OVERTAKEN: &str = "fill.permit-overtaken";

/// The rule that holds what was recorded long after its permit; it ends the same way.
pub const RECORDED_LATE: &str = "fill.recorded-late";

/// Those that an emptying by two people ends: the gas in question is gone.
pub(super) const ENDED_BY_EMPTYING: [&str; 5] =
    [OVERFILLED, EXCESS_UNACCOUNTED, GAS_ADDED, PERMIT_OVERTAKEN, RECORDED_LATE];

/// The rules for which a fill with these findings is held.
pub(super) fn held_for(findings: &[Finding]) -> Vec<String> {
    findings.iter().filter(|f| f.severity == Severity::Hold).map(|f| f.rule.clone()).collect()
}
