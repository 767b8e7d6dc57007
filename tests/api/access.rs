//! Every route as everybody: nobody, every role, a scale, another tenant, another district.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::pin::Pin;
use std::rc::Rc;

use pingma::auth::permission::{Action, TABLE};
use pingma::domain::actor::Role;
use pingma::http::routes::{Access, table};
use serde_json::{Value, json};

use crate::both;
use crate::support::TestApp;
use crate::support::app::{Ask, Reply, ask_service};
use crate::support::cast::{check, sign_in};
use crate::support::examples::{By, Example, Fill, Kind, example, examples};
use crate::support::holdings::{Holdings, How, ROLES};

/// Makes a call on a service that was made once.
type Caller = Box<dyn Fn(Ask) -> Pin<Box<dyn Future<Output = Reply>>>>;

/// A world, and a way to make many calls in it.
struct Walk<'a> {
    app: &'a TestApp,
    world: Holdings,
    caller: Caller,
    n: Cell<usize>,
}

impl<'a> Walk<'a> {
    async fn begin(app: &'a TestApp) -> Self {
        let service = Rc::new(app.service().await);
        let caller: Caller = Box::new(move |ask| {
            let service = Rc::clone(&service);
            Box::pin(async move { ask_service(&*service, ask).await })
        });
        Self { app, world: Holdings::enter(app).await, caller, n: Cell::new(0) }
    }

    /// Makes the example call of a route.
    async fn call(&self, example: &Example, auth: Option<&str>, how: How) -> Reply {
        let n = self.n.get();
        self.n.set(n + 1);
        self.make(example, auth, Fill { world: &self.world, how, n, missing: false }).await
    }

    /// The same call about what nobody has.
    async fn call_missing(&self, example: &Example, auth: Option<&str>, how: How) -> Reply {
        let n = self.n.get();
        self.n.set(n + 1);
        self.make(example, auth, Fill { world: &self.world, how, n, missing: true }).await
    }

    /// An answer about A's thing says no more than one about a thing that does not exist.
    async fn tells_nothing(&self, example: &Example, auth: &str, how: How) -> Reply {
        let reply = self.call(example, Some(auth), how).await;
        let missing = self.call_missing(example, Some(auth), how).await;
        let what = format!("{} by {how:?}: {}", example.line, reply.text());
        assert_eq!(reply.status, missing.status, "{what} {}", missing.text());
        assert_eq!(anonymous(&reply), anonymous(&missing), "{what}");
        reply
    }

    async fn make(&self, example: &Example, auth: Option<&str>, fill: Fill<'_>) -> Reply {
        let n = fill.n;
        let key = (!example.line.starts_with("GET")).then(|| format!("walk-{n}"));
        let ask = Ask {
            line: example.filled(&fill),
            auth: auth.map(str::to_owned),
            key,
            body: example.body(&fill),
            ..Ask::default()
        };
        (self.caller)(ask).await
    }

    /// Nothing of A is in an answer.
    #[track_caller]
    fn keeps_secrets(&self, what: &str, reply: &Reply) {
        let text = reply.text();
        for secret in &self.world.secrets {
            assert!(!text.contains(secret.as_str()), "{what}: the answer names {secret}:\n{text}");
        }
    }
}

/// A problem document without what names the call.
fn anonymous(reply: &Reply) -> Value {
    let mut body = reply.json();
    for member in ["instance", "request_id"] {
        body.as_object_mut().expect("an object").remove(member);
    }
    body
}

/// The routes with their examples.
fn routes() -> Vec<(Access, Example)> {
    let of = |method: &str, path: &str| {
        let line = format!("{method} {path}");
        example(&line)
            .unwrap_or_else(|| panic!("{line} has no example call: add one to tests/api/support/examples.rs"))
    };
    let entries = table();
    let specs = entries.iter().map(|entry| &entry.spec);
    specs.map(|spec| (spec.access, of(spec.method, &spec.path))).collect()
}

/// The roles that the table of permissions allows an action.
fn allowed(action: Action) -> Vec<Role> {
    let (_, grants) = TABLE.iter().find(|(of, _)| *of == action).expect("every action has a line");
    grants.iter().flat_map(|(roles, _)| roles.iter().copied()).collect()
}

#[test]
fn every_route_has_an_example_and_every_example_a_route() {
    let routes = routes();
    for example in examples() {
        assert!(
            routes.iter().any(|(_, of)| of.line == example.line),
            "{} is no route any more",
            example.line
        );
    }
    assert_eq!(routes.len(), examples().len());
    for (access, example) in routes {
        assert_eq!(access == Access::Public, example.kind == Kind::Public, "{}", example.line);
    }
}

both! {
    async fn nobody_gets_in_without_a_token(app) {
        let walk = Walk::begin(&app).await;
        for (access, example) in routes() {
            if access == Access::Public {
                continue;
            }
            let reply = walk.call(&example, None, How::Id).await;
            assert_eq!(reply.problem(401), "unauthenticated", "{}", example.line);
            walk.keeps_secrets(example.line, &reply);
            for wrong in ["Bearer x.y.z", "Device none", "Basic YTpi"] {
                let reply = walk.call(&example, Some(wrong), How::Id).await;
                assert_eq!(reply.problem(401), "token_invalid", "{} with {wrong}", example.line);
            }
        }
        app.verify();
    }
}

both! {
    async fn no_role_does_what_the_table_does_not_allow(app) {
        let walk = Walk::begin(&app).await;
        let before = app.get("/api/v1/fill-checks", &walk.world.cast.admin).await.expect(200);
        for (access, example) in routes() {
            let Access::Needs(action) = access else { continue };
            for role in ROLES.into_iter().filter(|role| !allowed(action).contains(role)) {
                let reply = walk.call(&example, Some(walk.world.own(role)), How::Id).await;
                assert_eq!(reply.problem(403), "forbidden", "{} as {role:?}", example.line);
                let reply = walk.tells_nothing(&example, walk.world.rival(role), How::Id).await;
                assert_eq!(reply.problem(403), "forbidden", "{} as foreign {role:?}", example.line);
                walk.keeps_secrets(example.line, &reply);
            }
        }
        let after = app.get("/api/v1/fill-checks", &walk.world.cast.admin).await.expect(200);
        assert_eq!(before, after, "what was forbidden left no trace");
        app.verify();
    }
}

both! {
    async fn every_denied_call_is_in_the_audit_log(app) {
        let walk = Walk::begin(&app).await;
        let (id, nobody) = sign_in(&app, &walk.world.cast.filler.id, &[], None);
        let mut expected = BTreeSet::new();
        for (access, example) in routes() {
            let Access::Needs(action) = access else { continue };
            let reply = walk.call(&example, Some(&nobody), How::Id).await;
            assert_eq!(reply.problem(403), "forbidden", "{}", example.line);
            expected.insert((action.as_str().to_owned(), example.line.to_owned()));
        }
        app.app.record_denials(&mut app.conn(), true).expect("they are written");
        let path = format!("/api/v1/audit?limit=200&actor={id}");
        let log = app.get(&path, &walk.world.cast.admin).await.expect(200);
        let entries = log["items"].as_array().expect("items");
        let word = |entry: &Value, member: &str| entry[member].as_str().expect(member).to_owned();
        let found: BTreeSet<_> = entries.iter().map(|e| (word(e, "action"), word(e, "route"))).collect();
        assert_eq!(found, expected);
        for entry in entries {
            assert_eq!((&entry["outcome"], &entry["subject"]["code"]), (&json!("denied"), &json!("forbidden")));
            assert_eq!(entry["organization_id"], json!(walk.world.cast.filler.id));
        }
        app.verify();
    }
}

both! {
    async fn a_scale_checks_and_records_and_nothing_else(app) {
        let walk = Walk::begin(&app).await;
        for (access, example) in routes() {
            if access == Access::Public {
                continue;
            }
            let reply = walk.call(&example, Some(&walk.world.device), How::Id).await;
            if matches!(access, Access::Needs(Action::CheckFill | Action::RecordFill)) {
                assert!((200..300).contains(&reply.status), "{}: {}", example.line, reply.text());
            } else {
                assert_eq!(reply.problem(403), "forbidden", "{}", example.line);
            }
        }
        app.verify();
    }
}

both! {
    async fn every_role_does_what_the_table_allows(app) {
        let walk = Walk::begin(&app).await;
        for (access, example) in routes() {
            let Access::Needs(action) = access else { continue };
            let mut done = 0;
            for role in allowed(action) {
                let (auth, how) = match (example.by, role) {
                    (By::Agency, _) => (walk.world.agency(role), How::Scanned),
                    (By::Receiver, Role::OrgAdmin) => (walk.world.receiver.admin.as_str(), How::Id),
                    _ => (walk.world.own(role), How::Id),
                };
                let reply = walk.call(&example, Some(auth), how).await;
                let fine = matches!(reply.status, 200..300 | 409 | 422);
                assert!(fine, "{} as {role:?}: {} {}", example.line, reply.status, reply.text());
                done += usize::from(reply.status < 300);
            }
            assert!(done > 0, "{}: nobody could do it, so the example proves nothing", example.line);
        }
        app.verify();
    }
}

both! {
    async fn what_is_another_tenants_does_not_exist(app) {
        let walk = Walk::begin(&app).await;
        for (access, example) in routes() {
            let Access::Needs(action) = access else { continue };
            if !matches!(example.kind, Kind::Hidden | Kind::ForWhom) {
                continue;
            }
            let world = &walk.world;
            for role in allowed(action) {
                let auth = match role {
                    Role::PlatformAdmin => continue,
                    Role::Regulator => world.cast.regulator_elsewhere.as_str(),
                    _ => world.rival(role),
                };
                for how in [How::Id, How::Registration, How::Stamp, How::Typed] {
                    let what = format!("{} as foreign {role:?} by {how:?}", example.line);
                    let reply = walk.tells_nothing(&example, auth, how).await;
                    let expected = example.kind == Kind::ForWhom && reply.status == 422;
                    assert!(reply.status == 404 || expected, "{what}: {} {}", reply.status, reply.text());
                    walk.keeps_secrets(&what, &reply);
                }
            }
            if example.by == By::Agency {
                let reply = walk.call(&example, Some(world.agency(Role::Inspector)), How::Id).await;
                // What came in at the agency it has before it, whatever it is named by.
                assert_eq!(reply.status, 201, "{} without the label: {}", example.line, reply.text());
            }
        }
        let (inspector, paper) = (walk.world.agency(Role::Inspector), json!({ "document_no": "D-1", "reason": "检查" }));
        let line = format!("POST /api/v1/cylinders/{}/scrappings", walk.world.cylinder("file", How::Id));
        assert_eq!(app.send(&line, inspector, paper).await.problem(404), "cylinder_not_found", "what never came in");
        app.verify();
    }
}

/// The rows of a list, page by page.
async fn rows(app: &TestApp, path: &str, auth: &str, limit: usize) -> Vec<Value> {
    let mut all = Vec::new();
    let mut cursor = String::new();
    for _ in 0..200 {
        let page = app.get(&format!("{path}?limit={limit}{cursor}"), auth).await.expect(200);
        all.extend(page["items"].as_array().expect("items").iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return all,
        }
    }
    panic!("{path} has no end");
}

both! {
    async fn lists_hold_nothing_of_another_tenant(app) {
        let walk = Walk::begin(&app).await;
        let world = &walk.world;
        for (access, example) in routes() {
            let Access::Needs(action) = access else { continue };
            if example.kind != Kind::List {
                continue;
            }
            let path = example.line.trim_start_matches("GET ");
            let admin = app.get(&format!("{path}?limit=1"), world.own(Role::OrgAdmin)).await.expect(200);
            assert_eq!(admin["items"].as_array().map(Vec::len), Some(1), "{path}: A has something to hide");
            for role in allowed(action) {
                let others = match role {
                    Role::PlatformAdmin => continue,
                    Role::Regulator => world.cast.regulator_elsewhere.as_str(),
                    _ => world.rival(role),
                };
                let one_by_one = rows(&app, path, others, 1).await;
                assert_eq!(one_by_one, rows(&app, path, others, 200).await, "{path} as {role:?}");
                let whole = app.get(path, others).await;
                walk.keeps_secrets(path, &whole);
                // A cursor of somebody else's page is a place, not a key.
                if let Some(cursor) = admin["next_cursor"].as_str() {
                    let page = app.get(&format!("{path}?cursor={cursor}"), others).await;
                    page.expect(200);
                    walk.keeps_secrets(path, &page);
                }
            }
        }
        let a = &world.cast.filler;
        for path in [
            format!("/api/v1/cylinders?owner_id={}", a.id),
            "/api/v1/cylinders?q=AA00".to_owned(),
            "/api/v1/cylinders?district=3206".to_owned(),
            format!("/api/v1/fills?site_id={}", a.site),
            format!("/api/v1/fills?cylinder_id={}", world.cylinder("held", How::Id)),
            format!("/api/v1/fill-checks?site_id={}", a.site),
        ] {
            let own = app.get(&path, world.own(Role::OrgAdmin)).await.expect(200);
            assert_ne!(own["items"], json!([]), "{path}: the filter finds something");
            for auth in [world.rival(Role::OrgAdmin), &world.cast.regulator_elsewhere] {
                let empty = app.get(&path, auth).await.expect(200);
                assert_eq!((&empty["items"], &empty["next_cursor"]), (&json!([]), &Value::Null), "{path}");
            }
        }
    }
}

both! {
    async fn a_scanned_code_of_another_filler_opens_no_valve(app) {
        let walk = Walk::begin(&app).await;
        let world = &walk.world;
        let code = world.cylinder("check", How::Scanned);
        for scale in [&world.cast.rival.scale, &world.cast.filler.scale] {
            let reply = app.send("POST /api/v1/fill-checks", &world.cast.rival.worker, check(&code, scale)).await;
            let answer = reply.expect(200);
            assert_eq!((&answer["decision"], &answer["permit"]), (&json!("refused"), &Value::Null), "{answer:#}");
            assert!(reply.rules().contains(&"fill.not-owned".to_owned()));
        }
        for line in ["POST /api/v1/fills", "POST /api/v1/handovers", "POST /api/v1/emptyings"] {
            let example = example(line).expect("an example");
            let role = if line.ends_with("handovers") { Role::DeliveryWorker } else { Role::FillOperator };
            let reply = walk.call(&example, Some(world.rival(role)), How::Scanned).await;
            let body = reply.json();
            let refused = [&body["status"], &body["decision"]].contains(&&json!("refused"));
            assert!(reply.status == 403 || refused, "{line}: {}", reply.text());
        }
        let open = app.get(&format!("/api/v1/cylinders/{code}"), world.own(Role::OrgAdmin)).await.expect(200);
        assert_eq!(open["custody"]["organization_id"], world.cast.filler.id);
        app.verify();
    }
}

both! {
    async fn a_regulator_without_the_function_looks_and_does_not_touch(app) {
        let walk = Walk::begin(&app).await;
        for (access, example) in routes() {
            let Access::Needs(action) = access else { continue };
            if !allowed(action).contains(&Role::Regulator) {
                continue;
            }
            let reply = walk.call(&example, Some(&walk.world.fire), How::Id).await;
            if action.is_read() {
                reply.expect(200);
            } else {
                assert_eq!(reply.problem(403), "forbidden", "{}", example.line);
            }
        }
    }
}

/// Changes the status of A.
async fn judge(walk: &Walk<'_>, status: &str) {
    let line = format!("PATCH /api/v1/organizations/{}", walk.world.cast.filler.id);
    walk.app.send(&line, &walk.world.cast.admin, json!({ "status": status })).await.expect(200);
}

/// A's people look and do nothing; the gates refuse on record.
async fn stands_still(walk: &Walk<'_>) {
    for (access, example) in routes() {
        let Access::Needs(action) = access else { continue };
        for role in allowed(action) {
            if matches!(role, Role::PlatformAdmin | Role::Regulator) {
                continue;
            }
            let reply = walk.call(&example, Some(walk.world.own(role)), How::Id).await;
            let what = format!("{} as {role:?}", example.line);
            match action {
                _ if action.is_read() => assert!(reply.status < 300, "{what}: {}", reply.text()),
                Action::CheckFill | Action::HandOver => {
                    assert_eq!(reply.expect(200)["decision"], "refused", "{what}")
                }
                // The gas is in the cylinder already: what is on record is better than what is not.
                Action::RecordFill => assert!(reply.status < 300, "{what}: {}", reply.text()),
                _ => assert_eq!(reply.problem(403), "organization_inactive", "{what}"),
            }
        }
    }
    let me = walk.app.get("/api/v1/me", walk.world.own(Role::OrgAdmin)).await;
    me.expect(200);
    walk.app.verify();
}

both! {
    async fn a_suspended_organization_looks_and_does_not_act(app) {
        let walk = Walk::begin(&app).await;
        judge(&walk, "suspended").await;
        stands_still(&walk).await;
        judge(&walk, "active").await;
        let example = example("POST /api/v1/sites").expect("an example");
        walk.call(&example, Some(walk.world.own(Role::OrgAdmin)), How::Id).await.expect(201);
    }
}

both! {
    async fn a_closed_organization_is_refused_at_the_gate_and_on_record(app) {
        let walk = Walk::begin(&app).await;
        judge(&walk, "closed").await;
        let body = check(&walk.world.cylinder("check", How::Scanned), &walk.world.cast.filler.scale);
        let reply = app.send("POST /api/v1/fill-checks", &walk.world.cast.filler.worker, body).await;
        assert_eq!(reply.expect(200)["decision"], "refused");
        assert!(reply.rules().contains(&"fill.station-closed".to_owned()), "{:?}", reply.rules());
        let path = format!("/api/v1/cylinders/{}/events?limit=1", walk.world.cylinder("check", How::Id));
        let newest = app.get(&path, &walk.world.cast.regulator).await.expect(200);
        assert_eq!(newest["items"][0]["data"]["decision"], "refused");
        stands_still(&walk).await;
        let line = format!("PATCH /api/v1/organizations/{}", walk.world.cast.filler.id);
        let again = app.send(&line, &walk.world.cast.admin, json!({ "status": "active" })).await;
        assert_eq!(again.problem(409), "state_conflict", "closed is for good");
    }
}

both! {
    async fn a_session_that_ended_learns_nothing(app) {
        let walk = Walk::begin(&app).await;
        let auth = walk.world.rival(Role::OrgAdmin);
        app.send("POST /api/v1/auth/logout", auth, Value::Null).await;
        for (access, example) in routes() {
            if !matches!(access, Access::Needs(_)) {
                continue;
            }
            let reply = walk.tells_nothing(&example, auth, How::Registration).await;
            assert_eq!(reply.problem(401), "token_invalid", "{}", example.line);
        }
    }
}
