//! How codes, masses, dates and telephone numbers are written for people.

use chrono::{Datelike, NaiveDate};

use crate::gate::rule::Lang;

/// Whether this is a label id with its check character, `7K3M9PQ2-G`.
pub(super) fn is_short_code(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_digit() || c.is_ascii_uppercase();
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
