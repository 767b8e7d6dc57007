//! Sites, scales, device keys, shifts.

use super::super::Session;
use super::{hidden_as, place};
use crate::auth::permission::Scope;
use crate::auth::secret::{OpaqueSecret, SecretKind};
use crate::db::DbError;
use crate::db::registry::{DeviceKeyRow, ScaleRow, SiteRow};
use crate::domain::cylinder::Medium;
use crate::domain::date::Day;
use crate::domain::district::DistrictCode;
use crate::domain::id::{DeviceKeyId, OrganizationId, ScaleId, SiteId};
use crate::domain::registry::{Location, SiteKind};
use crate::domain::said::said;
use crate::domain::value::{Name, Number};
use crate::error::{Code, Error, FieldError, Result};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Longest shift, in seconds.
const SHIFT_S: i64 = 12 * 3_600;
/// Keys that a scale may have at once: the one in use and the one that takes its place.
const MAX_KEYS: usize = 2;

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
    let organization = session.organization(new.organization_id)?;
    let seated = organization.district_code.prefecture() == new.district_code.prefecture();
    if !seated && session.scope != Scope::All {
        return Err(Error::invalid(
            "/district_code",
            "outside_organization",
            said(
                "单位所在地市以外的站点由平台录入",
                "a site outside the organization's prefecture is entered by the platform",
            ),
        ));
    }
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
    session.organization(row.organization_id).map_err(hidden_as(Code::SiteNotFound))?;
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
            said("充装秤必须设在充装站", "a filling scale stands at a filling station"),
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
    session.organization(row.organization_id).map_err(hidden_as(Code::ScaleNotFound))?;
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
#[derive(Serialize, ToSchema)]
pub struct NewDeviceKey {
    /// Its id, for revoking it.
    #[schema(value_type = String, format = "uuid")]
    pub id: DeviceKeyId,
    /// The key for `Authorization: Device …`. Kept nowhere: it is shown this one time.
    pub key: String,
}

/// What a call is told that made a key before: which one, since the key itself is stored nowhere.
///
/// # Errors
/// Always: 409 with the id of the key.
pub fn device_key_was_shown<T>(kept: &str) -> Result<T> {
    let kept: serde_json::Value = serde_json::from_str(kept).map_err(DbError::corrupt)?;
    let id = kept.get("id").and_then(|id| id.as_str()).ok_or(Code::Internal)?;
    let detail = said(
        format!("密钥 {id} 已生成并显示过一次：请吊销它，再用另一个 Idempotency-Key 生成新的"),
        format!(
            "the key {id} was made and shown once: revoke it, and make another under another Idempotency-Key"
        ),
    );
    let id = said(id.to_owned(), id.to_owned());
    let field = FieldError { pointer: "/id".to_owned(), code: "made_before".to_owned(), detail: id };
    Err(Error { fields: vec![field], ..Error::new(Code::DeviceKeyShown, detail) })
}

/// Makes a key for a scale.
///
/// # Errors
/// 404, or it has two already.
pub fn create_device_key(session: &mut Session<'_>, id: ScaleId) -> Result<NewDeviceKey> {
    let mut scale = scale(session, id)?;
    if DeviceKeyRow::active_of(session.conn, scale.id)?.len() >= MAX_KEYS {
        return Err(Error::new(
            Code::StateConflict,
            said("该秤已有两个密钥，请先吊销一个", "the scale has two keys; revoke one first"),
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
    // Whoever makes another key at the same time counted without this one: of two, one meets a newer version and counts
    // again.
    scale.updated_at = session.now.at;
    scale.update(session.conn)?;
    Ok(NewDeviceKey { id: row.id, key: secret.text().expose_secret().to_owned() })
}

/// Revokes a key of a scale.
///
/// # Errors
/// 404, or the database.
pub fn revoke_device_key(
    session: &mut Session<'_>,
    scale_id: ScaleId,
    id: DeviceKeyId,
) -> Result<DeviceKeyRow> {
    let scale = scale(session, scale_id)?;
    let row = DeviceKeyRow::get(session.conn, id)?.filter(|key| key.scale_id == scale.id);
    let row = row.filter(|key| key.revoked_at.is_none()).ok_or(Code::NotFound)?;
    row.revoke(session.conn, session.now.at)?;
    Ok(DeviceKeyRow { revoked_at: Some(session.now.at), ..row })
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
            said("该秤不在您所在的站点", "the scale is at another site than yours"),
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
        return Err(Error::new(
            Code::StateConflict,
            said("您在该秤没有当班", "you have no shift at this scale"),
        ));
    }
    row.shift_operator_id = None;
    row.shift_ends_at = None;
    row.updated_at = session.now.at;
    row.update(session.conn)?;
    Ok(row)
}
