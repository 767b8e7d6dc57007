//! How handlers answer, and how they leave the event loop for work that waits.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::Service;
use super::extract::{Body, Caller, CursorKey, Limit, write_cursor};
use crate::app::audit::{Audited, is_denial};
use crate::app::{Answer, App, Session};
use crate::auth::permission::Action;
use crate::error::{Code, Result};
use crate::ledger::{Call, Command, Receipt};

/// What handlers return.
pub type HttpResult = Result<HttpResponse>;

/// The service, as handlers get it.
pub type Data = web::Data<Service>;

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct List<T> {
    /// The rows.
    pub items: Vec<T>,
    /// For the next page; null on the last.
    pub next_cursor: Option<String>,
}

/// Cuts the one row more that was fetched and makes the cursor from the last row kept.
pub fn list<R, T, K: CursorKey>(
    mut rows: Vec<R>,
    limit: Limit,
    key: impl Fn(&R) -> K,
    view: impl FnOnce(Vec<R>) -> Result<Vec<T>>,
) -> Result<List<T>> {
    let limit = usize::try_from(limit.0).unwrap_or(usize::MAX);
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next_cursor = rows.last().filter(|_| more).map(|row| write_cursor(&key(row)));
    Ok(List { items: view(rows)?, next_cursor })
}

/// Runs work that waits on a thread of its own. It runs to its end even if the client goes away.
pub async fn blocking<T: Send + 'static>(
    service: &Data,
    work: impl FnOnce(&App) -> Result<T> + Send + 'static,
) -> Result<T> {
    let app = Arc::clone(&service.app);
    web::block(move || work(&app)).await.map_err(|_| Code::Unavailable)?
}

/// The same for work that hashes a password. The permit goes along with the work: it runs on when the client is gone, and
/// whoever sends and hangs up must not have more hashed at once.
pub async fn hashing<T: Send + 'static>(
    service: &Data,
    work: impl FnOnce(&App) -> Result<T> + Send + 'static,
) -> Result<T> {
    let permit = Arc::clone(&service.app.hashing).acquire_owned().await.map_err(|_| Code::Unavailable)?;
    blocking(service, move |app| {
        let _until_done = permit;
        work(app)
    })
    .await
}

/// Looks something up and answers 200.
pub async fn read<T: Serialize + Send + 'static>(
    service: &Data,
    caller: &Caller,
    action: Action,
    work: impl FnOnce(&mut Session<'_>) -> Result<T> + Send + 'static,
) -> HttpResult {
    let call = caller.plain_call();
    let value = blocking(service, move |app| app.read(&call, action, work)).await?;
    Ok(HttpResponse::Ok().json(value))
}

/// Writes something that is no cylinder and answers with the stored body.
pub async fn write<T: Serialize + Audited>(
    service: &Data,
    call: Call,
    action: Action,
    status: StatusCode,
    work: impl FnMut(&mut Session<'_>) -> Result<T> + Send + 'static,
) -> HttpResult {
    let answer = blocking(service, move |app| app.write(&call, action, work)).await?;
    Ok(stored(status, answer))
}

/// The same for a call with a body.
pub async fn submit<B, T>(
    service: &Data,
    caller: &Caller,
    (action, status): (Action, StatusCode),
    body: Body<B>,
    mut work: impl FnMut(&mut Session<'_>, &B) -> Result<T> + Send + 'static,
) -> HttpResult
where
    B: Send + 'static,
    T: Serialize + Audited,
{
    let call = caller.call(body.digest);
    write(service, call, action, status, move |session| work(session, &body.value)).await
}

pub(super) fn stored(status: StatusCode, answer: Answer) -> HttpResponse {
    let mut response = HttpResponse::build(status);
    mark_replay(&mut response, answer.replayed);
    response.content_type("application/json").body(answer.body)
}

fn mark_replay(response: &mut actix_web::HttpResponseBuilder, replayed: bool) {
    if replayed {
        response.insert_header(("idempotency-replayed", "true"));
    }
}

/// Hands a command of a caller to the ledger; a denial goes into the audit log.
pub async fn command(service: &Data, caller: &Caller, command: impl Command + 'static) -> Result<Receipt> {
    let action = command.action();
    let result = service.app.writer.write(Box::new(command)).await;
    if let Err(error) = &result
        && is_denial(error)
    {
        let (call, error) = (caller.plain_call(), error.clone());
        let noted = blocking(service, move |app| {
            app.deny_command(&call, action, &error);
            Ok(())
        });
        noted.await?;
    }
    result
}

/// The answer to a command.
pub fn recorded<T: Serialize>(status: StatusCode, receipt: &Receipt, body: &T) -> HttpResponse {
    let mut response = HttpResponse::build(status);
    mark_replay(&mut response, receipt.replayed);
    response.json(body)
}
