//! The facts of a batch, in memory. Commands read them; only `Facts::apply` changes them, so that later commands of the batch see
//! what earlier ones did.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::command::Decided;
use crate::db::facts::{AgreementRow, CylinderRow, FillRow, LabelRow, OwnerChangeRow, ScalePermitRow};
use crate::domain::actor::{Actor, Credential};
use crate::domain::cylinder::{BoundLabel, Cylinder, LabelStatus, LastFill, OpenPermit};
use crate::domain::district::DistrictCode;
use crate::domain::event::{Decision, Event, EventData, FillRecorded, NewEvent, Permit};
use crate::domain::id::{
    CylinderId, EventId, OrganizationId, OwnerChangeId, PrincipalId, ScaleId, SiteId, StreamId, UserId,
};
use crate::domain::instant::{Instant, Moment};
use crate::domain::label_code::LabelId;
use crate::domain::policy::PolicyEntry;
use crate::domain::registry::{License, Organization, Person, Scale, Site};

/// A cylinder in a batch.
#[derive(Debug, Clone)]
pub struct CylinderFact {
    /// Its state, moved on by the events of the batch so far.
    pub cylinder: Cylinder,
    /// Its version in the database; `None` for one that the batch registers.
    pub stored_version: Option<i64>,
    /// Hash of its last stored event; `None` where the batch before has still to write it.
    pub stored_hash: Option<[u8; 32]>,
    /// How many events of the batch are its own.
    pub moves: i64,
    /// The district in which it was last seen.
    pub seen_in: DistrictCode,
}

impl From<CylinderRow> for CylinderFact {
    fn from(row: CylinderRow) -> Self {
        Self {
            cylinder: row.cylinder,
            stored_version: Some(row.version),
            stored_hash: Some(row.head_hash),
            moves: 0,
            seen_in: row.seen_in,
        }
    }
}

impl CylinderFact {
    /// The same for the next batch, while this one is on its way into the database.
    fn foreseen(&self) -> Self {
        Self {
            stored_version: Some(self.stored_version.unwrap_or(0) + self.moves),
            stored_hash: None,
            moves: 0,
            ..self.clone()
        }
    }
}

/// A permit by its event.
#[derive(Debug, Clone, Copy)]
pub struct PermitFact {
    /// The cylinder.
    pub cylinder_id: CylinderId,
    /// The permit as given.
    pub permit: OpenPermit,
    /// In which organization.
    pub organization_id: OrganizationId,
    /// What the scale showed before, in grams.
    pub scale_g: Option<i32>,
    /// When it was given.
    pub issued_at: Instant,
}

/// Everything a batch read.
#[derive(Debug, Default)]
pub struct Facts {
    pub(super) actors: HashMap<Credential, Actor>,
    pub(super) replays: BTreeMap<(PrincipalId, String, String), Event>,
    pub(super) labels: HashMap<LabelId, LabelRow>,
    pub(super) cylinders: BTreeMap<CylinderId, CylinderFact>,
    /// The open permits of cylinders that nobody asked for but whose permit is the newest of a scale.
    pub(super) open_elsewhere: HashMap<CylinderId, OpenPermit>,
    pub(super) organizations: HashMap<OrganizationId, Organization>,
    pub(super) licenses: HashMap<OrganizationId, Vec<License>>,
    pub(super) people: HashMap<UserId, Person>,
    pub(super) scales: HashMap<ScaleId, Scale>,
    pub(super) sites: HashMap<SiteId, Site>,
    pub(super) scale_permits: BTreeMap<ScaleId, ScalePermitRow>,
    pub(super) permits: HashMap<EventId, PermitFact>,
    pub(super) fills: HashMap<EventId, FillRow>,
    pub(super) agreements: Vec<AgreementRow>,
    pub(super) owner_changes: HashMap<OwnerChangeId, OwnerChangeRow>,
    pub(super) policies: Arc<Vec<PolicyEntry>>,
    pub(super) streams: HashMap<StreamId, (i64, [u8; 32])>,
    pub(super) trusted_at: Option<Instant>,
    pub(super) dirty: Dirty,
}

/// What the batch changed besides its events.
#[derive(Debug, Default)]
pub(super) struct Dirty {
    pub(super) cylinders: BTreeSet<CylinderId>,
    pub(super) scale_permits: BTreeSet<ScaleId>,
    /// Scale permits that the database has, with the version it has.
    pub(super) stored_scale_permits: BTreeMap<ScaleId, i64>,
    pub(super) new_labels: Vec<LabelRow>,
    pub(super) ended_labels: Vec<(LabelId, LabelStatus)>,
    pub(super) new_fills: Vec<EventId>,
    pub(super) changed_fills: BTreeSet<EventId>,
    /// The scales on which something was filled.
    pub(super) filled_on: BTreeSet<ScaleId>,
    /// Whether a chain grew that is no cylinder's.
    pub(super) stations: bool,
}

impl Facts {
    /// Who is behind a credential, if it is good.
    pub fn actor(&self, credential: &Credential) -> Option<&Actor> {
        self.actors.get(credential)
    }

    /// A label.
    pub fn label(&self, id: &LabelId) -> Option<&LabelRow> {
        self.labels.get(id)
    }

    /// A cylinder.
    pub fn cylinder(&self, id: CylinderId) -> Option<&Cylinder> {
        self.cylinders.get(&id).map(|fact| &fact.cylinder)
    }

    /// The district in which a cylinder was last seen.
    pub fn seen_in(&self, id: CylinderId) -> Option<&DistrictCode> {
        self.cylinders.get(&id).map(|fact| &fact.seen_in)
    }

    /// Every cylinder of the batch.
    pub fn cylinders(&self) -> impl Iterator<Item = &Cylinder> {
        self.cylinders.values().map(|fact| &fact.cylinder)
    }

    /// An organization.
    pub fn organization(&self, id: OrganizationId) -> Option<&Organization> {
        self.organizations.get(&id)
    }

    /// The licenses of an organization.
    pub fn licenses(&self, of: OrganizationId) -> &[License] {
        self.licenses.get(&of).map_or(&[], Vec::as_slice)
    }

    /// A person.
    pub fn person(&self, id: UserId) -> Option<&Person> {
        self.people.get(&id)
    }

    /// A scale.
    pub fn scale(&self, id: ScaleId) -> Option<&Scale> {
        self.scales.get(&id)
    }

    /// A site.
    pub fn site(&self, id: SiteId) -> Option<&Site> {
        self.sites.get(&id)
    }

    /// A permit, by its event.
    pub fn permit(&self, id: EventId) -> Option<&PermitFact> {
        self.permits.get(&id)
    }

    /// A fill.
    pub fn fill(&self, id: EventId) -> Option<&FillRow> {
        self.fills.get(&id)
    }

    /// Whether a fill was recorded on a permit.
    pub fn is_used(&self, permit_id: EventId) -> bool {
        self.fills.values().any(|fill| fill.permit_id == permit_id)
    }

    /// A proposed owner change.
    pub fn owner_change(&self, id: OwnerChangeId) -> Option<&OwnerChangeRow> {
        self.owner_changes.get(&id)
    }

    /// Whether a distributor may deliver an owner's cylinders today.
    pub fn has_agreement(&self, owner: OrganizationId, distributor: OrganizationId, now: Moment) -> bool {
        self.agreements
            .iter()
            .any(|a| a.owner_id == owner && a.distributor_id == distributor && a.validity.contains(now.today))
    }

    /// All policy entries.
    pub fn policies(&self) -> &[PolicyEntry] {
        &self.policies
    }

    /// The permit that is open on a scale now: the newest, not used, not ended by what happened to its cylinder.
    pub fn open_on_scale(&self, id: ScaleId, now: Instant) -> Option<OpenPermit> {
        let newest = self.scale_permits.get(&id)?;
        self.open_for_cylinder(newest.cylinder_id, now).filter(|open| open.permit.id == newest.permit_id)
    }

    /// The newest permit of a scale, whatever became of it.
    pub fn newest_on_scale(&self, id: ScaleId) -> Option<EventId> {
        self.scale_permits.get(&id).map(|row| row.permit_id)
    }

    /// The permit that is open for a cylinder now: not expired, not used, and still the newest of its scale.
    pub fn open_for_cylinder(&self, id: CylinderId, now: Instant) -> Option<OpenPermit> {
        let open = match self.cylinder(id) {
            Some(cylinder) => cylinder.open_permit?,
            None => *self.open_elsewhere.get(&id)?,
        };
        let newest = self.scale_permits.get(&open.scale_id)?;
        (newest.permit_id == open.permit.id && now <= open.permit.expires_at).then_some(open)
    }

    /// The event that an earlier call under the same key made.
    pub fn replay(&self, principal: PrincipalId, route: &str, key: &str) -> Option<&Event> {
        self.replays.get(&(principal, route.to_owned(), key.to_owned()))
    }

    /// Whether the batch changed nothing but states of cylinders, fills and permits: what nearly every batch does.
    pub(super) fn moves_cylinders_only(&self) -> bool {
        let dirty = &self.dirty;
        dirty.new_labels.is_empty() && dirty.ended_labels.is_empty() && !dirty.stations
    }

    /// Whether the batch moved a cylinder.
    pub(super) fn has_moved(&self, id: CylinderId) -> bool {
        self.dirty.cylinders.contains(&id)
    }

    /// A cylinder as the batch left it, if the batch moved it.
    pub(super) fn moved_cylinder(&self, id: CylinderId) -> Option<CylinderFact> {
        self.cylinders.get(&id).filter(|_| self.has_moved(id)).map(CylinderFact::foreseen)
    }

    /// The newest permit of a scale, if the batch gave it.
    pub(super) fn given_on_scale(&self, id: ScaleId) -> Option<ScalePermitRow> {
        self.scale_permits.get(&id).filter(|_| self.dirty.scale_permits.contains(&id)).copied()
    }

    /// The fills that the batch recorded or changed.
    pub(super) fn moved_fills(&self) -> impl Iterator<Item = &FillRow> {
        let ids = self.dirty.new_fills.iter().chain(&self.dirty.changed_fills);
        ids.filter_map(|id| self.fills.get(id))
    }

    /// Takes what a command decided into the facts.
    pub(super) fn apply(&mut self, decided: &Decided) {
        let event = &decided.event;
        if let Some(id) = decided.settles
            && let Some(change) = self.owner_changes.get_mut(&id)
        {
            "approved".clone_into(&mut change.status);
        }
        let Some(id) = event.stream.cylinder() else {
            self.dirty.stations = true;
            return;
        };
        let before = self.cylinders.get(&id).map(|fact| fact.cylinder.label.clone());
        if let EventData::Registered(data) = &event.data {
            let fact = CylinderFact {
                cylinder: Cylinder::registered(id, event, data),
                stored_version: None,
                stored_hash: None,
                moves: 0,
                seen_in: event.district_code.clone(),
            };
            self.cylinders.insert(id, fact);
        }
        let Some(fact) = self.cylinders.get_mut(&id) else {
            return;
        };
        fact.cylinder.apply(event);
        fact.moves += 1;
        if event.data.shows_where() {
            fact.seen_in = event.district_code.clone();
        }
        let (label, last_fill) = (fact.cylinder.label.clone(), fact.cylinder.last_fill.clone());
        self.dirty.cylinders.insert(id);
        self.apply_label(id, before.as_ref(), &label);
        self.apply_permit(event, id);
        self.apply_fill(event, id, last_fill.as_ref());
    }

    fn apply_label(&mut self, id: CylinderId, before: Option<&BoundLabel>, label: &BoundLabel) {
        if let Some(old) = before.filter(|old| old.id != label.id && old.status != LabelStatus::Revoked) {
            self.end_label(&old.id, LabelStatus::Revoked);
        }
        if before.is_none_or(|old| old.id != label.id) {
            let row = LabelRow {
                id: label.id.clone(),
                key_id: label.key_id.to_string(),
                cylinder_id: id,
                status: label.status,
            };
            self.labels.insert(row.id.clone(), row.clone());
            self.dirty.new_labels.push(row);
        } else if before.is_some_and(|old| old.status != label.status) {
            self.end_label(&label.id, label.status);
        }
    }

    fn end_label(&mut self, id: &LabelId, status: LabelStatus) {
        if let Some(row) = self.labels.get_mut(id) {
            row.status = status;
        }
        self.dirty.ended_labels.push((id.clone(), status));
    }

    fn apply_permit(&mut self, event: &NewEvent, cylinder_id: CylinderId) {
        let EventData::FillChecked(data) = &event.data else {
            return;
        };
        let (Decision::Allowed, Some(permit), Some(operator_id)) =
            (data.decision, data.permit, data.operator_id)
        else {
            return;
        };
        let Permit { id: permit_id, expires_at, .. } = permit;
        let version = self.scale_permits.get(&data.scale_id).map_or(1, |row| row.version + 1);
        let row = ScalePermitRow {
            scale_id: data.scale_id,
            permit_id,
            cylinder_id,
            operator_id,
            expires_at,
            version,
        };
        self.scale_permits.insert(data.scale_id, row);
        self.dirty.scale_permits.insert(data.scale_id);
        let fact = PermitFact {
            cylinder_id,
            permit: OpenPermit { permit, scale_id: data.scale_id, operator_id },
            organization_id: event.organization_id,
            scale_g: data.scale_g,
            issued_at: event.recorded_at,
        };
        self.permits.entry(permit_id).or_insert(fact);
    }

    fn apply_fill(&mut self, event: &NewEvent, id: CylinderId, last: Option<&LastFill>) {
        if let EventData::FillRecorded(data) = &event.data {
            self.fills.insert(event.id, fill_row(event, data, id));
            self.dirty.new_fills.push(event.id);
            self.dirty.filled_on.insert(data.scale_id);
        }
        let (EventData::Reweighed(_) | EventData::Emptied(_)) = &event.data else {
            return;
        };
        let Some(last) = last else { return };
        if let Some(row) = self.fills.get_mut(&last.id) {
            row.status = last.status;
            if let EventData::Reweighed(data) = &event.data {
                row.gross_g = data.gross_g;
                row.net_g = data.net_g;
            }
            self.dirty.changed_fills.insert(last.id);
        }
    }
}

/// The row of a fill. Its place in the ledger is known when the event is sealed.
pub(super) fn fill_row(event: &NewEvent, data: &FillRecorded, cylinder_id: CylinderId) -> FillRow {
    FillRow {
        id: event.id,
        log_index: 0,
        permit_id: data.permit_id,
        cylinder_id,
        organization_id: event.organization_id,
        site_id: event.site_id,
        district_code: event.district_code.clone(),
        scale_id: data.scale_id,
        operator_id: data.operator_id,
        gross_g: data.gross_g,
        net_g: data.net_g,
        status: data.status,
        finished_at: data.finished_at,
    }
}
