//! Labels, cylinders, permits, fills, proposed owner changes.

use super::super::DbError;
use super::super::conn::Conn;
use super::super::schema::{cylinders, fills, labels, owner_changes, scale_permits};
use super::hash;
use crate::db::among::among;
use crate::domain::cylinder::{Cylinder, LabelStatus, OpenPermit};
use crate::domain::district::DistrictCode;
use crate::domain::event::FillStatus;
use crate::domain::id::{CylinderId, EventId, OrganizationId, OwnerChangeId, ScaleId, SiteId, UserId};
use crate::domain::instant::Instant;
use crate::domain::label_code::LabelId;
use crate::on_backend;
use diesel::prelude::*;

/// A label as the ledger needs it.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct LabelRow {
    /// Its id.
    pub id: LabelId,
    /// The key of its tag.
    pub key_id: String,
    /// The cylinder it is or was on.
    pub cylinder_id: CylinderId,
    /// Whether it is good.
    pub status: LabelStatus,
}

/// Labels by their ids.
///
/// # Errors
/// The database.
pub fn labels(conn: &mut Conn, ids: &[LabelId]) -> Result<Vec<LabelRow>, DbError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = on_backend!(conn, c => labels::table
        .filter(among(labels::id, ids))
        .select((labels::id, labels::key_id, labels::cylinder_id, labels::status))
        .load(c))?;
    Ok(rows)
}

/// A cylinder with its place in its chain.
#[derive(Debug, Clone, PartialEq)]
pub struct CylinderRow {
    /// The state.
    pub cylinder: Cylinder,
    /// Sequence number of its last event.
    pub version: i64,
    /// Hash of its last event.
    pub head_hash: [u8; 32],
    /// The district in which it was last seen.
    pub seen_in: DistrictCode,
}

type RawCylinder = (String, i64, Vec<u8>, DistrictCode);

fn read_cylinder((state, version, head_hash, seen_in): RawCylinder) -> Result<CylinderRow, DbError> {
    Ok(CylinderRow {
        cylinder: serde_json::from_str(&state).map_err(DbError::corrupt)?,
        version,
        head_hash: hash(head_hash)?,
        seen_in,
    })
}

const CYLINDER: (cylinders::state, cylinders::version, cylinders::head_hash, cylinders::district_code) =
    (cylinders::state, cylinders::version, cylinders::head_hash, cylinders::district_code);

/// Cylinders by their ids.
///
/// # Errors
/// The database.
pub fn cylinders(conn: &mut Conn, ids: &[CylinderId]) -> Result<Vec<CylinderRow>, DbError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<RawCylinder> =
        on_backend!(conn, c => cylinders::table.filter(among(cylinders::id, ids)).select(CYLINDER).load(c))?;
    rows.into_iter().map(read_cylinder).collect()
}

/// The open permits of cylinders by their ids; the rest of their states is not read.
///
/// # Errors
/// The database.
pub fn open_permits(conn: &mut Conn, ids: &[CylinderId]) -> Result<Vec<(CylinderId, OpenPermit)>, DbError> {
    #[derive(serde::Deserialize)]
    struct State {
        open_permit: Option<OpenPermit>,
    }
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<(CylinderId, String)> = on_backend!(conn, c => cylinders::table
        .filter(among(cylinders::id, ids))
        .select((cylinders::id, cylinders::state))
        .load(c))?;
    let mut open = Vec::new();
    for (id, state) in rows {
        let state: State = serde_json::from_str(&state).map_err(DbError::corrupt)?;
        open.extend(state.open_permit.map(|permit| (id, permit)));
    }
    Ok(open)
}

/// Cylinders by the keys of their registration codes.
///
/// # Errors
/// The database.
pub fn cylinders_by_registration_key(conn: &mut Conn, keys: &[String]) -> Result<Vec<CylinderRow>, DbError> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<RawCylinder> = on_backend!(conn, c => cylinders::table
        .filter(among(cylinders::registration_key, keys))
        .select(CYLINDER)
        .load(c))?;
    rows.into_iter().map(read_cylinder).collect()
}

/// A stamp by which a cylinder is looked for: keys of maker and serial number, and the month where it is known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct StampKey {
    /// Key of the maker's code.
    pub maker: String,
    /// Key of the serial number.
    pub serial: String,
    /// `2024-05`; any month if none.
    pub month: Option<String>,
}

/// Cylinders by their stamps: one at most where the month is named.
///
/// # Errors
/// The database.
pub fn cylinders_by_stamp(conn: &mut Conn, stamp: &StampKey) -> Result<Vec<CylinderRow>, DbError> {
    let month = stamp.month.clone().unwrap_or_else(|| "%".to_owned());
    let rows: Vec<RawCylinder> = on_backend!(conn, c => cylinders::table
        .filter(cylinders::manufacturer_key.eq(&stamp.maker))
        .filter(cylinders::serial_key.eq(&stamp.serial))
        .filter(cylinders::manufactured_month.like(&month))
        .select(CYLINDER)
        .load(c))?;
    rows.into_iter().map(read_cylinder).collect()
}

/// The newest permit of a scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Queryable, Insertable)]
#[diesel(table_name = scale_permits)]
pub struct ScalePermitRow {
    /// Which scale.
    pub scale_id: ScaleId,
    /// The permit.
    pub permit_id: EventId,
    /// For which cylinder.
    pub cylinder_id: CylinderId,
    /// To whom.
    pub operator_id: UserId,
    /// Until when.
    pub expires_at: Instant,
    /// Row version.
    pub version: i64,
}

/// The newest permits of scales.
///
/// # Errors
/// The database.
pub fn scale_permits(conn: &mut Conn, ids: &[ScaleId]) -> Result<Vec<ScalePermitRow>, DbError> {
    use scale_permits as t;
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    Ok(on_backend!(conn, c => t::table
        .filter(among(t::scale_id, ids))
        .select((t::scale_id, t::permit_id, t::cylinder_id, t::operator_id, t::expires_at, t::version))
        .load(c))?)
}

/// An owner change that was proposed.
#[derive(Debug, Clone, Queryable)]
pub struct OwnerChangeRow {
    /// Its id.
    pub id: OwnerChangeId,
    /// Which cylinder.
    pub cylinder_id: CylinderId,
    /// From whom.
    pub from_id: OrganizationId,
    /// To whom.
    pub to_id: OrganizationId,
    /// Number of the document.
    pub document_no: String,
    /// Why.
    pub reason: String,
    /// pending, approved or rejected.
    pub status: String,
}

/// Owner changes by their ids.
///
/// # Errors
/// The database.
pub fn owner_changes(conn: &mut Conn, ids: &[OwnerChangeId]) -> Result<Vec<OwnerChangeRow>, DbError> {
    use owner_changes as t;
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    Ok(on_backend!(conn, c => t::table
        .filter(among(t::id, ids))
        .select((t::id, t::cylinder_id, t::from_id, t::to_id, t::document_no, t::reason, t::status))
        .load(c))?)
}

/// A fill as listed.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = fills)]
pub struct FillRow {
    /// Its id, that of its event.
    pub id: EventId,
    /// Place in the ledger.
    pub log_index: i64,
    /// The permit it used.
    pub permit_id: EventId,
    /// Which cylinder.
    pub cylinder_id: CylinderId,
    /// Who filled.
    pub organization_id: OrganizationId,
    /// Where.
    pub site_id: Option<SiteId>,
    /// In which district.
    pub district_code: DistrictCode,
    /// On which scale.
    pub scale_id: ScaleId,
    /// By whom.
    pub operator_id: UserId,
    /// Weight of cylinder and gas by the last weighing, in grams.
    pub gross_g: i32,
    /// Gas by the last weighing, in grams.
    pub net_g: i32,
    /// Whether it may leave.
    pub status: FillStatus,
    /// When it was finished.
    pub finished_at: Instant,
}

/// Fills by their own ids or by the ids of their permits.
///
/// # Errors
/// The database.
pub fn fills(conn: &mut Conn, ids: &[EventId]) -> Result<Vec<FillRow>, DbError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    Ok(on_backend!(conn, c => fills::table
        .filter(among(fills::id, ids).or(among(fills::permit_id, ids)))
        .select((
            fills::id, fills::log_index, fills::permit_id, fills::cylinder_id, fills::organization_id, fills::site_id,
            fills::district_code, fills::scale_id, fills::operator_id, fills::gross_g, fills::net_g, fills::status,
            fills::finished_at,
        ))
        .load(c))?)
}
