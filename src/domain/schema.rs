//! How bounded values are described in the OpenAPI document: with their bounds, so that a client can check before it sends.

use std::borrow::Cow;

use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::date::{Day, StampDate};
use super::district::{DistrictCode, DistrictScope};
use super::id::Id;
use super::instant::Instant;
use super::label_code::LabelId;
use super::value::{Int, Text};

fn text(pattern: &str, description: &str) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some(pattern))
        .description(Some(description))
        .into()
}

macro_rules! described {
    ($($name:ty as $title:literal => $schema:expr;)+) => {$(
        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                $schema
            }
        }
        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                $title.into()
            }
        }
    )+};
}

described! {
    Day as "Day" => ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Date)))
        .description(Some("a day YYYY-MM-DD of the years 1950 to 2199"))
        .into();
    StampDate as "StampDate" => text(
        r"^\d{4}-\d{2}(-\d{2})?$",
        "a day YYYY-MM-DD, or a month YYYY-MM where the stamp carries no more; a month means its last day",
    );
    DistrictCode as "DistrictCode" => text(r"^(\d{6}|\d{9})$", "GB/T 2260 code of 6 digits, or 9 for a township");
    DistrictScope as "DistrictScope" => text(r"^(\d{2}|\d{4}|\d{6}|\d{9})$", "the first digits of a GB/T 2260 code");
    LabelId as "LabelId" => text("^[0-9A-HJKMNP-TV-Z]{8}$", "the eight characters that name a label");
    Instant as "Instant" => ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
        .description(Some("RFC 3339, microseconds, answered in UTC"))
        .into();
}

impl<K> PartialSchema for Id<K> {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)))
            .description(Some("UUIDv7"))
            .into()
    }
}

impl<K> ToSchema for Id<K> {
    fn name() -> Cow<'static, str> {
        "Id".into()
    }
}

impl<const MIN: usize, const MAX: usize> PartialSchema for Text<MIN, MAX> {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .min_length(Some(MIN))
            .max_length(Some(MAX))
            .description(Some("no control characters; blanks around it are dropped"))
            .into()
    }
}

impl<const MIN: usize, const MAX: usize> ToSchema for Text<MIN, MAX> {
    fn name() -> Cow<'static, str> {
        format!("Text{MIN}To{MAX}").into()
    }
}

impl<const MIN: i32, const MAX: i32> PartialSchema for Int<MIN, MAX> {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(f64::from(MIN)))
            .maximum(Some(f64::from(MAX)))
            .into()
    }
}

impl<const MIN: i32, const MAX: i32> ToSchema for Int<MIN, MAX> {
    fn name() -> Cow<'static, str> {
        format!("Integer{MIN}To{MAX}").into()
    }
}
