//! A dated policy entry as it is stored; what it means is the gate's business.

use chrono::NaiveDate;
use serde_json::Value;

use super::district::DistrictScope;

/// One dated entry, as set by a platform admin.
#[derive(Debug, Clone, PartialEq)]
pub struct PolicyEntry {
    /// Its name.
    pub name: String,
    /// Where it holds; `None` everywhere.
    pub district: Option<DistrictScope>,
    /// From which day.
    pub effective_on: NaiveDate,
    /// The value.
    pub value: Value,
    /// Order in which they were recorded: of two for the same day the later one counts.
    pub sequence: i64,
}
