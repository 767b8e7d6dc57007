//! What somebody must know to try the city out.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::acts::forged;
use super::cast::Cast;
use super::city::Cylinder;
use super::fate::Fate;
use super::{DemoError, PASSWORD};
use crate::app::App;
use crate::domain::label_code::LabelCode;

/// A cylinder to try things with.
struct Sample {
    name: &'static str,
    about: (&'static str, &'static str),
    code: LabelCode,
    typed: String,
    json: Value,
}

/// What is printed.
pub struct Summary {
    logins: Vec<[String; 4]>,
    ids: Vec<(&'static str, (&'static str, &'static str), String)>,
    samples: Vec<Sample>,
    public_url: String,
    cylinders: usize,
    events: usize,
}

const SAMPLES: &[(&str, Fate, (&str, &str))] = &[
    ("GOOD", Fate::Ready, ("空瓶在站，可充装", "empty at station 1, ready to fill")),
    ("OVERDUE", Fate::Overdue, ("超期未检", "inspection overdue")),
    ("FOREIGN", Fate::Foreign, ("别家产权", "owned by the other filler")),
    ("HELD", Fate::Held, ("超装，扣留待复称", "over-filled and held")),
    ("CUSTOMER", Fate::AtCustomer, ("在用户处", "at a customer")),
    ("SCRAPPED", Fate::Scrapped, ("检验不合格已报废", "failed its inspection, scrapped")),
    ("FILLED", Fate::Filled, ("已充装，可配送", "filled, ready to deliver")),
    ("SEIZED", Fate::Seized, ("查封扣押", "seized")),
    ("SUSPENDED", Fate::Suspended, ("标签暂停", "label suspended after three wrong answers")),
];

fn sample(
    app: &App,
    of: (&'static str, Fate, (&'static str, &'static str)),
    cylinders: &[Cylinder],
) -> Option<Sample> {
    let (name, fate, about) = of;
    let cylinder = cylinders.iter().find(|c| c.fate == fate && (c.home == 0 || fate == Fate::Foreign))?;
    let code = cylinder.code.clone()?;
    let typed = code.id.typed();
    Some(Sample {
        name,
        about,
        json: json!({ "code": code.to_string(), "typed": typed, "url": code.url(&app.public_url), "cylinder_id": cylinder.id,
            "registration_code": cylinder.registration_code, "serial_no": cylinder.stamp.serial_no,
            "model": cylinder.stamp.model, "tare_g": cylinder.stamp.tare_g, "max_fill_g": cylinder.stamp.max_fill_g,
            "customer_ref": (fate == Fate::AtCustomer).then_some(&cylinder.customer) }),
        code,
        typed,
    })
}

impl Summary {
    pub(super) fn new(
        app: &App,
        cast: &Cast,
        cylinders: &[Cylinder],
        events: usize,
    ) -> Result<Self, DemoError> {
        let mut samples: Vec<_> = SAMPLES.iter().filter_map(|of| sample(app, *of, cylinders)).collect();
        let good = samples.first().ok_or(DemoError::Missing("a good cylinder"))?;
        let code = forged(&good.code);
        let fake = Sample {
            name: "FORGED",
            about: ("伪造：GOOD 改一个字符", "the good code with one character changed"),
            // The short form has no tag: it would be the good one's.
            typed: "-".to_owned(),
            json: json!({ "code": code.to_string(), "typed": null, "url": code.url(&app.public_url), "cylinder_id": null }),
            code,
        };
        samples.insert(3.min(samples.len()), fake);
        let [first, second, third] = &cast.stations;
        let scale = first.scales.first().ok_or(DemoError::Missing("a scale"))?;
        Ok(Self {
            logins: cast
                .people
                .iter()
                .map(|p| [p.username, p.role, p.name, p.organization].map(str::to_owned))
                .collect(),
            ids: vec![
                ("scale_id", ("一站 1 号秤", "scale 1 of station 1"), scale.to_string()),
                ("expired_scale_id", ("一站过期秤", "calibration expired"), cast.expired_scale.to_string()),
                ("checker_id", ("充装检查员", "fill checker of station 1"), first.checker.id.to_string()),
                ("site_id", ("一站", first.name), first.site_id.to_string()),
                ("site2_id", ("二站", second.name), second.site_id.to_string()),
                ("filler_a_id", ("甲充装单位", "filler A"), first.owner_id.to_string()),
                ("filler_b_id", ("乙充装单位", "filler B"), third.owner_id.to_string()),
                ("customer_ref", ("客户号", "a customer's account number"), "K-20260001".to_owned()),
            ],
            samples,
            public_url: app.public_url.clone(),
            cylinders: cylinders.len(),
            events,
        })
    }

    /// For machines.
    pub fn json(&self, database: &str, key_file: &str) -> Value {
        let logins: Vec<_> = self
            .logins
            .iter()
            .map(|[username, role, name, organization]| {
                json!({ "username": username, "role": role, "name": name, "organization": organization })
            })
            .collect();
        let ids: serde_json::Map<_, _> =
            self.ids.iter().map(|(k, _, v)| ((*k).to_owned(), json!(v))).collect();
        let samples: serde_json::Map<_, _> =
            self.samples.iter().map(|s| (s.name.to_lowercase(), s.json.clone())).collect();
        json!({ "base_url": self.public_url, "docs_url": format!("{}/docs/", self.public_url), "database": database,
            "key_file": key_file, "password": PASSWORD, "cylinders": self.cylinders, "events": self.events,
            "logins": logins, "ids": ids, "samples": samples })
    }

    /// For people.
    pub fn text(&self, database: &str, key_file: &str) -> String {
        let mut text = format!(
            "Pingma 瓶码 demo: {} cylinders 气瓶, {} events 事件 (one year 一年)\n\n",
            self.cylinders, self.events
        );
        let _ = writeln!(
            text,
            "address 地址    {0}/   (API {0}/api/v1, reference 接口文档 {0}/docs/)",
            self.public_url
        );
        let _ = writeln!(text, "database 数据库  {database}\nkey file 密钥    {key_file}");
        let _ = writeln!(text, "\nLogins 登录 (password for all 统一密码: {PASSWORD})");
        for [username, role, name, organization] in &self.logins {
            let _ = writeln!(text, "  {username:20} {role:16} {organization} {name}");
        }
        let _ = writeln!(text, "\nIds 编号");
        for (name, (zh, en), value) in &self.ids {
            let _ = writeln!(text, "  {name:20} {value:36}  {zh} {en}");
        }
        let _ = writeln!(text, "\nCylinders 样瓶 (scan code 扫码 29, typed 手输)");
        for sample in &self.samples {
            let (zh, en) = sample.about;
            let _ = writeln!(
                text,
                "  {:10} {:29}  {:11} {zh} {en}",
                sample.name,
                sample.code.to_string(),
                sample.typed
            );
        }
        let _ = writeln!(
            text,
            "\nTry 试一试: scripts/demo.sh walks through it; a customer's page 用户页: {}",
            self.samples.first().map(|s| s.code.url(&self.public_url)).unwrap_or_default()
        );
        text
    }
}
