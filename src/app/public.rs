//! What anybody may know who scans a code: is the cylinder lawful, who filled it, when is it due. No personal data.

use chrono::NaiveDate;
use serde::Serialize;
use utoipa::ToSchema;

use super::App;
use super::scan::ScannedCode;
use crate::auth::keyring::Keyring;
use crate::db::conn::Conn;
use crate::db::facts;
use crate::db::history::PublicScanRow;
use crate::db::types::Json;
use crate::domain::cylinder::{CustodyKind, Cylinder};
use crate::domain::event::{CodeStatus, FillStatus, Precheck, ScanRecord};
use crate::domain::finding::{Finding, Severity};
use crate::domain::id::OrganizationId;
use crate::domain::instant::Moment;
use crate::domain::label_code::{Entry, LabelId};
use crate::domain::registry::{License, Location, Organization};
use crate::error::Result;
use crate::gate::facts::{FillFacts, OrganizationFacts};
use crate::gate::fill;
use crate::gate::policy::Policy;
use crate::ledger::clock_is_trusted;

/// The rules of the fill gate that speak of the cylinder and its owner alone, whoever fills it wherever.
const CYLINDER_RULES: &[&str] = &[
    "fill.code-unknown",
    "fill.code-forged",
    "fill.code-revoked",
    "fill.not-registered",
    "fill.owner-closed",
    "fill.inspection-overdue",
    "fill.life-ended",
    "fill.scrapped",
    "fill.seized",
    "fill.blacklisted",
    "fill.lost",
    "fill.dual-phase",
    "fill.refurbished",
    "fill.no-filler-mark",
    "fill.uninsured",
    "fill.inspection-soon",
];

/// Those of them that compare days. A wrong clock makes none of them true.
const DATE_RULES: &[&str] =
    &["fill.inspection-overdue", "fill.life-ended", "fill.uninsured", "fill.inspection-soon"];

/// Whether a finding rests on the day. Of an owner one does: whether another license than the revoked one is in force.
fn rests_on_the_day(finding: &Finding) -> bool {
    let revoked = finding.evidence.get("reason").is_some_and(|reason| reason == "revoked");
    DATE_RULES.contains(&finding.rule.as_str()) || (finding.rule == "fill.owner-closed" && revoked)
}

crate::words! {
    /// What the records say of a cylinder.
    pub enum Standing {
        /// It may be used.
        Lawful => "lawful",
        /// It may be used, but perhaps it was not filled for who scans it.
        Caution => "caution",
        /// The clock is wrong: nobody can tell now.
        Unjudged => "unjudged",
        /// It must not be used, or there is no such cylinder.
        NotLawful => "not_lawful",
    }
}

crate::words! {
    /// What somebody should ask about before they take a cylinder.
    pub enum Caution {
        /// No fill is on record.
        NeverFilled => "never_filled",
        /// By the records it is at a station, with an agency or with its owner.
        NotDelivered => "not_delivered",
    }
}

/// What a public look-up found.
#[derive(Debug)]
pub struct PublicRecord {
    /// What the code turned out to be.
    pub status: CodeStatus,
    /// The label, where the code names one.
    pub label_id: Option<LabelId>,
    /// The code as it was scanned, where its tag is wrong.
    pub forged_code: Option<String>,
    /// Everything that speaks against the cylinder or should be known.
    pub findings: Vec<Finding>,
    /// Whether a fill is held that may not leave the station.
    pub held: bool,
    /// Whether the clock agrees with the newest recorded event. If not, no date can be judged.
    pub clock_trusted: bool,
    /// The cylinder.
    pub cylinder: Option<Cylinder>,
    /// Its owner's name.
    pub owner_name: Option<String>,
    /// The last filler's name.
    pub filler_name: Option<String>,
    /// The day of the last fill.
    pub filled_on: Option<NaiveDate>,
    /// The day of the look-up.
    pub today: NaiveDate,
}

impl PublicRecord {
    /// What the records say.
    pub fn standing(&self) -> Standing {
        let refused = self.held || self.findings.iter().any(|f| f.severity == Severity::Refuse);
        match &self.cylinder {
            None => Standing::NotLawful,
            Some(_) if refused => Standing::NotLawful,
            Some(_) if !self.clock_trusted => Standing::Unjudged,
            Some(_) if !self.cautions().is_empty() => Standing::Caution,
            Some(_) => Standing::Lawful,
        }
    }

    /// What should be asked about.
    pub fn cautions(&self) -> Vec<Caution> {
        let Some(cylinder) = &self.cylinder else {
            return Vec::new();
        };
        let kept =
            matches!(cylinder.custody.kind, CustodyKind::Owner | CustodyKind::Site | CustodyKind::Agency);
        let all = [(Caution::NeverFilled, cylinder.last_fill.is_none()), (Caution::NotDelivered, kept)];
        all.into_iter().filter_map(|(caution, holds)| holds.then_some(caution)).collect()
    }
}

/// What a public look-up answers.
#[derive(Debug, Serialize, ToSchema)]
pub struct PublicView {
    /// Whether the cylinder may be used by all that is known, also where something should be asked about first.
    pub lawful: bool,
    /// What the records say.
    pub standing: Standing,
    /// Why not.
    pub reasons: Vec<String>,
    /// What else should be known.
    pub notes: Vec<String>,
    /// 使用登记代码
    pub registration_code: Option<String>,
    /// Model.
    pub model: Option<String>,
    /// Owner.
    pub owner_name: Option<String>,
    /// Who filled it last.
    pub filler_name: Option<String>,
    /// When.
    pub filled_on: Option<NaiveDate>,
    /// Gas, in grams.
    pub net_g: Option<i32>,
    /// When the next inspection is due.
    pub inspection_due_on: Option<NaiveDate>,
    /// The last day of its life.
    pub life_ends_on: Option<NaiveDate>,
    /// Whether insurance is in force.
    pub insured: Option<bool>,
}

fn organization(conn: &mut Conn, id: OrganizationId) -> Result<(Option<Organization>, Vec<License>)> {
    let found = facts::organizations(conn, &[id])?.pop();
    Ok((found, facts::licenses(conn, &[id])?))
}

/// Looks a code up.
///
/// # Errors
/// The database.
pub fn look_up(
    conn: &mut Conn,
    keys: &Keyring,
    text: &str,
    now: Moment,
    clock_gap_days: i64,
) -> Result<PublicRecord> {
    let code = ScannedCode::read(text, Entry::Typed, keys);
    let label = match code.label_id() {
        Some(id) => facts::labels(conn, std::slice::from_ref(id))?.pop(),
        None => None,
    };
    let scan = code.judge_label(label.as_ref());
    let cylinder = match &label {
        Some(label) => facts::cylinders(conn, &[label.cylinder_id])?.pop().map(|row| row.cylinder),
        None => None,
    };
    let clock_trusted = clock_is_trusted(facts::trusted_at(conn)?, now.at, clock_gap_days);
    judge(conn, scan, cylinder, now, clock_trusted)
}

fn judge(
    conn: &mut Conn,
    scan: ScanRecord,
    cylinder: Option<Cylinder>,
    now: Moment,
    clock_trusted: bool,
) -> Result<PublicRecord> {
    let owner = match &cylinder {
        Some(cylinder) => organization(conn, cylinder.owner_id)?,
        None => (None, Vec::new()),
    };
    let filler_id = cylinder.as_ref().and_then(|c| c.last_fill.as_ref()).map(|fill| fill.organization_id);
    let filler = match filler_id {
        Some(id) => facts::organizations(conn, &[id])?.pop(),
        None => None,
    };
    let policies = facts::policies(conn)?;
    let owner_facts =
        owner.0.as_ref().map(|organization| OrganizationFacts { organization, licenses: &owner.1 });
    let facts = FillFacts {
        scan: &scan,
        cylinder: cylinder.as_ref(),
        owner: owner_facts,
        filler: owner_facts,
        operator: None,
        scale: None,
        site: None,
        scale_permit: None,
        cylinder_permit: None,
        scale_g: None,
        stamp_digits: None,
        precheck: &Precheck::default(),
        clock_trusted,
    };
    let country = "000000".parse().map_err(crate::db::DbError::corrupt)?;
    let district = owner.0.as_ref().map_or(&country, |o| &o.district_code);
    let policy = Policy::resolve(&policies, district, now.today);
    let mut findings = fill::findings(&facts, &policy, now);
    findings.retain(|finding| {
        CYLINDER_RULES.contains(&finding.rule.as_str()) && (clock_trusted || !rests_on_the_day(finding))
    });
    let last = cylinder.as_ref().and_then(|c| c.last_fill.as_ref());
    Ok(PublicRecord {
        status: scan.status,
        label_id: scan.label_id,
        forged_code: scan.text.filter(|_| scan.status == CodeStatus::Forged),
        findings,
        held: last.is_some_and(|fill| fill.status == FillStatus::Held),
        clock_trusted,
        filled_on: last.map(|fill| now.day_of(fill.at)),
        cylinder,
        owner_name: owner.0.map(|o| o.name.to_string()),
        filler_name: filler.map(|o| o.name.to_string()),
        today: now.today,
    })
}

impl App {
    /// Looks a code up for anybody, and counts it if it names a label.
    ///
    /// # Errors
    /// The database.
    pub fn public_look_up(
        &self,
        text: &str,
        device_class: &str,
        location: Option<Location>,
    ) -> Result<PublicRecord> {
        let now = self.now();
        let mut conn = self.pool.get()?;
        let record = look_up(&mut conn, &self.keyring, text, now, self.clock_gap_days)?;
        if let (Some(label_id), Some(_)) = (&record.label_id, &record.cylinder) {
            let row = PublicScanRow {
                id: self.ids.id(now.at),
                label_id: label_id.clone(),
                scanned_at: now.at,
                device_class: device_class.to_owned(),
                location: location.filter(Location::is_valid).map(Json::new).transpose()?,
            };
            // A count that can't be written must not keep anybody from the answer.
            if let Err(error) = row.insert(&mut conn) {
                tracing::warn!(%error, "customer scan not counted");
            }
        }
        Ok(record)
    }
}
