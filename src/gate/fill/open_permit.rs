//! `fill.open-permit`: a cylinder stands on one scale at a time: a second one is a copied or carried code.

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
        id: "fill.open-permit",
        severity: Severity::Refuse,
        by_policy: false,
        alert: true,
        message: Words {
            zh: "此码正在另一台秤或由另一人充装",
            en: "This code is being filled on another scale or by another operator",
        },
        next_step: Words {
            zh: "不充，核对标签和瓶上钢印",
            en: "Do not fill; compare the label with the stamp on the steel",
        },
        citations: &[law::CODE_AND_STAMP],
    },
    check,
};

fn check(facts: &FillFacts<'_>, _: &Policy, _: Moment) -> Option<Evidence> {
    let permit = facts.cylinder.and(facts.cylinder_permit)?;
    let other_scale = facts.scale.is_some_and(|scale| scale.id != permit.scale_id);
    let other_operator = facts.operator.is_some_and(|operator| operator.id != permit.operator_id);
    (other_scale || other_operator).then(|| {
        evidence! { "other_scale" => other_scale, "other_operator" => other_operator }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::fill::testing::breaks;
    use crate::gate::fixtures::{OPERATOR, OTHER_OPERATOR, OTHER_SCALE, SCALE, open_permit};

    #[test]
    fn the_same_operator_may_ask_again_on_the_same_scale() {
        for (scale, operator, broken) in [
            (SCALE, OPERATOR, false),
            (OTHER_SCALE, OPERATOR, true),
            (SCALE, OTHER_OPERATOR, true),
            (OTHER_SCALE, OTHER_OPERATOR, true),
        ] {
            let got = breaks(&RULE, |w| w.cylinder_permit = Some(open_permit(scale, operator)));
            assert_eq!(got, broken, "{scale} {operator}");
        }
        assert!(!breaks(&RULE, |_| {}));
    }

    #[test]
    fn a_missing_scale_or_operator_is_no_sign_of_cheating() {
        assert!(!breaks(&RULE, |w| {
            w.cylinder_permit = Some(open_permit(SCALE, OPERATOR));
            (w.scale, w.operator) = (None, None);
        }));
        assert!(!breaks(&RULE, |w| {
            w.cylinder_permit = Some(open_permit(OTHER_SCALE, OPERATOR));
            w.cylinder = None;
        }));
    }
}
