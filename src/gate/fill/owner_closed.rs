//! `fill.owner-closed`: cylinders of a closed owner, or of one whose licenses were revoked, are frozen.

use super::FillRule;
use crate::domain::cylinder::Cylinder;
use crate::domain::finding::{Evidence, Severity};
use crate::domain::instant::Moment;
use crate::domain::registry::frozen;
use crate::domain::said::Words;
use crate::evidence;
use crate::gate::facts::{FillFacts, OrganizationFacts};
use crate::gate::law;
use crate::gate::policy::Policy;
use crate::gate::rule::Rule;

pub(super) const RULE: FillRule = FillRule {
    rule: Rule {
        id: "fill.owner-closed",
        severity: Severity::Refuse,
        by_policy: false,
        alert: false,
        message: Words {
            zh: "产权单位已关停、吊销或查不到（{reason}）",
            en: "The owner is closed, revoked or not on record ({reason})",
        },
        next_step: Words {
            zh: "不充，隔离此瓶，报告市场监管部门",
            en: "Do not fill; set it aside and report it to the market regulator",
        },
        citations: &[law::CLOSE_UNLICENSED, law::FILL_GATE],
    },
    check,
};

fn check(facts: &FillFacts<'_>, _: &Policy, now: Moment) -> Option<Evidence> {
    closed(facts.cylinder?, facts.owner, now)
}

/// What freezes the cylinders of an owner, for this gate and for handovers.
pub(in crate::gate) fn closed(
    cylinder: &Cylinder,
    owner: Option<OrganizationFacts<'_>>,
    now: Moment,
) -> Option<Evidence> {
    let owner = owner.filter(|owner| owner.organization.id == cylinder.owner_id);
    let reason = owner.map_or(Some("unknown"), |owner| frozen(owner.organization, owner.licenses, now))?;
    Some(evidence! { "owner_id" => cylinder.owner_id, "reason" => reason })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::registry::{License, LicenseKind, LicenseStatus, OrganizationStatus};
    use crate::gate::fill::testing::evidence_of;
    use crate::gate::fixtures::{FILLER, STRANGER, World, id, license};

    fn reason_after(change: impl FnOnce(&mut World)) -> Option<String> {
        let evidence = evidence_of(&RULE, &World::with(change))?;
        evidence["reason"].as_str().map(str::to_owned)
    }

    #[test]
    fn closed_for_good_freezes_suspended_does_not() {
        for (status, reason) in [
            (OrganizationStatus::Active, None),
            (OrganizationStatus::Suspended, None),
            (OrganizationStatus::Closed, Some("closed")),
        ] {
            assert_eq!(reason_after(|w| w.owner_mut().status = status).as_deref(), reason, "{status}");
        }
    }

    #[test]
    fn a_revoked_license_freezes_unless_another_is_in_force() {
        use LicenseStatus::{Revoked, Suspended, Valid};
        for (statuses, reason) in [
            (vec![], None),
            (vec![Valid], None),
            (vec![Suspended], None),
            (vec![Revoked], Some("revoked")),
            (vec![Revoked, Valid], None),
            (vec![Revoked, Suspended], Some("revoked")),
            (vec![Suspended, Revoked], Some("revoked")),
            (vec![Revoked, Revoked], Some("revoked")),
        ] {
            let got = reason_after(|w| {
                w.owner_licenses = statuses
                    .iter()
                    .map(|status| License { status: *status, ..license(LicenseKind::Filling, FILLER) })
                    .chain([license(LicenseKind::Business, FILLER)])
                    .collect();
            });
            assert_eq!(got.as_deref(), reason, "{statuses:?}");
        }
    }

    #[test]
    fn a_license_that_ran_out_long_ago_keeps_no_owner_from_being_frozen() {
        let licenses = |day: &str| {
            let mut old = license(LicenseKind::Filling, FILLER);
            old.validity.valid_to = crate::domain::date::Day(day.parse().unwrap());
            let revoked = License { status: LicenseStatus::Revoked, ..license(LicenseKind::Filling, FILLER) };
            vec![old, revoked]
        };
        assert_eq!(reason_after(|w| w.owner_licenses = licenses("2025-01-01")).as_deref(), Some("revoked"));
        assert_eq!(reason_after(|w| w.owner_licenses = licenses("2099-01-01")), None);
    }

    #[test]
    fn an_owner_that_cannot_be_found_refuses() {
        assert_eq!(reason_after(|w| w.owner = None).as_deref(), Some("unknown"));
        assert_eq!(
            reason_after(|w| w.owner_mut().id = id(STRANGER)).as_deref(),
            Some("unknown"),
            "another one's facts"
        );
        assert_eq!(reason_after(|w| (w.owner, w.cylinder) = (None, None)), None);
    }
}
