//! `fill.code-revoked`: the label was replaced, voided or never bound, or is suspended after wrong answers.

use super::FillRule;
use crate::domain::finding::{Evidence, Severity};
use crate::domain::instant::Moment;
use crate::domain::said::Words;
use crate::evidence;
use crate::gate::code;
use crate::gate::facts::FillFacts;
use crate::gate::law;
use crate::gate::policy::Policy;
use crate::gate::rule::Rule;

pub(super) const RULE: FillRule = FillRule {
    rule: Rule {
        id: "fill.code-revoked",
        severity: Severity::Refuse,
        by_policy: false,
        alert: true,
        message: Words { zh: "标签已失效（{status}）", en: "The label is no longer valid ({status})" },
        next_step: Words {
            zh: "不充，交气瓶管理员核对钢印、换新标签",
            en: "Do not fill; have the office check the stamp and put on a new label",
        },
        citations: &[law::CODE_AND_STAMP, law::TRACKING_RULES],
    },
    check,
};

fn check(facts: &FillFacts<'_>, _: &Policy, _: Moment) -> Option<Evidence> {
    let status = code::void_status(facts.scan, facts.cylinder)?;
    Some(evidence! { "status" => status, "entry" => facts.scan.entry })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::cylinder::LabelStatus;
    use crate::domain::event::CodeStatus;
    use crate::gate::fill::testing::{breaks, evidence_of};
    use crate::gate::fixtures::World;

    #[test]
    fn scan_and_record_must_both_be_good_and_the_worse_counts() {
        use CodeStatus as Scan;
        use LabelStatus as Label;
        for (scan, label, status) in [
            (Scan::Bound, Label::Bound, None),
            (Scan::Revoked, Label::Bound, Some("revoked")),
            (Scan::Suspended, Label::Bound, Some("suspended")),
            (Scan::Bound, Label::Suspended, Some("suspended")),
            (Scan::Bound, Label::Revoked, Some("revoked")),
            (Scan::Suspended, Label::Revoked, Some("revoked")),
            (Scan::Revoked, Label::Suspended, Some("revoked")),
        ] {
            let world = World::with(|w| {
                w.scan.status = scan;
                w.cylinder_mut().label.status = label;
            });
            let got = evidence_of(&RULE, &world).map(|e| e["status"].clone());
            assert_eq!(got, status.map(|s| serde_json::json!(s)), "{scan} {label}");
        }
    }

    #[test]
    fn a_label_that_another_one_replaced_is_revoked() {
        assert!(breaks(&RULE, |w| w.cylinder_mut().label.id = "AAAAAAAA".parse().unwrap()));
    }

    #[test]
    fn a_label_that_was_never_bound_has_no_cylinder() {
        assert!(breaks(&RULE, |w| {
            w.scan.status = CodeStatus::Revoked;
            w.cylinder = None;
        }));
        assert!(!breaks(&RULE, |w| {
            w.scan.status = CodeStatus::Unknown;
            w.cylinder = None;
        }));
    }
}
