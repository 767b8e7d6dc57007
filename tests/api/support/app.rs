//! The service under test and how it is called.

use std::path::Path;
use std::sync::Arc;

use actix_http::Request;
use actix_web::body::BoxBody;
use actix_web::dev::{Service as ActixService, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::HeaderMap;
use actix_web::middleware::from_fn;
use actix_web::{test, web};
use pingma::app::App;
use pingma::clock::{Clock, ManualClock, SeededIds};
use pingma::config::{Bounded, Overrides, Settings};
use pingma::db::conn::{Conn, DatabaseUrl};
use pingma::domain::instant::Instant;
use pingma::http::middleware;
use pingma::server::{self, Parts};
use serde_json::Value;
use tempfile::TempDir;

use super::database::{PostgresDatabase, fresh_postgres};

/// Noon in Shanghai on 15 June 2026, where every test begins.
pub const NOW: &str = "2026-06-15T04:00:00Z";

/// A service of its own.
pub struct TestApp {
    /// The use cases behind the service.
    pub app: Arc<App>,
    /// The clock of the service.
    pub clock: Arc<ManualClock>,
    /// Its settings.
    pub settings: Settings,
    /// What its handlers get.
    pub service: web::Data<pingma::http::Service>,
    place: Option<Arc<Place>>,
}

/// What goes with the last service on it.
struct Place {
    folder: TempDir,
    database: Option<PostgresDatabase>,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Reply {
    /// Status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub bytes: Vec<u8>,
}

impl Reply {
    /// The body as JSON; null if it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or(Value::Null)
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// The JSON body of an answer that must have this status.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        self.json()
    }

    /// The code of a problem document that must have this status.
    #[track_caller]
    pub fn problem(&self, status: u16) -> String {
        let body = self.expect(status);
        let kind = self.headers.get("content-type").and_then(|v| v.to_str().ok()).unwrap_or_default();
        assert_eq!(kind, "application/problem+json", "{body}");
        let zh = self.headers.get("content-language").is_some_and(|lang| lang == "zh-CN");
        let chinese = |text: &str| text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
        let members =
            body["errors"].as_array().into_iter().flatten().filter(|one| one["code"] != "made_before");
        for detail in members.chain([&body]).map(|said| said["detail"].as_str().expect("a detail")) {
            assert_eq!(chinese(detail), zh, "what it says is in the language that was asked for: {body}");
        }
        body["code"].as_str().expect("a problem has a code").to_owned()
    }

    /// The rules of the findings in the body, in order.
    pub fn rules(&self) -> Vec<String> {
        let body = self.json();
        let findings = body["findings"].as_array().cloned().unwrap_or_default();
        findings.iter().map(|f| f["rule"].as_str().unwrap_or_default().to_owned()).collect()
    }
}

/// A call to make.
#[derive(Debug, Clone, Default)]
pub struct Ask {
    /// Method and path, e.g. `POST /api/v1/fills`.
    pub line: String,
    /// `Authorization`.
    pub auth: Option<String>,
    /// `Idempotency-Key`.
    pub key: Option<String>,
    /// JSON body.
    pub body: Option<Value>,
    /// Further headers.
    pub headers: Vec<(String, String)>,
    /// Where it comes from; this machine if left out.
    pub peer: Option<String>,
    /// Raw body with its content type, in place of a JSON body.
    pub raw: Option<(String, Vec<u8>)>,
}

impl TestApp {
    /// On a new SQLite file.
    pub fn sqlite() -> Self {
        Self::start(None)
    }

    /// On a new PostgreSQL database.
    pub fn postgres() -> Self {
        Self::start(Some(fresh_postgres()))
    }

    fn start(database: Option<PostgresDatabase>) -> Self {
        let place = Arc::new(Place { folder: TempDir::new().expect("a temporary directory"), database });
        let folder = place.folder.path();
        let address = match &place.database {
            Some(database) => database.url.clone(),
            None => format!("sqlite://{}", folder.join("pingma.db").display()),
        };
        Self { place: Some(Arc::clone(&place)), ..Self::open(&address, folder, NOW, 7) }
    }

    /// On a database that may be there already, with its keys in a folder, at an instant, with a seed of chance.
    pub fn open(database: &str, dir: &Path, now: &str, seed: u64) -> Self {
        let overrides = Overrides {
            database: Some(database.to_owned()),
            key_file: Some(dir.join("keys").to_string_lossy().into_owned()),
            public_url: Some("http://pingma.example".to_owned()),
            allow_fsync_off: Some("true".to_owned()),
            ..Overrides::default()
        };
        let rates = ["LOGIN", "PUBLIC", "TYPED"]
            .map(|what| (format!("PINGMA_{what}_RATE_PER_MINUTE"), "100000".to_owned()));
        let settings = Settings::load(overrides, rates, dir).expect("settings");
        let mut conn = settings.database.connect().expect("the database answers");
        pingma::db::migrations::run(&mut conn).expect("migrations go up");
        let clock = Arc::new(ManualClock::new(now.parse().expect("an instant")));
        let parts =
            Parts { clock: Arc::clone(&clock) as Arc<dyn Clock>, ids: Arc::new(SeededIds::new(seed)) };
        let app = Arc::new(server::build(&settings, &parts).expect("the service starts"));
        let service = server::service(Arc::clone(&app), &settings, None).expect("the service");
        Self { app, clock, settings, service: web::Data::new(service), place: None }
    }

    /// From now on one address may make so many calls a minute without login.
    pub fn limit_public_calls(&mut self, per_minute: u32) {
        self.settings.public_rate_per_minute = Bounded::new(per_minute).expect("a rate");
        let service = server::service(Arc::clone(&self.app), &self.settings, None).expect("the service");
        self.service = web::Data::new(service);
    }

    /// From now on this is a proxy whose word is taken.
    pub fn trust_proxy(&mut self, address: &str) {
        let env = [("PINGMA_TRUSTED_PROXIES".to_owned(), address.to_owned())];
        let named = Settings::load(Overrides::default(), env, Path::new("/nonexistent")).expect("settings");
        self.settings.trusted_proxies = named.trusted_proxies;
        let service = server::service(Arc::clone(&self.app), &self.settings, None).expect("the service");
        self.service = web::Data::new(service);
    }

    /// From now on so many codes a minute may be typed.
    pub fn limit_typed_codes(&mut self, per_minute: u32) {
        self.settings.typed_rate_per_minute = Bounded::new(per_minute).expect("a rate");
        let service = server::service(Arc::clone(&self.app), &self.settings, None).expect("the service");
        self.service = web::Data::new(service);
    }

    /// A second service with other settings, at the same time.
    pub fn beside(&self, settings: Settings, seed: u64) -> Self {
        let parts =
            Parts { clock: Arc::clone(&self.clock) as Arc<dyn Clock>, ids: Arc::new(SeededIds::new(seed)) };
        let app = Arc::new(server::build(&settings, &parts).expect("another service starts"));
        let service = server::service(Arc::clone(&app), &settings, None).expect("the service");
        Self {
            app,
            clock: Arc::clone(&self.clock),
            settings,
            service: web::Data::new(service),
            place: self.place.clone(),
        }
    }

    /// The folder with its keys.
    pub fn dir(&self) -> &Path {
        self.place.as_ref().expect("it was started by the test").folder.path()
    }

    /// The address of its database.
    pub fn address(&self) -> String {
        match &self.settings.database {
            DatabaseUrl::Sqlite(path) => format!("sqlite://{path}"),
            DatabaseUrl::Postgres(url) => url.clone(),
        }
    }

    /// The time of the service.
    pub fn now(&self) -> Instant {
        self.clock.now()
    }

    /// A connection of its own.
    pub fn conn(&self) -> Conn {
        self.settings.database.connect().expect("the database answers")
    }

    /// The service as actix sees it; make it once per test where many calls are made.
    pub async fn service(
        &self,
    ) -> impl ActixService<Request, Response = ServiceResponse<BoxBody>, Error = actix_web::Error> + use<>
    {
        let app = actix_web::App::new()
            .wrap(from_fn(middleware::around))
            .configure(server::configure(web::Data::clone(&self.service)));
        test::init_service(app).await
    }

    /// Makes one call.
    pub async fn ask(&self, ask: Ask) -> Reply {
        let service = self.service().await;
        ask_service(&service, ask).await
    }

    /// GET as somebody.
    pub async fn get(&self, path: &str, auth: &str) -> Reply {
        self.ask(Ask { line: format!("GET {path}"), auth: Some(auth.to_owned()), ..Ask::default() }).await
    }

    /// A call with a JSON body as somebody, under a key of its own.
    pub async fn send(&self, line: &str, auth: &str, body: Value) -> Reply {
        let key = uuid::Uuid::from_u128(rand_like(self)).simple().to_string();
        self.ask(Ask {
            line: line.to_owned(),
            auth: Some(auth.to_owned()),
            key: Some(key),
            body: Some(body),
            ..Ask::default()
        })
        .await
    }

    /// Verifies the ledger; every test that writes may end with it.
    #[track_caller]
    pub fn verify(&self) {
        let report = pingma::ledger::verify::verify(&mut self.conn(), &mut |_, _| {}).expect("verify runs");
        assert!(report.is_clean(), "{report:#?}");
    }
}

fn rand_like(app: &TestApp) -> u128 {
    u128::from_be_bytes(app.app.ids.bytes())
}

/// Makes a call on a service that was made before.
pub async fn ask_service(
    service: &impl ActixService<Request, Response = ServiceResponse<BoxBody>, Error = actix_web::Error>,
    ask: Ask,
) -> Reply {
    let (method, path) = ask.line.split_once(' ').expect("METHOD PATH");
    let mut request = test::TestRequest::default()
        .method(method.parse::<Method>().expect("a method"))
        .uri(path)
        .peer_addr(ask.peer.as_deref().unwrap_or("127.0.0.1:5000").parse().expect("an address"));
    if let Some(auth) = &ask.auth {
        request = request.insert_header(("authorization", auth.as_str()));
    }
    if let Some(key) = &ask.key {
        request = request.insert_header(("idempotency-key", key.as_str()));
    }
    for (name, value) in &ask.headers {
        request = request.append_header((name.as_str(), value.as_str()));
    }
    if let Some(body) = &ask.body {
        request = request.set_json(body);
    }
    if let Some((kind, bytes)) = &ask.raw {
        request = request.insert_header(("content-type", kind.as_str())).set_payload(bytes.clone());
    }
    let response = match service.call(request.to_request()).await {
        Ok(response) => response.map_into_boxed_body().into_parts().1,
        Err(error) => error.error_response(),
    };
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let bytes = actix_web::body::to_bytes(response.into_body()).await.unwrap_or_default().to_vec();
    Reply { status, headers, bytes }
}
