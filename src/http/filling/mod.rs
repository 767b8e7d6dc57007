//! The scan before filling, the record after it, the second weighing.

mod custody;
mod scanned;

pub use custody::*;
pub use scanned::Scanned;
use scanned::scanned;

use super::extract::{Body, Caller, Limit, page, query};
use super::registry::path_id;
use super::reply::{Data, HttpResult, command, list, read, recorded};
use crate::app::fill::{AHEAD_S, CheckFill, RecordFill, ReweighFill};
use crate::app::query::{EventView, FillView, FindingView, in_words, views};
use crate::auth::permission::Action;
use crate::db::history::{self, EventFilter, FillFilter};
use crate::digest::hex;
use crate::domain::event::{
    CylinderBrief, Decision, Event, EventData, FillStatus, Permit, Postcheck, Precheck,
};
use crate::domain::finding::Finding;
use crate::domain::id::{CylinderId, EventId, ScaleId, SiteId};
use crate::domain::instant::Instant;
use crate::domain::label_code::Entry;
use crate::domain::said::{Lang, Said, said};
use crate::domain::value::{MassG, Number, Text};
use crate::error::{Code, Error};
use crate::ledger::Receipt;
use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Where an event stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventRef {
    /// Place among all events.
    pub log_index: i64,
    /// Place in the chain of its cylinder or station.
    pub cylinder_seq: i64,
    /// Its hash.
    pub hash: String,
}

impl From<&Event> for EventRef {
    fn from(event: &Event) -> Self {
        Self { log_index: event.log_index, cylinder_seq: event.seq, hash: hex(&event.hash) }
    }
}

/// A check before filling.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FillCheckRequest {
    /// What was scanned or typed.
    pub code: Scanned,
    /// On which scale.
    pub scale_id: ScaleId,
    /// What the scale shows, in grams.
    #[serde(default)]
    pub scale_g: Option<MassG>,
    /// The answer to a stamp challenge: the last four characters of the serial number.
    #[serde(default)]
    pub stamp_digits: Option<Text<0, 32>>,
    /// The visual check.
    #[serde(default)]
    pub precheck: Precheck,
    /// How the code came in.
    pub entry: Entry,
    /// When it was scanned, as told by the device: within the last 30 days.
    #[serde(default)]
    pub captured_at: Option<Instant>,
}

/// What is asked of the operator before a fill.
#[derive(Debug, Serialize, ToSchema)]
pub struct Challenge {
    /// Always `stamp_digits`.
    pub kind: &'static str,
    /// The question, in words.
    pub question: &'static str,
}

/// The gate's answer.
#[derive(Debug, Serialize, ToSchema)]
pub struct FillCheckReply {
    /// Its id.
    pub id: EventId,
    /// Allowed, challenged or refused.
    pub decision: Decision,
    /// Leave to fill, if allowed.
    pub permit: Option<Permit>,
    /// What to answer, if challenged.
    pub challenge: Option<Challenge>,
    /// Everything the rules found.
    pub findings: Vec<FindingView>,
    /// The cylinder, if the code names one.
    pub cylinder: Option<CylinderBrief>,
    /// Where the check stands in the ledger.
    pub event: EventRef,
}

fn count_findings(findings: &[Finding]) {
    for finding in findings.iter().filter(|f| f.alert) {
        metrics::counter!("pingma_alerts_total", "rule" => finding.rule.clone()).increment(1);
        tracing::warn!(rule = %finding.rule, "alert");
    }
}

/// How long a scan may wait on a device without a network: 30 days.
const OFFLINE_S: i64 = 30 * 86_400;
/// How long a check may wait: a permit is for now.
const CHECK_S: i64 = 600;

/// When something was scanned, as told by the device, if that can be.
fn captured(service: &Data, at: Option<Instant>) -> Result<Option<Instant>, Error> {
    let allowed = said("应在最近 30 天之内", "must be of the last 30 days");
    captured_within(service, at, OFFLINE_S, allowed)
}

fn captured_within(
    service: &Data,
    at: Option<Instant>,
    back_s: i64,
    allowed: Said,
) -> Result<Option<Instant>, Error> {
    let now = service.app.clock.now();
    let wrong = |code, detail| Err(Error::invalid("/captured_at", code, detail));
    match at {
        Some(at) if at > now.plus_seconds(AHEAD_S) => {
            wrong("in_future", said("不得晚于现在", "must not be in the future"))
        }
        Some(at) if at < now.plus_seconds(-back_s) => wrong("too_old", allowed),
        at => Ok(at),
    }
}

/// `POST /fill-checks`
pub async fn check(
    service: Data,
    request: HttpRequest,
    caller: Caller,
    body: Body<FillCheckRequest>,
) -> HttpResult {
    let call = caller.keyed_call(body.digest)?;
    let asked = body.value;
    let code = scanned(&service, &request, &caller, &asked.code, asked.entry).await?;
    let receipt = command(
        &service,
        &caller,
        CheckFill {
            call,
            code,
            scale_id: asked.scale_id,
            scale_g: asked.scale_g,
            stamp_digits: asked.stamp_digits.map(|digits| digits.to_string()),
            precheck: asked.precheck,
            captured_at: captured_within(
                &service,
                asked.captured_at,
                CHECK_S,
                said("应在最近 10 分钟之内", "must be of the last 10 minutes"),
            )?,
        },
    )
    .await?;
    let EventData::FillChecked(data) = &receipt.event.event.data else {
        return Err(Code::Internal.into());
    };
    if !receipt.replayed {
        metrics::counter!("pingma_fill_checks_total", "decision" => data.decision.as_str()).increment(1);
        count_findings(&data.findings);
    }
    let question = match caller.lang {
        Lang::Zh => "请读出钢印上气瓶编号的最后四位",
        Lang::En => "Read the last four characters of the serial number on the steel",
    };
    let reply = FillCheckReply {
        id: receipt.event.event.id,
        decision: data.decision,
        permit: data.permit,
        challenge: (data.decision == Decision::Challenged)
            .then_some(Challenge { kind: "stamp_digits", question }),
        findings: in_words(&data.findings, caller.lang),
        cylinder: data.cylinder.clone(),
        event: EventRef::from(&*receipt.event),
    };
    Ok(recorded(StatusCode::OK, &receipt, &reply))
}

/// A fill on a permit.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FillRequest {
    /// The permit of an allowed check.
    pub permit_id: EventId,
    /// Weight of cylinder and gas, in grams.
    pub gross_g: MassG,
    /// When the gas began to flow.
    pub started_at: Instant,
    /// When it stopped.
    pub finished_at: Instant,
    /// Number of the seal.
    #[serde(default)]
    pub seal_no: Option<Number>,
    /// The check after filling; without it the cylinder is held.
    #[serde(default)]
    pub postcheck: Option<Postcheck>,
}

crate::words! {
    /// What became of a fill record.
    pub enum FillOutcome {
        /// Recorded; the cylinder may leave.
        Released => "released",
        /// Recorded; the cylinder may not leave.
        Held => "held",
        /// Not recorded: the permit does not fit. The attempt is.
        Refused => "refused",
    }
}

impl From<FillStatus> for FillOutcome {
    fn from(status: FillStatus) -> Self {
        match status {
            FillStatus::Released => Self::Released,
            FillStatus::Held => Self::Held,
        }
    }
}

/// The answer to a fill record or a second weighing.
#[derive(Debug, Serialize, ToSchema)]
pub struct FillReply {
    /// The fill; null if refused.
    pub id: Option<EventId>,
    /// Gas, in grams.
    pub net_g: Option<i32>,
    /// What became of it.
    pub status: FillOutcome,
    /// What the rules found.
    pub findings: Vec<FindingView>,
    /// Where it stands in the ledger.
    pub event: EventRef,
}

fn fill_reply(receipt: &Receipt, lang: Lang) -> Result<FillReply, Error> {
    let event = &receipt.event.event;
    let (id, net_g, status) = match &event.data {
        EventData::FillRecorded(data) => (Some(event.id), Some(data.net_g), data.status.into()),
        EventData::Reweighed(data) => (Some(data.fill_id), Some(data.net_g), data.status.into()),
        EventData::FillRefused(_) => (None, None, FillOutcome::Refused),
        _ => return Err(Code::Internal.into()),
    };
    if !receipt.replayed {
        count_findings(event.data.findings());
    }
    let findings = in_words(event.data.findings(), lang);
    Ok(FillReply { id, net_g, status, findings, event: EventRef::from(&*receipt.event) })
}

/// `POST /fills`
pub async fn record(service: Data, caller: Caller, body: Body<FillRequest>) -> HttpResult {
    let call = caller.keyed_call(body.digest)?;
    let given = body.value;
    let receipt = command(
        &service,
        &caller,
        RecordFill {
            call,
            permit_id: given.permit_id,
            gross_g: given.gross_g,
            started_at: given.started_at,
            finished_at: given.finished_at,
            seal_no: given.seal_no,
            postcheck: given.postcheck,
        },
    )
    .await?;
    let reply = fill_reply(&receipt, caller.lang)?;
    let status = if reply.id.is_some() { StatusCode::CREATED } else { StatusCode::OK };
    Ok(recorded(status, &receipt, &reply))
}

/// A second weighing.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReweighRequest {
    /// Weight of cylinder and gas, in grams.
    pub gross_g: MassG,
    /// The check after filling.
    pub postcheck: Postcheck,
}

/// `POST /fills/{id}/reweigh`
pub async fn reweigh(
    service: Data,
    caller: Caller,
    request: HttpRequest,
    body: Body<ReweighRequest>,
) -> HttpResult {
    let fill_id: EventId = path_id(&request, "id", Code::FillNotFound)?;
    let call = caller.keyed_call(body.digest)?;
    let weighed = ReweighFill { call, fill_id, gross_g: body.value.gross_g, postcheck: body.value.postcheck };
    let receipt = command(&service, &caller, weighed).await?;
    Ok(recorded(StatusCode::OK, &receipt, &fill_reply(&receipt, caller.lang)?))
}

/// Which fills.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct FillQuery {
    /// Whether they may leave.
    pub status: Option<FillStatus>,
    /// Where.
    pub site_id: Option<SiteId>,
    /// Of which cylinder, by id.
    pub cylinder_id: Option<CylinderId>,
    /// Finished at or after.
    pub from: Option<Instant>,
    /// Finished before.
    pub to: Option<Instant>,
    /// How many rows, 1 to 200.
    #[param(value_type = Option<i64>, minimum = 1, maximum = 200)]
    pub limit: Limit,
    /// Where the page before ended.
    #[param(max_length = 100)]
    pub cursor: Option<String>,
}

/// `GET /fills`
pub async fn list_fills(service: Data, caller: Caller, request: HttpRequest) -> HttpResult {
    let asked: FillQuery = query(&request)?;
    let page = page(asked.limit, asked.cursor.as_deref())?;
    read(&service, &caller, Action::ReadFill, move |session| {
        let filter = FillFilter {
            status: asked.status,
            site_id: asked.site_id,
            cylinder_id: asked.cylinder_id,
            from: asked.from,
            to: asked.to,
        };
        let rows = history::fills(session.conn, &session.reach(), &filter, &page)?;
        list(
            rows,
            asked.limit,
            |row| row.log_index,
            |rows| Ok(rows.into_iter().map(FillView::from).collect()),
        )
    })
    .await
}

/// Which fill checks.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct FillCheckQuery {
    /// What the gate said.
    pub decision: Option<Decision>,
    /// Only those with an alert, or only those without.
    #[serde(deserialize_with = "super::extract::flag")]
    pub alert: Option<bool>,
    /// Where.
    pub site_id: Option<SiteId>,
    /// Recorded at or after.
    pub from: Option<Instant>,
    /// Recorded before.
    pub to: Option<Instant>,
    /// How many rows, 1 to 200.
    #[param(value_type = Option<i64>, minimum = 1, maximum = 200)]
    pub limit: Limit,
    /// Where the page before ended.
    #[param(max_length = 100)]
    pub cursor: Option<String>,
}

/// `GET /fill-checks`
pub async fn list_checks(service: Data, caller: Caller, request: HttpRequest) -> HttpResult {
    let asked: FillCheckQuery = query(&request)?;
    let page = page(asked.limit, asked.cursor.as_deref())?;
    let lang = caller.lang;
    read(&service, &caller, Action::ReadFill, move |session| {
        let filter = EventFilter {
            kinds: vec!["fill_checked"],
            decision: asked.decision,
            alert: asked.alert,
            site_id: asked.site_id,
            from: asked.from,
            to: asked.to,
        };
        let rows = history::list(session.conn, &session.reach(), &filter, &page)?;
        list::<_, EventView, _>(rows, asked.limit, |row| row.log_index, |rows| views(session, rows, lang))
    })
    .await
}
