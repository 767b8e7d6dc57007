//! `fill.operator-certificate`: who fills works for the station and has a filling certificate in force today.

use super::{FillRule, paper::Fault};
use crate::domain::finding::{Evidence, Severity};
use crate::domain::instant::Moment;
use crate::domain::registry::CertificateKind;
use crate::domain::said::Words;
use crate::evidence;
use crate::gate::facts::FillFacts;
use crate::gate::law;
use crate::gate::policy::Policy;
use crate::gate::rule::Rule;

pub(super) const RULE: FillRule = FillRule {
    rule: Rule {
        id: "fill.operator-certificate",
        severity: Severity::Refuse,
        by_policy: false,
        alert: false,
        message: Words {
            zh: "充装工今天不能上岗（{reason}）",
            en: "The operator may not fill today ({reason})",
        },
        next_step: Words {
            zh: "换持有效充装证的本单位人员登录",
            en: "Let a colleague with a valid filling certificate sign in",
        },
        citations: &[law::QUALIFIED_PEOPLE, law::UNQUALIFIED_PEOPLE, law::CERTIFIED_OPERATORS],
    },
    check,
};

fn check(facts: &FillFacts<'_>, _: &Policy, now: Moment) -> Option<Evidence> {
    let reason = reason(facts, now)?;
    Some(evidence! { "reason" => reason, "today" => now.today })
}

fn reason(facts: &FillFacts<'_>, now: Moment) -> Option<&'static str> {
    let Some(operator) = facts.operator else {
        return Some("no_operator");
    };
    if !operator.active {
        return Some("inactive");
    }
    if facts.filler.is_some_and(|filler| filler.organization.id != operator.organization_id) {
        return Some("other_organization");
    }
    let certificates = operator.certificates.iter().filter(|c| c.kind == CertificateKind::Filling);
    Fault::nearest(certificates.map(|c| Fault::of(c.status, c.validity, now))).map(Fault::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::registry::{Certificate, LicenseStatus};
    use crate::gate::fill::testing::evidence_of;
    use crate::gate::fixtures::{STRANGER, World, certificate, id, validity};

    fn reason_after(change: impl FnOnce(&mut World)) -> Option<String> {
        let evidence = evidence_of(&RULE, &World::with(change))?;
        evidence["reason"].as_str().map(str::to_owned)
    }

    fn with_certificates(certificates: Vec<Certificate>) -> Option<String> {
        reason_after(|w| w.operator_mut().certificates = certificates)
    }

    #[test]
    fn the_certificate_is_good_on_its_first_and_on_its_last_day() {
        for (from, to, reason) in [
            ("2026-06-15", "2026-06-15", None),
            ("2026-06-16", "2026-12-31", Some("not_yet_valid")),
            ("2026-01-01", "2026-06-14", Some("expired")),
            ("2026-01-01", "2026-06-16", None),
        ] {
            let only = Certificate { validity: validity(from, to), ..certificate(CertificateKind::Filling) };
            assert_eq!(with_certificates(vec![only]).as_deref(), reason, "{from} {to}");
        }
    }

    #[test]
    fn kind_and_status_count() {
        let filling = |status| Certificate { status, ..certificate(CertificateKind::Filling) };
        assert_eq!(with_certificates(vec![]).as_deref(), Some("none"));
        assert_eq!(
            with_certificates(vec![certificate(CertificateKind::GasDelivery)]).as_deref(),
            Some("none")
        );
        assert_eq!(with_certificates(vec![filling(LicenseStatus::Suspended)]).as_deref(), Some("suspended"));
        assert_eq!(with_certificates(vec![filling(LicenseStatus::Revoked)]).as_deref(), Some("revoked"));
        assert_eq!(
            with_certificates(vec![filling(LicenseStatus::Revoked), filling(LicenseStatus::Valid)]),
            None
        );
    }

    #[test]
    fn an_active_person_of_the_filling_organization() {
        assert_eq!(reason_after(|_| {}), None);
        assert_eq!(reason_after(|w| w.operator = None).as_deref(), Some("no_operator"));
        assert_eq!(reason_after(|w| (w.operator, w.cylinder) = (None, None)).as_deref(), Some("no_operator"));
        assert_eq!(reason_after(|w| w.operator_mut().active = false).as_deref(), Some("inactive"));
        let stranger = reason_after(|w| w.operator_mut().organization_id = id(STRANGER));
        assert_eq!(stranger.as_deref(), Some("other_organization"));
        assert_eq!(reason_after(|w| w.operator_mut().roles.clear()), None, "roles are judged elsewhere");
    }

    #[test]
    fn evidence_names_no_person() {
        let evidence = evidence_of(&RULE, &World::with(|w| w.operator_mut().active = false)).unwrap();
        assert_eq!(evidence.keys().collect::<Vec<_>>(), ["reason", "today"]);
    }
}
