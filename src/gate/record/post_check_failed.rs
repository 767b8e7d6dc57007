//! `fill.post-check-failed`: a cylinder that leaks, or whose valve or seal is not in order, stays.

use super::RecordRule;
use crate::domain::event::CheckResult;
use crate::domain::finding::{Evidence, Severity};
use crate::domain::instant::Moment;
use crate::domain::said::Words;
use crate::evidence;
use crate::gate::facts::RecordFacts;
use crate::gate::law;
use crate::gate::policy::Policy;
use crate::gate::rule::{Rule, holding};

pub(super) const RULE: RecordRule = RecordRule {
    rule: Rule {
        id: "fill.post-check-failed",
        severity: Severity::Hold,
        by_policy: false,
        alert: false,
        message: Words {
            zh: "充装后检查不合格：{failed}", en: "The check after filling failed: {failed}"
        },
        next_step: Words {
            zh: "不得发出，移到安全处处理，合格后复称",
            en: "Do not release it; make it safe, then check and weigh again",
        },
        citations: &[law::CHECKS_AND_RECORDS, law::TSG_FILLING],
    },
    check,
};

fn check(facts: &RecordFacts<'_>, _: &Policy, _: Moment) -> Option<Evidence> {
    let postcheck = facts.postcheck?;
    let fails = |result| result == Some(CheckResult::Fail);
    let failed = holding([
        ("leak", fails(postcheck.leak)),
        ("valve", fails(postcheck.valve)),
        ("seal", fails(postcheck.seal)),
    ]);
    (!failed.is_empty()).then(|| evidence! { "count" => failed.len(), "failed" => failed })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::record::fixtures::Record;

    #[test]
    fn one_failed_item_is_enough() {
        type Change = fn(&mut Record);
        let table: [(Change, Option<&[&str]>); 7] = [
            (|_| {}, None),
            (|r| r.postcheck = None, None),
            (|r| r.postcheck_mut().leak = None, None),
            (|r| r.postcheck_mut().leak = Some(CheckResult::Fail), Some(&["leak"])),
            (|r| r.postcheck_mut().valve = Some(CheckResult::Fail), Some(&["valve"])),
            (|r| r.postcheck_mut().seal = Some(CheckResult::Fail), Some(&["seal"])),
            (
                |r| {
                    r.postcheck_mut().leak = Some(CheckResult::Fail);
                    r.postcheck_mut().valve = None;
                    r.postcheck_mut().seal = Some(CheckResult::Fail);
                },
                Some(&["leak", "seal"]),
            ),
        ];
        for (at, (change, expected)) in table.into_iter().enumerate() {
            let expected = expected.map(|failed| evidence! { "count" => failed.len(), "failed" => failed });
            assert_eq!(Record::with(change).check(&RULE), expected, "row {at}");
            assert_eq!(Record::again(change).check(&RULE), expected, "row {at}, second weighing");
        }
    }
}
