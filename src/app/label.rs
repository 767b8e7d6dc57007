//! The picture of a label: who may have it, and what stands on it.

use super::query::owner_name;
use super::{App, Session};
use crate::auth::permission::Action;
use crate::db::facts;
use crate::domain::cylinder::LabelStatus;
use crate::domain::label_code::LabelCode;
use crate::error::{Code, Result};
use crate::ledger::Call;

/// What is printed on a label.
#[derive(Debug)]
pub struct Printed {
    /// The code.
    pub code: LabelCode,
    /// 使用登记代码
    pub registration_code: Option<String>,
    /// The owner's name.
    pub owner_name: String,
}

impl App {
    /// The label of a code, if the caller is of the owner's people: an image is a copy.
    ///
    /// # Errors
    /// 401, 403; 404 for a code that is not a good label of theirs.
    pub fn printed(&self, call: &Call, text: &str) -> Result<Printed> {
        self.read(call, Action::PrintLabel, |session| {
            let code: LabelCode = text.parse().map_err(|_| Code::LabelNotFound)?;
            if self.keyring.verify(&code) { printed(session, code) } else { Err(Code::LabelNotFound.into()) }
        })
    }
}

fn printed(session: &mut Session<'_>, code: LabelCode) -> Result<Printed> {
    let label = facts::labels(session.conn, std::slice::from_ref(&code.id))?.pop();
    let label = label.filter(|l| l.status != LabelStatus::Revoked).ok_or(Code::LabelNotFound)?;
    let row = facts::cylinders(session.conn, &[label.cylinder_id])?.pop();
    let row = row.filter(|row| row.cylinder.owner_id == session.actor.organization_id);
    let cylinder = row.ok_or(Code::LabelNotFound)?.cylinder;
    Ok(Printed {
        registration_code: cylinder.registration_code.as_ref().map(ToString::to_string),
        owner_name: owner_name(session, cylinder.owner_id)?.unwrap_or_default(),
        code,
    })
}
