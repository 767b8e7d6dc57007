//! A world in which filler A has one object of every kind, and everybody else wants to see it.

use std::collections::HashMap;

use pingma::domain::actor::Role;
use pingma::domain::label_code::{LabelCode, LabelId};
use serde_json::{Value, json};

use super::cast::{Cast, Company, cylinder, enter_filler, sign_in};
use super::{TestApp, cast};

/// Every role.
pub const ROLES: [Role; 11] = [
    Role::PlatformAdmin,
    Role::OrgAdmin,
    Role::FillOperator,
    Role::FillChecker,
    Role::Warehouse,
    Role::Dispatcher,
    Role::DeliveryWorker,
    Role::Driver,
    Role::Inspector,
    Role::Regulator,
    Role::CustomerService,
];

/// Cylinders of filler A by what is to become of them, so that one call does not get in another's way.
const CYLINDERS: [&str; 19] = [
    "file", "label", "void", "life", "scrap", "seize", "black", "unblack", "lose", "recover", "propose",
    "approve", "reject", "held", "permit", "check", "handover", "return", "inspect",
];

/// How a cylinder is named in a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// By its id.
    Id,
    /// By its registration code.
    Registration,
    /// By its stamp.
    Stamp,
    /// By its label id and check character, as typed.
    Typed,
    /// By the whole code: the caller has the label before them.
    Scanned,
}

/// The world.
pub struct Holdings {
    /// The people.
    pub cast: Cast,
    /// A filler that takes cylinders over from A.
    pub receiver: Company,
    /// Ids of A's objects by name.
    ids: HashMap<&'static str, String>,
    cylinders: HashMap<&'static str, Value>,
    /// A code that we made and put on nothing.
    unbound: LabelCode,
    /// `Authorization` of a scale of A, in a shift.
    pub device: String,
    /// `Authorization` of a regulator of A's district who grants and seizes nothing (fire).
    pub fire: String,
    own: HashMap<Role, String>,
    rival: HashMap<Role, String>,
    agency: HashMap<Role, String>,
    /// What only A's people and their regulators may read.
    pub secrets: Vec<String>,
}

fn staff(app: &TestApp, company: &Company, cast: &Cast) -> HashMap<Role, String> {
    let auth = |role: Role| match role {
        Role::PlatformAdmin => cast.admin.clone(),
        Role::Regulator => cast.regulator.clone(),
        _ => sign_in(app, &company.id, &[role], Some(&company.site)).1,
    };
    ROLES.into_iter().map(|role| (role, auth(role))).collect()
}

impl Holdings {
    /// Builds it.
    pub async fn enter(app: &TestApp) -> Self {
        let cast = Cast::enter(app).await;
        cast::challenge_rate(app, &cast.admin, 0.0).await;
        let receiver = enter_filler(app, &cast.admin, "启东众兴燃气有限公司", "91320602MA1AAAAA05").await;
        let fire = json!({ "name": "消防救援支队", "credit_code": "91320600MA1AAAA0F1", "kinds": ["regulator"],
            "authority": "fire", "district_code": "320600" });
        let fire = cast::created(app, "POST /api/v1/organizations", &cast.admin, fire).await;
        let own = staff(app, &cast.filler, &cast);
        let mut world = Self {
            own: own.clone(),
            rival: staff(app, &cast.rival, &cast),
            agency: staff(app, &cast.agency, &cast),
            fire: sign_in(app, &fire, &[Role::Regulator], None).1,
            receiver,
            cast,
            ids: HashMap::new(),
            cylinders: HashMap::new(),
            unbound: app.app.keyring.mint(&LabelId::from_random([7; 5])),
            device: String::new(),
            secrets: ["南通平安", "TS4232AA01"].map(str::to_owned).to_vec(),
        };
        world.agency.insert(Role::Inspector, world.cast.agency.worker.clone());
        world.own.insert(Role::FillOperator, world.cast.filler.worker.clone());
        world.furnish(app).await;
        world.register(app).await;
        world.history(app).await;
        world
    }

    /// The id of an object of A.
    #[track_caller]
    pub fn id(&self, name: &str) -> &str {
        self.ids.get(name).unwrap_or_else(|| panic!("no {name} in this world"))
    }

    /// A member of a cylinder's file, as it was when registered.
    #[track_caller]
    pub fn cylinder(&self, name: &str, how: How) -> String {
        let file = self.cylinders.get(name).unwrap_or_else(|| panic!("no cylinder {name}"));
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        match how {
            How::Id => text(&file["id"]),
            How::Registration => format!("reg:{}", text(&file["registration_code"])),
            How::Stamp => format!("stamp:ABC:{}", text(&file["serial_no"])),
            How::Typed => text(&file["label"]["typed"]),
            How::Scanned => text(&file["code"]),
        }
    }

    /// A reference to a cylinder that does not exist.
    pub fn no_cylinder(&self, how: How) -> String {
        match how {
            How::Id => "019a0000-0000-7000-8000-000000000001".to_owned(),
            How::Registration => "reg:32A99990000".to_owned(),
            How::Stamp => "stamp:ABC:ZZ9999".to_owned(),
            How::Typed => self.unbound.id.typed(),
            How::Scanned => self.unbound.to_string(),
        }
    }

    /// `Authorization` of a role at filler A; platform admin and regulator of the district as they are.
    pub fn own(&self, role: Role) -> &str {
        &self.own[&role]
    }

    /// The same at another filler.
    pub fn rival(&self, role: Role) -> &str {
        &self.rival[&role]
    }

    /// The same at the inspection agency.
    pub fn agency(&self, role: Role) -> &str {
        &self.agency[&role]
    }

    fn keep(&mut self, name: &'static str, id: String) {
        self.secrets.push(id.clone());
        self.ids.insert(name, id);
    }

    /// Reads the newest row of a list.
    async fn newest(&self, app: &TestApp, path: &str) -> String {
        let list = app.get(path, &self.cast.admin).await.expect(200);
        list["items"][0]["id"].as_str().expect("a row").to_owned()
    }

    async fn furnish(&mut self, app: &TestApp) {
        let a = self.cast.filler.clone();
        for (name, id) in [
            ("organization", &a.id),
            ("site", &a.site),
            ("scale", &a.scale),
            ("user", &a.worker_id),
            ("checker", &a.checker_id),
        ] {
            self.keep(name, id.clone());
        }
        let license = self.newest(app, &format!("/api/v1/organizations/{}/licenses", a.id)).await;
        self.keep("license", license);
        let certificate = self.newest(app, &format!("/api/v1/users/{}/certificates", a.worker_id)).await;
        self.keep("certificate", certificate);
        let body = json!({ "distributor_id": self.cast.distributor.id, "number": "GQ-77001", "valid_from": "2026-01-01", "valid_to": "2026-12-31" });
        let agreement = cast::created(app, "POST /api/v1/supply-agreements", &a.admin, body).await;
        self.keep("agreement", agreement);
        self.secrets.push("GQ-77001".to_owned());
        let body = json!({ "site_id": a.site, "name": "2号秤", "serial_no": "S-2", "medium": "lpg", "calibration_valid_to": "2027-01-31" });
        let spare = cast::created(app, "POST /api/v1/scales", &a.admin, body).await;
        for name in ["key0", "key1"] {
            let key =
                cast::created(app, &format!("POST /api/v1/scales/{spare}/keys"), &a.admin, json!(null)).await;
            self.keep(name, key);
        }
        self.keep("spare", spare);
        let key = app
            .send(&format!("POST /api/v1/scales/{}/keys", a.scale), &a.admin, json!(null))
            .await
            .expect(201);
        self.device = format!("Device {}", key["key"].as_str().expect("a key"));
        app.send(&format!("POST /api/v1/scales/{}/shift", a.scale), &a.worker, json!(null)).await.expect(200);
    }

    async fn register(&mut self, app: &TestApp) {
        let a = self.cast.filler.clone();
        for (index, name) in CYLINDERS.into_iter().enumerate() {
            let body = cylinder(&a.id, &format!("AA{index:04}"));
            let file = app.send("POST /api/v1/cylinders", &a.admin, body).await.expect(201);
            for value in [&file["id"], &file["code"], &file["label"]["id"], &file["registration_code"]] {
                self.secrets.push(value.as_str().expect("a text").to_owned());
            }
            self.cylinders.insert(name, file);
        }
    }

    async fn history(&mut self, app: &TestApp) {
        let a = self.cast.filler.clone();
        let document = json!({ "document_no": "D-1", "reason": "查处" });
        let line = |what: &str, name: &str, of: &Self| {
            format!("POST /api/v1/cylinders/{}/{what}", of.cylinder(name, How::Id))
        };
        app.send(&line("blacklistings", "unblack", self), &self.cast.regulator, document).await.expect(201);
        app.send(&line("losses", "recover", self), &a.admin, json!({ "reason": "被盗" })).await.expect(201);
        for name in ["approve", "reject"] {
            let body = json!({ "new_owner_id": self.receiver.id, "reason": "转让", "document_no": format!("ZR-77{name}") });
            let change = cast::created(app, &line("owner-changes", name, self), &a.admin, body).await;
            self.keep(name, change);
        }
        for name in ["inspect", "life", "scrap"] {
            let receipt = json!({ "code": self.cylinder(name, How::Scanned) });
            app.send("POST /api/v1/returns", &self.cast.agency.worker, receipt).await.expect(201);
        }
        let permit = self.permit(app, "held").await;
        app.clock.advance(90);
        let now = app.now().to_string();
        let fill = json!({ "permit_id": permit, "gross_g": 31_300, "started_at": "2026-06-15T04:00:10Z", "finished_at": now });
        let fill = app.send("POST /api/v1/fills", &a.worker, fill).await.expect(201);
        assert_eq!(fill["status"], "held", "{fill:#}");
        self.keep("fill", fill["id"].as_str().expect("an id").to_owned());
        let permit = self.permit(app, "permit").await;
        self.keep("permit", permit);
    }

    async fn permit(&self, app: &TestApp, name: &str) -> String {
        let a = &self.cast.filler;
        let body = cast::check(&self.cylinder(name, How::Scanned), &a.scale);
        let answer = app.send("POST /api/v1/fill-checks", &a.worker, body).await.expect(200);
        assert_eq!(answer["decision"], "allowed", "{answer:#}");
        answer["permit"]["id"].as_str().expect("a permit").to_owned()
    }
}
