//! The gate held against an oracle that was written from the rule book, without looking at the rules.

use proptest::prelude::*;

use super::findings;
use super::fixtures::Doorstep;
use crate::domain::cylinder::CustodyKind;
use crate::domain::event::{CodeStatus, FillStatus};
use crate::domain::registry::{CertificateKind, LicenseKind, LicenseStatus, OrganizationStatus};
use crate::gate::fixtures::{
    FILLER, SITE, STRANGER, assert_readable, custody, id, instant, noon, organization, scan,
};
use crate::gate::policy::Policy;

/// What can be wrong at a doorstep: the change, and nothing of how the rules look at it.
const WRONG: &[fn(&mut Doorstep)] = &[
    |d| d.scan = scan(CodeStatus::Unknown),
    |d| d.scan = scan(CodeStatus::Forged),
    |d| d.scan = scan(CodeStatus::Revoked),
    |d| d.scan = scan(CodeStatus::Suspended),
    |d| d.cylinder = None,
    |d| d.worker = None,
    |d| d.seller = None,
    |d| d.district = None,
    |d| d.clock_trusted = false,
    |d| on_cylinder(d, |c| c.scrapped = true),
    |d| on_cylinder(d, |c| c.seized = true),
    |d| on_cylinder(d, |c| c.blacklisted = true),
    |d| on_cylinder(d, |c| c.lost = true),
    |d| on_cylinder(d, |c| c.inspection_failed = true),
    |d| on_cylinder(d, |c| c.last_fill = None),
    |d| on_cylinder(d, |c| c.gas_g = 7_450),
    |d| on_cylinder(d, |c| c.custody = custody(CustodyKind::Customer, FILLER, None)),
    |d| {
        on_cylinder(d, |c| {
            if let Some(fill) = c.last_fill.as_mut() {
                fill.status = FillStatus::Held;
            }
        });
    },
    |d| {
        if let Some(worker) = d.worker.as_mut() {
            worker.active = false;
        }
    },
    |d| {
        if let Some(worker) = d.worker.as_mut() {
            worker.organization_id = id(STRANGER);
        }
    },
    |d| {
        if let Some(worker) = d.worker.as_mut() {
            worker.certificates.retain(|c| c.kind != CertificateKind::GasDelivery);
        }
    },
    |d| {
        if let Some(seller) = d.seller.as_mut() {
            seller.status = OrganizationStatus::Closed;
        }
    },
    |d| {
        if let Some(seller) = d.seller.as_mut() {
            seller.status = OrganizationStatus::Suspended;
        }
    },
    |d| {
        if let Some(owner) = d.owner.as_mut() {
            owner.status = OrganizationStatus::Closed;
        }
    },
    |d| d.owner = None,
    |d| d.captured_at = Some(instant("2026-06-14T07:59:59Z")),
    |d| on_cylinder(d, |c| c.custody = custody(CustodyKind::Site, 0xffff, None)),
    |d| d.seller_licenses.retain(|l| l.kind != LicenseKind::GasBusiness),
    |d| d.seller_licenses.iter_mut().for_each(|l| l.status = LicenseStatus::Suspended),
    |d| d.seller_licenses.iter_mut().for_each(|l| l.districts = vec!["3301".parse().unwrap()]),
];

/// What can differ and is fine.
const FINE: &[fn(&mut Doorstep)] = &[
    |_| {},
    |d| d.has_supply_agreement = true,
    |d| on_cylinder(d, |c| c.gas_g = 7_451),
    |d| on_cylinder(d, |c| c.custody = custody(CustodyKind::Site, FILLER, Some(SITE))),
    |d| d.seller_licenses.iter_mut().for_each(|l| l.districts.clear()),
    |d| {
        d.has_supply_agreement = true;
        owned_by_stranger(d);
    },
    |d| d.captured_at = Some(instant("2026-06-14T08:00:00Z")),
];

/// Days on which everything of the good world is in force, and days on which something is not.
const DAYS: &[(&str, bool)] = &[
    ("2026-01-01", true),
    ("2026-06-15", true),
    ("2026-12-31", true),
    ("2025-12-31", false),
    ("2027-01-01", false),
    ("2028-06-01", false),
    ("2032-06-01", false),
];

fn on_cylinder(doorstep: &mut Doorstep, change: impl FnOnce(&mut crate::domain::cylinder::Cylinder)) {
    if let Some(cylinder) = doorstep.cylinder.as_mut() {
        change(cylinder);
    }
}

fn owned_by_stranger(doorstep: &mut Doorstep) {
    on_cylinder(doorstep, |c| c.owner_id = id(STRANGER));
    doorstep.owner = Some(organization(STRANGER));
}

fn is_accepted(doorstep: &Doorstep) -> bool {
    let findings = findings(&doorstep.facts(), &Policy::default(), doorstep.now);
    findings.iter().for_each(assert_readable);
    findings.is_empty()
}

#[test]
fn each_wrong_thing_refuses_by_itself() {
    for (at, wrong) in WRONG.iter().enumerate() {
        assert!(!is_accepted(&Doorstep::with(wrong)), "wrong {at}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn accepted_is_what_nothing_speaks_against(
        wrong in prop::collection::vec(0..WRONG.len(), 0..4),
        fine in 0..FINE.len(),
        day in 0..DAYS.len(),
        owned_by_another in prop::bool::weighted(0.1),
    ) {
        let mut doorstep = Doorstep::with(FINE[fine]);
        let (today, in_force) = DAYS[day];
        doorstep.now = noon(today);
        if owned_by_another {
            owned_by_stranger(&mut doorstep);
        }
        for at in &wrong {
            WRONG[*at](&mut doorstep);
        }
        let not_ours = owned_by_another && !doorstep.has_supply_agreement;
        let nothing_against = wrong.is_empty() && in_force && !not_ours;
        prop_assert_eq!(is_accepted(&doorstep), nothing_against);
    }
}
