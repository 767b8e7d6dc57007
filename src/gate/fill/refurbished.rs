//! `fill.refurbished`: refurbished or rebuilt cylinders 翻新、改装, and those with a threaded shroud, are not filled.

use super::FillRule;
use crate::domain::cylinder::Shroud;
use crate::domain::finding::{Evidence, Severity};
use crate::domain::instant::Moment;
use crate::domain::said::Words;
use crate::evidence;
use crate::gate::facts::FillFacts;
use crate::gate::law;
use crate::gate::policy::Policy;
use crate::gate::rule::Rule;

pub(super) const RULE: FillRule = FillRule {
    rule: Rule {
        id: "fill.refurbished",
        severity: Severity::Refuse,
        by_policy: false,
        alert: false,
        message: Words {
            zh: "翻新、改装瓶或螺纹护罩瓶，禁止充装",
            en: "Refurbished or rebuilt cylinder, or threaded shroud: filling is forbidden",
        },
        next_step: Words {
            zh: "不充，送检验机构消除使用功能",
            en: "Do not fill; send it to an inspection agency to be made useless",
        },
        citations: &[law::NO_UNFIT, law::FILL_GATE, law::NOTICE_2021],
    },
    check,
};

fn check(facts: &FillFacts<'_>, _: &Policy, _: Moment) -> Option<Evidence> {
    let stamp = &facts.cylinder?.stamp;
    (stamp.refurbished || stamp.shroud == Shroud::Threaded).then(|| {
        evidence! { "refurbished" => stamp.refurbished, "shroud" => stamp.shroud }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::fill::testing::breaks;

    #[test]
    fn the_mark_or_the_thread_is_enough() {
        for (refurbished, shroud, broken) in [
            (false, Shroud::Welded, false),
            (false, Shroud::None, false),
            (false, Shroud::Threaded, true),
            (true, Shroud::Welded, true),
            (true, Shroud::Threaded, true),
        ] {
            let got = breaks(&RULE, |w| {
                w.cylinder_mut().stamp.refurbished = refurbished;
                w.cylinder_mut().stamp.shroud = shroud;
            });
            assert_eq!(got, broken, "{refurbished} {shroud}");
        }
        assert!(!breaks(&RULE, |w| w.cylinder = None));
    }
}
