//! `fill.scale-invalid`: the scale must be known, stand where the operator works, and be calibrated.

use super::FillRule;
use crate::domain::finding::{Evidence, Severity};
use crate::domain::instant::Moment;
use crate::domain::registry::Scale;
use crate::domain::said::Words;
use crate::evidence;
use crate::gate::facts::FillFacts;
use crate::gate::law;
use crate::gate::policy::Policy;
use crate::gate::rule::Rule;

pub(super) const RULE: FillRule = FillRule {
    rule: Rule {
        id: "fill.scale-invalid",
        severity: Severity::Refuse,
        by_policy: false,
        alert: false,
        message: Words { zh: "这台秤不能用（{reason}）", en: "This scale cannot be used ({reason})" },
        next_step: Words {
            zh: "换一台本站检定有效的秤",
            en: "Use another scale of this station with a valid calibration",
        },
        citations: &[law::CALIBRATION, law::CALIBRATION_WATCH],
    },
    check,
};

fn check(facts: &FillFacts<'_>, _: &Policy, now: Moment) -> Option<Evidence> {
    let Some(scale) = facts.scale.filter(|scale| is_here(scale, facts)) else {
        return Some(evidence! { "reason" => "unknown" });
    };
    let last_day = scale.calibration_valid_to;
    (now.today > last_day).then(|| {
        evidence! {
            "reason" => "calibration_expired",
            "calibration_valid_to" => last_day,
            "today" => now.today,
        }
    })
}

/// Whether the scale is at a known site of the filler, and at the operator's where the operator has one. Whoever
/// asks for a scale of others is told the same as for one that does not exist.
fn is_here(scale: &Scale, facts: &FillFacts<'_>) -> bool {
    let at_site = facts.site.is_some_and(|site| site.id == scale.site_id);
    let own = facts.filler.is_none_or(|filler| filler.organization.id == scale.organization_id);
    let operators_site = facts.operator.and_then(|operator| operator.site_id);
    at_site && own && operators_site.is_none_or(|id| id == scale.site_id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::fill::testing::{breaks, evidence_of};
    use crate::gate::fixtures::{OTHER_SITE, STRANGER, World, day, id, noon, site};

    #[test]
    fn calibration_holds_on_its_last_day() {
        for (valid_to, broken) in [("2026-06-14", true), ("2026-06-15", false), ("2026-06-16", false)] {
            let world = World::with(|w| w.scale_mut().calibration_valid_to = day(valid_to));
            let got = evidence_of(&RULE, &world);
            assert_eq!(got.is_some(), broken, "{valid_to}");
            assert!(got.is_none_or(
                |e| e["reason"] == "calibration_expired" && e["calibration_valid_to"] == valid_to
            ));
        }
        for (today, broken) in [("2028-02-29", false), ("2028-03-01", true)] {
            let got = breaks(&RULE, |w| {
                w.scale_mut().calibration_valid_to = day("2028-02-29");
                w.now = noon(today);
            });
            assert_eq!(got, broken, "{today}");
        }
    }

    #[test]
    fn unknown_foreign_and_elsewhere_look_the_same() {
        let changes: [fn(&mut World); 6] = [
            |w| w.scale = None,
            |w| w.site = None,
            |w| w.site = Some(site(OTHER_SITE)),
            |w| w.scale_mut().organization_id = id(STRANGER),
            |w| w.operator_mut().site_id = Some(id(OTHER_SITE)),
            |w| (w.scale, w.cylinder) = (None, None),
        ];
        for change in changes {
            let world = World::with(|w| {
                w.scale_mut().calibration_valid_to = day("2020-01-01");
                change(w);
            });
            assert_eq!(evidence_of(&RULE, &world).unwrap(), evidence! { "reason" => "unknown" });
        }
    }

    #[test]
    fn an_operator_without_a_site_works_at_all_of_them() {
        assert!(!breaks(&RULE, |w| w.operator_mut().site_id = None));
        assert!(!breaks(&RULE, |w| w.operator = None), "a missing operator is another rule's");
    }
}
