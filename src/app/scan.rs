//! What a scanned or typed text turns out to be: its tag is checked before the queue, its label inside the batch.

use super::App;
use crate::auth::keyring::Keyring;
use crate::db::facts::LabelRow;
use crate::domain::actor::Credential;
use crate::domain::cylinder::LabelStatus;
use crate::domain::event::{CodeStatus, ScanRecord};
use crate::domain::id::{CylinderId, OrganizationId};
use crate::domain::label_code::{Entry, LabelId, Scan, foreign_host};
use crate::error::Result;
use crate::ledger::{Facts, Needs};

/// A text that was handed in, with its tag judged.
#[derive(Debug, Clone)]
pub struct ScannedCode {
    entry: Entry,
    text: String,
    foreign_host: Option<String>,
    reading: Reading,
}

#[derive(Debug, Clone)]
enum Reading {
    /// A code whose tag is ours, or a typed id with the right check character.
    Label(LabelId),
    /// The right shape with a wrong tag: the label it claims to be is evidence, and nothing else.
    Forged(LabelId),
    /// Not a code of ours.
    Foreign,
}

impl ScannedCode {
    /// Reads a text and checks its tag in constant time.
    pub fn read(text: &str, entry: Entry, keys: &Keyring) -> Self {
        let scan = Scan::read(text, entry);
        let kept: String = text.chars().filter(|c| !c.is_control()).take(200).collect();
        let reading = match scan {
            Scan::Code(code) if keys.verify(&code) => Reading::Label(code.id),
            Scan::Code(code) => Reading::Forged(code.id),
            Scan::Typed(id) => Reading::Label(id),
            Scan::Foreign(_) => Reading::Foreign,
        };
        Self { entry, text: kept, foreign_host: None, reading }
    }

    /// Names the label.
    pub fn needs(&self, needs: &mut Needs) {
        needs.labels.extend(self.label_id().cloned());
    }

    /// The label that the text names, if its tag is ours.
    pub fn label_id(&self) -> Option<&LabelId> {
        match &self.reading {
            Reading::Label(id) => Some(id),
            Reading::Forged(_) | Reading::Foreign => None,
        }
    }

    /// What the code turned out to be, and the cylinder it names.
    pub fn judge(&self, facts: &Facts) -> (ScanRecord, Option<CylinderId>) {
        let label = self.label_id().and_then(|id| facts.label(id));
        (self.judge_label(label), label.map(|l| l.cylinder_id))
    }

    /// What the code turned out to be, given the label it names.
    pub fn judge_label(&self, label: Option<&LabelRow>) -> ScanRecord {
        let status = match (&self.reading, label.map(|l| l.status)) {
            (Reading::Forged(_), _) => CodeStatus::Forged,
            (Reading::Foreign, _) | (Reading::Label(_), None) => CodeStatus::Unknown,
            (Reading::Label(_), Some(LabelStatus::Bound)) => CodeStatus::Bound,
            (Reading::Label(_), Some(LabelStatus::Suspended)) => CodeStatus::Suspended,
            (Reading::Label(_), Some(LabelStatus::Revoked)) => CodeStatus::Revoked,
        };
        let named = match &self.reading {
            Reading::Label(id) | Reading::Forged(id) => Some(id.clone()),
            Reading::Foreign => None,
        };
        ScanRecord {
            entry: self.entry,
            status,
            label_id: named,
            text: label.is_none().then(|| self.text.clone()),
            foreign_host: self.foreign_host.clone(),
        }
    }
}

impl App {
    /// For whom somebody works.
    ///
    /// # Errors
    /// 401, or the database.
    pub fn organization_of(&self, credential: Credential) -> Result<OrganizationId> {
        let mut conn = self.pool.get()?;
        Ok(super::actor(&mut conn, credential, self.now())?.organization_id)
    }

    /// Reads what was scanned or typed, by the keys and the address of this service. Whose address a text has that is no
    /// code of ours is of no interest: another QR is a mistake.
    pub fn scanned(&self, text: &str, entry: Entry) -> ScannedCode {
        let code = ScannedCode::read(text, entry, &self.keyring);
        let foreign_host = match code.reading {
            Reading::Label(_) | Reading::Forged(_) => foreign_host(text, &self.public_url),
            Reading::Foreign => None,
        };
        ScannedCode { foreign_host, ..code }
    }
}
