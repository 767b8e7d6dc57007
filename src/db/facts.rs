//! What a batch of commands reads: one query per table for all of them.

use chrono::NaiveDate;
use diesel::prelude::*;

use super::conn::Conn;
use super::schema::{
    certificates, cylinders, device_keys, events, fills, labels, ledger_head, licenses, organizations,
    owner_changes, policies, scale_permits, scales, sessions, sites, streams, supply_agreements, users,
};
use super::{DbError, types};
use crate::domain::actor::{Actor, Credential, Device};
use crate::domain::cylinder::{Cylinder, LabelStatus, Medium};
use crate::domain::date::{Day, Validity};
use crate::domain::district::DistrictCode;
use crate::domain::event::{Event, EventData, FillStatus, Idempotency, NewEvent, Stream};
use crate::domain::id::{
    CertificateId, CylinderId, EventId, LicenseId, OrganizationId, OwnerChangeId, PrincipalId, ScaleId,
    SessionId, SiteId, StreamId, UserId,
};
use crate::domain::instant::Instant;
use crate::domain::label_code::LabelId;
use crate::domain::policy::PolicyEntry;
use crate::domain::registry::{
    Authority, Certificate, CertificateKind, License, LicenseKind, LicenseStatus, Organization,
    OrganizationStatus, Person, Scale, Site, SiteKind,
};
use crate::domain::value::{Name, Number};
use crate::on_backend;

/// A label as the ledger needs it.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct LabelRow {
    /// Its id.
    pub id: LabelId,
    /// The key of its tag.
    pub key_id: String,
    /// The cylinder it is or was on.
    pub cylinder_id: CylinderId,
    /// Whether it is good.
    pub status: LabelStatus,
}

/// Labels by their ids.
///
/// # Errors
/// The database.
pub fn labels(conn: &mut Conn, ids: &[LabelId]) -> Result<Vec<LabelRow>, DbError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = on_backend!(conn, c => labels::table
        .filter(labels::id.eq_any(ids))
        .select((labels::id, labels::key_id, labels::cylinder_id, labels::status))
        .load(c))?;
    Ok(rows)
}

/// A cylinder with its place in its chain.
#[derive(Debug, Clone, PartialEq)]
pub struct CylinderRow {
    /// The state.
    pub cylinder: Cylinder,
    /// Sequence number of its last event.
    pub version: i64,
    /// Hash of its last event.
    pub head_hash: [u8; 32],
    /// The district in which it was last seen.
    pub seen_in: DistrictCode,
}

type RawCylinder = (String, i64, Vec<u8>, DistrictCode);

fn read_cylinder((state, version, head_hash, seen_in): RawCylinder) -> Result<CylinderRow, DbError> {
    Ok(CylinderRow {
        cylinder: serde_json::from_str(&state).map_err(DbError::corrupt)?,
        version,
        head_hash: hash(head_hash)?,
        seen_in,
    })
}

/// A stored SHA-256.
///
/// # Errors
/// Not 32 bytes.
pub fn hash(bytes: Vec<u8>) -> Result<[u8; 32], DbError> {
    bytes.try_into().map_err(|_| DbError::corrupt("a hash must have 32 bytes"))
}

const CYLINDER: (cylinders::state, cylinders::version, cylinders::head_hash, cylinders::district_code) =
    (cylinders::state, cylinders::version, cylinders::head_hash, cylinders::district_code);

/// Cylinders by their ids.
///
/// # Errors
/// The database.
pub fn cylinders(conn: &mut Conn, ids: &[CylinderId]) -> Result<Vec<CylinderRow>, DbError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<RawCylinder> =
        on_backend!(conn, c => cylinders::table.filter(cylinders::id.eq_any(ids)).select(CYLINDER).load(c))?;
    rows.into_iter().map(read_cylinder).collect()
}

/// Cylinders by their registration codes.
///
/// # Errors
/// The database.
pub fn cylinders_by_registration_code(
    conn: &mut Conn,
    codes: &[String],
) -> Result<Vec<CylinderRow>, DbError> {
    if codes.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<RawCylinder> = on_backend!(conn, c => cylinders::table
        .filter(cylinders::registration_code.eq_any(codes))
        .select(CYLINDER)
        .load(c))?;
    rows.into_iter().map(read_cylinder).collect()
}

/// Cylinders by manufacturer code and serial number, of any month.
///
/// # Errors
/// The database.
pub fn cylinders_by_stamp(
    conn: &mut Conn,
    maker: &str,
    serial_no: &str,
) -> Result<Vec<CylinderRow>, DbError> {
    let rows: Vec<RawCylinder> = on_backend!(conn, c => cylinders::table
        .filter(cylinders::manufacturer_code.eq(maker))
        .filter(cylinders::serial_no.eq(serial_no))
        .select(CYLINDER)
        .limit(10)
        .load(c))?;
    rows.into_iter().map(read_cylinder).collect()
}

#[derive(Queryable)]
struct OrganizationRow {
    id: OrganizationId,
    name: Name,
    kinds: String,
    authority: Option<Authority>,
    district_code: DistrictCode,
    status: OrganizationStatus,
}

impl OrganizationRow {
    fn read(self) -> Result<Organization, DbError> {
        Ok(Organization {
            id: self.id,
            name: self.name,
            kinds: types::split(&self.kinds).map_err(DbError::corrupt)?,
            authority: self.authority,
            district_code: self.district_code,
            status: self.status,
        })
    }
}

/// Organizations by their ids.
///
/// # Errors
/// The database.
pub fn organizations(conn: &mut Conn, ids: &[OrganizationId]) -> Result<Vec<Organization>, DbError> {
    use organizations as t;
    let rows: Vec<OrganizationRow> = on_backend!(conn, c => t::table
        .filter(t::id.eq_any(ids))
        .select((t::id, t::name, t::kinds, t::authority, t::district_code, t::status))
        .load(c))?;
    rows.into_iter().map(OrganizationRow::read).collect()
}

#[derive(Queryable)]
struct LicenseRow {
    id: LicenseId,
    organization_id: OrganizationId,
    kind: LicenseKind,
    number: Number,
    valid_from: NaiveDate,
    valid_to: NaiveDate,
    status: LicenseStatus,
    media: String,
    districts: String,
}

/// Licenses of organizations.
///
/// # Errors
/// The database.
pub fn licenses(conn: &mut Conn, of: &[OrganizationId]) -> Result<Vec<License>, DbError> {
    use licenses as t;
    let rows: Vec<LicenseRow> = on_backend!(conn, c => t::table
        .filter(t::organization_id.eq_any(of))
        .select((
            t::id, t::organization_id, t::kind, t::number, t::valid_from, t::valid_to, t::status, t::media, t::districts,
        ))
        .load(c))?;
    rows.into_iter()
        .map(|row| {
            Ok(License {
                id: row.id,
                organization_id: row.organization_id,
                kind: row.kind,
                number: row.number,
                validity: Validity { valid_from: Day(row.valid_from), valid_to: Day(row.valid_to) },
                status: row.status,
                media: types::split::<Medium>(&row.media).map_err(DbError::corrupt)?,
                districts: types::split(&row.districts).map_err(DbError::corrupt)?,
            })
        })
        .collect()
}

#[derive(Queryable)]
struct SiteRow {
    id: SiteId,
    organization_id: OrganizationId,
    kind: SiteKind,
    name: Name,
    district_code: DistrictCode,
}

/// Sites by their ids.
///
/// # Errors
/// The database.
pub fn sites(conn: &mut Conn, ids: &[SiteId]) -> Result<Vec<Site>, DbError> {
    use sites as t;
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<SiteRow> = on_backend!(conn, c => t::table
        .filter(t::id.eq_any(ids))
        .select((t::id, t::organization_id, t::kind, t::name, t::district_code))
        .load(c))?;
    let read = |row: SiteRow| Site {
        id: row.id,
        organization_id: row.organization_id,
        kind: row.kind,
        name: row.name,
        district_code: row.district_code,
    };
    Ok(rows.into_iter().map(read).collect())
}

/// Scales by their ids.
///
/// # Errors
/// The database.
pub fn scales(conn: &mut Conn, ids: &[ScaleId]) -> Result<Vec<Scale>, DbError> {
    use scales as t;
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<(ScaleId, SiteId, OrganizationId, Medium, NaiveDate)> = on_backend!(conn, c => t::table
        .filter(t::id.eq_any(ids))
        .select((t::id, t::site_id, t::organization_id, t::medium, t::calibration_valid_to))
        .load(c))?;
    let read = |(id, site_id, organization_id, medium, calibration_valid_to)| Scale {
        id,
        site_id,
        organization_id,
        medium,
        calibration_valid_to,
    };
    Ok(rows.into_iter().map(read).collect())
}

/// The newest permit of a scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Queryable)]
pub struct ScalePermitRow {
    /// Which scale.
    pub scale_id: ScaleId,
    /// The permit.
    pub permit_id: EventId,
    /// For which cylinder.
    pub cylinder_id: CylinderId,
    /// To whom.
    pub operator_id: UserId,
    /// Until when.
    pub expires_at: Instant,
    /// Row version.
    pub version: i64,
}

/// The newest permits of scales.
///
/// # Errors
/// The database.
pub fn scale_permits(conn: &mut Conn, ids: &[ScaleId]) -> Result<Vec<ScalePermitRow>, DbError> {
    use scale_permits as t;
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    Ok(on_backend!(conn, c => t::table
        .filter(t::scale_id.eq_any(ids))
        .select((t::scale_id, t::permit_id, t::cylinder_id, t::operator_id, t::expires_at, t::version))
        .load(c))?)
}

/// People by their ids, with their certificates.
///
/// # Errors
/// The database.
pub fn people(conn: &mut Conn, ids: &[UserId]) -> Result<Vec<Person>, DbError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<(UserId, OrganizationId, Option<SiteId>, String, bool)> = on_backend!(conn, c => users::table
        .filter(users::id.eq_any(ids))
        .select((users::id, users::organization_id, users::site_id, users::roles, users::active))
        .load(c))?;
    let mut held = certificates(conn, ids)?;
    rows.into_iter()
        .map(|(id, organization_id, site_id, roles, active)| {
            Ok(Person {
                id,
                organization_id,
                site_id,
                roles: types::split(&roles).map_err(DbError::corrupt)?,
                active,
                certificates: held.extract_if(.., |(user, _)| *user == id).map(|(_, c)| c).collect(),
            })
        })
        .collect()
}

type RawCertificate = (CertificateId, UserId, CertificateKind, Number, NaiveDate, NaiveDate, LicenseStatus);

fn certificates(conn: &mut Conn, of: &[UserId]) -> Result<Vec<(UserId, Certificate)>, DbError> {
    use certificates as t;
    let rows: Vec<RawCertificate> = on_backend!(conn, c => t::table
        .filter(t::user_id.eq_any(of))
        .select((t::id, t::user_id, t::kind, t::number, t::valid_from, t::valid_to, t::status))
        .load(c))?;
    let read = |(id, user_id, kind, number, valid_from, valid_to, status): RawCertificate| {
        let validity = Validity { valid_from: Day(valid_from), valid_to: Day(valid_to) };
        (user_id, Certificate { id, kind, number, validity, status })
    };
    Ok(rows.into_iter().map(read).collect())
}

/// A supply agreement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AgreementRow {
    /// The owner of the cylinders.
    pub owner_id: OrganizationId,
    /// Who may deliver them.
    pub distributor_id: OrganizationId,
    /// From when to when.
    pub validity: Validity,
}

/// Agreements of distributors that were not ended.
///
/// # Errors
/// The database.
pub fn agreements(conn: &mut Conn, distributors: &[OrganizationId]) -> Result<Vec<AgreementRow>, DbError> {
    use supply_agreements as t;
    let rows: Vec<(OrganizationId, OrganizationId, NaiveDate, NaiveDate)> = on_backend!(conn, c => t::table
        .filter(t::distributor_id.eq_any(distributors))
        .filter(t::ended_at.is_null())
        .select((t::owner_id, t::distributor_id, t::valid_from, t::valid_to))
        .load(c))?;
    let read = |(owner_id, distributor_id, from, to)| AgreementRow {
        owner_id,
        distributor_id,
        validity: Validity { valid_from: Day(from), valid_to: Day(to) },
    };
    Ok(rows.into_iter().map(read).collect())
}

/// All policy entries.
///
/// # Errors
/// The database.
pub fn policies(conn: &mut Conn) -> Result<Vec<PolicyEntry>, DbError> {
    use policies as t;
    let rows: Vec<(String, String, NaiveDate, String, Instant)> = on_backend!(conn, c => t::table
        .select((t::name, t::district_code, t::effective_on, t::value, t::set_at))
        .load(c))?;
    rows.into_iter()
        .map(|(name, district, effective_on, value, set_at)| {
            Ok(PolicyEntry {
                name,
                district: types::scope(&district).map_err(DbError::corrupt)?,
                effective_on,
                value: serde_json::from_str(&value).map_err(DbError::corrupt)?,
                sequence: set_at.micros(),
            })
        })
        .collect()
}

/// The newest instant at which the clock was believed.
///
/// # Errors
/// The database.
pub fn trusted_at(conn: &mut Conn) -> Result<Option<Instant>, DbError> {
    Ok(on_backend!(conn, c => ledger_head::table.select(ledger_head::trusted_at).first(c))?)
}

/// The heads of chains that are no cylinder's.
///
/// # Errors
/// The database.
pub fn streams(conn: &mut Conn, ids: &[StreamId]) -> Result<Vec<(StreamId, i64, [u8; 32])>, DbError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<(StreamId, i64, Vec<u8>)> = on_backend!(conn, c => streams::table
        .filter(streams::id.eq_any(ids))
        .select((streams::id, streams::seq, streams::head_hash))
        .load(c))?;
    rows.into_iter().map(|(id, seq, head)| Ok((id, seq, hash(head)?))).collect()
}

/// An owner change that was proposed.
#[derive(Debug, Clone, Queryable)]
pub struct OwnerChangeRow {
    /// Its id.
    pub id: OwnerChangeId,
    /// Which cylinder.
    pub cylinder_id: CylinderId,
    /// From whom.
    pub from_id: OrganizationId,
    /// To whom.
    pub to_id: OrganizationId,
    /// Number of the document.
    pub document_no: String,
    /// Why.
    pub reason: String,
    /// pending, approved or rejected.
    pub status: String,
}

/// Owner changes by their ids.
///
/// # Errors
/// The database.
pub fn owner_changes(conn: &mut Conn, ids: &[OwnerChangeId]) -> Result<Vec<OwnerChangeRow>, DbError> {
    use owner_changes as t;
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    Ok(on_backend!(conn, c => t::table
        .filter(t::id.eq_any(ids))
        .select((t::id, t::cylinder_id, t::from_id, t::to_id, t::document_no, t::reason, t::status))
        .load(c))?)
}

/// A fill as listed.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = fills)]
pub struct FillRow {
    /// Its id, that of its event.
    pub id: EventId,
    /// Place in the ledger.
    pub log_index: i64,
    /// The permit it used.
    pub permit_id: EventId,
    /// Which cylinder.
    pub cylinder_id: CylinderId,
    /// Who filled.
    pub organization_id: OrganizationId,
    /// Where.
    pub site_id: Option<SiteId>,
    /// In which district.
    pub district_code: DistrictCode,
    /// On which scale.
    pub scale_id: ScaleId,
    /// By whom.
    pub operator_id: UserId,
    /// Weight of cylinder and gas by the last weighing, in grams.
    pub gross_g: i32,
    /// Gas by the last weighing, in grams.
    pub net_g: i32,
    /// Whether it may leave.
    pub status: FillStatus,
    /// When it was finished.
    pub finished_at: Instant,
}

/// Fills by their own ids or by the ids of their permits.
///
/// # Errors
/// The database.
pub fn fills(conn: &mut Conn, ids: &[EventId]) -> Result<Vec<FillRow>, DbError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    Ok(on_backend!(conn, c => fills::table
        .filter(fills::id.eq_any(ids).or(fills::permit_id.eq_any(ids)))
        .select((
            fills::id, fills::log_index, fills::permit_id, fills::cylinder_id, fills::organization_id, fills::site_id,
            fills::district_code, fills::scale_id, fills::operator_id, fills::gross_g, fills::net_g, fills::status,
            fills::finished_at,
        ))
        .load(c))?)
}

/// An event as stored.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = events)]
pub struct EventRow {
    /// Place among all events.
    pub log_index: i64,
    /// Its id.
    pub id: EventId,
    /// Kind of its chain.
    pub stream_kind: String,
    /// Its chain.
    pub stream_id: StreamId,
    /// Place in its chain.
    pub stream_seq: i64,
    /// What happened.
    pub kind: String,
    /// Decision of a fill check.
    pub decision: Option<String>,
    /// Whether a finding is an alert.
    pub alert: bool,
    /// When it happened.
    pub occurred_at: Instant,
    /// When it was recorded.
    pub recorded_at: Instant,
    /// Who.
    pub actor_id: PrincipalId,
    /// Their organization.
    pub organization_id: OrganizationId,
    /// Where.
    pub site_id: Option<SiteId>,
    /// In which district.
    pub district_code: String,
    /// Canonical JSON.
    pub data: String,
    /// Method and path of the call.
    pub idempotency_route: Option<String>,
    /// The client's key.
    pub idempotency_key: Option<String>,
    /// Digest of the body.
    pub body_digest: Option<Vec<u8>>,
    /// Hash of the event before it.
    pub prev_hash: Vec<u8>,
    /// Its hash.
    pub hash: Vec<u8>,
}

impl EventRow {
    /// The event.
    ///
    /// # Errors
    /// A value that can't be read.
    pub fn read(self) -> Result<Event, DbError> {
        let idempotency = match (self.idempotency_route, self.idempotency_key, self.body_digest) {
            (Some(route), Some(key), Some(digest)) => {
                Some(Idempotency { route, key, body_digest: hash(digest)? })
            }
            _ => None,
        };
        let data = serde_json::from_str(&self.data).map_err(DbError::corrupt)?;
        let stream = Stream::from_parts(&self.stream_kind, self.stream_id);
        Ok(Event {
            event: NewEvent {
                id: self.id,
                stream: stream.ok_or_else(|| DbError::corrupt("kind of stream"))?,
                occurred_at: self.occurred_at,
                recorded_at: self.recorded_at,
                actor_id: self.actor_id,
                organization_id: self.organization_id,
                site_id: self.site_id,
                district_code: self.district_code.parse().map_err(DbError::corrupt)?,
                data: EventData::from_stored(&self.kind, data).map_err(DbError::corrupt)?,
                idempotency,
            },
            log_index: self.log_index,
            seq: self.stream_seq,
            prev_hash: hash(self.prev_hash)?,
            hash: hash(self.hash)?,
        })
    }
}

/// Events by their ids.
///
/// # Errors
/// The database.
pub fn events(conn: &mut Conn, ids: &[EventId]) -> Result<Vec<Event>, DbError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<EventRow> = on_backend!(conn, c => events::table
        .filter(events::id.eq_any(ids))
        .select(EventRow::as_select())
        .load(c))?;
    rows.into_iter().map(EventRow::read).collect()
}

/// Events that calls with these idempotency keys made, whoever made them.
///
/// # Errors
/// The database.
pub fn events_by_key(conn: &mut Conn, keys: &[String]) -> Result<Vec<Event>, DbError> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<EventRow> = on_backend!(conn, c => events::table
        .filter(events::idempotency_key.is_not_null())
        .filter(events::idempotency_key.eq_any(keys))
        .select(EventRow::as_select())
        .load(c))?;
    rows.into_iter().map(EventRow::read).collect()
}

type RawActor =
    (Option<SiteId>, String, OrganizationId, String, Option<Authority>, DistrictCode, OrganizationStatus);

fn actor(user_id: Option<UserId>, row: RawActor) -> Result<Actor, DbError> {
    let (site_id, roles, organization_id, kinds, authority, district_code, organization_status) = row;
    Ok(Actor {
        user_id,
        session_id: None,
        device: None,
        organization_id,
        organization_kinds: types::split(&kinds).map_err(DbError::corrupt)?,
        organization_status,
        authority,
        site_id,
        roles: types::split(&roles).map_err(DbError::corrupt)?,
        scope: district_code.scope(),
        district_code,
    })
}

/// The people and devices behind credentials that are good at `now`: the session neither ended nor revoked, the user
/// enabled, the device key not revoked.
///
/// # Errors
/// The database.
pub fn actors(conn: &mut Conn, of: &[Credential], now: Instant) -> Result<Vec<(Credential, Actor)>, DbError> {
    let mut found = session_actors(conn, of, now)?;
    found.extend(device_actors(conn, of, now)?);
    Ok(found)
}

fn session_actors(
    conn: &mut Conn,
    of: &[Credential],
    now: Instant,
) -> Result<Vec<(Credential, Actor)>, DbError> {
    let ids: Vec<SessionId> = of
        .iter()
        .filter_map(|c| match c {
            Credential::Session { session_id, .. } => Some(*session_id),
            Credential::Device { .. } => None,
        })
        .collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    use organizations as o;
    let rows: Vec<(SessionId, UserId, RawActor)> = on_backend!(conn, c => sessions::table
        .inner_join(users::table.inner_join(o::table))
        .filter(sessions::id.eq_any(ids))
        .filter(sessions::revoked_at.is_null())
        .filter(sessions::expires_at.gt(now))
        .filter(users::active.eq(true))
        .select((
            sessions::id,
            users::id,
            (users::site_id, users::roles, o::id, o::kinds, o::authority, o::district_code, o::status),
        ))
        .load(c))?;
    rows.into_iter()
        .map(|(session_id, user_id, row)| {
            let actor = Actor { session_id: Some(session_id), ..actor(Some(user_id), row)? };
            Ok((Credential::Session { session_id, user_id }, actor))
        })
        .collect()
}

type RawEmployer = (OrganizationId, String, Option<Authority>, DistrictCode, OrganizationStatus);
type RawDevice = (Vec<u8>, crate::domain::id::DeviceKeyId, ScaleId, SiteId, Option<UserId>, Option<Instant>);

fn device_actors(
    conn: &mut Conn,
    of: &[Credential],
    now: Instant,
) -> Result<Vec<(Credential, Actor)>, DbError> {
    let digests: Vec<Vec<u8>> = of
        .iter()
        .filter_map(|c| match c {
            Credential::Device { key_digest } => Some(key_digest.to_vec()),
            Credential::Session { .. } => None,
        })
        .collect();
    if digests.is_empty() {
        return Ok(Vec::new());
    }
    use organizations as o;
    let rows: Vec<(RawDevice, RawEmployer)> = on_backend!(conn, c => device_keys::table
            .inner_join(scales::table)
            .inner_join(o::table.on(o::id.eq(scales::organization_id)))
            .filter(device_keys::digest.eq_any(digests))
            .filter(device_keys::revoked_at.is_null())
            .select((
                (
                    device_keys::digest, device_keys::id, scales::id, scales::site_id, scales::shift_operator_id,
                    scales::shift_ends_at,
                ),
                (o::id, o::kinds, o::authority, o::district_code, o::status),
            ))
            .load(c))?;
    rows.into_iter()
        .map(
            |(
                (digest, key_id, scale_id, site_id, operator, ends_at),
                (id, kinds, authority, district, status),
            )| {
                let on_shift = operator.filter(|_| ends_at.is_some_and(|end| now < end));
                let raw = (Some(site_id), String::new(), id, kinds, authority, district, status);
                let actor = Actor { device: Some(Device { key_id, scale_id }), ..actor(on_shift, raw)? };
                Ok((Credential::Device { key_digest: hash(digest)? }, actor))
            },
        )
        .collect()
}
