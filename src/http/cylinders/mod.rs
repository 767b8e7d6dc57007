//! Cylinders: registration, files, searches, histories.

mod inspections;
mod labels;
mod standing;

pub use inspections::*;
pub use labels::*;
pub use standing::*;

use super::Service;
use super::extract::{Body, Caller, Limit, page, query};
use super::filling::EventRef;
use super::reply::{Data, HttpResult, List, blocking, command, list, read, recorded};
use crate::app::Session;
use crate::app::cylinder::RegisterCylinder;
use crate::app::masking::hides_serial_end;
use crate::app::query::{self as app, CylinderView, EventView, Viewer};
use crate::app::target::Target;
use crate::auth::permission::{Action, Scope, scope};
use crate::db::facts::CylinderRow;
use crate::db::history::{self, CylinderFilter};
use crate::domain::actor::Role;
use crate::domain::cylinder::{
    CustodyKind, Cylinder, CylinderStatus, Insurance, Manufacturer, Medium, Phase, Shroud, Stamp,
};
use crate::domain::date::{Day, StampDate};
use crate::domain::district::DistrictScope;
use crate::domain::event::{Documented, EventData};
use crate::domain::id::{CylinderId, EventId, OrganizationId};
use crate::domain::model;
use crate::domain::said::said;
use crate::domain::steel;
use crate::domain::value::{
    CapacityMl, LifeMonths, MaxFillG, Number, PressureKpa, Reason, TareG, Text, ThicknessUm, is_unseen,
};
use crate::error::{Code, Error, Result};
use crate::ledger::{Call, Receipt};
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// A cylinder to register. What is left out is filled in from the model, never the tare.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CylinderRequest {
    /// Owner 产权单位.
    pub owner_id: OrganizationId,
    /// 使用登记代码; without it the cylinder can't be filled.
    #[serde(default)]
    pub registration_code: Option<Text<6, 32>>,
    /// Who made it.
    pub manufacturer: Manufacturer,
    /// 气瓶编号
    pub serial_no: Text<1, 32>,
    /// Model.
    pub model: Number,
    /// What it holds.
    #[serde(default)]
    pub medium: Option<Medium>,
    /// What comes out of the valve.
    #[serde(default)]
    pub phase: Option<Phase>,
    /// Water capacity, in millilitres.
    #[serde(default)]
    pub water_capacity_ml: Option<CapacityMl>,
    /// 允许充装量, in grams.
    #[serde(default)]
    pub max_fill_g: Option<MaxFillG>,
    /// 皮重 as stamped, in grams.
    pub tare_g: TareG,
    /// 公称工作压力, in kPa.
    #[serde(default)]
    pub working_pressure_kpa: Option<PressureKpa>,
    /// 水压试验压力, in kPa.
    #[serde(default)]
    pub test_pressure_kpa: Option<PressureKpa>,
    /// 设计壁厚, in micrometres.
    #[serde(default)]
    pub wall_thickness_um: Option<ThicknessUm>,
    /// 制造年月
    pub manufactured_on: StampDate,
    /// 设计使用年限 as stamped, in months; must be there for cylinders made from 2023-12 on.
    #[serde(default)]
    pub design_life_months: Option<LifeMonths>,
    /// Last passed inspection; with it go the number of its report and the agency.
    #[serde(default)]
    pub last_inspected_on: Option<StampDate>,
    /// Number of the report of that inspection; required with `last_inspected_on`.
    #[serde(default)]
    pub last_inspection_report_no: Option<Number>,
    /// Name of the agency that made it; required with `last_inspected_on`.
    #[serde(default)]
    pub last_inspection_agency: Option<Text<1, 100>>,
    /// How the shroud is fixed.
    pub shroud: Shroud,
    /// Whether the owner's mark is embossed on the head.
    pub filler_mark: bool,
    /// Whether it is marked 翻新 or 改装.
    #[serde(default)]
    pub refurbished: bool,
    /// When the owner bought it.
    #[serde(default)]
    pub purchased_on: Option<Day>,
    /// Insurance.
    #[serde(default)]
    pub insurance: Option<Insurance>,
}

fn filled<T>(given: Option<T>, from_model: Option<T>, member: &str) -> Result<T> {
    given.or(from_model).ok_or_else(|| {
        Error::invalid(
            &format!("/{member}"),
            "required",
            said("型号不在表中时必须填写", "required for a model that is not in the table"),
        )
    })
}

/// A number of the steel in one spelling, with at least so many letters and digits.
fn read_steel<const MIN: usize, const MAX: usize>(
    text: &Text<MIN, MAX>,
    member: &str,
    least: usize,
) -> Result<Text<MIN, MAX>> {
    steel::read(text, least).map_err(|error| Error::value(&format!("/{member}"), &error))
}

fn stamp(asked: &CylinderRequest) -> Result<Stamp> {
    let known = model::find(asked.model.as_str());
    let from = |pick: fn(&model::Model) -> i32| known.map(|m| i64::from(pick(m)));
    let manufacturer = Manufacturer {
        code: read_steel(&asked.manufacturer.code, "manufacturer/code", 1)?,
        ..asked.manufacturer.clone()
    };
    Ok(Stamp {
        manufacturer,
        serial_no: read_steel(&asked.serial_no, "serial_no", 1)?,
        model: asked.model.clone(),
        medium: filled(asked.medium, known.map(|m| m.medium), "medium")?,
        phase: filled(asked.phase, known.map(|m| m.phase), "phase")?,
        water_capacity_ml: filled(
            asked.water_capacity_ml,
            from(|m| m.water_capacity_ml).and_then(|ml| CapacityMl::new(ml).ok()),
            "water_capacity_ml",
        )?,
        max_fill_g: filled(
            asked.max_fill_g,
            from(|m| m.max_fill_g).and_then(|g| MaxFillG::new(g).ok()),
            "max_fill_g",
        )?,
        tare_g: asked.tare_g,
        working_pressure_kpa: filled(
            asked.working_pressure_kpa,
            from(|_| model::WORKING_PRESSURE_KPA).and_then(|kpa| PressureKpa::new(kpa).ok()),
            "working_pressure_kpa",
        )?,
        test_pressure_kpa: filled(
            asked.test_pressure_kpa,
            from(|_| model::TEST_PRESSURE_KPA).and_then(|kpa| PressureKpa::new(kpa).ok()),
            "test_pressure_kpa",
        )?,
        wall_thickness_um: asked.wall_thickness_um,
        manufactured_on: asked.manufactured_on,
        design_life_months: asked.design_life_months,
        shroud: asked.shroud,
        filler_mark: asked.filler_mark,
        refurbished: asked.refurbished,
        purchased_on: asked.purchased_on,
    })
}

fn viewer<'a>(service: &'a Service, session: &Session<'_>) -> Viewer<'a> {
    let actor = &session.actor;
    Viewer {
        keys: &service.app.keyring,
        public_url: &service.app.public_url,
        labels_of: scope(actor, Action::PrintLabel).map(|_| actor.organization_id),
        only_of: (session.scope == Scope::Own).then_some(actor.organization_id),
        shows_reports: session.scope != Scope::Own || actor.has(Role::OrgAdmin),
        hides_serial_end: hides_serial_end(actor),
    }
}

/// `POST /cylinders`
pub async fn register(service: Data, caller: Caller, body: Body<CylinderRequest>) -> HttpResult {
    let asked = body.value;
    let registration_code = match &asked.registration_code {
        Some(code) => Some(read_steel(code, "registration_code", 1)?),
        None => None,
    };
    let new = RegisterCylinder {
        call: caller.call(body.digest),
        keys: Arc::clone(&service.app.keyring),
        owner_id: asked.owner_id,
        registration_code,
        stamp: stamp(&asked)?,
        last_inspected_on: asked.last_inspected_on,
        last_inspection_report_no: asked.last_inspection_report_no,
        last_inspection_agency: asked.last_inspection_agency,
        insurance: asked.insurance,
    };
    let receipt = command(&service, &caller, new).await?;
    let event = &receipt.event;
    let (EventData::Registered(data), Some(id)) = (&event.event.data, event.event.stream.cylinder()) else {
        return Err(Code::Internal.into());
    };
    let row = CylinderRow {
        cylinder: Cylinder::registered(id, &event.event, data),
        version: event.seq,
        head_hash: event.hash,
        seen_in: event.event.district_code.clone(),
    };
    let viewer = Viewer {
        keys: &service.app.keyring,
        public_url: &service.app.public_url,
        labels_of: Some(data.owner_id),
        only_of: None,
        shows_reports: true,
        hides_serial_end: false,
    };
    Ok(recorded(StatusCode::CREATED, &receipt, &viewer.view(row, None)))
}

/// The cylinder of a reference, if the caller may see it.
fn find(service: &Service, session: &mut Session<'_>, reference: &str) -> Result<CylinderRow> {
    service.limits.reference(&session.actor, reference)?;
    app::cylinder(session, &service.app.keyring, reference)
}

fn reference(request: &HttpRequest) -> Result<String> {
    let text = request.match_info().get("ref").ok_or(Code::CylinderNotFound)?;
    if text.len() > 600 {
        return Err(Code::CylinderNotFound.into());
    }
    // A scanned address comes with its slashes encoded, which the router leaves as they are.
    let text = percent_encoding::percent_decode_str(text).decode_utf8_lossy();
    if text.chars().any(is_unseen) {
        return Err(Code::CylinderNotFound.into());
    }
    Ok(text.into_owned())
}

/// `GET /cylinders/{ref}`
pub async fn get(service: Data, caller: Caller, request: HttpRequest) -> HttpResult {
    let reference = reference(&request)?;
    let inner = service.clone();
    read(&service, &caller, Action::ReadCylinder, move |session| {
        let row = find(&inner, session, &reference)?;
        let owner = app::owner_name(session, row.cylinder.owner_id)?;
        Ok(viewer(&inner, session).view(row, owner))
    })
    .await
}

/// Which cylinders.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct CylinderQuery {
    /// Part of a serial number (for who fills or checks, only of what they are shown of it), or the beginning of a registration code or label id.
    #[param(value_type = Option<String>, min_length = 1, max_length = 64)]
    pub q: Option<Number>,
    /// Whose.
    pub owner_id: Option<OrganizationId>,
    /// How they stand.
    pub status: Option<CylinderStatus>,
    /// Next inspection due before this day.
    pub inspection_due_before: Option<Day>,
    /// Who has them.
    pub custody: Option<CustodyKind>,
    /// Last seen in this area.
    pub district: Option<DistrictScope>,
    /// How many rows, 1 to 200.
    #[param(value_type = Option<i64>, minimum = 1, maximum = 200)]
    pub limit: Limit,
    /// Where the page before ended.
    #[param(max_length = 100)]
    pub cursor: Option<String>,
}

/// `GET /cylinders`
pub async fn list_all(service: Data, caller: Caller, request: HttpRequest) -> HttpResult {
    let asked: CylinderQuery = query(&request)?;
    let page = page::<CylinderId>(asked.limit, asked.cursor.as_deref())?;
    let inner = service.clone();
    read(&service, &caller, Action::ReadCylinder, move |session| {
        let filter = CylinderFilter {
            q: asked.q.map(|q| steel::spelled(q.as_str())),
            whole_serial: !hides_serial_end(&session.actor),
            owner_id: asked.owner_id,
            status: asked.status,
            inspection_due_before: asked.inspection_due_before.map(|day| day.0),
            custody: asked.custody,
            district: asked.district,
        };
        let rows = history::cylinders(session.conn, &session.reach(), &filter, &page)?;
        let owners: Vec<_> = rows.iter().map(|row| row.cylinder.owner_id).collect();
        let names = history::names(session.conn, &owners, &[], &[])?;
        let viewer = viewer(&inner, session);
        let name = |id| names.organizations.iter().find(|(of, _)| *of == id).map(|(_, name)| name.clone());
        list::<_, CylinderView, _>(
            rows,
            asked.limit,
            |row| row.cylinder.id,
            |rows| {
                Ok(rows
                    .into_iter()
                    .map(|row| {
                        let owner = name(row.cylinder.owner_id);
                        viewer.view(row, owner)
                    })
                    .collect())
            },
        )
    })
    .await
}

/// A history, with what customers did beside it.
#[derive(Debug, Serialize, ToSchema)]
pub struct History {
    /// Events, newest first.
    pub items: Vec<EventView>,
    /// For the next page; null on the last.
    pub next_cursor: Option<String>,
    /// Customers' look-ups: counted beside the ledger, never in it.
    pub customer_scans: app::CustomerScans,
}

/// `GET /cylinders/{ref}/events`
pub async fn events(service: Data, caller: Caller, request: HttpRequest) -> HttpResult {
    let reference = reference(&request)?;
    let asked: super::registry::PageQuery = query(&request)?;
    let page = page::<i64>(asked.limit, asked.cursor.as_deref())?;
    let (inner, lang) = (service.clone(), caller.lang);
    read(&service, &caller, Action::ReadCylinder, move |session| {
        let row = find(&inner, session, &reference)?;
        let from = app::history_from(session, &row.cylinder)?;
        let events = history::of_cylinder(session.conn, row.cylinder.id, from, &page)?;
        let List { items, next_cursor } =
            list(events, asked.limit, |event| event.stream_seq, |events| app::views(session, events, lang))?;
        Ok(History { items, next_cursor, customer_scans: app::customer_scans(session, row.cylinder.id)? })
    })
    .await
}

/// `GET /cylinders/{ref}/trace`
pub async fn trace(service: Data, caller: Caller, request: HttpRequest) -> HttpResult {
    let reference = reference(&request)?;
    let (inner, lang) = (service.clone(), caller.lang);
    read(&service, &caller, Action::ReadCylinder, move |session| {
        let row = find(&inner, session, &reference)?;
        let viewer = viewer(&inner, session);
        app::trace(session, row, &viewer, lang)
    })
    .await
}

async fn target(service: &Data, caller: &Caller, action: Action, request: &HttpRequest) -> Result<Target> {
    let (reference, call) = (reference(request)?, caller.plain_call());
    named(service, call, action, reference).await
}

/// Finds the cylinder of a reference for an act. Who may not act at all learns that first, whether there is such a cylinder
/// or not.
async fn named(service: &Data, call: Call, action: Action, reference: String) -> Result<Target> {
    let inner = service.clone();
    blocking(service, move |app| {
        app.read(&call, action, |session| {
            inner.limits.reference(&session.actor, &reference)?;
            app::target(session, &inner.app.keyring, &reference)
        })
    })
    .await
}

/// The answer to an act on a cylinder.
#[derive(Debug, Serialize, ToSchema)]
pub struct ActReply {
    /// Its id.
    pub id: EventId,
    /// The cylinder.
    pub cylinder_id: Option<CylinderId>,
    /// Where it stands in the ledger.
    pub event: EventRef,
}

fn act(receipt: &Receipt) -> HttpResponse {
    let event = &receipt.event;
    let reply = ActReply {
        id: event.event.id,
        cylinder_id: event.event.stream.cylinder(),
        event: EventRef::from(&**event),
    };
    recorded(StatusCode::CREATED, receipt, &reply)
}

/// Why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReasonRequest {
    /// Why.
    pub reason: Reason,
}

/// A document and why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DocumentRequest {
    /// Number of the document.
    pub document_no: Number,
    /// Why.
    pub reason: Reason,
}

impl From<DocumentRequest> for Documented {
    fn from(given: DocumentRequest) -> Self {
        Self { document_no: given.document_no, reason: given.reason }
    }
}
