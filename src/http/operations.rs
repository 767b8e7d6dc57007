//! What operators and machines ask: is it alive, is it ready, how is it doing, what can it do.

use std::sync::Arc;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use secrecy::ExposeSecret;
use serde_json::json;
use tokio::sync::Mutex;

use super::extract::single;
use super::reply::{Data, HttpResult, blocking};
use crate::app::App;
use crate::db::facts::trusted_at;
use crate::domain::instant::Instant;
use crate::domain::said::said;
use crate::error::{Code, Error, Result};
use crate::ledger::clock_is_trusted;

/// `GET /healthz`: the process answers.
pub async fn health() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "ok" }))
}

/// How long an answer of `/readyz` is given again, in microseconds.
const READY_FOR: i64 = 1_000_000;

/// When somebody looked last, and whether the clock was believed or what else was wrong.
type Look = Option<(Instant, Result<bool>)>;

/// What `/readyz` found last. Anybody may ask, and each look takes a connection: there is one at a time, and one a second.
#[derive(Default)]
pub struct Readiness(Arc<Mutex<Look>>);

impl Readiness {
    /// The lock goes along with the look, which runs on when whoever asked is gone.
    async fn ask(&self, service: &Data) -> Result<bool> {
        let mut last = Arc::clone(&self.0).lock_owned().await;
        let now = service.app.clock.now();
        if let Some((at, found)) = &*last
            && (0..READY_FOR).contains(&now.micros().saturating_sub(at.micros()))
        {
            return found.clone();
        }
        blocking(service, move |app| {
            let found = look(app);
            *last = Some((app.clock.now(), found.clone()));
            found
        })
        .await
    }
}

/// Whether the clock is believed; the database has to say.
fn look(app: &App) -> Result<bool> {
    let mut conn = app.pool.get()?;
    crate::db::migrations::check(&mut conn)?;
    Ok(clock_is_trusted(trusted_at(&mut conn)?, app.clock.now(), app.clock_gap_days))
}

/// `GET /readyz`: the database answers, its schema fits, and the clock is believed, or so it was within the last second.
pub async fn ready(service: Data) -> HttpResult {
    if service.readiness.ask(&service).await? {
        Ok(HttpResponse::Ok().json(json!({ "status": "ready" })))
    } else {
        let zh = "时钟与最新记录的事件相差过大：校正时钟之前拒绝充装，或用 `pingma admin trust-clock` 确认";
        let en = "the clock is far from the newest recorded event: fills are refused until it is set right, \
                      or confirmed with `pingma admin trust-clock`";
        Err(Error::new(Code::Unavailable, said(zh, en)))
    }
}

/// `GET /metrics`: Prometheus text.
pub async fn metrics(service: Data, request: HttpRequest) -> HttpResult {
    if let Some(token) = &service.metrics_token {
        let given = single(request.headers(), &header::AUTHORIZATION)?.and_then(|value| value.to_str().ok());
        let given = given.and_then(|text| text.strip_prefix("Bearer ")).unwrap_or_default();
        let right = aws_lc_rs::constant_time::verify_slices_are_equal(
            given.as_bytes(),
            token.expose_secret().as_bytes(),
        );
        right.map_err(|_| Code::Unauthenticated)?;
    }
    let text = service.metrics.as_ref().map(|handle| {
        handle.run_upkeep();
        handle.render()
    });
    Ok(HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(text.unwrap_or_default()))
}

/// `GET /api/v1/openapi.json`
pub async fn openapi() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "public, max-age=300"))
        .content_type("application/json")
        .body(super::openapi::text())
}
