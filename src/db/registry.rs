//! Organizations, licenses, sites, scales, users, certificates, agreements: rows as they are kept and listed.
//!
//! Every list is a keyset page: newest first by id (UUIDv7 is in the order of time), `after` is the id of the last row seen.

use chrono::NaiveDate;
use diesel::prelude::*;

use super::DbError;
use super::conn::Conn;
use super::schema::{
    certificates, device_keys, licenses, organizations, owner_changes, policies, scales, sites,
    supply_agreements, users,
};
use super::types::{Json, Words};
use crate::domain::actor::Role;
use crate::domain::cylinder::Medium;
use crate::domain::district::{DistrictCode, DistrictScope};
use crate::domain::id::{
    AgreementId, CertificateId, CylinderId, DeviceKeyId, LicenseId, OrganizationId, OwnerChangeId, PolicyId,
    ScaleId, SiteId, UserId,
};
use crate::domain::instant::Instant;
use crate::domain::registry::{
    Authority, CertificateKind, LicenseKind, LicenseStatus, Location, OrganizationKind, OrganizationStatus,
    SiteKind,
};
use crate::on_backend;

/// Whose rows a caller may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// Everybody's.
    All,
    /// One organization's.
    Own(OrganizationId),
    /// Those of a district.
    District(DistrictScope),
}

impl Reach {
    /// A LIKE pattern for districts; everything where the reach is no district. Scopes are digits only.
    pub(super) fn district_pattern(&self) -> String {
        match self {
            Self::District(scope) => format!("{scope}%"),
            Self::All | Self::Own(_) => "%".to_owned(),
        }
    }

    pub(super) fn own(&self) -> Option<OrganizationId> {
        match self {
            Self::Own(id) => Some(*id),
            Self::All | Self::District(_) => None,
        }
    }
}

/// A page to fetch.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// The last row seen.
    pub after: Option<T>,
    /// How many; one more is fetched to see whether there are more.
    pub limit: i64,
}

macro_rules! rows {
    ($(#[$meta:meta])* $name:ident of $table:ident { $($(#[$fmeta:meta])* $field:ident: $ty:ty,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, serde::Serialize, utoipa::ToSchema)]
        #[diesel(table_name = $table)]
        pub struct $name { $($(#[$fmeta])* pub $field: $ty,)+ }
    };
}

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

rows! {
    /// A supply agreement between an owner of cylinders and a distributor.
    AgreementRow of supply_agreements {
        /// Its id.
        id: AgreementId,
        /// The owner.
        owner_id: OrganizationId,
        /// Who may deliver the owner's cylinders.
        distributor_id: OrganizationId,
        /// The number on it.
        number: String,
        /// First valid day.
        valid_from: NaiveDate,
        /// Last valid day.
        valid_to: NaiveDate,
        /// When it was entered.
        created_at: Instant,
        /// When it was ended early.
        ended_at: Option<Instant>,
    }
}

rows! {
    /// A policy entry.
    PolicyRow of policies {
        /// Its id.
        id: PolicyId,
        /// Its name.
        name: String,
        /// Where it holds; empty means everywhere.
        district_code: String,
        /// From which day.
        effective_on: NaiveDate,
        /// The value.
        #[schema(value_type = Object)]
        value: Json<serde_json::Value>,
        /// Why.
        reason: String,
        /// By whom.
        set_by: UserId,
        /// When.
        set_at: Instant,
    }
}

rows! {
    /// A proposed change of owner.
    OwnerChangeRow of owner_changes {
        /// Its id.
        id: OwnerChangeId,
        /// Which cylinder.
        cylinder_id: CylinderId,
        /// From whom.
        from_id: OrganizationId,
        /// To whom.
        to_id: OrganizationId,
        /// Number of the document.
        document_no: String,
        /// Why.
        reason: String,
        /// pending, approved or rejected.
        status: String,
        /// Who proposed it.
        proposed_by: UserId,
        /// When.
        proposed_at: Instant,
        /// Who settled it.
        decided_by: Option<UserId>,
        /// When.
        decided_at: Option<Instant>,
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

/// Insert and get by id, the same for every table.
macro_rules! basics {
    ($row:ident, $table:ident, $id:ty) => {
        impl $row {
            /// Adds it.
            ///
            /// # Errors
            /// The database; a value that must be unique.
            pub fn insert(&self, conn: &mut Conn) -> Result<(), DbError> {
                on_backend!(conn, c => diesel::insert_into($table::table).values(self).execute(c))?;
                Ok(())
            }

            /// Reads one.
            ///
            /// # Errors
            /// The database.
            pub fn get(conn: &mut Conn, id: $id) -> Result<Option<Self>, DbError> {
                Ok(on_backend!(conn, c => $table::table
                    .filter($table::id.eq(id))
                    .select(Self::as_select())
                    .first(c)
                    .optional())?)
            }
        }
    };
}

basics!(OrganizationRow, organizations, OrganizationId);
basics!(LicenseRow, licenses, LicenseId);
basics!(SiteRow, sites, SiteId);
basics!(ScaleRow, scales, ScaleId);
basics!(UserRow, users, UserId);
basics!(CertificateRow, certificates, CertificateId);
basics!(AgreementRow, supply_agreements, AgreementId);
basics!(PolicyRow, policies, PolicyId);
basics!(OwnerChangeRow, owner_changes, OwnerChangeId);
basics!(DeviceKeyRow, device_keys, DeviceKeyId);

fn one(updated: usize) -> Result<(), DbError> {
    if updated == 1 { Ok(()) } else { Err(DbError::Conflict) }
}

impl OrganizationRow {
    /// Saves what can change, if nobody else did since `self.version`.
    ///
    /// # Errors
    /// The database; [`DbError::Conflict`].
    pub fn update(&self, conn: &mut Conn) -> Result<(), DbError> {
        use organizations as t;
        one(
            on_backend!(conn, c => diesel::update(t::table.filter(t::id.eq(self.id)).filter(t::version.eq(self.version)))
            .set((
                t::name.eq(&self.name), t::kinds.eq(&self.kinds), t::authority.eq(self.authority),
                t::district_code.eq(&self.district_code), t::address.eq(&self.address),
                t::location.eq(self.location.as_ref()), t::status.eq(self.status), t::version.eq(self.version + 1),
                t::updated_at.eq(self.updated_at),
            ))
            .execute(c))?,
        )
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
        Ok(on_backend!(conn, c => {
            let mut query = t::table
                .filter(t::district_code.like(reach.district_pattern()))
                .select(Self::as_select())
                .order(t::id.desc())
                .limit(page.limit)
                .into_boxed();
            if let Some(own) = reach.own() {
                query = query.filter(t::id.eq(own));
            }
            if let Some(after) = page.after {
                query = query.filter(t::id.lt(after));
            }
            query.load(c)
        })?)
    }
}

impl LicenseRow {
    /// Saves the status, if nobody else did since `self.version`.
    ///
    /// # Errors
    /// The database; [`DbError::Conflict`].
    pub fn update_status(&self, conn: &mut Conn) -> Result<(), DbError> {
        use licenses as t;
        one(
            on_backend!(conn, c => diesel::update(t::table.filter(t::id.eq(self.id)).filter(t::version.eq(self.version)))
            .set((
                t::status.eq(self.status), t::status_reason.eq(&self.status_reason), t::version.eq(self.version + 1),
                t::updated_at.eq(self.updated_at),
            ))
            .execute(c))?,
        )
    }

    /// Lists those of an organization.
    ///
    /// # Errors
    /// The database.
    pub fn list(conn: &mut Conn, of: OrganizationId, page: &Page<LicenseId>) -> Result<Vec<Self>, DbError> {
        use licenses as t;
        Ok(on_backend!(conn, c => {
            let mut query = t::table
                .filter(t::organization_id.eq(of))
                .select(Self::as_select())
                .order(t::id.desc())
                .limit(page.limit)
                .into_boxed();
            if let Some(after) = page.after {
                query = query.filter(t::id.lt(after));
            }
            query.load(c)
        })?)
    }
}

impl SiteRow {
    /// Lists those within reach.
    ///
    /// # Errors
    /// The database.
    pub fn list(conn: &mut Conn, reach: &Reach, page: &Page<SiteId>) -> Result<Vec<Self>, DbError> {
        use sites as t;
        Ok(on_backend!(conn, c => {
            let mut query = t::table
                .filter(t::district_code.like(reach.district_pattern()))
                .select(Self::as_select())
                .order(t::id.desc())
                .limit(page.limit)
                .into_boxed();
            if let Some(own) = reach.own() {
                query = query.filter(t::organization_id.eq(own));
            }
            if let Some(after) = page.after {
                query = query.filter(t::id.lt(after));
            }
            query.load(c)
        })?)
    }
}

impl ScaleRow {
    /// Saves calibration and shift, if nobody else did since `self.version`.
    ///
    /// # Errors
    /// The database; [`DbError::Conflict`].
    pub fn update(&self, conn: &mut Conn) -> Result<(), DbError> {
        use scales as t;
        one(
            on_backend!(conn, c => diesel::update(t::table.filter(t::id.eq(self.id)).filter(t::version.eq(self.version)))
            .set((
                t::calibration_valid_to.eq(self.calibration_valid_to), t::shift_operator_id.eq(self.shift_operator_id),
                t::shift_ends_at.eq(self.shift_ends_at), t::version.eq(self.version + 1),
                t::updated_at.eq(self.updated_at),
            ))
            .execute(c))?,
        )
    }

    /// Lists those within reach.
    ///
    /// # Errors
    /// The database.
    pub fn list(conn: &mut Conn, reach: &Reach, page: &Page<ScaleId>) -> Result<Vec<Self>, DbError> {
        use scales as t;
        Ok(on_backend!(conn, c => {
            let mut query = t::table
                .inner_join(sites::table)
                .filter(sites::district_code.like(reach.district_pattern()))
                .select(Self::as_select())
                .order(t::id.desc())
                .limit(page.limit)
                .into_boxed();
            if let Some(own) = reach.own() {
                query = query.filter(t::organization_id.eq(own));
            }
            if let Some(after) = page.after {
                query = query.filter(t::id.lt(after));
            }
            query.load(c)
        })?)
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

impl UserRow {
    /// Saves what can change, if nobody else did since `self.version`.
    ///
    /// # Errors
    /// The database; [`DbError::Conflict`].
    pub fn update(&self, conn: &mut Conn) -> Result<(), DbError> {
        use users as t;
        one(
            on_backend!(conn, c => diesel::update(t::table.filter(t::id.eq(self.id)).filter(t::version.eq(self.version)))
            .set((
                t::password_hash.eq(&self.password_hash), t::display_name.eq(&self.display_name),
                t::roles.eq(&self.roles), t::site_id.eq(self.site_id), t::active.eq(self.active),
                t::version.eq(self.version + 1), t::updated_at.eq(self.updated_at),
            ))
            .execute(c))?,
        )
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
        use users as t;
        Ok(on_backend!(conn, c => {
            let mut query = t::table
                .inner_join(organizations::table)
                .filter(organizations::district_code.like(reach.district_pattern()))
                .select(Self::as_select())
                .order(t::id.desc())
                .limit(page.limit)
                .into_boxed();
            if let Some(own) = reach.own() {
                query = query.filter(t::organization_id.eq(own));
            }
            if let Some(after) = page.after {
                query = query.filter(t::id.lt(after));
            }
            query.load(c)
        })?)
    }
}

impl CertificateRow {
    /// Saves the status, if nobody else did since `self.version`.
    ///
    /// # Errors
    /// The database; [`DbError::Conflict`].
    pub fn update_status(&self, conn: &mut Conn) -> Result<(), DbError> {
        use certificates as t;
        one(
            on_backend!(conn, c => diesel::update(t::table.filter(t::id.eq(self.id)).filter(t::version.eq(self.version)))
            .set((
                t::status.eq(self.status), t::status_reason.eq(&self.status_reason), t::version.eq(self.version + 1),
                t::updated_at.eq(self.updated_at),
            ))
            .execute(c))?,
        )
    }

    /// Lists those of a person.
    ///
    /// # Errors
    /// The database.
    pub fn list(conn: &mut Conn, of: UserId, page: &Page<CertificateId>) -> Result<Vec<Self>, DbError> {
        use certificates as t;
        Ok(on_backend!(conn, c => {
            let mut query = t::table
                .filter(t::user_id.eq(of))
                .select(Self::as_select())
                .order(t::id.desc())
                .limit(page.limit)
                .into_boxed();
            if let Some(after) = page.after {
                query = query.filter(t::id.lt(after));
            }
            query.load(c)
        })?)
    }
}

impl AgreementRow {
    /// Ends it.
    ///
    /// # Errors
    /// The database; [`DbError::Conflict`] if it was ended already.
    pub fn end(&self, conn: &mut Conn, at: Instant) -> Result<(), DbError> {
        use supply_agreements as t;
        one(
            on_backend!(conn, c => diesel::update(t::table.filter(t::id.eq(self.id)).filter(t::ended_at.is_null()))
            .set(t::ended_at.eq(at))
            .execute(c))?,
        )
    }

    /// Lists those of an organization, on either side.
    ///
    /// # Errors
    /// The database.
    pub fn list(conn: &mut Conn, of: OrganizationId, page: &Page<AgreementId>) -> Result<Vec<Self>, DbError> {
        use supply_agreements as t;
        Ok(on_backend!(conn, c => {
            let mut query = t::table
                .filter(t::owner_id.eq(of).or(t::distributor_id.eq(of)))
                .select(Self::as_select())
                .order(t::id.desc())
                .limit(page.limit)
                .into_boxed();
            if let Some(after) = page.after {
                query = query.filter(t::id.lt(after));
            }
            query.load(c)
        })?)
    }
}

impl PolicyRow {
    /// Lists all entries, newest first.
    ///
    /// # Errors
    /// The database.
    pub fn list(conn: &mut Conn, page: &Page<PolicyId>) -> Result<Vec<Self>, DbError> {
        use policies as t;
        Ok(on_backend!(conn, c => {
            let mut query = t::table.select(Self::as_select()).order(t::id.desc()).limit(page.limit).into_boxed();
            if let Some(after) = page.after {
                query = query.filter(t::id.lt(after));
            }
            query.load(c)
        })?)
    }
}

impl OwnerChangeRow {
    /// Settles one that is pending, without approving it.
    ///
    /// # Errors
    /// The database; [`DbError::Conflict`] if it was settled already.
    pub fn reject(&self, conn: &mut Conn, by: UserId, at: Instant) -> Result<(), DbError> {
        use owner_changes as t;
        one(
            on_backend!(conn, c => diesel::update(t::table.filter(t::id.eq(self.id)).filter(t::status.eq("pending")))
            .set((t::status.eq("rejected"), t::decided_by.eq(by), t::decided_at.eq(at)))
            .execute(c))?,
        )
    }

    /// Lists those of an organization, on either side.
    ///
    /// # Errors
    /// The database.
    pub fn list(
        conn: &mut Conn,
        of: OrganizationId,
        page: &Page<OwnerChangeId>,
    ) -> Result<Vec<Self>, DbError> {
        use owner_changes as t;
        Ok(on_backend!(conn, c => {
            let mut query = t::table
                .filter(t::from_id.eq(of).or(t::to_id.eq(of)))
                .select(Self::as_select())
                .order(t::id.desc())
                .limit(page.limit)
                .into_boxed();
            if let Some(after) = page.after {
                query = query.filter(t::id.lt(after));
            }
            query.load(c)
        })?)
    }
}

impl DeviceKeyRow {
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
        one(
            on_backend!(conn, c => diesel::update(t::table.filter(t::id.eq(self.id)).filter(t::revoked_at.is_null()))
            .set(t::revoked_at.eq(at))
            .execute(c))?,
        )
    }
}
