//! What handlers read from a request: who calls, in which language, which page, which body.

use std::future::ready;
use std::pin::Pin;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header::{
    self, AcceptLanguage, Header as _, HeaderMap, HeaderName, HeaderValue, LanguageTag, Preference, Quality,
};
use actix_web::rt::time::timeout;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{Service, devices, json};
use crate::auth::secret::{OpaqueSecret, SecretKind};
use crate::db::registry::Page;
use crate::domain::actor::Credential;
use crate::domain::event::Idempotency;
use crate::domain::said::{Lang, Said, said};
use crate::domain::value::{ValueCode, ValueError};
use crate::error::{Code, Error, Result};
use crate::ledger::Call;

/// Largest body, in bytes.
pub const MAX_BODY: usize = 64 * 1024;

/// How long a body may take: whoever sends one byte now and then would hold a connection for ever.
const BODY_TIME: Duration = Duration::from_secs(10);

/// The language of messages, by `Accept-Language`: Chinese, unless English is liked better or Chinese is refused (`q=0`).
pub fn lang_of(request: &impl HttpMessage) -> Lang {
    let asked = AcceptLanguage::parse(request).unwrap_or_else(|_| AcceptLanguage(Vec::new()));
    let said = |lang: &Lang| asked.iter().any(|item| spoken(&item.item) == Some(*lang));
    let refused = |lang: &Lang| {
        asked.iter().any(|item| item.quality == Quality::ZERO && spoken(&item.item) == Some(*lang))
    };
    let liked = asked.iter().filter(|item| item.quality > Quality::ZERO).cloned().collect();
    let first = AcceptLanguage(liked).ranked().iter().find_map(|choice| match choice {
        // `*` is every language that is not named.
        Preference::Any => [Lang::Zh, Lang::En].into_iter().find(|lang| !said(lang)),
        named => spoken(named),
    });
    let only_english = refused(&Lang::Zh) && !refused(&Lang::En);
    first.unwrap_or(if only_english { Lang::En } else { Lang::Zh })
}

fn spoken(choice: &Preference<LanguageTag>) -> Option<Lang> {
    match choice.item()?.primary_language() {
        language if language.eq_ignore_ascii_case("zh") => Some(Lang::Zh),
        language if language.eq_ignore_ascii_case("en") => Some(Lang::En),
        _ => None,
    }
}

/// Who calls.
#[derive(Debug, Clone)]
pub struct Caller {
    /// What they proved.
    pub credential: Credential,
    /// The language they want.
    pub lang: Lang,
    /// Method and pattern.
    route: String,
    key: Option<String>,
    /// The digest of the call without a body.
    no_body: [u8; 32],
}

impl Caller {
    /// The call, with a digest of its body.
    pub fn call(&self, body_digest: [u8; 32]) -> Call {
        let idempotency = self.key.as_ref().map(|key| Idempotency {
            route: self.route.clone(),
            key: key.clone(),
            body_digest,
        });
        Call { credential: self.credential, route: self.route.clone(), idempotency }
    }

    /// The digest of this call, which has no body.
    pub fn no_body(&self) -> [u8; 32] {
        self.no_body
    }

    /// The call without its key: what reads, and what must not be replayed.
    pub fn plain_call(&self) -> Call {
        Call::plain(self.credential, self.route.as_str())
    }

    /// The same for calls that must come with an idempotency key.
    ///
    /// # Errors
    /// 400 without one.
    pub fn keyed_call(&self, body_digest: [u8; 32]) -> Result<Call> {
        if self.key.is_none() {
            return Err(Code::IdempotencyKeyMissing.into());
        }
        Ok(self.call(body_digest))
    }

    fn read(request: &HttpRequest) -> Result<Self> {
        let service = request.app_data::<web::Data<Service>>().ok_or(Code::Internal)?;
        let value = single(request.headers(), &header::AUTHORIZATION)?.ok_or(Code::Unauthenticated)?;
        let (scheme, secret) =
            value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or(Code::TokenInvalid)?;
        let credential = if scheme.eq_ignore_ascii_case("bearer") {
            let claims = service.app.tokens.verify(secret.trim(), service.app.clock.now());
            claims.map_err(|_| Code::TokenInvalid)?.credential()
        } else if scheme.eq_ignore_ascii_case("device") {
            let key =
                OpaqueSecret::parse(secret.trim(), SecretKind::Device).map_err(|_| Code::TokenInvalid)?;
            Credential::Device { key_digest: key.digest() }
        } else {
            return Err(Code::TokenInvalid.into());
        };
        Ok(Self {
            credential,
            lang: lang_of(request),
            no_body: digest(service, request, NO_BODY),
            route: route_of(request),
            key: idempotency_key(request.headers())?,
        })
    }
}

/// Method and pattern of the route: never what was asked for there.
fn route_of(request: &HttpRequest) -> String {
    format!("{} {}", request.method(), request.match_pattern().as_deref().unwrap_or("unmatched"))
}

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// A header that may come once: of two, a proxy and we might each believe another.
///
/// # Errors
/// 400 if it comes more often.
pub fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a HeaderValue>> {
    let mut all = headers.get_all(name);
    let first = all.next();
    if all.next().is_some() {
        return Err(Error::new(
            Code::MalformedRequest,
            said(format!("请求头 {name} 只能出现一次"), format!("the header {name} may come once")),
        ));
    }
    Ok(first)
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>> {
    let Some(value) = single(headers, &IDEMPOTENCY_KEY)? else {
        return Ok(None);
    };
    let plain = |text: &&str| {
        (1..=64).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
    };
    match value.to_str().ok().filter(plain) {
        Some(key) => Ok(Some(key.to_owned())),
        None => Err(Error::new(
            Code::IdempotencyKeyMalformed,
            said(
                "1 到 64 个字符，只能用 A-Z、a-z、0-9、连字符和下划线",
                "1 to 64 of A-Z, a-z, 0-9, hyphen, underscore",
            ),
        )),
    }
}

impl FromRequest for Caller {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let read = Self::read(request);
        let Ok(Self { credential: Credential::Device { key_digest }, .. }) = read else {
            return Box::pin(ready(read));
        };
        let request = request.clone();
        Box::pin(async move {
            let service = request.app_data::<web::Data<Service>>().ok_or(Code::Internal)?;
            devices::admit(service, &request, key_digest).await?;
            read
        })
    }
}

/// A JSON body.
#[derive(Debug)]
pub struct Body<T> {
    /// The value.
    pub value: T,
    /// What tells a repetition from another call, and nothing to whoever reads it in the database.
    pub digest: [u8; 32],
}

/// A body as it was read, before the keys come in.
#[derive(Debug)]
pub struct Parsed<T> {
    /// The value.
    pub value: T,
    /// The same as canonical JSON: blanks and the order of members don't matter.
    pub canonical: SecretString,
}

/// What stands for the body of a call without one.
const NO_BODY: &str = "null";

/// The digest of a call: a MAC over its path and the whole body, secrets too, under a key that is in no database. It stays
/// in the ledger for good, where an account number or a password could be found by trying from a plain hash.
fn digest(service: &Service, request: &HttpRequest, body: &str) -> [u8; 32] {
    let parts = [request.method().as_str(), request.path(), body];
    service.app.keyring.fingerprint(&parts.map(str::as_bytes))
}

impl<T: DeserializeOwned + 'static> FromRequest for Body<T> {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let is_json = content_type.is_some_and(|t| {
            t.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
        });
        let bytes = web::Bytes::from_request(request, payload);
        let request = request.clone();
        Box::pin(async move {
            if !is_json {
                return Err(Code::UnsupportedMedia.into());
            }
            let late = |_| {
                Error::new(
                    Code::MalformedRequest,
                    said("请求体未在 10 秒内到达", "the body did not come within 10 s"),
                )
            };
            let bytes = timeout(BODY_TIME, bytes).await.map_err(late)?.map_err(|error| {
                let too_large =
                    error.as_response_error().status_code() == actix_web::http::StatusCode::PAYLOAD_TOO_LARGE;
                Error::from(if too_large { Code::BodyTooLarge } else { Code::MalformedRequest })
            })?;
            let service = request.app_data::<web::Data<Service>>().ok_or(Code::Internal)?;
            let Parsed { value, canonical } = parse(&bytes)?;
            Ok(Self { value, digest: digest(service, &request, canonical.expose_secret()) })
        })
    }
}

/// Reads a JSON body.
///
/// # Errors
/// 400 for what is no JSON, has unknown members or wrong types; 422 for values that are not allowed.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<Parsed<T>> {
    let tree =
        json::tree(bytes).map_err(|fault| match quoted(&fault.inner().to_string(), json::REPEATED) {
            Some(name) => {
                let at = format!("{}/{}", pointer_to(&fault), escaped(name));
                member(&at, "repeated", said("该字段只能出现一次", "this member may come once"))
            }
            None => {
                let why = fault.inner();
                let zh = format!("请求体不是有效的 JSON（第 {} 行第 {} 列）", why.line(), why.column());
                let detail = said(zh, format!("the body is not JSON: {why}"));
                Error::new(Code::MalformedRequest, detail)
            }
        })?;
    if !tree.is_object() {
        return Err(Error::new(
            Code::MalformedRequest,
            said("请求体必须是 JSON 对象", "the body must be a JSON object"),
        ));
    }
    let canonical = tree.to_string().into();
    let value = json::read(tree).map_err(|fault| member_error(&fault))?;
    Ok(Parsed { value, canonical })
}

/// The JSON pointer to where it went wrong.
fn pointer_to(fault: &json::Fault) -> String {
    use serde_path_to_error::Segment;
    let mut pointer = String::new();
    for segment in fault.path() {
        match segment {
            Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            Segment::Map { key } => pointer.push_str(&format!("/{}", escaped(key))),
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    pointer
}

/// A member's name as JSON pointers spell it (RFC 6901).
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// 400 with one member at fault.
fn member(pointer: &str, code: &str, detail: Said) -> Error {
    Error::of_member(Code::MalformedRequest, pointer, code, detail)
}

/// Names the member at fault.
fn member_error(fault: &json::Fault) -> Error {
    let mut pointer = pointer_to(fault);
    let message = fault.inner().to_string();
    if let Some(value) = ValueError::parse(&message) {
        return Error::value(&pointer, &value);
    }
    if message.starts_with("unknown variant") {
        return Error::invalid(&pointer, "not_allowed", must_be(&message));
    }
    if let Some(name) = quoted(&message, "missing field ") {
        let missing = said("该字段必须填写", "this member is required");
        return member(&format!("{pointer}/{name}"), "required", missing);
    }
    if let Some(name) = quoted(&message, "unknown field ") {
        if !pointer.ends_with(&format!("/{}", escaped(name))) {
            pointer = format!("{pointer}/{}", escaped(name));
        }
        let detail = expected(&message).after("没有该字段；应为", "there is no such member; expected ");
        return member(&pointer, "unknown_member", detail);
    }
    member(&pointer, "wrong_type", must_be(&message))
}

fn must_be(message: &str) -> Said {
    expected(message).after("应为", "must be ")
}

/// What serde expected, in words for people who write no Rust.
fn expected(message: &str) -> Said {
    let (_, expected) = message.rsplit_once(", expected ").unwrap_or(("", "something else"));
    match expected {
        "i8" | "i16" | "i32" | "i64" | "u8" | "u16" | "u32" | "u64" => said("整数", "a whole number"),
        "f32" | "f64" => said("数字", "a number"),
        "a string" => said("文本", "a text"),
        "a boolean" => said(" true 或 false", "true or false"),
        "a sequence" => said("列表", "a list"),
        other if other.starts_with("struct ") => said("对象", "an object"),
        other if other.starts_with("enum ") => said("字符串", "a word"),
        other => listed(other),
    }
}

/// Names that serde lists, or the bounds that a type of ours states.
fn listed(expected: &str) -> Said {
    let bounds =
        |before: &str, after: &str| expected.strip_prefix(before)?.strip_suffix(after)?.split_once(" to ");
    let en = expected.replace('`', "");
    let zh = if let Some((min, max)) = bounds("a whole number from ", "") {
        format!(" {min} 到 {max} 的整数")
    } else if let Some((min, max)) = bounds("a text of ", " characters") {
        format!(" {min} 到 {max} 个字符的文本")
    } else if let Some(names) = en.strip_prefix("one of ") {
        format!("以下之一：{}", names.replace(", ", "、"))
    } else if expected.starts_with('`') {
        format!(" {}", en.replace(" or ", " 或 "))
    } else {
        "其他内容".to_owned()
    };
    said(zh, en)
}

fn quoted<'a>(message: &'a str, before: &str) -> Option<&'a str> {
    message.strip_prefix(before)?.strip_prefix('`')?.split('`').next()
}

/// Reads the query of a request.
///
/// # Errors
/// 400 with the parameter at fault.
pub fn query<T: DeserializeOwned>(request: &HttpRequest) -> Result<T> {
    let pairs: Vec<(String, String)> =
        web::Query::from_query(request.query_string()).map(web::Query::into_inner).map_err(|_| {
            Error::new(Code::MalformedRequest, said("查询参数无法读取", "the query can't be read"))
        })?;
    let mut object = serde_json::Map::new();
    for (name, text) in pairs {
        if object.insert(name.clone(), serde_json::Value::String(text)).is_some() {
            return Err(parameter(
                &name,
                "repeated",
                said("该参数只能出现一次", "this parameter may come once"),
            ));
        }
    }
    serde_path_to_error::deserialize(serde_json::Value::Object(object)).map_err(|error| {
        let name = error.path().to_string();
        let message = error.inner().to_string();
        if let Some(name) = quoted(&message, "unknown field ") {
            let detail =
                expected(&message).after("没有该参数；应为", "there is no such parameter; expected ");
            return parameter(name, "unknown_parameter", detail);
        }
        let detail = ValueError::parse(&message).map_or_else(|| must_be(&message), |value| value.detail);
        parameter(&name, "invalid", detail)
    })
}

/// A parameter that is not as it must be.
pub(super) fn parameter(name: &str, code: &str, detail: Said) -> Error {
    member(&format!("?{name}"), code, detail)
}

/// `?limit=` as text, because a query is text: 1 to 200.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit(pub i64);

impl Default for Limit {
    fn default() -> Self {
        Self(50)
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let number = text.parse::<i64>().ok().filter(|n| (1..=200).contains(n));
        let allowed = || said("应在 1 到 200 之间", "1 to 200 is allowed");
        number.map(Self).ok_or_else(|| ValueError::new(ValueCode::OutOfRange, allowed()).through_serde())
    }
}

/// Reads `true` or `false` of a query.
///
/// # Errors
/// Any other text.
pub fn flag<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Option<bool>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let known = text.parse().map(Some);
    let allowed = || said("应为 true 或 false", "true or false is allowed");
    known.map_err(|_| ValueError::new(ValueCode::BadFormat, allowed()).through_serde())
}

/// A key that a cursor can carry.
pub trait CursorKey: Sized {
    /// Its text.
    fn write(&self) -> String;
    /// Reads the text.
    fn read(text: &str) -> Option<Self>;
}

impl CursorKey for i64 {
    fn write(&self) -> String {
        self.to_string()
    }

    fn read(text: &str) -> Option<Self> {
        text.parse().ok().filter(|n| *n >= 0)
    }
}

impl<K> CursorKey for crate::domain::id::Id<K> {
    fn write(&self) -> String {
        self.to_string()
    }

    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

/// Reads a page from `limit` and `cursor`; one row more than asked for shows whether there are more.
///
/// # Errors
/// 400 for a cursor that is not ours.
pub fn page<T: CursorKey>(limit: Limit, cursor: Option<&str>) -> Result<Page<T>> {
    let after = match cursor {
        None => None,
        Some(text) => Some(read_cursor(text).ok_or(Code::MalformedCursor)?),
    };
    Ok(Page { after, limit: limit.0 + 1 })
}

/// Reads a cursor.
pub fn read_cursor<T: CursorKey>(text: &str) -> Option<T> {
    let bytes = (text.len() <= 100).then(|| URL_SAFE_NO_PAD.decode(text).ok()).flatten()?;
    T::read(std::str::from_utf8(&bytes).ok()?)
}

/// Writes a cursor.
pub fn write_cursor<T: CursorKey>(key: &T) -> String {
    URL_SAFE_NO_PAD.encode(key.write())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::value::TareG;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        #[allow(dead_code)]
        tare_g: TareG,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        #[allow(dead_code)]
        items: Vec<Inner>,
    }

    fn fault(body: &str) -> (Code, String, String) {
        let error = parse::<Outer>(body.as_bytes()).unwrap_err();
        let field = error.fields.first().cloned();
        (
            error.code,
            field.clone().map(|f| f.pointer).unwrap_or_default(),
            field.map(|f| f.code).unwrap_or_default(),
        )
    }

    #[test]
    fn the_member_at_fault_is_named() {
        let case = |code, pointer: &str, kind: &str| (code, pointer.to_owned(), kind.to_owned());
        assert_eq!(
            fault(r#"{"items":[{"tare_g":5}]}"#),
            case(Code::Invalid, "/items/0/tare_g", "out_of_range")
        );
        assert_eq!(
            fault(r#"{"items":[{"tare_g":"5"}]}"#),
            case(Code::MalformedRequest, "/items/0/tare_g", "wrong_type")
        );
        assert_eq!(fault(r#"{"items":[{}]}"#), case(Code::MalformedRequest, "/items/0/tare_g", "required"));
        assert_eq!(fault(r#"{"items":[],"x":1}"#), case(Code::MalformedRequest, "/x", "unknown_member"));
        assert_eq!(fault("{"), case(Code::MalformedRequest, "", ""));
    }

    #[test]
    fn the_language_is_the_one_that_is_liked_best() {
        use Lang::{En, Zh};
        for (header, expected) in [
            ("", Zh),
            ("fr", Zh),
            ("瓶", Zh),
            ("en", En),
            ("EN-gb", En),
            ("zh-Hans-CN", Zh),
            ("en;q=0.5, zh", Zh),
            ("en;q=0.5, zh;q=0.4", En),
            ("zh, en", Zh),
            ("en, zh", En),
            ("fr, en;q=0.1", En),
            ("en;q=0", Zh),
            ("zh;q=0", En),
            ("zh;q=0, en;q=0", Zh),
            ("zh-CN;q=0.0, fr", En),
            ("en;q=0, *", Zh),
            ("zh;q=0, *;q=0.1", En),
            ("zh;q=0.1, *", En),
            ("*", Zh),
            ("*;q=0", Zh),
            ("en;q=banana, zh;q=0.1", Zh),
        ] {
            let request = actix_web::test::TestRequest::default();
            let value = HeaderValue::from_bytes(header.as_bytes()).unwrap();
            let request = request.insert_header((header::ACCEPT_LANGUAGE, value)).to_http_request();
            assert_eq!(lang_of(&request), expected, "{header}");
        }
    }

    #[test]
    fn the_same_json_value_has_the_same_canonical_form() {
        let of = |text: &str| {
            let parsed = parse::<serde_json::Value>(text.as_bytes()).unwrap();
            parsed.canonical.expose_secret().to_owned()
        };
        assert_eq!(of(r#"{"a":1,"b":2}"#), of(r#"{ "b": 2, "a": 1 }"#));
        assert_ne!(
            of(r#"{"password":"lantern orbit"}"#),
            of(r#"{"password":"correct horse"}"#),
            "secrets count"
        );
    }

    #[test]
    fn cursors_come_back() {
        assert_eq!(read_cursor::<i64>(&write_cursor(&42i64)), Some(42));
        assert_eq!(read_cursor::<i64>("***"), None);
        assert_eq!(read_cursor::<i64>(&write_cursor(&-1i64)), None);
    }
}
