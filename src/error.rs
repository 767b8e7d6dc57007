//! What can be wrong with a call: one table of code → class → words, for every part of the service.

use crate::db::DbError;
use crate::domain::said::{Lang, Said, Words, said};
use crate::domain::value::ValueError;

/// The class of an error; HTTP gives each a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Not understood: 400.
    Malformed,
    /// Who are you? 401.
    Unauthenticated,
    /// Known but not allowed: 403.
    Forbidden,
    /// Does not exist, or not for you: 404.
    NotFound,
    /// This address does not know that method: 405.
    MethodNotAllowed,
    /// Against the state of things: 409.
    Conflict,
    /// A body over the limit: 413.
    TooLarge,
    /// An address over the limit: 414.
    AddressTooLong,
    /// Headers over the limit: 431.
    HeadersTooLarge,
    /// Not JSON: 415.
    UnsupportedMedia,
    /// Understood but invalid: 422.
    Invalid,
    /// Too many calls: 429.
    TooMany,
    /// A fault of ours: 500.
    Internal,
    /// Try again later; the outcome may be unknown: 503.
    Unavailable,
}

impl Class {
    /// Whether it says nothing about what was asked: a fault of ours, or the database is away.
    pub fn is_no_answer(self) -> bool {
        matches!(self, Self::Internal | Self::Unavailable)
    }
}

macro_rules! codes {
    ($($(#[$meta:meta])* $variant:ident => $word:literal, $class:ident, $zh:literal, $en:literal;)+) => {
        /// The stable code of an error.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code { $(#[doc = $en] $variant,)+ }
        impl Code {
            /// Every code.
            pub const ALL: &'static [Code] = &[$(Code::$variant),+];
            /// As it is sent.
            pub fn as_str(self) -> &'static str { match self { $(Self::$variant => $word,)+ } }
            /// Its class.
            pub fn class(self) -> Class { match self { $(Self::$variant => Class::$class,)+ } }
            /// Its title in Chinese and English.
            pub fn title(self) -> Words { match self { $(Self::$variant => Words { zh: $zh, en: $en },)+ } }
        }
    };
}

codes! {
    MalformedRequest => "malformed_request", Malformed, "请求格式错误", "The request is malformed";
    MalformedCursor => "malformed_cursor", Malformed, "分页游标无效", "The cursor is not one of ours";
    IdempotencyKeyMissing => "idempotency_key_missing", Malformed, "缺少 Idempotency-Key", "This call needs an Idempotency-Key header";
    IdempotencyKeyMalformed => "idempotency_key_malformed", Malformed, "Idempotency-Key 格式错误", "The Idempotency-Key is malformed";
    Unauthenticated => "unauthenticated", Unauthenticated, "需要登录", "Sign in first";
    CredentialsWrong => "credentials_wrong", Unauthenticated, "用户名或密码错误", "User name or password is wrong";
    TokenInvalid => "token_invalid", Unauthenticated, "登录已失效", "The token is not valid, or not any more";
    Forbidden => "forbidden", Forbidden, "无权操作", "You may not do this";
    OrganizationInactive => "organization_inactive", Forbidden, "单位已暂停或关停", "Your organization is suspended or closed";
    PlainHttp => "plain_http", Forbidden, "请通过 HTTPS 访问", "Plain HTTP is for this machine and its named proxies; come over HTTPS";
    CredentialsNotValid => "credentials_not_valid", Forbidden, "资质不在有效期内", "A license or certificate that this needs is not in force";
    SelfInspection => "self_inspection", Forbidden, "不得检验本单位的气瓶", "Nobody inspects their own cylinders, or extends their lives";
    NotFound => "not_found", NotFound, "不存在", "There is no such thing";
    CylinderNotFound => "cylinder_not_found", NotFound, "气瓶不存在", "There is no such cylinder";
    LabelNotFound => "label_not_found", NotFound, "标签不存在", "There is no such label";
    OrganizationNotFound => "organization_not_found", NotFound, "单位不存在", "There is no such organization";
    LicenseNotFound => "license_not_found", NotFound, "许可证不存在", "There is no such license";
    SiteNotFound => "site_not_found", NotFound, "站点不存在", "There is no such site";
    ScaleNotFound => "scale_not_found", NotFound, "充装秤不存在", "There is no such scale";
    UserNotFound => "user_not_found", NotFound, "用户不存在", "There is no such user";
    CertificateNotFound => "certificate_not_found", NotFound, "证书不存在", "There is no such certificate";
    FillNotFound => "fill_not_found", NotFound, "充装记录不存在", "There is no such fill";
    OwnerChangeNotFound => "owner_change_not_found", NotFound, "产权变更不存在", "There is no such owner change";
    AgreementNotFound => "agreement_not_found", NotFound, "供气协议不存在", "There is no such supply agreement";
    MethodNotAllowed => "method_not_allowed", MethodNotAllowed, "不支持的方法", "This address does not know that method";
    AlreadyExists => "already_exists", Conflict, "已存在", "This exists already";
    RegistrationCodeTaken => "registration_code_taken", Conflict, "使用登记代码已被使用", "Another cylinder has this registration code";
    StampTaken => "stamp_taken", Conflict, "钢印已登记", "A cylinder with this stamp is registered already";
    UsernameTaken => "username_taken", Conflict, "用户名已存在", "This user name is taken";
    AmbiguousReference => "ambiguous_reference", Conflict, "编号不唯一", "More than one cylinder fits; add the month of manufacture";
    StateConflict => "state_conflict", Conflict, "当前状态不允许", "The state of the thing does not allow this";
    DeviceKeyShown => "device_key_shown", Conflict, "密钥只显示一次", "The key was made by an earlier call and shown once";
    ChangedInBetween => "changed_in_between", Conflict, "数据已被他人修改", "Somebody else changed it in between; try again";
    BodyTooLarge => "body_too_large", TooLarge, "请求体过大", "The body is over the limit of 64 kB";
    AddressTooLong => "address_too_long", AddressTooLong, "网址过长", "The address is over the limit of 8 KiB";
    HeadersTooLarge => "headers_too_large", HeadersTooLarge, "请求头过大", "The headers are over the limit of 16 KiB";
    UnsupportedMedia => "unsupported_media_type", UnsupportedMedia, "需要 application/json", "The body must be application/json";
    Invalid => "invalid", Invalid, "内容无效", "The request is understood but invalid";
    IdempotencyKeyReused => "idempotency_key_reused", Invalid, "Idempotency-Key 已用于其他请求", "This Idempotency-Key came with another path or body before";
    TooManyRequests => "too_many_requests", TooMany, "请求过于频繁", "Too many calls; wait";
    Internal => "internal", Internal, "服务内部错误", "Something went wrong on our side";
    Unavailable => "unavailable", Unavailable, "服务暂不可用", "The service can't answer now; a write may or may not have happened, repeat it with the same key";
    Busy => "busy", Unavailable, "服务繁忙", "Too much is waiting; nothing was recorded";
}

/// One invalid member of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// JSON pointer (RFC 6901) into the body, or `?name` for a query parameter.
    pub pointer: String,
    /// Stable code.
    pub code: String,
    /// What is allowed.
    pub detail: Said,
}

/// A call that did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {}", .code.as_str(), words(*.code, .detail, Lang::En))]
pub struct Error {
    /// What is wrong.
    pub code: Code,
    /// In more words; empty where the title says it all.
    pub detail: Said,
    /// The members at fault.
    pub fields: Vec<FieldError>,
    /// Seconds to wait before another try.
    pub retry_after_s: Option<i64>,
}

/// What most functions above the database return.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error with more words.
    pub fn new(code: Code, detail: Said) -> Self {
        let retry_after_s = (code.class() == Class::Unavailable).then_some(1);
        Self { code, detail, fields: Vec::new(), retry_after_s }
    }

    /// 422 with one member at fault.
    pub fn invalid(pointer: &str, code: &str, detail: Said) -> Self {
        Self::of_member(Code::Invalid, pointer, code, detail)
    }

    /// An error with one member at fault, which `code` and `detail` are about.
    pub fn of_member(kind: Code, pointer: &str, code: &str, detail: Said) -> Self {
        let all = detail.of(pointer);
        let field = FieldError { pointer: pointer.to_owned(), code: code.to_owned(), detail };
        Self { fields: vec![field], ..Self::new(kind, all) }
    }

    /// 409 for a value that another row has.
    pub fn taken(pointer: &str) -> Self {
        let detail = said("该值已被其他记录使用", "another one has this value already");
        Self::of_member(Code::AlreadyExists, pointer, "taken", detail)
    }

    /// What it says: its detail, or else its title.
    pub fn words(&self, lang: Lang) -> &str {
        words(self.code, &self.detail, lang)
    }

    /// 422 for a value that its type refused.
    pub fn value(pointer: &str, error: &ValueError) -> Self {
        Self::invalid(pointer, error.code.as_str(), error.detail.clone())
    }

    /// 429 with the wait.
    pub fn too_many(retry_after_s: u32) -> Self {
        Self { retry_after_s: Some(i64::from(retry_after_s.max(1))), ..Code::TooManyRequests.into() }
    }
}

fn words(code: Code, detail: &Said, lang: Lang) -> &str {
    if detail.is_empty() { code.title().get(lang) } else { detail.get(lang) }
}

impl From<Code> for Error {
    fn from(code: Code) -> Self {
        Self::new(code, Said::default())
    }
}

/// What a violated constraint says. Its name (PostgreSQL, less `_key`) and its message (SQLite) both end with the column.
fn duplicate(constraint: &str) -> Error {
    let columns = constraint.trim_end_matches("_key");
    if columns.ends_with("username") {
        return Code::UsernameTaken.into();
    }
    let members = ["/credit_code", "/number", "/serial_no"];
    let member = members.into_iter().find(|member| columns.ends_with(member.trim_start_matches('/')));
    member.map_or_else(|| Code::AlreadyExists.into(), Error::taken)
}

impl From<DbError> for Error {
    /// A database failure is never "not found": it is our fault or the database is away.
    fn from(error: DbError) -> Self {
        match error {
            DbError::Duplicate(what) => {
                tracing::debug!(constraint = %what, "unique violation");
                duplicate(&what)
            }
            DbError::Conflict => Code::ChangedInBetween.into(),
            DbError::Away(cause) => {
                tracing::warn!(%cause, "database away");
                Code::Unavailable.into()
            }
            DbError::Schema(cause) => {
                tracing::error!(%cause, "database of another version");
                Code::Unavailable.into()
            }
            // Full disk, read-only file, locked, cancelled by time-out: whatever it is, it is not the caller's fault and may pass.
            DbError::Other(cause) => {
                tracing::error!(%cause, "database failure");
                Code::Unavailable.into()
            }
            other @ (DbError::Corrupt(_) | DbError::Url) => {
                tracing::error!(error = %other, "stored value can't be read");
                Code::Internal.into()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_violated_constraint_names_the_member() {
        for (constraint, pointer) in [
            ("organizations_credit_code_key", "/credit_code"),
            ("UNIQUE constraint failed: organizations.credit_code", "/credit_code"),
            ("licenses_kind_number_key", "/number"),
            ("UNIQUE constraint failed: licenses.kind, licenses.number", "/number"),
            ("scales_organization_id_serial_no_key", "/serial_no"),
            ("UNIQUE constraint failed: scales.organization_id, scales.serial_no", "/serial_no"),
        ] {
            let error = Error::from(DbError::Duplicate(constraint.to_owned()));
            assert_eq!(error.code, Code::AlreadyExists);
            assert_eq!(
                error.fields.first().map(|field| field.pointer.as_str()),
                Some(pointer),
                "{constraint}"
            );
        }
        for (constraint, code) in [
            ("users_username_key", Code::UsernameTaken),
            ("UNIQUE constraint failed: users.username", Code::UsernameTaken),
            ("labels_one_live", Code::AlreadyExists),
        ] {
            let error = Error::from(DbError::Duplicate(constraint.to_owned()));
            assert_eq!((error.code, error.fields.len()), (code, 0), "{constraint}");
        }
    }
}
