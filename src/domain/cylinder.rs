//! A cylinder: what its steel says and what became of it. Its state is the fold of its events and of nothing else, which is
//! what lets `pingma verify` hold the one against the other.

use serde::{Deserialize, Serialize};

pub use super::bound_label::{BoundLabel, LabelStatus, WRONG_ANSWERS_ALLOWED};
use super::date::{Day, StampDate, Validity};
use super::event::{
    CheckResult, Decision, EarlierInspection, EventData, FillChecked, FillRecorded, FillStatus, Inspected,
    NewEvent, Permit, Registered, Returned,
};
use super::hold::{ends_by_emptying, held_for, is_emptied};
use super::id::{CylinderId, EventId, OrganizationId, ScaleId, SiteId, UserId};
use super::instant::Instant;
use super::value::{CapacityMl, LifeMonths, MaxFillG, Name, Number, PressureKpa, TareG, Text, ThicknessUm};

crate::words! {
    /// What a cylinder holds, by its stamp.
    pub enum Medium {
        /// 液化石油气
        Lpg => "lpg",
        /// 二甲醚
        Dme => "dme",
    }
}

crate::words! {
    /// What comes out of the valve.
    pub enum Phase {
        /// 气相
        Gas => "gas",
        /// 液相
        Liquid => "liquid",
        /// 气液双相
        Dual => "dual",
    }
}

crate::words! {
    /// How the shroud is fixed.
    pub enum Shroud {
        /// 焊接
        Welded => "welded",
        /// 螺纹: a refurbished "screw bottle".
        Threaded => "threaded",
        /// None.
        None => "none",
    }
}

/// Who made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Manufacturer {
    /// 制造单位代号
    pub code: Text<1, 16>,
    /// Name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
    /// 制造许可证号
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license_no: Option<Number>,
}

/// Insurance of a cylinder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Insurance {
    /// Number of the policy.
    pub policy_no: Number,
    /// Insurer.
    pub insurer: Name,
    /// First insured day.
    pub valid_from: Day,
    /// Last insured day.
    pub valid_to: Day,
}

impl Insurance {
    /// Its period.
    pub fn validity(&self) -> Validity {
        Validity { valid_from: self.valid_from, valid_to: self.valid_to }
    }
}

/// What the steel says 钢印, and what does not change with use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// Who made it.
    pub manufacturer: Manufacturer,
    /// 气瓶编号
    pub serial_no: Text<1, 32>,
    /// Model.
    pub model: Number,
    /// What it holds.
    pub medium: Medium,
    /// What comes out of the valve.
    pub phase: Phase,
    /// Water capacity, in millilitres.
    pub water_capacity_ml: CapacityMl,
    /// 允许充装量, in grams.
    pub max_fill_g: MaxFillG,
    /// 皮重, in grams.
    pub tare_g: TareG,
    /// 公称工作压力, in kPa.
    pub working_pressure_kpa: PressureKpa,
    /// 水压试验压力, in kPa.
    pub test_pressure_kpa: PressureKpa,
    /// 设计壁厚, in micrometres.
    pub wall_thickness_um: Option<ThicknessUm>,
    /// 制造年月
    pub manufactured_on: StampDate,
    /// 设计使用年限, in months, if stamped.
    pub design_life_months: Option<LifeMonths>,
    /// How the shroud is fixed.
    pub shroud: Shroud,
    /// Whether the owner's mark is embossed on the head.
    pub filler_mark: bool,
    /// Whether it is marked 翻新 or 改装.
    pub refurbished: bool,
    /// When the owner bought it.
    pub purchased_on: Option<Day>,
}

impl Stamp {
    /// The last four characters of the serial number, which the stamp challenge asks for.
    pub fn challenge_answer(&self) -> String {
        let serial: Vec<char> = self.serial_no.as_str().chars().filter(|c| c.is_alphanumeric()).collect();
        serial.iter().skip(serial.len().saturating_sub(4)).flat_map(|c| c.to_uppercase()).collect()
    }
}

/// A serial number with a dot for each of its last four letters and digits: those answer the stamp challenge.
pub fn without_end(serial_no: &str) -> String {
    let kept = serial_no.chars().filter(|c| c.is_alphanumeric()).count().saturating_sub(4);
    let mut seen = 0;
    let masked = serial_no.chars().map(|c| {
        seen += usize::from(c.is_alphanumeric());
        if c.is_alphanumeric() && seen > kept { '•' } else { c }
    });
    masked.collect()
}

crate::words! {
    /// Who can have a cylinder.
    pub enum CustodyKind {
        /// Its owner, no site known.
        Owner => "owner",
        /// A site.
        Site => "site",
        /// A customer; which one is kept apart.
        Customer => "customer",
        /// An inspection agency.
        Agency => "agency",
        /// An authority.
        Authority => "authority",
    }
}

/// Who has a cylinder now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Custody {
    /// What kind of holder.
    pub kind: CustodyKind,
    /// The organization that has it, or that gave it to the customer.
    pub organization_id: OrganizationId,
    /// The site, where known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site_id: Option<SiteId>,
    /// Since when.
    pub since: Instant,
}

impl Custody {
    /// The site at which the cylinder stays, where it stays at one. A customer or an authority may have it from a site and be
    /// elsewhere.
    pub fn at_site(&self) -> Option<SiteId> {
        self.site_id.filter(|_| matches!(self.kind, CustodyKind::Site | CustodyKind::Agency))
    }

    /// Whether this organization has it as an inspection agency: it recorded that it received it.
    pub fn is_at_agency(&self, organization_id: OrganizationId) -> bool {
        self.kind == CustodyKind::Agency && self.organization_id == organization_id
    }

    /// Whether somebody else than this organization has the cylinder: a customer, an authority or another organization.
    pub fn is_of_others(&self, organization_id: OrganizationId) -> bool {
        matches!(self.kind, CustodyKind::Customer | CustodyKind::Authority)
            || self.organization_id != organization_id
    }
}

/// A permit that may still be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenPermit {
    /// The permit as given.
    #[serde(flatten)]
    pub permit: Permit,
    /// On which scale.
    pub scale_id: ScaleId,
    /// To whom.
    pub operator_id: UserId,
}

/// The last fill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastFill {
    /// The fill, by its event.
    pub id: EventId,
    /// When it was finished, as the client told.
    pub at: Instant,
    /// When it was recorded: no client can move it.
    pub recorded_at: Instant,
    /// Who filled.
    pub organization_id: OrganizationId,
    /// Where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site_id: Option<SiteId>,
    /// Gas filled in, in grams.
    pub net_g: i32,
    /// Whether the cylinder may leave.
    pub status: FillStatus,
    /// Whether custody changed since.
    pub moved_since: bool,
    /// Whether gas was taken out at a station since.
    pub emptied_since: bool,
    /// The most gas that a weighing found in it since gas was last taken out, in grams: what a lighter weighing must explain.
    pub heaviest_g: i32,
    /// The rules for which it is held.
    pub held_for: Vec<String>,
}

crate::words! {
    /// One word for how a cylinder stands; the worst that holds.
    pub enum CylinderStatus {
        /// 在用
        InService => "in_service",
        /// 丢失
        Lost => "lost",
        /// 黑名单
        Blacklisted => "blacklisted",
        /// 查封扣押
        Seized => "seized",
        /// 报废
        Scrapped => "scrapped",
    }
}

/// A cylinder 气瓶.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cylinder {
    /// Its id.
    pub id: CylinderId,
    /// 产权单位
    pub owner_id: OrganizationId,
    /// 使用登记代码
    pub registration_code: Option<Text<6, 32>>,
    /// What the steel says.
    pub stamp: Stamp,
    /// Insurance.
    pub insurance: Option<Insurance>,
    /// Its label.
    pub label: BoundLabel,
    /// The date the inspection period runs from: last passed inspection, or manufacture.
    pub inspected_on: Option<StampDate>,
    /// The report of an inspection before registration, as the owner named it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub earlier_inspection: Option<EarlierInspection>,
    /// Due day on the agency's last certificate.
    pub certificate_due_on: Option<Day>,
    /// Whether the last inspection was not passed.
    pub inspection_failed: bool,
    /// When the next inspection is due.
    pub inspection_due_on: Day,
    /// The last day of its life.
    pub life_ends_on: Day,
    /// Scrapped 报废.
    pub scrapped: bool,
    /// Seized 查封扣押.
    pub seized: bool,
    /// On the blacklist 黑名单.
    pub blacklisted: bool,
    /// Reported lost.
    pub lost: bool,
    /// Who has it.
    pub custody: Custody,
    /// The event by which that organization got it, from whomever: from there on its history is theirs to read.
    pub custody_from: EventId,
    /// The permit that may still be used.
    pub open_permit: Option<OpenPermit>,
    /// The last fill.
    pub last_fill: Option<LastFill>,
    /// Gas in it as far as recorded, in grams.
    pub gas_g: i32,
    /// When it was registered.
    pub registered_at: Instant,
}

impl Cylinder {
    /// How it stands, in one word.
    pub fn status(&self) -> CylinderStatus {
        [
            (self.scrapped, CylinderStatus::Scrapped),
            (self.seized, CylinderStatus::Seized),
            (self.blacklisted, CylinderStatus::Blacklisted),
            (self.lost, CylinderStatus::Lost),
        ]
        .into_iter()
        .find_map(|(holds, status)| holds.then_some(status))
        .unwrap_or(CylinderStatus::InService)
    }

    /// Whether it counts as filled: more than half of what it may hold.
    pub fn is_filled(&self) -> bool {
        self.gas_g > self.stamp.max_fill_g.get() / 2
    }

    /// Whether something on record happened after this instant: a scan of then tells nothing of now.
    pub fn is_newer_than(&self, captured_at: Instant) -> bool {
        captured_at < self.custody.since || self.last_fill.as_ref().is_some_and(|fill| captured_at < fill.at)
    }

    /// Whether its last fill may not leave yet.
    pub fn is_held(&self) -> bool {
        self.last_fill.as_ref().is_some_and(|fill| fill.status == FillStatus::Held)
    }

    /// The first state, from the event that registered it.
    pub fn registered(id: CylinderId, event: &NewEvent, data: &Registered) -> Self {
        Self {
            id,
            owner_id: data.owner_id,
            registration_code: data.registration_code.clone(),
            stamp: data.stamp.clone(),
            insurance: data.insurance.clone(),
            label: BoundLabel::fresh(data.label_id.clone(), data.key_id),
            inspected_on: data.last_inspected_on,
            earlier_inspection: data.last_inspection.clone(),
            certificate_due_on: None,
            inspection_failed: false,
            inspection_due_on: data.inspection_due_on,
            life_ends_on: data.life_ends_on,
            scrapped: false,
            seized: false,
            blacklisted: false,
            lost: false,
            custody: Custody {
                kind: CustodyKind::Owner,
                organization_id: data.owner_id,
                site_id: None,
                since: event.occurred_at,
            },
            custody_from: event.id,
            open_permit: None,
            last_fill: None,
            gas_g: 0,
            registered_at: event.recorded_at,
        }
    }

    /// Moves the state on by one event of this cylinder. The only place where a cylinder changes.
    pub fn apply(&mut self, event: &NewEvent) {
        let had_it = self.custody.organization_id;
        self.change(event);
        if self.custody.organization_id != had_it {
            self.custody_from = event.id;
        }
    }

    fn change(&mut self, event: &NewEvent) {
        match &event.data {
            EventData::Registered(_) | EventData::FillRefused(_) | EventData::HandoverRefused(_) => {}
            EventData::LabelBound(data) => {
                self.label = self.label.replaced(data.label_id.clone(), data.key_id);
                self.open_permit = None;
            }
            EventData::LabelRevoked(_) => {
                self.label.status = LabelStatus::Revoked;
                self.open_permit = None;
            }
            EventData::FillChecked(data) => self.apply_fill_checked(data),
            EventData::FillRecorded(data) => self.apply_fill(event, data),
            EventData::Reweighed(data) => {
                self.gas_g = data.net_g.max(0);
                if let Some(fill) = self.last_fill.as_mut().filter(|fill| fill.id == data.fill_id) {
                    fill.net_g = data.net_g;
                    fill.heaviest_g = fill.heaviest_g.max(data.net_g);
                    // What is weighed full again was not emptied for the next fill.
                    fill.emptied_since &= is_emptied(data.net_g, self.stamp.max_fill_g.get());
                    fill.status = data.status;
                    fill.held_for = held_for(&data.findings);
                }
            }
            EventData::Inspected(data) => self.apply_inspection(event, data),
            EventData::LifeExtended(data) => {
                self.life_ends_on = data.until;
                self.inspection_due_on = data.inspection_due_on;
            }
            EventData::Scrapped(_) => {
                self.move_to(CustodyKind::Agency, event);
                self.scrap();
            }
            EventData::HandedOver(_) => self.move_to(CustodyKind::Customer, event),
            EventData::Returned(data) if data.moves() => self.apply_returned(data),
            EventData::Returned(_) => {}
            EventData::Emptied(data) => self.apply_emptied(data.residual_g),
            EventData::Lost(_) => {
                self.lost = true;
                self.open_permit = None;
            }
            EventData::Recovered(_) => self.lost = false,
            EventData::OwnerChanged(data) => {
                self.owner_id = data.to;
                self.open_permit = None;
            }
            EventData::Seized(_) => {
                self.seized = true;
                self.open_permit = None;
                self.move_to(CustodyKind::Authority, event);
            }
            EventData::Blacklisted(_) => {
                self.blacklisted = true;
                self.open_permit = None;
            }
            EventData::Unblacklisted(_) => self.blacklisted = false,
        }
    }

    fn apply_fill_checked(&mut self, data: &FillChecked) {
        match data.stamp_answer {
            Some(CheckResult::Pass) => {
                self.label.challenged = false;
                self.label.wrong_answers = 0;
            }
            Some(CheckResult::Fail) => {
                self.label.challenged = true;
                self.label.wrong_answers = self.label.wrong_answers.saturating_add(1);
                if self.label.wrong_answers >= WRONG_ANSWERS_ALLOWED
                    && self.label.status == LabelStatus::Bound
                {
                    self.label.status = LabelStatus::Suspended;
                    self.open_permit = None;
                }
            }
            None => {}
        }
        match (data.decision, data.permit, data.operator_id) {
            (Decision::Allowed, Some(permit), Some(operator_id)) => {
                self.open_permit = Some(OpenPermit { permit, scale_id: data.scale_id, operator_id });
            }
            (Decision::Challenged, ..) => self.label.challenged = true,
            (Decision::Refused, ..) => self.void_permit_of(data),
            _ => {}
        }
    }

    /// Who was told no on the scale of the open permit may not go on with it. A stranger's refused check ends nobody's.
    fn void_permit_of(&mut self, refused: &FillChecked) {
        let same = |open: &OpenPermit| {
            open.scale_id == refused.scale_id && Some(open.operator_id) == refused.operator_id
        };
        self.open_permit = self.open_permit.filter(|open| !same(open));
    }

    fn apply_fill(&mut self, event: &NewEvent, data: &FillRecorded) {
        self.open_permit = None;
        self.gas_g = data.net_g.max(0);
        self.last_fill = Some(LastFill {
            id: event.id,
            // Not `finished_at`: a device whose clock is ahead must not make what comes next look old.
            at: event.occurred_at,
            recorded_at: event.recorded_at,
            organization_id: event.organization_id,
            site_id: event.site_id,
            net_g: data.net_g,
            status: data.status,
            moved_since: false,
            emptied_since: false,
            heaviest_g: data.net_g,
            held_for: held_for(&data.findings),
        });
        if let Some(site_id) = event.site_id {
            // Where it was filled is where it is; this is no custody event of its own.
            self.custody = Custody {
                kind: CustodyKind::Site,
                organization_id: event.organization_id,
                site_id: Some(site_id),
                since: event.occurred_at,
            };
        }
    }

    fn apply_inspection(&mut self, event: &NewEvent, data: &Inspected) {
        self.move_to(CustodyKind::Agency, event);
        self.gas_g = 0;
        if let Some(fill) = self.last_fill.as_mut() {
            fill.emptied_since = true;
        }
        self.inspection_due_on = data.inspection_due_on;
        match data.result {
            CheckResult::Pass => {
                self.inspected_on = Some(StampDate::Day(data.inspected_on.0));
                self.certificate_due_on = data.next_due_on;
                self.inspection_failed = false;
            }
            CheckResult::Fail => {
                self.inspection_failed = true;
                self.scrap();
            }
        }
    }

    fn apply_returned(&mut self, data: &Returned) {
        // From one's own hand into one's own hand is no way out and back: it says nothing of the gas, and lifts no rule.
        if !self.custody.is_of_others(data.custody.organization_id) {
            self.custody = data.custody;
            self.open_permit = None;
            return;
        }
        // Gas that nobody recorded doesn't count: a cylinder filled elsewhere and "returned full" is not filled. What is
        // held stays as full as it was weighed, until two people emptied it.
        if !self.is_held() {
            self.gas_g = self.gas_g.min(data.residual_g);
        }
        // Nobody knows what a customer did with it: whatever is still in it, it is emptied and filled before the next one gets it.
        if self.custody.kind == CustodyKind::Customer {
            self.gas_g = self.gas_g.min(self.stamp.max_fill_g.get() / 2);
        }
        self.moved(data.custody);
    }

    fn apply_emptied(&mut self, residual_g: i32) {
        self.gas_g = self.gas_g.min(residual_g);
        let limit_g = self.stamp.max_fill_g.get();
        if let Some(fill) = self.last_fill.as_mut() {
            // A breath of gas let out makes no cylinder ready for the next fill.
            fill.emptied_since |= is_emptied(residual_g, limit_g);
            // Taking gas out makes nothing heavier: a second weighing above that is still gas without a permit.
            fill.heaviest_g = fill.heaviest_g.min(residual_g);
            fill.held_for.retain(|rule| !ends_by_emptying(rule, residual_g, limit_g));
            if fill.held_for.is_empty() {
                fill.status = FillStatus::Released;
            }
        }
    }

    fn scrap(&mut self) {
        self.scrapped = true;
        self.open_permit = None;
        self.label.status = LabelStatus::Revoked;
    }

    fn move_to(&mut self, kind: CustodyKind, event: &NewEvent) {
        self.moved(Custody {
            kind,
            organization_id: event.organization_id,
            site_id: event.site_id,
            since: event.occurred_at,
        });
    }

    fn moved(&mut self, custody: Custody) {
        self.custody = custody;
        self.open_permit = None;
        if let Some(fill) = self.last_fill.as_mut() {
            fill.moved_since = true;
        }
    }
}
