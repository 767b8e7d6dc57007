//! What more than one gate asks about a scanned code and the cylinder that it leads to.

use crate::domain::cylinder::{Cylinder, LabelStatus};
use crate::domain::event::{CodeStatus, ScanRecord};

/// Whether the code leads to no cylinder of ours. A label whose cylinder was not found is a missing fact, and that
/// refuses too.
pub fn leads_nowhere(scan: &ScanRecord, cylinder: Option<&Cylinder>) -> bool {
    match scan.status {
        CodeStatus::Unknown => true,
        CodeStatus::Bound | CodeStatus::Suspended => cylinder.is_none(),
        CodeStatus::Forged | CodeStatus::Revoked => false,
    }
}

/// How the label is void, by the scan and by the cylinder's own record of its label; none where it is good.
pub fn void_status(scan: &ScanRecord, cylinder: Option<&Cylinder>) -> Option<LabelStatus> {
    let scanned = match scan.status {
        CodeStatus::Revoked => Some(LabelStatus::Revoked),
        CodeStatus::Suspended => Some(LabelStatus::Suspended),
        CodeStatus::Bound | CodeStatus::Unknown | CodeStatus::Forged => None,
    };
    let recorded = cylinder.map(|c| {
        let replaced = scan.label_id.as_ref().is_some_and(|id| *id != c.label.id);
        if replaced { LabelStatus::Revoked } else { c.label.status }
    });
    scanned.max(recorded).filter(|worst| *worst != LabelStatus::Bound)
}
