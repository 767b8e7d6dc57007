//! `handover.cylinder-unfit`: only a cylinder that is sound, lawful, filled and released goes to a customer.

use super::HandoverRule;
use crate::domain::event::FillStatus;
use crate::domain::finding::{Evidence, Severity};
use crate::domain::instant::Moment;
use crate::domain::said::Words;
use crate::evidence;
use crate::gate::facts::HandoverFacts;
use crate::gate::law;
use crate::gate::policy::Policy;
use crate::gate::rule::{Rule, holding};

pub(super) const RULE: HandoverRule = HandoverRule {
    rule: Rule {
        id: "handover.cylinder-unfit",
        severity: Severity::Refuse,
        by_policy: false,
        alert: false,
        message: Words {
            zh: "气瓶不能交付：{reasons}（检验到期 {inspection_due_on}，使用年限至 {life_ends_on}，按记录瓶内气 {gas_g} 克）",
            en: "This cylinder is unfit: {reasons} (inspection due {inspection_due_on}, life ends {life_ends_on}, {gas_g} g of gas by the records)",
        },
        next_step: Words {
            zh: "不要交付，换一只合格的，这只带回站里处理",
            en: "Do not hand it over; take a sound one and bring this one back",
        },
        citations: &[
            law::NO_OVERDUE,
            law::NO_SCRAPPED,
            law::USE_PAST_DESIGN_LIFE,
            law::SUPPLY_ONLY_SOUND,
            law::NOT_BACK_ON_THE_MARKET,
        ],
    },
    check,
};

fn check(facts: &HandoverFacts<'_>, _: &Policy, now: Moment) -> Option<Evidence> {
    let cylinder = facts.cylinder?;
    let fill = cylinder.last_fill.as_ref();
    let reasons = holding([
        ("inspection_overdue", now.today > cylinder.inspection_due_on.0),
        ("inspection_failed", cylinder.inspection_failed),
        ("life_ended", now.today > cylinder.life_ends_on.0),
        ("scrapped", cylinder.scrapped),
        ("seized", cylinder.seized),
        ("blacklisted", cylinder.blacklisted),
        ("lost", cylinder.lost),
        ("held", fill.is_some_and(|fill| fill.status == FillStatus::Held)),
        // Gas that no recorded fill put in was not filled by anyone who may.
        ("not_filled", fill.is_none() || !cylinder.is_filled()),
    ]);
    (!reasons.is_empty()).then(|| {
        evidence! {
            "count" => reasons.len(),
            "reasons" => reasons,
            "inspection_due_on" => cylinder.inspection_due_on,
            "life_ends_on" => cylinder.life_ends_on,
            "gas_g" => cylinder.gas_g,
            "today" => now.today,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::fixtures::noon;
    use crate::gate::handover::fixtures::Doorstep;

    fn reasons(doorstep: &Doorstep) -> Vec<String> {
        let evidence = doorstep.check(&RULE).unwrap_or_default();
        let reasons: Vec<String> =
            evidence.get("reasons").map(|r| serde_json::from_value(r.clone()).unwrap()).unwrap_or_default();
        assert_eq!(
            reasons.len(),
            evidence.get("count").map_or(0, |n| usize::try_from(n.as_u64().unwrap()).unwrap())
        );
        reasons
    }

    #[test]
    fn the_due_day_and_the_last_day_are_still_good() {
        for (today, expected) in [
            ("2028-05-30", &[][..]),
            ("2028-05-31", &[]),
            ("2028-06-01", &["inspection_overdue"]),
            ("2032-05-30", &["inspection_overdue"]),
            ("2032-05-31", &["inspection_overdue"]),
            ("2032-06-01", &["inspection_overdue", "life_ended"]),
        ] {
            assert_eq!(reasons(&Doorstep::with(|d| d.now = noon(today))), expected, "{today}");
        }
    }

    #[test]
    fn the_day_turns_at_midnight_in_the_zone_of_the_service() {
        use crate::gate::fixtures::moment;
        for (at, found) in [("2028-05-31T15:59:59.999999Z", false), ("2028-05-31T16:00:00Z", true)] {
            assert_eq!(Doorstep::with(|d| d.now = moment(at)).check(&RULE).is_some(), found, "{at}");
        }
    }

    #[test]
    fn more_than_half_of_the_maximum_counts_as_filled() {
        for (gas_g, expected) in [
            (0, &["not_filled"][..]),
            (7_449, &["not_filled"]),
            (7_450, &["not_filled"]),
            (7_451, &[]),
            (14_900, &[]),
        ] {
            assert_eq!(reasons(&Doorstep::with(|d| d.cylinder_mut().gas_g = gas_g)), expected, "{gas_g}");
        }
    }

    #[test]
    fn every_reason_by_itself_and_all_at_once() {
        type Change = fn(&mut Doorstep);
        let table: [(&str, Change); 7] = [
            ("inspection_failed", |d| d.cylinder_mut().inspection_failed = true),
            ("scrapped", |d| d.cylinder_mut().scrapped = true),
            ("seized", |d| d.cylinder_mut().seized = true),
            ("blacklisted", |d| d.cylinder_mut().blacklisted = true),
            ("lost", |d| d.cylinder_mut().lost = true),
            ("held", |d| d.cylinder_mut().last_fill.as_mut().unwrap().status = FillStatus::Held),
            ("not_filled", |d| d.cylinder_mut().last_fill = None),
        ];
        for (reason, change) in table {
            assert_eq!(reasons(&Doorstep::with(change)), [reason]);
        }
        let all = Doorstep::with(|d| {
            table.iter().filter(|(reason, _)| *reason != "held").for_each(|(_, change)| change(d));
        });
        assert_eq!(reasons(&all).len(), 6);
        assert_eq!(Doorstep::with(|d| d.cylinder = None).check(&RULE), None);
    }
}
