//! `fill.not-owned`: a station fills its own cylinders only 固定充装.

use super::FillRule;
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
        id: "fill.not-owned",
        severity: Severity::Refuse,
        by_policy: false,
        alert: false,
        message: Words {
            zh: "此瓶属于{owner_name}，不是本单位的瓶",
            en: "This cylinder belongs to {owner_name}, not to you",
        },
        next_step: Words { zh: "不充，退回产权单位", en: "Do not fill; give it back to its owner" },
        citations: &[law::OWN_ONLY, law::OWN_ONLY_LOCAL, law::FILL_GATE],
    },
    check,
};

fn check(facts: &FillFacts<'_>, _: &Policy, _: Moment) -> Option<Evidence> {
    let cylinder = facts.cylinder?;
    let filler = facts.filler?.organization;
    (cylinder.owner_id != filler.id).then(|| {
        let owner = facts.owner.map(|o| o.organization.name.as_str());
        evidence! { "owner_id" => cylinder.owner_id, "owner_name" => owner, "filler_id" => filler.id }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::fill::testing::{breaks, evidence_of};
    use crate::gate::fixtures::{STRANGER, World, id};

    #[test]
    fn owner_and_filler_are_one() {
        assert!(!breaks(&RULE, |_| {}));
        assert!(breaks(&RULE, |w| w.cylinder_mut().owner_id = id(STRANGER)));
        assert!(breaks(&RULE, |w| w.filler_mut().id = id(STRANGER)));
        assert!(!breaks(&RULE, |w| w.cylinder = None));
    }

    #[test]
    fn an_owner_that_cannot_be_found_has_no_name() {
        let world = World::with(|w| {
            w.cylinder_mut().owner_id = id(STRANGER);
            w.owner = None;
        });
        assert_eq!(evidence_of(&RULE, &world).unwrap()["owner_name"], serde_json::Value::Null);
    }
}
