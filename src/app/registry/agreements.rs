//! Supply agreements, and proposed changes of owner.

use super::super::Session;
use super::super::target::Target;
use super::super::transfer::may_change_hands;
use super::period;
use crate::db::registry::{AgreementRow, OrganizationRow, OwnerChangeRow};
use crate::db::{DbError, facts};
use crate::domain::cylinder::Cylinder;
use crate::domain::date::Day;
use crate::domain::id::{AgreementId, OrganizationId, OwnerChangeId};
use crate::domain::registry::OrganizationKind;
use crate::domain::said::said;
use crate::domain::value::{Number, Reason};
use crate::error::{Code, Error, Result};
use serde::Deserialize;
use utoipa::ToSchema;

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
            said("必须是另一家配送企业", "must be another, a distributor"),
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
    let row = row.filter(|row| row.ended_at.is_none()).ok_or(Code::AgreementNotFound)?;
    row.end(session.conn, session.now.at)?;
    Ok(AgreementRow { ended_at: Some(session.now.at), ..row })
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
    target: Target,
    new: &NewOwnerChange,
) -> Result<OwnerChangeRow> {
    let cylinder = facts::cylinders(session.conn, &[target.id])?.pop().map(|row| row.cylinder);
    let own = |c: &Cylinder| c.owner_id == session.actor.organization_id;
    let cylinder = cylinder.filter(own).ok_or(Code::CylinderNotFound)?;
    let giver = facts::organizations(session.conn, &[cylinder.owner_id])?.pop();
    let licenses = facts::licenses(session.conn, &[cylinder.owner_id])?;
    may_change_hands(&cylinder, giver.as_ref(), &licenses, session.now)?;
    let receiver = OrganizationRow::get(session.conn, new.new_owner_id)?
        .filter(|o| o.kinds.0.contains(&OrganizationKind::Filler) && o.id != cylinder.owner_id);
    if receiver.is_none() {
        return Err(Error::invalid(
            "/new_owner_id",
            "organization_not_found",
            said("必须是另一家充装单位", "must be another, a filler"),
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
    row.insert(session.conn).map_err(|error| match error {
        DbError::Duplicate(_) => Error::new(
            Code::AlreadyExists,
            said("该气瓶已有待处理的产权变更", "a change of its owner is pending already"),
        ),
        other => other.into(),
    })?;
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
        return Err(Error::new(Code::StateConflict, said("已经办结", "it was settled already")));
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
