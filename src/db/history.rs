//! Reading the ledger: histories, fills, fill checks, searches, the public page.

use crate::db::among::among;
use chrono::NaiveDate;
use diesel::dsl::{count_star, max};
use diesel::prelude::*;

use super::DbError;
use super::backend;
use super::conn::Conn;
use super::facts::{CylinderRow, EventRow, FillRow};
use super::registry::{Page, Reach};
use super::schema::{
    cylinders, event_private, events, fills, labels, organizations, public_scans, sites, users,
};
use super::types::Json;
use crate::domain::cylinder::{CustodyKind, CylinderStatus};
use crate::domain::district::{DistrictCode, DistrictScope};
use crate::domain::event::{Decision, FillStatus};
use crate::domain::id::{CylinderId, EventId, OrganizationId, PublicScanId, SiteId, StreamId, UserId};
use crate::domain::instant::Instant;
use crate::domain::label_code::LabelId;
use crate::domain::registry::Location;
use crate::domain::steel;
use crate::on_backend;

/// The history of a cylinder from its event no. `from` on, newest first; `after` is the sequence number of the last event
/// seen.
///
/// # Errors
/// The database.
pub fn of_cylinder(
    conn: &mut Conn,
    id: CylinderId,
    from: i64,
    page: &Page<i64>,
) -> Result<Vec<EventRow>, DbError> {
    use events as t;
    let stream: StreamId = id.cast();
    let before = page.after.unwrap_or(i64::MAX);
    Ok(on_backend!(conn, c => t::table
        .filter(t::stream_id.eq(stream))
        .filter(t::stream_seq.ge(from))
        .filter(t::stream_seq.lt(before))
        .order(t::stream_seq.desc())
        .limit(page.limit)
        .select(EventRow::as_select())
        .load(c))?)
}

/// The place of an event in its own chain.
///
/// # Errors
/// The database.
pub fn place_of(conn: &mut Conn, id: EventId) -> Result<Option<i64>, DbError> {
    use events as t;
    Ok(on_backend!(conn, c => t::table
        .filter(t::id.eq(id))
        .select(t::stream_seq)
        .first(c)
        .optional())?)
}

/// What is kept apart from these events, as JSON, as far as it was not deleted.
///
/// # Errors
/// The database.
pub fn kept_apart(conn: &mut Conn, of: &[EventId]) -> Result<Vec<(EventId, String)>, DbError> {
    use event_private as t;
    if of.is_empty() {
        return Ok(Vec::new());
    }
    Ok(on_backend!(conn, c => t::table
        .filter(among(t::event_id, of))
        .select((t::event_id, t::data))
        .load(c))?)
}

/// Which events to list.
#[derive(Debug, Clone, Default)]
pub struct EventFilter {
    /// Kinds; empty means all.
    pub kinds: Vec<&'static str>,
    /// Decision of fill checks.
    pub decision: Option<Decision>,
    /// Only those with an alert, or only those without.
    pub alert: Option<bool>,
    /// Where.
    pub site_id: Option<SiteId>,
    /// Recorded at or after.
    pub from: Option<Instant>,
    /// Recorded before.
    pub to: Option<Instant>,
}

/// Events within reach, newest first; `after` is the place of the last event seen.
///
/// # Errors
/// The database.
pub fn list(
    conn: &mut Conn,
    reach: &Reach,
    filter: &EventFilter,
    page: &Page<i64>,
) -> Result<Vec<EventRow>, DbError> {
    use events as t;
    Ok(on_backend!(conn, c => {
        let mut query = t::table.order(t::log_index.desc()).limit(page.limit).select(EventRow::as_select()).into_boxed();
        match reach {
            Reach::All => {}
            Reach::Own(id) => query = query.filter(t::organization_id.eq(*id)),
            Reach::District(_) => {
                // By its place or by whose it is: a site entered elsewhere hides nothing.
                let seated = organizations::table
                    .filter(organizations::district_code.like(reach.district_pattern()))
                    .select(organizations::id);
                query = query.filter(
                    t::district_code.like(reach.district_pattern()).or(t::organization_id.eq_any(seated)),
                );
            }
        }
        if !filter.kinds.is_empty() {
            query = query.filter(t::kind.eq_any(filter.kinds.clone()));
        }
        if let Some(decision) = filter.decision {
            query = query.filter(t::decision.eq(decision.as_str()));
        }
        if let Some(alert) = filter.alert {
            query = query.filter(t::alert.eq(alert));
        }
        if let Some(site) = filter.site_id {
            query = query.filter(t::site_id.eq(site));
        }
        if let Some(from) = filter.from {
            query = query.filter(t::recorded_at.ge(from));
        }
        if let Some(to) = filter.to {
            query = query.filter(t::recorded_at.lt(to));
        }
        if let Some(after) = page.after {
            query = query.filter(t::log_index.lt(after));
        }
        query.load(c)
    })?)
}

/// Which fills to list.
#[derive(Debug, Clone, Default)]
pub struct FillFilter {
    /// Whether they may leave.
    pub status: Option<FillStatus>,
    /// Where.
    pub site_id: Option<SiteId>,
    /// Of which cylinder.
    pub cylinder_id: Option<CylinderId>,
    /// Finished at or after.
    pub from: Option<Instant>,
    /// Finished before.
    pub to: Option<Instant>,
}

/// Fills within reach, newest first; `after` is the place of the last one seen.
///
/// # Errors
/// The database.
pub fn fills(
    conn: &mut Conn,
    reach: &Reach,
    filter: &FillFilter,
    page: &Page<i64>,
) -> Result<Vec<FillRow>, DbError> {
    use fills as t;
    Ok(on_backend!(conn, c => {
        let mut query = t::table.order(t::log_index.desc()).limit(page.limit).select(FillRow::as_select()).into_boxed();
        match reach {
            Reach::All => {}
            Reach::Own(id) => query = query.filter(t::organization_id.eq(*id)),
            Reach::District(_) => {
                // By its place or by whose it is: a site entered elsewhere hides nothing.
                let seated = organizations::table
                    .filter(organizations::district_code.like(reach.district_pattern()))
                    .select(organizations::id);
                query = query.filter(
                    t::district_code.like(reach.district_pattern()).or(t::organization_id.eq_any(seated)),
                );
            }
        }
        if let Some(status) = filter.status {
            query = query.filter(t::status.eq(status));
        }
        if let Some(site) = filter.site_id {
            query = query.filter(t::site_id.eq(site));
        }
        if let Some(cylinder) = filter.cylinder_id {
            query = query.filter(t::cylinder_id.eq(cylinder));
        }
        if let Some(from) = filter.from {
            query = query.filter(t::finished_at.ge(from));
        }
        if let Some(to) = filter.to {
            query = query.filter(t::finished_at.lt(to));
        }
        if let Some(after) = page.after {
            query = query.filter(t::log_index.lt(after));
        }
        query.load(c)
    })?)
}

/// Which cylinders to list.
#[derive(Debug, Clone, Default)]
pub struct CylinderFilter {
    /// Part of a serial number, or the beginning of a registration code or label.
    pub q: Option<String>,
    /// Whether the end of a serial number may be searched for, too.
    pub whole_serial: bool,
    /// Whose.
    pub owner_id: Option<OrganizationId>,
    /// How they stand.
    pub status: Option<CylinderStatus>,
    /// Due before this day.
    pub inspection_due_before: Option<NaiveDate>,
    /// Who has them.
    pub custody: Option<CustodyKind>,
    /// Last seen in this area.
    pub district: Option<DistrictScope>,
}

/// A text for LIKE with its own wildcards taken literally.
fn like(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

impl CylinderFilter {
    /// What a serial number and its key must look like for a text. Who is not shown the last four characters can't find
    /// them by searching either: those of the key are those that are kept back.
    fn serial_like(&self, q: &str) -> (String, String) {
        const NOTHING: String = String::new();
        let key = steel::key(q);
        match (self.whole_serial, key.is_empty()) {
            (true, _) => (format!("%{}%", like(q)), NOTHING),
            (false, true) => (NOTHING, NOTHING),
            (false, false) => (NOTHING, format!("%{key}%____")),
        }
    }
}

/// Cylinders within reach, newest first.
///
/// # Errors
/// The database.
pub fn cylinders(
    conn: &mut Conn,
    reach: &Reach,
    filter: &CylinderFilter,
    page: &Page<CylinderId>,
) -> Result<Vec<CylinderRow>, DbError> {
    use cylinders as t;
    let rows: Vec<(String, i64, Vec<u8>, DistrictCode)> = on_backend!(conn, c => {
        let mut query = t::table
            .inner_join(organizations::table.on(organizations::id.eq(t::owner_id)))
            .order(t::id.desc())
            .limit(page.limit)
            .select((t::state, t::version, t::head_hash, t::district_code))
            .into_boxed();
        match reach {
            Reach::All => {}
            Reach::Own(id) => {
                query = query.filter(t::owner_id.eq(*id).or(t::custody_organization_id.eq(*id)));
            }
            Reach::District(_) => {
                let pattern = reach.district_pattern();
                query = query.filter(
                    organizations::district_code.like(pattern.clone()).or(t::district_code.like(pattern)),
                );
            }
        }
        if let Some(q) = &filter.q {
            let (text, (serial, key)) = (like(q), filter.serial_like(q));
            query = query.filter(
                t::serial_no.like(serial).escape('\\')
                    .or(t::serial_key.like(key))
                    .or(t::registration_code.assume_not_null().like(format!("{text}%")).escape('\\'))
                    .or(t::label_id.like(format!("{text}%")).escape('\\')),
            );
        }
        if let Some(owner) = filter.owner_id {
            query = query.filter(t::owner_id.eq(owner));
        }
        if let Some(status) = filter.status {
            query = query.filter(t::status.eq(status));
        }
        if let Some(day) = filter.inspection_due_before {
            query = query.filter(t::inspection_due_on.lt(day));
        }
        if let Some(kind) = filter.custody {
            query = query.filter(t::custody_kind.eq(kind));
        }
        if let Some(district) = &filter.district {
            query = query.filter(t::district_code.like(format!("{district}%")));
        }
        if let Some(after) = page.after {
            query = query.filter(t::id.lt(after));
        }
        query.load(c)
    })?;
    rows.into_iter()
        .map(|(state, version, head_hash, seen_in)| {
            Ok(CylinderRow {
                cylinder: serde_json::from_str(&state).map_err(DbError::corrupt)?,
                version,
                head_hash: super::facts::hash(head_hash)?,
                seen_in,
            })
        })
        .collect()
}

/// Names for ids, so that a history can be read.
#[derive(Debug, Clone, Default)]
pub struct Names {
    /// Organizations.
    pub organizations: Vec<(OrganizationId, String)>,
    /// Sites.
    pub sites: Vec<(SiteId, String)>,
    /// People.
    pub users: Vec<(UserId, String)>,
}

/// Looks names up.
///
/// # Errors
/// The database.
pub fn names(
    conn: &mut Conn,
    of_organizations: &[OrganizationId],
    of_sites: &[SiteId],
    of_users: &[UserId],
) -> Result<Names, DbError> {
    Ok(Names {
        organizations: on_backend!(conn, c => organizations::table
            .filter(among(organizations::id, of_organizations))
            .select((organizations::id, organizations::name))
            .load(c))?,
        sites: on_backend!(conn, c => sites::table
            .filter(among(sites::id, of_sites))
            .select((sites::id, sites::name))
            .load(c))?,
        users: on_backend!(conn, c => users::table
            .filter(among(users::id, of_users))
            .select((users::id, users::display_name))
            .load(c))?,
    })
}

/// A customer's look-up of a code.
#[derive(Debug, Clone, PartialEq, Insertable)]
#[diesel(table_name = public_scans)]
pub struct PublicScanRow {
    /// Its id.
    pub id: PublicScanId,
    /// Which label.
    pub label_id: LabelId,
    /// When.
    pub scanned_at: Instant,
    /// phone, tablet, computer or other.
    pub device_class: String,
    /// Where, if the person said so.
    pub location: Option<Json<Location>>,
}

impl PublicScanRow {
    /// Counts it, and does not wait for a standby: customers get their answer while acts wait.
    ///
    /// # Errors
    /// The database.
    pub fn insert(&self, conn: &mut Conn) -> Result<(), DbError> {
        match conn {
            Conn::Sqlite(c) => {
                diesel::insert_into(public_scans::table).values(self).execute(c)?;
            }
            Conn::Postgres(c) => backend::postgres::insert_public_scan(c, self)?,
        }
        Ok(())
    }
}

/// How often customers looked a cylinder up, and when last.
///
/// # Errors
/// The database.
pub fn public_scans(conn: &mut Conn, id: CylinderId) -> Result<(i64, Option<Instant>), DbError> {
    Ok(on_backend!(conn, c => public_scans::table
        .inner_join(labels::table)
        .filter(labels::cylinder_id.eq(id))
        .select((count_star(), max(public_scans::scanned_at)))
        .first(c))?)
}

/// Forgets look-ups from before `at`; says how many.
///
/// # Errors
/// The database.
pub fn forget_public_scans_before(conn: &mut Conn, at: Instant) -> Result<usize, DbError> {
    use public_scans as t;
    Ok(on_backend!(conn, c => diesel::delete(t::table.filter(t::scanned_at.lt(at))).execute(c))?)
}

/// Whether any label was ever made.
///
/// # Errors
/// The database.
pub fn has_labels(conn: &mut Conn) -> Result<bool, DbError> {
    use diesel::dsl::exists;
    Ok(on_backend!(conn, c => diesel::select(exists(labels::table.select(labels::id))).get_result(c))?)
}

/// Believes the clock as it stands: after a long stop, or after it was set right.
///
/// # Errors
/// The database.
pub fn trust_clock(conn: &mut Conn, at: Instant) -> Result<(), DbError> {
    use super::schema::ledger_head as t;
    on_backend!(conn, c => diesel::update(t::table).set(t::trusted_at.eq(at)).execute(c))?;
    Ok(())
}
