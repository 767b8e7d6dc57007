//! Errors as RFC 9457 problem documents.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::said::Lang;
use crate::error::{Class, Code, Error};

/// A problem document.
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    /// Address of a page about this kind of problem.
    #[serde(rename = "type")]
    pub kind: String,
    /// What is wrong, in the language of the request.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// In more words.
    pub detail: String,
    /// Stable code.
    pub code: String,
    /// The request's id, as in the log.
    pub request_id: String,
    /// The members at fault.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ProblemMember>,
}

/// A member at fault.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProblemMember {
    /// JSON pointer into the body, or `?name` for a query parameter.
    pub pointer: String,
    /// Stable code.
    pub code: String,
    /// What is allowed.
    pub detail: String,
}

/// The status of a class.
pub fn status(class: Class) -> StatusCode {
    match class {
        Class::Malformed => StatusCode::BAD_REQUEST,
        Class::Unauthenticated => StatusCode::UNAUTHORIZED,
        Class::Forbidden => StatusCode::FORBIDDEN,
        Class::NotFound => StatusCode::NOT_FOUND,
        Class::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        Class::Conflict => StatusCode::CONFLICT,
        Class::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Class::AddressTooLong => StatusCode::URI_TOO_LONG,
        Class::HeadersTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        Class::UnsupportedMedia => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Class::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
        Class::TooMany => StatusCode::TOO_MANY_REQUESTS,
        Class::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        Class::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// The code for a status that actix itself answers with.
pub fn code_of(status: StatusCode) -> Code {
    match status {
        StatusCode::NOT_FOUND => Code::NotFound,
        StatusCode::METHOD_NOT_ALLOWED => Code::MethodNotAllowed,
        StatusCode::PAYLOAD_TOO_LARGE => Code::BodyTooLarge,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Code::UnsupportedMedia,
        status if status.is_server_error() => Code::Internal,
        _ => Code::MalformedRequest,
    }
}

/// The response for an error.
pub fn response(error: &Error, lang: Lang, request_id: &str) -> HttpResponse {
    let status = status(error.code.class());
    let title = error.code.title().get(lang);
    let problem = Problem {
        kind: format!("urn:pingma:problem:{}", error.code.as_str()),
        title: title.to_owned(),
        status: status.as_u16(),
        detail: error.words(lang).to_owned(),
        code: error.code.as_str().to_owned(),
        request_id: request_id.to_owned(),
        errors: error
            .fields
            .iter()
            .map(|field| ProblemMember {
                pointer: field.pointer.clone(),
                code: field.code.clone(),
                detail: field.detail.get(lang).to_owned(),
            })
            .collect(),
    };
    let mut response = HttpResponse::build(status);
    if let Some(wait_s) = error.retry_after_s {
        response.insert_header((header::RETRY_AFTER, HeaderValue::from(wait_s)));
    }
    if error.code.class() == Class::Unauthenticated {
        response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
    }
    response
        .insert_header((header::CONTENT_TYPE, "application/problem+json"))
        .insert_header((header::CONTENT_LANGUAGE, if lang == Lang::Zh { "zh-CN" } else { "en" }))
        .body(serde_json::to_string(&problem).unwrap_or_default())
}

impl ResponseError for Error {
    fn status_code(&self) -> StatusCode {
        status(self.code.class())
    }

    /// The middleware replaces this by one in the right language and with the request's id.
    fn error_response(&self) -> HttpResponse {
        response(self, Lang::En, "")
    }
}
