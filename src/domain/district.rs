//! Administrative districts by GB/T 2260: six digits, or nine for a township (GB/T 10114).

use crate::domain::said::{Said, said};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};

use super::value::{ValueCode, ValueError};

/// The code of a district, six digits padded with zeros (`320600`), or nine for a township.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct DistrictCode(String);

/// The leading digits that all districts of an area share: `32`, `3206`, `320602` or `320602001`. Empty is the whole country.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct DistrictScope(String);

impl DistrictCode {
    /// The code.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The prefecture, by its four digits.
    pub fn prefecture(&self) -> &str {
        self.0.get(..4).unwrap_or(&self.0)
    }

    /// The area this code stands for: the code without its trailing zero pairs.
    pub fn scope(&self) -> DistrictScope {
        let mut digits = self.0.as_str();
        if digits.len() == 9 {
            digits = digits.strip_suffix("000").unwrap_or(digits);
        }
        while digits.len() <= 6 && digits.ends_with("00") {
            digits = digits.strip_suffix("00").unwrap_or(digits);
        }
        DistrictScope(digits.to_owned())
    }
}

impl DistrictScope {
    /// The whole country.
    pub fn country() -> Self {
        Self(String::new())
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a district lies in this area.
    pub fn covers(&self, district: &DistrictCode) -> bool {
        district.0.starts_with(&self.0)
    }
}

fn digits(text: &str, lengths: &[usize], detail: Said) -> Result<String, ValueError> {
    if lengths.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit()) {
        Ok(text.to_owned())
    } else {
        Err(ValueError::new(ValueCode::BadFormat, detail))
    }
}

impl FromStr for DistrictCode {
    type Err = ValueError;
    fn from_str(text: &str) -> Result<Self, ValueError> {
        digits(
            text,
            &[6, 9],
            said(
                "应为 6 位 GB/T 2260 代码，乡镇为 9 位",
                "a GB/T 2260 code of 6 digits, or 9 for a township",
            ),
        )
        .map(Self)
    }
}

impl FromStr for DistrictScope {
    type Err = ValueError;
    fn from_str(text: &str) -> Result<Self, ValueError> {
        digits(
            text,
            &[2, 4, 6, 9],
            said(
                "应为 GB/T 2260 代码的前 2、4、6 或 9 位",
                "the first 2, 4, 6 or 9 digits of a GB/T 2260 code",
            ),
        )
        .map(Self)
    }
}

macro_rules! text_form {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(ValueError::through_serde)
            }
        }
    };
}
text_form!(DistrictCode);
text_form!(DistrictScope);

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> DistrictCode {
        text.parse().unwrap()
    }

    #[test]
    fn a_scope_is_the_code_without_trailing_zero_pairs() {
        for (district, scope) in [
            ("320000", "32"),
            ("320600", "3206"),
            ("320602", "320602"),
            ("320602001", "320602001"),
            ("320602000", "320602"),
            ("320610", "320610"),
            ("000000", ""),
        ] {
            assert_eq!(code(district).scope().as_str(), scope);
        }
    }

    #[test]
    fn an_area_covers_its_own_districts_only() {
        assert!(code("320600").scope().covers(&code("320602")));
        assert!(code("320602").scope().covers(&code("320602001")));
        assert!(!code("320602").scope().covers(&code("320600")));
        assert!(!code("320600").scope().covers(&code("320700")));
        assert!(DistrictScope::country().covers(&code("110000")));
    }

    #[test]
    fn only_digits_of_the_right_count() {
        for bad in ["3206", "32060a", "", "3206000", "３２０６００"] {
            assert!(bad.parse::<DistrictCode>().is_err());
        }
        assert!("3".parse::<DistrictScope>().is_err());
    }
}
