//! `handover.clock-untrusted`: with a wrong clock no due date, license or certificate can be judged.

use super::HandoverRule;
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
        id: "handover.clock-untrusted",
        severity: Severity::Refuse,
        by_policy: false,
        alert: false,
        message: Words {
            zh: "系统时间不可信，无法判断检验、许可和证书今天是否有效",
            en: "The clock of the service is wrong; no due date, license or certificate can be judged",
        },
        next_step: Words {
            zh: "暂停交付，请系统管理员校准服务器时间",
            en: "Wait; have the administrator set the server clock",
        },
        citations: &[law::NO_OVERDUE],
    },
    check,
};

fn check(facts: &HandoverFacts<'_>, _: &Policy, now: Moment) -> Option<Evidence> {
    (!facts.clock_trusted).then(|| evidence! { "clock" => now.at })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::handover::fixtures::Doorstep;

    #[test]
    fn a_clock_that_is_not_trusted_refuses() {
        for (trusted, found) in [(true, false), (false, true)] {
            let doorstep = Doorstep::with(|d| d.clock_trusted = trusted);
            let expected = found.then(|| evidence! { "clock" => doorstep.now.at });
            assert_eq!(doorstep.check(&RULE), expected, "{trusted}");
        }
    }
}
