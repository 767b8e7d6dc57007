//! `fill.scale-reading-missing`: the scale is read first, so that weight can say whether the code fits the cylinder.

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
        id: "fill.scale-reading-missing",
        severity: Severity::Refuse,
        by_policy: true,
        alert: false,
        message: Words { zh: "没有充装前的称重", en: "No weight was taken before the fill" },
        next_step: Words {
            zh: "把瓶放到秤上，读数稳定后重扫",
            en: "Put the cylinder on the scale, wait for a steady reading and scan again",
        },
        citations: &[law::PRE_FILL_CHECK, law::CODE_AND_STAMP],
    },
    check,
};

fn check(facts: &FillFacts<'_>, _: &Policy, _: Moment) -> Option<Evidence> {
    (facts.cylinder.is_some() && facts.scale_g.is_none()).then(|| evidence! { "reading_g" => facts.scale_g })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::fill::testing::breaks;

    #[test]
    fn any_reading_is_a_reading() {
        for (reading, broken) in [(None, true), (Some(0), false), (Some(16_600), false)] {
            assert_eq!(breaks(&RULE, |w| w.scale_g = reading), broken, "{reading:?}");
        }
        assert!(!breaks(&RULE, |w| (w.scale_g, w.cylinder) = (None, None)));
    }
}
