//! `fill.scale-busy`: a scale that waits for one operator’s fill gives no permit to another.

use super::FillRule;
use crate::domain::finding::{Evidence, Severity};
use crate::domain::instant::Moment;
use crate::domain::said::Words;
use crate::evidence;
use crate::gate::facts::FillFacts;
use crate::gate::law;
use crate::gate::policy::Policy;
use crate::gate::rule::Rule;

pub(super) const RULE: FillRule = FillRule {
    rule: Rule {
        id: "fill.scale-busy",
        severity: Severity::Refuse,
        by_policy: false,
        alert: false,
        message: Words {
            zh: "这台秤正等另一位充装工充装",
            en: "This scale is waiting for another operator’s fill",
        },
        next_step: Words {
            zh: "等对方充完，或换一台秤",
            en: "Wait until they have finished, or use another scale",
        },
        citations: &[law::PRE_FILL_CHECK, law::ONE_CYLINDER_ONE_CODE],
    },
    check,
};

fn check(facts: &FillFacts<'_>, _: &Policy, _: Moment) -> Option<Evidence> {
    let permit = facts.scale_permit?;
    let own = facts.operator.is_some_and(|operator| operator.id == permit.operator_id);
    (!own).then(|| evidence! { "permit_expires_at" => permit.permit.expires_at })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::fill::testing::{breaks, evidence_of};
    use crate::gate::fixtures::{OPERATOR, OTHER_OPERATOR, SCALE, World, open_permit};

    #[test]
    fn only_another_operators_permit_is_in_the_way() {
        for (holder, broken) in [(OPERATOR, false), (OTHER_OPERATOR, true)] {
            assert_eq!(
                breaks(&RULE, |w| w.scale_permit = Some(open_permit(SCALE, holder))),
                broken,
                "{holder}"
            );
        }
        assert!(!breaks(&RULE, |_| {}));
    }

    #[test]
    fn without_an_operator_every_permit_is_anothers() {
        assert!(breaks(&RULE, |w| {
            w.scale_permit = Some(open_permit(SCALE, OPERATOR));
            (w.operator, w.cylinder) = (None, None);
        }));
    }

    #[test]
    fn evidence_does_not_say_who() {
        let world = World::with(|w| w.scale_permit = Some(open_permit(SCALE, OTHER_OPERATOR)));
        assert_eq!(evidence_of(&RULE, &world).unwrap().keys().collect::<Vec<_>>(), ["permit_expires_at"]);
    }
}
