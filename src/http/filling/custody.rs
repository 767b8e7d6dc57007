//! Scans that move a cylinder from hand to hand.

use super::super::extract::{Body, Caller};
use super::super::reply::{Data, HttpResult, command, recorded};
use super::*;
use crate::app::custody::{Empty, HandOver, TakeBack};
use crate::app::query::{FindingView, in_words};
use crate::domain::cylinder::Custody;
use crate::domain::event::EventData;
use crate::domain::id::{CylinderId, EventId, SiteId, UserId};
use crate::domain::instant::Instant;
use crate::domain::label_code::Entry;
use crate::domain::said::said;
use crate::domain::value::{MassG, Number, Reason};
use crate::error::{Code, Error};
use crate::ledger::Receipt;
use actix_web::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

crate::words! {
    /// The coordinate system of a position.
    pub enum Datum {
        /// GPS.
        Wgs84 => "wgs84",
        /// 火星坐标
        Gcj02 => "gcj02",
    }
}

/// Where somebody stood.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// Latitude in degrees.
    #[schema(minimum = -90, maximum = 90)]
    pub lat: f64,
    /// Longitude in degrees.
    #[schema(minimum = -180, maximum = 180)]
    pub lon: f64,
    /// Accuracy in metres.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 100_000)]
    pub accuracy_m: Option<f64>,
    /// The coordinate system.
    pub datum: Datum,
}

impl Position {
    fn check(&self) -> Result<(), Error> {
        let place = crate::domain::registry::Location { lat: self.lat, lon: self.lon };
        let accuracy = self.accuracy_m.is_none_or(|m| (0.0..=100_000.0).contains(&m));
        if place.is_valid() && accuracy {
            return Ok(());
        }
        Err(Error::invalid(
            "/position",
            "out_of_range",
            said(
                "lat 为 -90 到 90，lon 为 -180 到 180，accuracy_m 为 0 到 100000",
                "lat is -90 to 90, lon -180 to 180, accuracy_m 0 to 100000",
            ),
        ))
    }
}

/// A handover.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HandoverRequest {
    /// What was scanned or typed.
    pub code: Scanned,
    /// The company's own account number of the customer; never in the ledger.
    pub customer_ref: Number,
    /// Where the worker stood; never in the ledger.
    #[serde(default)]
    pub position: Option<Position>,
    /// When it was scanned, as told by the device: within the last 30 days.
    #[serde(default)]
    pub captured_at: Option<Instant>,
    /// How the code came in.
    pub entry: Entry,
}

crate::words! {
    /// What became of a handover.
    pub enum HandoverDecision {
        /// The customer has it.
        Accepted => "accepted",
        /// It must not be handed over.
        Refused => "refused",
    }
}

/// The answer to a handover.
#[derive(Debug, Serialize, ToSchema)]
pub struct HandoverReply {
    /// Its id.
    pub id: EventId,
    /// Accepted or refused.
    pub decision: HandoverDecision,
    /// What the rules found.
    pub findings: Vec<FindingView>,
    /// Where it stands in the ledger.
    pub event: EventRef,
}

/// `POST /handovers`
pub async fn hand_over(
    service: Data,
    request: HttpRequest,
    caller: Caller,
    body: Body<HandoverRequest>,
) -> HttpResult {
    let call = caller.keyed_call(body.digest)?;
    let given = body.value;
    let position = match &given.position {
        Some(position) => {
            position.check()?;
            Some(serde_json::to_value(position).map_err(|_| Code::Internal)?)
        }
        None => None,
    };
    let receipt = command(
        &service,
        &caller,
        HandOver {
            call,
            code: scanned(&service, &request, &caller, &given.code, given.entry).await?,
            customer_ref: given.customer_ref,
            position,
            captured_at: captured(&service, given.captured_at)?,
        },
    )
    .await?;
    let event = &receipt.event.event;
    let decision = match event.data {
        EventData::HandedOver(_) => HandoverDecision::Accepted,
        _ => HandoverDecision::Refused,
    };
    if !receipt.replayed {
        count_findings(event.data.findings());
    }
    let findings = in_words(event.data.findings(), caller.lang);
    let reply = HandoverReply { id: event.id, decision, findings, event: EventRef::from(&*receipt.event) };
    Ok(recorded(StatusCode::OK, &receipt, &reply))
}

/// A return.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReturnRequest {
    /// What was scanned or typed.
    pub code: Scanned,
    /// How the code came in; scanned if left out.
    #[serde(default)]
    pub entry: Option<Entry>,
    /// Where it came in; the worker's own site if left out.
    #[serde(default)]
    pub site_id: Option<SiteId>,
    /// Gas still in it, in grams; empty if left out.
    #[serde(default)]
    pub residual_g: Option<MassG>,
    /// When it was scanned, as told by the device: within the last 30 days.
    #[serde(default)]
    pub captured_at: Option<Instant>,
}

/// The answer to a scan that moved a cylinder or its gas.
#[derive(Debug, Serialize, ToSchema)]
pub struct ScanReply {
    /// Its id.
    pub id: EventId,
    /// The cylinder.
    pub cylinder_id: Option<CylinderId>,
    /// Who has it now, where that changed.
    pub custody: Option<Custody>,
    /// Where it stands in the ledger.
    pub event: EventRef,
}

fn scan_reply(receipt: &Receipt) -> ScanReply {
    let event = &receipt.event.event;
    let custody = match &event.data {
        EventData::Returned(data) => Some(data.custody).filter(|_| data.moves()),
        _ => None,
    };
    ScanReply {
        id: event.id,
        cylinder_id: event.stream.cylinder(),
        custody,
        event: EventRef::from(&*receipt.event),
    }
}

/// `POST /returns`
pub async fn take_back(
    service: Data,
    request: HttpRequest,
    caller: Caller,
    body: Body<ReturnRequest>,
) -> HttpResult {
    let call = caller.keyed_call(body.digest)?;
    let given = body.value;
    let entry = given.entry.unwrap_or(Entry::Scanned);
    let receipt = command(
        &service,
        &caller,
        TakeBack {
            call,
            code: scanned(&service, &request, &caller, &given.code, entry).await?,
            site_id: given.site_id,
            residual_g: given.residual_g,
            captured_at: captured(&service, given.captured_at)?,
        },
    )
    .await?;
    Ok(recorded(StatusCode::CREATED, &receipt, &scan_reply(&receipt)))
}

/// An emptying.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EmptyingRequest {
    /// What was scanned or typed.
    pub code: Scanned,
    /// How the code came in; scanned if left out.
    #[serde(default)]
    pub entry: Option<Entry>,
    /// Why.
    pub reason: Reason,
    /// Gas still in it, in grams.
    pub residual_g: MassG,
    /// A colleague who saw it. Needed for a cylinder that was filled and has not left since: such an emptying lifts a hold
    /// or the rules against filling twice.
    #[serde(default)]
    pub witness_id: Option<UserId>,
}

/// `POST /emptyings`
pub async fn empty(
    service: Data,
    request: HttpRequest,
    caller: Caller,
    body: Body<EmptyingRequest>,
) -> HttpResult {
    let call = caller.keyed_call(body.digest)?;
    let given = body.value;
    let entry = given.entry.unwrap_or(Entry::Scanned);
    let receipt = command(
        &service,
        &caller,
        Empty {
            call,
            code: scanned(&service, &request, &caller, &given.code, entry).await?,
            reason: given.reason,
            residual_g: given.residual_g,
            witness_id: given.witness_id,
        },
    )
    .await?;
    Ok(recorded(StatusCode::CREATED, &receipt, &scan_reply(&receipt)))
}
