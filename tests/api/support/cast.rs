//! The people and things that most tests need. Organizations and equipment are entered through the API; people get their
//! sessions straight from the database, because hashing passwords would take most of the time of the tests.

use pingma::db::registry::UserRow;
use pingma::db::sessions::SessionRow;
use pingma::domain::actor::Role;
use pingma::domain::id::UserId;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::TestApp;

/// A small world: a platform admin, two fillers, a distributor, an agency, regulators here and elsewhere.
pub struct Cast {
    /// `Authorization` of a platform admin.
    pub admin: String,
    /// A regulator (market supervision) of district 320600.
    pub regulator: String,
    /// A regulator of another district, 110000.
    pub regulator_elsewhere: String,
    /// A filler in 320602.
    pub filler: Company,
    /// Another filler in 320602.
    pub rival: Company,
    /// A distributor in 320602.
    pub distributor: Company,
    /// An inspection agency in 320600.
    pub agency: Company,
}

/// A company with its people.
#[derive(Debug, Clone)]
pub struct Company {
    /// Its id.
    pub id: String,
    /// Its site.
    pub site: String,
    /// Its scale; empty for those that fill nothing.
    pub scale: String,
    /// `Authorization` of its admin.
    pub admin: String,
    /// `Authorization` of its worker: operator, delivery worker or inspector.
    pub worker: String,
    /// The worker's user id.
    pub worker_id: String,
    /// `Authorization` of its fill checker; empty for those that fill nothing.
    pub checker: String,
    /// The checker's user id.
    pub checker_id: String,
}

/// Makes a user with a session; returns their id and `Authorization`.
pub fn sign_in(app: &TestApp, organization: &str, roles: &[Role], site: Option<&str>) -> (String, String) {
    let now = app.now();
    let id: UserId = app.app.ids.id(now);
    let mut conn = app.conn();
    let user = UserRow {
        id,
        organization_id: organization.parse().expect("an id"),
        username: format!("u{}", id.uuid().simple()),
        password_hash: "$argon2id$none".to_owned(),
        display_name: "测试 Person".to_owned(),
        roles: roles.to_vec().into(),
        site_id: site.map(|site| site.parse().expect("an id")),
        active: true,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    user.insert(&mut conn).expect("a user");
    (id.to_string(), session_of(app, id))
}

/// A new session of a user; its `Authorization`. Tokens live ten minutes: ask again after moving the clock.
pub fn session_of(app: &TestApp, id: UserId) -> String {
    let now = app.now();
    let session = SessionRow {
        id: app.app.ids.id(now),
        user_id: id,
        created_at: now,
        expires_at: now.plus_seconds(30 * 86_400),
        revoked_at: None,
        revoked_for: None,
    };
    session.insert(&mut app.conn()).expect("a session");
    let (token, _) = app.app.tokens.issue(id, session.id, now).expect("a token");
    format!("Bearer {}", token.expose_secret())
}

impl Cast {
    /// Enters everybody.
    pub async fn enter(app: &TestApp) -> Self {
        let mut conn = app.conn();
        let moment = app.app.now();
        let name = pingma::domain::value::Text::new("root").expect("a name");
        let root = pingma::app::registry::create_first_admin(
            &mut conn,
            &name,
            &"correct-horse-7".into(),
            &*app.app.ids,
            moment,
        )
        .expect("a first admin");
        let admin = session_of(app, root.id);
        let regulator = enter_regulator(app, &admin, "320600", "91320600MA1AAAAA0R").await;
        let regulator_elsewhere = enter_regulator(app, &admin, "110000", "91110000MA1AAAAA0R").await;
        let filler = enter_filler(app, &admin, "南通平安燃气有限公司", "91320602MA1AAAAA01").await;
        let rival = enter_filler(app, &admin, "海门瑞丰燃气有限公司", "91320602MA1AAAAA02").await;
        let distributor = enter_distributor(app, &admin).await;
        let agency = enter_agency(app, &admin).await;
        Self { admin, regulator, regulator_elsewhere, filler, rival, distributor, agency }
    }
}

async fn enter_regulator(app: &TestApp, admin: &str, district: &str, credit_code: &str) -> String {
    let body = json!({ "name": format!("市场监督管理局 {district}"), "credit_code": credit_code, "kinds": ["regulator"],
        "authority": "market_supervision", "district_code": district });
    let id = created(app, "POST /api/v1/organizations", admin, body).await;
    sign_in(app, &id, &[Role::Regulator], None).1
}

/// Sends and returns the id of what was made.
pub async fn created(app: &TestApp, line: &str, auth: &str, body: Value) -> String {
    let reply = app.send(line, auth, body).await.expect(201);
    reply["id"].as_str().expect("an id").to_owned()
}

/// An organization with a license; its id.
async fn organization(
    app: &TestApp,
    admin: &str,
    name: &str,
    credit_code: &str,
    kind: &str,
    license: Value,
) -> String {
    let body =
        json!({ "name": name, "credit_code": credit_code, "kinds": [kind], "district_code": "320602" });
    let id = created(app, "POST /api/v1/organizations", admin, body).await;
    created(app, &format!("POST /api/v1/organizations/{id}/licenses"), admin, license).await;
    id
}

fn license(kind: &str, number: &str) -> Value {
    json!({ "kind": kind, "number": number, "issuer": "江苏省市场监督管理局", "valid_from": "2024-01-01",
        "valid_to": "2027-12-31", "media": ["lpg"], "districts": ["3206"] })
}

async fn site(app: &TestApp, auth: &str, organization: &str, kind: &str) -> String {
    let body =
        json!({ "organization_id": organization, "kind": kind, "name": "一站", "district_code": "320602" });
    created(app, "POST /api/v1/sites", auth, body).await
}

/// Enters a certificate.
pub async fn certify(app: &TestApp, auth: &str, user: &str, kind: &str) -> String {
    let body = json!({ "kind": kind, "number": format!("{kind}-{user}"), "issuer": "南通市市场监督管理局",
        "valid_from": "2024-01-01", "valid_to": "2027-12-31" });
    created(app, &format!("POST /api/v1/users/{user}/certificates"), auth, body).await
}

/// Enters a filler.
pub async fn enter_filler(app: &TestApp, admin: &str, name: &str, credit_code: &str) -> Company {
    let number = format!("TS4232{}", &credit_code[credit_code.len() - 4..]);
    let id = organization(app, admin, name, credit_code, "filler", license("filling", &number)).await;
    let (_, own_admin) = sign_in(app, &id, &[Role::OrgAdmin], None);
    let site = site(app, &own_admin, &id, "filling_station").await;
    let scale = created(
        app,
        "POST /api/v1/scales",
        &own_admin,
        json!({ "site_id": site, "name": "1号秤", "serial_no": "S-1", "medium": "lpg", "calibration_valid_to": "2027-01-31" }),
    )
    .await;
    let (worker_id, worker) = sign_in(app, &id, &[Role::FillOperator], Some(&site));
    certify(app, &own_admin, &worker_id, "filling").await;
    let (checker_id, checker) = sign_in(app, &id, &[Role::FillChecker], Some(&site));
    Company { id, site, scale, admin: own_admin, worker, worker_id, checker, checker_id }
}

async fn enter_distributor(app: &TestApp, admin: &str) -> Company {
    let gas = license("gas_business", "苏燃经 0001");
    let id = organization(app, admin, "通州便民供气站", "91320602MA1AAAAA03", "distributor", gas).await;
    let (_, own_admin) = sign_in(app, &id, &[Role::OrgAdmin], None);
    let site = site(app, &own_admin, &id, "supply_point").await;
    let (worker_id, worker) = sign_in(app, &id, &[Role::DeliveryWorker], Some(&site));
    certify(app, &own_admin, &worker_id, "gas_delivery").await;
    plain(id, site, own_admin, worker, worker_id)
}

async fn enter_agency(app: &TestApp, admin: &str) -> Company {
    let approved = license("inspection", "TS7632001");
    let id =
        organization(app, admin, "南通气瓶检验站", "91320602MA1AAAAA04", "inspection_agency", approved).await;
    let (_, own_admin) = sign_in(app, &id, &[Role::OrgAdmin], None);
    let site = site(app, &own_admin, &id, "inspection_site").await;
    let (worker_id, worker) = sign_in(app, &id, &[Role::Inspector], Some(&site));
    certify(app, &own_admin, &worker_id, "inspection").await;
    plain(id, site, own_admin, worker, worker_id)
}

fn plain(id: String, site: String, admin: String, worker: String, worker_id: String) -> Company {
    Company {
        id,
        site,
        scale: String::new(),
        admin,
        worker,
        worker_id,
        checker: String::new(),
        checker_id: String::new(),
    }
}

/// A good cylinder of a company; change members before sending where a test wants another.
pub fn cylinder(owner: &str, serial_no: &str) -> Value {
    json!({ "owner_id": owner, "registration_code": format!("32A{serial_no:0>8}"),
        "manufacturer": { "code": "ABC", "name": "江苏民生特种设备", "license_no": "TS2210001" },
        "serial_no": serial_no, "model": "YSP35.5", "tare_g": 16_500, "manufactured_on": "2024-05",
        "design_life_months": 96, "shroud": "welded", "filler_mark": true, "purchased_on": "2024-06-01",
        "insurance": { "policy_no": "P-1", "insurer": "人保财险", "valid_from": "2026-01-01", "valid_to": "2026-12-31" } })
}

/// Registers a good cylinder; its answer.
pub async fn register(app: &TestApp, company: &Company, serial_no: &str) -> Value {
    app.send("POST /api/v1/cylinders", &company.admin, cylinder(&company.id, serial_no)).await.expect(201)
}

/// The body of a good fill check.
pub fn check(code: &str, scale: &str) -> Value {
    json!({ "code": code, "scale_id": scale, "scale_g": 16_700, "entry": "scanned",
        "precheck": { "body": "pass", "valve": "pass", "shroud": "pass", "foot_ring": "pass", "markings": "pass",
            "color": "pass", "residual_pressure": "pass" } })
}

/// Sets the share of stamp challenges; most tests want none.
pub async fn challenge_rate(app: &TestApp, admin: &str, rate: f64) {
    let body = json!({ "value": rate, "effective_on": "2026-06-15", "reason": "for a test" });
    app.send("PUT /api/v1/policies/stamp_challenge_rate", admin, body).await.expect(200);
}
