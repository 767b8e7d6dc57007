//! `fill.short-weight`: the customer pays for a full cylinder.

use super::{RecordRule, weighed};
use crate::domain::finding::{Evidence, Severity};
use crate::domain::instant::Moment;
use crate::domain::said::Words;
use crate::evidence;
use crate::gate::facts::RecordFacts;
use crate::gate::law;
use crate::gate::policy::Policy;
use crate::gate::rule::Rule;

pub(super) const RULE: RecordRule = RecordRule {
    rule: Rule {
        id: "fill.short-weight",
        severity: Severity::Warn,
        by_policy: true,
        alert: false,
        message: Words {
            zh: "分量不足：净重 {net_g} 克，应不少于 {least_g} 克",
            en: "Short weight: {net_g} g of gas, at least {least_g} g are expected",
        },
        next_step: Words {
            zh: "复称核实，按实际净重标明和结算",
            en: "Weigh again; mark and charge what is really in it",
        },
        citations: &[law::FAIR_MEASURE, law::NO_SHORT_WEIGHT],
    },
    check,
};

fn check(facts: &RecordFacts<'_>, policy: &Policy, _: Moment) -> Option<Evidence> {
    let (stamp, net_g) = weighed(facts)?;
    let max_fill_g = stamp.max_fill_g.get();
    let least_g = max_fill_g.saturating_sub(policy.short_fill_g());
    (net_g < least_g).then(|| {
        evidence! {
            "gross_g" => facts.gross_g,
            "tare_g" => stamp.tare_g,
            "net_g" => net_g,
            "max_fill_g" => max_fill_g,
            "least_g" => least_g,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::fixtures::{STRANGER, id, int};
    use crate::gate::record::fixtures::Record;

    #[test]
    fn one_kilogram_below_the_maximum_is_the_least() {
        for (net_g, short) in
            [(13_899, true), (13_900, false), (13_901, false), (0, true), (-1, true), (20_000, false)]
        {
            for record in [Record::with(|r| r.set_net(net_g)), Record::again(|r| r.set_net(net_g))] {
                let expected = short.then(|| {
                    evidence! {
                        "gross_g" => net_g + 16_500,
                        "tare_g" => 16_500,
                        "net_g" => net_g,
                        "max_fill_g" => 14_900,
                        "least_g" => 13_900,
                    }
                });
                assert_eq!(record.check(&RULE), expected, "{net_g}");
            }
        }
    }

    #[test]
    fn a_small_cylinder_may_be_empty_by_this_rule() {
        let record = Record::with(|r| {
            r.cylinder.as_mut().unwrap().stamp.max_fill_g = int(1_000);
            r.set_net(0);
        });
        assert_eq!(record.check(&RULE), None);
    }

    #[test]
    fn no_cylinder_and_nobody_elses() {
        assert_eq!(Record::with(|r| r.cylinder = None).check(&RULE), None);
        let foreign = Record::with(|r| {
            r.set_net(0);
            r.organization_id = id(STRANGER);
        });
        assert_eq!(foreign.check(&RULE), None);
    }
}
