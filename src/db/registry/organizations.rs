//! Organizations and licenses.

use super::super::DbError;
use super::super::conn::Conn;
use super::super::schema::{licenses, organizations};
use super::super::types::{Json, Words};
use super::{Page, Reach};
use crate::domain::cylinder::Medium;
use crate::domain::district::{DistrictCode, DistrictScope};
use crate::domain::id::{LicenseId, OrganizationId};
use crate::domain::instant::Instant;
use crate::domain::registry::{
    Authority, LicenseKind, LicenseStatus, Location, OrganizationKind, OrganizationStatus,
};
use crate::on_backend;
use chrono::NaiveDate;
use diesel::prelude::*;

rows! {
    /// An organization.
    OrganizationRow of organizations {
        /// Its id.
        id: OrganizationId,
        /// Its registered name.
        name: String,
        /// 统一社会信用代码
        credit_code: String,
        /// What it does.
        #[schema(value_type = Vec<OrganizationKind>)]
        kinds: Words<OrganizationKind>,
        /// The function of a regulator.
        authority: Option<Authority>,
        /// Where it sits; for a regulator, the area it answers for.
        district_code: DistrictCode,
        /// Address.
        address: Option<String>,
        /// Place on the map.
        #[schema(value_type = Option<Location>)]
        location: Option<Json<Location>>,
        /// Whether it may act.
        status: OrganizationStatus,
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
    /// A license.
    LicenseRow of licenses {
        /// Its id.
        id: LicenseId,
        /// Whose.
        organization_id: OrganizationId,
        /// For what.
        kind: LicenseKind,
        /// The number on it.
        number: String,
        /// Who issued it.
        issuer: String,
        /// First valid day.
        valid_from: NaiveDate,
        /// Last valid day.
        valid_to: NaiveDate,
        /// For which media.
        #[schema(value_type = Vec<Medium>)]
        media: Words<Medium>,
        /// In which areas; empty means no limit.
        #[schema(value_type = Vec<DistrictScope>)]
        districts: Words<DistrictScope>,
        /// Whether it is in force.
        status: LicenseStatus,
        /// Why it is not.
        status_reason: Option<String>,
        /// Version of the row.
        #[serde(skip)]
        version: i64,
        /// When it was entered.
        created_at: Instant,
        /// When it was changed last.
        updated_at: Instant,
    }
}

basics!(OrganizationRow, organizations, OrganizationId);
basics!(LicenseRow, licenses, LicenseId);

impl OrganizationRow {
    /// Saves what can change, if nobody else did since `self.version`.
    ///
    /// # Errors
    /// The database; [`DbError::Conflict`].
    pub fn update(&self, conn: &mut Conn) -> Result<(), DbError> {
        use organizations as t;
        let changes = (
            t::name.eq(&self.name),
            t::credit_code.eq(&self.credit_code),
            t::kinds.eq(&self.kinds),
            t::authority.eq(self.authority),
            t::district_code.eq(&self.district_code),
            t::address.eq(&self.address),
            t::location.eq(self.location.as_ref()),
            t::status.eq(self.status),
        );
        update_version!(conn, self of organizations, changes)
    }

    /// Reads one by its credit code.
    ///
    /// # Errors
    /// The database.
    pub fn by_credit_code(conn: &mut Conn, credit_code: &str) -> Result<Option<Self>, DbError> {
        use organizations as t;
        Ok(on_backend!(conn, c => t::table
            .filter(t::credit_code.eq(credit_code))
            .select(Self::as_select())
            .first(c)
            .optional())?)
    }

    /// Lists those within reach.
    ///
    /// # Errors
    /// The database.
    pub fn list(conn: &mut Conn, reach: &Reach, page: &Page<OrganizationId>) -> Result<Vec<Self>, DbError> {
        use organizations as t;
        let within = t::table.filter(t::district_code.like(reach.district_pattern()));
        page_of!(conn, page, organizations, within, reach by t::id)
    }
}

impl LicenseRow {
    /// Saves the status, if nobody else did since `self.version`.
    ///
    /// # Errors
    /// The database; [`DbError::Conflict`].
    pub fn update_status(&self, conn: &mut Conn) -> Result<(), DbError> {
        use licenses as t;
        let changes = (t::status.eq(self.status), t::status_reason.eq(&self.status_reason));
        update_version!(conn, self of licenses, changes)
    }

    /// Lists those of an organization.
    ///
    /// # Errors
    /// The database.
    pub fn list(conn: &mut Conn, of: OrganizationId, page: &Page<LicenseId>) -> Result<Vec<Self>, DbError> {
        page_of!(conn, page, licenses, licenses::table.filter(licenses::organization_id.eq(of)))
    }
}
