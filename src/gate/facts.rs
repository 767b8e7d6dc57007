//! The facts that gates look at. Whoever gathers them leaves out what could not be found; rules refuse on that.

use crate::domain::cylinder::{Cylinder, OpenPermit};
use crate::domain::district::DistrictCode;
use crate::domain::event::{Permit, Postcheck, Precheck, ScanRecord};
use crate::domain::id::{OrganizationId, ScaleId, UserId};
use crate::domain::instant::Instant;
use crate::domain::registry::{License, Organization, Person, Scale, Site};

/// An organization with its licenses.
#[derive(Debug, Clone, Copy)]
pub struct OrganizationFacts<'a> {
    /// The organization.
    pub organization: &'a Organization,
    /// All of its licenses.
    pub licenses: &'a [License],
}

/// What the fill gate looks at.
#[derive(Debug, Clone)]
pub struct FillFacts<'a> {
    /// What was scanned and what it turned out to be.
    pub scan: &'a ScanRecord,
    /// The cylinder of the label, also of a revoked one.
    pub cylinder: Option<&'a Cylinder>,
    /// Its owner.
    pub owner: Option<OrganizationFacts<'a>>,
    /// The organization that wants to fill: the operator's, or the device's.
    pub filler: Option<OrganizationFacts<'a>>,
    /// Who wants to fill; none on a device without a shift.
    pub operator: Option<&'a Person>,
    /// The scale, where it is the filler's own. Another organization's scale is as good as unknown.
    pub scale: Option<&'a Scale>,
    /// The site of the scale.
    pub site: Option<&'a Site>,
    /// The permit that is open on the scale now (not expired, not used, not voided).
    pub scale_permit: Option<OpenPermit>,
    /// The permit that is open for the cylinder now (not expired, not used, not voided).
    pub cylinder_permit: Option<OpenPermit>,
    /// What the scale showed before the fill, in grams.
    pub scale_g: Option<i32>,
    /// The answer to a stamp challenge, as typed.
    pub stamp_digits: Option<&'a str>,
    /// The visual check.
    pub precheck: &'a Precheck,
    /// Whether the clock agrees with the newest recorded event. If not, no date can be judged.
    pub clock_trusted: bool,
}

/// What is known of the permit that a fill record names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PermitFacts {
    /// The permit as given.
    pub permit: Permit,
    /// On which scale.
    pub scale_id: ScaleId,
    /// To whom.
    pub operator_id: UserId,
    /// In which organization.
    pub organization_id: OrganizationId,
    /// Whether a fill was recorded on it already.
    pub used: bool,
    /// Whether it was voided: by a newer permit on its scale, or because the cylinder was seized, scrapped, moved …
    pub voided: bool,
}

/// What the rules after a fill look at: a fill record, or a second weighing.
#[derive(Debug, Clone)]
pub struct RecordFacts<'a> {
    /// The permit, where the event it names is one.
    pub permit: Option<PermitFacts>,
    /// Whether it is judged if the permit could be used: on a fill record, not on a second weighing.
    pub judge_permit: bool,
    /// The organization that filled.
    pub organization_id: OrganizationId,
    /// Who filled; none on a device without a shift.
    pub operator_id: Option<UserId>,
    /// The scale of the device that reports; none when a person does.
    pub device_scale_id: Option<ScaleId>,
    /// The cylinder of the permit.
    pub cylinder: Option<&'a Cylinder>,
    /// Weight of cylinder and gas, in grams.
    pub gross_g: i32,
    /// On a second weighing the most gas that was weighed in it since gas was last taken out, in grams.
    pub heaviest_g: Option<i32>,
    /// Whether an earlier second weighing found gas that no permit was given for, and none was taken out since.
    pub gas_was_added: bool,
    /// The rules before a fill that the permit rests on and that are broken now; on a second weighing only of a fill that is
    /// held for them.
    pub overtaken: &'a [&'static str],
    /// Gas in it before the fill by the scale reading of the check, in grams; 0 where none was taken.
    pub residual_g: i32,
    /// When the fill was recorded: now, or before a second weighing; none there, unless it is held for having come late.
    pub recorded_at: Option<Instant>,
    /// When the gas began to flow.
    pub started_at: Instant,
    /// When it stopped.
    pub finished_at: Instant,
    /// The check after filling.
    pub postcheck: Option<&'a Postcheck>,
}

impl RecordFacts<'_> {
    /// Gross less the stamped tare, in grams.
    pub fn net_g(&self) -> Option<i32> {
        self.cylinder.map(|c| self.gross_g.saturating_sub(c.stamp.tare_g.get()))
    }
}

/// What the handover gate looks at, as far as it needs no vehicle and no register of customers.
#[derive(Debug, Clone)]
pub struct HandoverFacts<'a> {
    /// What was scanned and what it turned out to be.
    pub scan: &'a ScanRecord,
    /// The cylinder of the label, also of a revoked one.
    pub cylinder: Option<&'a Cylinder>,
    /// The worker who hands over.
    pub worker: Option<&'a Person>,
    /// The worker's organization.
    pub seller: Option<OrganizationFacts<'a>>,
    /// The owner of the cylinder.
    pub owner: Option<OrganizationFacts<'a>>,
    /// Whether the seller has a supply agreement with the owner that is in force today.
    pub has_supply_agreement: bool,
    /// When it was scanned, as told by a device that was offline.
    pub captured_at: Option<Instant>,
    /// The district of the worker's site, or of the organization.
    pub district: Option<&'a DistrictCode>,
    /// Whether the clock agrees with the newest recorded event. If not, no date can be judged.
    pub clock_trusted: bool,
}
