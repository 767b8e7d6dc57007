//! `handover.code-revoked`: the label was replaced, voided or suspended.

use super::{HandoverRule, law};
use crate::domain::event::CodeStatus;
use crate::domain::finding::{Evidence, Severity};
use crate::domain::instant::Moment;
use crate::evidence;
use crate::gate::facts::HandoverFacts;
use crate::gate::policy::Policy;
use crate::gate::rule::{Rule, Words};

pub(super) const RULE: HandoverRule = HandoverRule {
    rule: Rule {
        id: "handover.code-revoked",
        severity: Severity::Refuse,
        by_policy: false,
        alert: true,
        message: Words {
            zh: "瓶码 {label_id} 已作废或被停用",
            en: "Code {label_id} was revoked or suspended",
        },
        next_step: Words {
            zh: "不要交付，带回站里核对钢印并换发标签",
            en: "Do not hand it over; bring it back to have the stamp compared and a new label bound",
        },
        citations: &[law::ONE_CODE, law::TRACING],
    },
    check,
};

fn check(facts: &HandoverFacts<'_>, _: &Policy, _: Moment) -> Option<Evidence> {
    (matches!(facts.scan.status, CodeStatus::Revoked | CodeStatus::Suspended))
        .then(|| evidence! { "code_status" => facts.scan.status, "label_id" => facts.scan.label_id })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::fixtures::scan;
    use crate::gate::handover::fixtures::Doorstep;

    #[test]
    fn by_status() {
        for (status, found) in [
            (CodeStatus::Bound, false),
            (CodeStatus::Unknown, false),
            (CodeStatus::Forged, false),
            (CodeStatus::Revoked, true),
            (CodeStatus::Suspended, true),
        ] {
            for cylinder in [true, false] {
                let doorstep = Doorstep::with(|d| {
                    d.scan = scan(status);
                    d.cylinder = d.cylinder.take().filter(|_| cylinder);
                });
                let expected = found.then(|| evidence! { "code_status" => status, "label_id" => "7K3M9PQ2" });
                assert_eq!(doorstep.check(&RULE), expected, "{status} {cylinder}");
            }
        }
    }
}
