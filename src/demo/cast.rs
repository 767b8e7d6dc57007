//! The companies and people of the city.

use serde_json::{Value, json};

use super::city::Calendar;
use super::office::{Job, Office, StationPlan, read, session};
use super::{DemoError, PASSWORD};
use crate::app::App;
use crate::app::registry as office;
use crate::auth::permission::Action;
use crate::db::sessions::revoke_sessions_of;
use crate::domain::actor::Credential;
use crate::domain::id::{OrganizationId, ScaleId, SiteId, UserId};
use crate::domain::value::Text;
use crate::ledger::Call;

/// Somebody with a login.
#[derive(Debug, Clone)]
pub(super) struct Person {
    pub username: &'static str,
    pub name: &'static str,
    pub role: &'static str,
    pub organization: &'static str,
    pub id: UserId,
    pub credential: Credential,
}

impl Person {
    /// A call of theirs.
    pub fn call(&self) -> Call {
        Call::plain(self.credential, "demo")
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
            revoke_sessions_of(&mut conn, person.id, "the history was written", app.clock.now())?;
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
