//! Loads the facts of a batch: one query per table, each step adding what the next one needs.

use std::collections::BTreeSet;

use super::command::Needs;
use super::facts::{CylinderFact, Facts, PermitFact};
use super::registry::Registry;
use crate::db::DbError;
use crate::db::conn::Conn;
use crate::db::facts::{self as db, FillRow};
use crate::domain::actor::Actor;
use crate::domain::cylinder::OpenPermit;
use crate::domain::event::{Event, EventData};
use crate::domain::id::{EventId, StreamId};
use crate::domain::instant::Instant;

fn list<T: Clone>(set: &BTreeSet<T>) -> Vec<T> {
    set.iter().cloned().collect()
}

/// Loads everything that `needs` names, and what hangs on it. `ahead` are the facts that a batch on its way into the
/// database leaves there: what it moved is taken from them.
///
/// # Errors
/// The database. A fact that does not exist is no error here: rules refuse on it.
pub(super) fn gather(
    conn: &mut Conn,
    registry: &mut Registry,
    mut needs: Needs,
    now: Instant,
    ahead: Option<&Facts>,
) -> Result<Facts, DbError> {
    let mut facts = Facts::default();
    registry.refresh(conn)?;
    load_actors(conn, registry, &mut needs, &mut facts, now)?;
    load_replays(conn, &needs, &mut facts)?;
    load_permits_and_fills(conn, &mut needs, &mut facts, ahead)?;
    load_cylinders(conn, &mut needs, &mut facts, ahead)?;
    load_equipment(conn, registry, &mut needs, &mut facts, ahead)?;
    load_organizations(conn, registry, &needs, &mut facts)?;
    facts.people.extend(registry.people(conn, &list(&needs.people))?);
    facts.policies = registry.policies(conn)?;
    facts.trusted_at = db::trusted_at(conn)?;
    Ok(facts)
}

fn load_actors(
    conn: &mut Conn,
    registry: &mut Registry,
    needs: &mut Needs,
    facts: &mut Facts,
    now: Instant,
) -> Result<(), DbError> {
    let credentials: Vec<_> = needs.credentials.iter().map(|c| (*c).into()).collect();
    for (credential, actor) in registry.actors(conn, &credentials, now)? {
        needs.organizations.insert(actor.organization_id);
        needs.people.extend(actor.user_id);
        needs.sites.extend(actor.site_id);
        needs.scales.extend(actor.device.map(|d| d.scale_id));
        facts.actors.insert(credential, actor);
    }
    Ok(())
}

fn load_replays(conn: &mut Conn, needs: &Needs, facts: &mut Facts) -> Result<(), DbError> {
    let actors: Vec<_> = facts.actors.values().map(Actor::principal).collect();
    for event in db::events_by_key(conn, &list(&needs.keys), &actors, &list(&needs.routes))? {
        if let Some(made_by) = event.event.idempotency.clone() {
            facts.replays.insert((event.event.actor_id, made_by.route, made_by.key), event);
        }
    }
    Ok(())
}

/// Fills by their own ids or by the ids of their permits.
fn fills(conn: &mut Conn, ids: &[EventId], ahead: Option<&Facts>) -> Result<Vec<FillRow>, DbError> {
    let mut fills = db::fills(conn, ids)?;
    let named = |fill: &&FillRow| ids.contains(&fill.id) || ids.contains(&fill.permit_id);
    for moved in ahead.into_iter().flat_map(Facts::moved_fills).filter(named) {
        fills.retain(|fill| fill.id != moved.id);
        fills.push(moved.clone());
    }
    Ok(fills)
}

fn load_permits_and_fills(
    conn: &mut Conn,
    needs: &mut Needs,
    facts: &mut Facts,
    ahead: Option<&Facts>,
) -> Result<(), DbError> {
    let ids: Vec<_> = needs.permits.union(&needs.fills).copied().collect();
    for fill in fills(conn, &ids, ahead)? {
        needs.cylinders.insert(fill.cylinder_id);
        needs.sites.extend(fill.site_id);
        // Weighed again, a fill is judged by what it rested on.
        if needs.fills.contains(&fill.id) {
            needs.permits.insert(fill.permit_id);
            needs.people.insert(fill.operator_id);
        }
        facts.fills.insert(fill.id, fill);
    }
    for row in db::events(conn, &list(&needs.permits))? {
        let event = row.read()?;
        if let Some(permit) = permit_of(&event) {
            needs.cylinders.insert(permit.cylinder_id);
            needs.scales.insert(permit.permit.scale_id);
            facts.permits.insert(event.event.id, permit);
        }
    }
    for change in db::owner_changes(conn, &list(&needs.owner_changes))? {
        needs.cylinders.insert(change.cylinder_id);
        needs.organizations.extend([change.from_id, change.to_id]);
        facts.owner_changes.insert(change.id, change);
    }
    Ok(())
}

/// The permit that an event gave; `None` for any other event, also for one that only showed an earlier permit again.
fn permit_of(event: &Event) -> Option<PermitFact> {
    let EventData::FillChecked(data) = &event.event.data else {
        return None;
    };
    let permit = data.permit.filter(|permit| permit.id == event.event.id)?;
    Some(PermitFact {
        cylinder_id: event.event.stream.cylinder()?,
        permit: OpenPermit { permit, scale_id: data.scale_id, operator_id: data.operator_id? },
        organization_id: event.event.organization_id,
        scale_g: data.scale_g,
        issued_at: event.event.recorded_at,
    })
}

fn load_cylinders(
    conn: &mut Conn,
    needs: &mut Needs,
    facts: &mut Facts,
    ahead: Option<&Facts>,
) -> Result<(), DbError> {
    for label in db::labels(conn, &list(&needs.labels))? {
        needs.cylinders.insert(label.cylinder_id);
        facts.labels.insert(label.id.clone(), label);
    }
    let mut rows = db::cylinders(conn, &list(&needs.cylinders))?;
    rows.extend(db::cylinders_by_registration_key(conn, &list(&needs.registration_keys))?);
    for stamp in &needs.stamps {
        rows.extend(db::cylinders_by_stamp(conn, stamp)?);
    }
    for row in rows {
        let moved = ahead.and_then(|ahead| ahead.moved_cylinder(row.cylinder.id));
        let fact = moved.unwrap_or_else(|| CylinderFact::from(row));
        needs.organizations.insert(fact.cylinder.owner_id);
        needs.scales.extend(fact.cylinder.open_permit.map(|open| open.scale_id));
        facts.cylinders.insert(fact.cylinder.id, fact);
    }
    // A fill that an emptying may release is known by its cylinder only.
    let last = facts.cylinders().filter(|_| needs.last_fills).filter_map(|c| c.last_fill.as_ref());
    let last_fills: Vec<_> = last.map(|fill| fill.id).collect();
    for fill in fills(conn, &last_fills, ahead)? {
        facts.fills.insert(fill.id, fill);
    }
    Ok(())
}

fn load_equipment(
    conn: &mut Conn,
    registry: &mut Registry,
    needs: &mut Needs,
    facts: &mut Facts,
    ahead: Option<&Facts>,
) -> Result<(), DbError> {
    for (id, scale) in registry.scales(conn, &list(&needs.scales))? {
        needs.sites.insert(scale.site_id);
        facts.scales.insert(id, scale);
    }
    load_scale_permits(conn, needs, facts, ahead)?;
    for (id, site) in registry.sites(conn, &list(&needs.sites))? {
        needs.organizations.insert(site.organization_id);
        facts.sites.insert(id, site);
    }
    Ok(())
}

fn load_scale_permits(
    conn: &mut Conn,
    needs: &Needs,
    facts: &mut Facts,
    ahead: Option<&Facts>,
) -> Result<(), DbError> {
    let ids = list(&needs.scales);
    // A scale's first permit may be on its way, so the batch ahead is asked for every scale.
    let given = ids.iter().filter_map(|id| ahead?.given_on_scale(*id));
    for row in db::scale_permits(conn, &ids)?.into_iter().chain(given) {
        facts.dirty.stored_scale_permits.insert(row.scale_id, row.version);
        facts.scale_permits.insert(row.scale_id, row);
    }
    // The scale's newest permit may be another cylinder's: whether it is still open that cylinder tells.
    let newest = facts.scale_permits.values().map(|row| row.cylinder_id);
    let others = newest.filter(|id| !facts.cylinders.contains_key(id));
    let (moved, unmoved): (Vec<_>, Vec<_>) =
        others.partition(|id| ahead.is_some_and(|ahead| ahead.has_moved(*id)));
    let open = moved.into_iter().filter_map(|id| Some((id, ahead?.cylinder(id)?.open_permit?)));
    facts.open_elsewhere = db::open_permits(conn, &unmoved)?.into_iter().chain(open).collect();
    Ok(())
}

fn load_organizations(
    conn: &mut Conn,
    registry: &mut Registry,
    needs: &Needs,
    facts: &mut Facts,
) -> Result<(), DbError> {
    let ids = list(&needs.organizations);
    facts.organizations.extend(registry.organizations(conn, &ids)?);
    facts.licenses.extend(registry.licenses(conn, &ids)?);
    facts.agreements = registry.agreements(conn, &ids)?;
    let sites = needs.sites.iter().map(|id| id.cast());
    let streams: Vec<StreamId> = sites.chain(ids.iter().map(|id| id.cast())).collect();
    for (id, seq, hash) in db::streams(conn, &streams)? {
        facts.streams.insert(id, (seq, hash));
    }
    Ok(())
}
