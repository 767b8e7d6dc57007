//! Signing in, staying in, getting out.

use std::sync::Arc;
use std::task::Poll;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use diesel::RunQueryDsl as _;
use pingma::auth::keyring::Keyring;
use pingma::auth::token::Tokens;
use pingma::clock::SeededIds;
use pingma::db::DbError;
use pingma::db::conn::Conn;
use pingma::db::registry::UserRow;
use pingma::db::sessions::revoke_sessions_of;
use pingma::db::tx::transaction;
use pingma::domain::actor::Role;
use pingma::error::Code;
use pingma::http::reply::hashing;
use serde_json::{Value, json};

use crate::both;
use crate::support::app::{Ask, Reply};
use crate::support::cast::{created, sign_in};
use crate::support::{Cast, TestApp};

const GOOD: &str = "lantern orbit kite 9";

/// Enters a user of the filler with a password; their id.
async fn enter(app: &TestApp, cast: &Cast, username: &str) -> String {
    let body = json!({ "organization_id": cast.filler.id, "username": username, "password": GOOD, "display_name": "王小明",
        "roles": ["dispatcher"] });
    created(app, "POST /api/v1/users", &cast.filler.admin, body).await
}

async fn post(app: &TestApp, path: &str, auth: Option<&str>, body: Value) -> Reply {
    app.ask(Ask {
        line: format!("POST /api/v1{path}"),
        auth: auth.map(str::to_owned),
        body: Some(body),
        ..Ask::default()
    })
    .await
}

async fn log_in(app: &TestApp, username: &str, password: &str) -> Reply {
    post(app, "/auth/login", None, json!({ "username": username, "password": password })).await
}

async fn refresh(app: &TestApp, token: &str) -> Reply {
    post(app, "/auth/refresh", None, json!({ "refresh_token": token })).await
}

fn text(pair: &Value, member: &str) -> String {
    pair[member].as_str().expect("a text").to_owned()
}

fn bearer(pair: &Value) -> String {
    format!("Bearer {}", text(pair, "access_token"))
}

async fn me(app: &TestApp, auth: &str) -> Reply {
    app.get("/api/v1/me", auth).await
}

/// How many connections to this PostgreSQL database wait for a lock.
fn waiting(conn: &mut Conn) -> i64 {
    let Conn::Postgres(conn) = conn else { return 0 };
    let sql = "(SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')";
    diesel::select(diesel::dsl::sql::<diesel::sql_types::BigInt>(sql)).get_result(conn).expect("a number")
}

/// An answer without the id of its request.
fn alike(reply: &Reply) -> (u16, Value) {
    let mut body = reply.json();
    body["request_id"] = Value::Null;
    (reply.status, body)
}

both! {
    async fn the_right_password_opens_and_every_wrong_one_is_told_the_same(app) {
        let cast = Cast::enter(&app).await;
        let id = enter(&app, &cast, "ming").await;
        let pair = log_in(&app, "ming", GOOD).await.expect(200);
        assert_eq!((&pair["token_type"], &pair["expires_in"]), (&json!("Bearer"), &json!(600)));
        assert_eq!((&pair["user"]["id"], &pair["user"]["organization"]["id"]), (&json!(id), &json!(cast.filler.id)));
        assert_eq!(me(&app, &bearer(&pair)).await.expect(200), pair["user"]);
        log_in(&app, "MING", GOOD).await.expect(200);

        let wrong = log_in(&app, "ming", "lantern orbit kite 8").await;
        assert_eq!(wrong.problem(401), "credentials_wrong");
        let unknown = log_in(&app, "nobody", GOOD).await;
        app.send(&format!("PATCH /api/v1/users/{id}"), &cast.filler.admin, json!({ "active": false })).await.expect(200);
        let disabled = log_in(&app, "ming", GOOD).await;
        assert_eq!(alike(&wrong), alike(&unknown));
        assert_eq!(alike(&wrong), alike(&disabled));
        for reply in [&pair, &app.get("/api/v1/users", &cast.filler.admin).await.expect(200)] {
            let body = reply.to_string();
            assert!(!body.contains("argon2") && !body.contains("password"), "{body}");
        }
    }
}

both! {
    async fn a_refresh_token_is_good_once(app) {
        let cast = Cast::enter(&app).await;
        enter(&app, &cast, "ming").await;
        let first = log_in(&app, "ming", GOOD).await.expect(200);
        let mut pair = first.clone();
        for _ in 0..3 {
            app.clock.advance(300);
            let next = refresh(&app, &text(&pair, "refresh_token")).await.expect(200);
            assert_ne!(text(&next, "refresh_token"), text(&pair, "refresh_token"));
            me(&app, &bearer(&next)).await.expect(200);
            pair = next;
        }
        app.clock.advance(11);
        // Somebody has a copy: the whole family ends, the thief's and the owner's.
        assert_eq!(refresh(&app, &text(&first, "refresh_token")).await.problem(401), "token_invalid");
        assert_eq!(refresh(&app, &text(&pair, "refresh_token")).await.problem(401), "token_invalid");
        assert_eq!(me(&app, &bearer(&pair)).await.problem(401), "token_invalid");
        log_in(&app, "ming", GOOD).await.expect(200);
        for wrong in ["", "none", &text(&first, "access_token"), &"x".repeat(5_000)] {
            assert_eq!(refresh(&app, wrong).await.problem(401), "token_invalid");
        }
    }
}

both! {
    async fn a_lost_answer_may_be_asked_for_again_within_ten_seconds(app) {
        let cast = Cast::enter(&app).await;
        enter(&app, &cast, "ming").await;
        let first = log_in(&app, "ming", GOOD).await.expect(200);
        refresh(&app, &text(&first, "refresh_token")).await.expect(200);
        app.clock.advance(9);
        let again = refresh(&app, &text(&first, "refresh_token")).await.expect(200);
        me(&app, &bearer(&again)).await.expect(200);
        // The one before the immediate predecessor has no such grace.
        assert_eq!(refresh(&app, &text(&first, "refresh_token")).await.problem(401), "token_invalid");
        assert_eq!(refresh(&app, &text(&again, "refresh_token")).await.problem(401), "token_invalid");

        let first = log_in(&app, "ming", GOOD).await.expect(200);
        let second = refresh(&app, &text(&first, "refresh_token")).await.expect(200);
        app.clock.advance(10);
        assert_eq!(refresh(&app, &text(&first, "refresh_token")).await.problem(401), "token_invalid");
        assert_eq!(refresh(&app, &text(&second, "refresh_token")).await.problem(401), "token_invalid");
    }
}

both! {
    async fn fifty_refreshes_at_once_leave_one_successor_at_most(app) {
        let cast = Cast::enter(&app).await;
        enter(&app, &cast, "ming").await;
        let token = text(&log_in(&app, "ming", GOOD).await.expect(200), "refresh_token");
        let results: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..50).map(|_| scope.spawn(|| app.app.refresh(&token))).collect();
            threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
        });
        let won: Vec<_> = results.iter().flatten().map(|pair| pair.refresh_token.clone()).collect();
        assert_eq!(won.len(), 2, "the first, and one for an answer that got lost");
        for error in results.iter().filter_map(|result| result.as_ref().err()) {
            assert!(error.code == Code::TokenInvalid, "{error}");
        }
        app.clock.advance(11);
        let mut alive = 0;
        for token in won {
            alive += usize::from(refresh(&app, &token).await.status == 200);
        }
        assert!(alive <= 1, "{alive} successors are alive");
    }
}

both! {
    async fn who_logs_out_is_out(app) {
        let cast = Cast::enter(&app).await;
        enter(&app, &cast, "ming").await;
        let here = log_in(&app, "ming", GOOD).await.expect(200);
        let there = log_in(&app, "ming", GOOD).await.expect(200);
        assert_eq!(post(&app, "/auth/logout", Some(&bearer(&here)), Value::Null).await.status, 204);
        assert_eq!(me(&app, &bearer(&here)).await.problem(401), "token_invalid");
        assert_eq!(refresh(&app, &text(&here, "refresh_token")).await.problem(401), "token_invalid");
        me(&app, &bearer(&there)).await.expect(200);
    }
}

both! {
    async fn a_new_password_ends_every_session_and_a_weak_one_is_refused_with_reasons(app) {
        let cast = Cast::enter(&app).await;
        enter(&app, &cast, "xiaoming").await;
        let here = log_in(&app, "xiaoming", GOOD).await.expect(200);
        let there = log_in(&app, "xiaoming", GOOD).await.expect(200);
        let change = async |current: &str, new: &str| {
            post(&app, "/me/password", Some(&bearer(&here)), json!({ "current_password": current, "new_password": new })).await
        };
        let (long, odd) = ("long".repeat(33), "with a\ttab in it");
        for weak in ["tiny 7", long.as_str(), odd, "aaaaaaaaaaaaaa", "i am xiaoming 77", "password1234"] {
            let reply = change(GOOD, weak).await;
            assert_eq!(reply.problem(422), "invalid", "{weak}");
            let error = &reply.json()["errors"][0];
            assert_eq!(error["pointer"], "/new_password");
            assert!(error["detail"].as_str().is_some_and(|detail| detail.contains("密码")), "{error}");
            assert!(!reply.text().contains(weak), "a password is not repeated");
        }
        assert_eq!(change("lantern orbit kite 8", "harbor plum seven").await.problem(401), "credentials_wrong");
        assert_eq!(change(GOOD, "harbor plum seven").await.status, 204);
        for pair in [&here, &there] {
            assert_eq!(me(&app, &bearer(pair)).await.problem(401), "token_invalid");
            assert_eq!(refresh(&app, &text(pair, "refresh_token")).await.problem(401), "token_invalid");
        }
        assert_eq!(log_in(&app, "xiaoming", GOOD).await.problem(401), "credentials_wrong");
        log_in(&app, "xiaoming", "harbor plum seven").await.expect(200);
    }
}

both! {
    async fn who_is_disabled_is_out_at_once_and_for_good(app) {
        let cast = Cast::enter(&app).await;
        let id = enter(&app, &cast, "ming").await;
        let pair = log_in(&app, "ming", GOOD).await.expect(200);
        me(&app, &bearer(&pair)).await.expect(200);
        let line = format!("PATCH /api/v1/users/{id}");
        for active in [false, true] {
            app.send(&line, &cast.filler.admin, json!({ "active": active })).await.expect(200);
            assert_eq!(me(&app, &bearer(&pair)).await.problem(401), "token_invalid");
            assert_eq!(refresh(&app, &text(&pair, "refresh_token")).await.problem(401), "token_invalid");
        }
        log_in(&app, "ming", GOOD).await.expect(200);
        // A password set by the admin ends sessions too.
        let pair = log_in(&app, "ming", GOOD).await.expect(200);
        app.send(&line, &cast.filler.admin, json!({ "password": "harbor plum seven" })).await.expect(200);
        assert_eq!(me(&app, &bearer(&pair)).await.problem(401), "token_invalid");
    }
}

both! {
    async fn a_password_that_was_right_a_moment_ago_opens_nothing_after_a_change(app) {
        let cast = Cast::enter(&app).await;
        let id = enter(&app, &cast, "ming").await;
        let line = format!("PATCH /api/v1/users/{id}");
        let prove = |password: &str| {
            let proven = app.app.prove("ming", &password.into(), std::net::Ipv4Addr::LOCALHOST.into());
            proven.expect("the password is right")
        };
        for (password, change) in [
            (GOOD, json!({ "active": false })),
            (GOOD, json!({ "active": true, "password": "harbor plum seven" })),
            ("harbor plum seven", json!({ "active": false })),
        ] {
            app.send(&line, &cast.filler.admin, json!({ "active": true })).await.expect(200);
            let proven = prove(password);
            app.send(&line, &cast.filler.admin, change).await.expect(200);
            let late = app.app.open_session(&proven).err().expect("no session");
            assert_eq!(late.code, Code::CredentialsWrong);
        }
        app.send(&line, &cast.filler.admin, json!({ "active": true })).await.expect(200);
        log_in(&app, "ming", "harbor plum seven").await.expect(200);
        app.app.record_denials(&mut app.conn(), true).expect("they are written");
        let log = app.get("/api/v1/audit?action=log_in&outcome=denied", &cast.filler.admin).await.expect(200);
        assert_eq!(log["items"][0]["subject"]["times"], 3, "{log:#}");
    }
}

/// What comes of an attempt that begins while a change is not committed yet.
fn during<T: Send>(
    app: &TestApp,
    change: impl FnOnce(&mut Conn) -> Result<(), DbError>,
    attempt: impl FnOnce() -> T + Send,
) -> T {
    let (mut changing, mut watching) = (app.conn(), app.conn());
    std::thread::scope(|scope| {
        let late = transaction(&mut changing, |conn| {
            change(conn)?;
            let attempt = scope.spawn(attempt);
            // It is over too early without a lock, and waits for us with it.
            while !attempt.is_finished() && waiting(&mut watching) == 0 {
                std::thread::yield_now();
            }
            Ok::<_, DbError>(attempt)
        });
        late.expect("committed").join().expect("no panic")
    })
}

#[actix_web::test]
async fn a_sign_in_waits_for_a_change_that_is_not_committed_yet() {
    let app = TestApp::postgres();
    let cast = Cast::enter(&app).await;
    let id = enter(&app, &cast, "ming").await.parse().expect("an id");
    let proven = app.app.prove("ming", &GOOD.into(), std::net::Ipv4Addr::LOCALHOST.into()).expect("right");
    let disable = |conn: &mut Conn| {
        let user = UserRow::get(conn, id)?.expect("the user");
        UserRow { active: false, ..user }.update(conn)
    };
    let late = during(&app, disable, || app.app.open_session(&proven));
    assert_eq!(late.err().expect("no session").code, Code::CredentialsWrong);
}

#[actix_web::test]
async fn a_refresh_waits_for_the_end_of_its_session_that_is_not_committed_yet() {
    let app = TestApp::postgres();
    let cast = Cast::enter(&app).await;
    let id = enter(&app, &cast, "ming").await.parse().expect("an id");
    let token = text(&log_in(&app, "ming", GOOD).await.expect(200), "refresh_token");
    let end = |conn: &mut Conn| revoke_sessions_of(conn, id, "a test", app.now());
    let late = during(&app, end, || app.app.refresh(&token));
    assert_eq!(late.err().expect("no pair").code, Code::TokenInvalid);
}

#[actix_web::test]
async fn who_hangs_up_has_no_more_hashed_at_once() {
    let app = TestApp::sqlite();
    let free = app.app.hashing.available_permits();
    let (end, ends) = std::sync::mpsc::channel::<()>();
    let mut work = Box::pin(hashing(&app.service, move |_| Ok(ends.recv().is_ok())));
    // The client goes away as soon as the work has begun.
    std::future::poll_fn(|task| Poll::Ready(work.as_mut().poll(task).is_pending())).await;
    drop(work);
    assert_eq!(app.app.hashing.available_permits(), free - 1, "the work holds its permit");
    end.send(()).expect("it waits");
    let all = u32::try_from(free).expect("a few");
    let _all = app.app.hashing.acquire_many(all).await.expect("the permit comes back");
}

both! {
    async fn a_role_that_is_taken_away_is_gone_at_once(app) {
        let cast = Cast::enter(&app).await;
        let (id, auth) = sign_in(&app, &cast.filler.id, &[Role::OrgAdmin], None);
        app.get("/api/v1/users", &auth).await.expect(200);
        app.send(&format!("PATCH /api/v1/users/{id}"), &cast.filler.admin, json!({ "roles": ["driver"] })).await.expect(200);
        assert_eq!(app.get("/api/v1/users", &auth).await.problem(403), "forbidden");
    }
}

both! {
    async fn an_access_token_lives_ten_minutes(app) {
        let cast = Cast::enter(&app).await;
        app.clock.advance(599);
        me(&app, &cast.filler.admin).await.expect(200);
        app.clock.advance(2);
        let late = me(&app, &cast.filler.admin).await;
        assert_eq!(late.problem(401), "token_invalid");
        assert_eq!(late.headers.get("www-authenticate").and_then(|v| v.to_str().ok()), Some("Bearer"));
    }
}

/// A JSON value as a part of a token.
fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

both! {
    async fn what_this_service_did_not_sign_is_nothing(app) {
        let cast = Cast::enter(&app).await;
        let token = cast.filler.admin.trim_start_matches("Bearer ").to_owned();
        let parts: Vec<&str> = token.split('.').collect();
        let read = |text: &str| -> Value { serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).expect("base64")).expect("JSON") };
        let (header, claims) = (read(parts[0]), read(parts[1]));
        let (mut other, mut none) = (claims.clone(), header.clone());
        other["sub"] = json!(cast.rival.worker_id);
        none["alg"] = json!("none");

        // Another service with keys of its own; the seed of chance must differ, or the keys would not.
        let dir = tempfile::TempDir::new().expect("a temporary directory");
        let keys = Keyring::load_or_create(&dir.path().join("keys"), &SeededIds::new(8), app.now()).expect("keys");
        let stranger = Tokens::new(Arc::new(keys), "pingma", "pingma");
        let id = |name: &str| claims[name].as_str().expect("an id").to_owned();
        let (foreign, _) = stranger
            .issue(id("sub").parse().expect("an id"), id("sid").parse().expect("an id"), app.now())
            .expect("a token");
        let foreign = secrecy::ExposeSecret::expose_secret(&foreign).to_owned();
        // The stranger's signature under our key's name.
        let renamed = format!("{}.{}", parts[0], foreign.split_once('.').expect("three parts").1);

        for wrong in [
            foreign,
            renamed,
            format!("{}.{}.", part(&none), parts[1]),
            format!("{}.{}.{}", part(&none), parts[1], parts[2]),
            format!("{}.{}.{}", parts[0], part(&other), parts[2]),
            format!("{}.{}.", parts[0], parts[1]),
            format!("{}.{}", parts[0], parts[1]),
            format!("{token}x"),
            "A".repeat(9_000),
        ] {
            let reply = me(&app, &format!("Bearer {wrong}")).await;
            assert_eq!(reply.problem(401), "token_invalid", "{wrong}");
        }
        for garbage in ["", "Bearer", "Bearer ", "bearer  ", "Device", "Basic YTpi", "Token x", "令牌", &token] {
            let reply = me(&app, garbage).await;
            assert_eq!(reply.status, 401, "{garbage}: {}", reply.text());
        }
        me(&app, &format!("bearer {token}")).await.expect(200);
    }
}

both! {
    async fn who_keeps_guessing_waits_and_the_owner_gets_in_after(app) {
        let cast = Cast::enter(&app).await;
        enter(&app, &cast, "ming").await;
        enter(&app, &cast, "hong").await;
        for _ in 0..5 {
            assert_eq!(log_in(&app, "ming", "guess guess guess").await.problem(401), "credentials_wrong");
        }
        let early = log_in(&app, "ming", GOOD).await;
        assert_eq!(early.problem(429), "too_many_requests");
        let wait = early.headers.get("retry-after").and_then(|v| v.to_str().ok()).and_then(|s| s.parse::<i64>().ok());
        let wait = wait.expect("seconds to wait");
        assert!((1..=60).contains(&wait), "{wait}");
        log_in(&app, "hong", GOOD).await.expect(200);
        app.clock.advance(wait);
        log_in(&app, "ming", GOOD).await.expect(200);
    }
}
