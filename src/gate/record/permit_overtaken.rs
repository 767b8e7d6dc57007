//! `fill.permit-overtaken`: what a permit rests on was taken away before the fill was recorded. Gas is in it, so that the fill is
//! recorded, but the cylinder stays until somebody looked at it.

use super::{RecordRule, ground};
use crate::domain::finding::{Evidence, Severity};
use crate::domain::hold::PERMIT_OVERTAKEN;
use crate::domain::instant::Moment;
use crate::domain::said::Words;
use crate::evidence;
use crate::gate::facts::RecordFacts;
use crate::gate::law;
use crate::gate::policy::Policy;
use crate::gate::rule::Rule;

pub(super) const RULE: RecordRule = RecordRule {
    rule: Rule {
        id: PERMIT_OVERTAKEN,
        severity: Severity::Hold,
        by_policy: false,
        alert: true,
        message: Words {
            zh: "发放充装许可以后情况变了，现在不准充装：{overtaken}",
            en: "What the permit rests on no longer holds: {overtaken}",
        },
        next_step: Words {
            zh: "停止充装，此瓶不得发出，报告市场监管部门",
            en: "Stop filling, do not release this cylinder and tell the market regulator",
        },
        citations: &[law::LICENSE_TO_FILL, law::FILLING_CONTROL, law::CHECKS_AND_RECORDS],
    },
    check,
};

fn check(facts: &RecordFacts<'_>, _: &Policy, _: Moment) -> Option<Evidence> {
    ground(facts)?;
    (!facts.overtaken.is_empty()).then(|| evidence! { "overtaken" => facts.overtaken })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::fill::PERMIT_RESTS_ON;
    use crate::gate::fixtures::{STRANGER, id};
    use crate::gate::record::fixtures::Record;

    fn overtaken(by: &[&'static str]) -> Record {
        Record::with(|r| r.overtaken = by.to_vec())
    }

    #[test]
    fn every_rule_that_it_rests_on_can_be_read() {
        assert_eq!(overtaken(&[]).check(&RULE), None);
        let all: Vec<_> = PERMIT_RESTS_ON.iter().map(|rule| rule.rule.id).collect();
        assert_eq!(overtaken(&all).check(&RULE), Some(evidence! { "overtaken" => all.clone() }));
        for word in all {
            assert!(crate::gate::terms::find("overtaken", word).is_some(), "{word}");
        }
    }

    #[test]
    fn nothing_is_told_of_another_organizations_permit_and_a_second_weighing_changes_nothing() {
        let broken = overtaken(&["fill.station-license"]);
        assert!(broken.check(&RULE).is_some());
        assert!(Record { judge_permit: false, ..broken.clone() }.check(&RULE).is_some());
        assert_eq!(Record { organization_id: id(STRANGER), ..broken.clone() }.check(&RULE), None);
        assert_eq!(Record { permit: None, ..broken }.check(&RULE), None);
    }
}
