//! What an entry of the audit log says of the thing that was changed: ids, how it stands now and the reason of a judgement
//! over an organization, and nothing that is secret or about a person. A type that is written by `App::write` has to say it here.

use serde_json::{Value, json};

use super::super::registry::NewDeviceKey;
use crate::db::registry::{
    AgreementRow, CertificateRow, DeviceKeyRow, LicenseRow, OrganizationRow, OwnerChangeRow, PolicyRow,
    ScaleRow, SiteRow, UserRow,
};

/// A thing whose changes are in the audit log.
pub trait Audited {
    /// What the log says of it.
    fn subject(&self) -> Value;

    /// What is kept in place of an answer that holds a secret, for a call that comes again under its key.
    fn kept(&self) -> Option<Value> {
        None
    }
}

impl Audited for OrganizationRow {
    fn subject(&self) -> Value {
        json!({ "organization_id": self.id, "kinds": self.kinds, "authority": self.authority,
            "district_code": self.district_code, "status": self.status, "version": self.version })
    }
}

impl Audited for LicenseRow {
    fn subject(&self) -> Value {
        json!({ "license_id": self.id, "organization_id": self.organization_id, "kind": self.kind,
            "number": self.number, "valid_from": self.valid_from, "valid_to": self.valid_to, "media": self.media,
            "districts": self.districts, "status": self.status, "reason": self.status_reason, "version": self.version })
    }
}

impl Audited for SiteRow {
    fn subject(&self) -> Value {
        json!({ "site_id": self.id, "organization_id": self.organization_id, "kind": self.kind,
            "district_code": self.district_code })
    }
}

impl Audited for ScaleRow {
    fn subject(&self) -> Value {
        json!({ "scale_id": self.id, "site_id": self.site_id, "organization_id": self.organization_id,
            "serial_no": self.serial_no, "calibration_valid_to": self.calibration_valid_to,
            "shift_operator_id": self.shift_operator_id, "shift_ends_at": self.shift_ends_at, "version": self.version })
    }
}

impl Audited for NewDeviceKey {
    fn subject(&self) -> Value {
        json!({ "device_key_id": self.id })
    }

    fn kept(&self) -> Option<Value> {
        Some(json!({ "id": self.id }))
    }
}

impl Audited for DeviceKeyRow {
    fn subject(&self) -> Value {
        json!({ "device_key_id": self.id, "scale_id": self.scale_id, "revoked_at": self.revoked_at })
    }
}

impl Audited for UserRow {
    fn subject(&self) -> Value {
        json!({ "user_id": self.id, "organization_id": self.organization_id, "roles": self.roles,
            "site_id": self.site_id, "active": self.active, "version": self.version })
    }
}

impl Audited for CertificateRow {
    fn subject(&self) -> Value {
        json!({ "certificate_id": self.id, "user_id": self.user_id, "kind": self.kind,
            "valid_from": self.valid_from, "valid_to": self.valid_to, "status": self.status, "version": self.version })
    }
}

impl Audited for AgreementRow {
    fn subject(&self) -> Value {
        json!({ "agreement_id": self.id, "owner_id": self.owner_id, "distributor_id": self.distributor_id,
            "valid_from": self.valid_from, "valid_to": self.valid_to, "ended_at": self.ended_at })
    }
}

impl Audited for PolicyRow {
    fn subject(&self) -> Value {
        json!({ "policy_id": self.id, "name": self.name, "district_code": self.district_code,
            "effective_on": self.effective_on, "value": self.value })
    }
}

impl Audited for OwnerChangeRow {
    fn subject(&self) -> Value {
        json!({ "owner_change_id": self.id, "cylinder_id": self.cylinder_id, "from_id": self.from_id,
            "to_id": self.to_id, "status": self.status })
    }
}
