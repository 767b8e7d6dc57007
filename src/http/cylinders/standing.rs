//! How cylinders stand: seized, blacklisted, lost, in whose ownership.

use super::super::extract::{Body, Caller};
use super::super::registry::path_id;
use super::super::reply::{Data, HttpResult, command, submit};
use super::*;
use crate::app::registry::{NewOwnerChange, propose_owner_change};
use crate::app::standing::{ApproveOwnerChange, Change, ChangeStanding};
use crate::auth::permission::Action;
use crate::domain::id::OwnerChangeId;
use crate::error::Code;
use actix_web::HttpRequest;

async fn stand(
    service: Data,
    caller: Caller,
    request: HttpRequest,
    digest: [u8; 32],
    change: Change,
) -> HttpResult {
    let target = target(&service, &caller, change.action(), &request).await?;
    let receipt =
        command(&service, &caller, ChangeStanding { call: caller.call(digest), target, change }).await?;
    Ok(act(&receipt))
}

/// `POST /cylinders/{ref}/seizures`
pub async fn seize(
    service: Data,
    caller: Caller,
    request: HttpRequest,
    body: Body<DocumentRequest>,
) -> HttpResult {
    stand(service, caller, request, body.digest, Change::Seize(body.value.into())).await
}

/// `POST /cylinders/{ref}/blacklistings`
pub async fn blacklist(
    service: Data,
    caller: Caller,
    request: HttpRequest,
    body: Body<DocumentRequest>,
) -> HttpResult {
    stand(service, caller, request, body.digest, Change::Blacklist(body.value.into())).await
}

/// `DELETE /cylinders/{ref}/blacklistings`
pub async fn unblacklist(
    service: Data,
    caller: Caller,
    request: HttpRequest,
    body: Body<DocumentRequest>,
) -> HttpResult {
    stand(service, caller, request, body.digest, Change::Unblacklist(body.value.into())).await
}

/// `POST /cylinders/{ref}/losses`
pub async fn lose(
    service: Data,
    caller: Caller,
    request: HttpRequest,
    body: Body<ReasonRequest>,
) -> HttpResult {
    stand(service, caller, request, body.digest, Change::Lose(body.value.reason)).await
}

/// `POST /cylinders/{ref}/recoveries`
pub async fn recover(
    service: Data,
    caller: Caller,
    request: HttpRequest,
    body: Body<ReasonRequest>,
) -> HttpResult {
    stand(service, caller, request, body.digest, Change::Recover(body.value.reason)).await
}

/// `DELETE /cylinders/{ref}/labels`
pub async fn revoke_label(
    service: Data,
    caller: Caller,
    request: HttpRequest,
    body: Body<ReasonRequest>,
) -> HttpResult {
    stand(service, caller, request, body.digest, Change::RevokeLabel(body.value.reason)).await
}

/// `POST /cylinders/{ref}/owner-changes`
pub async fn propose(
    service: Data,
    caller: Caller,
    request: HttpRequest,
    body: Body<NewOwnerChange>,
) -> HttpResult {
    let target = target(&service, &caller, Action::ChangeOwner, &request).await?;
    submit(&service, &caller, (Action::ChangeOwner, StatusCode::CREATED), body, move |session, body| {
        propose_owner_change(session, target, body)
    })
    .await
}

/// `POST /owner-changes/{id}/approve`
pub async fn approve(service: Data, caller: Caller, request: HttpRequest) -> HttpResult {
    let id: OwnerChangeId = path_id(&request, "id", Code::OwnerChangeNotFound)?;
    let receipt =
        command(&service, &caller, ApproveOwnerChange { call: caller.call(caller.no_body()), id }).await?;
    Ok(act(&receipt))
}
