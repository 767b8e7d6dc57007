//! Organizations and their licenses.

use super::super::Session;
use super::{Judgement, bounded, hidden_as, is_platform, judge, may_judge, or_null, period, place};
use crate::auth::permission::Scope;
use crate::db::registry::{LicenseRow, OrganizationRow};
use crate::domain::cylinder::Medium;
use crate::domain::date::Day;
use crate::domain::district::{DistrictCode, DistrictScope};
use crate::domain::id::{LicenseId, OrganizationId};
use crate::domain::registry::{
    Authority, LicenseKind, LicenseStatus, Location, OrganizationKind, OrganizationStatus,
};
use crate::domain::said::said;
use crate::domain::value::{Name, Number, Remark, Text};
use crate::error::{Code, Error, Result};
use serde::Deserialize;
use utoipa::ToSchema;

/// An organization to enter.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOrganization {
    /// Its registered name.
    pub name: Name,
    /// 统一社会信用代码, 18 digits and letters.
    pub credit_code: Text<8, 18>,
    /// What it does.
    pub kinds: Vec<OrganizationKind>,
    /// The function of a regulator.
    #[serde(default)]
    pub authority: Option<Authority>,
    /// Where it sits; for a regulator, the area it answers for.
    pub district_code: DistrictCode,
    /// Address.
    #[serde(default)]
    pub address: Option<Remark>,
    /// Place on the map.
    #[serde(default)]
    pub location: Option<Location>,
}

/// What may change of an organization. Members left out stay as they are.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrganizationChange {
    /// Its registered name.
    #[serde(default)]
    pub name: Option<Name>,
    /// 统一社会信用代码, 18 digits and letters.
    #[serde(default)]
    pub credit_code: Option<Text<8, 18>>,
    /// What it does.
    #[serde(default)]
    pub kinds: Option<Vec<OrganizationKind>>,
    /// The function of a regulator; null for everybody else.
    #[serde(default, deserialize_with = "or_null")]
    #[schema(value_type = Option<Authority>)]
    pub authority: Option<Option<Authority>>,
    /// Where it sits.
    #[serde(default)]
    pub district_code: Option<DistrictCode>,
    /// Address; null for none.
    #[serde(default, deserialize_with = "or_null")]
    #[schema(value_type = Option<Remark>)]
    pub address: Option<Option<Remark>>,
    /// Place on the map; null for none.
    #[serde(default, deserialize_with = "or_null")]
    #[schema(value_type = Option<Location>)]
    pub location: Option<Option<Location>>,
    /// Whether it may act. Closed is for good.
    #[serde(default)]
    pub status: Option<OrganizationStatus>,
}

fn check_kinds(kinds: &[OrganizationKind], authority: Option<Authority>) -> Result<()> {
    bounded("/kinds", kinds)?;
    let regulator = kinds.contains(&OrganizationKind::Regulator);
    if kinds.is_empty() {
        return Err(Error::invalid("/kinds", "too_short", said("至少一种类型", "at least one kind")));
    }
    if regulator && kinds.len() > 1 {
        return Err(Error::invalid(
            "/kinds",
            "contradiction",
            said("监管部门不能兼有其他类型", "a regulator is nothing else"),
        ));
    }
    match (regulator, authority) {
        (true, None) => Err(Error::invalid(
            "/authority",
            "required",
            said("监管部门须填写其职能", "a regulator needs its function"),
        )),
        (false, Some(_)) => Err(Error::invalid(
            "/authority",
            "contradiction",
            said("仅监管部门填写职能", "only a regulator has a function"),
        )),
        _ => Ok(()),
    }
}

fn credit_code(given: &Text<8, 18>) -> Result<String> {
    if !given.as_str().bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Err(Error::invalid(
            "/credit_code",
            "bad_format",
            said("只能是数字和字母", "digits and letters"),
        ));
    }
    Ok(given.as_str().to_ascii_uppercase())
}

/// Enters an organization.
///
/// # Errors
/// Invalid, or it exists.
pub fn create_organization(session: &mut Session<'_>, new: &NewOrganization) -> Result<OrganizationRow> {
    check_kinds(&new.kinds, new.authority)?;
    let row = OrganizationRow {
        id: session.ids.id(session.now.at),
        name: new.name.to_string(),
        credit_code: credit_code(&new.credit_code)?,
        kinds: new.kinds.clone().into(),
        authority: new.authority,
        district_code: new.district_code.clone(),
        address: new.address.as_ref().map(ToString::to_string),
        location: place(new.location)?,
        status: OrganizationStatus::Active,
        version: 1,
        created_at: session.now.at,
        updated_at: session.now.at,
    };
    row.insert(session.conn)?;
    Ok(row)
}

impl OrganizationChange {
    /// Whether anything but the status is to change.
    pub fn touches_file(&self) -> bool {
        self.name.is_some()
            || self.credit_code.is_some()
            || self.authority.is_some()
            || self.kinds.is_some()
            || self.district_code.is_some()
            || self.address.is_some()
            || self.location.is_some()
    }
}

/// Changes an organization: its file by a platform admin, its status by a regulator too.
///
/// # Errors
/// 404, 403, invalid, or it is closed.
pub fn change_organization(
    session: &mut Session<'_>,
    id: OrganizationId,
    change: &OrganizationChange,
) -> Result<OrganizationRow> {
    let mut row = session.organization(id)?;
    may_judge(session, &row)?;
    if is_platform(&row) && change.status.is_some_and(|status| status != OrganizationStatus::Active) {
        return Err(Error::new(
            Code::StateConflict,
            said("平台自身的单位不能停用", "the platform's own organization stays active"),
        ));
    }
    if change.touches_file() && session.scope != Scope::All {
        return Err(Error::new(
            Code::Forbidden,
            said(
                "仅平台管理员可以修改状态以外的内容",
                "only a platform admin may change more than the status",
            ),
        ));
    }
    if row.status == OrganizationStatus::Closed
        && change.status.is_some_and(|s| s != OrganizationStatus::Closed)
    {
        return Err(Error::new(
            Code::StateConflict,
            said("已关停的单位不能恢复", "a closed organization stays closed"),
        ));
    }
    if is_platform(&row) && change.credit_code.is_some() {
        return Err(Error::new(
            Code::StateConflict,
            said(
                "平台自身的单位由其代码识别，不能修改",
                "the platform's own organization is known by its code",
            ),
        ));
    }
    change_file(&mut row, change)?;
    row.status = change.status.unwrap_or(row.status);
    row.updated_at = session.now.at;
    row.update(session.conn)?;
    Ok(row)
}

fn change_file(row: &mut OrganizationRow, change: &OrganizationChange) -> Result<()> {
    if change.kinds.is_some() || change.authority.is_some() {
        row.authority = change.authority.unwrap_or(row.authority);
        row.kinds = change.kinds.clone().map_or_else(|| row.kinds.clone(), Into::into);
        check_kinds(&row.kinds.0, row.authority)?;
    }
    if let Some(name) = &change.name {
        row.name = name.to_string();
    }
    if let Some(code) = &change.credit_code {
        row.credit_code = credit_code(code)?;
    }
    if let Some(district) = &change.district_code {
        row.district_code = district.clone();
    }
    if let Some(address) = &change.address {
        row.address = address.as_ref().map(ToString::to_string);
    }
    if let Some(location) = change.location {
        row.location = place(location)?;
    }
    Ok(())
}

/// A license to enter.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewLicense {
    /// For what.
    pub kind: LicenseKind,
    /// The number on it.
    pub number: Number,
    /// Who issued it.
    pub issuer: Name,
    /// First valid day.
    pub valid_from: Day,
    /// Last valid day.
    pub valid_to: Day,
    /// For which media; a filling license needs them.
    #[serde(default)]
    pub media: Vec<Medium>,
    /// In which areas; empty means no limit.
    #[serde(default)]
    pub districts: Vec<DistrictScope>,
}

/// Enters a license.
///
/// # Errors
/// 404, invalid, or it exists.
pub fn create_license(session: &mut Session<'_>, of: OrganizationId, new: &NewLicense) -> Result<LicenseRow> {
    let organization = session.organization(of)?;
    may_judge(session, &organization)?;
    period(new.valid_from, new.valid_to)?;
    bounded("/media", &new.media)?;
    bounded("/districts", &new.districts)?;
    if new.kind == LicenseKind::Filling && new.media.is_empty() {
        return Err(Error::invalid(
            "/media",
            "required",
            said("充装许可须列明介质", "a filling license names its media"),
        ));
    }
    let row = LicenseRow {
        id: session.ids.id(session.now.at),
        organization_id: of,
        kind: new.kind,
        number: new.number.to_string(),
        issuer: new.issuer.to_string(),
        valid_from: new.valid_from.0,
        valid_to: new.valid_to.0,
        media: new.media.clone().into(),
        districts: new.districts.clone().into(),
        status: LicenseStatus::Valid,
        status_reason: None,
        version: 1,
        created_at: session.now.at,
        updated_at: session.now.at,
    };
    row.insert(session.conn)?;
    Ok(row)
}

/// Suspends, revokes or restores a license. Takes effect with the very next check.
///
/// # Errors
/// 404, or it was revoked.
pub fn judge_license(session: &mut Session<'_>, id: LicenseId, judgement: &Judgement) -> Result<LicenseRow> {
    let mut row = LicenseRow::get(session.conn, id)?.ok_or(Code::LicenseNotFound)?;
    let organization = session.organization(row.organization_id).map_err(hidden_as(Code::LicenseNotFound))?;
    may_judge(session, &organization)?;
    judge(row.status, judgement)?;
    row.status = judgement.status;
    row.status_reason = Some(judgement.reason.to_string());
    row.updated_at = session.now.at;
    row.update_status(session.conn)?;
    Ok(row)
}
