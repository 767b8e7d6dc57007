//! Policies.

use super::super::Session;
use crate::db::registry::PolicyRow;
use crate::db::types::Json;
use crate::domain::date::Day;
use crate::domain::district::DistrictScope;
use crate::domain::said::said;
use crate::domain::value::Reason;
use crate::error::{Code, Error, Result};
use crate::gate::policy;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

/// A policy to set.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPolicy {
    /// The value.
    pub value: Value,
    /// From which day; not in the past.
    pub effective_on: Day,
    /// Where it holds; everywhere if left out.
    #[serde(default)]
    pub district_code: Option<DistrictScope>,
    /// Why.
    pub reason: Reason,
}

/// Sets a policy.
///
/// # Errors
/// No such policy, a value it does not take, or a day in the past.
pub fn set_policy(session: &mut Session<'_>, name: &str, new: &NewPolicy) -> Result<PolicyRow> {
    policy::check(name, &new.value).map_err(|error| Error::value("/value", &error))?;
    if new.effective_on.0 < session.now.today {
        return Err(Error::invalid(
            "/effective_on",
            "in_past",
            said(
                "必须是今天或以后：过去的已按当时的规定判定",
                "must be today or later: the past was judged already",
            ),
        ));
    }
    let row = PolicyRow {
        id: session.ids.id(session.now.at),
        name: name.to_owned(),
        district_code: new.district_code.as_ref().map(ToString::to_string).unwrap_or_default(),
        effective_on: new.effective_on.0,
        value: Json::new(new.value.clone())?,
        reason: new.reason.to_string(),
        set_by: session.actor.user_id.ok_or(Code::Forbidden)?,
        set_at: session.now.at,
    };
    row.insert(session.conn)?;
    Ok(row)
}
