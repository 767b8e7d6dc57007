//! No sequence of calls gets gas into a cylinder while a rule forbids it. What forbids it is written down here a second time, as
//! plain conditions on what the test itself did.

mod parts;

use serde_json::{Value, json};

use parts::{Bottle, Told, Try};

use crate::both;
use crate::support::app::Reply;
use crate::support::cast::{certify, challenge_rate, check, created, cylinder, sign_in};
use crate::support::chance::Chance;
use crate::support::driver::{Driver, Service};
use crate::support::{Cast, TestApp};
use pingma::domain::actor::Role;
use pingma::domain::instant::Instant;

/// Sequences by their seeds, and their length.
const SEEDS: [u64; 3] = [3, 31, 314];
const CALLS: usize = 220;

both! {
    async fn nothing_is_filled_while_a_rule_forbids_it(app) {
        let driver = Driver::new(&app, app.service().await);
        let mut world = World::enter(&app).await;
        let mut told = Told::default();
        for seed in SEEDS {
            let mut chance = Chance::new(seed);
            world.restock(&driver, seed).await;
            for _ in 0..CALLS {
                world.disturb(&driver, &mut chance).await;
                world.try_to_fill(&driver, &mut chance, &mut told).await;
            }
        }
        // A closed company stays closed, so this comes last.
        world.set_company(&driver, "closed").await;
        let mut chance = Chance::new(1);
        for _ in 0..20 {
            world.try_to_fill(&driver, &mut chance, &mut told).await;
        }
        app.verify();
        assert!(told.allowed >= 15 && told.forbidden >= 200, "too little happened to mean anything: {told:?}");
    }
}

struct World {
    cast: Cast,
    license: String,
    certificates: [String; 2],
    operators: [String; 2],
    /// Ours, ours, ours for another medium, ours at another site, the rival's.
    scales: [String; 5],
    bottles: Vec<Bottle>,
    license_ok: bool,
    company: &'static str,
    certified: [bool; 2],
    calibrated: bool,
    now: i64,
    /// The cylinder whose permit each scale gave last.
    on_scale: [Option<usize>; 5],
}

const DAY: i64 = 86_400;

/// Another member than our models have: such a cylinder has a model that we don't know, with all members told.
fn unlisted(body: &mut Value, member: &str, value: &str) {
    let told = json!({ "model": "OTHER-35", "medium": "lpg", "phase": "gas", "water_capacity_ml": 35_500, "max_fill_g": 14_900,
        "working_pressure_kpa": 2_100, "test_pressure_kpa": 3_200 });
    for (name, told) in told.as_object().expect("an object") {
        body[name] = told.clone();
    }
    body[member] = json!(value);
}

fn day(at: i64) -> String {
    let there = chrono::DateTime::from_timestamp(at + 8 * 3_600, 0).expect("in range");
    there.format("%Y-%m-%d").to_string()
}

/// The id of the one thing in a list.
async fn only_id(app: &TestApp, path: &str, auth: &str) -> String {
    let list = app.get(path, auth).await.expect(200);
    list["items"][0]["id"].as_str().expect("an id").to_owned()
}

impl World {
    async fn enter(app: &TestApp) -> Self {
        let cast = Cast::enter(app).await;
        challenge_rate(app, &cast.admin, 0.0).await;
        let boss = &cast.filler.admin;
        let scale = |site: &str, number: &str, medium: &str| json!({ "site_id": site, "name": number, "serial_no": number, "medium": medium, "calibration_valid_to": "2027-12-31" });
        let yard = json!({ "organization_id": cast.filler.id, "kind": "filling_station", "name": "二站", "district_code": "320602" });
        let yard = created(app, "POST /api/v1/sites", boss, yard).await;
        let second = created(app, "POST /api/v1/scales", boss, scale(&cast.filler.site, "S-2", "lpg")).await;
        let dme = created(app, "POST /api/v1/scales", boss, scale(&cast.filler.site, "S-3", "dme")).await;
        let away = created(app, "POST /api/v1/scales", boss, scale(&yard, "S-4", "lpg")).await;
        let (id, operator) = sign_in(app, &cast.filler.id, &[Role::FillOperator], Some(&cast.filler.site));
        let other = certify(app, boss, &id, "filling").await;
        let licenses = format!("/api/v1/organizations/{}/licenses", cast.filler.id);
        let certificates = format!("/api/v1/users/{}/certificates", cast.filler.worker_id);
        Self {
            license: only_id(app, &licenses, &cast.admin).await,
            certificates: [only_id(app, &certificates, &cast.admin).await, other],
            operators: [cast.filler.worker.clone(), operator],
            scales: [cast.filler.scale.clone(), second, dme, away, cast.rival.scale.clone()],
            bottles: Vec::new(),
            license_ok: true,
            company: "active",
            certified: [true; 2],
            calibrated: true,
            now: app.now().micros() / 1_000_000,
            on_scale: [None; 5],
            cast,
        }
    }

    /// New cylinders, good ones and each kind of bad one, so that a sequence does not end with scrap only.
    async fn restock<S: Service>(&mut self, driver: &Driver<'_, S>, seed: u64) {
        let flaws = [
            None,
            None,
            None,
            None,
            Some("rival"),
            Some("registration"),
            Some("dual"),
            Some("threaded"),
            Some("refurbished"),
            Some("mark"),
            Some("dme"),
            Some("overdue"),
            Some("soon"),
        ];
        self.set_company(driver, "active").await;
        self.bottles.clear();
        self.on_scale = [None; 5];
        for (number, flaw) in flaws.into_iter().enumerate() {
            let owner = if flaw == Some("rival") { &self.cast.rival } else { &self.cast.filler };
            let mut body = cylinder(&owner.id, &format!("N{seed}{number:04}"));
            let mut good_until = "2028-05-31";
            match flaw {
                Some("registration") => body["registration_code"] = Value::Null,
                Some("dual") => unlisted(&mut body, "phase", "dual"),
                Some("threaded") => body["shroud"] = json!("threaded"),
                Some("refurbished") => body["refurbished"] = json!(true),
                Some("mark") => body["filler_mark"] = json!(false),
                Some("dme") => unlisted(&mut body, "medium", "dme"),
                Some("overdue" | "soon") => {
                    let made = if flaw == Some("soon") { "2022-07" } else { "2022-05" };
                    good_until = if flaw == Some("soon") { "2026-07-31" } else { "2026-05-31" };
                    body["manufactured_on"] = json!(made);
                }
                _ => {}
            }
            let made = driver.send("POST /api/v1/cylinders", &owner.admin, body).await.expect(201);
            let text = |name: &str| made[name].as_str().expect(name).to_owned();
            self.bottles.push(Bottle {
                id: text("id"),
                codes: vec![text("code")],
                flaw: flaw.filter(|flaw| !["dme", "overdue", "soon"].contains(flaw)),
                good_until,
                lpg: flaw != Some("dme"),
                rivals: flaw == Some("rival"),
                ..Bottle::default()
            });
        }
    }

    async fn set_company<S: Service>(&mut self, driver: &Driver<'_, S>, status: &'static str) {
        let line = format!("PATCH /api/v1/organizations/{}", self.cast.filler.id);
        let reply = driver.send(&line, &self.cast.admin, json!({ "status": status })).await;
        reply.expect(200);
        self.company = status;
    }

    /// Something happens that forbids fills or lets them be again. Good again is likelier, so that something is allowed.
    async fn disturb<S: Service>(&mut self, driver: &Driver<'_, S>, chance: &mut Chance) {
        let at = chance.below(self.bottles.len());
        match chance.below(12) {
            0 => {
                let status = if self.license_ok && chance.one_in(4) { "suspended" } else { "valid" };
                let line = format!("PATCH /api/v1/licenses/{}", self.license);
                let body = json!({ "status": status, "reason": "检查" });
                driver.send(&line, &self.cast.regulator, body).await.expect(200);
                self.license_ok = status == "valid";
            }
            1 => {
                let status = if self.company == "active" {
                    chance.of(&["active", "active", "suspended"])
                } else {
                    "active"
                };
                self.set_company(driver, status).await;
            }
            2 => {
                let who = chance.below(2);
                let status = if self.certified[who] && chance.one_in(3) { "suspended" } else { "valid" };
                let line = format!("PATCH /api/v1/certificates/{}", self.certificates[who]);
                let body = json!({ "status": status, "reason": "检查" });
                driver.send(&line, &self.cast.regulator, body).await.expect(200);
                self.certified[who] = status == "valid";
            }
            3 => {
                let good = !self.calibrated || !chance.one_in(3);
                let line = format!("PATCH /api/v1/scales/{}", self.scales[0]);
                let end = if good { "2027-12-31".to_owned() } else { day(self.now - DAY) };
                driver
                    .send(&line, &self.cast.admin, json!({ "calibration_valid_to": end }))
                    .await
                    .expect(200);
                self.calibrated = good;
            }
            4 | 5 => self.act_on(driver, chance, at).await,
            6 | 7 => {
                let line = "POST /api/v1/returns";
                let code = self.bottles[at].codes.last().expect("a code").clone();
                let reply = driver.send(line, &self.operators[0], json!({ "code": code })).await;
                if reply.status == 201 {
                    // It never was anywhere but with its owner: this brings it home, and lifts nothing.
                    self.bottles[at].permit = None;
                }
            }
            8..=10 => {
                let seconds = chance.of(&[1, 60, 300, 601, 20_000, 43_199, DAY]);
                driver.app.clock.advance(seconds);
                self.now += seconds;
            }
            _ => {}
        }
    }

    /// The regulator, the owner or an agency does something with a cylinder.
    async fn act_on<S: Service>(&mut self, driver: &Driver<'_, S>, chance: &mut Chance, at: usize) {
        let id = self.bottles[at].id.clone();
        let owner = if self.bottles[at].rivals { &self.cast.rival } else { &self.cast.filler };
        let paper = json!({ "document_no": "D-1", "reason": "检查" });
        let reason = json!({ "reason": "检查" });
        let path = |verb: &str, what: &str| format!("{verb} /api/v1/cylinders/{id}/{what}");
        let ok = |reply: &Reply| {
            assert!([201, 409, 403].contains(&reply.status), "{}", reply.text());
            reply.status == 201
        };
        let regulator = &self.cast.regulator;
        let (deed, reply) = match chance.below(14) {
            0 => ("seize", driver.send(&path("POST", "seizures"), regulator, paper).await),
            1..=2 => ("black", driver.send(&path("POST", "blacklistings"), regulator, paper).await),
            3..=6 => ("white", driver.send(&path("DELETE", "blacklistings"), regulator, paper).await),
            7 => ("lose", driver.send(&path("POST", "losses"), &owner.admin, reason).await),
            8..=10 => ("recover", driver.send(&path("POST", "recoveries"), &owner.admin, reason).await),
            11..=12 => ("label", driver.send(&path("POST", "labels"), &owner.admin, reason).await),
            _ => {
                let code = self.bottles[at].codes.last().expect("a code");
                let line = format!("POST /api/v1/cylinders/{code}/scrappings");
                driver.send("POST /api/v1/returns", &self.cast.agency.worker, json!({ "code": code })).await;
                ("scrap", driver.send(&line, &self.cast.agency.worker, paper).await)
            }
        };
        if !ok(&reply) {
            return;
        }
        let bottle = &mut self.bottles[at];
        match deed {
            "seize" => bottle.seized = true,
            "black" => bottle.blacklisted = true,
            "white" => bottle.blacklisted = false,
            "lose" => bottle.lost = true,
            "recover" => bottle.lost = false,
            "scrap" => bottle.scrapped = true,
            _ => {
                let code = reply.json()["label"]["code"].as_str().expect("a code").to_owned();
                bottle.codes.push(code);
            }
        }
        if !["white", "recover"].contains(&deed) {
            bottle.permit = None;
        }
    }

    /// Why this check must be refused, by what was done.
    fn forbidden(&self, try_: &Try) -> Option<&'static str> {
        let bottle = &self.bottles[try_.at];
        let today = day(self.now);
        let open = |at: usize, scale: usize| {
            let permit = self.bottles[at].permit?;
            (permit.0 == scale && self.on_scale[scale] == Some(at) && self.now <= permit.2).then_some(permit)
        };
        let elsewhere = bottle.permit.is_some_and(|(scale, who, _)| {
            open(try_.at, scale).is_some() && (scale != try_.scale || who != try_.who)
        });
        let busy = self.on_scale[try_.scale]
            .and_then(|other| open(other, try_.scale))
            .is_some_and(|permit| permit.1 != try_.who);
        let conditions = [
            (bottle.flaw.is_some(), "a flaw of its own"),
            (today.as_str() > bottle.good_until, "overdue"),
            (bottle.scrapped, "scrapped"),
            (bottle.seized, "seized"),
            (bottle.blacklisted, "blacklisted"),
            (bottle.lost, "lost"),
            (try_.label + 1 != bottle.codes.len(), "an old label"),
            (try_.forged, "a forged label"),
            (try_.scale == 2 || !bottle.lpg, "another medium"),
            (try_.scale >= 3, "a scale that is not there"),
            (try_.scale == 0 && !self.calibrated, "a scale that is not calibrated"),
            (!self.license_ok, "no license"),
            (self.company != "active", "not an active company"),
            (!self.certified[try_.who], "no certificate"),
            (try_.spoiled.is_some_and(|how| how < 5), "a check that did not pass"),
            (elsewhere, "on another scale or with another operator"),
            (busy, "the scale waits for somebody else"),
            (bottle.filled_at.is_some_and(|at| self.now - at < 12 * 3_600), "just filled"),
        ];
        conditions.into_iter().find_map(|(holds, why)| holds.then_some(why))
    }

    async fn try_to_fill<S: Service>(
        &mut self,
        driver: &Driver<'_, S>,
        chance: &mut Chance,
        told: &mut Told,
    ) {
        let try_ = self.some_try(chance);
        let forbidden = self.forbidden(&try_);
        let bottle = &self.bottles[try_.at];
        let mut code = bottle.codes[try_.label].clone();
        if try_.forged {
            let end = if code.ends_with('0') { "1" } else { "0" };
            code.replace_range(28.., end);
        }
        let mut body = check(&code, &self.scales[try_.scale]);
        try_.spoil(&mut body);
        let reply = driver.send("POST /api/v1/fill-checks", &self.operators[try_.who], body).await;
        let answer = reply.expect(200);
        let allowed = answer["decision"] == "allowed";
        assert_eq!(allowed, answer["permit"].is_object(), "{answer:#}");
        if let Some(why) = forbidden {
            assert_eq!(answer["decision"], "refused", "{why}: {answer:#}");
            told.forbidden += 1;
            let bottle = &mut self.bottles[try_.at];
            let own = |permit: &(usize, usize, i64)| (permit.0, permit.1) == (try_.scale, try_.who);
            if !try_.forged {
                bottle.permit = bottle.permit.filter(|permit| !own(permit));
            }
            return;
        }
        assert!(allowed, "nothing forbids it: {answer:#}");
        told.allowed += 1;
        let permit = &answer["permit"];
        let end = permit["expires_at"].as_str().and_then(|at| at.parse::<Instant>().ok()).expect("an end");
        self.bottles[try_.at].permit = Some((try_.scale, try_.who, end.micros() / 1_000_000));
        self.on_scale[try_.scale] = Some(try_.at);
        if chance.one_in(2) {
            self.fill(driver, &try_, &permit["id"]).await;
        }
    }

    async fn fill<S: Service>(&mut self, driver: &Driver<'_, S>, try_: &Try, permit: &Value) {
        driver.app.clock.advance(60);
        self.now += 60;
        let at = |seconds: i64| Instant::from_micros((self.now - seconds) * 1_000_000);
        let postcheck = json!({ "leak": "pass", "valve": "pass", "seal": "pass", "checker_id": self.cast.filler.checker_id });
        let body = json!({ "permit_id": permit, "gross_g": 31_300, "started_at": at(60), "finished_at": at(0), "postcheck": postcheck });
        let reply = driver.send("POST /api/v1/fills", &self.operators[try_.who], body).await;
        let late = self.bottles[try_.at].permit.is_none_or(|(.., end)| self.now - 60 > end);
        assert_eq!(reply.status, if late { 200 } else { 201 }, "{}", reply.text());
        if !late {
            self.bottles[try_.at].filled_at = Some(self.now);
            self.bottles[try_.at].permit = None;
        }
    }

    fn some_try(&self, chance: &mut Chance) -> Try {
        // The good ones come first; half of the tries are with them.
        let at = if chance.one_in(2) { chance.below(4) } else { chance.below(self.bottles.len()) };
        let labels = self.bottles[at].codes.len();
        Try {
            at,
            label: if chance.one_in(5) { chance.below(labels) } else { labels - 1 },
            scale: if chance.one_in(3) { chance.below(5) } else { chance.below(2) },
            who: usize::from(chance.one_in(3)),
            forged: chance.one_in(15),
            spoiled: chance.one_in(5).then(|| chance.below(6)),
        }
    }
}
