//! Organizations, licenses, sites, scales, users, certificates, agreements, policies.

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::extract::{Body, Caller, Limit, page, query};
use super::reply::{Data, HttpResult, blocking, hashing, list, read, stored, submit, write};
use crate::app::registry::{self as app, Judgement};
use crate::auth::permission::Action;
use crate::db::registry::{
    AgreementRow, CertificateRow, LicenseRow, OrganizationRow, OwnerChangeRow, PolicyRow, ScaleRow, SiteRow,
    UserRow,
};
use crate::domain::date::Day;
use crate::domain::district::DistrictCode;
use crate::domain::id::{
    AgreementId, CertificateId, DeviceKeyId, LicenseId, OrganizationId, OwnerChangeId, ScaleId, SiteId,
    UserId,
};
use crate::domain::said::said;
use crate::error::{Code, Error, Result};
use crate::gate::policy::{ITEMS, Policy};
use crate::gate::rule;

/// Which page.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// How many rows, 1 to 200.
    #[param(value_type = Option<i64>, minimum = 1, maximum = 200)]
    pub limit: Limit,
    /// Where the page before ended.
    #[param(max_length = 100)]
    pub cursor: Option<String>,
}

/// Reads an id from the path; a text that is no id names nothing.
pub(super) fn path_id<K>(request: &HttpRequest, name: &str, code: Code) -> Result<crate::domain::id::Id<K>> {
    request.match_info().get(name).and_then(|text| text.parse().ok()).ok_or_else(|| code.into())
}

/// `POST /organizations`
pub async fn create_organization(
    service: Data,
    caller: Caller,
    body: Body<app::NewOrganization>,
) -> HttpResult {
    submit(
        &service,
        &caller,
        (Action::CreateOrganization, StatusCode::CREATED),
        body,
        app::create_organization,
    )
    .await
}

/// `GET /organizations`
pub async fn list_organizations(service: Data, caller: Caller, request: HttpRequest) -> HttpResult {
    let asked: PageQuery = query(&request)?;
    let page = page(asked.limit, asked.cursor.as_deref())?;
    read(&service, &caller, Action::ReadOrganization, move |session| {
        let rows = OrganizationRow::list(session.conn, &session.reach(), &page)?;
        list(rows, asked.limit, |row| row.id, Ok)
    })
    .await
}

/// `GET /organizations/{id}`
pub async fn get_organization(service: Data, caller: Caller, request: HttpRequest) -> HttpResult {
    let id: OrganizationId = path_id(&request, "id", Code::OrganizationNotFound)?;
    read(&service, &caller, Action::ReadOrganization, move |session| session.organization(id)).await
}

/// `PATCH /organizations/{id}`
pub async fn change_organization(
    service: Data,
    caller: Caller,
    request: HttpRequest,
    body: Body<app::OrganizationChange>,
) -> HttpResult {
    let id: OrganizationId = path_id(&request, "id", Code::OrganizationNotFound)?;
    submit(&service, &caller, (Action::JudgeOrganization, StatusCode::OK), body, move |session, body| {
        app::change_organization(session, id, body)
    })
    .await
}

/// `POST /organizations/{id}/licenses`
pub async fn create_license(
    service: Data,
    caller: Caller,
    request: HttpRequest,
    body: Body<app::NewLicense>,
) -> HttpResult {
    let id: OrganizationId = path_id(&request, "id", Code::OrganizationNotFound)?;
    submit(&service, &caller, (Action::WriteLicense, StatusCode::CREATED), body, move |session, body| {
        app::create_license(session, id, body)
    })
    .await
}

/// `GET /organizations/{id}/licenses`
pub async fn list_licenses(service: Data, caller: Caller, request: HttpRequest) -> HttpResult {
    let id: OrganizationId = path_id(&request, "id", Code::OrganizationNotFound)?;
    let asked: PageQuery = query(&request)?;
    let page = page(asked.limit, asked.cursor.as_deref())?;
    read(&service, &caller, Action::ReadLicense, move |session| {
        session.organization(id)?;
        list(LicenseRow::list(session.conn, id, &page)?, asked.limit, |row| row.id, Ok)
    })
    .await
}

/// `PATCH /licenses/{id}`
pub async fn judge_license(
    service: Data,
    caller: Caller,
    request: HttpRequest,
    body: Body<Judgement>,
) -> HttpResult {
    let id: LicenseId = path_id(&request, "id", Code::LicenseNotFound)?;
    submit(&service, &caller, (Action::WriteLicense, StatusCode::OK), body, move |session, body| {
        app::judge_license(session, id, body)
    })
    .await
}

/// `POST /sites`
pub async fn create_site(service: Data, caller: Caller, body: Body<app::NewSite>) -> HttpResult {
    submit(&service, &caller, (Action::WriteSite, StatusCode::CREATED), body, app::create_site).await
}

/// `GET /sites`
pub async fn list_sites(service: Data, caller: Caller, request: HttpRequest) -> HttpResult {
    let asked: PageQuery = query(&request)?;
    let page = page::<SiteId>(asked.limit, asked.cursor.as_deref())?;
    read(&service, &caller, Action::ReadSite, move |session| {
        list(SiteRow::list(session.conn, &session.reach(), &page)?, asked.limit, |row| row.id, Ok)
    })
    .await
}

/// `POST /scales`
pub async fn create_scale(service: Data, caller: Caller, body: Body<app::NewScale>) -> HttpResult {
    submit(&service, &caller, (Action::WriteScale, StatusCode::CREATED), body, app::create_scale).await
}

/// `GET /scales`
pub async fn list_scales(service: Data, caller: Caller, request: HttpRequest) -> HttpResult {
    let asked: PageQuery = query(&request)?;
    let page = page::<ScaleId>(asked.limit, asked.cursor.as_deref())?;
    read(&service, &caller, Action::ReadScale, move |session| {
        list(ScaleRow::list(session.conn, &session.reach(), &page)?, asked.limit, |row| row.id, Ok)
    })
    .await
}

/// `PATCH /scales/{id}`
pub async fn change_scale(
    service: Data,
    caller: Caller,
    request: HttpRequest,
    body: Body<app::ScaleChange>,
) -> HttpResult {
    let id: ScaleId = path_id(&request, "id", Code::ScaleNotFound)?;
    submit(&service, &caller, (Action::WriteScale, StatusCode::OK), body, move |session, body| {
        app::change_scale(session, id, body)
    })
    .await
}

/// `POST /scales/{id}/keys`: a repetition is told which key was made, because the key itself is stored nowhere.
pub async fn create_device_key(service: Data, caller: Caller, request: HttpRequest) -> HttpResult {
    let id: ScaleId = path_id(&request, "id", Code::ScaleNotFound)?;
    let call = caller.call(caller.no_body());
    let answer = blocking(&service, move |app| {
        app.write(&call, Action::WriteScale, |session| app::create_device_key(session, id))
    })
    .await?;
    if answer.replayed {
        return app::device_key_was_shown(&answer.body);
    }
    Ok(stored(StatusCode::CREATED, answer))
}

/// `DELETE /scales/{id}/keys/{key_id}`
pub async fn revoke_device_key(service: Data, caller: Caller, request: HttpRequest) -> HttpResult {
    let id: ScaleId = path_id(&request, "id", Code::ScaleNotFound)?;
    let key: DeviceKeyId = path_id(&request, "key_id", Code::NotFound)?;
    let call = caller.call(caller.no_body());
    write(&service, call, Action::WriteScale, StatusCode::OK, move |session| {
        app::revoke_device_key(session, id, key)
    })
    .await
}

/// `POST /scales/{id}/shift`
pub async fn begin_shift(service: Data, caller: Caller, request: HttpRequest) -> HttpResult {
    let id: ScaleId = path_id(&request, "id", Code::ScaleNotFound)?;
    let call = caller.call(caller.no_body());
    write(&service, call, Action::WorkShift, StatusCode::OK, move |session| app::begin_shift(session, id))
        .await
}

/// `DELETE /scales/{id}/shift`
pub async fn end_shift(service: Data, caller: Caller, request: HttpRequest) -> HttpResult {
    let id: ScaleId = path_id(&request, "id", Code::ScaleNotFound)?;
    let call = caller.call(caller.no_body());
    write(&service, call, Action::WorkShift, StatusCode::OK, move |session| app::end_shift(session, id)).await
}

/// `POST /users`
pub async fn create_user(service: Data, caller: Caller, body: Body<app::NewUser>) -> HttpResult {
    let call = caller.call(body.digest);
    let answer = hashing(&service, move |app| {
        let new = &body.value;
        // Hashing takes most of a second's worth of a core: only for those who may, and not inside the transaction.
        app.read(&call, Action::WriteUser, |_| Ok(()))?;
        let hash = app::hash_password(&new.password, new.username.as_str(), "/password", &*app.ids)?;
        app.write(&call, Action::WriteUser, |session| app::create_user(session, new, &hash))
    })
    .await?;
    Ok(stored(StatusCode::CREATED, answer))
}

/// `GET /users`
pub async fn list_users(service: Data, caller: Caller, request: HttpRequest) -> HttpResult {
    let asked: PageQuery = query(&request)?;
    let page = page::<UserId>(asked.limit, asked.cursor.as_deref())?;
    read(&service, &caller, Action::ReadUser, move |session| {
        list(UserRow::list(session.conn, &session.reach(), &page)?, asked.limit, |row| row.id, Ok)
    })
    .await
}

/// `PATCH /users/{id}`
pub async fn change_user(
    service: Data,
    caller: Caller,
    request: HttpRequest,
    body: Body<app::UserChange>,
) -> HttpResult {
    let id: UserId = path_id(&request, "id", Code::UserNotFound)?;
    let call = caller.call(body.digest);
    let answer = hashing(&service, move |app| {
        let new = &body.value;
        let username = app.read(&call, Action::WriteUser, |session| Ok(app::user(session, id)?.username))?;
        let hash = match &new.password {
            Some(password) => Some(app::hash_password(password, &username, "/password", &*app.ids)?),
            None => None,
        };
        app.write(&call, Action::WriteUser, |session| app::change_user(session, id, new, hash.as_deref()))
    })
    .await?;
    Ok(stored(StatusCode::OK, answer))
}

/// `POST /users/{id}/certificates`
pub async fn create_certificate(
    service: Data,
    caller: Caller,
    request: HttpRequest,
    body: Body<app::NewCertificate>,
) -> HttpResult {
    let id: UserId = path_id(&request, "id", Code::UserNotFound)?;
    submit(&service, &caller, (Action::WriteCertificate, StatusCode::CREATED), body, move |session, body| {
        app::create_certificate(session, id, body)
    })
    .await
}

/// `GET /users/{id}/certificates`
pub async fn list_certificates(service: Data, caller: Caller, request: HttpRequest) -> HttpResult {
    let id: UserId = path_id(&request, "id", Code::UserNotFound)?;
    let asked: PageQuery = query(&request)?;
    let page = page(asked.limit, asked.cursor.as_deref())?;
    read(&service, &caller, Action::ReadCertificate, move |session| {
        app::user(session, id)?;
        list(CertificateRow::list(session.conn, id, &page)?, asked.limit, |row| row.id, Ok)
    })
    .await
}

/// `PATCH /certificates/{id}`
pub async fn judge_certificate(
    service: Data,
    caller: Caller,
    request: HttpRequest,
    body: Body<Judgement>,
) -> HttpResult {
    let id: CertificateId = path_id(&request, "id", Code::CertificateNotFound)?;
    submit(&service, &caller, (Action::JudgeCertificate, StatusCode::OK), body, move |session, body| {
        app::judge_certificate(session, id, body)
    })
    .await
}

/// `POST /supply-agreements`
pub async fn create_agreement(service: Data, caller: Caller, body: Body<app::NewAgreement>) -> HttpResult {
    submit(&service, &caller, (Action::WriteAgreement, StatusCode::CREATED), body, app::create_agreement)
        .await
}

/// `GET /organizations/{id}/supply-agreements`
pub async fn list_agreements(service: Data, caller: Caller, request: HttpRequest) -> HttpResult {
    let id: OrganizationId = path_id(&request, "id", Code::OrganizationNotFound)?;
    let asked: PageQuery = query(&request)?;
    let page = page(asked.limit, asked.cursor.as_deref())?;
    read(&service, &caller, Action::ReadAgreement, move |session| {
        session.organization(id)?;
        list(AgreementRow::list(session.conn, id, &page)?, asked.limit, |row| row.id, Ok)
    })
    .await
}

/// `DELETE /supply-agreements/{id}`
pub async fn end_agreement(service: Data, caller: Caller, request: HttpRequest) -> HttpResult {
    let id: AgreementId = path_id(&request, "id", Code::AgreementNotFound)?;
    let call = caller.call(caller.no_body());
    write(&service, call, Action::WriteAgreement, StatusCode::OK, move |session| {
        app::end_agreement(session, id)
    })
    .await
}

/// `GET /owner-changes`
pub async fn list_owner_changes(service: Data, caller: Caller, request: HttpRequest) -> HttpResult {
    let asked: PageQuery = query(&request)?;
    let page = page(asked.limit, asked.cursor.as_deref())?;
    read(&service, &caller, Action::ChangeOwner, move |session| {
        let ours = session.actor.organization_id;
        list(OwnerChangeRow::list(session.conn, ours, &page)?, asked.limit, |row| row.id, Ok)
    })
    .await
}

/// `POST /owner-changes/{id}/reject`
pub async fn reject_owner_change(service: Data, caller: Caller, request: HttpRequest) -> HttpResult {
    let id: OwnerChangeId = path_id(&request, "id", Code::OwnerChangeNotFound)?;
    let call = caller.call(caller.no_body());
    write(&service, call, Action::ChangeOwner, StatusCode::OK, move |session| {
        app::reject_owner_change(session, id)
    })
    .await
}

/// Where and when to read policies.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct PolicyQuery {
    /// In force in this district; the reader's own if left out.
    pub district_code: Option<DistrictCode>,
    /// In force on this day; today if left out.
    pub on: Option<Day>,
    /// How many rows of the record, 1 to 200.
    #[param(value_type = Option<i64>, minimum = 1, maximum = 200)]
    pub limit: Limit,
    /// Where the page before ended.
    #[param(max_length = 100)]
    pub cursor: Option<String>,
}

/// Policies: what is in force, and every entry ever made.
#[derive(Debug, Serialize, ToSchema)]
pub struct Policies {
    /// The values in force at that place on that day, by name.
    #[schema(value_type = Object)]
    pub in_force: serde_json::Map<String, Value>,
    /// Every entry, newest first.
    pub items: Vec<PolicyRow>,
    /// For the next page; null on the last.
    pub next_cursor: Option<String>,
}

/// `GET /policies`
pub async fn list_policies(service: Data, caller: Caller, request: HttpRequest) -> HttpResult {
    let asked: PolicyQuery = query(&request)?;
    let page = page(asked.limit, asked.cursor.as_deref())?;
    read(&service, &caller, Action::ReadPolicy, move |session| {
        let entries = crate::db::facts::policies(session.conn)?;
        let district = asked.district_code.unwrap_or_else(|| session.actor.district_code.clone());
        let policy = Policy::resolve(&entries, &district, asked.on.map_or(session.now.today, |day| day.0));
        let mut in_force: serde_json::Map<String, Value> =
            ITEMS.iter().map(|item| (item.name.to_owned(), policy.value(item))).collect();
        let severities = rule::all().filter(|rule| rule.by_policy);
        in_force.extend(
            severities
                .map(|rule| (format!("severity.{}", rule.id), Value::from(policy.severity(rule).as_str()))),
        );
        let rows = list(PolicyRow::list(session.conn, &page)?, asked.limit, |row| row.id, Ok)?;
        Ok(Policies { in_force, items: rows.items, next_cursor: rows.next_cursor })
    })
    .await
}

/// `PUT /policies/{name}`
pub async fn set_policy(
    service: Data,
    caller: Caller,
    request: HttpRequest,
    body: Body<app::NewPolicy>,
) -> HttpResult {
    let name = request.match_info().get("name").unwrap_or_default().to_owned();
    if name.len() > 100 {
        return Err(Error::new(Code::NotFound, said("没有这项策略", "no such policy")));
    }
    submit(&service, &caller, (Action::WritePolicy, StatusCode::OK), body, move |session, body| {
        app::set_policy(session, &name, body)
    })
    .await
}

/// `GET /users/{id}`
pub async fn get_user(service: Data, caller: Caller, request: HttpRequest) -> HttpResult {
    let id: UserId = path_id(&request, "id", Code::UserNotFound)?;
    read(&service, &caller, Action::ReadUser, move |session| app::user(session, id)).await
}
