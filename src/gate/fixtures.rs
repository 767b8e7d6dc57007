//! A good world for the tests of the rules: everything is in order, and a test breaks one thing.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use chrono_tz::Asia::Shanghai;
use serde_json::Value;
use uuid::Uuid;

use super::facts::{FillFacts, OrganizationFacts};
use super::policy::Policy;
use super::rule::{self, Rule};
use super::terms;
use crate::domain::actor::Role;
use crate::domain::cylinder::{
    BoundLabel, Custody, CustodyKind, Cylinder, Insurance, LabelStatus, LastFill, Manufacturer, Medium,
    OpenPermit, Phase, Shroud, Stamp,
};
use crate::domain::date::{Day, StampDate, Validity};
use crate::domain::event::{CheckResult, CodeStatus, FillStatus, Permit, Precheck, ScanRecord};
use crate::domain::finding::{Evidence, Finding};
use crate::domain::id::Id;
use crate::domain::instant::{Instant, Moment};
use crate::domain::label_code::Entry;
use crate::domain::policy::PolicyEntry;
use crate::domain::registry::{
    Certificate, CertificateKind, License, LicenseKind, LicenseStatus, Organization, OrganizationKind,
    OrganizationStatus, Person, Scale, Site, SiteKind,
};

/// Organization that owns the cylinder and fills it in the good world.
pub const FILLER: u128 = 0x10;
/// Some other organization.
pub const STRANGER: u128 = 0x11;
/// The site of the scale.
pub const SITE: u128 = 0x20;
/// Another site of the same organization.
pub const OTHER_SITE: u128 = 0x21;
/// The scale.
pub const SCALE: u128 = 0x30;
/// Another scale of the same site.
pub const OTHER_SCALE: u128 = 0x31;
/// The operator.
pub const OPERATOR: u128 = 0x40;
/// Another operator.
pub const OTHER_OPERATOR: u128 = 0x41;
/// The cylinder.
pub const CYLINDER: u128 = 0x50;

/// Everything the gates look at, owned, so that a test can change one thing.
#[derive(Debug, Clone)]
pub struct World {
    pub scan: ScanRecord,
    pub cylinder: Option<Cylinder>,
    pub owner: Option<Organization>,
    pub owner_licenses: Vec<License>,
    pub filler: Option<Organization>,
    pub filler_licenses: Vec<License>,
    pub operator: Option<Person>,
    pub scale: Option<Scale>,
    pub site: Option<Site>,
    pub scale_permit: Option<OpenPermit>,
    pub cylinder_permit: Option<OpenPermit>,
    pub scale_g: Option<i32>,
    pub stamp_digits: Option<String>,
    pub precheck: Precheck,
    pub clock_trusted: bool,
    pub now: Moment,
}

impl World {
    /// Everything in order: 2026-06-15 10:00 in Shanghai, 16.5 kg tare, 14.9 kg maximum, 100 g left in it.
    pub fn good() -> Self {
        Self {
            scan: scan(CodeStatus::Bound),
            cylinder: Some(cylinder()),
            owner: Some(organization(FILLER)),
            owner_licenses: licenses(FILLER),
            filler: Some(organization(FILLER)),
            filler_licenses: licenses(FILLER),
            operator: Some(operator()),
            scale: Some(scale()),
            site: Some(site(SITE)),
            scale_permit: None,
            cylinder_permit: None,
            scale_g: Some(16_600),
            stamp_digits: None,
            precheck: precheck(),
            clock_trusted: true,
            now: moment("2026-06-15T02:00:00Z"),
        }
    }

    /// The good world after one change.
    pub fn with(change: impl FnOnce(&mut Self)) -> Self {
        let mut world = Self::good();
        change(&mut world);
        world
    }

    /// The cylinder, to be changed.
    pub fn cylinder_mut(&mut self) -> &mut Cylinder {
        self.cylinder.as_mut().unwrap()
    }

    /// The operator, to be changed.
    pub fn operator_mut(&mut self) -> &mut Person {
        self.operator.as_mut().unwrap()
    }

    /// The owner, to be changed.
    pub fn owner_mut(&mut self) -> &mut Organization {
        self.owner.as_mut().unwrap()
    }

    /// The filling organization, to be changed.
    pub fn filler_mut(&mut self) -> &mut Organization {
        self.filler.as_mut().unwrap()
    }

    /// The scale, to be changed.
    pub fn scale_mut(&mut self) -> &mut Scale {
        self.scale.as_mut().unwrap()
    }

    /// What the fill gate is shown of this world.
    pub fn fill_facts(&self) -> FillFacts<'_> {
        FillFacts {
            scan: &self.scan,
            cylinder: self.cylinder.as_ref(),
            owner: organization_facts(self.owner.as_ref(), &self.owner_licenses),
            filler: organization_facts(self.filler.as_ref(), &self.filler_licenses),
            operator: self.operator.as_ref(),
            scale: self.scale.as_ref(),
            site: self.site.as_ref(),
            scale_permit: self.scale_permit,
            cylinder_permit: self.cylinder_permit,
            scale_g: self.scale_g,
            stamp_digits: self.stamp_digits.as_deref(),
            precheck: &self.precheck,
            clock_trusted: self.clock_trusted,
        }
    }
}

/// An organization, where there is one, with its licenses.
pub fn organization_facts<'a>(
    organization: Option<&'a Organization>,
    licenses: &'a [License],
) -> Option<OrganizationFacts<'a>> {
    organization.map(|organization| OrganizationFacts { organization, licenses })
}

/// An id by number.
pub fn id<K>(number: u128) -> Id<K> {
    Id::from_uuid(Uuid::from_u128(0x019a_0000_0000_7000_8000_0000_0000_0000 + number))
}

/// A day, `2026-06-15`.
pub fn day(text: &str) -> NaiveDate {
    text.parse::<Day>().unwrap().0
}

/// A stamped date, `2020-05` or `2020-05-17`.
pub fn stamp_date(text: &str) -> StampDate {
    text.parse().unwrap()
}

/// An instant, `2026-06-15T02:00:00Z`.
pub fn instant(text: &str) -> Instant {
    text.parse().unwrap()
}

/// A moment in Asia/Shanghai, `2026-06-15T02:00:00Z`.
pub fn moment(text: &str) -> Moment {
    Moment::new(instant(text), Shanghai)
}

/// Noon in Asia/Shanghai of a day, `2026-06-15`.
pub fn noon(text: &str) -> Moment {
    moment(&format!("{text}T04:00:00Z"))
}

/// A period of whole days.
pub fn validity(from: &str, to: &str) -> Validity {
    Validity { valid_from: Day(day(from)), valid_to: Day(day(to)) }
}

/// A scan of the good label, whatever it turned out to be.
pub fn scan(status: CodeStatus) -> ScanRecord {
    ScanRecord {
        entry: Entry::Scanned,
        status,
        label_id: Some("7K3M9PQ2".parse().unwrap()),
        text: None,
        foreign_host: None,
    }
}

/// A visual check that found nothing.
pub fn precheck() -> Precheck {
    let pass = Some(CheckResult::Pass);
    Precheck {
        body: pass,
        valve: pass,
        shroud: pass,
        foot_ring: pass,
        markings: pass,
        color: pass,
        residual_pressure: pass,
    }
}

/// What a good cylinder's steel says: YSP35.5, made in 2024-05, for 8 years.
pub fn stamp() -> Stamp {
    Stamp {
        manufacturer: Manufacturer { code: "SH1".parse_text(), name: None, license_no: None },
        serial_no: "SH2405-0012A7".parse_text(),
        model: "YSP35.5".parse_text(),
        medium: Medium::Lpg,
        phase: Phase::Gas,
        water_capacity_ml: int(35_500),
        max_fill_g: int(14_900),
        tare_g: int(16_500),
        working_pressure_kpa: int(2_100),
        test_pressure_kpa: int(3_200),
        wall_thickness_um: Some(int(2_500)),
        manufactured_on: stamp_date("2024-05"),
        design_life_months: Some(int(96)),
        shroud: Shroud::Welded,
        filler_mark: true,
        refurbished: false,
        purchased_on: Some(Day(day("2024-06-10"))),
    }
}

/// A good cylinder: empty, at the site, due on 2028-05-31, at the end of its life on 2032-05-31.
pub fn cylinder() -> Cylinder {
    Cylinder {
        id: id(CYLINDER),
        owner_id: id(FILLER),
        registration_code: Some("320600100123".parse_text()),
        stamp: stamp(),
        insurance: Some(Insurance {
            policy_no: "PICC-2026-1".parse_text(),
            insurer: "PICC".parse_text(),
            valid_from: Day(day("2026-01-01")),
            valid_to: Day(day("2026-12-31")),
        }),
        label: BoundLabel {
            id: "7K3M9PQ2".parse().unwrap(),
            key_id: '0',
            status: LabelStatus::Bound,
            wrong_answers: 0,
            challenged: false,
        },
        inspected_on: None,
        earlier_inspection: None,
        certificate_due_on: None,
        inspection_failed: false,
        inspection_due_on: Day(day("2028-05-31")),
        life_ends_on: Day(day("2032-05-31")),
        scrapped: false,
        seized: false,
        blacklisted: false,
        lost: false,
        custody: custody(CustodyKind::Site, FILLER, Some(SITE)),
        custody_from: id(0x51),
        open_permit: None,
        last_fill: None,
        gas_g: 0,
        registered_at: instant("2024-06-20T02:00:00Z"),
    }
}

/// A custody since 2026-06-14.
pub fn custody(kind: CustodyKind, organization: u128, site: Option<u128>) -> Custody {
    Custody {
        kind,
        organization_id: id(organization),
        site_id: site.map(id),
        since: instant("2026-06-14T02:00:00Z"),
    }
}

/// A full fill at an instant, released, with nothing since.
pub fn last_fill(at: &str) -> LastFill {
    LastFill {
        id: id(0x70),
        at: instant(at),
        recorded_at: instant(at),
        organization_id: id(FILLER),
        site_id: Some(id(SITE)),
        net_g: 14_500,
        status: FillStatus::Released,
        moved_since: false,
        emptied_since: false,
        heaviest_g: 14_500,
        held_for: Vec::new(),
    }
}

/// An open permit on a scale for an operator, until 2026-06-15T02:05:00Z.
pub fn open_permit(scale: u128, operator: u128) -> OpenPermit {
    OpenPermit {
        permit: Permit { id: id(0x60), expires_at: instant("2026-06-15T02:05:00Z"), max_fill_g: 14_900 },
        scale_id: id(scale),
        operator_id: id(operator),
    }
}

/// An active filler and distributor in 320602.
pub fn organization(number: u128) -> Organization {
    Organization {
        id: id(number),
        name: "Nantong Gas".parse_text(),
        kinds: vec![OrganizationKind::Filler, OrganizationKind::Distributor],
        authority: None,
        district_code: "320602".parse().unwrap(),
        status: OrganizationStatus::Active,
    }
}

/// A license that is in force through 2026, for LPG, in 3206.
pub fn license(kind: LicenseKind, organization: u128) -> License {
    License {
        id: id(0x80),
        organization_id: id(organization),
        kind,
        number: "TS4232A01-2026".parse_text(),
        validity: validity("2026-01-01", "2026-12-31"),
        status: LicenseStatus::Valid,
        media: vec![Medium::Lpg],
        districts: vec!["3206".parse().unwrap()],
    }
}

/// The licenses of a good filler.
pub fn licenses(organization: u128) -> Vec<License> {
    vec![license(LicenseKind::Filling, organization), license(LicenseKind::GasBusiness, organization)]
}

/// A filling station in 320602.
pub fn site(number: u128) -> Site {
    Site {
        id: id(number),
        organization_id: id(FILLER),
        kind: SiteKind::FillingStation,
        name: "Station 1".parse_text(),
        district_code: "320602".parse().unwrap(),
    }
}

/// A scale for LPG at the site, calibrated until the end of 2026.
pub fn scale() -> Scale {
    Scale {
        id: id(SCALE),
        site_id: id(SITE),
        organization_id: id(FILLER),
        medium: Medium::Lpg,
        calibration_valid_to: day("2026-12-31"),
    }
}

/// An operator of the filler at the site, with a certificate of every kind.
pub fn operator() -> Person {
    use CertificateKind::{Filling, GasDelivery, HazmatDriver, HazmatEscort, Inspection, SafetyManagement};
    Person {
        id: id(OPERATOR),
        organization_id: id(FILLER),
        site_id: Some(id(SITE)),
        roles: vec![Role::FillOperator, Role::DeliveryWorker],
        active: true,
        certificates: [Filling, GasDelivery, HazmatDriver, HazmatEscort, Inspection, SafetyManagement]
            .map(certificate)
            .to_vec(),
    }
}

/// A certificate that is in force through 2026.
pub fn certificate(kind: CertificateKind) -> Certificate {
    Certificate {
        id: id(0x90),
        kind,
        number: "P-0001".parse_text(),
        validity: validity("2026-01-01", "2026-12-31"),
        status: LicenseStatus::Valid,
    }
}

/// A bounded integer.
pub fn int<const MIN: i32, const MAX: i32>(value: i64) -> crate::domain::value::Int<MIN, MAX> {
    crate::domain::value::Int::new(value).unwrap()
}

/// Bounded text from a literal.
pub trait ParseText {
    /// The text within its bounds.
    fn parse_text<const MIN: usize, const MAX: usize>(&self) -> crate::domain::value::Text<MIN, MAX>;
}

impl ParseText for str {
    fn parse_text<const MIN: usize, const MAX: usize>(&self) -> crate::domain::value::Text<MIN, MAX> {
        crate::domain::value::Text::new(self).unwrap()
    }
}

/// A policy in force everywhere with these values.
pub fn policy(values: &[(&str, Value)]) -> Policy {
    let entry = |(sequence, (name, value)): (i64, &(&str, Value))| PolicyEntry {
        name: (*name).to_owned(),
        district: None,
        effective_on: day("2020-01-01"),
        value: value.clone(),
        sequence,
    };
    let entries: Vec<_> = (0..).zip(values).map(entry).collect();
    Policy::resolve(&entries, &"320602".parse().unwrap(), day("2026-06-15"))
}

/// The `{names}` of a text.
pub fn names(text: &str) -> BTreeSet<&str> {
    text.split('{').skip(1).filter_map(|rest| rest.split('}').next()).collect()
}

/// Asserts that people can read a finding.
pub fn assert_readable(finding: &Finding) {
    told(rule::find(&finding.rule).unwrap(), Some(finding.evidence.clone()));
}

/// What a rule found, which people must be able to read: it has whatever the message shows, and every stable word among
/// that has a term.
pub fn told(rule: &Rule, found: Option<Evidence>) -> Option<Evidence> {
    found.inspect(|evidence| assert_told(rule, evidence))
}

fn assert_told(rule: &Rule, evidence: &Evidence) {
    for name in names(rule.message.zh).union(&names(rule.message.en)) {
        let value = evidence.get(*name).unwrap_or_else(|| panic!("{}: no {name}", rule.id));
        let shown = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        assert!(
            !shown.iter().any(|v| v.is_boolean() || v.is_object() || v.is_array()),
            "{}: {value}",
            rule.id
        );
        for word in shown.iter().filter_map(Value::as_str).filter(|text| is_stable_word(text)) {
            assert!(terms::find(name, word).is_some(), "{}: no term for {name} {word}", rule.id);
        }
    }
}

/// Whether a text is a word such as `not_yet_valid`; ids, days and names of organizations are not.
fn is_stable_word(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}
