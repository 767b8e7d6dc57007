//! Supply agreements and proposed changes of owner.

use super::super::DbError;
use super::super::conn::Conn;
use super::super::schema::{owner_changes, supply_agreements};
use super::Page;
use crate::domain::id::{AgreementId, CylinderId, OrganizationId, OwnerChangeId, UserId};
use crate::domain::instant::Instant;
use crate::on_backend;
use chrono::NaiveDate;
use diesel::prelude::*;

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
basics!(AgreementRow, supply_agreements, AgreementId);
basics!(OwnerChangeRow, owner_changes, OwnerChangeId);

impl AgreementRow {
    /// Ends it.
    ///
    /// # Errors
    /// The database; [`DbError::Conflict`] if it was ended already.
    pub fn end(&self, conn: &mut Conn, at: Instant) -> Result<(), DbError> {
        use supply_agreements as t;
        update_if!(conn, self of supply_agreements, t::ended_at.is_null(), t::ended_at.eq(at))
    }

    /// Lists those of an organization, on either side.
    ///
    /// # Errors
    /// The database.
    pub fn list(conn: &mut Conn, of: OrganizationId, page: &Page<AgreementId>) -> Result<Vec<Self>, DbError> {
        use supply_agreements as t;
        let theirs = t::table.filter(t::owner_id.eq(of).or(t::distributor_id.eq(of)));
        page_of!(conn, page, supply_agreements, theirs)
    }
}

impl OwnerChangeRow {
    /// Settles one that is pending, without approving it.
    ///
    /// # Errors
    /// The database; [`DbError::Conflict`] if it was settled already.
    pub fn reject(&self, conn: &mut Conn, by: UserId, at: Instant) -> Result<(), DbError> {
        use owner_changes as t;
        let rejected = (t::status.eq("rejected"), t::decided_by.eq(by), t::decided_at.eq(at));
        update_if!(conn, self of owner_changes, t::status.eq("pending"), rejected)
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
        let theirs = t::table.filter(t::from_id.eq(of).or(t::to_id.eq(of)));
        page_of!(conn, page, owner_changes, theirs)
    }
}
