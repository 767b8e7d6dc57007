//! `handover.code-revoked`: the label was replaced, voided or suspended.

use super::HandoverRule;
use crate::domain::finding::{Evidence, Severity};
use crate::domain::instant::Moment;
use crate::domain::said::Words;
use crate::evidence;
use crate::gate::code;
use crate::gate::facts::HandoverFacts;
use crate::gate::law;
use crate::gate::policy::Policy;
use crate::gate::rule::Rule;

pub(super) const RULE: HandoverRule = HandoverRule {
    rule: Rule {
        id: "handover.code-revoked",
        severity: Severity::Refuse,
        by_policy: false,
        alert: true,
        message: Words {
            zh: "气瓶码 {label_id} 已作废或被停用",
            en: "Code {label_id} was revoked or suspended",
        },
        next_step: Words {
            zh: "不要交付，带回站里核对钢印并换发标签",
            en: "Do not hand it over; bring it back to have the stamp compared and a new label bound",
        },
        citations: &[law::CODE_AND_STAMP, law::TRACKING_BY_LABEL],
    },
    check,
};

fn check(facts: &HandoverFacts<'_>, _: &Policy, _: Moment) -> Option<Evidence> {
    let status = code::void_status(facts.scan, facts.cylinder)?;
    Some(evidence! { "code_status" => status, "label_id" => facts.scan.label_id })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::cylinder::LabelStatus;
    use crate::domain::event::CodeStatus;
    use crate::gate::handover::fixtures::{Doorstep, finds_by_status};

    #[test]
    fn by_status() {
        finds_by_status(&RULE, &[CodeStatus::Revoked, CodeStatus::Suspended]);
    }

    #[test]
    fn the_cylinders_own_record_of_its_label_counts_too() {
        type Change = fn(&mut Doorstep);
        let table: [(Change, &str); 3] = [
            (|d| d.cylinder_mut().label.status = LabelStatus::Suspended, "suspended"),
            (|d| d.cylinder_mut().label.status = LabelStatus::Revoked, "revoked"),
            (|d| d.cylinder_mut().label.id = "AAAAAAAA".parse().unwrap(), "revoked"),
        ];
        for (change, status) in table {
            let expected = evidence! { "code_status" => status, "label_id" => "7K3M9PQ2" };
            assert_eq!(Doorstep::with(change).check(&RULE), Some(expected));
        }
    }
}
