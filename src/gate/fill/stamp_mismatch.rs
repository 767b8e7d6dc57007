//! `fill.stamp-mismatch`: the code belongs to the steel: who fills can read the serial number stamped on it 一瓶一码一印.

use super::FillRule;
use crate::domain::event::CheckResult;
use crate::domain::finding::{Evidence, Severity};
use crate::domain::instant::Moment;
use crate::domain::said::Words;
use crate::domain::steel;
use crate::evidence;
use crate::gate::facts::FillFacts;
use crate::gate::law;
use crate::gate::policy::Policy;
use crate::gate::rule::Rule;

pub(super) const RULE: FillRule = FillRule {
    rule: Rule {
        id: "fill.stamp-mismatch",
        severity: Severity::Refuse,
        by_policy: false,
        alert: true,
        message: Words {
            zh: "输入的钢印编号不对",
            en: "The serial number typed is not the one on this cylinder’s stamp",
        },
        next_step: Words {
            zh: "看清瓶上钢印，重新输入编号后四位",
            en: "Read the stamp on the steel again and type the last four characters",
        },
        citations: &[law::CODE_AND_STAMP],
    },
    check,
};

fn check(facts: &FillFacts<'_>, _: &Policy, _: Moment) -> Option<Evidence> {
    let wrong = stamp_answer(facts) == Some(CheckResult::Fail);
    let cylinder = facts.cylinder.filter(|_| wrong)?;
    Some(evidence! { "wrong_answers" => cylinder.label.wrong_answers.saturating_add(1) })
}

/// Whether the answer to a stamp challenge is right; none where nothing was typed or no cylinder is known.
pub fn stamp_answer(facts: &FillFacts<'_>) -> Option<CheckResult> {
    let stamp = &facts.cylinder?.stamp;
    // What is struck into steel can't be told apart by who reads it: O and 0 are one, I and 1 too.
    let typed = steel::key(facts.stamp_digits?);
    if typed.is_empty() {
        return None;
    }
    let right = typed == steel::key(&stamp.challenge_answer());
    Some(if right { CheckResult::Pass } else { CheckResult::Fail })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::fill::testing::{breaks, evidence_of};
    use crate::gate::fixtures::{ParseText, World};

    fn answer(serial: &str, typed: Option<&str>) -> Option<CheckResult> {
        let world = World::with(|w| {
            w.cylinder_mut().stamp.serial_no = serial.parse_text();
            w.stamp_digits = typed.map(str::to_owned);
        });
        stamp_answer(&world.fill_facts())
    }

    #[test]
    fn the_last_four_letters_and_digits_however_they_are_typed() {
        let (right, wrong) = (Some(CheckResult::Pass), Some(CheckResult::Fail));
        for (typed, expected) in [
            ("12A7", right),
            ("12a7", right),
            ("１２Ａ７", right),
            (" 1-2 a.7 ", right),
            ("12A8", wrong),
            ("2A7", wrong),
            ("012A7", wrong),
            ("I2A7", right),
            ("i2a7", right),
            ("O2A7", wrong),
        ] {
            assert_eq!(answer("SH2405-0012A7", Some(typed)), expected, "{typed}");
        }
        assert_eq!(answer("SH24-7OI0", Some("7010")), right, "O is 0 and I is 1 on steel");
        assert_eq!(answer("SH24-7010", Some("7OI0")), right, "and on the keyboard");
        assert_eq!(answer("A-1-2", Some("a12")), right, "shorter than four");
        assert_eq!(answer("ＳＨ１２Ａ７", Some("12A7")), right, "a full-width stamp");
    }

    #[test]
    fn nothing_typed_is_no_answer_and_an_empty_stamp_has_no_right_one() {
        assert_eq!(answer("0012A7", None), None);
        assert_eq!(answer("0012A7", Some(" - ")), None);
        assert_eq!(answer("---", Some("")), None);
        assert_eq!(answer("---", Some("1")), Some(CheckResult::Fail));
    }

    #[test]
    fn without_a_cylinder_there_is_no_answer() {
        let world = World::with(|w| (w.cylinder, w.stamp_digits) = (None, Some("12A7".to_owned())));
        assert_eq!(stamp_answer(&world.fill_facts()), None);
        assert!(evidence_of(&RULE, &world).is_none());
    }

    #[test]
    fn only_a_wrong_answer_breaks_the_rule_and_the_right_one_is_not_told() {
        assert!(!breaks(&RULE, |w| w.stamp_digits = Some("12A7".to_owned())));
        assert!(!breaks(&RULE, |_| {}));
        let world = World::with(|w| {
            w.cylinder_mut().label.wrong_answers = 1;
            w.stamp_digits = Some("0000".to_owned());
        });
        assert_eq!(evidence_of(&RULE, &world).unwrap(), evidence! { "wrong_answers" => 2 });
    }
}
