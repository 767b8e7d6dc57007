//! Dates as steel and paper carry them: a day, or only a month.

use crate::domain::said::said;
use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, Days, Months, NaiveDate};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::value::{ValueCode, ValueError};

/// A date on a stamp. A month means its last day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StampDate {
    /// Only a month; the date held is its first day.
    Month(NaiveDate),
    /// A whole date.
    Day(NaiveDate),
}

impl StampDate {
    /// The day on which it ends: the last day of a month, or the day itself.
    pub fn last_day(self) -> NaiveDate {
        match self {
            Self::Day(day) => day,
            Self::Month(first) => first
                .checked_add_months(Months::new(1))
                .and_then(|next| next.checked_sub_days(Days::new(1)))
                .unwrap_or(first),
        }
    }

    /// The day on which it begins.
    pub fn first_day(self) -> NaiveDate {
        match self {
            Self::Day(day) | Self::Month(day) => day,
        }
    }

    /// Moves by whole months. A month stays a month; a day is cut to the end of a shorter month.
    #[must_use]
    pub fn plus_months(self, months: i32) -> Self {
        let by = Months::new(months.unsigned_abs());
        let moved = |day: NaiveDate| {
            if months < 0 { day.checked_sub_months(by) } else { day.checked_add_months(by) }.unwrap_or(day)
        };
        match self {
            Self::Day(day) => Self::Day(moved(day)),
            Self::Month(first) => Self::Month(moved(first)),
        }
    }

    /// `YYYY-MM`, the part that every stamp has.
    pub fn month_text(self) -> String {
        self.first_day().format("%Y-%m").to_string()
    }
}

impl fmt::Display for StampDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Day(day) => write!(f, "{}", day.format("%Y-%m-%d")),
            Self::Month(first) => write!(f, "{}", first.format("%Y-%m")),
        }
    }
}

impl FromStr for StampDate {
    type Err = ValueError;
    fn from_str(text: &str) -> Result<Self, ValueError> {
        match text.len() {
            7 => day(&format!("{text}-01")).map(Self::Month),
            _ => day(text).map(Self::Day),
        }
    }
}

/// Reads `YYYY-MM-DD` of the years 1950 to 2199, and nothing looser.
///
/// # Errors
/// Another form, or a date that no calendar has (2026-02-30).
pub fn day(text: &str) -> Result<NaiveDate, ValueError> {
    let shaped = text.len() == 10
        && text.bytes().enumerate().all(
            |(i, b)| {
                if i == 4 || i == 7 { b == b'-' } else { b.is_ascii_digit() }
            },
        );
    if !shaped {
        return Err(ValueError::new(
            ValueCode::BadFormat,
            said("应为日期 YYYY-MM-DD", "a date YYYY-MM-DD is expected"),
        ));
    }
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| {
        ValueError::new(
            ValueCode::NoSuchDate,
            said(format!("没有 {text} 这一天"), format!("{text} is not a day of the calendar")),
        )
    })?;
    if (1950..2200).contains(&date.year()) {
        Ok(date)
    } else {
        Err(ValueError::new(
            ValueCode::OutOfRange,
            said("年份应在 1950 到 2199 之间", "years from 1950 to 2199 are allowed"),
        ))
    }
}

impl Serialize for StampDate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for StampDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(ValueError::through_serde)
    }
}

/// A whole date, strict on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub NaiveDate);

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.format("%Y-%m-%d"))
    }
}

impl FromStr for Day {
    type Err = ValueError;
    fn from_str(text: &str) -> Result<Self, ValueError> {
        day(text).map(Self)
    }
}

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(ValueError::through_serde)
    }
}

/// A period of whole days; both ends belong to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Validity {
    /// First valid day.
    pub valid_from: Day,
    /// Last valid day.
    pub valid_to: Day,
}

impl Validity {
    /// Whether a day belongs to it.
    pub fn contains(&self, day: NaiveDate) -> bool {
        self.valid_from.0 <= day && day <= self.valid_to.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn stamp(text: &str) -> StampDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_month_means_its_last_day() {
        assert_eq!(stamp("2020-05").last_day().to_string(), "2020-05-31");
        assert_eq!(stamp("2024-02").last_day().to_string(), "2024-02-29");
        assert_eq!(stamp("2020-12").last_day().to_string(), "2020-12-31");
    }

    #[test]
    fn a_month_stays_a_month_and_a_day_is_cut() {
        assert_eq!(stamp("2021-02").plus_months(36).last_day().to_string(), "2024-02-29");
        assert_eq!(stamp("2021-02-28").plus_months(36).last_day().to_string(), "2024-02-28");
        assert_eq!(stamp("2024-02-29").plus_months(12).last_day().to_string(), "2025-02-28");
        assert_eq!(stamp("2021-08-31").plus_months(6).last_day().to_string(), "2022-02-28");
    }

    #[test]
    fn only_real_dates_of_one_form() {
        for bad in
            ["2026-02-30", "2026-13", "2026-1-01", "20260101", "", "1949-12-31", "２０２６-01-01", "2200-01"]
        {
            assert!(bad.parse::<StampDate>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn reads_what_it_writes(days in 0i64..80_000, month in any::<bool>()) {
            let date = NaiveDate::from_ymd_opt(1960, 1, 1).unwrap() + chrono::TimeDelta::days(days);
            let stamp = if month { StampDate::Month(date.with_day(1).unwrap()) } else { StampDate::Day(date) };
            prop_assert_eq!(stamp.to_string().parse::<StampDate>().unwrap(), stamp);
            prop_assert!(stamp.first_day() <= stamp.last_day());
        }
    }
}
