//! `fill.custody-gap`: a cylinder that was last somewhere else should have been scanned when it came in.

use super::FillRule;
use crate::domain::cylinder::{Custody, CustodyKind};
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
        id: "fill.custody-gap",
        severity: Severity::Warn,
        by_policy: true,
        alert: false,
        message: Words {
            zh: "此瓶没有回站记录（最后在：{custody}）",
            en: "No record of its coming in (last seen: {custody})",
        },
        next_step: Words { zh: "补扫一次回收", en: "Scan its return" },
        citations: &[law::WHOLE_WAY],
    },
    check,
};

fn check(facts: &FillFacts<'_>, _: &Policy, _: Moment) -> Option<Evidence> {
    let custody = facts.cylinder?.custody;
    is_gap(custody, facts).then(|| evidence! { "custody" => custody.kind, "since" => custody.since })
}

/// Whether the last known holder is not this station. What the filler has at no known site may be here.
fn is_gap(custody: Custody, facts: &FillFacts<'_>) -> bool {
    let others = || facts.filler.is_some_and(|filler| filler.organization.id != custody.organization_id);
    match custody.kind {
        CustodyKind::Owner => others(),
        CustodyKind::Site => match custody.site_id {
            Some(site_id) => facts.scale.is_some_and(|scale| scale.site_id != site_id),
            None => others(),
        },
        CustodyKind::Customer | CustodyKind::Agency | CustodyKind::Authority => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::fill::testing::breaks;
    use crate::gate::fixtures::{FILLER, OTHER_SITE, SITE, STRANGER, custody};

    #[test]
    fn it_was_here_or_with_the_filler() {
        use CustodyKind::{Agency, Authority, Customer, Owner};
        for (kind, organization, site, broken) in [
            (Owner, FILLER, None, false),
            (Owner, STRANGER, None, true),
            (CustodyKind::Site, FILLER, Some(SITE), false),
            (CustodyKind::Site, FILLER, Some(OTHER_SITE), true),
            (CustodyKind::Site, FILLER, None, false),
            (CustodyKind::Site, STRANGER, None, true),
            (Customer, FILLER, None, true),
            (Customer, FILLER, Some(SITE), true),
            (Agency, STRANGER, None, true),
            (Authority, STRANGER, None, true),
        ] {
            let got = breaks(&RULE, |w| w.cylinder_mut().custody = custody(kind, organization, site));
            assert_eq!(got, broken, "{kind} {organization} {site:?}");
        }
        assert!(!breaks(&RULE, |w| w.cylinder = None));
    }
}
