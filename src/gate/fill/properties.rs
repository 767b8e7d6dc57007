//! Whatever is broken, alone or with other things, never gets gas. What must be refused is written down here a second
//! time, plainly and without a look at the rules.

use chrono::{Datelike, Days, NaiveDate, TimeDelta};
use proptest::prelude::*;
use proptest::sample::Index;

use super::{decide, findings};
use crate::domain::cylinder::{CustodyKind, LabelStatus, LastFill, Medium, Phase, Shroud};
use crate::domain::date::{Day, Validity};
use crate::domain::event::{CheckResult, CodeStatus, Decision, FillStatus, Precheck};
use crate::domain::id::of::User;
use crate::domain::label_code::Entry;
use crate::domain::registry::{CertificateKind, License, LicenseKind, LicenseStatus, OrganizationStatus};
use crate::gate::fixtures::{
    FILLER, OPERATOR, OTHER_OPERATOR, OTHER_SCALE, OTHER_SITE, SCALE, SITE, STRANGER, World, assert_readable,
    custody, id, last_fill, license, open_permit, policy, stamp_date,
};
use crate::gate::policy::Policy;

/// Asks for the stamp in one of twenty checks.
const RATE_PPM: u32 = 50_000;

/// Reads everything that a policy may soften as a warning.
fn lenient() -> Policy {
    let warn = |rule| (rule, "warn".into());
    policy(
        &["severity.fill.dual-phase", "severity.fill.no-filler-mark", "severity.fill.scale-reading-missing"]
            .map(warn),
    )
}

/// Changes one fact of a world; the number picks how, good values among them.
type Change = fn(&mut World, u16);

fn of<T: Clone>(choices: &[T], pick: u16) -> T {
    choices[usize::from(pick) % choices.len()].clone()
}

/// A day around today: often today itself or a day beside it.
fn near(world: &World, pick: u16) -> NaiveDate {
    let offsets = [0, -1, 1, 29, 30, 31, -30, 400, -400, 4_000];
    world.now.today + TimeDelta::days(of(&offsets, pick))
}

fn cylinder(world: &mut World, change: impl FnOnce(&mut crate::domain::cylinder::Cylinder)) {
    if let Some(cylinder) = world.cylinder.as_mut() {
        change(cylinder);
    }
}

/// Filled once: now, at the edge of the cycle, or long ago.
fn filled(world: &mut World, pick: u16) {
    let at = world.now.at.plus_seconds(-of(&[0, 43_199, 43_200, 43_201, 9_000_000, -5], pick));
    let (moved_since, emptied_since) =
        (of(&[false, false, true], pick / 6), of(&[false, false, true], pick / 18));
    let gas_g = of(&[14_500, 7_450, 7_451, 0], pick / 54);
    let status = of(&[FillStatus::Released, FillStatus::Released, FillStatus::Held], pick / 216);
    cylinder(world, |c| {
        c.gas_g = gas_g;
        c.last_fill = Some(LastFill {
            recorded_at: at,
            status,
            moved_since,
            emptied_since,
            ..last_fill("2026-01-01T00:00:00Z")
        });
    });
}

const BOOLS: [bool; 2] = [true, false];
const STATUSES: [OrganizationStatus; 3] =
    [OrganizationStatus::Active, OrganizationStatus::Suspended, OrganizationStatus::Closed];
const PAPERS: [LicenseStatus; 3] = [LicenseStatus::Valid, LicenseStatus::Suspended, LicenseStatus::Revoked];

const CYLINDER_CHANGES: &[Change] = &[
    |w, _| w.cylinder = None,
    |w, p| cylinder(w, |c| c.scrapped = of(&BOOLS, p)),
    |w, p| cylinder(w, |c| c.seized = of(&BOOLS, p)),
    |w, p| cylinder(w, |c| c.blacklisted = of(&BOOLS, p)),
    |w, p| cylinder(w, |c| c.lost = of(&BOOLS, p)),
    |w, _| cylinder(w, |c| c.registration_code = None),
    |w, p| cylinder(w, |c| c.inspection_failed = of(&BOOLS, p)),
    |w, p| {
        let day = near(w, p);
        cylinder(w, |c| c.inspection_due_on = Day(day));
    },
    |w, p| {
        let day = near(w, p);
        cylinder(w, |c| c.life_ends_on = Day(day));
    },
    |w, p| cylinder(w, |c| c.stamp.phase = of(&[Phase::Gas, Phase::Liquid, Phase::Dual], p)),
    |w, p| cylinder(w, |c| c.stamp.shroud = of(&[Shroud::Welded, Shroud::Threaded, Shroud::None], p)),
    |w, p| cylinder(w, |c| c.stamp.refurbished = of(&BOOLS, p)),
    |w, p| cylinder(w, |c| c.stamp.filler_mark = of(&BOOLS, p)),
    |w, p| {
        let days = ["2021-05-31", "2021-06-01", "2025-01-01"].map(|text| text.parse().ok());
        cylinder(w, |c| c.stamp.purchased_on = of(&[days[0], days[1], days[2], None], p));
    },
    |w, p| {
        cylinder(w, |c| c.stamp.manufactured_on = stamp_date(of(&["2021-05", "2021-06", "2020-02-29"], p)))
    },
    |w, p| cylinder(w, |c| c.stamp.medium = of(&[Medium::Lpg, Medium::Dme], p)),
    |w, p| cylinder(w, |c| c.owner_id = id(of(&[FILLER, STRANGER], p))),
    |w, p| cylinder(w, |c| c.label.challenged = of(&BOOLS, p)),
    |w, p| {
        let statuses = [LabelStatus::Bound, LabelStatus::Suspended, LabelStatus::Revoked];
        cylinder(w, |c| c.label.status = of(&statuses, p));
    },
    |w, p| cylinder(w, |c| c.label.id = of(&["7K3M9PQ2", "AAAAAAAA"], p).parse().unwrap()),
    |w, _| cylinder(w, |c| c.insurance = None),
    |w, p| {
        let kinds = [CustodyKind::Owner, CustodyKind::Site, CustodyKind::Customer, CustodyKind::Agency];
        cylinder(w, |c| {
            c.custody = custody(of(&kinds, p), FILLER, of(&[None, Some(SITE), Some(OTHER_SITE)], p))
        });
    },
    filled,
];

const OTHER_CHANGES: &[Change] = &[
    |w, p| {
        let days = p % 700;
        w.now.at = w.now.at.plus_seconds(i64::from(days) * 86_400);
        w.now.today = w.now.today + Days::new(u64::from(days));
    },
    |w, p| {
        let statuses = [
            CodeStatus::Bound,
            CodeStatus::Unknown,
            CodeStatus::Forged,
            CodeStatus::Revoked,
            CodeStatus::Suspended,
        ];
        w.scan.status = of(&statuses, p);
    },
    |w, _| w.scan.entry = Entry::Typed,
    |w, _| w.owner = None,
    |w, p| w.owner.iter_mut().for_each(|o| o.status = of(&STATUSES, p)),
    |w, p| w.owner.iter_mut().for_each(|o| o.id = id(of(&[FILLER, STRANGER], p))),
    |w, p| w.owner_licenses.iter_mut().for_each(|l| l.status = of(&PAPERS, p)),
    |w, _| w.owner_licenses.clear(),
    |w, _| w.filler = None,
    |w, p| w.filler.iter_mut().for_each(|o| o.status = of(&STATUSES, p)),
    |w, p| w.filler.iter_mut().for_each(|o| o.id = id(of(&[FILLER, STRANGER], p))),
    |w, _| w.filler_licenses.clear(),
    |w, p| w.filler_licenses.iter_mut().for_each(|l| l.status = of(&PAPERS, p)),
    |w, p| {
        let validity = Validity { valid_from: Day(near(w, p)), valid_to: Day(near(w, p / 10)) };
        w.filler_licenses.iter_mut().for_each(|l| l.validity = validity);
    },
    |w, p| {
        let second =
            License { media: of(&[vec![Medium::Dme], vec![]], p), ..license(LicenseKind::Filling, FILLER) };
        w.filler_licenses.push(second);
    },
    |w, p| {
        w.filler_licenses.iter_mut().for_each(|l| l.media = of(&[vec![Medium::Dme], vec![Medium::Lpg]], p))
    },
    |w, p| {
        let scope = of(&["32", "3206", "320602", "320603", "320602001", "11"], p);
        w.filler_licenses.iter_mut().for_each(|l| l.districts = vec![scope.parse().unwrap()]);
    },
    |w, _| w.operator = None,
    |w, p| w.operator.iter_mut().for_each(|o| o.active = of(&BOOLS, p)),
    |w, p| w.operator.iter_mut().for_each(|o| o.organization_id = id(of(&[FILLER, STRANGER], p))),
    |w, p| {
        w.operator.iter_mut().for_each(|o| o.site_id = of(&[None, Some(SITE), Some(OTHER_SITE)], p).map(id))
    },
    |w, p| w.operator.iter_mut().for_each(|o| o.id = id(of(&[OPERATOR, OTHER_OPERATOR], p))),
    |w, p| {
        let (status, from, to) = (of(&PAPERS, p), near(w, p / 3), near(w, p / 30));
        for certificate in w.operator.iter_mut().flat_map(|o| &mut o.certificates) {
            certificate.status = status;
            certificate.validity = Validity { valid_from: Day(from), valid_to: Day(to) };
        }
    },
    |w, _| w.operator.iter_mut().for_each(|o| o.certificates.retain(|c| c.kind != CertificateKind::Filling)),
    |w, _| w.scale = None,
    |w, p| w.scale.iter_mut().for_each(|s| s.medium = of(&[Medium::Lpg, Medium::Dme], p)),
    |w, p| w.scale.iter_mut().for_each(|s| s.organization_id = id(of(&[FILLER, STRANGER], p))),
    |w, p| {
        let day = near(w, p);
        w.scale.iter_mut().for_each(|s| s.calibration_valid_to = day);
    },
    |w, _| w.site = None,
    |w, p| w.site.iter_mut().for_each(|s| s.id = id(of(&[SITE, OTHER_SITE], p))),
    |w, p| {
        w.site
            .iter_mut()
            .for_each(|s| s.district_code = of(&["320602", "320603", "110101"], p).parse().unwrap())
    },
    |w, p| w.scale_permit = Some(open_permit(SCALE, of(&[OPERATOR, OTHER_OPERATOR], p))),
    |w, p| {
        let (scale, operator) = (of(&[SCALE, OTHER_SCALE], p), of(&[OPERATOR, OTHER_OPERATOR], p / 2));
        w.cylinder_permit = Some(open_permit(scale, operator));
    },
    |w, p| {
        w.scale_g =
            of(&[None, Some(16_100), Some(16_099), Some(23_950), Some(23_951), Some(0), Some(i32::MAX)], p)
    },
    |w, p| {
        w.stamp_digits =
            of(&[None, Some("12a7"), Some("１２Ａ７"), Some("0000"), Some(" ")], p).map(str::to_owned)
    },
    |w, p| w.precheck.valve = of(&[Some(CheckResult::Pass), Some(CheckResult::Fail), None], p),
    |w, p| w.precheck = of(&[Precheck::default(), w.precheck], p),
    |w, p| w.clock_trusted = of(&BOOLS, p),
];

fn worlds() -> impl Strategy<Value = World> {
    prop::collection::vec((any::<Index>(), any::<u16>()), 0..7).prop_map(|picks| {
        let changes: Vec<Change> = CYLINDER_CHANGES.iter().chain(OTHER_CHANGES).copied().collect();
        World::with(|world| {
            for (which, how) in picks {
                (which.get(&changes))(world, how);
            }
        })
    })
}

fn good_paper(status: LicenseStatus, validity: Validity, today: NaiveDate) -> bool {
    status == LicenseStatus::Valid && validity.valid_from.0 <= today && today <= validity.valid_to.0
}

/// Whether code, state, dates and stamp of the cylinder are good.
fn cylinder_is_fit(w: &World, lenient: bool) -> bool {
    let Some(c) = &w.cylinder else { return false };
    let today = w.now.today;
    let bought = c.stamp.purchased_on.map_or(c.stamp.manufactured_on.first_day(), |day| day.0);
    let must_be_marked = (bought.year(), bought.month()) >= (2021, 6);
    w.clock_trusted
        && w.scan.status == CodeStatus::Bound
        && w.scan.label_id.as_ref() == Some(&c.label.id)
        && c.label.status == LabelStatus::Bound
        && !(c.scrapped || c.seized || c.blacklisted || c.lost)
        && c.registration_code.is_some()
        && !c.inspection_failed
        && today <= c.inspection_due_on.0
        && today <= c.life_ends_on.0
        && (lenient || c.stamp.phase != Phase::Dual)
        && c.stamp.shroud != Shroud::Threaded
        && !c.stamp.refurbished
        && (lenient || c.stamp.filler_mark || !must_be_marked)
        && w.precheck.items().iter().all(|(_, result)| *result == Some(CheckResult::Pass))
}

/// Whether owner, station, person and scale are good.
fn station_is_fit(w: &World) -> bool {
    let (Some(c), Some(owner), Some(filler)) = (&w.cylinder, &w.owner, &w.filler) else {
        return false;
    };
    let (Some(operator), Some(scale), Some(site)) = (&w.operator, &w.scale, &w.site) else {
        return false;
    };
    let today = w.now.today;
    let filling = |l: &&License| l.kind == LicenseKind::Filling;
    let owners: Vec<_> = w.owner_licenses.iter().filter(filling).collect();
    owner.id == c.owner_id
        && owner.id == filler.id
        && owner.status != OrganizationStatus::Closed
        && (owners.is_empty() || owners.iter().any(|l| l.status != LicenseStatus::Revoked))
        && filler.status == OrganizationStatus::Active
        && w.filler_licenses.iter().filter(filling).any(|l| {
            let here = |scope: &str| site.district_code.as_str().starts_with(scope);
            good_paper(l.status, l.validity, today)
                && l.media.contains(&scale.medium)
                && (l.districts.is_empty() || l.districts.iter().any(|d| here(d.as_str())))
        })
        && operator.active
        && operator.organization_id == filler.id
        && operator.certificates.iter().any(|certificate| {
            certificate.kind == CertificateKind::Filling
                && good_paper(certificate.status, certificate.validity, today)
        })
        && scale.organization_id == filler.id
        && scale.site_id == site.id
        && operator.site_id.is_none_or(|own| own == site.id)
        && today <= scale.calibration_valid_to
        && scale.medium == c.stamp.medium
        && w.scale_permit.is_none_or(|permit| permit.operator_id == operator.id)
        && w.cylinder_permit.is_none_or(|p| p.operator_id == operator.id && p.scale_id == scale.id)
}

/// Whether weight, stamp and history say that the code belongs to the cylinder, and that it is empty.
fn code_is_on_the_cylinder(w: &World, lenient: bool) -> bool {
    let Some(c) = &w.cylinder else { return false };
    // 16.5 kg less 400 g; 16.5 kg and half of 14.9 kg.
    let weight_is_right = w.scale_g.map_or(lenient, |reading| (16_100..=23_950).contains(&reading));
    let stamp_is_right = w.stamp_digits.as_deref() != Some("0000");
    let history_is_right = c.last_fill.as_ref().is_none_or(|fill| {
        let twelve_hours = 12 * 3_600 * 1_000_000;
        let long_ago = w.now.at.micros() - fill.recorded_at.micros() >= twelve_hours;
        let empty = w.scale_g.is_some() || c.gas_g <= 7_450;
        let released = fill.status == FillStatus::Released || fill.emptied_since;
        let with_customer = c.custody.kind == CustodyKind::Customer;
        let was_out = fill.moved_since && (long_ago || !with_customer);
        released && (was_out || fill.emptied_since || (long_ago && empty))
    });
    weight_is_right && stamp_is_right && history_is_right
}

fn expected(w: &World, lenient: bool, roll_ppm: u32) -> Decision {
    let fit = cylinder_is_fit(w, lenient) && station_is_fit(w) && code_is_on_the_cylinder(w, lenient);
    let answered = matches!(w.stamp_digits.as_deref(), Some("12a7" | "１２Ａ７"));
    let asked = w.scan.entry == Entry::Typed
        || roll_ppm < RATE_PPM
        || w.cylinder.as_ref().is_some_and(|c| c.label.challenged);
    match (fit, answered, asked) {
        (false, ..) => Decision::Refused,
        (true, false, true) => Decision::Challenged,
        _ => Decision::Allowed,
    }
}

fn decided(world: &World, policy: &Policy, roll_ppm: u32) -> Decision {
    let facts = world.fill_facts();
    decide(&findings(&facts, policy, world.now), &facts, policy, roll_ppm)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn nothing_broken_gets_gas_and_everything_in_order_does(world in worlds(), roll_ppm in 0u32..1_000_000) {
        prop_assert_eq!(decided(&world, &Policy::default(), roll_ppm), expected(&world, false, roll_ppm));
    }

    #[test]
    fn a_lenient_policy_softens_only_what_it_may(
        mut world in worlds(),
        history in any::<Option<u16>>(),
        weighed in any::<bool>(),
        roll_ppm in 0u32..1_000_000,
    ) {
        if let Some(pick) = history {
            filled(&mut world, pick);
        }
        world.scale_g = world.scale_g.filter(|_| weighed);
        prop_assert_eq!(decided(&world, &lenient(), roll_ppm), expected(&world, true, roll_ppm));
    }

    #[test]
    fn one_broken_fact_is_enough(
        which in any::<Index>(),
        how in any::<u16>(),
        roll_ppm in RATE_PPM..1_000_000,
    ) {
        let changes: Vec<Change> = CYLINDER_CHANGES.iter().chain(OTHER_CHANGES).copied().collect();
        let world = World::with(|w| (which.get(&changes))(w, how));
        prop_assert_eq!(decided(&world, &Policy::default(), roll_ppm), expected(&world, false, roll_ppm));
    }

    #[test]
    fn a_good_world_is_allowed_unless_the_roll_asks_for_the_stamp(roll_ppm in 0u32..1_000_000) {
        let decision = if roll_ppm < RATE_PPM { Decision::Challenged } else { Decision::Allowed };
        prop_assert_eq!(decided(&World::good(), &Policy::default(), roll_ppm), decision);
    }

    #[test]
    fn evidence_fills_the_message_and_tells_neither_the_person_nor_the_stamp(world in worlds()) {
        for finding in findings(&world.fill_facts(), &Policy::default(), world.now) {
            assert_readable(&finding);
            let told = serde_json::to_string(&finding.evidence).unwrap();
            let people = [OPERATOR, OTHER_OPERATOR].map(|number| id::<User>(number).to_string());
            for secret in people.iter().map(String::as_str).chain(["12A7"]) {
                prop_assert!(!told.contains(secret), "{}: {told}", finding.rule);
            }
        }
    }
}
