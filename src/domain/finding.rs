//! What one rule found: kept in the event as evidence, turned into words only when somebody reads it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

crate::words! {
    /// How bad a finding is. The worst of all findings is the gate's decision.
    pub enum Severity {
        /// Worth knowing; the act goes on.
        Warn => "warn",
        /// The act is recorded, the cylinder may not leave.
        Hold => "hold",
        /// The act is refused.
        Refuse => "refuse",
    }
}

/// One rule's result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The stable id of the rule, e.g. `fill.inspection-overdue`.
    pub rule: String,
    /// How bad.
    pub severity: Severity,
    /// Whether somebody must look at it: a sign of cheating.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub alert: bool,
    /// The values that were compared.
    pub evidence: Evidence,
}

/// The compared values by name, in a fixed order.
pub type Evidence = Map<String, Value>;

/// The worst severity of a list.
pub fn worst(findings: &[Finding]) -> Option<Severity> {
    findings.iter().map(|f| f.severity).max()
}

/// Builds evidence: `evidence! { "tare_g" => tare, "reading_g" => reading }`.
#[macro_export]
macro_rules! evidence {
    ($($name:literal => $value:expr),* $(,)?) => {{
        #[allow(unused_mut)]
        let mut map = serde_json::Map::new();
        $(map.insert($name.to_owned(), serde_json::json!($value));)*
        map
    }};
}
