//! `fill.permit-used`: a permit is for one fill.

use super::{RecordRule, own_permit};
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
        id: "fill.permit-used",
        severity: Severity::Refuse,
        by_policy: false,
        alert: false,
        message: Words {
            zh: "这张充装许可已经用过：一次许可只充一瓶",
            en: "This permit was used before: one permit is for one fill",
        },
        next_step: Words {
            zh: "隔离气瓶不得发出，重新扫码做充装前检查",
            en: "Set the cylinder aside and scan it for a new check",
        },
        citations: &[law::CODE_AND_STAMP, law::FILLING_CONTROL],
    },
    check,
};

fn check(facts: &RecordFacts<'_>, _: &Policy, _: Moment) -> Option<Evidence> {
    let permit = own_permit(facts)?;
    permit.used.then(|| evidence! { "permit_id" => permit.permit.id })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::EventId;
    use crate::gate::fixtures::{STRANGER, id};
    use crate::gate::record::fixtures::Record;

    #[test]
    fn a_permit_is_used_once() {
        let permit_id: EventId = id(0x60);
        for (used, expected) in [(false, None), (true, Some(evidence! { "permit_id" => permit_id }))] {
            assert_eq!(Record::with(|r| r.permit_mut().used = used).check(&RULE), expected, "{used}");
            assert_eq!(
                Record::again(|r| r.permit_mut().used = used).check(&RULE),
                None,
                "second weighing, {used}"
            );
        }
    }

    #[test]
    fn nothing_is_told_of_another_organizations_permit() {
        let record = Record::with(|r| {
            r.permit_mut().used = true;
            r.permit_mut().organization_id = id(STRANGER);
        });
        assert_eq!(record.check(&RULE), None);
        assert_eq!(Record::with(|r| r.permit = None).check(&RULE), None);
    }
}
