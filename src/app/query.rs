//! Looking at cylinders: by any reference, as a file, as a history, as a trace.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::Session;
pub use super::event_view::{EventView, StreamView, views};
use super::masking::hides_serial_end;
use super::target::{Target, may_see};
use crate::auth::keyring::Keyring;
use crate::auth::permission::Scope;
use crate::db::conn::Conn;
use crate::db::facts::{self, CylinderRow, FillRow, LabelRow, StampKey};
use crate::db::history;
use crate::db::registry::Page;
use crate::domain::actor::Actor;
use crate::domain::cylinder::{
    Custody, Cylinder, CylinderStatus, Insurance, LabelStatus, Stamp, without_end,
};
use crate::domain::date::Day;
use crate::domain::district::DistrictCode;
use crate::domain::event::EarlierInspection;
use crate::domain::finding::Finding;
use crate::domain::id::{CylinderId, EventId, OrganizationId, SiteId, UserId};
use crate::domain::instant::Instant;
use crate::domain::label_code::{Entry, LabelCode, LabelId, Scan};
use crate::domain::said::Lang;
use crate::domain::steel;
use crate::domain::value::Text;
use crate::error::{Code, Result};
use crate::gate::rule::{Citation, find as find_rule};

/// A finding in words.
#[derive(Debug, Serialize, ToSchema)]
pub struct FindingView {
    /// Stable id of the rule.
    pub rule: String,
    /// How bad.
    pub severity: crate::domain::finding::Severity,
    /// Whether somebody must look at it.
    pub alert: bool,
    /// What is wrong.
    pub message: String,
    /// The one thing to do next.
    pub next_step: String,
    /// The values that were compared.
    pub evidence: Value,
    /// The law behind it.
    #[schema(value_type = Vec<CitationView>)]
    pub citations: Vec<Citation>,
}

/// A place in a law or document.
#[derive(Debug, Serialize, ToSchema)]
pub struct CitationView {
    /// The document.
    pub document: String,
    /// The clause.
    pub clause: String,
    /// What it says, in its own words.
    pub quote: Option<String>,
}

/// Puts findings into words.
pub fn in_words(findings: &[Finding], lang: Lang) -> Vec<FindingView> {
    findings
        .iter()
        .map(|finding| {
            let rule = find_rule(&finding.rule);
            FindingView {
                rule: finding.rule.clone(),
                severity: finding.severity,
                alert: finding.alert,
                message: rule.map(|r| r.message(&finding.evidence, lang)).unwrap_or_default(),
                next_step: rule.map(|r| r.next_step.get(lang).to_owned()).unwrap_or_default(),
                evidence: Value::Object(finding.evidence.clone()),
                citations: rule.map(|r| r.citations.to_vec()).unwrap_or_default(),
            }
        })
        .collect()
}

/// How a reference by maker and serial number begins.
const BY_STAMP: &str = "stamp:";

/// Whether a reference tries a serial number out on behalf of somebody who is to read its end from the steel: who can ask
/// without end finds four characters by counting.
pub fn guesses_serial_end(actor: &Actor, reference: &str) -> bool {
    reference.starts_with(BY_STAMP) && hides_serial_end(actor)
}

/// Finds the cylinder that a reference means: an id, a label code or scanned address, `reg:<registration code>`,
/// `stamp:<maker>:<serial>[:<YYYY-MM>]`, or a typed label id with its check character. With a session, only among what it
/// reaches where the reference may fit several.
///
/// # Errors
/// 404; 409 where a stamp fits more than one; the database.
pub fn resolve(conn: &mut Conn, keys: &Keyring, text: &str, by: Option<(&Actor, Scope)>) -> Result<Target> {
    if let Ok(id) = text.parse::<CylinderId>() {
        return Ok(Target { id, scanned: false });
    }
    if let Some(code) = text.strip_prefix("reg:") {
        let found = facts::cylinders_by_registration_key(conn, &[steel::key(code)])?;
        return found
            .first()
            .map(|row| Target { id: row.cylinder.id, scanned: false })
            .ok_or(Code::CylinderNotFound.into());
    }
    if let Some(stamp) = text.strip_prefix(BY_STAMP) {
        return resolve_stamp(conn, stamp, by);
    }
    let (label, scanned) = match Scan::read(text, Entry::Typed) {
        Scan::Code(code) if keys.verify(&code) => (code.id, true),
        Scan::Typed(id) => (id, false),
        Scan::Code(_) | Scan::Foreign(_) => return Err(Code::CylinderNotFound.into()),
    };
    let found = facts::labels(conn, &[label])?;
    // A void label may hang anywhere: it names the cylinder, but shows nobody that it is at hand.
    let target = |row: &LabelRow| Target {
        id: row.cylinder_id,
        scanned: scanned && row.status != LabelStatus::Revoked,
    };
    found.first().map(target).ok_or(Code::CylinderNotFound.into())
}

fn resolve_stamp(conn: &mut Conn, stamp: &str, by: Option<(&Actor, Scope)>) -> Result<Target> {
    let mut parts = stamp.splitn(3, ':');
    let (Some(maker), Some(serial), month) = (parts.next(), parts.next(), parts.next()) else {
        return Err(Code::CylinderNotFound.into());
    };
    let stamp = StampKey { maker: steel::key(maker), serial: steel::serial_key(serial), month: None };
    let mut within = Vec::new();
    for row in facts::cylinders_by_stamp(conn, &stamp)? {
        let fits = month.is_none_or(|month| row.cylinder.stamp.manufactured_on.month_text() == month);
        // "There are two" would tell of a cylinder that the caller may not know.
        if fits && reaches(conn, by, &row)? {
            within.push(row.cylinder.id);
        }
    }
    match within.as_slice() {
        [] => Err(Code::CylinderNotFound.into()),
        [id] => Ok(Target { id: *id, scanned: false }),
        _ => Err(Code::AmbiguousReference.into()),
    }
}

fn reaches(conn: &mut Conn, by: Option<(&Actor, Scope)>, row: &CylinderRow) -> Result<bool> {
    let Some((actor, scope)) = by else {
        return Ok(true);
    };
    let owner = facts::organizations(conn, &[row.cylinder.owner_id])?.pop();
    let places = [owner.as_ref().map(|o| &o.district_code), Some(&row.seen_in)];
    Ok(may_see(actor, scope, &row.cylinder, places))
}

/// Finds the cylinder of a reference for an act, which then judges whether the caller may know it.
///
/// # Errors
/// See [`resolve`].
pub fn target(session: &mut Session<'_>, keys: &Keyring, reference: &str) -> Result<Target> {
    resolve(session.conn, keys, reference, Some((&session.actor, session.scope)))
}

/// A cylinder that the actor may see.
///
/// # Errors
/// 404, or the database.
pub fn cylinder(session: &mut Session<'_>, keys: &Keyring, reference: &str) -> Result<CylinderRow> {
    let by = Some((&session.actor, session.scope));
    let target = resolve(session.conn, keys, reference, by)?;
    let row = facts::cylinders(session.conn, &[target.id])?.pop().ok_or(Code::CylinderNotFound)?;
    if reaches(session.conn, by, &row)? { Ok(row) } else { Err(Code::CylinderNotFound.into()) }
}

/// A label of a cylinder.
#[derive(Debug, Serialize, ToSchema)]
pub struct LabelView {
    /// The eight characters that name it.
    pub id: LabelId,
    /// The same with its check character, as printed for typing.
    pub typed: String,
    /// Whether it is good.
    pub status: LabelStatus,
    /// The whole code; for the owner's people only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The address that the QR carries; for the owner's people only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Where its picture is; for the owner's people only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub svg_url: Option<String>,
    /// Where its picture is; for the owner's people only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub png_url: Option<String>,
}

/// An organization by id and name.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Named {
    /// Its id.
    #[schema(value_type = String, format = "uuid")]
    pub id: uuid::Uuid,
    /// Its name; left out where it is not for the reader.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// A cylinder's file.
#[derive(Debug, Serialize, ToSchema)]
pub struct CylinderView {
    /// Its id.
    pub id: CylinderId,
    /// The whole code of its label; for the owner's people only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Its label.
    pub label: LabelView,
    /// How it stands.
    pub status: CylinderStatus,
    /// Owner.
    pub owner: Named,
    /// 使用登记代码
    pub registration_code: Option<String>,
    /// What the steel says.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub stamp: Stamp,
    /// Last passed inspection.
    pub last_inspected_on: Option<crate::domain::date::StampDate>,
    /// The report of an inspection before registration, as the owner named it; for the owner's office and authorities.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub earlier_inspection: Option<EarlierInspection>,
    /// When the next inspection is due.
    pub inspection_due_on: Day,
    /// The last day of its life.
    pub life_ends_on: Day,
    /// Insurance.
    pub insurance: Option<Insurance>,
    /// Who has it.
    pub custody: Custody,
    /// The district in which it was last seen.
    pub district_code: DistrictCode,
    /// The last fill.
    pub last_fill: Option<LastFillView>,
    /// When it was registered.
    pub registered_at: Instant,
    /// Sequence number of its last event.
    pub version: i64,
}

/// The last fill in a cylinder's file.
#[derive(Debug, Serialize, ToSchema)]
pub struct LastFillView {
    /// The fill.
    pub id: EventId,
    /// When.
    pub finished_at: Instant,
    /// By whom.
    pub organization_id: OrganizationId,
    /// Where.
    pub site_id: Option<SiteId>,
    /// Gas, in grams.
    pub net_g: i32,
    /// Whether it may leave.
    pub status: crate::domain::event::FillStatus,
}

/// How a caller sees cylinders.
pub struct Viewer<'a> {
    /// Keys, to show codes again.
    pub keys: &'a Keyring,
    /// Address of the service as printed on labels.
    pub public_url: &'a str,
    /// The organization whose labels may be shown; none for nobody's.
    pub labels_of: Option<OrganizationId>,
    /// The organization whose insurance may be shown; none for everybody's.
    pub only_of: Option<OrganizationId>,
    /// Whether reports of earlier inspections are shown: to the office and to authorities.
    pub shows_reports: bool,
    /// Whether the end of the serial number is kept back: it answers the stamp challenge, and is to be read from the steel.
    pub hides_serial_end: bool,
}

fn label_view(id: &LabelId, status: LabelStatus, code: Option<LabelCode>, public_url: &str) -> LabelView {
    let picture = |ending: &str| code.as_ref().map(|code| format!("/api/v1/labels/{code}.{ending}"));
    LabelView {
        id: id.clone(),
        typed: id.typed(),
        status,
        url: code.as_ref().map(|code| code.url(public_url)),
        svg_url: picture("svg"),
        png_url: picture("png"),
        code: code.map(|code| code.to_string()),
    }
}

/// A label that was just made, for who had it made.
pub fn new_label(keys: &Keyring, public_url: &str, id: &LabelId, key_id: char) -> LabelView {
    label_view(id, LabelStatus::Bound, keys.tag(id, key_id), public_url)
}

impl Viewer<'_> {
    fn label(&self, cylinder: &Cylinder) -> LabelView {
        let label = &cylinder.label;
        let mine = self.labels_of == Some(cylinder.owner_id) && label.status != LabelStatus::Revoked;
        let code = self.keys.tag(&label.id, label.key_id).filter(|_| mine);
        label_view(&label.id, label.status, code, self.public_url)
    }

    fn stamp(&self, mut stamp: Stamp) -> Stamp {
        if self.hides_serial_end
            && let Ok(masked) = Text::new(&without_end(stamp.serial_no.as_str()))
        {
            stamp.serial_no = masked;
        }
        stamp
    }

    /// A cylinder's file.
    pub fn view(&self, row: CylinderRow, owner_name: Option<String>) -> CylinderView {
        let cylinder = row.cylinder;
        let label = self.label(&cylinder);
        CylinderView {
            id: cylinder.id,
            code: label.code.clone(),
            label,
            status: cylinder.status(),
            owner: Named { id: cylinder.owner_id.uuid(), name: owner_name },
            registration_code: cylinder.registration_code.map(|code| code.to_string()),
            last_inspected_on: cylinder.inspected_on,
            earlier_inspection: cylinder
                .earlier_inspection
                .filter(|_| self.shows_reports && self.only_of.is_none_or(|of| of == cylinder.owner_id)),
            inspection_due_on: cylinder.inspection_due_on,
            life_ends_on: cylinder.life_ends_on,
            insurance: cylinder.insurance.filter(|_| self.only_of.is_none_or(|of| of == cylinder.owner_id)),
            custody: cylinder.custody,
            district_code: row.seen_in,
            last_fill: cylinder.last_fill.map(|fill| LastFillView {
                id: fill.id,
                finished_at: fill.at,
                organization_id: fill.organization_id,
                site_id: fill.site_id,
                net_g: fill.net_g,
                status: fill.status,
            }),
            registered_at: cylinder.registered_at,
            version: row.version,
            stamp: self.stamp(cylinder.stamp),
        }
    }
}

/// The first event of a cylinder that is for the caller: who only has it sees what was since they got it.
///
/// # Errors
/// The database.
pub fn history_from(session: &mut Session<'_>, cylinder: &Cylinder) -> Result<i64> {
    let ours = session.actor.organization_id;
    if session.scope != Scope::Own || cylinder.owner_id == ours {
        return Ok(1);
    }
    if cylinder.custody.organization_id != ours {
        return Ok(i64::MAX);
    }
    Ok(history::place_of(session.conn, cylinder.custody_from)?.unwrap_or(i64::MAX))
}

/// Who filled a cylinder last and who handled it since.
#[derive(Debug, Serialize, ToSchema)]
pub struct Trace {
    /// The cylinder's file.
    pub cylinder: CylinderView,
    /// The check that allowed the last fill.
    pub allowed_by: Option<EventView>,
    /// The last fill.
    pub last_fill: Option<EventView>,
    /// Everything since the last fill, oldest first: handovers, returns, refusals, whoever tried.
    pub handled_since: Vec<EventView>,
    /// Whether more happened since than is listed.
    pub truncated: bool,
    /// How often customers looked it up, and when last.
    pub customer_scans: CustomerScans,
}

/// How often customers looked a cylinder up.
#[derive(Debug, Serialize, ToSchema)]
pub struct CustomerScans {
    /// How often, in the last twelve months.
    pub count: i64,
    /// When last.
    pub last_at: Option<Instant>,
}

/// Customers' look-ups of a cylinder.
///
/// # Errors
/// The database.
pub fn customer_scans(session: &mut Session<'_>, id: CylinderId) -> Result<CustomerScans> {
    let (count, last_at) = history::public_scans(session.conn, id)?;
    Ok(CustomerScans { count, last_at })
}

/// Most events that a trace lists.
const TRACE_LIMIT: i64 = 200;

/// The trace of a cylinder.
///
/// # Errors
/// The database.
pub fn trace(session: &mut Session<'_>, row: CylinderRow, viewer: &Viewer<'_>, lang: Lang) -> Result<Trace> {
    let id = row.cylinder.id;
    let owner_name = owner_name(session, row.cylinder.owner_id)?;
    let from = history_from(session, &row.cylinder)?;
    let last_id = row.cylinder.last_fill.as_ref().map(|fill| fill.id);
    let last = match last_id {
        Some(fill) => facts::events(session.conn, &[fill])?.pop(),
        None => None,
    };
    let permits: Vec<_> = match last.as_ref() {
        Some(fill) => facts::fills(session.conn, &[fill.id])?.iter().map(|fill| fill.permit_id).collect(),
        None => Vec::new(),
    };
    let allowed = facts::events(session.conn, &permits)?.pop().filter(|event| event.stream_id == id.cast());
    let since = last.as_ref().map_or(0, |event| event.stream_seq);
    let newest = Page { after: None, limit: TRACE_LIMIT + 1 };
    let mut page = history::of_cylinder(session.conn, id, from.max(since.saturating_add(1)), &newest)?;
    let last = last.filter(|event| event.stream_seq >= from);
    let allowed = allowed.filter(|event| event.stream_seq >= from);
    let truncated = page.len() > usize::try_from(TRACE_LIMIT).unwrap_or(usize::MAX);
    page.truncate(usize::try_from(TRACE_LIMIT).unwrap_or(usize::MAX));
    page.reverse();
    Ok(Trace {
        cylinder: viewer.view(row, owner_name),
        allowed_by: views(session, allowed.into_iter().collect(), lang)?.pop(),
        last_fill: views(session, last.into_iter().collect(), lang)?.pop(),
        handled_since: views(session, page, lang)?,
        truncated,
        customer_scans: customer_scans(session, id)?,
    })
}

/// The name of an owner.
///
/// # Errors
/// The database.
pub fn owner_name(session: &mut Session<'_>, id: OrganizationId) -> Result<Option<String>> {
    let found = facts::organizations(session.conn, &[id])?;
    Ok(found.first().map(|owner| owner.name.to_string()))
}

/// A fill as listed.
#[derive(Debug, Serialize, ToSchema)]
pub struct FillView {
    /// Its id.
    pub id: EventId,
    /// Place in the ledger.
    pub log_index: i64,
    /// The cylinder.
    pub cylinder_id: CylinderId,
    /// Who filled.
    pub organization_id: OrganizationId,
    /// Where.
    pub site_id: Option<SiteId>,
    /// On which scale.
    #[schema(value_type = String, format = "uuid")]
    pub scale_id: crate::domain::id::ScaleId,
    /// By whom.
    pub operator_id: UserId,
    /// Weight of cylinder and gas, in grams.
    pub gross_g: i32,
    /// Gas, in grams.
    pub net_g: i32,
    /// Whether it may leave.
    pub status: crate::domain::event::FillStatus,
    /// When it was finished.
    pub finished_at: Instant,
}

impl From<FillRow> for FillView {
    fn from(row: FillRow) -> Self {
        Self {
            id: row.id,
            log_index: row.log_index,
            cylinder_id: row.cylinder_id,
            organization_id: row.organization_id,
            site_id: row.site_id,
            scale_id: row.scale_id,
            operator_id: row.operator_id,
            gross_g: row.gross_g,
            net_g: row.net_g,
            status: row.status,
            finished_at: row.finished_at,
        }
    }
}
