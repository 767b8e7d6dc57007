//! The rules that hold a fill and that a cylinder's state has to know by name, because they end in another way than by a second
//! weighing.

use super::finding::{Finding, Severity};

/// The rule whose hold ends when enough gas was taken out.
pub const OVERFILLED: &str = "fill.overfilled";

/// The rule that holds what a second weighing found lighter than gas can vanish; it ends the same way.
pub const EXCESS_UNACCOUNTED: &str = "fill.excess-unaccounted";

/// The rule that holds what a second weighing found heavier than the fill left it; it ends when the cylinder was emptied.
pub const GAS_ADDED: &str = "fill.gas-added";

/// The rule that holds what was filled on a permit whose ground was gone; it ends when the cylinder was emptied, or when the
/// ground is good again.
pub const PERMIT_OVERTAKEN: &str = "fill.permit-overtaken";

/// The rule that holds what was recorded long after its permit; it ends when the cylinder was emptied.
pub const RECORDED_LATE: &str = "fill.recorded-late";

/// Whether so little gas is left that the cylinder counts as emptied: at most half of what it may hold.
pub fn is_emptied(residual_g: i32, max_fill_g: i32) -> bool {
    residual_g <= max_fill_g / 2
}

/// Whether an emptying by two people that left so much gas ends the hold of a rule. An excess is gone when what is left may
/// be in it; of gas that nobody allowed none may be left to sell, and an emptying that takes nothing out ends nothing.
pub(super) fn ends_by_emptying(rule: &str, residual_g: i32, max_fill_g: i32) -> bool {
    match rule {
        OVERFILLED | EXCESS_UNACCOUNTED => residual_g <= max_fill_g,
        GAS_ADDED | PERMIT_OVERTAKEN | RECORDED_LATE => is_emptied(residual_g, max_fill_g),
        _ => false,
    }
}

/// The rules for which a fill with these findings is held.
pub(super) fn held_for(findings: &[Finding]) -> Vec<String> {
    findings.iter().filter(|f| f.severity == Severity::Hold).map(|f| f.rule.clone()).collect()
}
