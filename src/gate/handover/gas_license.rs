//! `handover.gas-license`: the seller may sell gas here today.

use super::HandoverRule;
use crate::domain::finding::{Evidence, Severity};
use crate::domain::instant::Moment;
use crate::domain::registry::{LicenseKind, OrganizationStatus};
use crate::domain::said::Words;
use crate::evidence;
use crate::gate::facts::HandoverFacts;
use crate::gate::law;
use crate::gate::policy::Policy;
use crate::gate::rule::{Rule, holding};

pub(super) const RULE: HandoverRule = HandoverRule {
    rule: Rule {
        id: "handover.gas-license",
        severity: Severity::Refuse,
        by_policy: false,
        alert: false,
        message: Words {
            zh: "本单位今天在 {district} 没有有效的燃气经营许可，或已被暂停、关停",
            en: "The company has no gas business license in force for {district} today, or it is suspended or closed",
        },
        next_step: Words {
            zh: "停止供气，请企业负责人核对燃气经营许可证",
            en: "Stop; have the company check its gas business license",
        },
        citations: &[law::LICENSE_TO_SELL, law::WITHIN_THE_LICENSE],
    },
    check,
};

fn check(facts: &HandoverFacts<'_>, _: &Policy, now: Moment) -> Option<Evidence> {
    let status = facts.seller.map(|seller| seller.organization.status);
    let reasons = holding([
        ("seller_unknown", status.is_none()),
        ("organization_suspended", status == Some(OrganizationStatus::Suspended)),
        ("organization_closed", status == Some(OrganizationStatus::Closed)),
        ("district_unknown", facts.district.is_none()),
        ("no_license", !is_licensed(facts, now)),
    ]);
    (!reasons.is_empty()).then(|| {
        evidence! {
            "reasons" => reasons,
            "district" => facts.district,
            "today" => now.today,
        }
    })
}

/// Whether one license is of the kind, in force and for the district; what is not known is not licensed.
fn is_licensed(facts: &HandoverFacts<'_>, now: Moment) -> bool {
    facts.seller.zip(facts.district).is_some_and(|(seller, district)| {
        seller.licenses.iter().any(|license| {
            license.kind == LicenseKind::GasBusiness && license.in_force(now) && license.covers(district)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::registry::LicenseStatus;
    use crate::gate::fixtures::{FILLER, license, noon, validity};
    use crate::gate::handover::fixtures::Doorstep;

    fn expected(reasons: &[&str], district: Option<&str>, today: &str) -> Option<Evidence> {
        (!reasons.is_empty())
            .then(|| evidence! { "reasons" => reasons, "district" => district, "today" => today })
    }

    #[test]
    fn the_seller_must_be_known_and_active_and_the_place_known() {
        type Change = fn(&mut Doorstep);
        let table: [(Change, &[&str], Option<&str>); 6] = [
            (|_| {}, &[], Some("320602")),
            (|d| d.seller = None, &["seller_unknown", "no_license"], Some("320602")),
            (
                |d| d.seller_mut().status = OrganizationStatus::Suspended,
                &["organization_suspended"],
                Some("320602"),
            ),
            (
                |d| d.seller_mut().status = OrganizationStatus::Closed,
                &["organization_closed"],
                Some("320602"),
            ),
            (|d| d.district = None, &["district_unknown", "no_license"], None),
            (|d| d.seller_licenses.clear(), &["no_license"], Some("320602")),
        ];
        for (at, (change, reasons, district)) in table.into_iter().enumerate() {
            assert_eq!(
                Doorstep::with(change).check(&RULE),
                expected(reasons, district, "2026-06-15"),
                "row {at}"
            );
        }
    }

    #[test]
    fn the_license_is_good_from_its_first_day_to_its_last() {
        for (today, good) in
            [("2026-06-14", false), ("2026-06-15", true), ("2026-06-16", true), ("2026-06-17", false)]
        {
            let doorstep = Doorstep::with(|d| {
                let mut only = license(LicenseKind::GasBusiness, FILLER);
                only.validity = validity("2026-06-15", "2026-06-16");
                d.seller_licenses = vec![only];
                d.now = noon(today);
            });
            let reasons: &[&str] = if good { &[] } else { &["no_license"] };
            assert_eq!(doorstep.check(&RULE), expected(reasons, Some("320602"), today), "{today}");
        }
    }

    #[test]
    fn of_the_right_kind_in_force_and_for_the_district() {
        use LicenseKind::{Business, Filling, GasBusiness};
        use LicenseStatus::{Revoked, Suspended, Valid};
        for (kind, status, scope, good) in [
            (GasBusiness, Valid, Some("3206"), true),
            (GasBusiness, Valid, Some("320602"), true),
            (GasBusiness, Valid, None, true),
            (GasBusiness, Valid, Some("320601"), false),
            (GasBusiness, Valid, Some("3301"), false),
            (GasBusiness, Suspended, Some("3206"), false),
            (GasBusiness, Revoked, Some("3206"), false),
            (Filling, Valid, Some("3206"), false),
            (Business, Valid, None, false),
        ] {
            let doorstep = Doorstep::with(|d| {
                let mut only = license(kind, FILLER);
                only.status = status;
                only.districts = scope.map(|scope| scope.parse().unwrap()).into_iter().collect();
                d.seller_licenses = vec![only];
            });
            assert_eq!(doorstep.check(&RULE).is_none(), good, "{kind} {status} {scope:?}");
        }
    }

    #[test]
    fn no_license_is_pieced_together_from_two() {
        let doorstep = Doorstep::with(|d| {
            let mut elsewhere = license(LicenseKind::GasBusiness, FILLER);
            elsewhere.districts = vec!["3301".parse().unwrap()];
            let mut over = license(LicenseKind::GasBusiness, FILLER);
            over.validity = validity("2025-01-01", "2025-12-31");
            d.seller_licenses = vec![elsewhere, over];
        });
        assert!(doorstep.check(&RULE).is_some());
    }
}
