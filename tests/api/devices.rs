//! Scales with keys of their own, and the shifts of those who work at them.

use std::sync::Barrier;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use diesel::prelude::*;
use pingma::app::registry::create_device_key;
use pingma::auth::permission::Action;
use pingma::db::registry::DeviceKeyRow;
use pingma::db::schema::idempotency_records;
use pingma::domain::actor::Role;
use pingma::error::Code;
use pingma::ledger::Call;
use pingma::on_backend;
use serde_json::{Value, json};

use crate::both;
use crate::support::app::{Ask, Reply};
use crate::support::cast::{certify, challenge_rate, check, created, register, session_of, sign_in};
use crate::support::{Cast, TestApp};

/// A new key of a scale: its id and `Authorization`.
async fn new_key(app: &TestApp, cast: &Cast) -> (String, String) {
    let line = format!("POST /api/v1/scales/{}/keys", cast.filler.scale);
    let made = app.send(&line, &cast.filler.admin, Value::Null).await.expect(201);
    let text = |member: &str| made[member].as_str().expect("a text").to_owned();
    (text("id"), format!("Device {}", text("key")))
}

async fn shift(app: &TestApp, verb: &str, scale: &str, auth: &str) -> Reply {
    app.send(&format!("{verb} /api/v1/scales/{scale}/shift"), auth, Value::Null).await
}

async fn checked(app: &TestApp, auth: &str, code: &str, scale: &str) -> Reply {
    app.send("POST /api/v1/fill-checks", auth, check(code, scale)).await
}

#[track_caller]
fn allowed(reply: &Reply) -> Value {
    let answer = reply.expect(200);
    assert_eq!(answer["decision"], "allowed", "{answer:#}");
    answer
}

/// Refused because nobody with a certificate is at the scale.
#[track_caller]
fn unattended(reply: &Reply) {
    assert_eq!(reply.expect(200)["decision"], "refused");
    assert!(reply.rules().contains(&"fill.operator-certificate".to_owned()), "{:?}", reply.rules());
}

both! {
    async fn a_device_key_is_shown_once_and_two_are_active_at_most(app) {
        let cast = Cast::enter(&app).await;
        let (first_id, first) = new_key(&app, &cast).await;
        let (_, second) = new_key(&app, &cast).await;
        assert_ne!(first, second);
        let keys = format!("/api/v1/scales/{}/keys", cast.filler.scale);
        let third = app.send(&format!("POST {keys}"), &cast.filler.admin, Value::Null).await;
        assert_eq!(third.problem(409), "state_conflict");
        let scales = app.get("/api/v1/scales", &cast.filler.admin).await;
        for key in [&first, &second] {
            assert!(!scales.text().contains(key.trim_start_matches("Device ")));
        }
        let made = register(&app, &cast.filler, "A0000001").await;
        let code = made["code"].as_str().expect("a code");
        unattended(&checked(&app, &first, code, &cast.filler.scale).await);

        let revoked = app.send(&format!("DELETE {keys}/{first_id}"), &cast.filler.admin, Value::Null).await;
        assert!(!revoked.text().contains("digest") && revoked.status == 200, "{}", revoked.text());
        let dead = checked(&app, &first, code, &cast.filler.scale).await;
        assert_eq!(dead.problem(401), "token_invalid");
        unattended(&checked(&app, &second, code, &cast.filler.scale).await);
        let again = app.send(&format!("DELETE {keys}/{first_id}"), &cast.filler.admin, Value::Null).await;
        assert_eq!(again.status, 404);
        new_key(&app, &cast).await;
        app.verify();
    }
}

both! {
    async fn a_key_whose_answer_got_lost_is_named_and_not_shown_again(app) {
        let cast = Cast::enter(&app).await;
        let keys = format!("/api/v1/scales/{}/keys", cast.filler.scale);
        let make = async |key: &str| {
            let auth = Some(cast.filler.admin.clone());
            app.ask(Ask { line: format!("POST {keys}"), auth, key: Some(key.to_owned()), ..Ask::default() }).await
        };
        let made = make("k-1").await.expect(201);
        for _ in 0..2 {
            let again = make("k-1").await;
            assert_eq!(again.problem(409), "device_key_shown");
            let error = again.json()["errors"][0].clone();
            assert_eq!((&error["pointer"], &error["detail"]), (&json!("/id"), &made["id"]));
            assert!(!again.text().contains(made["key"].as_str().expect("a key")));
        }
        let scale = cast.filler.scale.parse().expect("an id");
        assert_eq!(DeviceKeyRow::active_of(&mut app.conn(), scale).expect("the database answers").len(), 1);
        let id = made["id"].as_str().expect("an id");
        app.send(&format!("DELETE {keys}/{id}"), &cast.filler.admin, Value::Null).await.expect(200);
        let next = make("k-2").await.expect(201);
        assert_ne!(next["id"], made["id"]);
        let records = idempotency_records::table.select(idempotency_records::body);
        let stored: Vec<String> = on_backend!(&mut app.conn(), c => records.load(c)).expect("the records");
        assert!(stored.iter().all(|body| !body.contains("pmd_")), "{stored:?}");
    }
}

both! {
    async fn keys_that_are_asked_for_at_once_are_two_at_most(app) {
        let cast = Cast::enter(&app).await;
        let scale = cast.filler.scale.parse().expect("an id");
        let token = cast.filler.admin.trim_start_matches("Bearer ");
        let credential = app.app.tokens.verify(token, app.now()).expect("a good token").credential();
        let call = Call::plain(credential, "POST /api/v1/scales/{id}/keys");
        let start = Barrier::new(8);
        let made: Vec<_> = std::thread::scope(|scope| {
            let make = || {
                start.wait();
                app.app.write(&call, Action::WriteScale, |session| create_device_key(session, scale))
            };
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(make)).collect();
            threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
        });
        let active = DeviceKeyRow::active_of(&mut app.conn(), scale).expect("the database answers").len();
        assert!((1..=2).contains(&active), "{active} keys are active");
        assert_eq!(made.iter().filter(|made| made.is_ok()).count(), active);
        for error in made.into_iter().filter_map(Result::err) {
            assert!(matches!(error.code, Code::StateConflict | Code::ChangedInBetween), "{error}");
        }
    }
}

both! {
    async fn a_made_up_key_takes_no_place_in_the_queue(app) {
        let mut app = app;
        let cast = Cast::enter(&app).await;
        let (id, device) = new_key(&app, &cast).await;
        app.limit_public_calls(3);
        let made = register(&app, &cast.filler, "A0000001").await;
        let code = made["code"].as_str().expect("a code");
        unattended(&checked(&app, &device, code, &cast.filler.scale).await);
        // Nothing gets through the queue from here on.
        app.app.writer.stop();
        let made_up = |n: u8| format!("Device pmd_{}", URL_SAFE_NO_PAD.encode([n; 32]));
        for n in 0..2 {
            let reply = checked(&app, &made_up(n), code, &cast.filler.scale).await;
            assert_eq!(reply.problem(401), "token_invalid");
        }
        for n in 2..5 {
            let reply = checked(&app, &made_up(n), code, &cast.filler.scale).await;
            assert_eq!(reply.problem(429), "too_many_requests");
        }
        let waits = checked(&app, &device, code, &cast.filler.scale).await;
        assert_eq!(waits.status, 503, "a scale that is known gets to the queue: {}", waits.text());
        app.clock.advance(61);
        let waits = checked(&app, &device, code, &cast.filler.scale).await;
        assert_eq!(waits.status, 503, "and is no stranger when it is looked up again: {}", waits.text());

        let line = format!("DELETE /api/v1/scales/{}/keys/{id}", cast.filler.scale);
        app.send(&line, &cast.filler.admin, Value::Null).await.expect(200);
        app.clock.advance(61);
        assert_eq!(checked(&app, &device, code, &cast.filler.scale).await.status, 503, "looked up and forgotten");
        let stranger = checked(&app, &device, code, &cast.filler.scale).await;
        assert_eq!(stranger.problem(429), "too_many_requests");
    }
}

both! {
    async fn a_scale_acts_for_the_one_whose_shift_it_is(app) {
        let cast = Cast::enter(&app).await;
        challenge_rate(&app, &cast.admin, 0.0).await;
        let (_, device) = new_key(&app, &cast).await;
        let filler = &cast.filler;
        let made = register(&app, filler, "A0000001").await;
        let code = made["code"].as_str().expect("a code");
        unattended(&checked(&app, &device, code, &filler.scale).await);

        let begun = shift(&app, "POST", &filler.scale, &filler.worker).await.expect(200);
        assert_eq!(begun["shift_operator_id"], filler.worker_id.as_str());
        let answer = allowed(&checked(&app, &device, code, &filler.scale).await);
        app.clock.advance(90);
        let fill = json!({ "permit_id": answer["permit"]["id"], "gross_g": 31_300, "started_at": "2026-06-15T04:00:10Z",
            "finished_at": "2026-06-15T04:01:20Z" });
        let filled = app.send("POST /api/v1/fills", &device, fill).await.expect(201);
        let fills = app.get("/api/v1/fills", &filler.admin).await.expect(200);
        assert_eq!((&fills["items"][0]["id"], &fills["items"][0]["operator_id"]), (&filled["id"], &json!(filler.worker_id)));

        shift(&app, "DELETE", &filler.scale, &filler.worker).await.expect(200);
        let next = register(&app, filler, "A0000002").await;
        unattended(&checked(&app, &device, next["code"].as_str().expect("a code"), &filler.scale).await);
        app.verify();
    }
}

both! {
    async fn a_shift_ends_after_twelve_hours(app) {
        let cast = Cast::enter(&app).await;
        challenge_rate(&app, &cast.admin, 0.0).await;
        let (_, device) = new_key(&app, &cast).await;
        let made = register(&app, &cast.filler, "A0000001").await;
        let code = made["code"].as_str().expect("a code");
        shift(&app, "POST", &cast.filler.scale, &cast.filler.worker).await.expect(200);
        app.clock.advance(12 * 3_600 - 1);
        allowed(&checked(&app, &device, code, &cast.filler.scale).await);
        app.clock.advance(1);
        unattended(&checked(&app, &device, code, &cast.filler.scale).await);
        let worker = session_of(&app, cast.filler.worker_id.parse().expect("an id"));
        shift(&app, "POST", &cast.filler.scale, &worker).await.expect(200);
        allowed(&checked(&app, &device, code, &cast.filler.scale).await);
        app.verify();
    }
}

both! {
    async fn nobody_has_two_shifts_and_no_scale_two_operators(app) {
        let cast = Cast::enter(&app).await;
        let filler = &cast.filler;
        let body = json!({ "site_id": filler.site, "name": "2号秤", "serial_no": "S-2", "medium": "lpg", "calibration_valid_to": "2027-01-31" });
        let second = created(&app, "POST /api/v1/scales", &filler.admin, body).await;
        shift(&app, "POST", &filler.scale, &filler.worker).await.expect(200);
        shift(&app, "POST", &second, &filler.worker).await.expect(200);
        let operator = async |scale: &str| {
            let scales = app.get("/api/v1/scales", &filler.admin).await.expect(200);
            let found = scales["items"].as_array().expect("items").iter().find(|row| row["id"] == scale).cloned();
            found.expect("the scale")["shift_operator_id"].clone()
        };
        assert_eq!((operator(&filler.scale).await, operator(&second).await), (Value::Null, json!(filler.worker_id)));

        let (other_id, other) = sign_in(&app, &filler.id, &[Role::FillOperator], Some(&filler.site));
        certify(&app, &filler.admin, &other_id, "filling").await;
        shift(&app, "POST", &second, &other).await.expect(200);
        assert_eq!(operator(&second).await, json!(other_id));

        let body = json!({ "organization_id": filler.id, "kind": "filling_station", "name": "二站", "district_code": "320602" });
        let elsewhere = created(&app, "POST /api/v1/sites", &filler.admin, body).await;
        let (_, far) = sign_in(&app, &filler.id, &[Role::FillOperator], Some(&elsewhere));
        assert_eq!(shift(&app, "POST", &second, &far).await.problem(409), "state_conflict");
    }
}

both! {
    async fn a_key_is_good_for_its_own_scale_only(app) {
        let cast = Cast::enter(&app).await;
        challenge_rate(&app, &cast.admin, 0.0).await;
        let filler = &cast.filler;
        let (_, device) = new_key(&app, &cast).await;
        let body = json!({ "site_id": filler.site, "name": "2号秤", "serial_no": "S-2", "medium": "lpg", "calibration_valid_to": "2027-01-31" });
        let second = created(&app, "POST /api/v1/scales", &filler.admin, body).await;
        shift(&app, "POST", &filler.scale, &filler.worker).await.expect(200);
        let made = register(&app, filler, "A0000001").await;
        let code = made["code"].as_str().expect("a code");
        for scale in [&second, &cast.rival.scale] {
            let reply = checked(&app, &device, code, scale).await;
            assert_eq!(reply.expect(200)["decision"], "refused");
            assert!(reply.rules().contains(&"fill.scale-invalid".to_owned()), "{:?}", reply.rules());
        }
        // A permit that was given at another scale is not this scale's.
        let permit = allowed(&checked(&app, &filler.worker, code, &second).await);
        app.clock.advance(90);
        let fill = json!({ "permit_id": permit["permit"]["id"], "gross_g": 31_300, "started_at": "2026-06-15T04:00:10Z",
            "finished_at": "2026-06-15T04:01:20Z" });
        let refused = app.send("POST /api/v1/fills", &device, fill).await;
        assert_eq!(refused.expect(200)["status"], "refused");
        assert!(refused.rules().contains(&"fill.permit-foreign".to_owned()), "{:?}", refused.rules());
        app.verify();
    }
}

both! {
    async fn a_shift_is_worth_no_more_than_who_works_it(app) {
        let cast = Cast::enter(&app).await;
        challenge_rate(&app, &cast.admin, 0.0).await;
        let (_, key) = new_key(&app, &cast).await;
        let filler = &cast.filler;
        let made = register(&app, filler, "A0000001").await;
        let code = made["code"].as_str().expect("a code");
        let line = format!("PATCH /api/v1/users/{}", filler.worker_id);
        for (lost, back) in [
            (json!({ "roles": ["warehouse"] }), json!({ "roles": ["fill_operator"] })),
            (json!({ "active": false }), json!({ "active": true })),
        ] {
            let worker = session_of(&app, filler.worker_id.parse().expect("an id"));
            shift(&app, "POST", &filler.scale, &worker).await.expect(200);
            allowed(&checked(&app, &key, code, &filler.scale).await);
            app.send(&line, &filler.admin, lost).await.expect(200);
            unattended(&checked(&app, &key, code, &filler.scale).await);
            app.send(&line, &filler.admin, back).await.expect(200);
            unattended(&checked(&app, &key, code, &filler.scale).await);
        }
        app.verify();
    }
}
