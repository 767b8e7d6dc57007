//! `handover.out-of-order`: a scan that is told late, of a time before what is on record, says nothing of where the cylinder is
//! now. Accepted, one old scan would cover any number of deliveries.

use super::HandoverRule;
use crate::domain::finding::{Evidence, Severity};
use crate::domain::instant::Moment;
use crate::domain::said::Words;
use crate::evidence;
use crate::gate::facts::HandoverFacts;
use crate::gate::law;
use crate::gate::policy::Policy;
use crate::gate::rule::Rule;

pub(super) const RULE: HandoverRule = HandoverRule {
    rule: Rule {
        id: "handover.out-of-order",
        severity: Severity::Refuse,
        by_policy: false,
        alert: true,
        message: Words {
            zh: "扫码时间 {captured_at} 早于此瓶最近的记录",
            en: "Scanned at {captured_at}, before what is on record of this cylinder",
        },
        next_step: Words {
            zh: "核对手机时间和这只瓶；交付前要先扫码",
            en: "Check the clock of the phone and the cylinder; scan before you hand over",
        },
        citations: &[law::WHOLE_WAY],
    },
    check,
};

fn check(facts: &HandoverFacts<'_>, _: &Policy, _: Moment) -> Option<Evidence> {
    let (cylinder, captured_at) = (facts.cylinder?, facts.captured_at?);
    cylinder.is_newer_than(captured_at).then(|| {
        evidence! {
            "captured_at" => captured_at,
            "since" => cylinder.custody.since,
            "last_filled_at" => cylinder.last_fill.as_ref().map(|fill| fill.at),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::fixtures::instant;
    use crate::gate::handover::fixtures::Doorstep;

    #[test]
    fn a_scan_from_before_the_last_fill_or_the_last_way_is_none_of_now() {
        for (captured_at, found) in [
            (None, false),
            (Some("2026-06-14T08:00:00Z"), false),
            (Some("2026-06-14T07:59:59.999999Z"), true),
            (Some("2026-06-15T01:59:00Z"), false),
        ] {
            let doorstep = Doorstep::with(|d| d.captured_at = captured_at.map(instant));
            assert_eq!(doorstep.check(&RULE).is_some(), found, "{captured_at:?}");
        }
        let moved = Doorstep::with(|d| {
            d.captured_at = Some(instant("2026-06-15T01:00:00Z"));
            d.cylinder_mut().custody.since = instant("2026-06-15T01:00:01Z");
        });
        assert!(moved.check(&RULE).is_some());
        assert_eq!(Doorstep::with(|d| d.cylinder = None).check(&RULE), None);
    }
}
