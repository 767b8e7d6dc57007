//! `handover.code-unknown`: what was scanned is no label of ours, or a label without its cylinder.

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
        id: "handover.code-unknown",
        severity: Severity::Refuse,
        by_policy: false,
        alert: true,
        message: Words {
            zh: "这不是本系统的气瓶码，或没有对应的气瓶档案",
            en: "This is no cylinder code of ours, or no cylinder belongs to it",
        },
        next_step: Words {
            zh: "不要交付，把气瓶带回站里查明来源",
            en: "Do not hand it over; bring the cylinder back and find out where it came from",
        },
        citations: &[law::TRACKING_BY_LABEL, law::WHOLE_WAY],
    },
    check,
};

fn check(facts: &HandoverFacts<'_>, _: &Policy, _: Moment) -> Option<Evidence> {
    code::leads_nowhere(facts.scan, facts.cylinder).then(|| {
        evidence! {
            "code_status" => facts.scan.status,
            "entry" => facts.scan.entry,
            "cylinder_known" => facts.cylinder.is_some(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::CodeStatus;
    use crate::gate::fixtures::scan;
    use crate::gate::handover::fixtures::Doorstep;

    #[test]
    fn a_code_must_be_a_label_of_ours_on_a_cylinder() {
        for (status, cylinder, found) in [
            (CodeStatus::Bound, true, false),
            (CodeStatus::Bound, false, true),
            (CodeStatus::Unknown, false, true),
            (CodeStatus::Unknown, true, true),
            (CodeStatus::Forged, false, false),
            (CodeStatus::Revoked, false, false),
            (CodeStatus::Suspended, true, false),
            (CodeStatus::Suspended, false, true),
        ] {
            let doorstep = Doorstep::with(|d| {
                d.scan = scan(status);
                d.cylinder = d.cylinder.take().filter(|_| cylinder);
            });
            let expected = found.then(|| {
                evidence! { "code_status" => status, "entry" => "scanned", "cylinder_known" => cylinder }
            });
            assert_eq!(doorstep.check(&RULE), expected, "{status} {cylinder}");
        }
    }

    #[test]
    fn the_scanned_text_is_no_evidence() {
        let doorstep = Doorstep::with(|d| {
            d.scan = scan(CodeStatus::Unknown);
            d.scan.text = Some("tel:13800000000".to_owned());
        });
        let evidence = doorstep.check(&RULE).unwrap();
        assert!(!serde_json::to_string(&evidence).unwrap().contains("1380"), "it may name a person");
    }
}
