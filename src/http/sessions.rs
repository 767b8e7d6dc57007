//! Signing in, staying in, getting out.

use actix_web::{HttpRequest, HttpResponse};
use secrecy::SecretString;
use serde::Deserialize;
use utoipa::ToSchema;

use super::extract::{Body, Caller};
use super::reply::{Data, HttpResult, blocking, hashing};
use crate::app::session::who_am_i;
use crate::domain::value::Text;

/// Name and password.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// The name to sign in with.
    pub username: Text<1, 64>,
    /// The password.
    #[schema(value_type = String, max_length = 128)]
    pub password: SecretString,
}

/// A refresh token.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Refresh {
    /// The token, good once.
    #[schema(value_type = String, max_length = 64)]
    pub refresh_token: SecretString,
}

/// A change of password.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordChange {
    /// The password until now.
    #[schema(value_type = String, max_length = 128)]
    pub current_password: SecretString,
    /// The password from now on; every session ends.
    #[schema(value_type = String, min_length = 10, max_length = 128)]
    pub new_password: SecretString,
}

/// `POST /auth/login`
pub async fn log_in(service: Data, request: HttpRequest, body: Body<Login>) -> HttpResult {
    let address = service.limits.login(&request)?;
    let tokens = hashing(&service, move |app| {
        app.log_in(&body.value.username.as_str().to_ascii_lowercase(), &body.value.password, address)
    })
    .await?;
    Ok(HttpResponse::Ok().json(tokens))
}

/// `POST /auth/refresh`
pub async fn refresh(service: Data, request: HttpRequest, body: Body<Refresh>) -> HttpResult {
    service.limits.public(&request)?;
    let tokens = blocking(&service, move |app| {
        app.refresh(secrecy::ExposeSecret::expose_secret(&body.value.refresh_token))
    })
    .await?;
    Ok(HttpResponse::Ok().json(tokens))
}

/// `POST /auth/logout`
pub async fn log_out(service: Data, caller: Caller) -> HttpResult {
    blocking(&service, move |app| app.log_out(&caller.plain_call())).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// `GET /me`
pub async fn me(service: Data, caller: Caller) -> HttpResult {
    let me = blocking(&service, move |app| app.read_own(&caller.plain_call(), "read_me", who_am_i)).await?;
    Ok(HttpResponse::Ok().json(me))
}

/// `POST /me/password`
pub async fn change_password(
    service: Data,
    request: HttpRequest,
    caller: Caller,
    body: Body<PasswordChange>,
) -> HttpResult {
    let address = service.limits.login(&request)?;
    hashing(&service, move |app| {
        let given = body.value;
        app.change_password(&caller.plain_call(), &given.current_password, &given.new_password, address)
    })
    .await?;
    Ok(HttpResponse::NoContent().finish())
}
