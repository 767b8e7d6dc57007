//! `fill.code-forged`: the code has the right shape and a tag that we did not make.

use super::FillRule;
use crate::domain::event::CodeStatus;
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
        id: "fill.code-forged",
        severity: Severity::Refuse,
        by_policy: false,
        alert: true,
        message: Words {
            zh: "标签是假的：防伪校验不通过", en: "Forged label: its tag does not verify"
        },
        next_step: Words {
            zh: "不充，留下气瓶，马上报告站长",
            en: "Do not fill; keep the cylinder and tell the station manager at once",
        },
        citations: &[law::CODE_AND_STAMP, law::ONE_CYLINDER_ONE_CODE],
    },
    check,
};

fn check(facts: &FillFacts<'_>, _: &Policy, _: Moment) -> Option<Evidence> {
    (facts.scan.status == CodeStatus::Forged).then(|| evidence! { "entry" => facts.scan.entry })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::fill::testing::breaks;

    #[test]
    fn only_a_wrong_tag_is_forged() {
        for word in CodeStatus::WORDS {
            let got = breaks(&RULE, |w| {
                w.scan.status = word.parse().unwrap();
                w.cylinder = None;
            });
            assert_eq!(got, *word == "forged", "{word}");
        }
    }
}
