//! Who may do what: role × action × scope, in one table. Every handler and every command names the action it needs.

use crate::domain::actor::{Actor, Role};
use crate::domain::registry::{Authority, OrganizationStatus};
use crate::error::{Code, Result};

crate::words! {
    /// What somebody wants to do.
    pub enum Action {
        /// Enter an organization.
        CreateOrganization => "create_organization",
        /// See organizations.
        ReadOrganization => "read_organization",
        /// Suspend, close or reopen an organization; its file a platform admin may change too.
        JudgeOrganization => "judge_organization",
        /// Enter, suspend or revoke a license; never for the licensed organization itself.
        WriteLicense => "write_license",
        /// See licenses.
        ReadLicense => "read_license",
        /// Enter a site.
        WriteSite => "write_site",
        /// See sites.
        ReadSite => "read_site",
        /// Enter a scale, make and revoke device keys.
        WriteScale => "write_scale",
        /// See scales.
        ReadScale => "read_scale",
        /// Begin or end a shift at a scale.
        WorkShift => "work_shift",
        /// Enter or change a user.
        WriteUser => "write_user",
        /// See users.
        ReadUser => "read_user",
        /// Enter a certificate.
        WriteCertificate => "write_certificate",
        /// See certificates.
        ReadCertificate => "read_certificate",
        /// Suspend or revoke a certificate.
        JudgeCertificate => "judge_certificate",
        /// Make or end a supply agreement.
        WriteAgreement => "write_agreement",
        /// See supply agreements.
        ReadAgreement => "read_agreement",
        /// Set a policy.
        WritePolicy => "write_policy",
        /// See policies.
        ReadPolicy => "read_policy",
        /// Register a cylinder, replace its label.
        RegisterCylinder => "register_cylinder",
        /// See cylinders and their histories.
        ReadCylinder => "read_cylinder",
        /// Get the image of a label: an image is a copy.
        PrintLabel => "print_label",
        /// Check a cylinder before filling.
        CheckFill => "check_fill",
        /// Record a fill.
        RecordFill => "record_fill",
        /// Weigh a fill again.
        Reweigh => "reweigh",
        /// See fills and fill checks.
        ReadFill => "read_fill",
        /// Record an inspection, a life extension, a scrapping.
        Inspect => "inspect",
        /// Hand a cylinder over.
        HandOver => "hand_over",
        /// Take a cylinder back or in.
        TakeBack => "take_back",
        /// Take gas out at a station.
        Empty => "empty",
        /// Report a loss or a recovery.
        ReportLoss => "report_loss",
        /// Propose or receive a change of owner.
        ChangeOwner => "change_owner",
        /// Seize a cylinder, or put it on the blacklist and off.
        Seize => "seize",
        /// See the audit log.
        ReadAudit => "read_audit",
    }
}

/// How far a permission reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// What is the own organization's.
    Own,
    /// What lies in the regulator's district.
    District,
    /// Everything.
    All,
}

use Action as A;
use Role as R;
use Scope as S;

const READERS_OWN: &[Role] = &[
    R::OrgAdmin,
    R::FillOperator,
    R::FillChecker,
    R::Warehouse,
    R::Dispatcher,
    R::DeliveryWorker,
    R::Driver,
    R::Inspector,
    R::CustomerService,
];

/// One line of the table: for an action, the roles that may take it and how far.
pub type Line = (Action, &'static [(&'static [Role], Scope)]);

/// The table.
pub const TABLE: &[Line] = &[
    (A::CreateOrganization, &[(&[R::PlatformAdmin], S::All)]),
    (
        A::ReadOrganization,
        &[(&[R::PlatformAdmin], S::All), (&[R::Regulator], S::District), (READERS_OWN, S::Own)],
    ),
    (A::JudgeOrganization, &[(&[R::PlatformAdmin], S::All), (&[R::Regulator], S::District)]),
    (A::WriteLicense, &[(&[R::PlatformAdmin], S::All), (&[R::Regulator], S::District)]),
    (A::ReadLicense, &[(&[R::PlatformAdmin], S::All), (&[R::Regulator], S::District), (READERS_OWN, S::Own)]),
    (A::WriteSite, &[(&[R::PlatformAdmin], S::All), (&[R::OrgAdmin], S::Own)]),
    (A::ReadSite, &[(&[R::PlatformAdmin], S::All), (&[R::Regulator], S::District), (READERS_OWN, S::Own)]),
    (A::WriteScale, &[(&[R::PlatformAdmin], S::All), (&[R::OrgAdmin], S::Own)]),
    (A::ReadScale, &[(&[R::PlatformAdmin], S::All), (&[R::Regulator], S::District), (READERS_OWN, S::Own)]),
    (A::WorkShift, &[(&[R::FillOperator], S::Own)]),
    (A::WriteUser, &[(&[R::PlatformAdmin], S::All), (&[R::OrgAdmin], S::Own)]),
    (A::ReadUser, &[(&[R::PlatformAdmin], S::All), (&[R::Regulator], S::District), (&[R::OrgAdmin], S::Own)]),
    (A::WriteCertificate, &[(&[R::PlatformAdmin], S::All), (&[R::OrgAdmin], S::Own)]),
    (
        A::ReadCertificate,
        &[(&[R::PlatformAdmin], S::All), (&[R::Regulator], S::District), (&[R::OrgAdmin], S::Own)],
    ),
    (A::JudgeCertificate, &[(&[R::PlatformAdmin], S::All), (&[R::Regulator], S::District)]),
    (A::WriteAgreement, &[(&[R::OrgAdmin], S::Own)]),
    (
        A::ReadAgreement,
        &[(&[R::PlatformAdmin], S::All), (&[R::Regulator], S::District), (&[R::OrgAdmin], S::Own)],
    ),
    (A::WritePolicy, &[(&[R::PlatformAdmin], S::All)]),
    (A::ReadPolicy, &[(&[R::PlatformAdmin, R::Regulator], S::All), (READERS_OWN, S::All)]),
    (A::RegisterCylinder, &[(&[R::PlatformAdmin], S::All), (&[R::OrgAdmin], S::Own)]),
    (
        A::ReadCylinder,
        &[(&[R::PlatformAdmin], S::All), (&[R::Regulator], S::District), (READERS_OWN, S::Own)],
    ),
    (A::PrintLabel, &[(&[R::OrgAdmin, R::Warehouse], S::Own)]),
    (A::CheckFill, &[(&[R::FillOperator], S::Own)]),
    (A::RecordFill, &[(&[R::FillOperator], S::Own)]),
    (A::Reweigh, &[(&[R::FillOperator, R::FillChecker], S::Own)]),
    (A::ReadFill, &[(&[R::PlatformAdmin], S::All), (&[R::Regulator], S::District), (READERS_OWN, S::Own)]),
    (A::Inspect, &[(&[R::Inspector], S::Own)]),
    (A::HandOver, &[(&[R::DeliveryWorker], S::Own)]),
    (A::TakeBack, &[(&[R::DeliveryWorker, R::Warehouse, R::FillOperator, R::Inspector], S::Own)]),
    (A::Empty, &[(&[R::FillOperator, R::FillChecker, R::Warehouse], S::Own)]),
    (A::ReportLoss, &[(&[R::OrgAdmin], S::Own)]),
    (A::ChangeOwner, &[(&[R::OrgAdmin], S::Own)]),
    (A::Seize, &[(&[R::Regulator], S::District)]),
    (
        A::ReadAudit,
        &[(&[R::PlatformAdmin], S::All), (&[R::Regulator], S::District), (&[R::OrgAdmin], S::Own)],
    ),
];

/// Acts of a suspended or closed organization that the rules of a gate judge, so that the attempt is on record: a check and a
/// handover are refused; a fill on a permit from before is recorded, because the gas is in it, and held
/// (`fill.permit-overtaken`).
const JUDGED_BY_GATE: &[Action] = &[A::CheckFill, A::RecordFill, A::HandOver];

/// The authorities that alone may take an act: those that grant and enforce (市场监管、燃气管理; seizures also 公安、城管、应急).
pub fn authorities(action: Action) -> Option<&'static [Authority]> {
    use Authority::{Emergency, GasAuthority, MarketSupervision, Police, UrbanManagement};
    match action {
        A::WriteLicense | A::JudgeOrganization | A::JudgeCertificate => {
            Some(&[MarketSupervision, GasAuthority])
        }
        A::Seize => Some(&[MarketSupervision, GasAuthority, UrbanManagement, Emergency, Police]),
        _ => None,
    }
}

fn authority_may(authority: Option<Authority>, action: Action) -> bool {
    authorities(action).is_none_or(|few| authority.is_some_and(|one| few.contains(&one)))
}

/// The roles that may take an action, and how far.
pub fn grants(action: Action) -> &'static [(&'static [Role], Scope)] {
    TABLE.iter().find(|(listed, _)| *listed == action).map_or(&[], |(_, grants)| grants)
}

impl Action {
    /// Whether it only looks.
    pub fn is_read(self) -> bool {
        matches!(
            self,
            A::ReadOrganization
                | A::ReadLicense
                | A::ReadSite
                | A::ReadScale
                | A::ReadUser
                | A::ReadCertificate
                | A::ReadAgreement
                | A::ReadPolicy
                | A::ReadCylinder
                | A::ReadFill
                | A::ReadAudit
        )
    }
}

/// How far an actor may take an action; `None` if not at all.
pub fn scope(actor: &Actor, action: Action) -> Option<Scope> {
    if actor.device.is_some() {
        // A scale checks and records, and nothing else.
        return matches!(action, A::CheckFill | A::RecordFill).then_some(Scope::Own);
    }
    grants(action)
        .iter()
        .filter(|(roles, _)| roles.iter().any(|role| actor.has(*role)))
        .filter(|(_, scope)| *scope != Scope::District || authority_may(actor.authority, action))
        .map(|(_, scope)| *scope)
        .max()
}

/// How far an actor may take an action.
///
/// # Errors
/// No role allows it (403), or the organization is suspended or closed.
pub fn authorize(actor: &Actor, action: Action) -> Result<Scope> {
    let scope = scope(actor, action).ok_or(Code::Forbidden)?;
    let judged_elsewhere = action.is_read() || JUDGED_BY_GATE.contains(&action);
    if actor.organization_status != OrganizationStatus::Active && !judged_elsewhere {
        return Err(Code::OrganizationInactive.into());
    }
    Ok(scope)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_has_one_line() {
        for (index, (action, grants)) in TABLE.iter().enumerate() {
            assert!(!grants.is_empty());
            assert!(TABLE.iter().skip(index + 1).all(|(other, _)| other != action), "{action:?} twice");
        }
    }

    #[test]
    fn nobody_grants_licenses_to_themselves() {
        let (_, grants) = TABLE.iter().find(|(action, _)| *action == Action::WriteLicense).unwrap();
        assert!(grants.iter().all(|(_, scope)| *scope != Scope::Own));
    }
}
