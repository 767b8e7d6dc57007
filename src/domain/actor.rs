//! Who acts: roles, and the person or device behind a call.

use super::district::{DistrictCode, DistrictScope};
use super::id::{DeviceKeyId, OrganizationId, PrincipalId, ScaleId, SessionId, SiteId, UserId};
use super::registry::{Authority, OrganizationKind, OrganizationStatus};

crate::words! {
    /// What a person may do.
    pub enum Role {
        /// Runs the service.
        PlatformAdmin => "platform_admin",
        /// 企业管理员
        OrgAdmin => "org_admin",
        /// 充装工
        FillOperator => "fill_operator",
        /// 充装检查员
        FillChecker => "fill_checker",
        /// 仓库管理员
        Warehouse => "warehouse",
        /// 调度员
        Dispatcher => "dispatcher",
        /// 送气工
        DeliveryWorker => "delivery_worker",
        /// 驾驶员
        Driver => "driver",
        /// 检验员
        Inspector => "inspector",
        /// 监管人员
        Regulator => "regulator",
        /// 客服
        CustomerService => "customer_service",
    }
}

/// What a call proves about its sender, before anything was looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Credential {
    /// A verified access token of this session.
    Session {
        /// The login it came from.
        session_id: SessionId,
        /// The user it was made for.
        user_id: UserId,
    },
    /// A device key, by the SHA-256 of its secret.
    Device {
        /// Digest of the key.
        key_digest: [u8; 32],
    },
}

/// The scale behind a device key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Device {
    /// Which key.
    pub key_id: DeviceKeyId,
    /// Which scale.
    pub scale_id: ScaleId,
}

/// Somebody whose right to be here was looked up just now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The person; for a device, the operator of its shift.
    pub user_id: Option<UserId>,
    /// The session of a person.
    pub session_id: Option<SessionId>,
    /// The device, if it is one.
    pub device: Option<Device>,
    /// Their organization.
    pub organization_id: OrganizationId,
    /// What the organization does.
    pub organization_kinds: Vec<OrganizationKind>,
    /// Whether the organization may act.
    pub organization_status: OrganizationStatus,
    /// The function of a regulator.
    pub authority: Option<Authority>,
    /// The site they work at.
    pub site_id: Option<SiteId>,
    /// What they may do.
    pub roles: Vec<Role>,
    /// The district of the organization.
    pub district_code: DistrictCode,
    /// The area a regulator answers for.
    pub scope: DistrictScope,
}

impl Actor {
    /// Whether they have a role.
    pub fn has(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// The id that idempotency keys and events are kept under: the device, or the person.
    pub fn principal(&self) -> PrincipalId {
        match (self.device, self.user_id) {
            (Some(device), _) => device.scale_id.cast(),
            (None, Some(user)) => user.cast(),
            (None, None) => self.organization_id.cast(),
        }
    }
}
