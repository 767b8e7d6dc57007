//! The office: enters companies, equipment and people by the use cases that clients have.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::cast::{Person, Station};
use super::city::Calendar;
use super::{DemoError, PASSWORD};
use crate::app::audit::Audited;
use crate::app::registry as office;
use crate::app::{App, Session};
use crate::auth::permission::Action;
use crate::db::conn::Conn;
use crate::db::sessions::SessionRow;
use crate::domain::actor::Credential;
use crate::domain::id::{OrganizationId, ScaleId, SiteId, UserId};
use crate::error::Result;

/// What is entered, read from the form that clients send.
pub(super) fn read<T: DeserializeOwned>(value: Value) -> std::result::Result<T, DemoError> {
    Ok(serde_json::from_value(value)?)
}

#[derive(Deserialize)]
struct Made<K> {
    id: K,
}

/// Enters one thing and returns its id.
fn enter<K: DeserializeOwned, T: serde::Serialize + Audited>(
    app: &App,
    by: &Person,
    action: Action,
    work: impl FnMut(&mut Session<'_>) -> Result<T>,
) -> std::result::Result<K, DemoError> {
    let answer = app.write(&by.call(), action, work)?;
    Ok(serde_json::from_str::<Made<K>>(&answer.body)?.id)
}

/// A session without a password check, long enough for the year; it ends with it.
pub(super) fn session(app: &App, conn: &mut Conn, id: UserId) -> std::result::Result<Credential, DemoError> {
    let now = app.clock.now();
    let row = SessionRow {
        id: app.ids.id(now),
        user_id: id,
        created_at: now,
        expires_at: now.plus_seconds((super::DAYS + 2) * super::DAY_S),
        revoked_at: None,
        revoked_for: None,
    };
    row.insert(conn)?;
    Ok(Credential::Session { session_id: row.id, user_id: id })
}

/// Somebody to enter.
pub(super) struct Job {
    pub username: &'static str,
    pub name: &'static str,
    pub role: &'static str,
    pub site_id: Option<SiteId>,
    /// Kind of the certificate, and days from today until it ends.
    pub certificate: Option<(&'static str, i64)>,
}

pub(super) struct Company {
    pub id: OrganizationId,
    pub name: &'static str,
    pub admin: Person,
}

pub(super) struct Office<'a> {
    pub app: &'a App,
    pub calendar: &'a Calendar,
    pub root: Person,
    pub hash: String,
    pub people: Vec<Person>,
}

impl Office<'_> {
    pub fn organization(
        &mut self,
        body: Value,
        name: &'static str,
        admin: (&'static str, &'static str),
    ) -> std::result::Result<Company, DemoError> {
        let new = read(body)?;
        let id = enter(self.app, &self.root, Action::CreateOrganization, |s| {
            office::create_organization(s, &new)
        })?;
        let job =
            Job { username: admin.0, name: admin.1, role: "org_admin", site_id: None, certificate: None };
        let root = self.root.clone();
        let admin = self.person(&root, (id, name), &job)?;
        Ok(Company { id, name, admin })
    }

    /// A license that ends so many days from today.
    pub fn license(
        &self,
        of: &Company,
        kind: &str,
        number: &str,
        days: i64,
    ) -> std::result::Result<(), DemoError> {
        let new = read(json!({ "kind": kind, "number": number, "issuer": "江苏省市场监督管理局",
            "valid_from": self.calendar.day(days - 1461), "valid_to": self.calendar.day(days), "media": ["lpg"], "districts": ["3206"] }))?;
        self.app
            .write(&self.root.call(), Action::WriteLicense, |s| office::create_license(s, of.id, &new))?;
        Ok(())
    }

    pub fn site(
        &self,
        of: &Company,
        kind: &str,
        name: &str,
        district: &str,
        place: (f64, f64),
    ) -> std::result::Result<SiteId, DemoError> {
        let new =
            read(json!({ "organization_id": of.id, "kind": kind, "name": name, "district_code": district,
            "location": { "lat": place.0, "lon": place.1 } }))?;
        enter(self.app, &of.admin, Action::WriteSite, |s| office::create_site(s, &new))
    }

    pub fn scale(
        &self,
        of: &Company,
        site_id: SiteId,
        number: usize,
        days: i64,
    ) -> std::result::Result<ScaleId, DemoError> {
        let plate: String = site_id.to_string().chars().skip(30).collect();
        let new = read(
            json!({ "site_id": site_id, "name": format!("{number}号充装秤"), "serial_no": format!("CZ{plate}-{number:02}"),
            "medium": "lpg", "calibration_valid_to": self.calendar.day(days) }),
        )?;
        enter(self.app, &of.admin, Action::WriteScale, |s| office::create_scale(s, &new))
    }

    pub fn hire(&mut self, of: &Company, job: &Job) -> std::result::Result<Person, DemoError> {
        self.person(&of.admin, (of.id, of.name), job)
    }

    fn person(
        &mut self,
        by: &Person,
        of: (OrganizationId, &'static str),
        job: &Job,
    ) -> std::result::Result<Person, DemoError> {
        let new: office::NewUser =
            read(json!({ "organization_id": of.0, "username": job.username, "password": PASSWORD,
            "display_name": job.name, "roles": [job.role], "site_id": job.site_id }))?;
        let hash = self.hash.clone();
        let id: UserId = enter(self.app, by, Action::WriteUser, |s| office::create_user(s, &new, &hash))?;
        if let Some((kind, days)) = job.certificate {
            let new = read(
                json!({ "kind": kind, "number": format!("T3206{}-{kind}", job.username), "issuer": "南通市市场监督管理局",
                "valid_from": self.calendar.day(days - 1461), "valid_to": self.calendar.day(days) }),
            )?;
            self.app
                .write(&by.call(), Action::WriteCertificate, |s| office::create_certificate(s, id, &new))?;
        }
        let credential = session(self.app, &mut *self.app.pool.get()?, id)?;
        let person = Person {
            username: job.username,
            name: job.name,
            role: job.role,
            organization: of.1,
            id,
            credential,
        };
        self.people.push(person.clone());
        Ok(person)
    }

    pub fn station(
        &mut self,
        of: &Company,
        what: &StationPlan,
        worker: &Person,
    ) -> std::result::Result<Station, DemoError> {
        let site_id = self.site(of, "filling_station", what.name, what.district, what.place)?;
        let scales = (1..=what.scales)
            .map(|n| self.scale(of, site_id, n, 120))
            .collect::<std::result::Result<_, _>>()?;
        let job = |(username, name): (&'static str, &'static str), role, certificate| Job {
            username,
            name,
            role,
            site_id: Some(site_id),
            certificate,
        };
        let operator = self.hire(of, &job(what.operator, "fill_operator", Some(("filling", 500))))?;
        let checker = self.hire(of, &job(what.checker, "fill_checker", Some(("filling", 400))))?;
        Ok(Station {
            name: what.name,
            owner_id: of.id,
            site_id,
            scales,
            operator,
            checker,
            worker: worker.clone(),
            admin: of.admin.clone(),
        })
    }

    pub fn worker(
        &mut self,
        of: &Company,
        username: &'static str,
        name: &'static str,
        site_id: Option<SiteId>,
    ) -> std::result::Result<Person, DemoError> {
        self.hire(
            of,
            &Job {
                username,
                name,
                role: "delivery_worker",
                site_id,
                certificate: Some(("gas_delivery", 300)),
            },
        )
    }
}

pub(super) struct StationPlan {
    pub name: &'static str,
    pub district: &'static str,
    pub place: (f64, f64),
    pub scales: usize,
    pub operator: (&'static str, &'static str),
    pub checker: (&'static str, &'static str),
}
