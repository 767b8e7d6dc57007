//! Events: what happened to a cylinder, in the words that are hashed and kept for good. No personal data.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::cylinder::{Custody, Insurance, Stamp};
use super::date::{Day, StampDate};
use super::district::DistrictCode;
use super::finding::Finding;
use super::id::{CylinderId, EventId, OrganizationId, PrincipalId, ScaleId, SiteId, UserId};
use super::inspection::InspectionItems;
use super::instant::Instant;
use super::label_code::{Entry, LabelId};
use super::stream::Stream;
use super::value::{Number, Reason, Text};

/// What an event says, by kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "data", rename_all = "snake_case")]
pub enum EventData {
    /// A cylinder got its file and its first label.
    Registered(Box<Registered>),
    /// A new label took the place of the old one.
    LabelBound(LabelBound),
    /// A label was voided without another in its place.
    LabelRevoked(LabelRevoked),
    /// A check before filling: allowed, challenged or refused.
    FillChecked(Box<FillChecked>),
    /// Gas was filled in.
    FillRecorded(Box<FillRecorded>),
    /// A fill record that fits no permit.
    FillRefused(FillRefused),
    /// A second weighing of a fill.
    Reweighed(Reweighed),
    /// The result of a periodic inspection.
    Inspected(Box<Inspected>),
    /// The life was extended after a safety assessment.
    LifeExtended(LifeExtended),
    /// Made useless by an agency.
    Scrapped(Documented),
    /// Handed to a customer.
    HandedOver(Handover),
    /// A handover that was refused.
    HandoverRefused(Handover),
    /// Came back, or came in at a site or an agency.
    Returned(Returned),
    /// Gas was taken out at a station.
    Emptied(Emptied),
    /// Reported lost.
    Lost(Reasoned),
    /// Found again.
    Recovered(Reasoned),
    /// The owner changed.
    OwnerChanged(OwnerChanged),
    /// Seized by an authority 查封扣押.
    Seized(Documented),
    /// Put on the blacklist.
    Blacklisted(Documented),
    /// Taken off the blacklist.
    Unblacklisted(Documented),
}

/// The paper on which an owner's word of an earlier inspection rests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct EarlierInspection {
    /// Number of the report.
    pub report_no: Number,
    /// Name of the agency that made it.
    pub agency: Text<1, 100>,
}

/// See [`EventData::Registered`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Registered {
    /// Owner 产权单位.
    pub owner_id: OrganizationId,
    /// 使用登记代码; without it the cylinder can't be filled.
    pub registration_code: Option<Text<6, 32>>,
    /// What the steel says.
    pub stamp: Stamp,
    /// Last passed inspection before it came in here.
    pub last_inspected_on: Option<StampDate>,
    /// The report of that inspection, as the owner named it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_inspection: Option<EarlierInspection>,
    /// When the next inspection is due.
    pub inspection_due_on: Day,
    /// The last day of its life.
    pub life_ends_on: Day,
    /// Insurance in force.
    pub insurance: Option<Insurance>,
    /// Its first label.
    pub label_id: LabelId,
    /// The key of the label's tag.
    pub key_id: char,
}

/// See [`EventData::LabelBound`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LabelBound {
    /// The new label.
    pub label_id: LabelId,
    /// The key of its tag.
    pub key_id: char,
    /// The label that is void from now on.
    pub replaces: Option<LabelId>,
    /// Why.
    pub reason: Reason,
}

/// See [`EventData::LabelRevoked`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LabelRevoked {
    /// The label that is void from now on.
    pub label_id: LabelId,
    /// Why.
    pub reason: Reason,
}

crate::words! {
    /// The decision of the fill gate.
    pub enum Decision {
        /// A permit was given.
        Allowed => "allowed",
        /// The stamp must be read first.
        Challenged => "challenged",
        /// Not to be filled.
        Refused => "refused",
    }
}

crate::words! {
    /// What a code turned out to be.
    pub enum CodeStatus {
        /// The bound label of a cylinder.
        Bound => "bound",
        /// No label of ours.
        Unknown => "unknown",
        /// The right shape with a wrong tag.
        Forged => "forged",
        /// Replaced or void.
        Revoked => "revoked",
        /// Suspended after three wrong answers.
        Suspended => "suspended",
    }
}

/// What was scanned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScanRecord {
    /// By camera or by hand.
    pub entry: Entry,
    /// What the code turned out to be.
    pub status: CodeStatus,
    /// The label, where the code names one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label_id: Option<LabelId>,
    /// The text as handed in, where it is no good code; cut at 200 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The host of the address that carried the code, where it was not ours; cut at 100 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub foreign_host: Option<String>,
}

crate::words! {
    /// The result of one item of a check list.
    pub enum CheckResult {
        /// In order.
        Pass => "pass",
        /// Not in order.
        Fail => "fail",
    }
}

/// The visual check before filling (TSG 23-2021). `None` is an item nobody looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Precheck {
    /// 瓶体
    pub body: Option<CheckResult>,
    /// 瓶阀
    pub valve: Option<CheckResult>,
    /// 护罩
    pub shroud: Option<CheckResult>,
    /// 底座
    pub foot_ring: Option<CheckResult>,
    /// 标志
    pub markings: Option<CheckResult>,
    /// 颜色
    pub color: Option<CheckResult>,
    /// 余压
    pub residual_pressure: Option<CheckResult>,
}

impl Precheck {
    /// Every item by name.
    pub fn items(&self) -> [(&'static str, Option<CheckResult>); 7] {
        [
            ("body", self.body),
            ("valve", self.valve),
            ("shroud", self.shroud),
            ("foot_ring", self.foot_ring),
            ("markings", self.markings),
            ("color", self.color),
            ("residual_pressure", self.residual_pressure),
        ]
    }
}

/// Leave to fill one cylinder on one scale once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Permit {
    /// The event that gave it.
    pub id: EventId,
    /// Until when.
    pub expires_at: Instant,
    /// At most this much gas, so that the scale can stop by itself.
    pub max_fill_g: i32,
}

/// The cylinder as the operator was shown it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CylinderBrief {
    /// Its id.
    pub id: CylinderId,
    /// 使用登记代码
    pub registration_code: Option<Text<6, 32>>,
    /// Model.
    pub model: Number,
    /// Owner.
    pub owner: OwnerBrief,
    /// When the next inspection is due.
    pub inspection_due_on: Day,
    /// The last day of its life.
    pub life_ends_on: Day,
}

/// An owner as the operator was shown it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct OwnerBrief {
    /// Its id.
    pub id: OrganizationId,
    /// Its name at that time.
    pub name: String,
}

/// See [`EventData::FillChecked`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FillChecked {
    /// What the gate said.
    pub decision: Decision,
    /// What was scanned.
    pub scan: ScanRecord,
    /// On which scale, as named by the caller.
    pub scale_id: ScaleId,
    /// Who was to fill; none on a device without a shift.
    pub operator_id: Option<UserId>,
    /// What the scale showed before the fill, in grams.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale_g: Option<i32>,
    /// What the operator looked at.
    pub precheck: Precheck,
    /// Everything the rules found.
    pub findings: Vec<Finding>,
    /// The permit of an allowed check.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permit: Option<Permit>,
    /// The operator's earlier permit on that scale that ended with this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub voids_permit: Option<EventId>,
    /// Whether an answer to a stamp challenge came with it, and whether it was right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stamp_answer: Option<CheckResult>,
    /// The cylinder as shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cylinder: Option<CylinderBrief>,
}

/// The check after filling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Postcheck {
    /// No leak.
    pub leak: Option<CheckResult>,
    /// Valve closed and sound.
    pub valve: Option<CheckResult>,
    /// Sealed.
    pub seal: Option<CheckResult>,
    /// Who checked.
    pub checker_id: Option<UserId>,
}

crate::words! {
    /// Whether a filled cylinder may leave.
    pub enum FillStatus {
        /// May leave.
        Released => "released",
        /// May not leave yet.
        Held => "held",
    }
}

/// See [`EventData::FillRecorded`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FillRecorded {
    /// The permit it used up.
    pub permit_id: EventId,
    /// On which scale.
    pub scale_id: ScaleId,
    /// Who filled.
    pub operator_id: UserId,
    /// Weight of cylinder and gas, in grams.
    pub gross_g: i32,
    /// Gross less the stamped tare, in grams.
    pub net_g: i32,
    /// When the gas began to flow.
    pub started_at: Instant,
    /// When it stopped.
    pub finished_at: Instant,
    /// Number of the seal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seal_no: Option<Number>,
    /// The check after filling.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postcheck: Option<Postcheck>,
    /// What the rules found.
    pub findings: Vec<Finding>,
    /// Whether the cylinder may leave.
    pub status: FillStatus,
}

/// See [`EventData::FillRefused`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FillRefused {
    /// The permit that was named.
    pub permit_id: EventId,
    /// Weight of cylinder and gas, in grams.
    pub gross_g: i32,
    /// When the gas began to flow.
    pub started_at: Instant,
    /// When it stopped.
    pub finished_at: Instant,
    /// Why it was refused.
    pub findings: Vec<Finding>,
}

/// See [`EventData::Reweighed`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reweighed {
    /// Which fill.
    pub fill_id: EventId,
    /// Weight of cylinder and gas, in grams.
    pub gross_g: i32,
    /// Gross less the stamped tare, in grams.
    pub net_g: i32,
    /// The check after filling.
    pub postcheck: Postcheck,
    /// What the rules found.
    pub findings: Vec<Finding>,
    /// Whether the cylinder may leave now.
    pub status: FillStatus,
}

/// See [`EventData::Inspected`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Inspected {
    /// On which day.
    pub inspected_on: Day,
    /// Passed or not; a fail means scrap.
    pub result: CheckResult,
    /// Due day on the agency's certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_due_on: Option<Day>,
    /// Number of the report.
    pub report_no: Number,
    /// Number of the inspection ring.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ring_no: Option<Number>,
    /// What was tested.
    pub items: InspectionItems,
    /// Why it must be scrapped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scrap_reason: Option<Reason>,
    /// When the next inspection is due by all rules.
    pub inspection_due_on: Day,
}

/// See [`EventData::LifeExtended`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LifeExtended {
    /// The new last day.
    pub until: Day,
    /// Number of the safety assessment.
    pub assessment_no: Number,
    /// Number of the change of registration.
    pub registration_change_no: Number,
    /// When the next inspection is due by all rules.
    pub inspection_due_on: Day,
}

/// An act with a document behind it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Documented {
    /// Number of the document.
    pub document_no: Number,
    /// Why.
    pub reason: Reason,
}

/// An act with a reason.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reasoned {
    /// Why.
    pub reason: Reason,
}

/// See [`EventData::HandedOver`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Handover {
    /// What was scanned.
    pub scan: ScanRecord,
    /// The delivery worker.
    pub worker_id: Option<UserId>,
    /// SHA-256 over a salt and the customer and place, which are kept apart and can be deleted.
    pub private_commitment: String,
    /// What the rules found.
    pub findings: Vec<Finding>,
}

/// See [`EventData::Returned`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Returned {
    /// What was scanned.
    pub scan: ScanRecord,
    /// Gas still in it, in grams.
    pub residual_g: i32,
    /// Who has it now.
    pub custody: Custody,
    /// Scanned before what is on record already, and told late: it moves nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stale: bool,
    /// By the records another organization has it at a place of its own: kept, and moves nothing, for a photo of the label
    /// would be enough for such a scan.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub contested: bool,
}

impl Returned {
    /// Whether the cylinder is where this says.
    pub fn moves(&self) -> bool {
        !self.stale && !self.contested
    }
}

/// See [`EventData::Emptied`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Emptied {
    /// What was scanned.
    pub scan: ScanRecord,
    /// Gas still in it, in grams.
    pub residual_g: i32,
    /// Why.
    pub reason: Reason,
    /// Who saw it, where a second person had to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub witness_id: Option<UserId>,
}

/// See [`EventData::OwnerChanged`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OwnerChanged {
    /// The owner until now.
    pub from: OrganizationId,
    /// The owner from now on.
    pub to: OrganizationId,
    /// Number of the document.
    pub document_no: Number,
    /// Why.
    pub reason: Reason,
}

impl EventData {
    /// The kind and the data as they are stored.
    ///
    /// # Errors
    /// Never for these types; serde's signature has one.
    pub fn to_stored(&self) -> Result<(String, Value), serde_json::Error> {
        let Value::Object(mut object) = serde_json::to_value(self)? else {
            return Ok((String::new(), Value::Null));
        };
        let kind = object.remove("kind").and_then(|k| k.as_str().map(str::to_owned)).unwrap_or_default();
        Ok((kind, object.remove("data").unwrap_or(Value::Null)))
    }

    /// Reads what [`EventData::to_stored`] wrote.
    ///
    /// # Errors
    /// A kind or data that this version does not know.
    pub fn from_stored(kind: &str, data: &str) -> Result<Self, serde_json::Error> {
        // The kind comes first, so that the data is read in one go and not kept aside.
        serde_json::from_str(&format!(r#"{{"kind":{},"data":{data}}}"#, Value::from(kind)))
    }

    /// What the rules found, where the event carries findings.
    pub fn findings(&self) -> &[Finding] {
        match self {
            Self::FillChecked(data) => &data.findings,
            Self::FillRecorded(data) => &data.findings,
            Self::FillRefused(data) => &data.findings,
            Self::Reweighed(data) => &data.findings,
            Self::HandedOver(data) | Self::HandoverRefused(data) => &data.findings,
            _ => &[],
        }
    }

    /// Whether it shows in which district the cylinder is: somebody had it before them. A copied code shows nothing, and that
    /// is what is refused or challenged; nor does an act of an office, which is done at a desk anywhere.
    pub fn shows_where(&self) -> bool {
        match self {
            Self::Registered(_)
            | Self::FillRecorded(_)
            | Self::Reweighed(_)
            | Self::Inspected(_)
            | Self::Scrapped(_)
            | Self::HandedOver(_)
            | Self::Emptied(_)
            | Self::Seized(_) => true,
            Self::FillChecked(data) => data.decision == Decision::Allowed,
            Self::Returned(data) => data.moves(),
            _ => false,
        }
    }

    /// The decision by which fill checks are listed.
    pub fn decision(&self) -> Option<Decision> {
        match self {
            Self::FillChecked(data) => Some(data.decision),
            _ => None,
        }
    }
}

/// Who did what, where and when: everything of an event but its place in the chains.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    /// Its id.
    pub id: EventId,
    /// Which chain it belongs to.
    pub stream: Stream,
    /// When it happened, as told by the device; never after `recorded_at`.
    pub occurred_at: Instant,
    /// When it was recorded.
    pub recorded_at: Instant,
    /// The person or device that acted.
    pub actor_id: PrincipalId,
    /// Their organization.
    pub organization_id: OrganizationId,
    /// Where, as far as a site is known.
    pub site_id: Option<SiteId>,
    /// The district of the site, or of the organization.
    pub district_code: DistrictCode,
    /// What.
    pub data: EventData,
    /// The call that made it, so that a retry finds it.
    pub idempotency: Option<Idempotency>,
}

/// The call behind an event.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Idempotency {
    /// Method and pattern of the path: a code in the path itself is not kept.
    pub route: String,
    /// The client's key.
    pub key: String,
    /// HMAC-SHA-256 over method, path and the body as a JSON value.
    pub body_digest: [u8; 32],
}

/// An event in its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// What happened.
    pub event: NewEvent,
    /// Its place among all events, without gaps, from 1.
    pub log_index: i64,
    /// Its place in its own chain, without gaps, from 1.
    pub seq: i64,
    /// Hash of the event before it in its chain; zeros for the first.
    pub prev_hash: [u8; 32],
    /// SHA-256 of the canonical form, `prev_hash` included.
    pub hash: [u8; 32],
}
