//! Organizations, licenses, sites, scales, users, certificates, agreements, policies: entering, changing, listing.

use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::Session;
use crate::auth::password::{self, NewPassword};
use crate::auth::permission::Scope;
use crate::auth::secret::{OpaqueSecret, SecretKind};
use crate::clock::IdGen;
use crate::db::registry::{
    AgreementRow, CertificateRow, DeviceKeyRow, LicenseRow, OrganizationRow, OwnerChangeRow, PolicyRow,
    ScaleRow, SiteRow, UserRow,
};
use crate::db::sessions::revoke_sessions_of;
use crate::db::types::Json;
use crate::db::{DbError, facts};
use crate::domain::actor::Role;
use crate::domain::cylinder::Medium;
use crate::domain::date::Day;
use crate::domain::district::{DistrictCode, DistrictScope};
use crate::domain::id::{
    AgreementId, CertificateId, LicenseId, OrganizationId, OwnerChangeId, ScaleId, SiteId, UserId,
};
use crate::domain::instant::{Instant, Moment};
use crate::domain::registry::{
    Authority, CertificateKind, LicenseKind, LicenseStatus, Location, OrganizationKind, OrganizationStatus,
    SiteKind,
};
use crate::domain::value::{Name, Number, Reason, Remark, Text};
use crate::error::{Code, Error, Result};
use crate::gate::policy;

/// Most media, areas, roles or kinds in one list.
const MAX_LIST: usize = 20;
/// Longest shift, in seconds.
const SHIFT_S: i64 = 12 * 3_600;
/// Keys that a scale may have at once: the one in use and the one that takes its place.
const MAX_KEYS: usize = 2;

fn place(location: Option<Location>) -> Result<Option<Json<Location>>> {
    match location {
        Some(location) if !location.is_valid() => Err(Error::invalid(
            "/location",
            "out_of_range",
            "lat is -90 to 90, lon is -180 to 180",
        )),
        Some(location) => Ok(Some(Json::new(location)?)),
        None => Ok(None),
    }
}

fn bounded<T>(pointer: &str, list: &[T]) -> Result<()> {
    if list.len() > MAX_LIST {
        return Err(Error::invalid(
            pointer,
            "too_long",
            format!("at most {MAX_LIST} items"),
        ));
    }
    Ok(())
}

fn period(from: Day, to: Day) -> Result<()> {
    if to < from {
        return Err(Error::invalid(
            "/valid_to",
            "before_start",
            "must not be before valid_from",
        ));
    }
    Ok(())
}

/// An organization to enter.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOrganization {
    /// Its registered name.
    pub name: Name,
    /// 统一社会信用代码, 18 digits and letters.
    pub credit_code: Text<8, 18>,
    /// What it does.
    pub kinds: Vec<OrganizationKind>,
    /// The function of a regulator.
    #[serde(default)]
    pub authority: Option<Authority>,
    /// Where it sits; for a regulator, the area it answers for.
    pub district_code: DistrictCode,
    /// Address.
    #[serde(default)]
    pub address: Option<Remark>,
    /// Place on the map.
    #[serde(default)]
    pub location: Option<Location>,
}

/// What may change of an organization. Members left out stay as they are.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrganizationChange {
    /// Its registered name.
    #[serde(default)]
    pub name: Option<Name>,
    /// What it does.
    #[serde(default)]
    pub kinds: Option<Vec<OrganizationKind>>,
    /// Where it sits.
    #[serde(default)]
    pub district_code: Option<DistrictCode>,
    /// Address.
    #[serde(default)]
    pub address: Option<Remark>,
    /// Place on the map.
    #[serde(default)]
    pub location: Option<Location>,
    /// Whether it may act. Closed is for good.
    #[serde(default)]
    pub status: Option<OrganizationStatus>,
}

fn check_kinds(kinds: &[OrganizationKind], authority: Option<Authority>) -> Result<()> {
    bounded("/kinds", kinds)?;
    let regulator = kinds.contains(&OrganizationKind::Regulator);
    if kinds.is_empty() {
        return Err(Error::invalid("/kinds", "too_short", "at least one kind"));
    }
    if regulator && kinds.len() > 1 {
        return Err(Error::invalid(
            "/kinds",
            "contradiction",
            "a regulator is nothing else",
        ));
    }
    match (regulator, authority) {
        (true, None) => Err(Error::invalid(
            "/authority",
            "required",
            "a regulator needs its function",
        )),
        (false, Some(_)) => Err(Error::invalid(
            "/authority",
            "contradiction",
            "only a regulator has a function",
        )),
        _ => Ok(()),
    }
}

/// Enters an organization.
///
/// # Errors
/// Invalid, or it exists.
pub fn create_organization(session: &mut Session<'_>, new: &NewOrganization) -> Result<OrganizationRow> {
    check_kinds(&new.kinds, new.authority)?;
    if !new
        .credit_code
        .as_str()
        .bytes()
        .all(|b| b.is_ascii_alphanumeric())
    {
        return Err(Error::invalid("/credit_code", "bad_format", "digits and letters"));
    }
    let row = OrganizationRow {
        id: session.ids.id(session.now.at),
        name: new.name.to_string(),
        credit_code: new.credit_code.as_str().to_ascii_uppercase(),
        kinds: new.kinds.clone().into(),
        authority: new.authority,
        district_code: new.district_code.clone(),
        address: new.address.as_ref().map(ToString::to_string),
        location: place(new.location)?,
        status: OrganizationStatus::Active,
        version: 1,
        created_at: session.now.at,
        updated_at: session.now.at,
    };
    row.insert(session.conn)?;
    Ok(row)
}

impl OrganizationChange {
    /// Whether anything but the status is to change.
    pub fn touches_file(&self) -> bool {
        self.name.is_some()
            || self.kinds.is_some()
            || self.district_code.is_some()
            || self.address.is_some()
            || self.location.is_some()
    }
}

/// Changes an organization: its file by a platform admin, its status by a regulator too.
///
/// # Errors
/// 404, 403, invalid, or it is closed.
pub fn change_organization(
    session: &mut Session<'_>,
    id: OrganizationId,
    change: &OrganizationChange,
) -> Result<OrganizationRow> {
    let mut row = session.organization(id)?;
    if change.touches_file() && session.scope != Scope::All {
        return Err(Error::new(
            Code::Forbidden,
            "only a platform admin may change more than the status",
        ));
    }
    if row.status == OrganizationStatus::Closed
        && change.status.is_some_and(|s| s != OrganizationStatus::Closed)
    {
        return Err(Error::new(
            Code::StateConflict,
            "a closed organization stays closed",
        ));
    }
    if let Some(kinds) = &change.kinds {
        check_kinds(kinds, row.authority)?;
        row.kinds = kinds.clone().into();
    }
    if let Some(name) = &change.name {
        row.name = name.to_string();
    }
    if let Some(district) = &change.district_code {
        row.district_code = district.clone();
    }
    if let Some(address) = &change.address {
        row.address = Some(address.to_string());
    }
    if change.location.is_some() {
        row.location = place(change.location)?;
    }
    row.status = change.status.unwrap_or(row.status);
    row.updated_at = session.now.at;
    row.update(session.conn)?;
    Ok(row)
}

/// A license to enter.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewLicense {
    /// For what.
    pub kind: LicenseKind,
    /// The number on it.
    pub number: Number,
    /// Who issued it.
    pub issuer: Name,
    /// First valid day.
    pub valid_from: Day,
    /// Last valid day.
    pub valid_to: Day,
    /// For which media; a filling license needs them.
    #[serde(default)]
    pub media: Vec<Medium>,
    /// In which areas; empty means no limit.
    #[serde(default)]
    pub districts: Vec<DistrictScope>,
}

/// Enters a license.
///
/// # Errors
/// 404, invalid, or it exists.
pub fn create_license(session: &mut Session<'_>, of: OrganizationId, new: &NewLicense) -> Result<LicenseRow> {
    session.organization(of)?;
    period(new.valid_from, new.valid_to)?;
    bounded("/media", &new.media)?;
    bounded("/districts", &new.districts)?;
    if new.kind == LicenseKind::Filling && new.media.is_empty() {
        return Err(Error::invalid(
            "/media",
            "required",
            "a filling license names its media",
        ));
    }
    let row = LicenseRow {
        id: session.ids.id(session.now.at),
        organization_id: of,
        kind: new.kind,
        number: new.number.to_string(),
        issuer: new.issuer.to_string(),
        valid_from: new.valid_from.0,
        valid_to: new.valid_to.0,
        media: new.media.clone().into(),
        districts: new.districts.clone().into(),
        status: LicenseStatus::Valid,
        status_reason: None,
        version: 1,
        created_at: session.now.at,
        updated_at: session.now.at,
    };
    row.insert(session.conn)?;
    Ok(row)
}

/// A judgement over a license or certificate.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Judgement {
    /// Whether it is in force.
    pub status: LicenseStatus,
    /// Why.
    pub reason: Reason,
}

fn judge(before: LicenseStatus, judgement: &Judgement) -> Result<()> {
    if before == LicenseStatus::Revoked && judgement.status != LicenseStatus::Revoked {
        return Err(Error::new(
            Code::StateConflict,
            "what was revoked stays revoked; enter a new one",
        ));
    }
    Ok(())
}

/// Suspends, revokes or restores a license. Takes effect with the very next check.
///
/// # Errors
/// 404, or it was revoked.
pub fn judge_license(session: &mut Session<'_>, id: LicenseId, judgement: &Judgement) -> Result<LicenseRow> {
    let mut row = LicenseRow::get(session.conn, id)?.ok_or(Code::LicenseNotFound)?;
    session
        .organization(row.organization_id)
        .map_err(|_| Code::LicenseNotFound)?;
    judge(row.status, judgement)?;
    row.status = judgement.status;
    row.status_reason = Some(judgement.reason.to_string());
    row.updated_at = session.now.at;
    row.update_status(session.conn)?;
    Ok(row)
}

/// A site to enter.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSite {
    /// Whose.
    pub organization_id: OrganizationId,
    /// For what.
    pub kind: SiteKind,
    /// Its name.
    pub name: Name,
    /// Where it lies.
    pub district_code: DistrictCode,
    /// Place on the map.
    #[serde(default)]
    pub location: Option<Location>,
}

/// Enters a site.
///
/// # Errors
/// 404 or invalid.
pub fn create_site(session: &mut Session<'_>, new: &NewSite) -> Result<SiteRow> {
    session.organization(new.organization_id)?;
    let row = SiteRow {
        id: session.ids.id(session.now.at),
        organization_id: new.organization_id,
        kind: new.kind,
        name: new.name.to_string(),
        district_code: new.district_code.clone(),
        location: place(new.location)?,
        created_at: session.now.at,
    };
    row.insert(session.conn)?;
    Ok(row)
}

/// A site of an organization that the actor may see.
fn site(session: &mut Session<'_>, id: SiteId) -> Result<SiteRow> {
    let row = SiteRow::get(session.conn, id)?.ok_or(Code::SiteNotFound)?;
    session
        .organization(row.organization_id)
        .map_err(|_| Code::SiteNotFound)?;
    Ok(row)
}

/// A scale to enter.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewScale {
    /// Where it stands.
    pub site_id: SiteId,
    /// Its name.
    pub name: Name,
    /// Number on its plate.
    pub serial_no: Number,
    /// What it fills.
    pub medium: Medium,
    /// Last day of its calibration.
    pub calibration_valid_to: Day,
}

/// What may change of a scale.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScaleChange {
    /// Last day of its calibration.
    pub calibration_valid_to: Day,
}

/// Enters a scale.
///
/// # Errors
/// 404, invalid, or it exists.
pub fn create_scale(session: &mut Session<'_>, new: &NewScale) -> Result<ScaleRow> {
    let site = site(session, new.site_id)?;
    if site.kind != SiteKind::FillingStation {
        return Err(Error::invalid(
            "/site_id",
            "not_a_filling_station",
            "a filling scale stands at a filling station",
        ));
    }
    let row = ScaleRow {
        id: session.ids.id(session.now.at),
        site_id: site.id,
        organization_id: site.organization_id,
        name: new.name.to_string(),
        serial_no: new.serial_no.to_string(),
        medium: new.medium,
        calibration_valid_to: new.calibration_valid_to.0,
        shift_operator_id: None,
        shift_ends_at: None,
        version: 1,
        created_at: session.now.at,
        updated_at: session.now.at,
    };
    row.insert(session.conn)?;
    Ok(row)
}

/// A scale of an organization that the actor may see.
///
/// # Errors
/// 404, or the database.
pub fn scale(session: &mut Session<'_>, id: ScaleId) -> Result<ScaleRow> {
    let row = ScaleRow::get(session.conn, id)?.ok_or(Code::ScaleNotFound)?;
    session
        .organization(row.organization_id)
        .map_err(|_| Code::ScaleNotFound)?;
    Ok(row)
}

/// Records a new calibration.
///
/// # Errors
/// 404, or the database.
pub fn change_scale(session: &mut Session<'_>, id: ScaleId, change: &ScaleChange) -> Result<ScaleRow> {
    let mut row = scale(session, id)?;
    row.calibration_valid_to = change.calibration_valid_to.0;
    row.updated_at = session.now.at;
    row.update(session.conn)?;
    Ok(row)
}

/// A device key, shown once.
#[derive(Debug, Serialize, ToSchema)]
pub struct NewDeviceKey {
    /// Its id, for revoking it.
    #[schema(value_type = String, format = "uuid")]
    pub id: crate::domain::id::DeviceKeyId,
    /// The key for `Authorization: Device …`. Kept nowhere: it is shown this one time.
    pub key: String,
}

/// Makes a key for a scale.
///
/// # Errors
/// 404, or it has two already.
pub fn create_device_key(session: &mut Session<'_>, id: ScaleId) -> Result<NewDeviceKey> {
    let scale = scale(session, id)?;
    if DeviceKeyRow::active_of(session.conn, scale.id)?.len() >= MAX_KEYS {
        return Err(Error::new(
            Code::StateConflict,
            "the scale has two keys; revoke one first",
        ));
    }
    let secret = OpaqueSecret::new(session.ids, SecretKind::Device);
    let row = DeviceKeyRow {
        id: session.ids.id(session.now.at),
        scale_id: scale.id,
        digest: secret.digest().to_vec(),
        created_by: session.actor.user_id.ok_or(Code::Forbidden)?,
        created_at: session.now.at,
        revoked_at: None,
    };
    row.insert(session.conn)?;
    Ok(NewDeviceKey {
        id: row.id,
        key: secret.text().expose_secret().to_owned(),
    })
}

/// Revokes a key of a scale.
///
/// # Errors
/// 404, or the database.
pub fn revoke_device_key(
    session: &mut Session<'_>,
    scale_id: ScaleId,
    id: crate::domain::id::DeviceKeyId,
) -> Result<DeviceKeyRow> {
    let scale = scale(session, scale_id)?;
    let row = DeviceKeyRow::get(session.conn, id)?.filter(|key| key.scale_id == scale.id);
    let row = row.filter(|key| key.revoked_at.is_none()).ok_or(Code::NotFound)?;
    row.revoke(session.conn, session.now.at)?;
    Ok(DeviceKeyRow {
        revoked_at: Some(session.now.at),
        ..row
    })
}

/// Begins a shift of the actor at a scale; ends their shifts at others.
///
/// # Errors
/// 404, or the scale is at another site than theirs.
pub fn begin_shift(session: &mut Session<'_>, id: ScaleId) -> Result<ScaleRow> {
    let scale = scale(session, id)?;
    if session.actor.site_id.is_some_and(|own| own != scale.site_id) {
        return Err(Error::new(
            Code::StateConflict,
            "the scale is at another site than yours",
        ));
    }
    let operator = session.actor.user_id.ok_or(Code::Forbidden)?;
    ScaleRow::end_shifts_of(session.conn, operator, session.now.at)?;
    let mut row = ScaleRow::get(session.conn, id)?.ok_or(Code::ScaleNotFound)?;
    row.shift_operator_id = Some(operator);
    row.shift_ends_at = Some(session.now.at.plus_seconds(SHIFT_S));
    row.updated_at = session.now.at;
    row.update(session.conn)?;
    Ok(row)
}

/// Ends the actor's shift at a scale.
///
/// # Errors
/// 404, or somebody else works there.
pub fn end_shift(session: &mut Session<'_>, id: ScaleId) -> Result<ScaleRow> {
    let mut row = scale(session, id)?;
    if row.shift_operator_id.is_none() || row.shift_operator_id != session.actor.user_id {
        return Err(Error::new(Code::StateConflict, "you have no shift at this scale"));
    }
    row.shift_operator_id = None;
    row.shift_ends_at = None;
    row.updated_at = session.now.at;
    row.update(session.conn)?;
    Ok(row)
}

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
    pub password: secrecy::SecretString,
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
    /// The site they work at.
    #[serde(default)]
    pub site_id: Option<SiteId>,
    /// Whether the login is enabled.
    #[serde(default)]
    pub active: Option<bool>,
    /// A new password; ends all sessions.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 10, max_length = 128)]
    pub password: Option<secrecy::SecretString>,
}

/// Roles are given by who may: a platform admin's by a platform admin, a regulator's in a regulator's organization.
fn check_roles(session: &Session<'_>, roles: &[Role], organization: &OrganizationRow) -> Result<()> {
    bounded("/roles", roles)?;
    if roles.is_empty() {
        return Err(Error::invalid("/roles", "too_short", "at least one role"));
    }
    if roles.contains(&Role::PlatformAdmin) && session.scope != Scope::All {
        return Err(Error::invalid(
            "/roles",
            "not_yours_to_give",
            "only a platform admin may make another",
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
            "the role regulator goes with a regulator, and only with it",
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
            "must be a site of the organization",
        ))
    }
}

/// The hash of a new password; takes most of a core for some time.
///
/// # Errors
/// Too weak, or the generator failed.
pub fn hash_password(
    text: &secrecy::SecretString,
    username: &str,
    pointer: &str,
    ids: &dyn IdGen,
) -> Result<String> {
    let password = NewPassword::new(text.expose_secret(), username)
        .map_err(|weak| Error::value(pointer, &crate::domain::value::ValueError::from(weak)))?;
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
    let username = new.username.as_str();
    if !username
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b))
    {
        return Err(Error::invalid(
            "/username",
            "bad_format",
            "a-z, 0-9, dot, hyphen, underscore",
        ));
    }
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
    session
        .organization(row.organization_id)
        .map_err(|_| Code::UserNotFound)?;
    Ok(row)
}

/// Changes a user. Disabling one or setting a password ends their sessions.
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
            "only a platform admin may change another",
        ));
    }
    if let Some(roles) = &change.roles {
        check_roles(session, roles, &organization)?;
        row.roles = roles.clone().into();
    }
    if change.site_id.is_some() {
        check_site(session, change.site_id, row.organization_id)?;
        row.site_id = change.site_id;
    }
    if let Some(name) = &change.display_name {
        row.display_name = name.to_string();
    }
    if let Some(hash) = password_hash {
        hash.clone_into(&mut row.password_hash);
    }
    row.active = change.active.unwrap_or(row.active);
    row.updated_at = session.now.at;
    row.update(session.conn)?;
    if !row.active || password_hash.is_some() {
        revoke_sessions_of(
            session.conn,
            id,
            None,
            "changed by an administrator",
            session.now.at,
        )?;
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
/// 404, invalid, or it exists.
pub fn create_certificate(
    session: &mut Session<'_>,
    of: UserId,
    new: &NewCertificate,
) -> Result<CertificateRow> {
    user(session, of)?;
    period(new.valid_from, new.valid_to)?;
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
    user(session, row.user_id).map_err(|_| Code::CertificateNotFound)?;
    judge(row.status, judgement)?;
    row.status = judgement.status;
    row.status_reason = Some(judgement.reason.to_string());
    row.updated_at = session.now.at;
    row.update_status(session.conn)?;
    Ok(row)
}

/// A supply agreement to enter.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAgreement {
    /// Who may deliver the owner's cylinders.
    pub distributor_id: OrganizationId,
    /// The number on it.
    pub number: Number,
    /// First valid day.
    pub valid_from: Day,
    /// Last valid day.
    pub valid_to: Day,
}

/// Enters an agreement of the actor's own organization as owner of cylinders.
///
/// # Errors
/// Invalid, or it exists.
pub fn create_agreement(session: &mut Session<'_>, new: &NewAgreement) -> Result<AgreementRow> {
    period(new.valid_from, new.valid_to)?;
    let distributor = OrganizationRow::get(session.conn, new.distributor_id)?.filter(|o| {
        o.kinds.0.contains(&OrganizationKind::Distributor) && o.id != session.actor.organization_id
    });
    if distributor.is_none() {
        return Err(Error::invalid(
            "/distributor_id",
            "organization_not_found",
            "must be another, a distributor",
        ));
    }
    let row = AgreementRow {
        id: session.ids.id(session.now.at),
        owner_id: session.actor.organization_id,
        distributor_id: new.distributor_id,
        number: new.number.to_string(),
        valid_from: new.valid_from.0,
        valid_to: new.valid_to.0,
        created_at: session.now.at,
        ended_at: None,
    };
    row.insert(session.conn)?;
    Ok(row)
}

/// Ends an agreement of the actor's organization.
///
/// # Errors
/// 404, or the database.
pub fn end_agreement(session: &mut Session<'_>, id: AgreementId) -> Result<AgreementRow> {
    let row =
        AgreementRow::get(session.conn, id)?.filter(|row| row.owner_id == session.actor.organization_id);
    let row = row
        .filter(|row| row.ended_at.is_none())
        .ok_or(Code::AgreementNotFound)?;
    row.end(session.conn, session.now.at)?;
    Ok(AgreementRow {
        ended_at: Some(session.now.at),
        ..row
    })
}

/// A policy to set.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPolicy {
    /// The value.
    pub value: Value,
    /// From which day; not in the past.
    pub effective_on: Day,
    /// Where it holds; everywhere if left out.
    #[serde(default)]
    pub district_code: Option<DistrictScope>,
    /// Why.
    pub reason: Reason,
}

/// Sets a policy.
///
/// # Errors
/// No such policy, a value it does not take, or a day in the past.
pub fn set_policy(session: &mut Session<'_>, name: &str, new: &NewPolicy) -> Result<PolicyRow> {
    policy::check(name, &new.value).map_err(|error| Error::value("/value", &error))?;
    if new.effective_on.0 < session.now.today {
        return Err(Error::invalid(
            "/effective_on",
            "in_past",
            "must be today or later: the past was judged already",
        ));
    }
    let row = PolicyRow {
        id: session.ids.id(session.now.at),
        name: name.to_owned(),
        district_code: new
            .district_code
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        effective_on: new.effective_on.0,
        value: Json::new(new.value.clone())?,
        reason: new.reason.to_string(),
        set_by: session.actor.user_id.ok_or(Code::Forbidden)?,
        set_at: session.now.at,
    };
    row.insert(session.conn)?;
    Ok(row)
}

/// A change of owner to propose.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOwnerChange {
    /// Who is to own it.
    pub new_owner_id: OrganizationId,
    /// Why.
    pub reason: Reason,
    /// Number of the document.
    pub document_no: Number,
}

/// Proposes a change of owner; the receiving owner must approve it.
///
/// # Errors
/// 404, 403, invalid, or one is pending.
pub fn propose_owner_change(
    session: &mut Session<'_>,
    target: super::target::Target,
    new: &NewOwnerChange,
) -> Result<OwnerChangeRow> {
    let cylinder = facts::cylinders(session.conn, &[target.id])?
        .pop()
        .map(|row| row.cylinder);
    let own = |c: &crate::domain::cylinder::Cylinder| c.owner_id == session.actor.organization_id;
    let cylinder = cylinder.filter(own).ok_or(Code::CylinderNotFound)?;
    super::target::not_scrapped(&cylinder)?;
    if cylinder.seized {
        return Err(Error::new(
            Code::StateConflict,
            "a seized cylinder can't change hands",
        ));
    }
    let receiver = OrganizationRow::get(session.conn, new.new_owner_id)?
        .filter(|o| o.kinds.0.contains(&OrganizationKind::Filler) && o.id != cylinder.owner_id);
    if receiver.is_none() {
        return Err(Error::invalid(
            "/new_owner_id",
            "organization_not_found",
            "must be another, a filler",
        ));
    }
    let row = OwnerChangeRow {
        id: session.ids.id(session.now.at),
        cylinder_id: cylinder.id,
        from_id: cylinder.owner_id,
        to_id: new.new_owner_id,
        document_no: new.document_no.to_string(),
        reason: new.reason.to_string(),
        status: "pending".to_owned(),
        proposed_by: session.actor.user_id.ok_or(Code::Forbidden)?,
        proposed_at: session.now.at,
        decided_by: None,
        decided_at: None,
    };
    row.insert(session.conn)?;
    Ok(row)
}

/// Rejects or withdraws a proposal, by either side.
///
/// # Errors
/// 404, or it was settled.
pub fn reject_owner_change(session: &mut Session<'_>, id: OwnerChangeId) -> Result<OwnerChangeRow> {
    let ours = session.actor.organization_id;
    let row = OwnerChangeRow::get(session.conn, id)?.filter(|row| row.from_id == ours || row.to_id == ours);
    let row = row.ok_or(Code::OwnerChangeNotFound)?;
    if row.status != "pending" {
        return Err(Error::new(Code::StateConflict, "it was settled already"));
    }
    let by = session.actor.user_id.ok_or(Code::Forbidden)?;
    row.reject(session.conn, by, session.now.at)?;
    Ok(OwnerChangeRow {
        status: "rejected".to_owned(),
        decided_by: Some(by),
        decided_at: Some(session.now.at),
        ..row
    })
}

/// The first organization and user of a service: the platform's own.
///
/// # Errors
/// There is a platform admin already, the password is too weak, or the database.
pub fn create_first_admin(
    conn: &mut crate::db::conn::Conn,
    username: &Text<3, 64>,
    password: &secrecy::SecretString,
    ids: &dyn IdGen,
    now: Moment,
) -> Result<UserRow> {
    let hash = hash_password(password, username.as_str(), "/password", ids)?;
    let organization = platform_organization(conn, ids, now.at)?;
    if UserRow::by_username(conn, username.as_str())?.is_some() {
        return Err(Code::UsernameTaken.into());
    }
    let row = UserRow {
        id: ids.id(now.at),
        organization_id: organization,
        username: username.to_string(),
        password_hash: hash,
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

fn platform_organization(
    conn: &mut crate::db::conn::Conn,
    ids: &dyn IdGen,
    at: Instant,
) -> Result<OrganizationId> {
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
