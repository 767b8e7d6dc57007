//! Clients that mean harm: made-up codes, typed guesses, copied refresh tokens, tokens with tricks.

use std::sync::{Arc, Barrier};

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use diesel::prelude::*;
use pingma::app::App;
use pingma::app::scan::ScannedCode;
use pingma::auth::secret::{OpaqueSecret, SecretKind};
use pingma::db::sessions::{RefreshTokenRow, SessionRow};
use pingma::domain::id::{SessionId, UserId};
use pingma::domain::label_code::{ALPHABET, Entry, LabelId};
use pingma::on_backend;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::both;
use crate::soak::count;
use crate::support::cast::check;
use crate::support::chance::Chance;
use crate::support::{Cast, TestApp, World};

/// Another code: one to four characters are others, or two change places, or the tag is another's.
fn mutated(code: &[u8], other: &[u8], chance: &mut Chance) -> Vec<u8> {
    let alphabet = ALPHABET;
    let mut bytes = code.to_vec();
    match chance.below(4) {
        0 => bytes[9..].copy_from_slice(&other[9..]),
        1 => {
            let (a, b) = (chance.below(bytes.len()), chance.below(bytes.len()));
            bytes.swap(a, b);
        }
        _ => {
            for _ in 0..=chance.below(4) {
                bytes[chance.below(code.len())] = alphabet[chance.below(alphabet.len())];
            }
        }
    }
    bytes
}

#[actix_web::test]
async fn no_altered_code_is_ours() {
    let app = TestApp::sqlite();
    let keys = &app.app.keyring;
    let mut chance = Chance::new(77);
    let mut word = |length: usize| -> String {
        (0..length).map(|_| char::from(ALPHABET[chance.below(ALPHABET.len())])).collect()
    };
    let ids: Vec<LabelId> = (0..64).map(|_| word(8).parse().expect("an id")).collect();
    let codes: Vec<String> = ids.iter().map(|id| keys.mint(id).to_string()).collect();
    for code in &codes {
        assert!(ScannedCode::read(code, Entry::Scanned, keys).label_id().is_some(), "{code}");
    }
    let mut chance = Chance::new(78);
    let mut tried = 0;
    while tried < count(100_000, 10_000_000) {
        let (code, other) = (chance.of(&codes), chance.below(codes.len()));
        let altered = mutated(code.as_bytes(), codes[other].as_bytes(), &mut chance);
        if codes.iter().any(|code| code.as_bytes() == altered) {
            continue;
        }
        let text = String::from_utf8(altered).expect("ASCII");
        assert!(ScannedCode::read(&text, Entry::Scanned, keys).label_id().is_none(), "{text}");
        tried += 1;
    }
}

both! {
    async fn who_tries_ids_one_by_one_is_slowed_down(app) {
        let mut w = World::enter(app).await;
        let code = w.cylinder("A0000001").await;
        w.app.limit_typed_codes(6);
        let scale = w.cast.filler.scale.clone();
        let mut typed = check("ABCDEFGHX", &scale);
        typed["entry"] = json!("typed");
        let handover = json!({ "code": "ABCDEFGHX", "customer_ref": "K-1001", "entry": "typed" });
        let give_back = json!({ "code": "ABCDEFGHX", "entry": "typed" });
        let worker = w.cast.filler.worker.clone();
        for _ in 0..3 {
            assert_eq!(w.check_by(&worker, typed.clone()).await.expect(200)["decision"], "refused");
            w.send("POST /returns", &worker, give_back.clone()).await;
        }
        let before = w.head();
        for (line, body) in [("POST /fill-checks", &typed), ("POST /returns", &give_back), ("POST /emptyings", &emptying(&w))] {
            let late = w.send(line, &worker, body.clone()).await;
            assert_eq!(late.problem(429), "too_many_requests", "{line}");
            let wait = late.headers.get("retry-after").and_then(|v| v.to_str().ok()).and_then(|s| s.parse::<u32>().ok());
            assert!(wait.is_some_and(|s| (1..=60).contains(&s)), "{line}: {wait:?}");
        }
        // From the same address neither.
        let other = w.send("POST /handovers", &w.cast.distributor.worker, handover).await;
        assert_eq!(other.problem(429), "too_many_requests");
        assert_eq!(w.head(), before, "nothing was looked up");
        assert_eq!(w.check(&code).await.expect(200)["decision"], "allowed", "a scanned code has its tag");
        w.app.verify();
    }
}

fn emptying(w: &World) -> Value {
    let mut body = w.emptying("ABCDEFGHX", "inspection", 0);
    body["entry"] = json!("typed");
    body
}

/// A session of somebody with its first refresh token.
fn a_family(app: &TestApp, user_id: UserId) -> (SessionId, OpaqueSecret) {
    let (now, mut conn) = (app.now(), app.conn());
    let id = app.app.ids.id(now);
    let expires_at = now.plus_seconds(86_400);
    let session =
        SessionRow { id, user_id, created_at: now, expires_at, revoked_at: None, revoked_for: None };
    session.insert(&mut conn).expect("a session");
    let secret = OpaqueSecret::new(&*app.app.ids, SecretKind::Refresh);
    let digest = secret.digest().to_vec();
    let token = RefreshTokenRow { digest, session_id: id, generation: 1, issued_at: now, rotated_at: None };
    token.insert(&mut conn).expect("a token");
    (id, secret)
}

/// Tokens of a session that were not exchanged yet; none count of a session that was revoked.
fn live(app: &TestApp, session: SessionId) -> i64 {
    use pingma::db::schema::{refresh_tokens as t, sessions as s};
    let tokens = t::table
        .inner_join(s::table)
        .filter(t::session_id.eq(session))
        .filter(t::rotated_at.is_null())
        .filter(s::revoked_at.is_null());
    on_backend!(&mut app.conn(), c => tokens.count().get_result(c)).expect("a number")
}

/// Several exchange the same token at the same moment; the tokens that they were given.
fn race(app: &Arc<App>, token: &str, runners: usize) -> Vec<String> {
    let start = Barrier::new(runners);
    std::thread::scope(|scope| {
        let runners: Vec<_> = (0..runners)
            .map(|_| {
                scope.spawn(|| {
                    start.wait();
                    app.refresh(token).map(|pair| pair.refresh_token)
                })
            })
            .collect();
        runners.into_iter().filter_map(|runner| runner.join().expect("it ends").ok()).collect()
    })
}

both! {
    async fn a_refresh_token_that_is_raced_for_has_one_live_successor(app) {
        let cast = Cast::enter(&app).await;
        let user: UserId = cast.filler.worker_id.parse().expect("an id");
        for round in 0..count(100, 5_000) {
            let (session, first) = a_family(&app, user);
            let first = first.text().expose_secret().to_owned();
            let won = race(&app.app, &first, 2 + round % 3);
            assert!(live(&app, session) <= 1, "round {round}");
            // Later the first one is somebody's copy: it ends the family, also for who holds the newest.
            app.clock.advance(11);
            assert!(app.app.refresh(&first).is_err(), "round {round}");
            assert_eq!(live(&app, session), 0, "round {round}");
            for token in won {
                assert!(app.app.refresh(&token).is_err(), "round {round}");
            }
        }
    }
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn read(text: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).expect("base64")).expect("JSON")
}

/// The public key behind our tokens, in the forms somebody may have it.
fn public_keys(app: &TestApp) -> Vec<Vec<u8>> {
    let file = std::fs::read(app.dir().join("keys")).expect("the keys");
    let file: Value = serde_json::from_slice(&file).expect("JSON");
    let pkcs8 = file["token_keys"]["keys"][0]["pkcs8"].as_str().expect("a key");
    let pair = Ed25519KeyPair::from_pkcs8(&STANDARD.decode(pkcs8).expect("base64")).expect("a key");
    let raw = pair.public_key().as_ref().to_vec();
    let der = [&[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00][..], &raw].concat();
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(&der));
    vec![STANDARD.encode(&raw).into_bytes(), raw, der, pem.into_bytes(), Vec::new()]
}

both! {
    async fn a_public_key_is_no_secret_to_sign_with(app) {
        let cast = Cast::enter(&app).await;
        let token = cast.filler.admin.trim_start_matches("Bearer ").to_owned();
        let parts: Vec<&str> = token.split('.').collect();
        for (alg, hash) in [("HS256", hmac::HMAC_SHA256), ("HS384", hmac::HMAC_SHA384), ("HS512", hmac::HMAC_SHA512)] {
            for key in public_keys(&app) {
                let mut header = read(parts[0]);
                header["alg"] = json!(alg);
                let signed = format!("{}.{}", part(&header), parts[1]);
                let tag = hmac::sign(&hmac::Key::new(hash, &key), signed.as_bytes());
                let forged = format!("Bearer {signed}.{}", URL_SAFE_NO_PAD.encode(tag.as_ref()));
                assert_eq!(app.get("/api/v1/me", &forged).await.problem(401), "token_invalid", "{alg}");
            }
        }
        app.get("/api/v1/me", &cast.filler.admin).await.expect(200);
    }
}

both! {
    async fn a_token_of_the_past_or_the_future_is_nothing(app) {
        let cast = Cast::enter(&app).await;
        let user: UserId = cast.filler.worker_id.parse().expect("an id");
        let (session, _) = a_family(&app, user);
        for (offset_s, status) in [(-86_400 * 3650, 401), (-3_600, 401), (-601, 401), (0, 200), (3_600, 401), (86_400 * 3650, 401)] {
            let (token, _) = app.app.tokens.issue(user, session, app.now().plus_seconds(offset_s)).expect("a token");
            let reply = app.get("/api/v1/me", &format!("Bearer {}", token.expose_secret())).await;
            assert_eq!(reply.status, status, "{offset_s} s: {}", reply.text());
        }
    }
}
