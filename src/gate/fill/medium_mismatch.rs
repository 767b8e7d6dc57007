//! `fill.medium-mismatch`: a cylinder gets what its stamp says and nothing else.

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
        id: "fill.medium-mismatch",
        severity: Severity::Refuse,
        by_policy: false,
        alert: false,
        message: Words {
            zh: "介质不符：瓶上是{stamp_medium}，秤上是{scale_medium}",
            en: "Wrong medium: the stamp says {stamp_medium}, the scale fills {scale_medium}",
        },
        next_step: Words { zh: "换到对应介质的秤", en: "Take it to a scale for its medium" },
        citations: &[law::PRE_FILL_CHECK, law::NO_DME],
    },
    check,
};

fn check(facts: &FillFacts<'_>, _: &Policy, _: Moment) -> Option<Evidence> {
    let (stamped, filled) = (facts.cylinder?.stamp.medium, facts.scale?.medium);
    (stamped != filled).then(|| evidence! { "stamp_medium" => stamped, "scale_medium" => filled })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::cylinder::Medium;
    use crate::gate::fill::testing::breaks;

    #[test]
    fn stamp_and_scale_agree() {
        use Medium::{Dme, Lpg};
        for (stamped, filled, broken) in
            [(Lpg, Lpg, false), (Dme, Dme, false), (Lpg, Dme, true), (Dme, Lpg, true)]
        {
            let got = breaks(&RULE, |w| {
                w.cylinder_mut().stamp.medium = stamped;
                w.scale_mut().medium = filled;
            });
            assert_eq!(got, broken, "{stamped} {filled}");
        }
        assert!(!breaks(&RULE, |w| w.cylinder = None));
        assert!(!breaks(&RULE, |w| w.scale = None), "a missing scale is another rule's");
    }
}
