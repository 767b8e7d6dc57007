//! Who is behind a credential.

use super::super::conn::Conn;
use super::super::schema::{device_keys, organizations, scales, sessions, users};
use super::super::{DbError, types};
use super::hash;
use crate::db::among::among;
use crate::domain::actor::{Actor, Credential, Device, Role};
use crate::domain::district::DistrictCode;
use crate::domain::id::{OrganizationId, ScaleId, SessionId, SiteId, UserId};
use crate::domain::instant::Instant;
use crate::domain::registry::{Authority, OrganizationStatus};
use crate::on_backend;
use diesel::prelude::*;

type RawActor =
    (Option<SiteId>, String, OrganizationId, String, Option<Authority>, DistrictCode, OrganizationStatus);

fn actor(user_id: Option<UserId>, row: RawActor) -> Result<Actor, DbError> {
    let (site_id, roles, organization_id, kinds, authority, district_code, organization_status) = row;
    Ok(Actor {
        user_id,
        session_id: None,
        device: None,
        organization_id,
        organization_kinds: types::split(&kinds).map_err(DbError::corrupt)?,
        organization_status,
        authority,
        site_id,
        roles: types::split(&roles).map_err(DbError::corrupt)?,
        scope: district_code.scope(),
        district_code,
    })
}

/// Who is behind a credential, and until when.
#[derive(Debug, Clone)]
pub struct Found {
    /// The credential.
    pub credential: Credential,
    /// Who it is.
    pub actor: Actor,
    /// From then on the answer may be another one, even if nothing is written: the session or the shift is over.
    pub until: Instant,
}

/// The people and devices behind credentials that are good at `now`: the session neither ended nor revoked, the user
/// enabled, the device key not revoked.
///
/// # Errors
/// The database.
pub fn actors(conn: &mut Conn, of: &[Credential], now: Instant) -> Result<Vec<Found>, DbError> {
    let mut found = session_actors(conn, of, now)?;
    found.extend(device_actors(conn, of, now)?);
    Ok(found)
}

fn session_actors(conn: &mut Conn, of: &[Credential], now: Instant) -> Result<Vec<Found>, DbError> {
    let ids: Vec<SessionId> = of
        .iter()
        .filter_map(|c| match c {
            Credential::Session { session_id, .. } => Some(*session_id),
            Credential::Device { .. } => None,
        })
        .collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    use organizations as o;
    let rows: Vec<(SessionId, UserId, Instant, RawActor)> = on_backend!(conn, c => sessions::table
        .inner_join(users::table.inner_join(o::table))
        .filter(among(sessions::id, &ids))
        .filter(sessions::revoked_at.is_null())
        .filter(sessions::expires_at.gt(now))
        .filter(users::active.eq(true))
        .select((
            sessions::id,
            users::id,
            sessions::expires_at,
            (users::site_id, users::roles, o::id, o::kinds, o::authority, o::district_code, o::status),
        ))
        .load(c))?;
    rows.into_iter()
        .map(|(session_id, user_id, until, row)| {
            let actor = Actor { session_id: Some(session_id), ..actor(Some(user_id), row)? };
            Ok(Found { credential: Credential::Session { session_id, user_id }, actor, until })
        })
        .collect()
}

type RawEmployer = (OrganizationId, String, Option<Authority>, DistrictCode, OrganizationStatus);
type RawDevice = (Vec<u8>, crate::domain::id::DeviceKeyId, ScaleId, SiteId, Option<UserId>, Option<Instant>);

/// Whether the operator's login is enabled, and their roles.
type RawOperator = Option<(bool, String)>;

fn operates(operator: RawOperator) -> Result<bool, DbError> {
    let Some((active, roles)) = operator else {
        return Ok(false);
    };
    let roles: Vec<Role> = types::split(&roles).map_err(DbError::corrupt)?;
    Ok(active && roles.contains(&Role::FillOperator))
}

fn device_actors(conn: &mut Conn, of: &[Credential], now: Instant) -> Result<Vec<Found>, DbError> {
    let digests: Vec<Vec<u8>> = of
        .iter()
        .filter_map(|c| match c {
            Credential::Device { key_digest } => Some(key_digest.to_vec()),
            Credential::Session { .. } => None,
        })
        .collect();
    if digests.is_empty() {
        return Ok(Vec::new());
    }
    use organizations as o;
    let rows: Vec<(RawDevice, RawEmployer, RawOperator)> = on_backend!(conn, c => device_keys::table
            .inner_join(scales::table)
            .inner_join(o::table.on(o::id.eq(scales::organization_id)))
            .left_join(users::table.on(users::id.nullable().eq(scales::shift_operator_id)))
            .filter(among(device_keys::digest, &digests))
            .filter(device_keys::revoked_at.is_null())
            .select((
                (
                    device_keys::digest, device_keys::id, scales::id, scales::site_id, scales::shift_operator_id,
                    scales::shift_ends_at,
                ),
                (o::id, o::kinds, o::authority, o::district_code, o::status),
                (users::active, users::roles).nullable(),
            ))
            .load(c))?;
    rows.into_iter()
        .map(
            |(
                (digest, key_id, scale_id, site_id, operator, ends_at),
                (id, kinds, authority, district, status),
                may_fill,
            )| {
                // A shift is worth no more than who works it: enabled, and an operator still.
                let may_fill = operates(may_fill)?;
                let on_shift = operator.filter(|_| may_fill && ends_at.is_some_and(|end| now < end));
                let raw = (Some(site_id), String::new(), id, kinds, authority, district, status);
                let actor = Actor { device: Some(Device { key_id, scale_id }), ..actor(on_shift, raw)? };
                // Without a shift nothing ends by itself.
                let until = ends_at.filter(|_| on_shift.is_some()).unwrap_or(Instant::from_micros(i64::MAX));
                Ok(Found { credential: Credential::Device { key_digest: hash(digest)? }, actor, until })
            },
        )
        .collect()
}
