//! Users and their certificates; the first admin.

use super::super::Session;
use super::super::audit::{self, Audited};
use super::{Judgement, bounded, hidden_as, judge, may_judge, or_null, period};
use crate::auth::password::{self, NewPassword};
use crate::auth::permission::{Action, Scope, scope};
use crate::clock::IdGen;
use crate::db::DbError;
use crate::db::conn::Conn;
use crate::db::registry::{CertificateRow, OrganizationRow, ScaleRow, SiteRow, UserRow};
use crate::db::sessions::revoke_sessions_of;
use crate::db::tx::write_tx;
use crate::domain::actor::Role;
use crate::domain::date::Day;
use crate::domain::id::{CertificateId, OrganizationId, SiteId, UserId};
use crate::domain::instant::{Instant, Moment};
use crate::domain::registry::{CertificateKind, LicenseStatus, OrganizationKind, OrganizationStatus};
use crate::domain::said::said;
use crate::domain::value::{Name, Number, Text, ValueError};
use crate::error::{Code, Error, Result};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use utoipa::ToSchema;

/// A user to enter.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    /// Their employer.
    pub organization_id: OrganizationId,
    /// The name to sign in with: 3 to 64 of a-z, 0-9, dot, hyphen, underscore.
    pub username: Text<3, 64>,
    /// The first password.
    #[schema(value_type = String, min_length = 10, max_length = 128)]
    pub password: SecretString,
    /// Their name.
    pub display_name: Name,
    /// What they may do.
    pub roles: Vec<Role>,
    /// The site they work at.
    #[serde(default)]
    pub site_id: Option<SiteId>,
}

/// What may change of a user. Members left out stay as they are.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserChange {
    /// Their name.
    #[serde(default)]
    pub display_name: Option<Name>,
    /// What they may do.
    #[serde(default)]
    pub roles: Option<Vec<Role>>,
    /// The site they work at; null for none.
    #[serde(default, deserialize_with = "or_null")]
    #[schema(value_type = Option<SiteId>)]
    pub site_id: Option<Option<SiteId>>,
    /// Whether the login is enabled.
    #[serde(default)]
    pub active: Option<bool>,
    /// A new password; ends all sessions.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 10, max_length = 128)]
    pub password: Option<SecretString>,
}

/// Roles are given by who may: a platform admin's by a platform admin, a regulator's in a regulator's organization.
fn check_roles(session: &Session<'_>, roles: &[Role], organization: &OrganizationRow) -> Result<()> {
    bounded("/roles", roles)?;
    if roles.is_empty() {
        return Err(Error::invalid("/roles", "too_short", said("至少一个角色", "at least one role")));
    }
    if roles.contains(&Role::PlatformAdmin) && session.scope != Scope::All {
        return Err(Error::invalid(
            "/roles",
            "not_yours_to_give",
            said("仅平台管理员可以设立平台管理员", "only a platform admin may make another"),
        ));
    }
    let regulator = organization.kinds.0.contains(&OrganizationKind::Regulator);
    let wrong = roles.iter().any(|role| match role {
        Role::Regulator => !regulator,
        Role::OrgAdmin | Role::PlatformAdmin => false,
        _ => regulator,
    });
    if wrong {
        return Err(Error::invalid(
            "/roles",
            "contradiction",
            said(
                "监管人员角色只能用于监管部门，监管部门也只能用此角色",
                "the role regulator goes with a regulator, and only with it",
            ),
        ));
    }
    Ok(())
}

fn check_site(session: &mut Session<'_>, id: Option<SiteId>, of: OrganizationId) -> Result<()> {
    let Some(id) = id else { return Ok(()) };
    let own = SiteRow::get(session.conn, id)?.is_some_and(|site| site.organization_id == of);
    if own {
        Ok(())
    } else {
        Err(Error::invalid(
            "/site_id",
            "site_not_found",
            said("必须是该单位的站点", "must be a site of the organization"),
        ))
    }
}

/// Holds a name to sign in with to what can be typed everywhere.
///
/// # Errors
/// It has other characters.
pub fn check_username(name: &Text<3, 64>) -> Result<()> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b);
    if name.as_str().bytes().all(plain) {
        Ok(())
    } else {
        Err(Error::invalid(
            "/username",
            "bad_format",
            said("只能用 a-z、0-9、点、连字符和下划线", "a-z, 0-9, dot, hyphen, underscore"),
        ))
    }
}

/// The hash of a new password; takes most of a core for some time.
///
/// # Errors
/// Too weak, or the generator failed.
pub fn hash_password(text: &SecretString, username: &str, pointer: &str, ids: &dyn IdGen) -> Result<String> {
    let password = NewPassword::new(text.expose_secret(), username)
        .map_err(|weak| Error::value(pointer, &ValueError::from(weak)))?;
    password::hash(password.secret(), ids).map_err(|error| {
        tracing::error!(%error, "password hash");
        Code::Internal.into()
    })
}

/// Enters a user. `password_hash` was made before the transaction.
///
/// # Errors
/// 404, invalid, or the name is taken.
pub fn create_user(session: &mut Session<'_>, new: &NewUser, password_hash: &str) -> Result<UserRow> {
    let organization = session.organization(new.organization_id)?;
    check_username(&new.username)?;
    let username = new.username.as_str();
    check_roles(session, &new.roles, &organization)?;
    check_site(session, new.site_id, new.organization_id)?;
    let row = UserRow {
        id: session.ids.id(session.now.at),
        organization_id: new.organization_id,
        username: username.to_owned(),
        password_hash: password_hash.to_owned(),
        display_name: new.display_name.to_string(),
        roles: new.roles.clone().into(),
        site_id: new.site_id,
        active: true,
        version: 1,
        created_at: session.now.at,
        updated_at: session.now.at,
    };
    if UserRow::by_username(session.conn, username)?.is_some() {
        return Err(Code::UsernameTaken.into());
    }
    row.insert(session.conn)?;
    Ok(row)
}

/// A user of an organization that the actor may see.
///
/// # Errors
/// 404, or the database.
pub fn user(session: &mut Session<'_>, id: UserId) -> Result<UserRow> {
    let row = UserRow::get(session.conn, id)?.ok_or(Code::UserNotFound)?;
    session.organization(row.organization_id).map_err(hidden_as(Code::UserNotFound))?;
    Ok(row)
}

/// The same, kept as they are until the transaction ends: certificates of one person are entered and judged one after the
/// other, or the next one would slip in beside the judgement that bars it.
fn locked(session: &mut Session<'_>, id: UserId) -> Result<UserRow> {
    UserRow::lock(session.conn, id)?;
    user(session, id)
}

/// Changes a user. Disabling one or setting a password ends their sessions; who may fill no more has no shift.
///
/// # Errors
/// 404 or invalid.
pub fn change_user(
    session: &mut Session<'_>,
    id: UserId,
    change: &UserChange,
    password_hash: Option<&str>,
) -> Result<UserRow> {
    let mut row = user(session, id)?;
    let organization = session.organization(row.organization_id)?;
    if row.roles.0.contains(&Role::PlatformAdmin) && session.scope != Scope::All {
        return Err(Error::new(
            Code::Forbidden,
            said("仅平台管理员可以修改平台管理员", "only a platform admin may change another"),
        ));
    }
    if let Some(roles) = &change.roles {
        check_roles(session, roles, &organization)?;
        row.roles = roles.clone().into();
    }
    if let Some(site) = change.site_id {
        check_site(session, site, row.organization_id)?;
        row.site_id = site;
    }
    if let Some(name) = &change.display_name {
        row.display_name = name.to_string();
    }
    if let Some(hash) = password_hash {
        hash.clone_into(&mut row.password_hash);
        session.note = Some("password_set");
    }
    row.active = change.active.unwrap_or(row.active);
    row.updated_at = session.now.at;
    row.update(session.conn)?;
    if !row.active || !row.roles.0.contains(&Role::FillOperator) {
        ScaleRow::end_shifts_of(session.conn, id, session.now.at)?;
    }
    if !row.active || password_hash.is_some() {
        revoke_sessions_of(session.conn, id, "changed by an administrator", session.now.at)?;
    }
    Ok(row)
}

/// A certificate to enter.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCertificate {
    /// For what.
    pub kind: CertificateKind,
    /// The number on it.
    pub number: Number,
    /// Who issued it.
    pub issuer: Name,
    /// First valid day.
    pub valid_from: Day,
    /// Last valid day.
    pub valid_to: Day,
}

/// Enters a certificate.
///
/// # Errors
/// 404, invalid, or it exists; 403 after one was suspended or revoked.
pub fn create_certificate(
    session: &mut Session<'_>,
    of: UserId,
    new: &NewCertificate,
) -> Result<CertificateRow> {
    let holder = locked(session, of)?;
    period(new.valid_from, new.valid_to)?;
    // Per employer: a number that was mistyped elsewhere must not keep a certificate out.
    if CertificateRow::is_taken(session.conn, holder.organization_id, new.kind, new.number.as_str())? {
        return Err(Error::taken("/number"));
    }
    let judged = CertificateRow::is_judged(session.conn, of, new.kind)?;
    if judged && scope(&session.actor, Action::JudgeCertificate).is_none() {
        return Err(Error::new(
            Code::Forbidden,
            said(
                "监管部门暂停或吊销过此人的该类证书，新证书须由有权处置证书者录入",
                "an authority suspended or revoked a certificate of this kind of theirs: who judges certificates enters the next",
            ),
        ));
    }
    let row = CertificateRow {
        id: session.ids.id(session.now.at),
        user_id: of,
        kind: new.kind,
        number: new.number.to_string(),
        issuer: new.issuer.to_string(),
        valid_from: new.valid_from.0,
        valid_to: new.valid_to.0,
        status: LicenseStatus::Valid,
        status_reason: None,
        version: 1,
        created_at: session.now.at,
        updated_at: session.now.at,
    };
    row.insert(session.conn)?;
    Ok(row)
}

/// Suspends, revokes or restores a certificate. Takes effect with the very next check.
///
/// # Errors
/// 404, or it was revoked.
pub fn judge_certificate(
    session: &mut Session<'_>,
    id: CertificateId,
    judgement: &Judgement,
) -> Result<CertificateRow> {
    let mut row = CertificateRow::get(session.conn, id)?.ok_or(Code::CertificateNotFound)?;
    let holder = locked(session, row.user_id).map_err(hidden_as(Code::CertificateNotFound))?;
    let organization = session.organization(holder.organization_id)?;
    may_judge(session, &organization)?;
    judge(row.status, judgement)?;
    row.status = judgement.status;
    row.status_reason = Some(judgement.reason.to_string());
    row.updated_at = session.now.at;
    row.update_status(session.conn)?;
    Ok(row)
}

/// The first organization and user of a service: the platform's own.
///
/// # Errors
/// The name is taken, the password is too weak, or the database.
pub fn create_first_admin(
    conn: &mut Conn,
    username: &Text<3, 64>,
    password: &SecretString,
    ids: &dyn IdGen,
    now: Moment,
) -> Result<UserRow> {
    let hash = hash_password(password, username.as_str(), "/password", ids)?;
    write_tx(conn, |conn| {
        let row = first_admin(conn, username, &hash, ids, now)?;
        audit::typed(conn, now.at, "create_first_admin", "pingma admin create", row.subject())?;
        Ok(row)
    })
}

fn first_admin(
    conn: &mut Conn,
    username: &Text<3, 64>,
    hash: &str,
    ids: &dyn IdGen,
    now: Moment,
) -> Result<UserRow> {
    let organization = platform_organization(conn, ids, now.at)?;
    if UserRow::by_username(conn, username.as_str())?.is_some() {
        return Err(Code::UsernameTaken.into());
    }
    let row = UserRow {
        id: ids.id(now.at),
        organization_id: organization,
        username: username.to_string(),
        password_hash: hash.to_owned(),
        display_name: username.to_string(),
        roles: vec![Role::PlatformAdmin].into(),
        site_id: None,
        active: true,
        version: 1,
        created_at: now.at,
        updated_at: now.at,
    };
    row.insert(conn)?;
    Ok(row)
}

/// The platform's own organization; it does nothing that is licensed.
pub(crate) const PLATFORM_CODE: &str = "PINGMA-PLATFORM";

fn platform_organization(conn: &mut Conn, ids: &dyn IdGen, at: Instant) -> Result<OrganizationId> {
    if let Some(found) = OrganizationRow::by_credit_code(conn, PLATFORM_CODE)? {
        return Ok(found.id);
    }
    let row = OrganizationRow {
        id: ids.id(at),
        name: "Pingma 瓶码".to_owned(),
        credit_code: PLATFORM_CODE.to_owned(),
        kinds: Vec::new().into(),
        authority: None,
        district_code: "000000".parse().map_err(DbError::corrupt)?,
        address: None,
        location: None,
        status: OrganizationStatus::Active,
        version: 1,
        created_at: at,
        updated_at: at,
    };
    row.insert(conn)?;
    Ok(row.id)
}
