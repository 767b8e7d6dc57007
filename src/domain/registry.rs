//! Organizations, their licenses, sites, scales and people: what the rules ask about besides the cylinder.

use serde::{Deserialize, Serialize};

use super::actor::Role;
use super::cylinder::Medium;
use super::date::Validity;
use super::district::{DistrictCode, DistrictScope};
use super::id::{CertificateId, LicenseId, OrganizationId, ScaleId, SiteId, UserId};
use super::instant::Moment;
use super::value::{Name, Number};

crate::words! {
    /// What an organization does.
    pub enum OrganizationKind {
        /// 充装单位
        Filler => "filler",
        /// 经营企业
        Distributor => "distributor",
        /// 运输企业
        Carrier => "carrier",
        /// 检验机构
        InspectionAgency => "inspection_agency",
        /// 监管部门
        Regulator => "regulator",
    }
}

crate::words! {
    /// The function of a regulator.
    pub enum Authority {
        /// 市场监督管理
        MarketSupervision => "market_supervision",
        /// 燃气管理
        GasAuthority => "gas_authority",
        /// 城市管理
        UrbanManagement => "urban_management",
        /// 应急管理
        Emergency => "emergency",
        /// 公安
        Police => "police",
        /// 交通运输
        Transport => "transport",
        /// 消防
        Fire => "fire",
        /// 商务
        Commerce => "commerce",
        /// 街道乡镇
        Street => "street",
    }
}

crate::words! {
    /// Whether an organization may act.
    pub enum OrganizationStatus {
        /// May act.
        Active => "active",
        /// 暂停: may not act for now.
        Suspended => "suspended",
        /// 关停、取缔、清退: for good.
        Closed => "closed",
    }
}

crate::words! {
    /// What a license allows.
    pub enum LicenseKind {
        /// 营业执照
        Business => "business",
        /// 气瓶充装许可证
        Filling => "filling",
        /// 燃气经营许可证
        GasBusiness => "gas_business",
        /// 道路危险货物运输许可证
        DangerousGoodsTransport => "dangerous_goods_transport",
        /// 检验机构核准证
        Inspection => "inspection",
    }
}

crate::words! {
    /// Whether a license or certificate is in force.
    pub enum LicenseStatus {
        /// In force.
        Valid => "valid",
        /// 暂扣
        Suspended => "suspended",
        /// 吊销
        Revoked => "revoked",
    }
}

crate::words! {
    /// What a certificate qualifies a person for.
    pub enum CertificateKind {
        /// 气瓶充装 (P)
        Filling => "filling",
        /// 送气工
        GasDelivery => "gas_delivery",
        /// 危货驾驶员
        HazmatDriver => "hazmat_driver",
        /// 押运员
        HazmatEscort => "hazmat_escort",
        /// 气瓶检验员
        Inspection => "inspection",
        /// 安全管理
        SafetyManagement => "safety_management",
    }
}

crate::words! {
    /// What a site is for.
    pub enum SiteKind {
        /// 充装站
        FillingStation => "filling_station",
        /// 供应站
        SupplyPoint => "supply_point",
        /// 仓库
        Depot => "depot",
        /// 检验站
        InspectionSite => "inspection_site",
    }
}

/// A place on the map, WGS-84.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Location {
    /// Latitude in degrees.
    pub lat: f64,
    /// Longitude in degrees.
    pub lon: f64,
}

impl Location {
    /// The greatest latitude in degrees, north and south.
    pub const MAX_LAT: f64 = 90.0;
    /// The greatest longitude in degrees, east and west.
    pub const MAX_LON: f64 = 180.0;

    /// Whether there is such a place.
    pub fn is_valid(&self) -> bool {
        self.lat.abs() <= Self::MAX_LAT && self.lon.abs() <= Self::MAX_LON
    }
}

/// An organization 单位.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// Its id.
    pub id: OrganizationId,
    /// Its registered name.
    pub name: Name,
    /// What it does.
    pub kinds: Vec<OrganizationKind>,
    /// The function of a regulator.
    pub authority: Option<Authority>,
    /// Where it sits; for a regulator, the area it answers for.
    pub district_code: DistrictCode,
    /// Whether it may act.
    pub status: OrganizationStatus,
}

impl Organization {
    /// Whether it does this.
    pub fn is(&self, kind: OrganizationKind) -> bool {
        self.kinds.contains(&kind)
    }
}

/// A license 许可证 of an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct License {
    /// Its id.
    pub id: LicenseId,
    /// Whose.
    pub organization_id: OrganizationId,
    /// For what.
    pub kind: LicenseKind,
    /// The number on it.
    pub number: Number,
    /// From when to when.
    pub validity: Validity,
    /// Whether it is in force.
    pub status: LicenseStatus,
    /// For which media.
    pub media: Vec<Medium>,
    /// In which areas; empty means no limit.
    pub districts: Vec<DistrictScope>,
}

impl License {
    /// Whether it is in force on the day of `now`.
    pub fn in_force(&self, now: Moment) -> bool {
        self.status == LicenseStatus::Valid && self.validity.contains(now.today)
    }

    /// Whether it reaches a district.
    pub fn covers(&self, district: &DistrictCode) -> bool {
        self.districts.is_empty() || self.districts.iter().any(|scope| scope.covers(district))
    }
}

/// Why the cylinders of an owner are frozen: it is closed, or a filling license of it was revoked and none is in force. One
/// that ran out long ago, or is suspended, is no license to go on with.
pub fn frozen(owner: &Organization, licenses: &[License], now: Moment) -> Option<&'static str> {
    if owner.status == OrganizationStatus::Closed {
        return Some("closed");
    }
    let mut filling = licenses.iter().filter(|l| l.kind == LicenseKind::Filling);
    let revoked = filling.clone().any(|l| l.status == LicenseStatus::Revoked);
    (revoked && !filling.any(|l| l.in_force(now))).then_some("revoked")
}

/// A site 站点.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// Its id.
    pub id: SiteId,
    /// Whose.
    pub organization_id: OrganizationId,
    /// For what.
    pub kind: SiteKind,
    /// Its name.
    pub name: Name,
    /// Where it lies.
    pub district_code: DistrictCode,
}

/// A filling scale 充装秤.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scale {
    /// Its id.
    pub id: ScaleId,
    /// Where it stands.
    pub site_id: SiteId,
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// What it fills.
    pub medium: Medium,
    /// Last day of its calibration.
    pub calibration_valid_to: chrono::NaiveDate,
}

/// A person with a login, as the rules see them: no names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Their id.
    pub id: UserId,
    /// Their employer.
    pub organization_id: OrganizationId,
    /// The site they work at, where they have one.
    pub site_id: Option<SiteId>,
    /// What they may do.
    pub roles: Vec<Role>,
    /// Whether the login is enabled.
    pub active: bool,
    /// Their certificates.
    pub certificates: Vec<Certificate>,
}

impl Person {
    /// Whether they hold a certificate of a kind that is in force on the day of `now`.
    pub fn is_certified(&self, kind: CertificateKind, now: Moment) -> bool {
        self.certificates.iter().any(|c| c.kind == kind && c.in_force(now))
    }
}

/// A certificate 人员证书.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// Its id.
    pub id: CertificateId,
    /// For what.
    pub kind: CertificateKind,
    /// The number on it.
    pub number: Number,
    /// From when to when.
    #[serde(flatten)]
    pub validity: Validity,
    /// Whether it is in force.
    pub status: LicenseStatus,
}

impl Certificate {
    /// Whether it is in force on the day of `now`.
    pub fn in_force(&self, now: Moment) -> bool {
        self.status == LicenseStatus::Valid && self.validity.contains(now.today)
    }
}
