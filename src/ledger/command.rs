//! What a command is: it names the facts it needs, then decides on them.

use serde_json::Value;
use std::collections::BTreeSet;

use super::facts::Facts;
use crate::clock::IdGen;
use crate::db::facts::StampKey;
use crate::domain::actor::{Actor, Credential};
use crate::domain::event::{EventData, Idempotency, NewEvent};
use crate::domain::id::{CylinderId, EventId, OrganizationId, OwnerChangeId, ScaleId, SiteId, UserId};
use crate::domain::instant::{Instant, Moment};
use crate::domain::label_code::LabelId;
use crate::domain::stream::Stream;
use crate::error::{Code, Result};

/// The call behind a command: who asks, and under which key a retry is known.
#[derive(Debug, Clone)]
pub struct Call {
    /// What the caller proved.
    pub credential: Credential,
    /// Method and pattern of the route, for the audit log.
    pub route: String,
    /// The idempotency key, where one came.
    pub idempotency: Option<Idempotency>,
}

impl Call {
    /// A call without a key.
    pub fn plain(credential: Credential, route: impl Into<String>) -> Self {
        Self { credential, route: route.into(), idempotency: None }
    }
}

/// The facts that a batch loads, by their keys.
#[derive(Debug, Default)]
pub struct Needs {
    /// Who asks.
    pub credentials: BTreeSet<SortedCredential>,
    /// Idempotency keys.
    pub keys: BTreeSet<String>,
    /// The routes of the calls that have keys.
    pub routes: BTreeSet<String>,
    /// Labels, and with them their cylinders.
    pub labels: BTreeSet<LabelId>,
    /// Cylinders, and with them their owners, licenses and permits.
    pub cylinders: BTreeSet<CylinderId>,
    /// Keys of registration codes that must not be taken.
    pub registration_keys: BTreeSet<String>,
    /// Stamps that must not be taken.
    pub stamps: BTreeSet<StampKey>,
    /// Organizations, and with them their licenses.
    pub organizations: BTreeSet<OrganizationId>,
    /// People, and with them their certificates.
    pub people: BTreeSet<UserId>,
    /// Scales, and with them their sites and permits.
    pub scales: BTreeSet<ScaleId>,
    /// Sites.
    pub sites: BTreeSet<SiteId>,
    /// Permits, by their events, and with them their cylinders and fills.
    pub permits: BTreeSet<EventId>,
    /// Fills, and with them their cylinders.
    pub fills: BTreeSet<EventId>,
    /// Whether the last fills of the cylinders are needed too.
    pub last_fills: bool,
    /// Proposed owner changes, and with them their cylinders.
    pub owner_changes: BTreeSet<OwnerChangeId>,
}

/// A credential in an order, so that sets of it are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SortedCredential {
    /// A session and its user.
    Session(crate::domain::id::SessionId, UserId),
    /// A device key.
    Device([u8; 32]),
}

impl From<Credential> for SortedCredential {
    fn from(credential: Credential) -> Self {
        match credential {
            Credential::Session { session_id, user_id } => Self::Session(session_id, user_id),
            Credential::Device { key_digest } => Self::Device(key_digest),
        }
    }
}

impl From<SortedCredential> for Credential {
    fn from(credential: SortedCredential) -> Self {
        match credential {
            SortedCredential::Session(session_id, user_id) => Self::Session { session_id, user_id },
            SortedCredential::Device(key_digest) => Self::Device { key_digest },
        }
    }
}

/// What a command decides with.
pub struct Context<'a> {
    /// The facts of its batch, with all that earlier commands of the batch changed.
    pub facts: &'a Facts,
    /// Who asks.
    pub actor: &'a Actor,
    /// When.
    pub now: Moment,
    /// Whether the clock agrees with the newest recorded event.
    pub clock_trusted: bool,
    /// Where ids and chance come from.
    pub ids: &'a dyn IdGen,
}

/// Personal data that belongs to an event but not into it: kept apart, deletable, bound by a commitment.
#[derive(Debug, Clone)]
pub struct Private {
    /// Random salt.
    pub salt: [u8; 16],
    /// What is kept apart.
    pub data: Value,
}

/// What a command came to.
#[derive(Debug)]
pub struct Decided {
    /// The one event.
    pub event: NewEvent,
    /// What is kept apart from it.
    pub private: Option<Private>,
    /// A proposed owner change that this settles.
    pub settles: Option<OwnerChangeId>,
}

impl From<NewEvent> for Decided {
    fn from(event: NewEvent) -> Self {
        Self { event, private: None, settles: None }
    }
}

/// An act on a cylinder.
pub trait Command: Send + Sync {
    /// The call behind it.
    fn call(&self) -> &Call;

    /// What the caller must be allowed, as the audit log names it.
    fn action(&self) -> &'static str;

    /// Names the facts it needs. Who asks is known without being named.
    fn needs(&self, needs: &mut Needs);

    /// Decides. May be asked again when a batch failed, so it takes nothing out of itself.
    ///
    /// # Errors
    /// The act is not possible at all. A refusal by the gate is no error but an event.
    fn decide(&self, context: &Context<'_>) -> Result<Decided>;
}

impl Context<'_> {
    /// An event of the actor at a place, recorded now. `occurred_at` in the future is taken as now: the server's clock rules.
    pub fn event(
        &self,
        call: &Call,
        stream: Stream,
        place: Place,
        data: impl FnOnce(EventId) -> EventData,
    ) -> NewEvent {
        let site = place.site_id.and_then(|id| self.facts.site(id));
        let id = self.ids.id(self.now.at);
        NewEvent {
            id,
            stream,
            occurred_at: place.occurred_at.map_or(self.now.at, |at| at.min(self.now.at)),
            recorded_at: self.now.at,
            actor_id: self.actor.principal(),
            organization_id: self.actor.organization_id,
            site_id: site.map(|s| s.id),
            district_code: site.map_or_else(|| self.actor.district_code.clone(), |s| s.district_code.clone()),
            data: data(id),
            idempotency: call.idempotency.clone(),
        }
    }

    /// The person who acts.
    ///
    /// # Errors
    /// A device can't do this.
    pub fn user_id(&self) -> Result<UserId> {
        self.actor.user_id.filter(|_| self.actor.device.is_none()).ok_or_else(|| Code::Forbidden.into())
    }
}

/// Where and when something happened.
#[derive(Debug, Clone, Copy, Default)]
pub struct Place {
    /// The site, where one is known.
    pub site_id: Option<SiteId>,
    /// The time the device told.
    pub occurred_at: Option<Instant>,
}
