//! What the audit log keeps: who did or was denied what, of all that is no act on a cylinder.

use serde_json::{Value, json};

use super::id::{OrganizationId, PrincipalId};
use super::instant::Instant;

crate::words! {
    /// How an act ended.
    pub enum Outcome {
        /// It was done.
        Done => "done",
        /// It was denied: 401 or 403.
        Denied => "denied",
    }
}

/// Somebody, as far as they are known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Who {
    /// The person or scale; nobody for what is typed on the machine and for names that nobody has.
    pub actor_id: Option<PrincipalId>,
    /// Their organization.
    pub organization_id: Option<OrganizationId>,
}

impl Who {
    /// Somebody of an organization.
    pub fn of(actor_id: PrincipalId, organization_id: OrganizationId) -> Self {
        Self { actor_id: Some(actor_id), organization_id: Some(organization_id) }
    }
}

/// An act before it has its place in the log.
#[derive(Debug, Clone, PartialEq)]
pub struct Act {
    /// When.
    pub at: Instant,
    /// Who.
    pub who: Who,
    /// What, in the words of the table of permissions or of its own.
    pub action: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Method and pattern of the route, or the command that was typed.
    pub route: String,
    /// Which things it was about, by their ids, and how they stand now. No secrets, no personal data.
    pub subject: Value,
}

impl Act {
    /// An act that was done.
    pub fn done(at: Instant, who: Who, action: &str, route: &str, subject: Value) -> Self {
        Self { at, who, action: action.to_owned(), outcome: Outcome::Done, route: route.to_owned(), subject }
    }

    /// Calls that were denied for the same reason; the last of them at `at`.
    pub fn denied(at: Instant, who: Who, action: &str, route: &str, code: &str, times: u64) -> Self {
        let subject = json!({ "code": code, "times": times });
        Self { outcome: Outcome::Denied, ..Self::done(at, who, action, route, subject) }
    }
}
