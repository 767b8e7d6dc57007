//! Organizations, licenses, sites, scales, people, agreements, policies.

use super::super::conn::Conn;
use super::super::schema::{
    certificates, licenses, organizations, policies, scales, sites, supply_agreements, users,
};
use super::super::{DbError, types};
use crate::db::among::among;
use crate::domain::cylinder::Medium;
use crate::domain::date::{Day, Validity};
use crate::domain::district::DistrictCode;
use crate::domain::id::{CertificateId, LicenseId, OrganizationId, ScaleId, SiteId, UserId};
use crate::domain::policy::PolicyEntry;
use crate::domain::registry::{
    Authority, Certificate, CertificateKind, License, LicenseKind, LicenseStatus, Organization,
    OrganizationStatus, Person, Scale, Site, SiteKind,
};
use crate::domain::value::{Name, Number};
use crate::on_backend;
use chrono::NaiveDate;
use diesel::prelude::*;

#[derive(Queryable)]
struct OrganizationRow {
    id: OrganizationId,
    name: Name,
    kinds: String,
    authority: Option<Authority>,
    district_code: DistrictCode,
    status: OrganizationStatus,
}

impl OrganizationRow {
    fn read(self) -> Result<Organization, DbError> {
        Ok(Organization {
            id: self.id,
            name: self.name,
            kinds: types::split(&self.kinds).map_err(DbError::corrupt)?,
            authority: self.authority,
            district_code: self.district_code,
            status: self.status,
        })
    }
}

/// Organizations by their ids.
///
/// # Errors
/// The database.
pub fn organizations(conn: &mut Conn, ids: &[OrganizationId]) -> Result<Vec<Organization>, DbError> {
    use organizations as t;
    let rows: Vec<OrganizationRow> = on_backend!(conn, c => t::table
        .filter(among(t::id, ids))
        .select((t::id, t::name, t::kinds, t::authority, t::district_code, t::status))
        .load(c))?;
    rows.into_iter().map(OrganizationRow::read).collect()
}

#[derive(Queryable)]
struct LicenseRow {
    id: LicenseId,
    organization_id: OrganizationId,
    kind: LicenseKind,
    number: Number,
    valid_from: NaiveDate,
    valid_to: NaiveDate,
    status: LicenseStatus,
    media: String,
    districts: String,
}

/// Licenses of organizations.
///
/// # Errors
/// The database.
pub fn licenses(conn: &mut Conn, of: &[OrganizationId]) -> Result<Vec<License>, DbError> {
    use licenses as t;
    let rows: Vec<LicenseRow> = on_backend!(conn, c => t::table
        .filter(among(t::organization_id, of))
        .select((
            t::id, t::organization_id, t::kind, t::number, t::valid_from, t::valid_to, t::status, t::media, t::districts,
        ))
        .load(c))?;
    rows.into_iter()
        .map(|row| {
            Ok(License {
                id: row.id,
                organization_id: row.organization_id,
                kind: row.kind,
                number: row.number,
                validity: Validity { valid_from: Day(row.valid_from), valid_to: Day(row.valid_to) },
                status: row.status,
                media: types::split::<Medium>(&row.media).map_err(DbError::corrupt)?,
                districts: types::split(&row.districts).map_err(DbError::corrupt)?,
            })
        })
        .collect()
}

#[derive(Queryable)]
struct SiteRow {
    id: SiteId,
    organization_id: OrganizationId,
    kind: SiteKind,
    name: Name,
    district_code: DistrictCode,
}

/// Sites by their ids.
///
/// # Errors
/// The database.
pub fn sites(conn: &mut Conn, ids: &[SiteId]) -> Result<Vec<Site>, DbError> {
    use sites as t;
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<SiteRow> = on_backend!(conn, c => t::table
        .filter(among(t::id, ids))
        .select((t::id, t::organization_id, t::kind, t::name, t::district_code))
        .load(c))?;
    let read = |row: SiteRow| Site {
        id: row.id,
        organization_id: row.organization_id,
        kind: row.kind,
        name: row.name,
        district_code: row.district_code,
    };
    Ok(rows.into_iter().map(read).collect())
}

/// Scales by their ids.
///
/// # Errors
/// The database.
pub fn scales(conn: &mut Conn, ids: &[ScaleId]) -> Result<Vec<Scale>, DbError> {
    use scales as t;
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<(ScaleId, SiteId, OrganizationId, Medium, NaiveDate)> = on_backend!(conn, c => t::table
        .filter(among(t::id, ids))
        .select((t::id, t::site_id, t::organization_id, t::medium, t::calibration_valid_to))
        .load(c))?;
    let read = |(id, site_id, organization_id, medium, calibration_valid_to)| Scale {
        id,
        site_id,
        organization_id,
        medium,
        calibration_valid_to,
    };
    Ok(rows.into_iter().map(read).collect())
}

/// People by their ids, with their certificates.
///
/// # Errors
/// The database.
pub fn people(conn: &mut Conn, ids: &[UserId]) -> Result<Vec<Person>, DbError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<(UserId, OrganizationId, Option<SiteId>, String, bool)> = on_backend!(conn, c => users::table
        .filter(among(users::id, ids))
        .select((users::id, users::organization_id, users::site_id, users::roles, users::active))
        .load(c))?;
    let mut held = certificates(conn, ids)?;
    rows.into_iter()
        .map(|(id, organization_id, site_id, roles, active)| {
            Ok(Person {
                id,
                organization_id,
                site_id,
                roles: types::split(&roles).map_err(DbError::corrupt)?,
                active,
                certificates: held.extract_if(.., |(user, _)| *user == id).map(|(_, c)| c).collect(),
            })
        })
        .collect()
}

type RawCertificate = (CertificateId, UserId, CertificateKind, Number, NaiveDate, NaiveDate, LicenseStatus);

fn certificates(conn: &mut Conn, of: &[UserId]) -> Result<Vec<(UserId, Certificate)>, DbError> {
    use certificates as t;
    let rows: Vec<RawCertificate> = on_backend!(conn, c => t::table
        .filter(among(t::user_id, of))
        .select((t::id, t::user_id, t::kind, t::number, t::valid_from, t::valid_to, t::status))
        .load(c))?;
    let read = |(id, user_id, kind, number, valid_from, valid_to, status): RawCertificate| {
        let validity = Validity { valid_from: Day(valid_from), valid_to: Day(valid_to) };
        (user_id, Certificate { id, kind, number, validity, status })
    };
    Ok(rows.into_iter().map(read).collect())
}

/// A supply agreement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AgreementRow {
    /// The owner of the cylinders.
    pub owner_id: OrganizationId,
    /// Who may deliver them.
    pub distributor_id: OrganizationId,
    /// From when to when.
    pub validity: Validity,
}

/// Agreements of distributors that were not ended.
///
/// # Errors
/// The database.
pub fn agreements(conn: &mut Conn, distributors: &[OrganizationId]) -> Result<Vec<AgreementRow>, DbError> {
    use supply_agreements as t;
    let rows: Vec<(OrganizationId, OrganizationId, NaiveDate, NaiveDate)> = on_backend!(conn, c => t::table
        .filter(among(t::distributor_id, distributors))
        .filter(t::ended_at.is_null())
        .select((t::owner_id, t::distributor_id, t::valid_from, t::valid_to))
        .load(c))?;
    let read = |(owner_id, distributor_id, from, to)| AgreementRow {
        owner_id,
        distributor_id,
        validity: Validity { valid_from: Day(from), valid_to: Day(to) },
    };
    Ok(rows.into_iter().map(read).collect())
}

/// All policy entries.
///
/// # Errors
/// The database.
pub fn policies(conn: &mut Conn) -> Result<Vec<PolicyEntry>, DbError> {
    use policies as t;
    let rows: Vec<(String, String, NaiveDate, String, i64)> = on_backend!(conn, c => t::table
        .select((t::name, t::district_code, t::effective_on, t::value, t::seq))
        .load(c))?;
    rows.into_iter()
        .map(|(name, district, effective_on, value, sequence)| {
            Ok(PolicyEntry {
                name,
                district: types::scope(&district).map_err(DbError::corrupt)?,
                effective_on,
                value: serde_json::from_str(&value).map_err(DbError::corrupt)?,
                sequence,
            })
        })
        .collect()
}
