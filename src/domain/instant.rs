//! Instants: UTC, microseconds, RFC 3339 on the wire.

use crate::domain::said::said;
use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::value::{ValueCode, ValueError};

/// A point in time, in microseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(i64);

/// 0001-01-01 and 9999-12-31, the years that RFC 3339 can write.
const BOUNDS: (i64, i64) = (-62_135_596_800_000_000, 253_402_300_799_999_999);

impl Instant {
    /// From microseconds since the epoch, cut to the years 1 to 9999.
    pub fn from_micros(micros: i64) -> Self {
        Self(micros.clamp(BOUNDS.0, BOUNDS.1))
    }

    /// Microseconds since the epoch.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// The same by reference, for what stores it without a copy.
    pub const fn as_micros(&self) -> &i64 {
        &self.0
    }

    /// This instant moved by whole seconds.
    #[must_use]
    pub fn plus_seconds(self, seconds: i64) -> Self {
        Self::from_micros(self.0.saturating_add(seconds.saturating_mul(1_000_000)))
    }

    /// Whole seconds since `earlier`, negative when this is before it.
    pub const fn seconds_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0) / 1_000_000
    }

    /// The calendar day in a time zone.
    pub fn date_in(self, zone: Tz) -> NaiveDate {
        self.utc().with_timezone(&zone).date_naive()
    }

    /// As chrono's type.
    pub fn utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.0).unwrap_or_default()
    }
}

impl From<DateTime<Utc>> for Instant {
    fn from(at: DateTime<Utc>) -> Self {
        Self::from_micros(at.timestamp_micros())
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.utc().to_rfc3339_opts(SecondsFormat::Micros, true))
    }
}

impl FromStr for Instant {
    type Err = ValueError;
    fn from_str(text: &str) -> Result<Self, ValueError> {
        let wrong = || {
            ValueError::new(
                ValueCode::BadFormat,
                said(
                    "应为 RFC 3339 时刻，例如 2026-11-21T08:30:00Z",
                    "an RFC 3339 instant is expected, e.g. 2026-11-21T08:30:00Z",
                ),
            )
        };
        if text.len() > 40 {
            return Err(wrong());
        }
        let at = DateTime::parse_from_rfc3339(text).map_err(|_| wrong())?.timestamp_micros();
        if (BOUNDS.0..=BOUNDS.1).contains(&at) { Ok(Self(at)) } else { Err(wrong()) }
    }
}

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(ValueError::through_serde)
    }
}

/// The moment of a decision: the instant, and the calendar day it falls on in the service's time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// The instant.
    pub at: Instant,
    /// The day in the service's time zone.
    pub today: NaiveDate,
    zone: Tz,
}

impl Moment {
    /// The moment of an instant in a zone.
    pub fn new(at: Instant, zone: Tz) -> Self {
        Self { at, today: at.date_in(zone), zone }
    }

    /// The day of another instant, in the same time zone.
    pub fn day_of(self, at: Instant) -> NaiveDate {
        at.date_in(self.zone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_turns_in_the_zone_of_the_service() {
        let at: Instant = "2026-11-20T16:00:00Z".parse().unwrap();
        assert_eq!(at.date_in(chrono_tz::Asia::Shanghai).to_string(), "2026-11-21");
        assert_eq!(at.plus_seconds(-1).date_in(chrono_tz::Asia::Shanghai).to_string(), "2026-11-20");
    }

    #[test]
    fn reads_what_it_writes() {
        let at: Instant = "2026-11-20T16:00:00.123456+08:00".parse().unwrap();
        assert_eq!(at.to_string(), "2026-11-20T08:00:00.123456Z");
        assert_eq!(at.to_string().parse::<Instant>().unwrap(), at);
        assert!("2026-02-30T00:00:00Z".parse::<Instant>().is_err());
    }
}
