//! `fill.inspection-overdue`: a cylinder must not be filled after the day its inspection was due, nor after a failed one.

use super::FillRule;
use crate::domain::finding::{Evidence, Severity};
use crate::domain::instant::Moment;
use crate::evidence;
use crate::gate::facts::FillFacts;
use crate::gate::policy::Policy;
use crate::gate::rule::{Citation, Rule, Words};

pub(super) const RULE: FillRule = FillRule {
    rule: Rule {
        id: "fill.inspection-overdue",
        severity: Severity::Refuse,
        by_policy: false,
        alert: false,
        message: Words {
            zh: "气瓶超期未检或检验不合格：应于 {inspection_due_on} 前检验",
            en: "Inspection overdue or failed: it was due by {inspection_due_on}",
        },
        next_step: Words { zh: "停止充装，送检验机构检验", en: "Do not fill; send it to an inspection agency" },
        citations: &[
            Citation {
                document: "中华人民共和国特种设备安全法",
                clause: "第四十条",
                quote: Some("未经定期检验或者检验不合格的特种设备，不得继续使用。"),
            },
            Citation {
                document: "安委〔2023〕3号 全国城镇燃气安全专项整治工作方案",
                clause: "二(一)4",
                quote: Some("违规充装非自有气瓶、超期未检气瓶、不合格气瓶、超出使用年限或翻新等气瓶"),
            },
        ],
    },
    check,
};

fn check(facts: &FillFacts<'_>, _: &Policy, now: Moment) -> Option<Evidence> {
    let cylinder = facts.cylinder?;
    (cylinder.inspection_failed || now.today > cylinder.inspection_due_on.0).then(|| {
        evidence! {
            "inspection_due_on" => cylinder.inspection_due_on,
            "inspection_failed" => cylinder.inspection_failed,
            "today" => now.today,
        }
    })
}
