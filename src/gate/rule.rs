//! What a rule is: its stable id, how bad it is, its words in two languages, the law behind it and its check.

use serde_json::Value;

use super::policy::Policy;
use super::terms;
use crate::domain::finding::{Evidence, Finding, Severity};
use crate::domain::instant::Moment;
use crate::domain::said::{Lang, Words};

/// The place in a law, standard or policy document that a rule rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Citation {
    /// The document, e.g. `中华人民共和国特种设备安全法`.
    pub document: &'static str,
    /// The clause, e.g. `第四十条`.
    pub clause: &'static str,
    /// What it says, in its own words, where they were read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quote: Option<&'static str>,
}

/// A rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Stable for ever.
    pub id: &'static str,
    /// How bad a finding is, unless policy says otherwise.
    pub severity: Severity,
    /// Whether policy may say otherwise (`severity.<id>`): the rules marked * in the rule book.
    pub by_policy: bool,
    /// Whether a finding is a sign of cheating that somebody must look at.
    pub alert: bool,
    /// What went wrong, with `{names}` of evidence.
    pub message: Words,
    /// The one thing to do next.
    pub next_step: Words,
    /// The law behind it.
    pub citations: &'static [Citation],
}

impl Rule {
    /// A finding of this rule, with the severity that policy gives it.
    pub fn finding(&self, evidence: Evidence, policy: &Policy) -> Finding {
        Finding { rule: self.id.to_owned(), severity: policy.severity(self), alert: self.alert, evidence }
    }

    /// The message for a person.
    pub fn message(&self, evidence: &Evidence, lang: Lang) -> String {
        fill_in(self.message.get(lang), evidence, lang)
    }
}

/// A rule with its check, which yields the compared values where the rule is broken. `C` is the check of one gate, for
/// that gate's facts.
pub struct RuleOf<C> {
    /// Its id, words and law.
    pub rule: Rule,
    /// The compared values where the rule is broken.
    pub check: C,
}

/// Runs all rules of a gate, in their order.
pub fn run<F, C>(rules: &[RuleOf<C>], facts: &F, policy: &Policy, now: Moment) -> Vec<Finding>
where
    C: Fn(&F, &Policy, Moment) -> Option<Evidence>,
{
    let broken =
        |r: &RuleOf<C>| (r.check)(facts, policy, now).map(|evidence| r.rule.finding(evidence, policy));
    rules.iter().filter_map(broken).collect()
}

/// The words of a list whose conditions hold, in the order of the list.
pub fn holding<const N: usize>(words: [(&'static str, bool); N]) -> Vec<&'static str> {
    words.into_iter().filter_map(|(word, holds)| holds.then_some(word)).collect()
}

/// Puts evidence into the `{names}` of a text; a name without evidence becomes a dash.
fn fill_in(template: &str, evidence: &Evidence, lang: Lang) -> String {
    let mut text = String::with_capacity(template.len() + 16);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let Some((name, tail)) = after.split_once('}') else {
            rest = after;
            break;
        };
        text.push_str(&evidence.get(name).map_or_else(|| "–".to_owned(), |value| plain(name, value, lang)));
        rest = tail;
    }
    text.push_str(rest);
    text
}

fn plain(name: &str, value: &Value, lang: Lang) -> String {
    match value {
        Value::Null => "–".to_owned(),
        Value::String(text) => {
            terms::find(name, text).map_or_else(|| text.clone(), |words| words.get(lang).to_owned())
        }
        Value::Array(items) if items.is_empty() => "–".to_owned(),
        Value::Array(items) => {
            let separator = if lang == Lang::Zh { "、" } else { ", " };
            items.iter().map(|item| plain(name, item, lang)).collect::<Vec<_>>().join(separator)
        }
        other => other.to_string(),
    }
}

/// Every rule of every gate, by id.
pub fn find(id: &str) -> Option<&'static Rule> {
    all().find(|rule| rule.id == id)
}

/// Every rule of every gate.
pub fn all() -> impl Iterator<Item = &'static Rule> {
    let fill = super::fill::RULES.iter().map(|r| &r.rule);
    let record = super::record::RULES.iter().map(|r| &r.rule);
    let handover = super::handover::RULES.iter().map(|r| &r.rule);
    fill.chain(record).chain(handover)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence;
    use crate::gate::fixtures::names;

    #[test]
    fn evidence_goes_into_the_words() {
        let evidence = evidence! { "a" => 5, "b" => "x", "list" => ["p", "q"], "no" => [(); 0] };
        assert_eq!(fill_in("{a} g, {b}; {list} {gone} {no}", &evidence, Lang::En), "5 g, x; p, q – –");
        assert_eq!(fill_in("no end {a", &evidence, Lang::En), "no end a");
    }

    #[test]
    fn words_of_evidence_are_said_in_the_language_of_the_message() {
        let evidence =
            evidence! { "reason" => "expired", "failed" => ["valve", "body"], "owner_name" => "expired" };
        assert_eq!(
            fill_in("{reason} {failed} {owner_name}", &evidence, Lang::Zh),
            "已过期 瓶阀、瓶体 expired"
        );
        assert_eq!(
            fill_in("{reason} {failed} {owner_name}", &evidence, Lang::En),
            "expired valve, body expired"
        );
    }

    #[test]
    fn every_rule_has_its_own_id_and_words_and_law() {
        let mut ids: Vec<_> = all().map(|r| r.id).collect();
        ids.sort_unstable();
        let count = ids.len();
        ids.dedup();
        assert_eq!(ids.len(), count, "ids are unique");
        for rule in all() {
            assert!(!rule.message.zh.is_empty() && !rule.message.en.is_empty(), "{}", rule.id);
            assert!(!rule.next_step.zh.is_empty() && !rule.next_step.en.is_empty(), "{}", rule.id);
            assert!(!rule.citations.is_empty(), "{} cites nothing", rule.id);
        }
    }

    #[test]
    fn both_languages_name_the_same_evidence() {
        for rule in all() {
            assert_eq!(names(rule.message.zh), names(rule.message.en), "{}", rule.id);
            assert!(
                names(rule.next_step.zh).is_empty() && names(rule.next_step.en).is_empty(),
                "{}",
                rule.id
            );
        }
    }
}
