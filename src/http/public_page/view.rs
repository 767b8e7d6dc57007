//! The page as its template reads it.

use askama::Template;
use chrono::NaiveDate;

use super::format::{day, dial, grouped, is_code, kilograms, month};
use super::words::{VerdictWords, Words};
use super::{PublicCylinder, PublicPage, Verdict};
use crate::domain::cylinder::{CylinderStatus, without_end};
use crate::domain::said::Lang;

/// What stands in the one `<style>` of the page.
pub(in crate::http) const STYLE: &str = include_str!("../../../templates/public_cylinder.css");

/// What the template reads.
#[derive(Template)]
#[template(path = "public_cylinder.html")]
pub(super) struct View<'a> {
    page: &'a PublicPage,
    words: &'static Words,
    other: &'static Words,
    style: &'static str,
    verdict: &'static VerdictWords,
    icon: Verdict,
    code: Option<&'a str>,
    cylinder: Option<&'a PublicCylinder>,
    check: Vec<Fact<'a>>,
    record: Vec<Fact<'a>>,
    line: &'static str,
    dial: Option<String>,
    looked_up: String,
}

impl<'a> View<'a> {
    /// Only a page with a cylinder on record says that anything is lawful.
    pub(super) fn of(page: &'a PublicPage) -> Self {
        let words = Words::of(page.lang);
        let (verdict, cylinder) = match (page.verdict, &page.cylinder) {
            (Verdict::Lawful | Verdict::Caution | Verdict::Unjudged | Verdict::NotLawful, Some(cylinder)) => {
                (page.verdict, Some(cylinder))
            }
            (Verdict::Lawful | Verdict::Caution | Verdict::Unjudged, None) => (Verdict::UnknownCode, None),
            (verdict, _) => (verdict, None),
        };
        let code = page.code_shown.as_deref().filter(|code| is_code(code));
        Self {
            page,
            words,
            other: Words::of(match page.lang {
                Lang::Zh => Lang::En,
                Lang::En => Lang::Zh,
            }),
            style: STYLE,
            verdict: match verdict {
                Verdict::Lawful => &words.lawful,
                Verdict::Caution => &words.caution,
                Verdict::Unjudged => &words.unjudged,
                Verdict::NotLawful => &words.not_lawful,
                Verdict::UnknownCode => &words.unknown,
                Verdict::ForgedCode => &words.forged,
            },
            icon: verdict,
            code,
            cylinder,
            check: cylinder.map(|cylinder| check(page, cylinder, code)).unwrap_or_default(),
            record: cylinder.map(|cylinder| record(page, cylinder)).unwrap_or_default(),
            line: if page.complaint.phone == "12315" { words.line_12315 } else { words.line },
            dial: dial(&page.complaint.phone),
            looked_up: day(page.lang, page.looked_up_on),
        }
    }
}

/// What can be compared with the label and the steel.
fn check<'a>(page: &PublicPage, cylinder: &'a PublicCylinder, code: Option<&'a str>) -> Vec<Fact<'a>> {
    let terms = &Words::of(page.lang).terms;
    let registration = cylinder.registration_code.as_deref();
    let made = cylinder.manufactured_on.map(|on| month(page.lang, on));
    vec![
        Fact::new(terms.code, code.map_or(Value::None, |code| Value::Code(code.to_owned()))),
        Fact::new(
            terms.registration_code,
            registration.map_or(Value::None, |code| Value::Code(grouped(code))),
        ),
        Fact::new(terms.model, cylinder.model.clone().map_or(Value::None, Value::Code)),
        Fact::new(terms.serial_no, Value::WithoutEnd(without_end(&cylinder.serial_no))),
        Fact::new(terms.manufactured, made.map_or(Value::None, Value::Text)),
    ]
}

/// What is on record.
fn record<'a>(page: &PublicPage, cylinder: &'a PublicCylinder) -> Vec<Fact<'a>> {
    let Words { terms, statuses, overdue, life_ended, insured, .. } = Words::of(page.lang);
    let name = |name: &'a Option<String>| name.as_deref().map_or(Value::None, Value::Name);
    let date = |on: Option<NaiveDate>| on.map_or(Value::None, |on| Value::Date(on, day(page.lang, on)));
    let is_over = |on: Option<NaiveDate>| on.is_some_and(|on| on < page.looked_up_on);
    let (status, stands_well) = match cylinder.status {
        CylinderStatus::InService => (statuses.in_service, true),
        CylinderStatus::Lost => (statuses.lost, false),
        CylinderStatus::Blacklisted => (statuses.blacklisted, false),
        CylinderStatus::Seized => (statuses.seized, false),
        CylinderStatus::Scrapped => (statuses.scrapped, false),
    };
    let status = if stands_well {
        Fact::new(terms.status, Value::Text(status.to_owned()))
    } else {
        Fact { term: terms.status, value: Value::Text(String::new()), flag: Some(status) }
    };
    let insured = cylinder.insured.map(|yes| if yes { insured.0 } else { insured.1 });
    vec![
        status,
        Fact::new(terms.owner, name(&cylinder.owner_name)),
        Fact::new(terms.filler, name(&cylinder.filler_name)),
        Fact::new(terms.filled, date(cylinder.filled_on)),
        Fact::new(terms.net, cylinder.net_g.map_or(Value::None, |net_g| Value::Text(kilograms(net_g)))),
        Fact {
            flag: is_over(cylinder.inspection_due_on).then_some(*overdue),
            ..Fact::new(terms.inspection_due, date(cylinder.inspection_due_on))
        },
        Fact {
            flag: is_over(cylinder.life_ends_on).then_some(*life_ended),
            ..Fact::new(terms.life_ends, date(cylinder.life_ends_on))
        },
        Fact::new(terms.insured, insured.map_or(Value::None, |word| Value::Text(word.to_owned()))),
    ]
}

/// A line of a table.
struct Fact<'a> {
    term: &'static str,
    value: Value<'a>,
    flag: Option<&'static str>,
}

impl<'a> Fact<'a> {
    fn new(term: &'static str, value: Value<'a>) -> Self {
        Self { term, value, flag: None }
    }
}

enum Value<'a> {
    Text(String),
    /// As registered, which is Chinese in both languages.
    Name(&'a str),
    Code(String),
    WithoutEnd(String),
    Date(NaiveDate, String),
    None,
}
