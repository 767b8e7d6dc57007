//! Every word of the page, once in each language.

mod en;
mod zh;

use crate::domain::said::Lang;

/// Every word of the page in one language.
pub struct Words {
    /// The language tag.
    pub tag: &'static str,
    /// The name of the language, in itself.
    pub language: &'static str,
    /// The link to the page in this language, in this language.
    pub switch: &'static str,
    pub service: &'static str,
    pub title: &'static str,
    pub colon: &'static str,
    pub stop: &'static str,
    pub lawful: VerdictWords,
    pub caution: VerdictWords,
    pub unjudged: VerdictWords,
    pub not_lawful: VerdictWords,
    pub unknown: VerdictWords,
    pub forged: VerdictWords,
    pub reasons: &'static str,
    pub meaning: &'static str,
    pub code_asked: &'static str,
    pub type_again: &'static str,
    pub steps: &'static str,
    pub notes: &'static str,
    pub check_how: &'static str,
    pub record: &'static str,
    pub terms: Terms,
    pub statuses: Statuses,
    pub none: &'static str,
    pub end_kept_back: &'static str,
    pub overdue: &'static str,
    pub life_ended: &'static str,
    /// Yes and no.
    pub insured: (&'static str, &'static str),
    pub complain: &'static str,
    pub call: &'static str,
    pub line: &'static str,
    pub line_12315: &'static str,
    pub authority: &'static str,
    pub tell: &'static str,
    pub smell: &'static str,
    /// Ends where the number follows.
    pub smell_do: &'static str,
    pub about: &'static str,
    pub limits: [&'static str; 3],
    pub looked_up: &'static str,
}

/// What is said of a verdict.
pub struct VerdictWords {
    pub class: &'static str,
    pub word: &'static str,
    /// What to do, where the word itself doesn't say it.
    pub order: Option<&'static str>,
    pub summary: &'static str,
    /// What it means, and what to try before believing it.
    pub meaning: Option<(&'static str, &'static str)>,
    pub steps: Option<[&'static str; 3]>,
    /// Over what can be compared, and below it: what a difference means.
    pub check: Option<(&'static str, &'static str)>,
}

/// What stands before each value.
pub struct Terms {
    pub code: &'static str,
    pub registration_code: &'static str,
    pub model: &'static str,
    pub serial_no: &'static str,
    pub manufactured: &'static str,
    pub status: &'static str,
    pub owner: &'static str,
    pub filler: &'static str,
    pub filled: &'static str,
    pub net: &'static str,
    pub inspection_due: &'static str,
    pub life_ends: &'static str,
    pub insured: &'static str,
}

/// How a cylinder stands.
pub struct Statuses {
    pub in_service: &'static str,
    pub lost: &'static str,
    pub blacklisted: &'static str,
    pub seized: &'static str,
    pub scrapped: &'static str,
}

impl Words {
    /// The words of a language.
    pub fn of(lang: Lang) -> &'static Self {
        match lang {
            Lang::Zh => &zh::WORDS,
            Lang::En => &en::WORDS,
        }
    }
}
