//! The companies and people of the city, entered by the use cases of the office.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::city::Calendar;
use super::{DemoError, PASSWORD};
use crate::app::{App, Session, registry as office};
use crate::auth::permission::Action;
use crate::db::conn::Conn;
use crate::db::sessions::{SessionRow, revoke_sessions_of};
use crate::domain::actor::Credential;
use crate::domain::id::{OrganizationId, ScaleId, SiteId, UserId};
use crate::domain::value::Text;
use crate::error::Result;
use crate::ledger::Call;

/// Somebody with a login.
#[derive(Debug, Clone)]
pub(super) struct Person {
    pub username: &'static str,
    pub name: &'static str,
    pub role: &'static str,
    pub organization: &'static str,
    pub id: UserId,
    credential: Credential,
}

impl Person {
    /// A call of theirs.
    pub fn call(&self) -> Call {
        Call { credential: self.credential, idempotency: None }
    }
}

/// A filling station at work.
#[derive(Debug, Clone)]
pub(super) struct Station {
    pub name: &'static str,
    pub owner_id: OrganizationId,
    pub site_id: SiteId,
    /// Scales with a good calibration.
    pub scales: Vec<ScaleId>,
    pub operator: Person,
    pub checker: Person,
    pub worker: Person,
    pub admin: Person,
}

/// Everybody and everything but the cylinders.
pub(super) struct Cast {
    pub stations: [Station; 3],
    /// A scale of the first station whose calibration ended.
    pub expired_scale: ScaleId,
    /// An operator of the first station whose certificate ended.
    pub uncertified: Person,
    /// A delivery worker of the distributor.
    pub distributor_worker: Person,
    pub inspector: Person,
    pub regulator: Person,
    /// All logins, in the order in which they are shown.
    pub people: Vec<Person>,
}

/// What is entered, read from the form that clients send.
pub(super) fn read<T: DeserializeOwned>(value: Value) -> std::result::Result<T, DemoError> {
    Ok(serde_json::from_value(value)?)
}

#[derive(Deserialize)]
struct Made<K> {
    id: K,
}

/// Enters one thing and returns its id.
fn enter<K: DeserializeOwned, T: serde::Serialize>(
    app: &App,
    by: &Person,
    action: Action,
    work: impl FnMut(&mut Session<'_>) -> Result<T>,
) -> std::result::Result<K, DemoError> {
    let answer = app.write(&by.call(), action, work)?;
    Ok(serde_json::from_str::<Made<K>>(&answer.body)?.id)
}

/// A session without a password check, long enough for the year; it ends with it.
fn session(app: &App, conn: &mut Conn, id: UserId) -> std::result::Result<Credential, DemoError> {
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
struct Job {
    username: &'static str,
    name: &'static str,
    role: &'static str,
    site_id: Option<SiteId>,
    /// Kind of the certificate, and days from today until it ends.
    certificate: Option<(&'static str, i64)>,
}

struct Company {
    id: OrganizationId,
    name: &'static str,
    admin: Person,
}

struct Office<'a> {
    app: &'a App,
    calendar: &'a Calendar,
    root: Person,
    hash: String,
    people: Vec<Person>,
}

impl Office<'_> {
    fn organization(
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
    fn license(
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

    fn site(
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

    fn scale(
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

    fn hire(&mut self, of: &Company, job: &Job) -> std::result::Result<Person, DemoError> {
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

    fn station(
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

    fn worker(
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

struct StationPlan {
    name: &'static str,
    district: &'static str,
    place: (f64, f64),
    scales: usize,
    operator: (&'static str, &'static str),
    checker: (&'static str, &'static str),
}

fn company(name: &str, code: &str, kind: &str, district: &str, address: &str) -> Value {
    json!({ "name": name, "credit_code": code, "kinds": [kind], "district_code": district, "address": address })
}

const A: &str = "南通平安燃气有限公司";
const B: &str = "海门瑞丰液化气有限公司";
const D: &str = "崇川便民供气服务部";
const I: &str = "南通市特种气瓶检验站";
const R: &str = "南通市市场监督管理局";

impl Cast {
    /// Enters everybody.
    pub fn enter(app: &App, calendar: &Calendar) -> std::result::Result<Self, DemoError> {
        let mut office = begin(app, calendar)?;
        challenge_policy(&office)?;
        let regulator_body = json!({ "name": R, "credit_code": "11320600MB0A0001R1", "kinds": ["regulator"],
            "authority": "market_supervision", "district_code": "320600", "address": "南通市崇川区工农南路150号" });
        let authority = office.organization(regulator_body, R, ("shijian-admin", "钱卫国"))?;
        let regulator = office.hire(
            &authority,
            &Job {
                username: "jianguan",
                name: "周正明",
                role: "regulator",
                site_id: None,
                certificate: None,
            },
        )?;
        let (first, second, expired_scale, uncertified) = first_filler(&mut office)?;
        let third = second_filler(&mut office)?;
        let distributor_worker = distributor(&mut office, &first)?;
        let inspector = agency(&mut office)?;
        Ok(Self {
            stations: [first, second, third],
            expired_scale,
            uncertified,
            distributor_worker,
            inspector,
            regulator,
            people: office.people,
        })
    }

    /// Ends the sessions that wrote the history.
    pub fn sign_out(&self, app: &App) -> std::result::Result<(), DemoError> {
        let mut conn = app.pool.get()?;
        for person in &self.people {
            revoke_sessions_of(&mut conn, person.id, None, "the history was written", app.clock.now())?;
        }
        Ok(())
    }
}

fn begin<'a>(app: &'a App, calendar: &'a Calendar) -> std::result::Result<Office<'a>, DemoError> {
    let password = PASSWORD.into();
    let name = Text::new("admin").map_err(|_| DemoError::Missing("a name for the admin"))?;
    let mut conn = app.pool.get()?;
    let root = office::create_first_admin(&mut conn, &name, &password, &*app.ids, app.now())?;
    let root = Person {
        username: "admin",
        name: "平台管理员",
        role: "platform_admin",
        organization: "Pingma 瓶码",
        id: root.id,
        credential: session(app, &mut conn, root.id)?,
    };
    Ok(Office {
        app,
        calendar,
        // Hashed once for all: they share one password that is printed anyway.
        hash: office::hash_password(&password, "admin", "/password", &*app.ids)?,
        people: vec![root.clone()],
        root,
    })
}

/// At station 1 nobody is asked for the stamp, so that the walk-through gives the same answers every time.
fn challenge_policy(office: &Office<'_>) -> std::result::Result<(), DemoError> {
    let new = read(
        json!({ "value": 0.0, "effective_on": office.calendar.day(-super::DAYS), "district_code": "320613",
        "reason": "演示：一号站不抽问钢印，使演示结果每次相同 / demo: no stamp challenges at station 1, so that the walk-through gives the same answers every time" }),
    )?;
    office.app.write(&office.root.call(), Action::WritePolicy, |s| {
        office::set_policy(s, "stamp_challenge_rate", &new)
    })?;
    Ok(())
}

type FirstFiller = (Station, Station, ScaleId, Person);

fn first_filler(office: &mut Office<'_>) -> std::result::Result<FirstFiller, DemoError> {
    let body = company(A, "91320613MA1DEMOA01", "filler", "320613", "南通市崇川区江海大道88号");
    let a = office.organization(body, A, ("pingan-admin", "李建华"))?;
    office.license(&a, "filling", "TS423206001-2027", 400)?;
    office.license(&a, "gas_business", "苏燃经通字第0001号", 600)?;
    let worker = office.worker(&a, "pingan-songqi", "孙小军", None)?;
    let plan = StationPlan {
        name: "平安一站（崇川）",
        district: "320613",
        place: (31.981, 120.894),
        scales: 12,
        operator: ("chongzhuang", "王大力"),
        checker: ("jiancha", "陈细心"),
    };
    let first = office.station(&a, &plan, &worker)?;
    let expired_scale = office.scale(&a, first.site_id, plan.scales + 1, -40)?;
    let uncertified = office.hire(
        &a,
        &Job {
            username: "chongzhuang2",
            name: "赵国强",
            role: "fill_operator",
            site_id: Some(first.site_id),
            certificate: Some(("filling", -30)),
        },
    )?;
    office.hire(
        &a,
        &Job {
            username: "pingan-cangku",
            name: "吴桂芳",
            role: "warehouse",
            site_id: Some(first.site_id),
            certificate: None,
        },
    )?;
    let plan = StationPlan {
        name: "平安二站（通州）",
        district: "320612",
        place: (32.064, 121.075),
        scales: 8,
        operator: ("erzhan-chongzhuang", "马志远"),
        checker: ("erzhan-jiancha", "朱红梅"),
    };
    let second = office.station(&a, &plan, &worker)?;
    Ok((first, second, expired_scale, uncertified))
}

fn second_filler(office: &mut Office<'_>) -> std::result::Result<Station, DemoError> {
    let body = company(B, "91320614MA1DEMOB02", "filler", "320614", "南通市海门区长江路266号");
    let b = office.organization(body, B, ("ruifeng-admin", "黄海燕"))?;
    // About to expire.
    office.license(&b, "filling", "TS423206002-2026", 20)?;
    office.license(&b, "gas_business", "苏燃经通字第0002号", 500)?;
    let worker = office.worker(&b, "ruifeng-songqi", "徐卫东", None)?;
    let plan = StationPlan {
        name: "瑞丰充装站（海门）",
        district: "320614",
        place: (31.893, 121.176),
        scales: 8,
        operator: ("ruifeng-chongzhuang", "高建军"),
        checker: ("ruifeng-jiancha", "林秀英"),
    };
    office.station(&b, &plan, &worker)
}

fn distributor(office: &mut Office<'_>, first: &Station) -> std::result::Result<Person, DemoError> {
    let body = company(D, "91320613MA1DEMOD03", "distributor", "320613", "南通市崇川区城港路12号");
    let d = office.organization(body, D, ("bianmin-admin", "何丽萍"))?;
    office.license(&d, "gas_business", "苏燃经通字第0003号", 450)?;
    let shop = office.site(&d, "supply_point", "便民供应站", "320613", (32.015, 120.858))?;
    let worker = office.worker(&d, "songqi", "刘飞", Some(shop))?;
    let new = read(json!({ "distributor_id": d.id, "number": "GQXY-0001",
        "valid_from": office.calendar.day(-super::DAYS), "valid_to": office.calendar.day(365) }))?;
    office.app.write(&first.admin.call(), Action::WriteAgreement, |s| office::create_agreement(s, &new))?;
    Ok(worker)
}

fn agency(office: &mut Office<'_>) -> std::result::Result<Person, DemoError> {
    let body = company(I, "12320600MB0DEMOI04", "inspection_agency", "320600", "南通市崇川区通富路8号");
    let i = office.organization(body, I, ("jianyan-admin", "罗敏"))?;
    office.license(&i, "inspection", "TS7632006-2028", 700)?;
    let site = office.site(&i, "inspection_site", "检验车间", "320613", (31.992, 120.951))?;
    office.hire(
        &i,
        &Job {
            username: "jianyan",
            name: "郑严",
            role: "inspector",
            site_id: Some(site),
            certificate: Some(("inspection", 350)),
        },
    )
}
