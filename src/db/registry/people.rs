//! Users and certificates.

use super::super::DbError;
use super::super::conn::Conn;
use super::super::schema::{certificates, organizations, users};
use super::super::types::Words;
use super::{Page, Reach};
use crate::domain::actor::Role;
use crate::domain::id::{CertificateId, OrganizationId, SiteId, UserId};
use crate::domain::instant::Instant;
use crate::domain::registry::{CertificateKind, LicenseStatus};
use crate::on_backend;
use chrono::NaiveDate;
use diesel::prelude::*;

rows! {
    /// A user.
    UserRow of users {
        /// Their id.
        id: UserId,
        /// Their employer.
        organization_id: OrganizationId,
        /// The name to sign in with.
        username: String,
        /// PHC string.
        #[serde(skip)]
        password_hash: String,
        /// Their name.
        display_name: String,
        /// What they may do.
        #[schema(value_type = Vec<Role>)]
        roles: Words<Role>,
        /// The site they work at.
        site_id: Option<SiteId>,
        /// Whether the login is enabled.
        active: bool,
        /// Version of the row.
        #[serde(skip)]
        version: i64,
        /// When they were entered.
        created_at: Instant,
        /// When they were changed last.
        updated_at: Instant,
    }
}

rows! {
    /// A certificate of a person.
    CertificateRow of certificates {
        /// Its id.
        id: CertificateId,
        /// Whose.
        user_id: UserId,
        /// For what.
        kind: CertificateKind,
        /// The number on it.
        number: String,
        /// Who issued it.
        issuer: String,
        /// First valid day.
        valid_from: NaiveDate,
        /// Last valid day.
        valid_to: NaiveDate,
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
basics!(UserRow, users, UserId);
lock!(UserRow, users, UserId);
basics!(CertificateRow, certificates, CertificateId);

impl UserRow {
    /// Saves what can change, if nobody else did since `self.version`.
    ///
    /// # Errors
    /// The database; [`DbError::Conflict`].
    pub fn update(&self, conn: &mut Conn) -> Result<(), DbError> {
        use users as t;
        let changes = (
            t::password_hash.eq(&self.password_hash),
            t::display_name.eq(&self.display_name),
            t::roles.eq(&self.roles),
            t::site_id.eq(self.site_id),
            t::active.eq(self.active),
        );
        update_version!(conn, self of users, changes)
    }

    /// Reads one by the name to sign in with.
    ///
    /// # Errors
    /// The database.
    pub fn by_username(conn: &mut Conn, username: &str) -> Result<Option<Self>, DbError> {
        use users as t;
        Ok(on_backend!(conn, c => t::table
            .filter(t::username.eq(username))
            .select(Self::as_select())
            .first(c)
            .optional())?)
    }

    /// Lists those within reach.
    ///
    /// # Errors
    /// The database.
    pub fn list(conn: &mut Conn, reach: &Reach, page: &Page<UserId>) -> Result<Vec<Self>, DbError> {
        let within = users::table
            .inner_join(organizations::table)
            .filter(organizations::district_code.like(reach.district_pattern()));
        page_of!(conn, page, users, within, reach by users::organization_id)
    }
}

impl CertificateRow {
    /// Saves the status, if nobody else did since `self.version`.
    ///
    /// # Errors
    /// The database; [`DbError::Conflict`].
    pub fn update_status(&self, conn: &mut Conn) -> Result<(), DbError> {
        use certificates as t;
        let changes = (t::status.eq(self.status), t::status_reason.eq(&self.status_reason));
        update_version!(conn, self of certificates, changes)
    }

    /// Whether somebody of an organization has a certificate of this kind and number.
    ///
    /// # Errors
    /// The database.
    pub fn is_taken(
        conn: &mut Conn,
        of: OrganizationId,
        kind: CertificateKind,
        number: &str,
    ) -> Result<bool, DbError> {
        use certificates as t;
        let same: i64 = on_backend!(conn, c => t::table
            .inner_join(users::table)
            .filter(users::organization_id.eq(of))
            .filter(t::kind.eq(kind))
            .filter(t::number.eq(number))
            .count()
            .get_result(c))?;
        Ok(same > 0)
    }

    /// Whether an authority suspended or revoked one of this kind that a person has.
    ///
    /// # Errors
    /// The database.
    pub fn is_judged(conn: &mut Conn, of: UserId, kind: CertificateKind) -> Result<bool, DbError> {
        use certificates as t;
        let judged: i64 = on_backend!(conn, c => t::table
            .filter(t::user_id.eq(of))
            .filter(t::kind.eq(kind))
            .filter(t::status.ne(LicenseStatus::Valid))
            .count()
            .get_result(c))?;
        Ok(judged > 0)
    }

    /// Lists those of a person.
    ///
    /// # Errors
    /// The database.
    pub fn list(conn: &mut Conn, of: UserId, page: &Page<CertificateId>) -> Result<Vec<Self>, DbError> {
        page_of!(conn, page, certificates, certificates::table.filter(certificates::user_id.eq(of)))
    }
}
