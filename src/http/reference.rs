//! The reference page of the interface, at `/docs/`. Everything it shows is in the binary.

use std::sync::Arc;

use actix_web::http::header::{self, ContentEncoding};
use actix_web::{HttpResponse, web};
use utoipa_swagger_ui::{Config, serve};

use super::reply::HttpResult;
use crate::error::Code;

/// The page itself, under our own name; the files that it loads are Swagger UI's.
const PAGE: &str = include_str!("../../templates/reference.html");
const CACHED: (header::HeaderName, &str) = (header::CACHE_CONTROL, "public, max-age=300");

fn config() -> Config<'static> {
    Config::from("/api/v1/openapi.json")
        .use_base_layout()
        .try_it_out_enabled(false)
        .supported_submit_methods(Vec::<String>::new())
        .validator_url("none")
        .doc_expansion("list")
        .default_models_expand_depth(0)
        .filter(true)
}

/// `GET /docs`: the page's files are named relative to it.
pub async fn at_its_folder() -> HttpResponse {
    HttpResponse::TemporaryRedirect().insert_header((header::LOCATION, "/docs/")).finish()
}

/// `GET /docs/…`
pub async fn file(path: web::Path<String>) -> HttpResult {
    if path.is_empty() {
        return Ok(HttpResponse::Ok()
            .insert_header(CACHED)
            .content_type("text/html; charset=utf-8")
            .body(PAGE));
    }
    let found = serve(&path, Arc::new(config())).map_err(|error| {
        tracing::error!(%error, "reference page");
        Code::Internal
    })?;
    let file = found.ok_or(Code::NotFound)?;
    let mut response = HttpResponse::Ok();
    if file.gzpipped {
        response.insert_header(ContentEncoding::Gzip);
    }
    Ok(response.insert_header(CACHED).content_type(file.content_type).body(file.bytes.into_owned()))
}
