//! The audit log: what it holds, who reads it, and that a flood does not fill it.

use pingma::domain::actor::Role;
use serde_json::{Value, json};

use crate::both;
use crate::support::app::{Ask, Reply};
use crate::support::cast::{check, created, register, sign_in};
use crate::support::{Cast, TestApp};

const GOOD: &str = "lantern orbit kite 9";

/// Entries that somebody sees, newest first, with what was denied until now.
async fn entries(app: &TestApp, auth: &str, filter: &str) -> Vec<Value> {
    app.app.record_denials(&mut app.conn(), true).expect("denials are written");
    let log = app.get(&format!("/api/v1/audit?limit=200{filter}"), auth).await.expect(200);
    log["items"].as_array().expect("items").clone()
}

fn actions(entries: &[Value]) -> Vec<&str> {
    entries.iter().filter_map(|entry| entry["action"].as_str()).collect()
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

/// Enters a user of the filler with a password; their id.
async fn enter(app: &TestApp, cast: &Cast, username: &str) -> String {
    let body = json!({ "organization_id": cast.filler.id, "username": username, "password": GOOD,
        "display_name": "王小明", "roles": ["dispatcher"] });
    created(app, "POST /api/v1/users", &cast.filler.admin, body).await
}

both! {
    async fn an_act_is_on_record_with_its_effect_and_only_with_it(app) {
        let cast = Cast::enter(&app).await;
        let before = entries(&app, &cast.admin, "").await;
        let body = json!({ "organization_id": cast.filler.id, "kind": "depot", "name": "张三的库", "district_code": "320602" });
        let ask = Ask { line: "POST /api/v1/sites".to_owned(), auth: Some(cast.filler.admin.clone()),
            key: Some("once".to_owned()), body: Some(body.clone()), ..Ask::default() };
        let site = app.ask(ask.clone()).await.expect(201);
        app.ask(ask).await.expect(201);
        let bad = json!({ "organization_id": cast.filler.id, "kind": "depot", "name": "", "district_code": "320602" });
        app.send("POST /api/v1/sites", &cast.filler.admin, bad).await.expect(422);
        let scale = json!({ "site_id": cast.filler.site, "name": "2号秤", "serial_no": "S-1", "medium": "lpg",
            "calibration_valid_to": "2027-01-31" });
        let first = app.send("POST /api/v1/scales", &cast.filler.admin, scale.clone()).await;
        app.send("POST /api/v1/scales", &cast.filler.admin, scale).await.expect(409);
        let after = entries(&app, &cast.admin, "").await;
        let new = if first.status == 201 { 2 } else { 1 };
        assert_eq!(after.len(), before.len() + new, "a replay and what failed leave nothing");
        let entry = &after[new - 1];
        let me = app.get("/api/v1/me", &cast.filler.admin).await.expect(200);
        assert_eq!(entry["actor_id"], me["id"]);
        assert_eq!(entry["organization_id"], json!(cast.filler.id));
        assert_eq!((&entry["action"], &entry["outcome"]), (&json!("write_site"), &json!("done")));
        assert_eq!(entry["route"], "POST /api/v1/sites");
        assert_eq!(entry["subject"]["site_id"], site["id"]);
        assert_eq!(entry["prev_hash"], after[new]["hash"]);
        app.verify();
    }
}

both! {
    async fn no_secret_and_no_name_of_a_person_is_in_it(app) {
        let cast = Cast::enter(&app).await;
        let id = enter(&app, &cast, "ming").await;
        log_in(&app, "ming", GOOD).await.expect(200);
        let change = json!({ "password": "another long one 7", "display_name": "王大明" });
        app.send(&format!("PATCH /api/v1/users/{id}"), &cast.filler.admin, change).await.expect(200);
        let keys = format!("POST /api/v1/scales/{}/keys", cast.filler.scale);
        let made = app.send(&keys, &cast.filler.admin, json!({})).await.expect(201);
        let log = entries(&app, &cast.admin, "").await;
        assert_eq!(log[1]["subject"]["note"], "password_set");
        let text = Value::from(log).to_string();
        for secret in [GOOD, "another long one", "ming", "王小明", "王大明", "argon2", made["key"].as_str().expect("a key")] {
            assert!(!text.contains(secret), "{secret} is in {text}");
        }
        assert!(text.contains(made["id"].as_str().expect("an id")));
    }
}

both! {
    async fn acts_on_cylinders_are_events_and_not_repeated_here(app) {
        let cast = Cast::enter(&app).await;
        let before = entries(&app, &cast.admin, "").await.len();
        let code = register(&app, &cast.filler, "T000001").await["code"].as_str().expect("a code").to_owned();
        app.send("POST /api/v1/fill-checks", &cast.filler.worker, check(&code, &cast.filler.scale)).await.expect(200);
        app.get("/api/v1/cylinders", &cast.filler.admin).await.expect(200);
        assert_eq!(entries(&app, &cast.admin, "").await.len(), before);
        // But who may not even try is named.
        let denied = app.send("POST /api/v1/fill-checks", &cast.filler.admin, check(&code, &cast.filler.scale)).await;
        assert_eq!(denied.problem(403), "forbidden");
        let log = entries(&app, &cast.admin, "").await;
        assert_eq!((actions(&log)[0], log.len()), ("check_fill", before + 1));
        app.verify();
    }
}

both! {
    async fn sessions_leave_their_marks(app) {
        let cast = Cast::enter(&app).await;
        let id = enter(&app, &cast, "ming").await;
        let pair = log_in(&app, "ming", GOOD).await.expect(200);
        log_in(&app, "ming", "wrong-horse-7").await.expect(401);
        log_in(&app, "nobody", "wrong-horse-7").await.expect(401);
        let token = |pair: &Value, member: &str| pair[member].as_str().expect("a token").to_owned();
        let refresh = |pair: &Value| json!({ "refresh_token": token(pair, "refresh_token") });
        let next = post(&app, "/auth/refresh", None, refresh(&pair)).await.expect(200);
        app.clock.advance(60);
        let bearer = format!("Bearer {}", token(&next, "access_token"));
        app.get("/api/v1/me", &bearer).await.expect(200);
        let of_ming = format!("&actor={id}");
        let log = entries(&app, &cast.admin, &of_ming).await;
        assert_eq!(actions(&log), ["log_in", "log_in"], "looking and refreshing is no act");
        assert_eq!((&log[0]["outcome"], &log[0]["subject"]["code"]), (&json!("denied"), &json!("credentials_wrong")));
        let nobody = entries(&app, &cast.admin, "&action=log_in&outcome=denied").await;
        assert_eq!((nobody.len(), nobody.iter().filter(|e| e["actor_id"].is_null()).count()), (2, 1));

        // A copy of the first token: the family ends, and so does what was made with it.
        app.clock.advance(60);
        post(&app, "/auth/refresh", None, refresh(&pair)).await.expect(401);
        post(&app, "/auth/refresh", None, refresh(&next)).await.expect(401);
        app.get("/api/v1/me", &bearer).await.expect(401);
        let log = entries(&app, &cast.admin, &of_ming).await;
        let mut codes: Vec<_> = log[..3].iter().filter_map(|e| e["subject"]["code"].as_str()).collect();
        codes.sort_unstable();
        assert_eq!(codes, ["refresh_token_used_again", "token_invalid", "token_invalid"]);

        let pair = log_in(&app, "ming", GOOD).await.expect(200);
        let bearer = format!("Bearer {}", token(&pair, "access_token"));
        let wrong = json!({ "current_password": "wrong-horse-7", "new_password": "a new long one 7" });
        post(&app, "/me/password", Some(&bearer), wrong).await.expect(401);
        let right = json!({ "current_password": GOOD, "new_password": "a new long one 7" });
        post(&app, "/me/password", Some(&bearer), right).await.expect(204);
        let pair = log_in(&app, "ming", "a new long one 7").await.expect(200);
        let bearer = format!("Bearer {}", token(&pair, "access_token"));
        post(&app, "/auth/logout", Some(&bearer), json!({})).await.expect(204);
        let log = entries(&app, &cast.admin, &of_ming).await;
        assert_eq!(actions(&log)[..5], ["change_password", "log_out", "log_in", "change_password", "log_in"]);
        assert_eq!((&log[0]["outcome"], &log[3]["outcome"]), (&json!("denied"), &json!("done")));
        app.verify();
    }
}

both! {
    async fn everybody_reads_what_is_theirs(app) {
        let cast = Cast::enter(&app).await;
        let (_, driver) = sign_in(&app, &cast.filler.id, &[Role::Driver], None);
        assert_eq!(app.get("/api/v1/audit", &driver).await.problem(403), "forbidden");
        let organization = |entry: &Value| entry["organization_id"].as_str().unwrap_or_default().to_owned();
        let own = entries(&app, &cast.filler.admin, "").await;
        assert!(!own.is_empty() && own.iter().all(|entry| organization(entry) == cast.filler.id), "{own:#?}");
        let here = entries(&app, &cast.regulator, "").await;
        for company in [&cast.filler, &cast.rival] {
            assert!(here.iter().any(|entry| organization(entry) == company.id));
        }
        let platform = app.get("/api/v1/me", &cast.admin).await.expect(200)["organization"]["id"].clone();
        assert!(here.iter().all(|entry| entry["organization_id"] != platform), "the platform lies in no district");
        assert_eq!(entries(&app, &cast.regulator_elsewhere, "").await, Vec::<Value>::new());
        let all = entries(&app, &cast.admin, "").await;
        assert!(all.iter().any(|entry| entry["organization_id"] == platform) && all.len() > here.len());
        let seqs: Vec<_> = all.iter().filter_map(|entry| entry["seq"].as_i64()).collect();
        assert!(seqs.iter().rev().copied().eq(1..=i64::try_from(seqs.len()).expect("few")), "{seqs:?}");
    }
}

both! {
    async fn pages_and_filters_fit_together(app) {
        let cast = Cast::enter(&app).await;
        let all = entries(&app, &cast.admin, "").await;
        let mut paged = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = app.get(&format!("/api/v1/audit?limit=7{cursor}"), &cast.admin).await.expect(200);
            paged.extend(page["items"].as_array().expect("items").clone());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(paged, all);
        let licenses = entries(&app, &cast.admin, "&action=write_license&outcome=done").await;
        assert!(!licenses.is_empty() && licenses.iter().all(|e| e["action"] == "write_license"));
        app.clock.advance(60);
        let since = app.now();
        created(&app, "POST /api/v1/sites", &cast.filler.admin, json!({ "organization_id": cast.filler.id,
            "kind": "depot", "name": "库", "district_code": "320602" })).await;
        assert_eq!(entries(&app, &cast.admin, &format!("&since={since}")).await.len(), 1);
        for wrong in ["actor=x", "outcome=maybe", "since=yesterday", "action=", "limit=0", "cursor=x", "what=1"] {
            assert_eq!(app.get(&format!("/api/v1/audit?{wrong}"), &cast.admin).await.status, 400, "{wrong}");
        }
    }
}

both! {
    async fn a_flood_of_denials_makes_few_entries_and_is_counted_whole(app) {
        let cast = Cast::enter(&app).await;
        let (id, driver) = sign_in(&app, &cast.filler.id, &[Role::Driver], None);
        let flood = |times: usize| {
            let (app, driver) = (&app, &driver);
            async move {
                for _ in 0..times {
                    app.get("/api/v1/audit", driver).await.expect(403);
                }
            }
        };
        flood(1).await;
        assert_eq!(app.app.record_denials(&mut app.conn(), false).expect("written"), 1);
        flood(100).await;
        assert_eq!(app.app.record_denials(&mut app.conn(), false).expect("nothing yet"), 0);
        app.clock.advance(60);
        assert_eq!(app.app.record_denials(&mut app.conn(), false).expect("written"), 1);
        let log = entries(&app, &cast.admin, &format!("&actor={id}")).await;
        let times: Vec<_> = log.iter().filter_map(|entry| entry["subject"]["times"].as_u64()).collect();
        assert_eq!(times, [100, 1]);
        app.verify();
    }
}

both! {
    async fn a_token_of_nobody_makes_no_entry_and_one_that_was_revoked_does(app) {
        let cast = Cast::enter(&app).await;
        let keys = format!("POST /api/v1/scales/{}/keys", cast.filler.scale);
        let made = app.send(&keys, &cast.filler.admin, json!({})).await.expect(201);
        let device = format!("Device {}", made["key"].as_str().expect("a key"));
        let line = format!("DELETE /api/v1/scales/{}/keys/{}", cast.filler.scale, made["id"].as_str().expect("an id"));
        app.send(&line, &cast.filler.admin, json!({})).await.expect(200);
        let before = entries(&app, &cast.admin, "").await.len();
        let body = check("HTTPS://PINGMA.EXAMPLE/C/X", &cast.filler.scale);
        let mut unknown = device.clone();
        let end = if unknown.ends_with('A') { 'B' } else { 'A' };
        unknown.pop();
        unknown.push(end);
        for auth in [&device, &unknown] {
            app.send("POST /api/v1/fill-checks", auth, body.clone()).await.expect(401);
        }
        let log = entries(&app, &cast.admin, "").await;
        assert_eq!(log.len(), before + 1);
        assert_eq!((&log[0]["actor_id"], &log[0]["action"]), (&json!(cast.filler.scale), &json!("check_fill")));
    }
}
