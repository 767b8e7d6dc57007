//! What an inspection agency records.

use super::super::extract::{Body, Caller};
use super::super::filling::EventRef;
use super::super::reply::{Data, HttpResult, command, recorded};
use super::*;
use crate::app::inspection::{ExtendLife, RecordInspection, Scrap};
use crate::domain::date::Day;
use crate::domain::event::{CheckResult, EventData};
use crate::domain::id::{CylinderId, EventId};
use crate::domain::inspection::InspectionItems;
use crate::domain::value::{Number, Reason, Text};
use crate::error::Code;
use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The result of an inspection.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InspectionRequest {
    /// The cylinder: any reference that `GET /cylinders/{ref}` takes.
    #[serde(rename = "ref")]
    pub reference: Text<1, 400>,
    /// On which day.
    pub inspected_on: Day,
    /// Passed or not; a fail means scrap.
    pub result: CheckResult,
    /// Due day on the certificate.
    #[serde(default)]
    pub next_due_on: Option<Day>,
    /// Number of the report.
    pub report_no: Number,
    /// Number of the inspection ring.
    #[serde(default)]
    pub ring_no: Option<Number>,
    /// What was tested.
    #[serde(default)]
    pub items: InspectionItems,
    /// Why it must be scrapped; required with a fail.
    #[serde(default)]
    pub scrap_reason: Option<Reason>,
}

/// The answer to an inspection.
#[derive(Debug, Serialize, ToSchema)]
pub struct InspectionReply {
    /// Its id.
    pub id: EventId,
    /// The cylinder.
    pub cylinder_id: Option<CylinderId>,
    /// Passed or not.
    pub result: CheckResult,
    /// When the next inspection is due by all rules; null after a fail.
    pub inspection_due_on: Option<Day>,
    /// Whether the cylinder is scrapped now.
    pub scrapped: bool,
    /// Where it stands in the ledger.
    pub event: EventRef,
}

/// `POST /inspections`
pub async fn inspect(service: Data, caller: Caller, body: Body<InspectionRequest>) -> HttpResult {
    let call = caller.keyed_call(body.digest)?;
    let given = body.value;
    let reference = given.reference.to_string();
    let target = named(&service, caller.plain_call(), Action::Inspect, reference).await?;
    let new = RecordInspection {
        call,
        target,
        inspected_on: given.inspected_on,
        result: given.result,
        next_due_on: given.next_due_on,
        report_no: given.report_no,
        ring_no: given.ring_no,
        items: given.items,
        scrap_reason: given.scrap_reason,
    };
    let receipt = command(&service, &caller, new).await?;
    let event = &receipt.event;
    let EventData::Inspected(data) = &event.event.data else {
        return Err(Code::Internal.into());
    };
    let passed = data.result == CheckResult::Pass;
    let reply = InspectionReply {
        id: event.event.id,
        cylinder_id: event.event.stream.cylinder(),
        result: data.result,
        inspection_due_on: passed.then_some(data.inspection_due_on),
        scrapped: !passed,
        event: EventRef::from(&**event),
    };
    Ok(recorded(StatusCode::CREATED, &receipt, &reply))
}

/// A life extension.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LifeExtensionRequest {
    /// The new last day.
    pub until: Day,
    /// Number of the safety assessment.
    pub assessment_no: Number,
    /// Number of the change of registration.
    pub registration_change_no: Number,
}

/// `POST /cylinders/{ref}/life-extensions`
pub async fn extend_life(
    service: Data,
    caller: Caller,
    request: HttpRequest,
    body: Body<LifeExtensionRequest>,
) -> HttpResult {
    let new = ExtendLife {
        call: caller.call(body.digest),
        target: target(&service, &caller, Action::Inspect, &request).await?,
        until: body.value.until,
        assessment_no: body.value.assessment_no,
        registration_change_no: body.value.registration_change_no,
    };
    Ok(act(&command(&service, &caller, new).await?))
}

/// `POST /cylinders/{ref}/scrappings`
pub async fn scrap(
    service: Data,
    caller: Caller,
    request: HttpRequest,
    body: Body<DocumentRequest>,
) -> HttpResult {
    let new = Scrap {
        call: caller.call(body.digest),
        target: target(&service, &caller, Action::Inspect, &request).await?,
        documented: body.value.into(),
    };
    Ok(act(&command(&service, &caller, new).await?))
}
