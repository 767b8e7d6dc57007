//! Plays random commands on a service and on the model, and compares after every one.

use chrono::NaiveDate;
use pingma::domain::actor::Role;
use pingma::domain::instant::Instant;
use serde_json::{Value, json};

use super::machine::{Acted, Checked, Holder, Machine, TARE_G};
use crate::support::app::Reply;
use crate::support::cast::{certify, challenge_rate, check, created, cylinder, sign_in};
use crate::support::chance::Chance;
use crate::support::driver::{Driver, Service};
use crate::support::{Cast, TestApp};

/// How much happened.
#[derive(Debug, Default)]
pub struct Counts {
    pub allowed: usize,
    pub filled: usize,
    pub handed_over: usize,
}

/// The names that one service gave to the things of the model.
#[derive(Default)]
struct Names {
    cylinders: Vec<String>,
    labels: Vec<Vec<String>>,
    permits: Vec<String>,
    fills: Vec<String>,
}

struct Play<'a, S> {
    driver: Driver<'a, S>,
    cast: Cast,
    license: String,
    scales: [String; 2],
    operators: [String; 2],
    chance: Chance,
    machine: Machine,
    names: Names,
    counts: Counts,
    story: Vec<Value>,
}

/// Plays; returns everything that was answered without the names that chance gave.
pub async fn play(app: &TestApp, seed: u64, commands: usize) -> (Vec<Value>, Counts) {
    let cast = Cast::enter(app).await;
    challenge_rate(app, &cast.admin, 0.0).await;
    let second = json!({ "site_id": cast.filler.site, "name": "2号秤", "serial_no": "S-2", "medium": "lpg", "calibration_valid_to": "2029-01-31" });
    let scale = created(app, "POST /api/v1/scales", &cast.filler.admin, second).await;
    app.send(
        &format!("PATCH /api/v1/scales/{}", cast.filler.scale),
        &cast.filler.admin,
        json!({ "calibration_valid_to": "2029-01-31" }),
    )
    .await
    .expect(200);
    let (id, operator) = sign_in(app, &cast.filler.id, &[Role::FillOperator], Some(&cast.filler.site));
    certify(app, &cast.filler.admin, &id, "filling").await;
    let agreement = json!({ "distributor_id": cast.distributor.id, "number": "G-1", "valid_from": "2026-01-01", "valid_to": "2029-12-31" });
    app.send("POST /api/v1/supply-agreements", &cast.filler.admin, agreement).await.expect(201);
    let licenses =
        app.get(&format!("/api/v1/organizations/{}/licenses", cast.filler.id), &cast.admin).await.expect(200);
    let mut play = Play {
        driver: Driver::new(app, app.service().await),
        license: licenses["items"][0]["id"].as_str().expect("an id").to_owned(),
        scales: [cast.filler.scale.clone(), scale],
        operators: [cast.filler.worker.clone(), operator],
        chance: Chance::new(seed),
        machine: Machine::new(app.now().micros() / 1_000_000),
        cast,
        names: Names::default(),
        counts: Counts::default(),
        story: Vec::new(),
    };
    for _ in 0..4 {
        play.register().await;
    }
    for number in 0..commands {
        play.step().await;
        if number % 50 == 49 {
            play.compare().await;
        }
    }
    app.verify();
    (play.story, play.counts)
}

/// Takes out what chance gave: ids, hashes, codes.
fn without_names(value: &Value) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .filter(|(name, _)| !["hash", "label", "request_id"].contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), without_names(value)))
            .collect(),
        Value::Array(items) => items.iter().map(without_names).collect(),
        Value::String(text) if text.parse::<uuid::Uuid>().is_ok() || text.len() == 29 => json!("<name>"),
        other => other.clone(),
    }
}

/// How often each command comes, in the order of [`Play::step`].
const DEEDS: [usize; 14] = [8, 32, 24, 5, 14, 10, 3, 3, 1, 2, 3, 2, 8, 10];

impl<S: Service> Play<'_, S> {
    async fn step(&mut self) {
        let mut pick = self.chance.below(DEEDS.iter().sum());
        let mut deed = 0;
        while pick >= DEEDS[deed] {
            pick -= DEEDS[deed];
            deed += 1;
        }
        match deed {
            0 => self.register().await,
            1 => self.check().await,
            2 => self.fill().await,
            3 => self.reweigh().await,
            4 => self.hand_over().await,
            5 | 6 => self.scan(deed == 5).await,
            7 => self.inspect().await,
            8 => self.seize().await,
            9 | 10 => self.stand(deed == 9).await,
            11 => self.replace_label().await,
            12 => self.judge().await,
            _ => self.pass_time(),
        }
    }

    fn tell(&mut self, deed: &str, reply: &Reply) {
        let entry = json!({ "deed": deed, "status": reply.status, "body": without_names(&reply.json()) });
        self.story.push(entry);
    }

    #[track_caller]
    fn expect(&mut self, deed: &str, reply: &Reply, status: u16, expected: Acted) {
        self.tell(deed, reply);
        match expected {
            Ok(()) => assert_eq!(reply.status, status, "{deed}: {}", reply.text()),
            Err((status, code)) => assert_eq!(reply.problem(status), code, "{deed}: {}", reply.text()),
        }
    }

    fn some_cylinder(&mut self) -> usize {
        let all: Vec<usize> = (0..self.machine.cylinders.len()).collect();
        *self.chance.recent(&all)
    }

    /// A label of a cylinder, mostly the one that it wears.
    fn some_label(&mut self, at: usize) -> usize {
        let count = self.machine.cylinders[at].labels;
        if self.chance.one_in(10) { self.chance.below(count) } else { count - 1 }
    }

    fn some_operator(&mut self) -> usize {
        usize::from(self.chance.one_in(4))
    }

    fn code(&self, at: usize, label: usize) -> String {
        self.names.labels[at][label].clone()
    }

    async fn register(&mut self) {
        let ours = !self.chance.one_in(8);
        let repeat = !self.machine.cylinders.is_empty() && self.chance.one_in(5);
        let number = if repeat { self.machine.cylinders.len() - 1 } else { self.machine.cylinders.len() };
        let company = if ours { &self.cast.filler } else { &self.cast.rival };
        let mut body = cylinder(&company.id, &format!("M{number:06}"));
        let long = ("2024-05", None, "2028-05-31", "2032-05-31");
        let (made, inspected, due, life_end) = self.chance.of(&[
            long,
            long,
            long,
            long,
            ("2022-07", None, "2026-07-31", "2030-07-31"),
            ("2018-06", Some("2024-06-01"), "2026-06-30", "2026-06-30"),
        ]);
        body["manufactured_on"] = json!(made);
        body["last_inspected_on"] = json!(inspected);
        body["last_inspection_report_no"] = json!(inspected.map(|_| "JY-1"));
        body["last_inspection_agency"] = json!(inspected.map(|_| "如皋市气瓶检验站"));
        body["purchased_on"] = json!(null);
        let reply = self.driver.send("POST /api/v1/cylinders", &company.admin.clone(), body).await;
        let text = |name: &str| reply.json()[name].as_str().unwrap_or_default().to_owned();
        let day = |text: &str| text.parse::<NaiveDate>().expect("a day");
        let expected = if repeat {
            Err((409, "registration_code_taken"))
        } else {
            self.machine.register(ours, day(due), day(life_end));
            self.names.cylinders.push(text("id"));
            self.names.labels.push(vec![text("code")]);
            Ok(())
        };
        self.expect("register", &reply, 201, expected);
    }

    async fn check(&mut self) {
        let at = self.some_cylinder();
        let label = self.some_label(at);
        let (scale, operator) = (self.chance.below(2), self.some_operator());
        let reading_g = match self.chance.below(12) {
            0 => 23_951,
            1 => 16_099,
            _ => self.chance.of(&[16_100, 16_700, 23_950]),
        };
        let mut body = check(&self.code(at, label), &self.scales[scale]);
        body["scale_g"] = json!(reading_g);
        let auth = self.operators[operator].clone();
        let reply = self.driver.send("POST /api/v1/fill-checks", &auth, body).await;
        self.tell("check", &reply);
        let answer = reply.expect(200);
        match self.machine.check(at, label, scale, operator, reading_g) {
            Checked::Refused => assert_eq!(answer["decision"], "refused", "{answer:#}"),
            Checked::Allowed(number) => {
                assert_eq!(answer["decision"], "allowed", "{answer:#}");
                let id = answer["permit"]["id"].as_str().expect("a permit").to_owned();
                match self.names.permits.get(number) {
                    Some(known) => assert_eq!(*known, id, "the same permit again"),
                    None => self.names.permits.push(id),
                }
                self.counts.allowed += 1;
            }
        }
    }

    async fn fill(&mut self) {
        if self.machine.permits() == 0 {
            return;
        }
        let numbers: Vec<usize> = (0..self.machine.permits()).rev().take(3).collect();
        let number = if self.chance.one_in(4) { self.chance.of(&numbers) } else { numbers[0] };
        let operator = self.some_operator();
        let net_g = self.chance.of(&[14_800, 14_900, 14_901, 13_000, 7_000]);
        let checked = !self.chance.one_in(4);
        let at = |seconds: i64| Instant::from_micros((self.machine.now - seconds) * 1_000_000);
        let mut body = json!({ "permit_id": self.names.permits[number], "gross_g": TARE_G + net_g, "started_at": at(60), "finished_at": at(5) });
        if checked {
            body["postcheck"] = self.postcheck();
        }
        let auth = self.operators[operator].clone();
        let reply = self.driver.send("POST /api/v1/fills", &auth, body).await;
        match self.machine.fill(number, operator, net_g, checked) {
            Err(error) => self.expect("fill", &reply, 0, Err(error)),
            Ok(outcome) => {
                self.tell("fill", &reply);
                let (status, word) = match outcome {
                    None => (200, "refused"),
                    Some(true) => (201, "held"),
                    Some(false) => (201, "released"),
                };
                let answer = reply.expect(status);
                assert_eq!(answer["status"], word, "{answer:#}");
                if outcome.is_some() {
                    self.names.fills.push(answer["id"].as_str().expect("an id").to_owned());
                    self.counts.filled += 1;
                }
            }
        }
    }

    fn postcheck(&self) -> Value {
        json!({ "leak": "pass", "valve": "pass", "seal": "pass", "checker_id": self.cast.filler.checker_id })
    }

    async fn reweigh(&mut self) {
        let all: Vec<usize> = (0..self.machine.fills.len()).collect();
        if all.is_empty() {
            return;
        }
        let number = *self.chance.recent(&all);
        let net_g = self.chance.of(&[14_300, 14_800, 14_901]);
        let body = json!({ "gross_g": TARE_G + net_g, "postcheck": self.postcheck() });
        let line = format!("POST /api/v1/fills/{}/reweigh", self.names.fills[number]);
        let reply = self.driver.send(&line, &self.cast.filler.checker, body).await;
        let expected = self.machine.reweigh(number, net_g);
        if let Ok(held) = expected {
            assert_eq!(reply.json()["status"], if held { "held" } else { "released" });
        }
        self.expect("reweigh", &reply, 200, expected.map(drop));
    }

    async fn hand_over(&mut self) {
        let at = match self.machine.fills.last() {
            Some(filled) if !self.chance.one_in(3) => *filled,
            _ => self.some_cylinder(),
        };
        let label = self.some_label(at);
        let body = json!({ "code": self.code(at, label), "customer_ref": "K-1", "entry": "scanned" });
        let worker = &self.cast.distributor.worker;
        let reply = self.driver.send("POST /api/v1/handovers", worker, body).await;
        let accepted = self.machine.hand_over(at, label);
        self.tell("handover", &reply);
        let answer = reply.expect(200);
        assert_eq!(answer["decision"], if accepted { "accepted" } else { "refused" }, "{answer:#}");
        self.counts.handed_over += usize::from(accepted);
    }

    async fn scan(&mut self, back: bool) {
        let at = self.some_cylinder();
        let label = self.some_label(at);
        let code = self.code(at, label);
        let worker = self.operators[0].clone();
        if back {
            let reply = self.driver.send("POST /api/v1/returns", &worker, json!({ "code": code })).await;
            let expected = self.machine.take_back(at, label);
            self.expect("return", &reply, 201, expected);
        } else {
            let witnessed = !self.chance.one_in(4);
            let witness = witnessed.then_some(&self.cast.filler.checker_id);
            let residual_g = self.chance.of(&[0, 0, 0, 5_000, 7_450, 7_451, 14_800, 14_901, 15_000]);
            let body = json!({ "code": code, "reason": "残液处理", "residual_g": residual_g, "witness_id": witness });
            let reply = self.driver.send("POST /api/v1/emptyings", &worker, body).await;
            let expected = self.machine.empty(at, label, witnessed, residual_g);
            self.expect("emptying", &reply, 201, expected);
        }
    }

    async fn inspect(&mut self) {
        let at = self.some_cylinder();
        let label = self.machine.cylinders[at].labels - 1;
        let passed = !self.chance.one_in(6);
        let mut body = json!({ "ref": self.code(at, label), "inspected_on": self.machine.today().to_string(),
            "result": if passed { "pass" } else { "fail" }, "report_no": "R-1", "items": { "visual": if passed { "pass" } else { "fail" } } });
        if !passed {
            body["scrap_reason"] = json!("腐蚀");
        }
        let inspector = self.cast.agency.worker.clone();
        if !self.chance.one_in(4) {
            let receipt = json!({ "code": self.code(at, label) });
            let reply = self.driver.send("POST /api/v1/returns", &inspector, receipt).await;
            let expected = self.machine.receive(at);
            self.expect("receive", &reply, 201, expected);
        }
        let reply = self.driver.send("POST /api/v1/inspections", &inspector, body).await;
        let expected = self.machine.inspect(at, passed);
        self.expect("inspect", &reply, 201, expected);
    }

    async fn act(&mut self, line: &str, auth: &str, documented: bool) -> Reply {
        let mut body = json!({ "reason": "检查" });
        if documented {
            body["document_no"] = json!("通市监 1");
        }
        self.driver.send(line, auth, body).await
    }

    async fn seize(&mut self) {
        let at = self.some_cylinder();
        let line = format!("POST /api/v1/cylinders/{}/seizures", self.names.cylinders[at]);
        let regulator = self.cast.regulator.clone();
        let reply = self.act(&line, &regulator, true).await;
        let expected = self.machine.seize(at);
        self.expect("seize", &reply, 201, expected);
    }

    /// On and off the blacklist, or lost and found. Off is tried more often, so that the station does not run out of cylinders.
    async fn stand(&mut self, blacklist: bool) {
        let at = self.some_cylinder();
        let c = &self.machine.cylinders[at];
        let is_on = if blacklist { c.blacklisted } else { c.lost };
        let on = if self.chance.one_in(4) { is_on } else { !is_on && self.chance.one_in(3) };
        let id = self.names.cylinders[at].clone();
        let (line, auth) = match (blacklist, on) {
            (true, true) => (format!("POST /api/v1/cylinders/{id}/blacklistings"), &self.cast.regulator),
            (true, false) => (format!("DELETE /api/v1/cylinders/{id}/blacklistings"), &self.cast.regulator),
            (false, true) => (format!("POST /api/v1/cylinders/{id}/losses"), &self.cast.filler.admin),
            (false, false) => (format!("POST /api/v1/cylinders/{id}/recoveries"), &self.cast.filler.admin),
        };
        let auth = auth.clone();
        let reply = self.act(&line, &auth, blacklist).await;
        let expected = if blacklist { self.machine.blacklist(at, on) } else { self.machine.lose(at, on) };
        self.expect(&line[..6], &reply, 201, expected);
    }

    async fn replace_label(&mut self) {
        let at = self.some_cylinder();
        let line = format!("POST /api/v1/cylinders/{}/labels", self.names.cylinders[at]);
        let admin = self.cast.filler.admin.clone();
        let reply = self.act(&line, &admin, false).await;
        let expected = self.machine.replace_label(at);
        if expected.is_ok() {
            let code = reply.json()["label"]["code"].as_str().unwrap_or_default().to_owned();
            self.names.labels[at].push(code);
        }
        self.expect("replace label", &reply, 201, expected);
    }

    async fn judge(&mut self) {
        let suspend = !self.machine.license_suspended && self.chance.one_in(3);
        let body = json!({ "status": if suspend { "suspended" } else { "valid" }, "reason": "检查" });
        let line = format!("PATCH /api/v1/licenses/{}", self.license);
        let reply = self.driver.send(&line, &self.cast.regulator, body).await;
        self.machine.license_suspended = suspend;
        self.tell("judge", &reply);
        reply.expect(200);
    }

    fn pass_time(&mut self) {
        let late = self.machine.today() > NaiveDate::from_ymd_opt(2027, 6, 1).expect("a day");
        let seconds = match self.chance.below(10) {
            0 => -60,
            1..=5 => self.chance.of(&[30, 90, 300, 599, 600, 601]),
            6..=8 => self.chance.of(&[43_194, 43_195, 43_200, 50_000]),
            _ if late => 86_400,
            _ => self.chance.of(&[5, 20, 40]) * 86_400,
        };
        self.driver.app.clock.advance(seconds);
        self.machine.now += seconds;
    }

    /// The files of all cylinders say what the model says.
    async fn compare(&mut self) {
        for (at, id) in self.names.cylinders.iter().enumerate() {
            let file = self.driver.get(&format!("/api/v1/cylinders/{id}"), &self.cast.regulator).await;
            let c = &self.machine.cylinders[at];
            let status = match c {
                c if c.scrapped => "scrapped",
                c if c.seized => "seized",
                c if c.blacklisted => "blacklisted",
                c if c.lost => "lost",
                _ => "in_service",
            };
            let holder = match c.holder {
                Holder::Owner => "owner",
                Holder::Filler => "site",
                Holder::Customer => "customer",
                Holder::Agency => "agency",
                Holder::Authority => "authority",
            };
            let fill = c.fill.map(|f| if f.held() { "held" } else { "released" });
            assert_eq!(file["status"], status, "{file:#}");
            assert_eq!(file["custody"]["kind"], holder, "{file:#}");
            assert_eq!(file["inspection_due_on"], c.due.to_string(), "{file:#}");
            assert_eq!(file["last_fill"]["status"].as_str(), fill, "{file:#}");
            self.story.push(without_names(&file));
        }
    }
}
