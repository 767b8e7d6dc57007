//! What happens around every request: an id, a log line, metrics, security headers, problems in the right language.

use std::sync::Arc;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, HttpResponse, web};
use tracing::Instrument;

use super::extract::lang_of;
use super::routes::Pattern;
use super::{Service, bounds, problem};
use crate::error::{Code, Error};

/// The id of a request.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Nothing from outside, nothing inside a frame; pages that need more set their own.
const CONTENT_SECURITY: &str =
    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// Wraps every request.
///
/// # Errors
/// What no handler answered: handlers' errors become problem documents here.
pub async fn around(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let service = request.app_data::<web::Data<Service>>().cloned();
    let id = request_id(&request, service.as_ref().map(|s| &***s));
    request.extensions_mut().insert(RequestId(id.clone()));
    let lang = lang_of(&request);
    let method = request.method().clone();
    if method == Method::HEAD {
        // Answered as GET is. That no body goes out the HTTP/1 encoder sees to: it remembers what was asked.
        request.head_mut().method = Method::GET;
    }
    let span = tracing::info_span!("request", request_id = %id, %method);
    let begun = service.as_ref().map(|s| s.app.clock.now());
    // The request must not be held here: actix hands it on by the only reference.
    let admitted = transport(&request, service.as_ref().map(|s| &***s));
    let response = match admitted.and_then(|()| bounds::check(request.head())) {
        Ok(()) => next.call(request).instrument(span.clone()).await?.map_into_boxed_body(),
        Err(error) => request.error_response(error),
    };
    let route =
        response.request().app_data::<Pattern>().map_or_else(|| Arc::from("unmatched"), |p| Arc::clone(&p.0));
    let mut response = finish(response, lang, &id);
    secure(&mut response, &id);
    let status = response.status().as_u16();
    if let (Some(service), Some(begun)) = (&service, begun) {
        let micros = service.app.clock.now().micros().saturating_sub(begun.micros());
        span.in_scope(|| tracing::info!(route = &*route, status, duration_us = micros, "served"));
        count(&method, route, status, micros);
    }
    Ok(response)
}

/// Without TLS the service is for its own machine and the proxies that are named, whoever else can reach its port: what
/// anybody else sends, a password perhaps, went over the network in the clear.
fn transport(request: &ServiceRequest, service: Option<&Service>) -> Result<(), Error> {
    let plain = !request.app_config().secure();
    let refused = service.is_some_and(|s| plain && !s.limits.may_speak_plain(request.peer_addr()));
    if refused { Err(Code::PlainHttp.into()) } else { Ok(()) }
}

/// The name under which a method is counted: anybody may make up others, and each would be a series of its own.
fn counted_as(method: &Method) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    KNOWN.into_iter().find(|known| *known == method.as_str()).unwrap_or("other")
}

fn count(method: &Method, route: Arc<str>, status: u16, micros: i64) {
    let method = counted_as(method);
    let seconds = std::time::Duration::from_micros(u64::try_from(micros).unwrap_or(0)).as_secs_f64();
    metrics::histogram!("pingma_http_request_duration_seconds", "route" => Arc::clone(&route))
        .record(seconds);
    let status = status.to_string();
    metrics::counter!("pingma_http_requests_total", "method" => method, "route" => route, "status" => status)
        .increment(1);
}

/// A client's own id if it is short and plain, so that its log and ours can be joined; else a new one.
fn request_id(request: &ServiceRequest, service: Option<&Service>) -> String {
    let given = request.headers().get(&REQUEST_ID).and_then(|value| value.to_str().ok());
    let plain = |text: &&str| {
        (8..=64).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
    };
    given.filter(plain).map(str::to_owned).unwrap_or_else(|| {
        service.map_or_else(String::new, |s| {
            s.app.ids.id::<crate::domain::id::of::Event>(s.app.clock.now()).to_string()
        })
    })
}

/// Turns whatever is an error but no problem document into one.
fn finish(
    response: ServiceResponse<BoxBody>,
    lang: crate::domain::said::Lang,
    id: &str,
) -> ServiceResponse<BoxBody> {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return response;
    }
    let known = response.response().error().and_then(|e| e.as_error::<Error>().cloned());
    let own_page =
        response.headers().get(header::CONTENT_TYPE).is_some_and(|t| t.as_bytes().starts_with(b"text/html"));
    if known.is_none() && own_page {
        return response;
    }
    let error = known.unwrap_or_else(|| problem::code_of(status).into());
    let mut replaced: HttpResponse = problem::response(&error, lang, id);
    if let Some(allow) = response.headers().get(header::ALLOW) {
        replaced.headers_mut().insert(header::ALLOW, allow.clone());
    }
    response.into_response(replaced)
}

/// The reference page brings scripts and styles of its own, from here.
const REFERENCE_PAGE_SECURITY: &str = "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// A browser that came over TLS once comes over nothing else for a year.
const A_YEAR_OF_TLS: &str = "max-age=31536000";

fn secure(response: &mut ServiceResponse<BoxBody>, id: &str) {
    let reference_page = response.request().path().starts_with("/docs/");
    let over_tls = response.request().app_config().secure();
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, value);
    }
    let fixed: [(HeaderName, &'static str); 4] = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("permissions-policy"), "geolocation=(), camera=(), microphone=()"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if over_tls {
        // Behind a proxy it is the proxy's to say.
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(A_YEAR_OF_TLS));
    }
    if !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
        headers.insert(
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(if reference_page { REFERENCE_PAGE_SECURITY } else { CONTENT_SECURITY }),
        );
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}
