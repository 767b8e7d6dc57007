//! Sites, scales, device keys.

use super::super::DbError;
use super::super::conn::Conn;
use super::super::schema::{device_keys, organizations, scales, sites};
use super::super::types::Json;
use super::{Page, Reach};
use crate::domain::cylinder::Medium;
use crate::domain::district::DistrictCode;
use crate::domain::id::{DeviceKeyId, OrganizationId, ScaleId, SiteId, UserId};
use crate::domain::instant::Instant;
use crate::domain::registry::{Location, SiteKind};
use crate::on_backend;
use chrono::NaiveDate;
use diesel::prelude::*;

rows! {
    /// A site.
    SiteRow of sites {
        /// Its id.
        id: SiteId,
        /// Whose.
        organization_id: OrganizationId,
        /// For what.
        kind: SiteKind,
        /// Its name.
        name: String,
        /// Where it lies.
        district_code: DistrictCode,
        /// Place on the map.
        #[schema(value_type = Option<Location>)]
        location: Option<Json<Location>>,
        /// When it was entered.
        created_at: Instant,
    }
}

rows! {
    /// A scale.
    ScaleRow of scales {
        /// Its id.
        id: ScaleId,
        /// Where it stands.
        site_id: SiteId,
        /// Whose it is.
        organization_id: OrganizationId,
        /// Its name.
        name: String,
        /// Number on its plate.
        serial_no: String,
        /// What it fills.
        medium: Medium,
        /// Last day of its calibration.
        calibration_valid_to: NaiveDate,
        /// Who works at it now.
        shift_operator_id: Option<UserId>,
        /// When the shift ends.
        shift_ends_at: Option<Instant>,
        /// Version of the row.
        #[serde(skip)]
        version: i64,
        /// When it was entered.
        created_at: Instant,
        /// When it was changed last.
        updated_at: Instant,
    }
}

rows! {
    /// A key of a device.
    DeviceKeyRow of device_keys {
        /// Its id.
        id: DeviceKeyId,
        /// Which scale.
        scale_id: ScaleId,
        /// SHA-256 of the key.
        #[serde(skip)]
        digest: Vec<u8>,
        /// Who made it.
        created_by: UserId,
        /// When.
        created_at: Instant,
        /// When it was revoked.
        revoked_at: Option<Instant>,
    }
}
basics!(SiteRow, sites, SiteId);
basics!(ScaleRow, scales, ScaleId);
basics!(DeviceKeyRow, device_keys, DeviceKeyId);

impl SiteRow {
    /// Lists those within reach.
    ///
    /// # Errors
    /// The database.
    pub fn list(conn: &mut Conn, reach: &Reach, page: &Page<SiteId>) -> Result<Vec<Self>, DbError> {
        // By its place or by whose it is: a site entered elsewhere hides nothing.
        let pattern = reach.district_pattern();
        let here = sites::district_code.like(pattern.clone()).or(organizations::district_code.like(pattern));
        let within = sites::table.inner_join(organizations::table).filter(here);
        page_of!(conn, page, sites, within, reach by sites::organization_id)
    }
}

impl ScaleRow {
    /// Saves calibration and shift, if nobody else did since `self.version`.
    ///
    /// # Errors
    /// The database; [`DbError::Conflict`].
    pub fn update(&self, conn: &mut Conn) -> Result<(), DbError> {
        use scales as t;
        let changes = (
            t::calibration_valid_to.eq(self.calibration_valid_to),
            t::shift_operator_id.eq(self.shift_operator_id),
            t::shift_ends_at.eq(self.shift_ends_at),
        );
        update_version!(conn, self of scales, changes)
    }

    /// Lists those within reach.
    ///
    /// # Errors
    /// The database.
    pub fn list(conn: &mut Conn, reach: &Reach, page: &Page<ScaleId>) -> Result<Vec<Self>, DbError> {
        let pattern = reach.district_pattern();
        let here = sites::district_code.like(pattern.clone()).or(organizations::district_code.like(pattern));
        let within = scales::table.inner_join(sites::table.inner_join(organizations::table)).filter(here);
        page_of!(conn, page, scales, within, reach by scales::organization_id)
    }

    /// Takes the operator off every other scale: one person works at one.
    ///
    /// # Errors
    /// The database.
    pub fn end_shifts_of(conn: &mut Conn, operator: UserId, at: Instant) -> Result<(), DbError> {
        use scales as t;
        on_backend!(conn, c => diesel::update(t::table.filter(t::shift_operator_id.eq(operator)))
            .set((
                t::shift_operator_id.eq(None::<UserId>), t::shift_ends_at.eq(None::<Instant>),
                t::version.eq(t::version + 1), t::updated_at.eq(at),
            ))
            .execute(c))?;
        Ok(())
    }
}

impl DeviceKeyRow {
    /// Reads one by the digest of the key, revoked or not.
    ///
    /// # Errors
    /// The database.
    pub fn by_digest(conn: &mut Conn, digest: &[u8; 32]) -> Result<Option<Self>, DbError> {
        use device_keys as t;
        Ok(on_backend!(conn, c => t::table
            .filter(t::digest.eq(digest.to_vec()))
            .select(Self::as_select())
            .first(c)
            .optional())?)
    }

    /// Keys of a scale that were not revoked.
    ///
    /// # Errors
    /// The database.
    pub fn active_of(conn: &mut Conn, scale: ScaleId) -> Result<Vec<Self>, DbError> {
        use device_keys as t;
        Ok(on_backend!(conn, c => t::table
            .filter(t::scale_id.eq(scale))
            .filter(t::revoked_at.is_null())
            .order(t::id)
            .select(Self::as_select())
            .load(c))?)
    }

    /// Revokes it.
    ///
    /// # Errors
    /// The database; [`DbError::Conflict`] if it was revoked already.
    pub fn revoke(&self, conn: &mut Conn, at: Instant) -> Result<(), DbError> {
        use device_keys as t;
        update_if!(conn, self of device_keys, t::revoked_at.is_null(), t::revoked_at.eq(at))
    }
}
