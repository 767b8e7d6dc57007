//! `fill.same-person`: four eyes see more than two.

use super::RecordRule;
use crate::domain::finding::{Evidence, Severity};
use crate::domain::instant::Moment;
use crate::domain::said::Words;
use crate::evidence;
use crate::gate::facts::RecordFacts;
use crate::gate::law;
use crate::gate::policy::Policy;
use crate::gate::rule::Rule;

pub(super) const RULE: RecordRule = RecordRule {
    rule: Rule {
        id: "fill.same-person",
        severity: Severity::Warn,
        by_policy: true,
        alert: false,
        message: Words {
            zh: "充装和充装后检查是同一个人", en: "The same person filled and checked"
        },
        next_step: Words {
            zh: "请另一名检查员做充装后检查",
            en: "Have another person do the check after filling",
        },
        citations: &[law::CHECKS_AND_RECORDS, law::STAFF_TO_FILL, law::TSG_FILLING],
    },
    check,
};

fn check(facts: &RecordFacts<'_>, _: &Policy, _: Moment) -> Option<Evidence> {
    let checker_id = facts.postcheck?.checker_id?;
    (facts.operator_id == Some(checker_id)).then(|| evidence! { "checker_is_operator" => true })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::fixtures::{OPERATOR, id};
    use crate::gate::record::fixtures::{CHECKER, Record};

    #[test]
    fn the_checker_is_somebody_else() {
        for (checker, operator, same) in [
            (Some(CHECKER), Some(OPERATOR), false),
            (Some(OPERATOR), Some(OPERATOR), true),
            (None, Some(OPERATOR), false),
            (None, None, false),
            (Some(OPERATOR), None, false),
        ] {
            let change = |r: &mut Record| {
                r.operator_id = operator.map(id);
                r.postcheck_mut().checker_id = checker.map(id);
            };
            let expected = same.then(|| evidence! { "checker_is_operator" => true });
            assert_eq!(Record::with(change).check(&RULE), expected, "{checker:?} {operator:?}");
            assert_eq!(
                Record::again(change).check(&RULE),
                expected,
                "{checker:?} {operator:?}, second weighing"
            );
        }
        assert_eq!(Record::with(|r| r.postcheck = None).check(&RULE), None);
    }
}
