//! `fill.cycle-too-short`: a code that was filled a short time ago and went nowhere since is a pocket code 口袋码.

use super::FillRule;
use crate::domain::cylinder::{CustodyKind, LastFill};
use crate::domain::finding::{Evidence, Severity};
use crate::domain::instant::Moment;
use crate::domain::said::Words;
use crate::evidence;
use crate::gate::facts::FillFacts;
use crate::gate::law;
use crate::gate::policy::Policy;
use crate::gate::rule::Rule;

const SECONDS_PER_HOUR: i64 = 3_600;

pub(super) const RULE: FillRule = FillRule {
    rule: Rule {
        id: "fill.cycle-too-short",
        severity: Severity::Refuse,
        by_policy: false,
        alert: true,
        message: Words {
            zh: "此码 {within_hours} 小时内刚充过，其间没有出入库",
            en: "This code was filled less than {within_hours} h ago and has not left since",
        },
        next_step: Words {
            zh: "不充，核对标签是不是这只瓶的",
            en: "Do not fill; check that the label belongs to this cylinder",
        },
        citations: &[law::CODE_AND_STAMP],
    },
    check,
};

fn check(facts: &FillFacts<'_>, policy: &Policy, now: Moment) -> Option<Evidence> {
    filled_here_lately(facts, policy, now).filter(|fill| !fill.emptied_since).map(|fill| told(fill, now))
}

/// The last fill, where it is younger than the shortest cycle and the cylinder has not been out and back since. What went to a
/// customer and never came back was not out: it is there, and here is another one.
pub(super) fn filled_here_lately<'a>(
    facts: &FillFacts<'a>,
    policy: &Policy,
    now: Moment,
) -> Option<&'a LastFill> {
    let cylinder = facts.cylinder?;
    let fill = filled_lately(facts, policy, now)?;
    let came_back = fill.moved_since && cylinder.custody.kind != CustodyKind::Customer;
    (!came_back).then_some(fill)
}

/// The last fill, where it is younger than the shortest cycle.
pub(super) fn filled_lately<'a>(facts: &FillFacts<'a>, policy: &Policy, now: Moment) -> Option<&'a LastFill> {
    let cycle_s = policy.min_refill_cycle_hours().saturating_mul(SECONDS_PER_HOUR);
    let fill = facts.cylinder?.last_fill.as_ref()?;
    (now.at.seconds_since(fill.recorded_at) < cycle_s).then_some(fill)
}

/// The fill that a refusal or a warning is about.
pub(super) fn told(fill: &LastFill, now: Moment) -> Evidence {
    evidence! {
        "last_fill_id" => fill.id,
        "last_filled_at" => fill.at,
        "within_hours" => now.at.seconds_since(fill.recorded_at).max(0) / SECONDS_PER_HOUR + 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::fill::testing::evidence_of;
    use crate::gate::fixtures::{World, last_fill, policy};

    fn filled(at: &str, moved_since: bool, emptied_since: bool) -> World {
        World::with(|w| {
            w.cylinder_mut().last_fill = Some(LastFill { moved_since, emptied_since, ..last_fill(at) });
        })
    }

    #[test]
    fn twelve_hours_must_pass() {
        for (at, broken) in [
            ("2026-06-15T01:59:59Z", true),
            ("2026-06-14T14:00:00.000001Z", true),
            ("2026-06-14T14:00:00Z", false),
            ("2026-06-14T13:59:59Z", false),
            ("2026-06-15T02:00:01Z", true),
        ] {
            assert_eq!(evidence_of(&RULE, &filled(at, false, false)).is_some(), broken, "{at}");
        }
        assert!(evidence_of(&RULE, &World::good()).is_none(), "never filled");
        assert!(evidence_of(&RULE, &World::with(|w| w.cylinder = None)).is_none());
    }

    #[test]
    fn what_the_client_says_of_the_time_does_not_count() {
        let world = World::with(|w| {
            let fill = last_fill("2026-06-15T01:00:00Z");
            w.cylinder_mut().last_fill = Some(LastFill { at: fill.at.plus_seconds(-86_400), ..fill });
        });
        assert!(evidence_of(&RULE, &world).is_some());
    }

    #[test]
    fn who_went_out_or_was_emptied_may_come_back_sooner() {
        for (moved, emptied, broken) in [(false, false, true), (true, false, false), (false, true, false)] {
            let world = filled("2026-06-15T01:00:00Z", moved, emptied);
            assert_eq!(evidence_of(&RULE, &world).is_some(), broken, "{moved} {emptied}");
        }
    }

    #[test]
    fn policy_sets_the_hours_and_evidence_does_not_tell_them() {
        let world = filled("2026-06-15T00:00:00Z", false, false);
        let check = |hours: i64| {
            (RULE.check)(&world.fill_facts(), &policy(&[("min_refill_cycle_hours", hours.into())]), world.now)
        };
        assert!(check(3).is_some());
        assert!(check(2).is_none());
        assert!(check(0).is_none());
        assert_eq!(
            check(12).unwrap().keys().collect::<Vec<_>>(),
            ["last_fill_id", "last_filled_at", "within_hours"]
        );
    }
}
