//! `handover.worker-certificate`: who hands over works for the seller and is trained for it.

use super::HandoverRule;
use crate::domain::finding::{Evidence, Severity};
use crate::domain::instant::Moment;
use crate::domain::registry::CertificateKind;
use crate::domain::said::Words;
use crate::evidence;
use crate::gate::facts::HandoverFacts;
use crate::gate::law;
use crate::gate::policy::Policy;
use crate::gate::rule::{Rule, holding};

pub(super) const RULE: HandoverRule = HandoverRule {
    rule: Rule {
        id: "handover.worker-certificate",
        severity: Severity::Refuse,
        by_policy: false,
        alert: false,
        message: Words {
            zh: "送气人员须是本单位在岗人员，并持有今天有效的送气上岗证",
            en: "The worker must be an active employee of the seller with a gas delivery certificate in force today",
        },
        next_step: Words {
            zh: "停止交付，换本单位持证的送气人员来送",
            en: "Stop; let a certified worker of the company hand it over",
        },
        citations: &[law::CERTIFIED_DELIVERY, law::DELIVERY_STAFF],
    },
    check,
};

fn check(facts: &HandoverFacts<'_>, _: &Policy, now: Moment) -> Option<Evidence> {
    let reasons = facts.worker.map_or_else(
        || vec!["unknown"],
        |worker| {
            let seller_id = facts.seller.map(|seller| seller.organization.id);
            holding([
                ("inactive", !worker.active),
                ("other_employer", seller_id != Some(worker.organization_id)),
                ("no_certificate", !worker.is_certified(CertificateKind::GasDelivery, now)),
            ])
        },
    );
    (!reasons.is_empty()).then(|| evidence! { "reasons" => reasons, "today" => now.today })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::registry::LicenseStatus;
    use crate::gate::fixtures::{STRANGER, certificate, id, noon, validity};
    use crate::gate::handover::fixtures::Doorstep;

    fn expected(reasons: &[&str], today: &str) -> Option<Evidence> {
        (!reasons.is_empty()).then(|| evidence! { "reasons" => reasons, "today" => today })
    }

    #[test]
    fn known_active_and_of_the_seller() {
        type Change = fn(&mut Doorstep);
        let table: [(Change, &[&str]); 7] = [
            (|_| {}, &[]),
            (|d| d.worker = None, &["unknown"]),
            (|d| d.worker_mut().active = false, &["inactive"]),
            (|d| d.worker_mut().organization_id = id(STRANGER), &["other_employer"]),
            (|d| d.seller_mut().id = id(STRANGER), &["other_employer"]),
            (|d| d.seller = None, &["other_employer"]),
            (
                |d| {
                    d.worker_mut().active = false;
                    d.worker_mut().certificates.clear();
                },
                &["inactive", "no_certificate"],
            ),
        ];
        for (at, (change, reasons)) in table.into_iter().enumerate() {
            assert_eq!(Doorstep::with(change).check(&RULE), expected(reasons, "2026-06-15"), "row {at}");
        }
    }

    #[test]
    fn the_certificate_is_good_from_its_first_day_to_its_last() {
        for (today, reasons) in [
            ("2026-06-14", &["no_certificate"][..]),
            ("2026-06-15", &[]),
            ("2026-06-16", &[]),
            ("2026-06-17", &["no_certificate"]),
        ] {
            let doorstep = Doorstep::with(|d| {
                let mut only = certificate(CertificateKind::GasDelivery);
                only.validity = validity("2026-06-15", "2026-06-16");
                d.worker_mut().certificates = vec![only];
                d.now = noon(today);
            });
            assert_eq!(doorstep.check(&RULE), expected(reasons, today), "{today}");
        }
    }

    #[test]
    fn of_the_right_kind_and_in_force() {
        for (kind, status, good) in [
            (CertificateKind::GasDelivery, LicenseStatus::Valid, true),
            (CertificateKind::GasDelivery, LicenseStatus::Suspended, false),
            (CertificateKind::GasDelivery, LicenseStatus::Revoked, false),
            (CertificateKind::Filling, LicenseStatus::Valid, false),
            (CertificateKind::HazmatDriver, LicenseStatus::Valid, false),
        ] {
            let doorstep = Doorstep::with(|d| {
                let mut only = certificate(kind);
                only.status = status;
                d.worker_mut().certificates = vec![only];
            });
            assert_eq!(doorstep.check(&RULE).is_none(), good, "{kind} {status}");
        }
    }
}
