//! `fill.post-check-missing`: a cylinder leaves only after somebody looked at leak, valve and seal.

use super::RecordRule;
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
        id: "fill.post-check-missing",
        severity: Severity::Hold,
        by_policy: false,
        alert: false,
        message: Words {
            zh: "充装后检查不完整，缺：{missing}",
            en: "The check after filling is incomplete, missing: {missing}",
        },
        next_step: Words {
            zh: "不得发出，补做充装后检查并复称",
            en: "Do not release it; do the check after filling and weigh again",
        },
        citations: &[law::CHECKS_AND_RECORDS, law::TSG_FILLING],
    },
    check,
};

fn check(facts: &RecordFacts<'_>, _: &Policy, _: Moment) -> Option<Evidence> {
    let postcheck = facts.postcheck;
    let missing = holding([
        ("leak", postcheck.is_none_or(|p| p.leak.is_none())),
        ("valve", postcheck.is_none_or(|p| p.valve.is_none())),
        ("seal", postcheck.is_none_or(|p| p.seal.is_none())),
        ("checker_id", postcheck.is_none_or(|p| p.checker_id.is_none())),
    ]);
    (!missing.is_empty()).then(|| evidence! { "count" => missing.len(), "missing" => missing })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::{CheckResult, Postcheck};
    use crate::gate::record::fixtures::Record;

    #[test]
    fn every_item_must_be_there() {
        type Change = fn(&mut Record);
        let nothing = Postcheck { leak: None, valve: None, seal: None, checker_id: None };
        let table: [(Change, Option<&[&str]>); 8] = [
            (|_| {}, None),
            (|r| r.postcheck = None, Some(&["leak", "valve", "seal", "checker_id"])),
            (|r| r.postcheck_mut().leak = None, Some(&["leak"])),
            (|r| r.postcheck_mut().valve = None, Some(&["valve"])),
            (|r| r.postcheck_mut().seal = None, Some(&["seal"])),
            (|r| r.postcheck_mut().checker_id = None, Some(&["checker_id"])),
            (|r| r.postcheck_mut().seal = Some(CheckResult::Fail), None),
            (
                |r| {
                    r.postcheck_mut().leak = None;
                    r.postcheck_mut().checker_id = None;
                },
                Some(&["leak", "checker_id"]),
            ),
        ];
        for (at, (change, expected)) in table.into_iter().enumerate() {
            let expected =
                expected.map(|missing| evidence! { "count" => missing.len(), "missing" => missing });
            assert_eq!(Record::with(change).check(&RULE), expected, "row {at}");
            assert_eq!(Record::again(change).check(&RULE), expected, "row {at}, second weighing");
        }
        let empty = Record::with(|r| r.postcheck = Some(nothing));
        assert_eq!(empty.check(&RULE), Record::with(|r| r.postcheck = None).check(&RULE));
    }
}
