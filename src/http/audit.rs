//! The audit log.

use actix_web::HttpRequest;
use serde::Deserialize;
use utoipa::IntoParams;

use super::extract::{Caller, Limit, page, query};
use super::reply::{Data, HttpResult, list, read};
use crate::app::audit::{AuditView, entries};
use crate::auth::permission::Action;
use crate::db::audit_log::AuditFilter;
use crate::domain::audit::Outcome;
use crate::domain::id::PrincipalId;
use crate::domain::instant::Instant;
use crate::domain::value::Text;

/// Which entries.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct AuditQuery {
    /// Of this user or scale.
    #[param(value_type = Option<String>, format = "uuid")]
    pub actor: Option<PrincipalId>,
    /// Of this action.
    #[param(value_type = Option<String>, min_length = 1, max_length = 64)]
    pub action: Option<Text<1, 64>>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// From then on.
    pub since: Option<Instant>,
    /// How many rows, 1 to 200.
    #[param(value_type = Option<i64>, minimum = 1, maximum = 200)]
    pub limit: Limit,
    /// Where the page before ended.
    #[param(max_length = 100)]
    pub cursor: Option<String>,
}

/// `GET /audit`
pub async fn list_entries(service: Data, caller: Caller, request: HttpRequest) -> HttpResult {
    let asked: AuditQuery = query(&request)?;
    let page = page(asked.limit, asked.cursor.as_deref())?;
    read(&service, &caller, Action::ReadAudit, move |session| {
        let filter = AuditFilter {
            actor: asked.actor,
            action: asked.action.as_ref().map(ToString::to_string),
            outcome: asked.outcome,
            since: asked.since,
        };
        let rows = entries(session, &filter, &page)?;
        list(rows, asked.limit, |row| row.seq, |rows| rows.into_iter().map(AuditView::new).collect())
    })
    .await
}
