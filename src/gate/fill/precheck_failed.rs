//! `fill.precheck-failed`: every item of the visual check before filling is looked at and passes.

use super::FillRule;
use crate::domain::event::CheckResult;
use crate::domain::finding::{Evidence, Severity};
use crate::domain::instant::Moment;
use crate::domain::said::Words;
use crate::evidence;
use crate::gate::facts::FillFacts;
use crate::gate::law;
use crate::gate::policy::Policy;
use crate::gate::rule::{Rule, holding};

pub(super) const RULE: FillRule = FillRule {
    rule: Rule {
        id: "fill.precheck-failed",
        severity: Severity::Refuse,
        by_policy: false,
        alert: false,
        message: Words {
            zh: "外观检查没通过（不合格：{failed}；漏检：{missing}）",
            en: "The visual check did not pass (failed: {failed}; not checked: {missing})",
        },
        next_step: Words {
            zh: "不合格的不充、隔离；漏检的补检后重扫",
            en: "Set it aside if an item failed; check what was missed and scan again",
        },
        citations: &[law::PRE_FILL_CHECK, law::PENALTY_NO_CHECK, law::TSG_FILLING],
    },
    check,
};

fn check(facts: &FillFacts<'_>, _: &Policy, _: Moment) -> Option<Evidence> {
    facts.cylinder?;
    let items = facts.precheck.items();
    let names = |wanted| holding(items.map(|(name, result)| (name, result == wanted)));
    let (failed, missing) = (names(Some(CheckResult::Fail)), names(None));
    (!failed.is_empty() || !missing.is_empty())
        .then(|| evidence! { "failed" => failed, "missing" => missing })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::Precheck;
    use crate::gate::fill::testing::{breaks, evidence_of};
    use crate::gate::fixtures::{World, precheck};

    #[test]
    fn each_item_must_be_there_and_pass() {
        let items: [fn(&mut Precheck) -> &mut Option<CheckResult>; 7] = [
            |p| &mut p.body,
            |p| &mut p.valve,
            |p| &mut p.shroud,
            |p| &mut p.foot_ring,
            |p| &mut p.markings,
            |p| &mut p.color,
            |p| &mut p.residual_pressure,
        ];
        for (item, (name, _)) in items.into_iter().zip(precheck().items()) {
            for (result, failed, missing) in
                [(Some(CheckResult::Fail), vec![name], vec![]), (None, vec![], vec![name])]
            {
                let world = World::with(|w| *item(&mut w.precheck) = result);
                let expected = evidence! { "failed" => failed, "missing" => missing };
                assert_eq!(evidence_of(&RULE, &world), Some(expected), "{name}");
            }
        }
    }

    #[test]
    fn all_seven_pass_or_none_was_looked_at() {
        assert!(!breaks(&RULE, |_| {}));
        assert!(breaks(&RULE, |w| w.precheck = Precheck::default()));
        assert!(!breaks(&RULE, |w| (w.precheck, w.cylinder) = (Precheck::default(), None)));
    }
}
