//! Registry facts, kept between batches for as long as nothing in the registry has changed.
//!
//! Every act of the service that changes the registry, a session or a shift appends to the audit log in its own transaction. So while the head
//! of that log, read before anything else of a batch, is the one that was read before, what was read then is what stands
//! there still; with any other head everything is read anew. Only time passes by itself: an actor is kept until the session or
//! the shift ends. Whoever is not there is asked for again.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use crate::db::DbError;
use crate::db::audit_log::{self, Head};
use crate::db::conn::Conn;
use crate::db::facts::{self as db, AgreementRow};
use crate::domain::actor::{Actor, Credential};
use crate::domain::id::{OrganizationId, ScaleId, SiteId, UserId};
use crate::domain::instant::Instant;
use crate::domain::policy::PolicyEntry;
use crate::domain::registry::{License, Organization, Person, Scale, Site};

type Result<T> = std::result::Result<T, DbError>;

/// Things that are kept at most, of each kind: a province has fewer at work in one day.
const MOST: usize = 20_000;

/// See the head of this file.
#[derive(Default)]
pub(super) struct Registry {
    head: Option<Head>,
    known: Known,
}

#[derive(Default)]
struct Known {
    /// With the instant until which it holds.
    actors: HashMap<Credential, (Actor, Instant)>,
    organizations: HashMap<OrganizationId, Organization>,
    licenses: HashMap<OrganizationId, Vec<License>>,
    agreements: HashMap<OrganizationId, Vec<AgreementRow>>,
    people: HashMap<UserId, Person>,
    scales: HashMap<ScaleId, Scale>,
    sites: HashMap<SiteId, Site>,
    policies: Option<Arc<Vec<PolicyEntry>>>,
}

/// What is known of these, after loading what is not.
fn kept<K: Copy + Eq + Hash, V: Clone>(
    known: &mut HashMap<K, V>,
    wanted: &[K],
    load: impl FnOnce(&[K]) -> Result<Vec<(K, V)>>,
) -> Result<Vec<(K, V)>> {
    let unknown: Vec<K> = wanted.iter().filter(|key| !known.contains_key(key)).copied().collect();
    if !unknown.is_empty() {
        if known.len() + unknown.len() > MOST {
            known.clear();
        }
        let unknown = if known.is_empty() { wanted } else { &unknown };
        known.extend(load(unknown)?);
    }
    Ok(wanted.iter().filter_map(|key| Some((*key, known.get(key)?.clone()))).collect())
}

/// Rows by what they belong to, with an empty list for what has none.
fn grouped<K: Copy + Eq + Hash, V: Clone>(of: &[K], rows: Vec<V>, key: impl Fn(&V) -> K) -> Vec<(K, Vec<V>)> {
    let mut groups: HashMap<K, Vec<V>> = of.iter().map(|id| (*id, Vec::new())).collect();
    for row in rows {
        groups.entry(key(&row)).or_default().push(row);
    }
    groups.into_iter().collect()
}

impl Registry {
    /// The head of the audit log that it was read under.
    pub(super) fn head(&self) -> Option<&Head> {
        self.head.as_ref()
    }

    /// Forgets everything if anything has changed. Call it before anything else of a batch is read.
    pub(super) fn refresh(&mut self, conn: &mut Conn) -> Result<()> {
        let head = audit_log::head(conn)?;
        if head != self.head {
            *self = Self { head, known: Known::default() };
        }
        Ok(())
    }

    pub(super) fn actors(
        &mut self,
        conn: &mut Conn,
        of: &[Credential],
        now: Instant,
    ) -> Result<Vec<(Credential, Actor)>> {
        self.known.actors.retain(|_, (_, until)| now < *until);
        let load = |of: &[Credential]| {
            let found = db::actors(conn, of, now)?;
            Ok(found.into_iter().map(|found| (found.credential, (found.actor, found.until))).collect())
        };
        let actors = kept(&mut self.known.actors, of, load)?;
        Ok(actors.into_iter().map(|(credential, (actor, _))| (credential, actor)).collect())
    }

    pub(super) fn organizations(
        &mut self,
        conn: &mut Conn,
        ids: &[OrganizationId],
    ) -> Result<Vec<(OrganizationId, Organization)>> {
        kept(&mut self.known.organizations, ids, |ids| {
            Ok(db::organizations(conn, ids)?.into_iter().map(|row| (row.id, row)).collect())
        })
    }

    pub(super) fn licenses(
        &mut self,
        conn: &mut Conn,
        of: &[OrganizationId],
    ) -> Result<Vec<(OrganizationId, Vec<License>)>> {
        kept(&mut self.known.licenses, of, |of| {
            Ok(grouped(of, db::licenses(conn, of)?, |row| row.organization_id))
        })
    }

    pub(super) fn agreements(&mut self, conn: &mut Conn, of: &[OrganizationId]) -> Result<Vec<AgreementRow>> {
        let agreements = kept(&mut self.known.agreements, of, |of| {
            Ok(grouped(of, db::agreements(conn, of)?, |row| row.distributor_id))
        })?;
        Ok(agreements.into_iter().flat_map(|(_, rows)| rows).collect())
    }

    pub(super) fn people(&mut self, conn: &mut Conn, ids: &[UserId]) -> Result<Vec<(UserId, Person)>> {
        kept(&mut self.known.people, ids, |ids| {
            Ok(db::people(conn, ids)?.into_iter().map(|row| (row.id, row)).collect())
        })
    }

    pub(super) fn scales(&mut self, conn: &mut Conn, ids: &[ScaleId]) -> Result<Vec<(ScaleId, Scale)>> {
        kept(&mut self.known.scales, ids, |ids| {
            Ok(db::scales(conn, ids)?.into_iter().map(|row| (row.id, row)).collect())
        })
    }

    pub(super) fn sites(&mut self, conn: &mut Conn, ids: &[SiteId]) -> Result<Vec<(SiteId, Site)>> {
        kept(&mut self.known.sites, ids, |ids| {
            Ok(db::sites(conn, ids)?.into_iter().map(|row| (row.id, row)).collect())
        })
    }

    pub(super) fn policies(&mut self, conn: &mut Conn) -> Result<Arc<Vec<PolicyEntry>>> {
        if let Some(policies) = &self.known.policies {
            return Ok(Arc::clone(policies));
        }
        let policies = Arc::new(db::policies(conn)?);
        self.known.policies = Some(Arc::clone(&policies));
        Ok(policies)
    }
}
