//! `fill.code-foreign-host`: the code is read from an address that is not this service's. A sticker with a code of ours
//! on it and another address leads customers to somebody else's page, which may call anything lawful.

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
        id: "fill.code-foreign-host",
        severity: Severity::Warn,
        by_policy: true,
        alert: true,
        message: Words {
            zh: "标签二维码的网址不是本服务的",
            en: "The QR code on the label leads to another web site",
        },
        next_step: Words {
            zh: "标签可能被换过：更换标签，并报告站长",
            en: "The sticker may have been swapped: replace the label and tell the station manager",
        },
        citations: &[law::CODE_AND_STAMP, law::ONE_CYLINDER_ONE_CODE],
    },
    check,
};

fn check(facts: &FillFacts<'_>, _: &Policy, _: Moment) -> Option<Evidence> {
    let host = facts.scan.foreign_host.as_deref()?;
    Some(evidence! { "foreign_host" => host })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::CodeStatus;
    use crate::gate::fill::testing::{breaks, evidence_of};
    use crate::gate::fixtures::World;

    #[test]
    fn another_host_is_named_whatever_the_code() {
        for word in CodeStatus::WORDS {
            for (host, broken) in [(None, false), (Some("evil.example"), true)] {
                let got = breaks(&RULE, |w| {
                    w.scan.status = word.parse().unwrap();
                    w.scan.foreign_host = host.map(str::to_owned);
                });
                assert_eq!(got, broken, "{word} {host:?}");
            }
        }
    }

    #[test]
    fn the_host_is_the_evidence() {
        let world = World::with(|w| w.scan.foreign_host = Some("evil.example".to_owned()));
        let found = evidence_of(&RULE, &world).unwrap();
        assert_eq!(
            serde_json::to_value(found).unwrap(),
            serde_json::json!({ "foreign_host": "evil.example" })
        );
    }
}
