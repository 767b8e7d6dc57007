//! `fill.permit-unknown`: a fill without a permit, or without the cylinder of its permit, is none that may be recorded.

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
        id: "fill.permit-unknown",
        severity: Severity::Refuse,
        by_policy: false,
        alert: false,
        message: Words {
            zh: "没有这次充装的许可或气瓶档案，不予记录",
            en: "There is no permit or no cylinder file for this fill; it is not recorded",
        },
        next_step: Words {
            zh: "隔离气瓶不得发出，重新扫码做充装前检查",
            en: "Set the cylinder aside and scan it for a new check",
        },
        citations: &[law::ONE_CYLINDER_ONE_CODE, law::CHECKS_AND_RECORDS],
    },
    check,
};

fn check(facts: &RecordFacts<'_>, _: &Policy, _: Moment) -> Option<Evidence> {
    let permit_known = facts.permit.is_some() || !facts.judge_permit;
    let cylinder_known = facts.cylinder.is_some();
    (!permit_known || !cylinder_known).then(|| {
        evidence! {
            "permit_known" => permit_known,
            "cylinder_known" => cylinder_known,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::record::fixtures::Record;

    #[test]
    fn permit_and_cylinder_must_be_there() {
        for (judge_permit, permit, cylinder, refused) in [
            (true, true, true, false),
            (true, false, true, true),
            (true, true, false, true),
            (true, false, false, true),
            (false, false, true, false),
            (false, true, false, true),
            (false, false, false, true),
        ] {
            let record = Record::with(|r| {
                r.judge_permit = judge_permit;
                r.permit = r.permit.filter(|_| permit);
                r.cylinder = r.cylinder.take().filter(|_| cylinder);
            });
            let expected = refused.then(|| {
                evidence! { "permit_known" => permit || !judge_permit, "cylinder_known" => cylinder }
            });
            assert_eq!(record.check(&RULE), expected, "{judge_permit} {permit} {cylinder}");
        }
    }
}
