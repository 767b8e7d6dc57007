//! How codes, masses, dates and telephone numbers are written for people.

use chrono::{Datelike, NaiveDate};

use crate::domain::said::Lang;

/// Whether this is a label id with its check character, `7K3M9PQ2-G`, or a whole code of 29 characters.
pub(super) fn is_code(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_digit() || c.is_ascii_uppercase();
    if text.len() == 29 {
        return text.chars().all(plain);
    }
    text.split_once('-').is_some_and(|(id, check)| {
        id.len() == 8 && check.len() == 1 && id.chars().chain(check.chars()).all(plain)
    })
}

/// Groups of four, the last of two to five, which is how people compare numbers. What has marks or characters of its own
/// is left as it is.
pub(super) fn grouped(code: &str) -> String {
    if !code.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return code.to_owned();
    }
    let mut text = String::with_capacity(code.len() + code.len() / 4);
    for (i, c) in code.chars().enumerate() {
        if i > 0 && i % 4 == 0 && code.len() - i > 1 {
            text.push(' ');
        }
        text.push(c);
    }
    text
}

/// `14.90 kg`, rounded half up.
pub(in crate::http) fn kilograms(mass_g: i32) -> String {
    let sign = if mass_g < 0 { "-" } else { "" };
    let tens = (mass_g.unsigned_abs() + 5) / 10;
    format!("{sign}{}.{:02} kg", tens / 100, tens % 100)
}

pub(super) fn day(lang: Lang, on: NaiveDate) -> String {
    match lang {
        Lang::Zh => format!("{}年{}月{}日", on.year(), on.month(), on.day()),
        Lang::En => on.format("%-d %B %Y").to_string(),
    }
}

/// The length of `2026-06-15`.
const DATE: usize = 10;

/// A sentence in pieces, and whether each is a date such as `2026-06-15`: one that breaks at a hyphen is misread.
pub(super) fn pieces(sentence: &str) -> Vec<(&str, bool)> {
    let mut pieces = Vec::new();
    let mut rest = sentence;
    while let Some(at) = (0..rest.len()).find(|at| is_date_at(rest, *at)) {
        let (before, from) = rest.split_at(at);
        let (date, after) = from.split_at(DATE);
        pieces.extend([(before, false), (date, true)]);
        rest = after;
    }
    pieces.push((rest, false));
    pieces.retain(|(text, _)| !text.is_empty());
    pieces
}

/// Whether a date begins there that is no part of a longer number.
fn is_date_at(text: &str, at: usize) -> bool {
    let (Some(date), Some(before), Some(after)) =
        (text.get(at..at + DATE), text.get(..at), text.get(at + DATE..))
    else {
        return false;
    };
    let goes_on = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let form = |b: u8| b.is_ascii_digit() || b == b'-';
    date.bytes().all(form)
        && date.parse::<NaiveDate>().is_ok()
        && !before.ends_with(goes_on)
        && !after.starts_with(goes_on)
}

pub(super) fn month(lang: Lang, on: NaiveDate) -> String {
    match lang {
        Lang::Zh => format!("{}年{}月", on.year(), on.month()),
        Lang::En => on.format("%B %Y").to_string(),
    }
}

/// What a phone dials: the digits, and a leading plus.
pub(in crate::http) fn dial(phone: &str) -> Option<String> {
    let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
    let plus = if phone.trim_start().starts_with('+') { "+" } else { "" };
    (!digits.is_empty()).then(|| format!("{plus}{digits}"))
}
