//! Makes many calls on one service, as people whose sessions never run out.

use std::cell::RefCell;
use std::collections::HashMap;

use base64::Engine as _;
use serde_json::Value;

use super::TestApp;
use super::app::{Ask, Reply, ask_service};
use super::cast::session_of;

/// A service that is called many times.
pub struct Driver<'a, S> {
    /// Behind it.
    pub app: &'a TestApp,
    service: S,
    sessions: RefCell<HashMap<String, (i64, String)>>,
    calls: RefCell<u64>,
}

/// Seconds for which a session's token is used, backward and forward.
const FRESH_S: i64 = 240;

impl<'a, S: Service> Driver<'a, S> {
    /// Drives the service of an app.
    pub fn new(app: &'a TestApp, service: S) -> Self {
        Self { app, service, sessions: RefCell::new(HashMap::new()), calls: RefCell::new(0) }
    }

    /// A token of the same person that is good now.
    fn fresh(&self, auth: &str) -> String {
        let now = self.app.now().micros() / 1_000_000;
        if let Some((at, token)) = self.sessions.borrow().get(auth)
            && (*at..*at + FRESH_S).contains(&now)
        {
            return token.clone();
        }
        let user = subject(auth).parse().expect("a user id");
        let token = session_of(self.app, user);
        self.sessions.borrow_mut().insert(auth.to_owned(), (now, token.clone()));
        token
    }

    /// Calls as somebody, under a key of its own.
    pub async fn send(&self, line: &str, auth: &str, body: Value) -> Reply {
        let number = {
            let mut calls = self.calls.borrow_mut();
            *calls += 1;
            *calls
        };
        let ask = Ask {
            line: line.to_owned(),
            auth: Some(self.fresh(auth)),
            key: Some(format!("driver-{number}")),
            body: Some(body),
            ..Ask::default()
        };
        ask_service(&self.service, ask).await
    }

    /// Reads as somebody.
    pub async fn get(&self, path: &str, auth: &str) -> Value {
        let ask = Ask { line: format!("GET {path}"), auth: Some(self.fresh(auth)), ..Ask::default() };
        ask_service(&self.service, ask).await.expect(200)
    }
}

/// Whose token it is.
fn subject(auth: &str) -> String {
    let claims = auth.split('.').nth(1).expect("a token has three parts");
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(claims).expect("base64");
    let claims: Value = serde_json::from_slice(&bytes).expect("JSON");
    claims["sub"].as_str().expect("whose it is").to_owned()
}

/// What a driver drives.
pub trait Service:
    actix_web::dev::Service<
        actix_http::Request,
        Response = actix_web::dev::ServiceResponse<actix_web::body::BoxBody>,
        Error = actix_web::Error,
    >
{
}

impl<S> Service for S where
    S: actix_web::dev::Service<
            actix_http::Request,
            Response = actix_web::dev::ServiceResponse<actix_web::body::BoxBody>,
            Error = actix_web::Error,
        >
{
}
