//! One example call for every route there is.

use serde_json::{Value, json};

use super::cast;
use super::holdings::{Holdings, How};

/// What a route means to somebody from elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Anybody may call it.
    Public,
    /// It is about the caller alone.
    Oneself,
    /// It names nothing of anybody.
    Anybodys,
    /// It lists what the caller may see.
    List,
    /// Its path or reference names something of A.
    Hidden,
    /// Its body says for whom.
    ForWhom,
    /// It is about a scanned code; whoever has the label before them may ask.
    Scan,
}

/// Whose people make it in earnest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Filler A's.
    Owner,
    /// The receiving filler's.
    Receiver,
    /// The agency's, with the label before them.
    Agency,
}

/// What an example is filled in with.
pub struct Fill<'a> {
    /// The world.
    pub world: &'a Holdings,
    /// How cylinders are named.
    pub how: How,
    /// A number that comes once.
    pub n: usize,
    /// Whether the call names what nobody has.
    pub missing: bool,
}

impl Fill<'_> {
    fn id(&self, name: &str) -> String {
        if self.missing {
            return "019a0000-0000-7000-8000-000000000001".to_owned();
        }
        self.world.id(name).to_owned()
    }

    fn cylinder(&self, name: &str) -> String {
        if self.missing {
            return self.world.no_cylinder(self.how);
        }
        self.world.cylinder(name, self.how)
    }

    fn code(&self, name: &str) -> String {
        if self.missing {
            return self.world.no_cylinder(How::Scanned);
        }
        self.world.cylinder(name, How::Scanned)
    }
}

type Parts = fn(&Fill<'_>) -> Vec<String>;
type Body = fn(&Fill<'_>) -> Value;

/// An example call.
#[derive(Clone, Copy)]
pub struct Example {
    /// Method and path as in the table of routes.
    pub line: &'static str,
    /// What it means to others.
    pub kind: Kind,
    /// Who makes it in earnest.
    pub by: By,
    parts: Parts,
    body: Option<Body>,
}

impl Example {
    /// Method and path with the placeholders filled in.
    pub fn filled(&self, fill: &Fill<'_>) -> String {
        let mut line = self.line.to_owned();
        for part in (self.parts)(fill) {
            let (start, end) = (line.find('{').expect("a placeholder"), line.find('}').expect("its end"));
            line.replace_range(start..=end, &part);
        }
        assert!(!line.contains('{'), "{line}: not every placeholder is filled in");
        line
    }

    /// The body.
    pub fn body(&self, fill: &Fill<'_>) -> Option<Value> {
        self.body.map(|body| body(fill))
    }

    fn by(self, by: By) -> Self {
        Self { by, ..self }
    }
}

fn bare(line: &'static str, kind: Kind, parts: Parts) -> Example {
    Example { line, kind, by: By::Owner, parts, body: None }
}

fn with(line: &'static str, kind: Kind, parts: Parts, body: Body) -> Example {
    Example { body: Some(body), ..bare(line, kind, parts) }
}

fn none(_: &Fill<'_>) -> Vec<String> {
    Vec::new()
}

fn reason(_: &Fill<'_>) -> Value {
    json!({ "reason": "检查" })
}

fn document(fill: &Fill<'_>) -> Value {
    json!({ "document_no": format!("D-{}", fill.n), "reason": "检查" })
}

fn judgement(_: &Fill<'_>) -> Value {
    json!({ "status": "valid", "reason": "复查" })
}

/// The example of a route.
pub fn example(line: &str) -> Option<Example> {
    examples().into_iter().find(|example| example.line == line)
}

/// All examples.
pub fn examples() -> Vec<Example> {
    let mut all = people();
    all.extend(equipment());
    all.extend(cylinders());
    all.extend(filling());
    all.extend(open());
    all
}

fn people() -> Vec<Example> {
    use Kind::*;
    vec![
        with(
            "POST /api/v1/auth/login",
            Public,
            none,
            |_| json!({ "username": "nobody", "password": "wrong-horse-7" }),
        ),
        with("POST /api/v1/auth/refresh", Public, none, |_| json!({ "refresh_token": "none" })),
        bare("POST /api/v1/auth/logout", Oneself, none),
        bare("GET /api/v1/me", Oneself, none),
        with(
            "POST /api/v1/me/password",
            Oneself,
            none,
            |_| json!({ "current_password": "wrong-horse-7", "new_password": "short" }),
        ),
        with("POST /api/v1/organizations", Anybodys, none, |f| {
            json!({ "name": format!("公司{}", f.n), "kinds": ["carrier"],
            "credit_code": format!("91320602MB{:08}", f.n), "district_code": "320602" })
        }),
        bare("GET /api/v1/organizations", List, none),
        bare("GET /api/v1/organizations/{id}", Hidden, |f| vec![f.id("organization")]),
        with(
            "PATCH /api/v1/organizations/{id}",
            Hidden,
            |f| vec![f.id("organization")],
            |_| json!({ "status": "active" }),
        ),
        with(
            "POST /api/v1/organizations/{id}/licenses",
            Hidden,
            |f| vec![f.id("organization")],
            |f| {
                json!({ "kind": "business",
            "number": format!("YY-{}", f.n), "issuer": "南通市", "valid_from": "2024-01-01", "valid_to": "2027-12-31" })
            },
        ),
        bare("GET /api/v1/organizations/{id}/licenses", Hidden, |f| vec![f.id("organization")]),
        with("PATCH /api/v1/licenses/{id}", Hidden, |f| vec![f.id("license")], judgement),
        bare("GET /api/v1/organizations/{id}/supply-agreements", Hidden, |f| vec![f.id("organization")]),
        with("POST /api/v1/supply-agreements", Anybodys, none, |f| {
            json!({ "distributor_id": f.world.cast.distributor.id,
            "number": format!("G-{}", f.n), "valid_from": "2026-01-01", "valid_to": "2026-12-31" })
        }),
        bare("DELETE /api/v1/supply-agreements/{id}", Hidden, |f| vec![f.id("agreement")]),
        with("POST /api/v1/users", ForWhom, none, |f| {
            json!({ "organization_id": f.id("organization"), "username": format!("driver{}", f.n),
            "password": "lantern orbit kite 9", "display_name": "司机", "roles": ["driver"] })
        }),
        bare("GET /api/v1/users", List, none),
        bare("GET /api/v1/users/{id}", Hidden, |f| vec![f.id("checker")]),
        with(
            "PATCH /api/v1/users/{id}",
            Hidden,
            |f| vec![f.id("checker")],
            |_| json!({ "display_name": "王检查" }),
        ),
        with(
            "POST /api/v1/users/{id}/certificates",
            Hidden,
            |f| vec![f.id("checker")],
            |f| {
                json!({ "kind": "filling",
            "number": format!("C-{}", f.n), "issuer": "南通市", "valid_from": "2024-01-01", "valid_to": "2027-12-31" })
            },
        ),
        bare("GET /api/v1/users/{id}/certificates", Hidden, |f| vec![f.id("user")]),
        with("PATCH /api/v1/certificates/{id}", Hidden, |f| vec![f.id("certificate")], judgement),
    ]
}

fn equipment() -> Vec<Example> {
    use Kind::*;
    vec![
        with("POST /api/v1/sites", ForWhom, none, |f| {
            json!({ "organization_id": f.id("organization"), "kind": "depot", "name": "二站",
            "district_code": "320602" })
        }),
        bare("GET /api/v1/sites", List, none),
        with("POST /api/v1/scales", ForWhom, none, |f| {
            json!({ "site_id": f.id("site"), "name": "秤", "serial_no": format!("S-9{}", f.n),
            "medium": "lpg", "calibration_valid_to": "2027-01-31" })
        }),
        bare("GET /api/v1/scales", List, none),
        with(
            "PATCH /api/v1/scales/{id}",
            Hidden,
            |f| vec![f.id("scale")],
            |_| json!({ "calibration_valid_to": "2027-02-28" }),
        ),
        bare("POST /api/v1/scales/{id}/keys", Hidden, |f| vec![f.id("scale")]),
        bare("DELETE /api/v1/scales/{id}/keys/{key_id}", Hidden, |f| {
            vec![f.id("spare"), f.id(["key0", "key1"][f.n % 2])]
        }),
        bare("POST /api/v1/scales/{id}/shift", Hidden, |f| vec![f.id("spare")]),
        bare("DELETE /api/v1/scales/{id}/shift", Hidden, |f| vec![f.id("spare")]),
        bare("GET /api/v1/audit", List, none),
        bare("GET /api/v1/policies", Anybodys, none),
        with(
            "PUT /api/v1/policies/{name}",
            Anybodys,
            |_| vec!["stamp_challenge_rate".to_owned()],
            |_| json!({ "value": 0.0, "effective_on": "2026-06-15", "reason": "试点" }),
        ),
    ]
}

fn cylinders() -> Vec<Example> {
    use Kind::*;
    vec![
        with("POST /api/v1/cylinders", ForWhom, none, |f| {
            cast::cylinder(&f.id("organization"), &format!("NN{}", f.n))
        }),
        bare("GET /api/v1/cylinders", List, none),
        bare("GET /api/v1/cylinders/{ref}", Hidden, |f| vec![f.cylinder("file")]),
        bare("GET /api/v1/cylinders/{ref}/events", Hidden, |f| vec![f.cylinder("held")]),
        bare("GET /api/v1/cylinders/{ref}/trace", Hidden, |f| vec![f.cylinder("held")]),
        with("POST /api/v1/cylinders/{ref}/labels", Hidden, |f| vec![f.cylinder("label")], reason),
        with("DELETE /api/v1/cylinders/{ref}/labels", Hidden, |f| vec![f.cylinder("void")], reason),
        bare("GET /api/v1/labels/{file}", Hidden, |f| vec![format!("{}.svg", f.code("file"))]),
        with("POST /api/v1/inspections", Hidden, none, |f| {
            json!({ "ref": f.cylinder("inspect"), "inspected_on": "2026-06-15",
            "result": "pass", "report_no": format!("R-{}", f.n), "items": { "visual": "pass" } })
        })
        .by(By::Agency),
        with(
            "POST /api/v1/cylinders/{ref}/life-extensions",
            Hidden,
            |f| vec![f.cylinder("life")],
            |_| {
                json!({ "until": "2033-05-31",
            "assessment_no": "P-1", "registration_change_no": "B-1" })
            },
        )
        .by(By::Agency),
        with("POST /api/v1/cylinders/{ref}/scrappings", Hidden, |f| vec![f.cylinder("scrap")], document)
            .by(By::Agency),
        with("POST /api/v1/cylinders/{ref}/seizures", Hidden, |f| vec![f.cylinder("seize")], document),
        with("POST /api/v1/cylinders/{ref}/blacklistings", Hidden, |f| vec![f.cylinder("black")], document),
        with(
            "DELETE /api/v1/cylinders/{ref}/blacklistings",
            Hidden,
            |f| vec![f.cylinder("unblack")],
            document,
        ),
        with("POST /api/v1/cylinders/{ref}/losses", Hidden, |f| vec![f.cylinder("lose")], reason),
        with("POST /api/v1/cylinders/{ref}/recoveries", Hidden, |f| vec![f.cylinder("recover")], reason),
        with(
            "POST /api/v1/cylinders/{ref}/owner-changes",
            Hidden,
            |f| vec![f.cylinder("propose")],
            |f| {
                json!({ "reason": "转让",
            "new_owner_id": f.world.receiver.id, "document_no": format!("Z-{}", f.n) })
            },
        ),
        bare("GET /api/v1/owner-changes", List, none),
        bare("POST /api/v1/owner-changes/{id}/approve", Hidden, |f| vec![f.id("approve")]).by(By::Receiver),
        bare("POST /api/v1/owner-changes/{id}/reject", Hidden, |f| vec![f.id("reject")]),
    ]
}

fn filling() -> Vec<Example> {
    use Kind::*;
    vec![
        with("POST /api/v1/fill-checks", Scan, none, |f| cast::check(&f.code("check"), &f.id("scale"))),
        bare("GET /api/v1/fill-checks", List, none),
        with("POST /api/v1/fills", Scan, none, |f| {
            json!({ "permit_id": f.id("permit"), "gross_g": 31_300,
            "started_at": "2026-06-15T04:01:30Z", "finished_at": "2026-06-15T04:01:30Z" })
        }),
        bare("GET /api/v1/fills", List, none),
        with(
            "POST /api/v1/fills/{id}/reweigh",
            Hidden,
            |f| vec![f.id("fill")],
            |f| {
                json!({ "gross_g": 31_200,
            "postcheck": { "leak": "pass", "valve": "pass", "seal": "pass", "checker_id": f.id("checker") } })
            },
        ),
        with(
            "POST /api/v1/handovers",
            Scan,
            none,
            |f| json!({ "code": f.code("handover"), "customer_ref": "K-1", "entry": "scanned" }),
        ),
        with("POST /api/v1/returns", Scan, none, |f| json!({ "code": f.code("return") })),
        with(
            "POST /api/v1/emptyings",
            Scan,
            none,
            |f| json!({ "code": f.code("return"), "reason": "检修", "residual_g": 0 }),
        ),
    ]
}

fn open() -> Vec<Example> {
    use Kind::*;
    vec![
        bare("GET /api/v1/public/cylinders/{code}", Public, |f| vec![f.code("file")]),
        bare("GET /api/v1/openapi.json", Public, none),
        bare("GET /", Public, none),
        bare("GET /C/", Public, none),
        bare("GET /C/{code}", Public, |f| vec![f.code("file")]),
        bare("GET /healthz", Public, none),
        bare("GET /readyz", Public, none),
        bare("GET /metrics", Public, none),
    ]
}
