//! Events as they are read: in words, with the names and what is kept apart, as far as they are for the reader.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::Session;
use super::masking::{hides_serial_end, masked};
use super::query::{FindingView, Named, in_words};
use crate::auth::permission::Scope;
use crate::db::DbError;
use crate::db::facts::EventRow;
use crate::db::history::{self, Names};
use crate::digest::hex;
use crate::domain::actor::Role;
use crate::domain::district::DistrictCode;
use crate::domain::id::{EventId, OrganizationId, UserId};
use crate::domain::instant::Instant;
use crate::domain::said::Lang;
use crate::error::Result;

/// One event of a history.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventView {
    /// Place among all events.
    pub log_index: i64,
    /// Place in the cylinder's own chain.
    pub cylinder_seq: i64,
    /// Its id.
    pub id: EventId,
    /// What happened.
    pub kind: String,
    /// When it happened.
    pub occurred_at: Instant,
    /// When it was recorded.
    pub recorded_at: Instant,
    /// Who: the person or scale. Names of people only for their own organization and for authorities.
    pub actor: Named,
    /// For which organization.
    pub organization: Named,
    /// Where.
    pub site: Option<Named>,
    /// In which district.
    pub district_code: DistrictCode,
    /// What the rules found, in words.
    pub findings: Vec<FindingView>,
    /// The event's own content, as it is hashed; but the end of a serial number is kept back from who fills or checks, so
    /// their copy of a registration does not give its hash.
    #[schema(value_type = Value)]
    pub data: Box<RawValue>,
    /// Where the worker of a handover stood: `lat`, `lon`, `accuracy_m`, `datum`. Kept apart from the event: not hashed, and
    /// not there once it was deleted. For the office and the customer service of who delivered, and for regulators who
    /// reach the cylinder.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub location: Option<Value>,
    /// The account number of the customer of a handover at who delivered; kept apart and shown as `location` is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_ref: Option<String>,
    /// Which call made it: route, key, digest of its body. Hashed too.
    pub idempotency: Option<Value>,
    /// Kind and id of the chain.
    pub stream: StreamView,
    /// Hash of the event before it in its chain.
    pub prev_hash: String,
    /// Its hash.
    pub hash: String,
}

/// The chain of an event.
#[derive(Debug, Serialize, ToSchema)]
pub struct StreamView {
    /// cylinder, site or organization.
    pub kind: String,
    /// Its id.
    #[schema(value_type = String, format = "uuid")]
    pub id: crate::domain::id::StreamId,
}

/// Whether the reader may know who a person of an organization is.
fn knows_people(session: &Session<'_>, of: OrganizationId) -> bool {
    session.scope != Scope::Own || session.actor.organization_id == of
}

/// What a handover keeps apart.
#[derive(Debug, Clone, Default, Deserialize)]
struct KeptApart {
    customer_ref: Option<String>,
    position: Option<Value>,
}

/// Whether the reader may know to whom and where an organization delivered: its office does, whoever fills does not; nor
/// does the platform, which has no part in it.
fn knows_customers(session: &Session<'_>, of: OrganizationId) -> bool {
    const OFFICE: [Role; 3] = [Role::OrgAdmin, Role::Dispatcher, Role::CustomerService];
    match session.scope {
        Scope::Own => {
            session.actor.organization_id == of && OFFICE.iter().any(|role| session.actor.has(*role))
        }
        Scope::District => true,
        Scope::All => false,
    }
}

/// What was kept apart from those of the events whose customers the reader may know.
fn kept_apart(session: &mut Session<'_>, rows: &[EventRow]) -> Result<Vec<(EventId, KeptApart)>> {
    let handed = |row: &&EventRow| matches!(row.kind.as_str(), "handed_over" | "handover_refused");
    let known = rows.iter().filter(handed).filter(|row| knows_customers(session, row.organization_id));
    let known: Vec<_> = known.map(|row| row.id).collect();
    history::kept_apart(session.conn, &known)?
        .into_iter()
        .map(|(id, data)| Ok((id, serde_json::from_str(&data).map_err(DbError::corrupt)?)))
        .collect()
}

/// Events in words, with names. What is stored is handed on; whether all of it can be read is for `verify` to say.
///
/// # Errors
/// The database; content or findings that are no JSON.
pub fn views(session: &mut Session<'_>, rows: Vec<EventRow>, lang: Lang) -> Result<Vec<EventView>> {
    let organizations: Vec<_> = rows.iter().map(|row| row.organization_id).collect();
    let sites: Vec<_> = rows.iter().filter_map(|row| row.site_id).collect();
    let users: Vec<UserId> = rows.iter().map(|row| row.actor_id.cast()).collect();
    let names = history::names(session.conn, &organizations, &sites, &users)?;
    let kept = kept_apart(session, &rows)?;
    let kept = |id| kept.iter().find(|(of, _)| *of == id).map(|(_, kept)| kept.clone()).unwrap_or_default();
    let view = |row: EventRow| {
        let kept = kept(row.id);
        view(session, row, &names, kept, lang)
    };
    rows.into_iter().map(view).collect()
}

fn name_of<K: PartialEq + Copy>(names: &[(K, String)], id: K) -> Option<String> {
    names.iter().find(|(of, _)| *of == id).map(|(_, name)| name.clone())
}

/// The content of an event as it is stored, or without what is kept back from the reader. It is checked to be JSON and handed
/// on: a history is read far more often than its events are judged.
fn content(session: &Session<'_>, stored: String) -> std::result::Result<Box<RawValue>, serde_json::Error> {
    if hides_serial_end(&session.actor) {
        return serde_json::value::to_raw_value(&masked(serde_json::from_str(&stored)?));
    }
    RawValue::from_string(stored)
}

fn view(
    session: &Session<'_>,
    row: EventRow,
    names: &Names,
    kept: KeptApart,
    lang: Lang,
) -> Result<EventView> {
    let knows = knows_people(session, row.organization_id);
    let findings = in_words(&row.findings()?, lang);
    let made_by = row.idempotency_route.zip(row.idempotency_key).zip(row.body_digest);
    Ok(EventView {
        log_index: row.log_index,
        cylinder_seq: row.stream_seq,
        id: row.id,
        kind: row.kind,
        occurred_at: row.occurred_at,
        recorded_at: row.recorded_at,
        actor: Named {
            id: row.actor_id.uuid(),
            name: name_of(&names.users, row.actor_id.cast()).filter(|_| knows),
        },
        organization: Named {
            id: row.organization_id.uuid(),
            name: name_of(&names.organizations, row.organization_id),
        },
        site: row.site_id.map(|id| Named { id: id.uuid(), name: name_of(&names.sites, id) }),
        district_code: row.district_code.parse().map_err(DbError::corrupt)?,
        findings,
        data: content(session, row.data).map_err(DbError::corrupt)?,
        location: kept.position,
        customer_ref: kept.customer_ref,
        idempotency: made_by.map(|((route, key), digest)| {
            serde_json::json!({ "route": route, "key": key, "body_hmac": hex(&digest) })
        }),
        stream: StreamView { kind: row.stream_kind, id: row.stream_id },
        prev_hash: hex(&row.prev_hash),
        hash: hex(&row.hash),
    })
}
