//! What the test remembers: its cylinders, its scans, and how often what happened.

use serde_json::{Value, json};

/// How often what happened.
#[derive(Debug, Default)]
pub struct Told {
    pub allowed: usize,
    pub forbidden: usize,
}

/// What the test did to a cylinder.
#[derive(Debug, Clone, Default)]
pub struct Bottle {
    pub id: String,
    pub codes: Vec<String>,
    /// Why it may never be filled, from the day it was entered.
    pub flaw: Option<&'static str>,
    /// Last good day.
    pub good_until: &'static str,
    pub lpg: bool,
    pub scrapped: bool,
    pub seized: bool,
    pub blacklisted: bool,
    pub lost: bool,
    pub rivals: bool,
    /// When it was filled, if nothing was recorded since.
    pub filled_at: Option<i64>,
    /// Scale, operator, end.
    pub permit: Option<(usize, usize, i64)>,
}

/// A scan at a scale.
pub struct Try {
    pub at: usize,
    pub label: usize,
    pub scale: usize,
    pub who: usize,
    pub forged: bool,
    pub spoiled: Option<usize>,
}

impl Try {
    pub fn spoil(&self, body: &mut Value) {
        match self.spoiled {
            None => {}
            Some(0) => body["precheck"]["valve"] = json!("fail"),
            Some(1) => body["precheck"] = json!({ "body": "pass" }),
            Some(2) => body["scale_g"] = Value::Null,
            Some(3) => body["scale_g"] = json!(16_099),
            Some(4) => body["scale_g"] = json!(23_951),
            // An answer that nobody asked for: it counts for nothing.
            Some(_) => body["stamp_digits"] = json!("ZZZZ"),
        }
    }
}
