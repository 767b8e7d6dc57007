//! `fill.permit-foreign`: a permit is for one organization, one operator and one scale, and for nobody else.

use super::{RecordRule, is_another_organizations, own_permit};
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
        id: "fill.permit-foreign",
        severity: Severity::Refuse,
        by_policy: false,
        alert: false,
        message: Words {
            zh: "这张充装许可不是给本单位、本充装员、本秤的",
            en: "This permit was not given to this organization, operator and scale",
        },
        next_step: Words {
            zh: "隔离气瓶不得发出，由本人在本秤重新扫码检查",
            en: "Set the cylinder aside and check it yourself on this scale",
        },
        citations: &[law::FILLING_CONTROL, law::CHECKS_AND_RECORDS],
    },
    check,
};

fn check(facts: &RecordFacts<'_>, _: &Policy, _: Moment) -> Option<Evidence> {
    if is_another_organizations(facts) {
        return Some(evidence! { "mismatch" => ["organization"] });
    }
    let permit = own_permit(facts)?;
    let mismatch = holding([
        ("operator", facts.operator_id != Some(permit.operator_id)),
        ("scale", facts.device_scale_id.is_some_and(|scale_id| scale_id != permit.scale_id)),
    ]);
    (!mismatch.is_empty()).then(|| evidence! { "mismatch" => mismatch })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::fixtures::{OTHER_OPERATOR, OTHER_SCALE, STRANGER, id};
    use crate::gate::record::fixtures::Record;

    #[test]
    fn organization_operator_and_scale_must_fit() {
        type Change = fn(&mut Record);
        let table: [(&str, Change, Option<&[&str]>); 9] = [
            ("fits", |_| {}, None),
            ("a person reports", |r| r.device_scale_id = None, None),
            ("other operator", |r| r.operator_id = Some(id(OTHER_OPERATOR)), Some(&["operator"])),
            ("no operator", |r| r.operator_id = None, Some(&["operator"])),
            ("other scale", |r| r.device_scale_id = Some(id(OTHER_SCALE)), Some(&["scale"])),
            (
                "other operator and scale",
                |r| {
                    r.operator_id = None;
                    r.device_scale_id = Some(id(OTHER_SCALE));
                },
                Some(&["operator", "scale"]),
            ),
            ("other organization", |r| r.organization_id = id(STRANGER), Some(&["organization"])),
            (
                "all of them, of which one may be told",
                |r| {
                    r.organization_id = id(STRANGER);
                    r.operator_id = None;
                    r.device_scale_id = Some(id(OTHER_SCALE));
                },
                Some(&["organization"]),
            ),
            ("no permit", |r| r.permit = None, None),
        ];
        for (name, change, expected) in table {
            let evidence = Record::with(change).check(&RULE);
            assert_eq!(evidence, expected.map(|mismatch| evidence! { "mismatch" => mismatch }), "{name}");
            assert_eq!(Record::again(change).check(&RULE), None, "{name}, second weighing");
        }
    }
}
