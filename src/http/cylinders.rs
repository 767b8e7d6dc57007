//! Cylinders: registration, files, histories, labels, inspections, and how they stand.

use std::sync::Arc;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Service;
use super::extract::{Body, Caller, Limit, no_body, page, query};
use super::filling::EventRef;
use super::registry::path_id;
use super::reply::{Data, HttpResult, List, blocking, command, create, list, read, recorded};
use crate::app::cylinder::{RegisterCylinder, ReplaceLabel};
use crate::app::inspection::{ExtendLife, RecordInspection, Scrap};
use crate::app::query::{self as app, CylinderView, EventView, Viewer};
use crate::app::registry::{NewOwnerChange, propose_owner_change};
use crate::app::standing::{ApproveOwnerChange, Change, ChangeStanding};
use crate::app::target::Target;
use crate::auth::permission::{Action, scope};
use crate::db::facts::CylinderRow;
use crate::db::history::{self, CylinderFilter};
use crate::domain::actor::Actor;
use crate::domain::cylinder::{
    CustodyKind, Cylinder, CylinderStatus, Insurance, LabelStatus, Manufacturer, Medium, Phase, Shroud, Stamp,
};
use crate::domain::date::{Day, StampDate};
use crate::domain::district::DistrictScope;
use crate::domain::event::{CheckResult, Documented, EventData, InspectionItems};
use crate::domain::id::{CylinderId, EventId, OrganizationId, OwnerChangeId};
use crate::domain::label_code::LabelCode;
use crate::domain::model;
use crate::domain::value::{
    CapacityMl, LifeMonths, MaxFillG, Number, PressureKpa, Reason, TareG, Text, ThicknessUm,
};
use crate::error::{Code, Error, Result};
use crate::label::{ErrorCorrection, LabelContent, LabelSpec, SizeMm, render_png, render_svg};
use crate::ledger::Receipt;

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
    /// Last passed inspection.
    #[serde(default)]
    pub last_inspected_on: Option<StampDate>,
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
        Error::invalid(&format!("/{member}"), "required", "required for a model that is not in the table")
    })
}

/// Digits and letters of the steel in one spelling: half-width, upper case.
fn steel<const MIN: usize, const MAX: usize>(text: &Text<MIN, MAX>, member: &str) -> Result<Text<MIN, MAX>> {
    let spelled: String = text
        .as_str()
        .chars()
        .map(|c| match c {
            '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
            other => other,
        })
        .flat_map(char::to_uppercase)
        .collect();
    Text::new(&spelled).map_err(|error| Error::value(&format!("/{member}"), &error))
}

fn stamp(asked: &CylinderRequest) -> Result<Stamp> {
    let known = model::find(asked.model.as_str());
    let from = |pick: fn(&model::Model) -> i32| known.map(|m| i64::from(pick(m)));
    let manufacturer = Manufacturer {
        code: steel(&asked.manufacturer.code, "manufacturer/code")?,
        ..asked.manufacturer.clone()
    };
    Ok(Stamp {
        manufacturer,
        serial_no: steel(&asked.serial_no, "serial_no")?,
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

fn viewer<'a>(service: &'a Service, actor: &Actor) -> Viewer<'a> {
    Viewer {
        keys: &service.app.keyring,
        public_url: &service.app.public_url,
        labels_of: scope(actor, Action::PrintLabel).map(|_| actor.organization_id),
    }
}

/// `POST /cylinders`
pub async fn register(service: Data, caller: Caller, body: Body<CylinderRequest>) -> HttpResult {
    let asked = body.value;
    let registration_code = match &asked.registration_code {
        Some(code) => Some(steel(code, "registration_code")?),
        None => None,
    };
    let new = RegisterCylinder {
        call: caller.call(body.digest),
        keys: Arc::clone(&service.app.keyring),
        owner_id: asked.owner_id,
        registration_code,
        stamp: stamp(&asked)?,
        last_inspected_on: asked.last_inspected_on,
        insurance: asked.insurance,
    };
    let receipt = command(&service, new).await?;
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
    };
    Ok(recorded(StatusCode::CREATED, &receipt, &viewer.view(row, None)))
}

fn reference(request: &HttpRequest) -> Result<String> {
    let text = request.match_info().get("ref").ok_or(Code::CylinderNotFound)?;
    if text.len() > 600 {
        return Err(Code::CylinderNotFound.into());
    }
    // A scanned address comes with its slashes encoded, which the router leaves as they are.
    Ok(percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned())
}

/// `GET /cylinders/{ref}`
pub async fn get(service: Data, caller: Caller, request: HttpRequest) -> HttpResult {
    let reference = reference(&request)?;
    let inner = service.clone();
    read(&service, &caller, Action::ReadCylinder, move |session| {
        let row = app::cylinder(session, &inner.app.keyring, &reference)?;
        let owner = app::owner_name(session, row.cylinder.owner_id)?;
        Ok(viewer(&inner, &session.actor).view(row, owner))
    })
    .await
}

/// Which cylinders.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct CylinderQuery {
    /// Part of a serial number, or the beginning of a registration code or label id.
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
            q: asked.q.map(|q| q.as_str().to_uppercase()),
            owner_id: asked.owner_id,
            status: asked.status,
            inspection_due_before: asked.inspection_due_before.map(|day| day.0),
            custody: asked.custody,
            district: asked.district,
        };
        let rows = history::cylinders(session.conn, &session.reach(), &filter, &page)?;
        let owners: Vec<_> = rows.iter().map(|row| row.cylinder.owner_id).collect();
        let names = history::names(session.conn, &owners, &[], &[])?;
        let viewer = viewer(&inner, &session.actor);
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
        let row = app::cylinder(session, &inner.app.keyring, &reference)?;
        let events = history::of_cylinder(session.conn, row.cylinder.id, &page)?;
        let List { items, next_cursor } =
            list(events, asked.limit, |event| event.seq, |events| app::views(session, &events, lang))?;
        Ok(History { items, next_cursor, customer_scans: app::customer_scans(session, row.cylinder.id)? })
    })
    .await
}

/// `GET /cylinders/{ref}/trace`
pub async fn trace(service: Data, caller: Caller, request: HttpRequest) -> HttpResult {
    let reference = reference(&request)?;
    let (inner, lang) = (service.clone(), caller.lang);
    read(&service, &caller, Action::ReadCylinder, move |session| {
        let row = app::cylinder(session, &inner.app.keyring, &reference)?;
        let viewer = viewer(&inner, &session.actor);
        app::trace(session, row, &viewer, lang)
    })
    .await
}

async fn target(service: &Data, request: &HttpRequest) -> Result<Target> {
    let reference = reference(request)?;
    blocking(service, move |app| app.target(&reference)).await
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

/// The answer to a replaced label.
#[derive(Debug, Serialize, ToSchema)]
pub struct LabelReply {
    /// The cylinder.
    pub cylinder_id: CylinderId,
    /// The new label.
    pub label: app::LabelView,
    /// Where it stands in the ledger.
    pub event: EventRef,
}

/// `POST /cylinders/{ref}/labels`
pub async fn replace_label(
    service: Data,
    caller: Caller,
    request: HttpRequest,
    body: Body<ReasonRequest>,
) -> HttpResult {
    let new = ReplaceLabel {
        call: caller.call(body.digest),
        keys: Arc::clone(&service.app.keyring),
        target: target(&service, &request).await?,
        reason: body.value.reason,
    };
    let receipt = command(&service, new).await?;
    let event = &receipt.event;
    let (EventData::LabelBound(data), Some(cylinder_id)) = (&event.event.data, event.event.stream.cylinder())
    else {
        return Err(Code::Internal.into());
    };
    let code = service.app.keyring.tag(&data.label_id, data.key_id).ok_or(Code::Internal)?;
    let label = app::LabelView {
        id: data.label_id.clone(),
        typed: data.label_id.typed(),
        status: LabelStatus::Bound,
        url: Some(code.url(&service.app.public_url)),
        svg_url: Some(format!("/api/v1/labels/{code}.svg")),
        png_url: Some(format!("/api/v1/labels/{code}.png")),
        code: Some(code.to_string()),
    };
    let reply = LabelReply { cylinder_id, label, event: EventRef::from(&**event) };
    Ok(recorded(StatusCode::CREATED, &receipt, &reply))
}

/// How a label is drawn.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct LabelQuery {
    /// Width in millimetres, 15 to 150; 40 if left out.
    #[param(value_type = Option<i64>, minimum = 15, maximum = 150)]
    pub size_mm: Option<String>,
    /// Error correction: L, M, Q or H; M if left out.
    #[param(value_type = Option<String>, pattern = "^[LMQH]$")]
    pub ec: Option<String>,
}

/// Dots per inch of PNG pictures: what label printers print.
const PNG_DPI: u32 = 300;

fn spec(asked: &LabelQuery) -> Result<LabelSpec> {
    let wrong = |name: &str, allowed: &str| Error::invalid(&format!("?{name}"), "out_of_range", allowed);
    let size = asked.size_mm.as_deref().unwrap_or("40").parse().ok().and_then(|mm: u16| SizeMm::new(mm).ok());
    let correction = asked.ec.as_deref().unwrap_or("M").parse::<ErrorCorrection>();
    Ok(LabelSpec {
        size_mm: size.ok_or_else(|| wrong("size_mm", "15 to 150"))?,
        error_correction: correction.map_err(|_| wrong("ec", "L, M, Q or H"))?,
        resolution_dpi: PNG_DPI,
    })
}

/// What is printed on a label.
struct Printed {
    code: LabelCode,
    registration_code: Option<String>,
    owner_name: String,
}

/// The label of a code, if the caller is of the owner's people: an image is a copy.
async fn printed(service: &Data, caller: &Caller, text: String) -> Result<Printed> {
    let credential = caller.credential;
    blocking(service, move |app| {
        let code: LabelCode = text.parse().map_err(|_| Code::LabelNotFound)?;
        if !app.keyring.verify(&code) {
            return Err(Code::LabelNotFound.into());
        }
        app.read(credential, Action::PrintLabel, |session| {
            let label = crate::db::facts::labels(session.conn, std::slice::from_ref(&code.id))?.pop();
            let label = label.filter(|l| l.status != LabelStatus::Revoked).ok_or(Code::LabelNotFound)?;
            let row = crate::db::facts::cylinders(session.conn, &[label.cylinder_id])?.pop();
            let row = row.filter(|row| row.cylinder.owner_id == session.actor.organization_id);
            let cylinder = row.ok_or(Code::LabelNotFound)?.cylinder;
            Ok(Printed {
                registration_code: cylinder.registration_code.as_ref().map(ToString::to_string),
                owner_name: app::owner_name(session, cylinder.owner_id)?.unwrap_or_default(),
                code: code.clone(),
            })
        })
    })
    .await
}

/// `GET /labels/{code}.svg` and `.png`
pub async fn picture(service: Data, caller: Caller, request: HttpRequest) -> HttpResult {
    let file = request.match_info().get("file").unwrap_or_default();
    let (code, kind) = file.rsplit_once('.').ok_or(Code::LabelNotFound)?;
    let vector = match kind {
        "svg" => true,
        "png" => false,
        _ => return Err(Code::LabelNotFound.into()),
    };
    let spec = spec(&query(&request)?)?;
    let printed = printed(&service, &caller, code.to_owned()).await?;
    let inner = service.clone();
    let drawn = blocking(&service, move |app| {
        let (url, typed) = (printed.code.url(&app.public_url), printed.code.id.typed());
        let content = LabelContent {
            url: &url,
            typed_code: &typed,
            registration_code: printed.registration_code.as_deref(),
            owner_name: &printed.owner_name,
        };
        let drawn = if vector {
            render_svg(&content, spec, &inner.fonts).map(String::into_bytes)
        } else {
            render_png(&content, spec, &inner.fonts)
        };
        drawn.map_err(|error| Error::invalid("?size_mm", "out_of_range", error.to_string()))
    })
    .await?;
    let kind = if vector { "image/svg+xml" } else { "image/png" };
    Ok(HttpResponse::Ok().insert_header((header::CONTENT_TYPE, kind)).body(drawn))
}

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
    let text = given.reference.to_string();
    let target = blocking(&service, move |app| app.target(&text)).await?;
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
    let receipt = command(&service, new).await?;
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
        target: target(&service, &request).await?,
        until: body.value.until,
        assessment_no: body.value.assessment_no,
        registration_change_no: body.value.registration_change_no,
    };
    Ok(act(&command(&service, new).await?))
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
        target: target(&service, &request).await?,
        documented: body.value.into(),
    };
    Ok(act(&command(&service, new).await?))
}

async fn stand(
    service: Data,
    caller: Caller,
    request: HttpRequest,
    digest: [u8; 32],
    change: Change,
) -> HttpResult {
    let target = target(&service, &request).await?;
    let receipt = command(&service, ChangeStanding { call: caller.call(digest), target, change }).await?;
    Ok(act(&receipt))
}

/// `POST /cylinders/{ref}/seizures`
pub async fn seize(
    service: Data,
    caller: Caller,
    request: HttpRequest,
    body: Body<DocumentRequest>,
) -> HttpResult {
    stand(service, caller, request, body.digest, Change::Seize(body.value.into())).await
}

/// `POST /cylinders/{ref}/blacklistings`
pub async fn blacklist(
    service: Data,
    caller: Caller,
    request: HttpRequest,
    body: Body<DocumentRequest>,
) -> HttpResult {
    stand(service, caller, request, body.digest, Change::Blacklist(body.value.into())).await
}

/// `DELETE /cylinders/{ref}/blacklistings`
pub async fn unblacklist(
    service: Data,
    caller: Caller,
    request: HttpRequest,
    body: Body<DocumentRequest>,
) -> HttpResult {
    stand(service, caller, request, body.digest, Change::Unblacklist(body.value.into())).await
}

/// `POST /cylinders/{ref}/losses`
pub async fn lose(
    service: Data,
    caller: Caller,
    request: HttpRequest,
    body: Body<ReasonRequest>,
) -> HttpResult {
    stand(service, caller, request, body.digest, Change::Lose(body.value.reason)).await
}

/// `POST /cylinders/{ref}/recoveries`
pub async fn recover(
    service: Data,
    caller: Caller,
    request: HttpRequest,
    body: Body<ReasonRequest>,
) -> HttpResult {
    stand(service, caller, request, body.digest, Change::Recover(body.value.reason)).await
}

/// `POST /cylinders/{ref}/owner-changes`
pub async fn propose(
    service: Data,
    caller: Caller,
    request: HttpRequest,
    body: Body<NewOwnerChange>,
) -> HttpResult {
    let target = target(&service, &request).await?;
    create(&service, &caller, Action::ChangeOwner, body, move |session, body| {
        propose_owner_change(session, target, body)
    })
    .await
}

/// `POST /owner-changes/{id}/approve`
pub async fn approve(service: Data, caller: Caller, request: HttpRequest) -> HttpResult {
    let id: OwnerChangeId = path_id(&request, "id", Code::OwnerChangeNotFound)?;
    let receipt = command(&service, ApproveOwnerChange { call: caller.call(no_body()), id }).await?;
    Ok(act(&receipt))
}
