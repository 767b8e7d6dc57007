//! Policy: what no law fixes, as data with an effective date and a district. Defaults are here and nowhere else.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde_json::Value;

use super::rule::Rule;
use crate::domain::district::DistrictCode;
use crate::domain::finding::Severity;
use crate::domain::inspection::LifePolicy;
use crate::domain::policy::PolicyEntry;
use crate::domain::said::{one_of, said};
use crate::domain::value::{ValueCode, ValueError};

/// What values a policy takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolicyKind {
    /// A whole number within bounds.
    Integer {
        /// Lowest.
        min: i64,
        /// Highest.
        max: i64,
    },
    /// A share from 0 to 1.
    Rate,
}

/// A policy that exists.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PolicyItem {
    /// Its name.
    pub name: &'static str,
    /// What values it takes.
    pub kind: PolicyKind,
    /// Its value until somebody sets another; for a rate, in millionths.
    pub default: i64,
}

const fn integer(name: &'static str, default: i64, min: i64, max: i64) -> PolicyItem {
    PolicyItem { name, kind: PolicyKind::Integer { min, max }, default }
}

/// Every policy but the severities, which are `severity.<rule>` for the rules that allow it. The bounds leave room for
/// local practice, and none to switch a rule off: no zeros, no tolerance as large as what it is to catch, no life or
/// inspection period beyond what any rule in force allows. `stamp_challenge_rate` alone may be 0: its question is a spot
/// check on top of the rules, and a typed code or a label that owes an answer is asked for the stamp at any rate.
pub const ITEMS: &[PolicyItem] = &[
    integer("min_refill_cycle_hours", 12, 1, 72),
    integer("tare_tolerance_g", 400, 50, 1_000),
    PolicyItem { name: "stamp_challenge_rate", kind: PolicyKind::Rate, default: 50_000 },
    integer("permit_ttl_s", 600, 60, 1_800),
    integer("late_record_s", 3_600, 60, 14_400),
    integer("short_fill_g", 1_000, 100, 3_000),
    integer("reweigh_tolerance_g", 500, 50, 1_500),
    integer("no_gas_g", 200, 50, 1_000),
    integer("min_fill_seconds", 20, 5, 300),
    integer("inspection_period_months", 48, 12, 48),
    integer("max_life_months", 144, 96, 144),
    integer("inspection_soon_days", 30, 7, 180),
    integer("tare_band_percent", 10, 1, 25),
];

/// The policy in force at one place on one day.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Policy {
    values: BTreeMap<String, Value>,
}

impl Policy {
    /// The policy in force: the newest effective entry of the longest matching district.
    pub fn resolve(entries: &[PolicyEntry], district: &DistrictCode, today: NaiveDate) -> Self {
        let mut best: BTreeMap<&str, (usize, NaiveDate, i64, &Value)> = BTreeMap::new();
        for entry in entries.iter().filter(|e| e.effective_on <= today) {
            let length = match &entry.district {
                None => 0,
                Some(scope) if scope.covers(district) => scope.as_str().len(),
                Some(_) => continue,
            };
            let candidate = (length, entry.effective_on, entry.sequence, &entry.value);
            let current = best.entry(&entry.name).or_insert(candidate);
            if (candidate.0, candidate.1, candidate.2) > (current.0, current.1, current.2) {
                *current = candidate;
            }
        }
        Self {
            values: best.into_iter().map(|(name, (.., value))| (name.to_owned(), value.clone())).collect(),
        }
    }

    fn integer(&self, name: &str) -> i64 {
        let item = ITEMS.iter().find(|item| item.name == name);
        let default = item.map_or(0, |item| item.default);
        self.values.get(name).and_then(Value::as_i64).unwrap_or(default)
    }

    /// A small whole number; the bounds of [`ITEMS`] keep it in range.
    fn small(&self, name: &str) -> i32 {
        i32::try_from(self.integer(name)).unwrap_or(i32::MAX)
    }

    /// Hours that must pass between two fills of a cylinder that did not move.
    pub fn min_refill_cycle_hours(&self) -> i64 {
        self.integer("min_refill_cycle_hours")
    }

    /// How far a reading may fall below the stamped tare, in grams.
    pub fn tare_tolerance_g(&self) -> i32 {
        self.small("tare_tolerance_g")
    }

    /// Share of allowed checks that ask for the stamp, in millionths.
    pub fn stamp_challenge_ppm(&self) -> u32 {
        let rate = self.values.get("stamp_challenge_rate").and_then(Value::as_f64);
        rate.map_or(50_000, millionths)
    }

    /// How long a permit lasts, in seconds.
    pub fn permit_ttl_s(&self) -> i64 {
        self.integer("permit_ttl_s")
    }

    /// How long after the end of its permit a fill may still be recorded, in seconds.
    pub fn late_record_s(&self) -> i64 {
        self.integer("late_record_s")
    }

    /// A net mass that far below the maximum is short weight, in grams.
    pub fn short_fill_g(&self) -> i32 {
        self.small("short_fill_g")
    }

    /// How much lighter a second weighing may find an over-filled cylinder out of which no gas was taken, in grams.
    pub fn reweigh_tolerance_g(&self) -> i32 {
        self.small("reweigh_tolerance_g")
    }

    /// Less gas than this is no fill, in grams.
    pub fn no_gas_g(&self) -> i32 {
        self.small("no_gas_g")
    }

    /// A fill shorter than this is no fill, in seconds.
    pub fn min_fill_seconds(&self) -> i64 {
        self.integer("min_fill_seconds")
    }

    /// Warn this many days before an inspection is due.
    pub fn inspection_soon_days(&self) -> i64 {
        self.integer("inspection_soon_days")
    }

    /// How far a stamped tare may be from the usual one of its model, in percent.
    pub fn tare_band_percent(&self) -> i32 {
        self.small("tare_band_percent")
    }

    /// The periods that bound a cylinder's life.
    pub fn life(&self) -> LifePolicy {
        LifePolicy {
            inspection_period_months: self.small("inspection_period_months"),
            max_life_months: self.small("max_life_months"),
        }
    }

    /// How bad a finding of a rule is.
    pub fn severity(&self, rule: &Rule) -> Severity {
        let set = self.values.get(&format!("severity.{}", rule.id)).filter(|_| rule.by_policy);
        set.and_then(Value::as_str).and_then(|word| word.parse().ok()).unwrap_or(rule.severity)
    }

    /// The value of a policy as clients see it.
    pub fn value(&self, item: &PolicyItem) -> Value {
        self.values.get(item.name).cloned().unwrap_or_else(|| match item.kind {
            PolicyKind::Rate => {
                serde_json::json!(f64::from(i32::try_from(item.default).unwrap_or(0)) / 1_000_000.0)
            }
            _ => serde_json::json!(item.default),
        })
    }
}

/// A share from 0 to 1 in millionths.
fn millionths(rate: f64) -> u32 {
    // In 0..=1_000_000 after the clamp, so the cast is exact enough and never wraps.
    #[allow(clippy::as_conversions, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let ppm = (rate.clamp(0.0, 1.0) * 1_000_000.0).round() as u32;
    ppm
}

/// Whether a policy takes a value.
///
/// # Errors
/// No such policy, or a value it does not take; the text says what is allowed.
pub fn check(name: &str, value: &Value) -> Result<(), ValueError> {
    if let Some(id) = name.strip_prefix("severity.") {
        let rule = super::rule::find(id).filter(|rule| rule.by_policy);
        let rule = rule.ok_or_else(|| {
            ValueError::new(
                ValueCode::BadFormat,
                said(
                    "该规则的等级不可更改，或没有该规则",
                    "the severity of this rule is fixed or there is no such rule",
                ),
            )
        })?;
        // What was filled is a fact: after the fill a rule can hold the cylinder, but not unsay the record.
        let after_fill = super::record::RULES.iter().any(|r| r.rule.id == rule.id);
        let allowed: &[&str] = if after_fill { &["warn", "hold"] } else { &["warn", "refuse"] };
        return match value.as_str() {
            Some(word) if allowed.contains(&word) => Ok(()),
            _ => Err(ValueError::new(ValueCode::OutOfRange, one_of(allowed))),
        };
    }
    let item = ITEMS.iter().find(|item| item.name == name);
    let item = item.ok_or_else(|| {
        let names: Vec<_> = ITEMS.iter().map(|item| item.name).chain(["severity.<rule>"]).collect();
        ValueError::new(ValueCode::BadFormat, one_of(&names))
    })?;
    let (taken, allowed) = match item.kind {
        PolicyKind::Integer { min, max } => {
            let allowed = said(format!("应在 {min} 到 {max} 之间"), format!("{min} to {max} is allowed"));
            (value.as_i64().is_some_and(|v| (min..=max).contains(&v)), allowed)
        }
        PolicyKind::Rate => (
            value.as_f64().is_some_and(|v| (0.0..=1.0).contains(&v)),
            said("应为 0 到 1 的数", "a number from 0 to 1 is allowed"),
        ),
    };
    if taken { Ok(()) } else { Err(ValueError::new(ValueCode::OutOfRange, allowed)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn entry(
        name: &str,
        district: Option<&str>,
        effective_on: &str,
        value: Value,
        sequence: i64,
    ) -> PolicyEntry {
        PolicyEntry {
            name: name.to_owned(),
            district: district.map(|d| d.parse().unwrap()),
            effective_on: effective_on.parse().unwrap(),
            value,
            sequence,
        }
    }

    #[test]
    fn the_longest_district_wins_then_the_newest_effective_day() {
        let set = [
            entry("tare_tolerance_g", None, "2026-01-01", json!(300), 1),
            entry("tare_tolerance_g", None, "2026-06-01", json!(200), 2),
            entry("tare_tolerance_g", Some("3206"), "2025-01-01", json!(500), 3),
            entry("tare_tolerance_g", Some("3206"), "2027-01-01", json!(1), 4),
        ];
        let at = |district: &str, day: &str| {
            Policy::resolve(&set, &district.parse().unwrap(), day.parse().unwrap()).tare_tolerance_g()
        };
        assert_eq!(at("320602", "2026-05-31"), 500);
        assert_eq!(at("110000", "2026-05-31"), 300);
        assert_eq!(at("110000", "2026-06-01"), 200);
        assert_eq!(at("110000", "2025-12-31"), 400, "nothing in force: the default");
        assert_eq!(at("320602", "2027-01-01"), 1);
    }

    #[test]
    fn of_two_entries_for_one_day_the_later_counts() {
        let set = [
            entry("permit_ttl_s", None, "2026-01-01", json!(60), 2),
            entry("permit_ttl_s", None, "2026-01-01", json!(90), 1),
        ];
        let policy = Policy::resolve(&set, &"110000".parse().unwrap(), "2026-01-01".parse().unwrap());
        assert_eq!(policy.permit_ttl_s(), 60);
    }

    #[test]
    fn values_are_checked() {
        assert!(check("tare_tolerance_g", &json!(400)).is_ok());
        assert!(check("tare_tolerance_g", &json!(-1)).is_err());
        assert!(check("tare_tolerance_g", &json!("400")).is_err());
        assert!(check("stamp_challenge_rate", &json!(0.05)).is_ok());
        assert!(check("stamp_challenge_rate", &json!(1.5)).is_err());
        assert!(check("no_such_policy", &json!(1)).is_err());
        assert_eq!(millionths(0.05), 50_000);
    }

    #[test]
    fn no_value_switches_a_rule_off() {
        for (name, low, high) in [
            ("min_refill_cycle_hours", 1, 72),
            ("tare_tolerance_g", 50, 1_000),
            ("inspection_period_months", 12, 48),
            ("max_life_months", 96, 144),
            ("short_fill_g", 100, 3_000),
            ("reweigh_tolerance_g", 50, 1_500),
            ("no_gas_g", 50, 1_000),
            ("min_fill_seconds", 5, 300),
            ("permit_ttl_s", 60, 1_800),
            ("late_record_s", 60, 14_400),
            ("inspection_soon_days", 7, 180),
            ("tare_band_percent", 1, 25),
        ] {
            for (value, taken) in [(low - 1, false), (low, true), (high, true), (high + 1, false)] {
                assert_eq!(check(name, &json!(value)).is_ok(), taken, "{name} {value}");
            }
        }
        for item in ITEMS {
            if let PolicyKind::Integer { min, max } = item.kind {
                assert!((min..=max).contains(&item.default), "{}", item.name);
                assert!(min > 0, "{}", item.name);
            }
        }
        let rates: Vec<_> =
            ITEMS.iter().filter(|item| item.kind == PolicyKind::Rate).map(|item| item.name).collect();
        assert_eq!(rates, ["stamp_challenge_rate"], "a rate may be 0, and only that of the spot check");
        assert!(check("stamp_challenge_rate", &json!(0)).is_ok());
    }

    #[test]
    fn only_rules_that_allow_it_change_severity() {
        assert!(check("severity.fill.dual-phase", &json!("warn")).is_ok());
        assert!(check("severity.fill.dual-phase", &json!("off")).is_err());
        assert!(check("severity.fill.inspection-overdue", &json!("warn")).is_err());
    }
}
