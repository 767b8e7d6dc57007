//! `fill.overfilled`: more gas than the steel allows bursts cylinders. It holds until enough gas is out.

use super::{RecordRule, weighed};
use crate::domain::finding::{Evidence, Severity};
use crate::domain::hold::OVERFILLED;
use crate::domain::instant::Moment;
use crate::domain::said::Words;
use crate::evidence;
use crate::gate::facts::RecordFacts;
use crate::gate::law;
use crate::gate::policy::Policy;
use crate::gate::rule::Rule;

pub(super) const RULE: RecordRule = RecordRule {
    rule: Rule {
        id: OVERFILLED,
        severity: Severity::Hold,
        by_policy: false,
        alert: false,
        message: Words {
            zh: "超量充装：净重 {net_g} 克，最多允许 {max_fill_g} 克，超 {over_g} 克",
            en: "Overfilled: {net_g} g of gas, at most {max_fill_g} g are allowed, {over_g} g too much",
        },
        next_step: Words {
            zh: "不得发出，卸出超量的气体后复称",
            en: "Do not release it; take out the excess gas and weigh again",
        },
        citations: &[law::CHECKS_AND_RECORDS, law::SUPERVISORY_CHECKS, law::TSG_FILLING],
    },
    check,
};

fn check(facts: &RecordFacts<'_>, _: &Policy, _: Moment) -> Option<Evidence> {
    let (stamp, net_g) = weighed(facts)?;
    let max_fill_g = stamp.max_fill_g.get();
    (net_g > max_fill_g).then(|| {
        evidence! {
            "gross_g" => facts.gross_g,
            "tare_g" => stamp.tare_g,
            "net_g" => net_g,
            "max_fill_g" => max_fill_g,
            "over_g" => net_g.saturating_sub(max_fill_g),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::fixtures::{STRANGER, id};
    use crate::gate::record::fixtures::Record;

    #[test]
    fn the_maximum_is_allowed_and_not_a_gram_more() {
        for (net_g, over_g) in
            [(14_899, None), (14_900, None), (14_901, Some(1)), (-16_500, None), (100_000, Some(85_100))]
        {
            let expected = over_g.map(|over_g| {
                evidence! {
                    "gross_g" => net_g + 16_500,
                    "tare_g" => 16_500,
                    "net_g" => net_g,
                    "max_fill_g" => 14_900,
                    "over_g" => over_g,
                }
            });
            assert_eq!(Record::with(|r| r.set_net(net_g)).check(&RULE), expected, "{net_g}");
            assert_eq!(
                Record::again(|r| r.set_net(net_g)).check(&RULE),
                expected,
                "{net_g}, second weighing"
            );
        }
    }

    #[test]
    fn the_stamped_tare_counts_not_the_scale_reading() {
        let record = Record::with(|r| {
            r.residual_g = 5_000;
            r.set_net(14_900);
        });
        assert_eq!(record.check(&RULE), None);
    }

    #[test]
    fn no_cylinder_and_nobody_elses() {
        assert_eq!(Record::with(|r| r.cylinder = None).check(&RULE), None);
        let foreign = Record::with(|r| {
            r.set_net(20_000);
            r.organization_id = id(STRANGER);
        });
        assert_eq!(foreign.check(&RULE), None);
    }
}
