//! `fill.not-registered`: a cylinder without a registration code 使用登记代码 is not filled.

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
        id: "fill.not-registered",
        severity: Severity::Refuse,
        by_policy: false,
        alert: false,
        message: Words { zh: "此瓶没有使用登记", en: "This cylinder has no use registration" },
        next_step: Words {
            zh: "不充，先办使用登记",
            en: "Do not fill; register it with the authority first",
        },
        citations: &[law::REGISTRATION, law::FILLER_REGISTERS],
    },
    check,
};

fn check(facts: &FillFacts<'_>, _: &Policy, _: Moment) -> Option<Evidence> {
    let code = facts.cylinder?.registration_code.as_ref();
    code.is_none().then(|| evidence! { "registration_code" => code })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::fill::testing::breaks;

    #[test]
    fn a_registration_code_is_needed() {
        assert!(!breaks(&RULE, |_| {}));
        assert!(breaks(&RULE, |w| w.cylinder_mut().registration_code = None));
        assert!(!breaks(&RULE, |w| w.cylinder = None));
    }
}
