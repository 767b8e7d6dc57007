//! `fill.station-license`: the station needs a filling license 充装许可证 in force today, for this medium here.

use super::{FillRule, paper::Fault};
use crate::domain::finding::{Evidence, Severity};
use crate::domain::instant::Moment;
use crate::domain::registry::{License, LicenseKind, OrganizationStatus};
use crate::domain::said::Words;
use crate::evidence;
use crate::gate::facts::FillFacts;
use crate::gate::law;
use crate::gate::policy::Policy;
use crate::gate::rule::Rule;

pub(super) const RULE: FillRule = FillRule {
    rule: Rule {
        id: "fill.station-license",
        severity: Severity::Refuse,
        by_policy: false,
        alert: false,
        message: Words {
            zh: "本站今天没有可用的充装许可证（{reason}）",
            en: "No filling license in force here today ({reason})",
        },
        next_step: Words {
            zh: "停止充装，请站长核对许可证",
            en: "Stop filling; ask the station manager to check the license",
        },
        citations: &[law::LICENSE_TO_FILL, law::UNLICENSED_FILLING, law::CLOSE_UNLICENSED_FILLER],
    },
    check,
};

fn check(facts: &FillFacts<'_>, _: &Policy, now: Moment) -> Option<Evidence> {
    let fault = fault(facts, now)?;
    Some(evidence! { "reason" => fault, "today" => now.today })
}

/// What is wrong with the license that comes nearest to a good one; `None` where one is good.
fn fault(facts: &FillFacts<'_>, now: Moment) -> Option<Fault> {
    let Some(filler) = facts.filler else {
        return Some(Fault::Missing);
    };
    if filler.organization.status == OrganizationStatus::Suspended {
        return Some(Fault::Suspended);
    }
    let licenses = filler.licenses.iter().filter(|l| l.kind == LicenseKind::Filling);
    Fault::nearest(licenses.map(|license| license_fault(license, facts, now)))
}

fn license_fault(license: &License, facts: &FillFacts<'_>, now: Moment) -> Option<Fault> {
    let other_medium = || facts.scale.is_some_and(|scale| !license.media.contains(&scale.medium));
    let elsewhere = || facts.site.is_some_and(|site| !license.covers(&site.district_code));
    Fault::of(license.status, license.validity, now)
        .or_else(|| other_medium().then_some(Fault::Medium))
        .or_else(|| elsewhere().then_some(Fault::District))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::cylinder::Medium;
    use crate::domain::registry::LicenseStatus;
    use crate::gate::fill::testing::evidence_of;
    use crate::gate::fixtures::{FILLER, World, license, validity};

    fn reason_after(change: impl FnOnce(&mut World)) -> Option<String> {
        let evidence = evidence_of(&RULE, &World::with(change))?;
        evidence["reason"].as_str().map(str::to_owned)
    }

    fn with_license(change: impl FnOnce(&mut License)) -> Option<String> {
        reason_after(|w| {
            let mut only = license(LicenseKind::Filling, FILLER);
            change(&mut only);
            w.filler_licenses = vec![only];
        })
    }

    #[test]
    fn it_is_in_force_on_its_first_and_on_its_last_day() {
        for (from, to, reason) in [
            ("2026-06-15", "2026-06-15", None),
            ("2026-06-16", "2026-12-31", Some("not_yet_valid")),
            ("2026-06-14", "2026-06-16", None),
            ("2026-01-01", "2026-06-14", Some("expired")),
            ("2024-02-29", "2028-02-29", None),
        ] {
            assert_eq!(with_license(|l| l.validity = validity(from, to)).as_deref(), reason, "{from} {to}");
        }
    }

    #[test]
    fn its_status_its_media_and_its_districts_count() {
        assert_eq!(with_license(|_| {}), None);
        assert_eq!(with_license(|l| l.status = LicenseStatus::Suspended).as_deref(), Some("suspended"));
        assert_eq!(with_license(|l| l.status = LicenseStatus::Revoked).as_deref(), Some("revoked"));
        assert_eq!(with_license(|l| l.media = vec![Medium::Dme]).as_deref(), Some("medium"));
        assert_eq!(with_license(|l| l.media = vec![]).as_deref(), Some("medium"));
        assert_eq!(with_license(|l| l.media = vec![Medium::Dme, Medium::Lpg]), None);
        assert_eq!(
            with_license(|l| l.districts = vec!["3205".parse().unwrap()]).as_deref(),
            Some("district")
        );
        assert_eq!(
            with_license(|l| l.districts = vec!["320602001".parse().unwrap()]).as_deref(),
            Some("district")
        );
        assert_eq!(with_license(|l| l.districts = vec![]), None, "no districts means no limit");
        assert_eq!(with_license(|l| l.kind = LicenseKind::GasBusiness).as_deref(), Some("none"));
    }

    #[test]
    fn one_good_license_is_enough_and_the_nearest_names_the_reason() {
        let expired = || License {
            validity: validity("2025-01-01", "2025-12-31"),
            ..license(LicenseKind::Filling, FILLER)
        };
        let revoked = || License { status: LicenseStatus::Revoked, ..license(LicenseKind::Filling, FILLER) };
        assert_eq!(reason_after(|w| w.filler_licenses.extend([expired(), revoked()])), None);
        assert_eq!(
            reason_after(|w| w.filler_licenses = vec![revoked(), expired()]).as_deref(),
            Some("expired")
        );
        assert_eq!(reason_after(|w| w.filler_licenses = vec![]).as_deref(), Some("none"));
    }

    #[test]
    fn a_suspended_or_unknown_organization_has_no_license() {
        assert_eq!(
            reason_after(|w| w.filler_mut().status = OrganizationStatus::Suspended).as_deref(),
            Some("suspended")
        );
        assert_eq!(reason_after(|w| w.filler = None).as_deref(), Some("none"));
        assert_eq!(reason_after(|w| (w.filler, w.cylinder) = (None, None)).as_deref(), Some("none"));
    }
}
