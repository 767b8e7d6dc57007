//! The cast at work: what most tests do between their first line and the one that matters.

use std::rc::Rc;

use actix_web::rt::spawn;
use pingma::domain::actor::Credential;
use pingma::domain::id::UserId;
use serde_json::{Value, json};

use super::TestApp;
use super::app::{Ask, Reply, ask_service};
use super::cast::{Cast, Company, certify, challenge_rate, check, created, register, session_of, sign_in};

/// A service with its cast, and no stamp challenges.
pub struct World {
    /// The service.
    pub app: TestApp,
    /// Everybody.
    pub cast: Cast,
}

/// Weight of a good cylinder (16.5 kg of steel) with 14.8 kg of gas.
pub const GOOD_GROSS_G: i32 = 31_300;

impl World {
    /// Enters everybody; nobody is challenged.
    pub async fn enter(app: TestApp) -> Self {
        let cast = Cast::enter(&app).await;
        challenge_rate(&app, &cast.admin, 0.0).await;
        Self { app, cast }
    }

    /// Moves the clock and signs everybody in again: sessions live shorter than most tests.
    pub fn later(&mut self, seconds: i64) {
        let now = self.app.now();
        self.at(&now.plus_seconds(seconds).to_string());
    }

    /// The same to an instant.
    pub fn at(&mut self, instant: &str) {
        let ids: Vec<UserId> = tokens(&mut self.cast).iter().map(|auth| user_of(&self.app, auth)).collect();
        self.app.clock.set(instant.parse().expect("an instant"));
        for (auth, id) in tokens(&mut self.cast).into_iter().zip(ids) {
            *auth = session_of(&self.app, id);
        }
    }

    /// The filler's own good cylinder; its code.
    pub async fn cylinder(&self, serial_no: &str) -> String {
        let made = register(&self.app, &self.cast.filler, serial_no).await;
        made["code"].as_str().expect("a code").to_owned()
    }

    /// A call that may go any way.
    pub async fn send(&self, line: &str, auth: &str, body: Value) -> Reply {
        self.app.send(&format_line(line), auth, body).await
    }

    /// A look.
    pub async fn get(&self, path: &str, auth: &str) -> Reply {
        self.app.get(&format!("/api/v1{path}"), auth).await
    }

    /// A POST under a key of the test's choice; none leaves the header out.
    pub async fn send_keyed(&self, line: &str, auth: &str, key: Option<&str>, body: Value) -> Reply {
        self.app
            .ask(Ask {
                line: format_line(line),
                auth: Some(auth.to_owned()),
                key: key.map(str::to_owned),
                body: Some(body),
                ..Ask::default()
            })
            .await
    }

    /// A good check by the filler's operator on the filler's scale.
    pub async fn check(&self, code: &str) -> Reply {
        self.check_by(&self.cast.filler.worker, check(code, &self.cast.filler.scale)).await
    }

    /// A check by somebody.
    pub async fn check_by(&self, auth: &str, body: Value) -> Reply {
        self.send("POST /fill-checks", auth, body).await
    }

    /// The permit of a good check, which must be allowed.
    pub async fn permit(&self, code: &str) -> Value {
        let answer = self.check(code).await.expect(200);
        assert_eq!(answer["decision"], "allowed", "{answer:#}");
        answer["permit"].clone()
    }

    /// The body of a good fill that began now and ended 70 seconds from now.
    pub fn fill(&self, permit: &Value, gross_g: i32) -> Value {
        let began = self.app.now();
        json!({ "permit_id": permit["id"], "gross_g": gross_g, "started_at": began, "finished_at": began.plus_seconds(70),
            "seal_no": "F-1", "postcheck": self.postcheck() })
    }

    /// A check after filling that found nothing.
    pub fn postcheck(&self) -> Value {
        json!({ "leak": "pass", "valve": "pass", "seal": "pass", "checker_id": self.cast.filler.checker_id })
    }

    /// The body of an emptying that the checker saw.
    pub fn emptying(&self, code: &str, reason: &str, residual_g: i32) -> Value {
        json!({ "code": code, "reason": reason, "residual_g": residual_g, "witness_id": self.cast.filler.checker_id })
    }

    /// Hands a fill record in, 80 seconds from now.
    pub async fn record(&self, body: Value) -> Reply {
        self.app.clock.advance(80);
        self.send("POST /fills", &self.cast.filler.worker, body).await
    }

    /// Checks and fills; the answer, which must be 201.
    pub async fn filled(&self, code: &str, gross_g: i32) -> Value {
        let permit = self.permit(code).await;
        self.record(self.fill(&permit, gross_g)).await.expect(201)
    }

    /// A handover by somebody.
    pub async fn hand_over(&self, auth: &str, code: &str) -> Reply {
        let body = json!({ "code": code, "customer_ref": "K-1001", "entry": "scanned" });
        self.send("POST /handovers", auth, body).await
    }

    /// A return at the filler's station.
    pub async fn take_back(&self, code: &str) -> Reply {
        let body = json!({ "code": code });
        self.send("POST /returns", &self.cast.filler.worker, body).await
    }

    /// A delivery worker of the filler, with a certificate; the filler gets a gas license.
    pub async fn own_delivery(&self) -> String {
        let filler = &self.cast.filler;
        let line = format!("POST /api/v1/organizations/{}/licenses", filler.id);
        let license = json!({ "kind": "gas_business", "number": "苏燃经 0009", "issuer": "南通市住建局",
            "valid_from": "2024-01-01", "valid_to": "2036-12-31", "media": ["lpg"] });
        created(&self.app, &line, &self.cast.admin, license).await;
        let role = pingma::domain::actor::Role::DeliveryWorker;
        let (id, auth) = sign_in(&self.app, &filler.id, &[role], Some(&filler.site));
        certify(&self.app, &filler.admin, &id, "gas_delivery").await;
        auth
    }

    /// Another certified operator of the filler.
    pub async fn colleague(&self) -> String {
        let filler = &self.cast.filler;
        let role = pingma::domain::actor::Role::FillOperator;
        let (id, auth) = sign_in(&self.app, &filler.id, &[role], Some(&filler.site));
        certify(&self.app, &filler.admin, &id, "filling").await;
        auth
    }

    /// Another scale at the filler's station.
    pub async fn another_scale(&self) -> String {
        let body = json!({ "site_id": self.cast.filler.site, "name": "2号秤", "serial_no": "S-2", "medium": "lpg",
            "calibration_valid_to": "2027-01-31" });
        created(&self.app, "POST /api/v1/scales", &self.cast.filler.admin, body).await
    }

    /// Another station of the filler.
    pub async fn another_site(&self) -> String {
        let filler = &self.cast.filler;
        let body = json!({ "organization_id": filler.id, "kind": "filling_station", "name": "二站", "district_code": "320602" });
        created(&self.app, "POST /api/v1/sites", &filler.admin, body).await
    }

    /// An act with a document on a cylinder.
    pub async fn act(&self, code: &str, act: &str, auth: &str) -> Reply {
        let body = json!({ "document_no": "D-1", "reason": "for a test" });
        self.send(&format!("POST /cylinders/{code}/{act}"), auth, body).await
    }

    /// The agency takes a cylinder in, if it has not yet.
    pub async fn receive(&self, code: &str) {
        let receipt = json!({ "code": code });
        let received = self.send("POST /returns", &self.cast.agency.worker, receipt).await;
        assert!([201, 409].contains(&received.status), "{}", received.text());
    }

    /// The agency takes a cylinder in and makes it useless.
    pub async fn scrap(&self, code: &str) -> Reply {
        self.receive(code).await;
        self.act(code, "scrappings", &self.cast.agency.worker).await
    }

    /// An act with a reason alone on a cylinder.
    pub async fn act_for_reason(&self, code: &str, act: &str, auth: &str) -> Reply {
        let body = json!({ "reason": "for a test" });
        self.send(&format!("POST /cylinders/{code}/{act}"), auth, body).await
    }

    /// The file of a cylinder as its owner's admin sees it.
    pub async fn file(&self, reference: &str) -> Value {
        self.get(&format!("/cylinders/{reference}"), &self.cast.filler.admin).await.expect(200)
    }

    /// The history of a cylinder, newest first, as the regulator sees it.
    pub async fn events(&self, reference: &str) -> Vec<Value> {
        let history = self
            .get(&format!("/cylinders/{reference}/events?limit=200"), &self.cast.regulator)
            .await
            .expect(200);
        history["items"].as_array().expect("a list").clone()
    }

    /// The kinds of the events of a cylinder, newest first.
    pub async fn kinds(&self, reference: &str) -> Vec<String> {
        let events = self.events(reference).await;
        events.iter().map(|e| e["kind"].as_str().expect("a kind").to_owned()).collect()
    }

    /// How many events there are in all.
    pub fn head(&self) -> i64 {
        let mut conn = self.app.conn();
        pingma::ledger::verify::verify(&mut conn, &mut |_, _| {}).expect("verify runs").events
    }
}

/// Sends calls at once; their answers in order.
pub async fn at_once(w: &World, asks: Vec<Ask>) -> Vec<Reply> {
    let service = Rc::new(w.app.service().await);
    let calls: Vec<_> = asks
        .into_iter()
        .map(|ask| {
            let service = Rc::clone(&service);
            spawn(async move { ask_service(&*service, ask).await })
        })
        .collect();
    let mut replies = Vec::with_capacity(calls.len());
    for call in calls {
        replies.push(call.await.expect("it ends"));
    }
    replies
}

fn format_line(line: &str) -> String {
    let (method, path) = line.split_once(' ').expect("METHOD PATH");
    format!("{method} /api/v1{path}")
}

fn user_of(app: &TestApp, auth: &str) -> UserId {
    let secret = auth.strip_prefix("Bearer ").expect("a session");
    let claims = app.app.tokens.verify(secret, app.now()).expect("a session that lives");
    match claims.credential() {
        Credential::Session { user_id, .. } => user_id,
        Credential::Device { .. } => panic!("a session"),
    }
}

fn tokens(cast: &mut Cast) -> Vec<&mut String> {
    let mut all = vec![&mut cast.admin, &mut cast.regulator, &mut cast.regulator_elsewhere];
    for Company { admin, worker, checker, .. } in
        [&mut cast.filler, &mut cast.rival, &mut cast.distributor, &mut cast.agency]
    {
        all.extend([admin, worker, checker].into_iter().filter(|auth| !auth.is_empty()));
    }
    all
}
