//! `handover.code-forged`: the code has the right shape, but nobody who holds our keys made it.

use super::HandoverRule;
use crate::domain::event::CodeStatus;
use crate::domain::finding::{Evidence, Severity};
use crate::domain::instant::Moment;
use crate::domain::said::Words;
use crate::evidence;
use crate::gate::facts::HandoverFacts;
use crate::gate::law;
use crate::gate::policy::Policy;
use crate::gate::rule::Rule;

pub(super) const RULE: HandoverRule = HandoverRule {
    rule: Rule {
        id: "handover.code-forged",
        severity: Severity::Refuse,
        by_policy: false,
        alert: true,
        message: Words {
            zh: "气瓶码 {label_id} 验证不通过，疑似伪造",
            en: "Code {label_id} does not verify: probably a forgery",
        },
        next_step: Words {
            zh: "不要交付，扣下气瓶并立即报告本单位负责人",
            en: "Do not hand it over; keep the cylinder and report it to your company at once",
        },
        citations: &[law::CODE_AND_STAMP, law::TRACKING_BY_LABEL],
    },
    check,
};

fn check(facts: &HandoverFacts<'_>, _: &Policy, _: Moment) -> Option<Evidence> {
    (facts.scan.status == CodeStatus::Forged)
        .then(|| evidence! { "code_status" => facts.scan.status, "label_id" => facts.scan.label_id })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::handover::fixtures::finds_by_status;

    #[test]
    fn by_status() {
        finds_by_status(&RULE, &[CodeStatus::Forged]);
    }
}
