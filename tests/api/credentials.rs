//! Licenses, certificates and roles: who gives them, and that what is taken away is gone with the next check. And writes that
//! are no event: made once, however often they are sent.

use pingma::domain::actor::Role;
use serde_json::{Value, json};

use crate::both;
use crate::support::app::{Ask, Reply};
use crate::support::cast::{challenge_rate, check, register, sign_in};
use crate::support::{Cast, TestApp};

async fn checked(app: &TestApp, cast: &Cast, code: &str) -> Reply {
    app.send("POST /api/v1/fill-checks", &cast.filler.worker, check(code, &cast.filler.scale)).await
}

#[track_caller]
fn allowed(reply: &Reply) {
    let answer = reply.expect(200);
    assert_eq!(answer["decision"], "allowed", "{answer:#}");
}

#[track_caller]
fn refused(reply: &Reply, rule: &str) {
    let answer = reply.expect(200);
    assert_eq!((&answer["decision"], &answer["permit"]), (&json!("refused"), &Value::Null));
    assert!(reply.rules().contains(&rule.to_owned()), "{rule}: {:?}", reply.rules());
}

/// The first row of a list.
async fn first(app: &TestApp, path: &str, auth: &str) -> String {
    let list = app.get(path, auth).await.expect(200);
    list["items"][0]["id"].as_str().expect("a row").to_owned()
}

async fn judge(app: &TestApp, path: &str, auth: &str, status: &str) -> Reply {
    app.send(&format!("PATCH {path}"), auth, json!({ "status": status, "reason": "检查发现问题" })).await
}

both! {
    async fn a_revoked_certificate_is_not_answered_with_another_number(app) {
        let cast = Cast::enter(&app).await;
        let line = format!("/api/v1/users/{}/certificates", cast.filler.worker_id);
        let certificate = first(&app, &line, &cast.filler.admin).await;
        let path = format!("/api/v1/certificates/{certificate}");
        let next = |kind: &str, number: &str| json!({ "kind": kind, "number": number, "issuer": "南通市市场监督管理局",
            "valid_from": "2024-01-01", "valid_to": "2027-12-31" });
        let post = format!("POST {line}");
        for status in ["suspended", "revoked"] {
            judge(&app, &path, &cast.regulator, status).await.expect(200);
            let reply = app.send(&post, &cast.filler.admin, next("filling", "P-2")).await;
            assert_eq!(reply.problem(403), "forbidden", "{status}");
            assert!(reply.text().contains("监管部门"), "{}", reply.text());
        }
        app.send(&post, &cast.filler.admin, next("safety_management", "A-1")).await.expect(201);
        app.send(&post, &cast.admin, next("filling", "P-2")).await.expect(201);
    }
}

both! {
    async fn what_is_taken_away_is_gone_with_the_next_check(app) {
        let cast = Cast::enter(&app).await;
        challenge_rate(&app, &cast.admin, 0.0).await;
        let made = register(&app, &cast.filler, "A0000001").await;
        let code = made["code"].as_str().expect("a code");
        allowed(&checked(&app, &cast, code).await);

        let license = first(&app, &format!("/api/v1/organizations/{}/licenses", cast.filler.id), &cast.regulator).await;
        let certificate = first(&app, &format!("/api/v1/users/{}/certificates", cast.filler.worker_id), &cast.filler.admin).await;
        for (path, rule) in [
            (format!("/api/v1/licenses/{license}"), "fill.station-license"),
            (format!("/api/v1/certificates/{certificate}"), "fill.operator-certificate"),
        ] {
            judge(&app, &path, &cast.regulator, "suspended").await.expect(200);
            refused(&checked(&app, &cast, code).await, rule);
            judge(&app, &path, &cast.regulator, "valid").await.expect(200);
            allowed(&checked(&app, &cast, code).await);
        }
        let path = format!("/api/v1/certificates/{certificate}");
        judge(&app, &path, &cast.regulator, "revoked").await.expect(200);
        refused(&checked(&app, &cast, code).await, "fill.operator-certificate");
        assert_eq!(judge(&app, &path, &cast.regulator, "valid").await.problem(409), "state_conflict");
        let path = format!("/api/v1/licenses/{license}");
        judge(&app, &path, &cast.admin, "revoked").await.expect(200);
        refused(&checked(&app, &cast, code).await, "fill.station-license");
        assert_eq!(judge(&app, &path, &cast.admin, "suspended").await.problem(409), "state_conflict");

        let line = format!("PATCH /api/v1/organizations/{}", cast.filler.id);
        app.send(&line, &cast.regulator, json!({ "status": "closed" })).await.expect(200);
        refused(&checked(&app, &cast, code).await, "fill.station-closed");
        app.verify();
    }
}

both! {
    async fn nobody_gives_themselves_a_license_or_a_role_that_is_not_theirs(app) {
        let cast = Cast::enter(&app).await;
        let filler = &cast.filler;
        let licenses = format!("POST /api/v1/organizations/{}/licenses", filler.id);
        let license = json!({ "kind": "filling", "number": "TS-OWN", "issuer": "自己", "valid_from": "2024-01-01",
            "valid_to": "2036-12-31", "media": ["lpg"] });
        assert_eq!(app.send(&licenses, &filler.admin, license.clone()).await.problem(403), "forbidden");
        assert_eq!(app.send(&licenses, &cast.regulator_elsewhere, license.clone()).await.problem(404), "organization_not_found");
        app.send(&licenses, &cast.regulator, license).await.expect(201);

        let user = |roles: Value| json!({ "organization_id": filler.id, "username": "li.si", "password": "lantern orbit kite 9",
            "display_name": "李四", "roles": roles });
        for (roles, why) in [
            (json!(["platform_admin"]), "not_yours_to_give"),
            (json!(["driver", "platform_admin"]), "not_yours_to_give"),
            (json!(["regulator"]), "contradiction"),
            (json!([]), "too_short"),
        ] {
            let reply = app.send("POST /api/v1/users", &filler.admin, user(roles.clone())).await;
            assert_eq!(reply.problem(422), "invalid");
            assert_eq!((&reply.json()["errors"][0]["pointer"], &reply.json()["errors"][0]["code"]), (&json!("/roles"), &json!(why)));
            let line = format!("PATCH /api/v1/users/{}", filler.worker_id);
            let reply = app.send(&line, &filler.admin, json!({ "roles": roles })).await;
            assert_eq!(reply.json()["errors"][0]["code"], why, "{}", reply.text());
        }
        let rows = app.get("/api/v1/users", &filler.admin).await;
        assert!(!rows.text().contains("li.si") && !rows.text().contains("platform_admin"));
    }
}

both! {
    async fn an_admin_of_the_platforms_organization_can_not_take_over_a_platform_admin(app) {
        let cast = Cast::enter(&app).await;
        let root = app.get("/api/v1/me", &cast.admin).await.expect(200);
        let organization = root["organization"]["id"].as_str().expect("an id");
        let (_, clerk) = sign_in(&app, organization, &[Role::OrgAdmin], None);
        let line = format!("PATCH /api/v1/users/{}", root["id"].as_str().expect("an id"));
        for change in [json!({ "password": "lantern orbit kite 9" }), json!({ "active": false }), json!({ "roles": ["driver"] })] {
            assert_eq!(app.send(&line, &clerk, change).await.problem(403), "forbidden");
        }
        app.get("/api/v1/me", &cast.admin).await.expect(200);
    }
}

both! {
    async fn a_member_that_is_null_is_taken_away_and_one_left_out_stays(app) {
        let cast = Cast::enter(&app).await;
        let user = format!("PATCH /api/v1/users/{}", cast.filler.worker_id);
        let kept = app.send(&user, &cast.filler.admin, json!({ "display_name": "李四" })).await.expect(200);
        assert_eq!(kept["site_id"], cast.filler.site.as_str());
        let gone = app.send(&user, &cast.filler.admin, json!({ "site_id": null })).await.expect(200);
        assert_eq!(gone["site_id"], Value::Null);

        let line = format!("PATCH /api/v1/organizations/{}", cast.filler.id);
        let place = json!({ "lat": 32.0, "lon": 120.9 });
        let set = json!({ "address": "人民路1号", "location": place });
        app.send(&line, &cast.admin, set).await.expect(200);
        let kept = app.send(&line, &cast.admin, json!({ "name": "新名称" })).await.expect(200);
        assert_eq!((&kept["address"], &kept["location"]), (&json!("人民路1号"), &place));
        let gone = app.send(&line, &cast.admin, json!({ "address": null, "location": null })).await.expect(200);
        assert_eq!((&gone["address"], &gone["location"]), (&Value::Null, &Value::Null));
    }
}

both! {
    async fn the_file_of_an_organization_can_be_put_right(app) {
        let cast = Cast::enter(&app).await;
        let line = format!("PATCH /api/v1/organizations/{}", cast.filler.id);
        let change = async |auth: &str, body: Value| app.send(&line, auth, body).await;
        let changed = change(&cast.admin, json!({ "credit_code": "91320600ma1new0001" })).await.expect(200);
        assert_eq!(changed["credit_code"], "91320600MA1NEW0001");
        assert_eq!(change(&cast.admin, json!({ "credit_code": "913206-00" })).await.json()["errors"][0]["code"], "bad_format");
        let rival = app.get(&format!("/api/v1/organizations/{}", cast.rival.id), &cast.admin).await.expect(200);
        let taken = change(&cast.admin, json!({ "credit_code": rival["credit_code"] })).await;
        assert_eq!(taken.problem(409), "already_exists");
        assert_eq!(taken.json()["errors"][0]["pointer"], "/credit_code");
        assert_eq!(change(&cast.regulator, json!({ "credit_code": "91320600MA1NEW0002" })).await.problem(403), "forbidden");
        assert_eq!(change(&cast.regulator, json!({ "authority": null })).await.problem(403), "forbidden");

        for (wrong, why) in [
            (json!({ "authority": "fire" }), "contradiction"),
            (json!({ "kinds": ["regulator"] }), "required"),
        ] {
            assert_eq!(change(&cast.admin, wrong).await.json()["errors"][0]["code"], why);
        }
        let changed = change(&cast.admin, json!({ "kinds": ["regulator"], "authority": "fire" })).await.expect(200);
        assert_eq!((&changed["kinds"], &changed["authority"]), (&json!(["regulator"]), &json!("fire")));
        let changed = change(&cast.admin, json!({ "kinds": ["filler"], "authority": null })).await.expect(200);
        assert_eq!(changed["authority"], Value::Null);

        let me = app.get("/api/v1/me", &cast.admin).await.expect(200);
        let platform = format!("PATCH /api/v1/organizations/{}", me["organization"]["id"].as_str().expect("an id"));
        let refused = app.send(&platform, &cast.admin, json!({ "credit_code": "91320600MA1NEW0003" })).await;
        assert_eq!(refused.problem(409), "state_conflict");
    }
}

/// A POST of sites under a key.
async fn keyed(app: &TestApp, auth: &str, key: &str, body: &Value) -> Reply {
    app.ask(Ask {
        line: "POST /api/v1/sites".to_owned(),
        auth: Some(auth.to_owned()),
        key: Some(key.to_owned()),
        body: Some(body.clone()),
        ..Ask::default()
    })
    .await
}

async fn sites(app: &TestApp, auth: &str) -> usize {
    let list = app.get("/api/v1/sites", auth).await.expect(200);
    list["items"].as_array().expect("items").len()
}

both! {
    async fn a_write_under_a_key_is_made_once(app) {
        let cast = Cast::enter(&app).await;
        let admin = &cast.filler.admin;
        let before = sites(&app, admin).await;
        let body = json!({ "organization_id": cast.filler.id, "kind": "depot", "name": "三站", "district_code": "320602" });
        let made = keyed(&app, admin, "k-1", &body).await;
        made.expect(201);
        assert!(made.headers.get("idempotency-replayed").is_none());
        app.clock.advance(300);
        for _ in 0..2 {
            let again = keyed(&app, admin, "k-1", &body).await;
            again.expect(201);
            assert_eq!(again.bytes, made.bytes);
            assert_eq!(again.headers.get("idempotency-replayed").and_then(|v| v.to_str().ok()), Some("true"));
        }
        // The same JSON value in other letters.
        let text = format!("{{ \"district_code\":\"320602\",\n \"name\":\"\\u4e09\\u7ad9\", \"kind\":\"depot\", \"organization_id\":\"{}\" }}", cast.filler.id);
        let raw = app.ask(Ask {
            line: "POST /api/v1/sites".to_owned(), auth: Some(admin.clone()), key: Some("k-1".to_owned()),
            raw: Some(("application/json".to_owned(), text.into_bytes())), ..Ask::default()
        }).await;
        assert_eq!((raw.status, &raw.bytes), (201, &made.bytes));
        assert_eq!(sites(&app, admin).await, before + 1);

        let mut other = body.clone();
        other["name"] = json!("四站");
        assert_eq!(keyed(&app, admin, "k-1", &other).await.problem(422), "idempotency_key_reused");
        keyed(&app, admin, "k-2", &body).await.expect(201);
        // A key is its sender's own.
        let (_, colleague) = sign_in(&app, &cast.filler.id, &[Role::OrgAdmin], None);
        keyed(&app, &colleague, "k-1", &other).await.expect(201);
        assert_eq!(sites(&app, admin).await, before + 3);
    }
}

both! {
    async fn a_key_stands_for_one_path_and_one_body_with_its_secrets(app) {
        let cast = Cast::enter(&app).await;
        let admin = &cast.filler.admin;
        let send = async |line: &str, body: Value| {
            app.ask(Ask { line: line.to_owned(), auth: Some(admin.clone()), key: Some("k-7".to_owned()), body: Some(body), ..Ask::default() }).await
        };
        let user = format!("PATCH /api/v1/users/{}", cast.filler.worker_id);
        send(&user, json!({ "password": "lantern orbit kite 9" })).await.expect(200);
        let same = send(&user, json!({ "password": "lantern orbit kite 9" })).await;
        assert_eq!(same.headers.get("idempotency-replayed").and_then(|v| v.to_str().ok()), Some("true"));
        let other = send(&user, json!({ "password": "copper lilac stove 4" })).await;
        assert_eq!(other.problem(422), "idempotency_key_reused", "another password is another call");
        let elsewhere = format!("PATCH /api/v1/users/{}", cast.filler.checker_id);
        let other = send(&elsewhere, json!({ "password": "lantern orbit kite 9" })).await;
        assert_eq!(other.problem(422), "idempotency_key_reused", "another path is another call");
    }
}

both! {
    async fn a_key_has_its_form_and_a_failure_leaves_it_free(app) {
        let cast = Cast::enter(&app).await;
        let admin = &cast.filler.admin;
        let before = sites(&app, admin).await;
        let body = json!({ "organization_id": cast.filler.id, "kind": "depot", "name": "三站", "district_code": "320602" });
        let long = "k".repeat(65);
        for wrong in ["", "a b", "a/b", "键", "a,b", long.as_str()] {
            assert_eq!(keyed(&app, admin, wrong, &body).await.problem(400), "idempotency_key_malformed", "{wrong:?}");
        }
        assert_eq!(sites(&app, admin).await, before);
        let mut foreign = body.clone();
        foreign["organization_id"] = json!(cast.rival.id);
        let good = "k".repeat(64);
        assert_eq!(keyed(&app, admin, &good, &foreign).await.problem(404), "organization_not_found");
        keyed(&app, admin, &good, &body).await.expect(201);
        // The same key on another route is another key.
        let users = json!({ "organization_id": cast.filler.id, "username": "li.si", "password": "lantern orbit kite 9",
            "display_name": "李四", "roles": ["driver"] });
        let ask = Ask { line: "POST /api/v1/users".to_owned(), auth: Some(admin.clone()), key: Some(good), body: Some(users), ..Ask::default() };
        let made = app.ask(ask.clone()).await;
        made.expect(201);
        let again = app.ask(ask).await;
        assert_eq!((again.status, again.bytes), (201, made.bytes));
    }
}
