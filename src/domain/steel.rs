//! How what is stamped on steel or printed on paper is spelled: people type it full-width, in lower case, with or without
//! blanks and hyphens, and it is the same stamp.

use crate::domain::said::said;
use icu_normalizer::ComposingNormalizerBorrowed;

use super::value::{Text, ValueCode, ValueError};

/// One spelling: compatibility forms folded (full-width, Roman numerals), upper case.
pub fn spelled(text: &str) -> String {
    ComposingNormalizerBorrowed::new_nfkc().normalize(&text.to_uppercase()).to_uppercase()
}

/// What two spellings of one stamp have in common: its letters and digits. Struck into steel, O and 0 are one, and so are I
/// and 1; the key only, what is shown stays as it was read.
pub fn key(text: &str) -> String {
    let folded = |c: char| match c {
        'O' => '0',
        'I' => '1',
        other => other,
    };
    spelled(text).chars().filter(|c| c.is_alphanumeric()).map(folded).collect()
}

/// The same of a serial number, which somebody may have padded with zeros in front.
pub fn serial_key(text: &str) -> String {
    let key = key(text);
    let bare = key.trim_start_matches('0');
    if bare.is_empty() { "0".to_owned() } else { bare.to_owned() }
}

/// A Han character: registration codes and stamps carry provinces and makers.
fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}')
}

/// Reads a number off the steel in one spelling. Letters of other scripts are refused: a Cyrillic А is no A, and would
/// make a second identity of one stamp.
///
/// # Errors
/// Fewer letters and digits than `least`, a letter that no stamp has, or the bounds of the text.
pub fn read<const MIN: usize, const MAX: usize>(
    text: &Text<MIN, MAX>,
    least: usize,
) -> Result<Text<MIN, MAX>, ValueError> {
    let text = spelled(text.as_str());
    let stamped = |c: char| c.is_ascii() || is_han(c) || !c.is_alphanumeric();
    if !text.chars().all(stamped) {
        return Err(ValueError::new(
            ValueCode::BadFormat,
            said(
                "只能用字母 A 到 Z、数字、汉字和符号",
                "letters A to Z, digits, Chinese characters and signs",
            ),
        ));
    }
    if key(&text).chars().count() < least {
        return Err(ValueError::new(
            ValueCode::BadFormat,
            said(format!("至少 {least} 个字母或数字"), format!("at least {least} letters or digits")),
        ));
    }
    Text::new(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_has_one_key() {
        for spelling in
            ["A1234567", "a1234567", "Ａ１２３４５６７", "A-123 4567", "A.1234/567", " A1234567\u{3000}"]
        {
            assert_eq!(key(spelling), "A1234567", "{spelling}");
        }
        assert_eq!(key("苏A-Ⅱ"), "苏A11");
        assert_ne!(key("A1234567"), key("A1234568"));
    }

    #[test]
    fn what_looks_alike_on_steel_has_one_key() {
        for spelling in
            ["A1230077", "A123OO77", "A1230O77", "AI230077", "a i23-oo77", "0A1230077", "O0A1230077"]
        {
            assert_eq!(serial_key(spelling), "A1230077", "{spelling}");
        }
        assert_eq!(serial_key("000"), "0");
        assert_eq!(serial_key("O"), "0");
        assert_ne!(serial_key("A12300770"), serial_key("A1230077"), "zeros at the end count");
        assert_ne!(key("032A1"), key("32A1"), "a registration code is not padded");
    }

    #[test]
    fn letters_that_look_alike_are_refused() {
        let read = |text: &str| read(&Text::<1, 32>::new(text).unwrap(), 1);
        assert_eq!(read("ａ-1").unwrap().as_str(), "A-1");
        assert_eq!(read("苏a 1").unwrap().as_str(), "苏A 1");
        for wrong in ["\u{410}123", "\u{391}123", "É1", "---", "\u{661}"] {
            assert_eq!(read(wrong).unwrap_err().code, ValueCode::BadFormat, "{wrong}");
        }
    }
}
