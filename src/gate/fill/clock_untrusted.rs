//! `fill.clock-untrusted`: the service's clock is far from the newest recorded event, so that no date can be judged.

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
        id: "fill.clock-untrusted",
        severity: Severity::Refuse,
        by_policy: false,
        alert: false,
        message: Words {
            zh: "系统时间不可信，暂停充装",
            en: "The system clock cannot be trusted; filling is paused",
        },
        next_step: Words {
            zh: "联系站长校准服务器时间",
            en: "Ask the station manager to set the time of the server",
        },
        citations: &[law::PRE_FILL_CHECK],
    },
    check,
};

fn check(facts: &FillFacts<'_>, _: &Policy, now: Moment) -> Option<Evidence> {
    (!facts.clock_trusted).then(|| evidence! { "today" => now.today })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::fill::testing::breaks;

    #[test]
    fn a_clock_that_disagrees_with_the_records_refuses_also_without_a_cylinder() {
        assert!(!breaks(&RULE, |_| {}));
        assert!(breaks(&RULE, |w| w.clock_trusted = false));
        assert!(breaks(&RULE, |w| {
            w.clock_trusted = false;
            w.cylinder = None;
        }));
    }
}
