//! Bounded values: text and integers that cannot exist out of bounds.

use crate::domain::said::{Lang, Said, said};
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Why a value was not accepted. The code is stable and goes to clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueCode {
    /// Text shorter than allowed.
    TooShort,
    /// Text longer than allowed.
    TooLong,
    /// Text with a control character.
    ControlCharacter,
    /// A number below or above its bounds.
    OutOfRange,
    /// Text that does not have the required form.
    BadFormat,
    /// A date that no calendar has.
    NoSuchDate,
}

impl ValueCode {
    const ALL: [(ValueCode, &'static str); 6] = [
        (ValueCode::TooShort, "too_short"),
        (ValueCode::TooLong, "too_long"),
        (ValueCode::ControlCharacter, "control_character"),
        (ValueCode::OutOfRange, "out_of_range"),
        (ValueCode::BadFormat, "bad_format"),
        (ValueCode::NoSuchDate, "no_such_date"),
    ];

    /// The stable name of the code.
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(code, _)| *code == self).map_or("invalid", |(_, name)| name)
    }
}

/// What stands between the English and the Chinese in the text of an error that serde hands on; no message has it.
const BETWEEN: char = '\u{1f}';

/// A value that is understood but not allowed.
///
/// Its text is `code: detail`. serde hands errors of nested members on as text only: [`ValueError::through_serde`] writes both
/// languages into it, and [`ValueError::parse`] reads that form back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {detail}", .code.as_str())]
pub struct ValueError {
    /// What kind of fault.
    pub code: ValueCode,
    /// What is allowed, for a person.
    pub detail: Said,
}

impl ValueError {
    /// A new error; `detail` says what is allowed.
    pub fn new(code: ValueCode, detail: Said) -> Self {
        Self { code, detail }
    }

    /// As an error of a deserializer.
    pub fn through_serde<E: de::Error>(self) -> E {
        E::custom(format!("{self}{BETWEEN}{}", self.detail.get(Lang::Zh)))
    }

    /// Reads the form that `through_serde` writes; `None` for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        let (name, detail) = text.split_once(": ")?;
        let (en, zh) = detail.split_once(BETWEEN)?;
        let (code, _) = ValueCode::ALL.iter().find(|(_, known)| *known == name)?;
        Some(Self::new(*code, said(zh.to_owned(), en.to_owned())))
    }
}

/// Text of `MIN..=MAX` characters, trimmed, without control characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Text<const MIN: usize, const MAX: usize>(String);

/// Control characters, and Unicode's format characters (Cf): what nobody sees makes two of one name, or turns a line around.
pub fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}' | '\u{891}' | '\u{8e2}'
            | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0001}' | '\u{e0020}'..='\u{e007f}')
}

/// A name of a person, an organization, a thing.
pub type Name = Text<1, 120>;
/// A number or code printed on paper or steel.
pub type Number = Text<1, 64>;
/// A reason that a person gives for an act.
pub type Reason = Text<2, 500>;
/// A longer remark or an address.
pub type Remark = Text<1, 300>;

impl<const MIN: usize, const MAX: usize> Text<MIN, MAX> {
    /// Trims and checks.
    ///
    /// # Errors
    /// Too short, too long, or a control character.
    pub fn new(text: &str) -> Result<Self, ValueError> {
        let text = text.trim();
        if text.chars().any(is_unseen) {
            let detail = said(
                "不允许控制字符和不可见的格式字符",
                "control and invisible format characters are not allowed",
            );
            return Err(ValueError::new(ValueCode::ControlCharacter, detail));
        }
        let length = text.chars().count();
        let allowed = || {
            said(
                format!("应为 {MIN} 到 {MAX} 个字符，实为 {length} 个"),
                format!("{MIN} to {MAX} characters are allowed, got {length}"),
            )
        };
        if length < MIN {
            return Err(ValueError::new(ValueCode::TooShort, allowed()));
        }
        if length > MAX {
            return Err(ValueError::new(ValueCode::TooLong, allowed()));
        }
        Ok(Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MIN: usize, const MAX: usize> fmt::Display for Text<MIN, MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de, const MIN: usize, const MAX: usize> Deserialize<'de> for Text<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor)
    }
}

/// Says what is allowed where something else than text came.
struct TextVisitor<const MIN: usize, const MAX: usize>;

impl<const MIN: usize, const MAX: usize> de::Visitor<'_> for TextVisitor<MIN, MAX> {
    type Value = Text<MIN, MAX>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a text of {MIN} to {MAX} characters")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Text::new(text).map_err(ValueError::through_serde)
    }
}

/// An integer of `MIN..=MAX`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Int<const MIN: i32, const MAX: i32>(i32);

/// A mass on a scale, in grams.
pub type MassG = Int<0, 200_000>;
/// The tare of an empty cylinder, in grams.
pub type TareG = Int<500, 100_000>;
/// The greatest mass of gas a cylinder may hold, in grams.
pub type MaxFillG = Int<100, 63_000>;
/// The water capacity of a cylinder, in millilitres (GB 5842 ends at 150 l).
pub type CapacityMl = Int<500, 150_000>;
/// A pressure in kilopascal.
pub type PressureKpa = Int<100, 30_000>;
/// A wall thickness in micrometres.
pub type ThicknessUm = Int<500, 20_000>;
/// A design life in months.
pub type LifeMonths = Int<12, 600>;

impl<const MIN: i32, const MAX: i32> Int<MIN, MAX> {
    /// Checks the bounds.
    ///
    /// # Errors
    /// Out of range.
    pub fn new(value: i64) -> Result<Self, ValueError> {
        i32::try_from(value).ok().filter(|v| (MIN..=MAX).contains(v)).map(Self).ok_or_else(|| {
            let allowed = said(
                format!("应为 {MIN} 到 {MAX} 的整数"),
                format!("must be a whole number from {MIN} to {MAX}"),
            );
            ValueError::new(ValueCode::OutOfRange, allowed)
        })
    }

    /// The number.
    pub fn get(self) -> i32 {
        self.0
    }
}

impl<const MIN: i32, const MAX: i32> Serialize for Int<MIN, MAX> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i32(self.0)
    }
}

impl<'de, const MIN: i32, const MAX: i32> Deserialize<'de> for Int<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_i64(IntVisitor)
    }
}

/// Says what is allowed where something else than a whole number came.
struct IntVisitor<const MIN: i32, const MAX: i32>;

impl<const MIN: i32, const MAX: i32> de::Visitor<'_> for IntVisitor<MIN, MAX> {
    type Value = Int<MIN, MAX>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a whole number from {MIN} to {MAX}")
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Self::Value, E> {
        Int::new(value).map_err(ValueError::through_serde)
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Self::Value, E> {
        // What is above every i64 is above every bound too.
        self.visit_i64(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

/// A closed list of words that is written the same in JSON and in the database.
#[macro_export]
macro_rules! words {
    ($(#[$meta:meta])* $vis:vis enum $name:ident { $($(#[$vmeta:meta])* $variant:ident => $word:tt,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
        $vis enum $name { $($(#[$vmeta])* #[serde(rename = $word)] $variant,)+ }

        impl $name {
            /// Every word of the list.
            pub const WORDS: &'static [&'static str] = &[$($word),+];
            /// The word as it is stored and sent.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::domain::value::ValueError;
            fn from_str(text: &str) -> ::std::result::Result<Self, Self::Err> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err($crate::domain::value::ValueError::new(
                        $crate::domain::value::ValueCode::BadFormat,
                        $crate::domain::said::one_of(Self::WORDS),
                    )),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_has_bounds_and_no_control_characters() {
        assert_eq!(Text::<1, 3>::new(" ab ").unwrap().as_str(), "ab");
        assert_eq!(Text::<1, 3>::new("  ").unwrap_err().code, ValueCode::TooShort);
        assert_eq!(Text::<1, 3>::new("abcd").unwrap_err().code, ValueCode::TooLong);
        assert_eq!(Text::<1, 3>::new("a\u{0}b").unwrap_err().code, ValueCode::ControlCharacter);
        for unseen in ['\u{200b}', '\u{202e}', '\u{ad}', '\u{feff}', '\u{2066}', '\u{e0041}'] {
            let error = Text::<1, 3>::new(&format!("a{unseen}b")).unwrap_err();
            assert_eq!(error.code, ValueCode::ControlCharacter, "{unseen:?}");
        }
        assert!(Text::<1, 3>::new("瓶瓶瓶").is_ok(), "characters are counted, not bytes");
    }

    #[test]
    fn integers_have_bounds() {
        assert!(Int::<0, 5>::new(5).is_ok());
        for bad in [-1, 6, i64::MAX] {
            assert_eq!(Int::<0, 5>::new(bad).unwrap_err().code, ValueCode::OutOfRange);
        }
    }

    #[test]
    fn an_error_survives_the_way_through_serde() {
        let error = serde_json::from_str::<Text<1, 3>>("\"abcd\"").unwrap_err().to_string();
        let text = error.split(" at line").next().unwrap();
        assert_eq!(ValueError::parse(text).unwrap().code, ValueCode::TooLong);
        assert_eq!(ValueError::parse("invalid type: null"), None);
    }
}
