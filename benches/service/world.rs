//! The fillers of the benchmarks, their scales and people, entered as an office would enter them.

use std::path::Path;

use anyhow::{Context, Result, anyhow};
use pingma::app::audit::Audited;
use pingma::app::{App, Session, registry as office};
use pingma::auth::permission::Action;
use pingma::clock::{SystemClock, SystemIds};
use pingma::config::{Overrides, Settings};
use pingma::db::registry::UserRow;
use pingma::db::sessions::SessionRow;
use pingma::domain::actor::{Credential, Role};
use pingma::domain::id::{OrganizationId, ScaleId, SessionId, SiteId, UserId};
use pingma::ledger::Call;
use pingma::server::{Parts, build};
use secrecy::ExposeSecret;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Where everybody is.
pub const DISTRICT: &str = "320602";
const FILLERS: usize = 16;
/// Scales of a filler, with an operator each.
const POSTS: usize = 16;

/// A scale with its operator.
#[derive(Debug, Serialize, Deserialize)]
pub struct Post {
    pub scale_id: ScaleId,
    pub operator_id: UserId,
    pub session_id: SessionId,
}

/// A filling company with one site.
#[derive(Debug, Serialize, Deserialize)]
pub struct Filler {
    pub organization_id: OrganizationId,
    pub name: String,
    pub site_id: SiteId,
    pub posts: Vec<Post>,
    /// Delivers and checks after filling.
    pub worker_id: UserId,
    pub admin_id: UserId,
    pub admin_session: SessionId,
}

/// Everybody.
#[derive(Debug, Serialize, Deserialize)]
pub struct World {
    pub fillers: Vec<Filler>,
    pub regulator_id: UserId,
    pub regulator_session: SessionId,
}

impl World {
    /// All scales with their operators.
    pub fn posts(&self) -> impl Iterator<Item = &Post> {
        self.fillers.iter().flat_map(|filler| &filler.posts)
    }
}

/// The service's parts on a database, with the settings that its process will read too.
pub fn app(config: &Path) -> Result<App> {
    let overrides = Overrides { config: Some(config.to_owned()), ..Overrides::default() };
    let settings = Settings::load(overrides, Vec::new(), Path::new("."))?;
    let parts = Parts { clock: std::sync::Arc::new(SystemClock), ids: std::sync::Arc::new(SystemIds) };
    Ok(build(&settings, &parts)?)
}

#[derive(Deserialize)]
struct Made<K> {
    id: K,
}

struct Office<'a> {
    app: &'a App,
    root: Credential,
}

impl Office<'_> {
    fn enter<T: Serialize + Audited, K: DeserializeOwned>(
        &self,
        action: Action,
        work: impl FnMut(&mut Session<'_>) -> pingma::error::Result<T>,
    ) -> Result<K> {
        let call = Call::plain(self.root, "bench");
        let answer = self.app.write(&call, action, work).map_err(|e| anyhow!("{e:?}"))?;
        Ok(serde_json::from_str::<Made<K>>(&answer.body)?.id)
    }

    fn person(
        &self,
        organization_id: OrganizationId,
        site_id: Option<SiteId>,
        roles: &[Role],
    ) -> Result<(UserId, SessionId)> {
        let now = self.app.clock.now();
        let mut conn = self.app.pool.get()?;
        let id: UserId = self.app.ids.id(now);
        let user = UserRow {
            id,
            organization_id,
            username: format!("u{}", id.uuid().simple()),
            password_hash: "$argon2id$none".to_owned(),
            display_name: "王建国".to_owned(),
            roles: roles.to_vec().into(),
            site_id,
            active: true,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        user.insert(&mut conn)?;
        Ok((id, session(self.app, &mut conn, id)?))
    }

    fn certificate(&self, of: UserId, kind: &str, number: &str) -> Result<()> {
        let new = read(json!({ "kind": kind, "number": number, "issuer": "南通市市场监督管理局",
            "valid_from": "2025-01-01", "valid_to": "2035-12-31" }))?;
        let _: pingma::domain::id::CertificateId =
            self.enter(Action::WriteCertificate, |s| office::create_certificate(s, of, &new))?;
        Ok(())
    }

    fn filler(&self, n: usize) -> Result<Filler> {
        let name = format!("南通平安{n:02}号燃气有限公司");
        let new = read(
            json!({ "name": name, "credit_code": format!("91320602MA{n:08}"), "kinds": ["filler", "distributor"],
            "district_code": DISTRICT }),
        )?;
        let organization_id: OrganizationId =
            self.enter(Action::CreateOrganization, |s| office::create_organization(s, &new))?;
        for kind in ["filling", "gas_business"] {
            let license = read(
                json!({ "kind": kind, "number": format!("{kind}-{n}"), "issuer": "江苏省市场监督管理局",
                "valid_from": "2025-01-01", "valid_to": "2035-12-31", "media": ["lpg"], "districts": [] }),
            )?;
            let _: pingma::domain::id::LicenseId =
                self.enter(Action::WriteLicense, |s| office::create_license(s, organization_id, &license))?;
        }
        let site = read(
            json!({ "organization_id": organization_id, "kind": "filling_station", "name": format!("{n}号站"),
            "district_code": DISTRICT }),
        )?;
        let site_id = self.enter(Action::WriteSite, |s| office::create_site(s, &site))?;
        let (worker_id, _) =
            self.person(organization_id, Some(site_id), &[Role::FillChecker, Role::DeliveryWorker])?;
        let posts =
            (0..POSTS).map(|post| self.post(organization_id, site_id, n, post)).collect::<Result<_>>()?;
        let (admin_id, admin_session) = self.person(organization_id, None, &[Role::OrgAdmin])?;
        Ok(Filler { organization_id, name, site_id, posts, worker_id, admin_id, admin_session })
    }

    fn post(
        &self,
        organization_id: OrganizationId,
        site_id: SiteId,
        filler: usize,
        n: usize,
    ) -> Result<Post> {
        let scale = read(
            json!({ "site_id": site_id, "name": format!("{n}号秤"), "serial_no": format!("CZ-{filler}-{n}"),
            "medium": "lpg", "calibration_valid_to": "2035-12-31" }),
        )?;
        let scale_id = self.enter(Action::WriteScale, |s| office::create_scale(s, &scale))?;
        let (operator_id, session_id) = self.person(organization_id, Some(site_id), &[Role::FillOperator])?;
        self.certificate(operator_id, "filling", &format!("C-{filler}-{n}"))?;
        Ok(Post { scale_id, operator_id, session_id })
    }
}

fn read<T: DeserializeOwned>(value: Value) -> Result<T> {
    Ok(serde_json::from_value(value)?)
}

/// A session that lasts a month.
fn session(app: &App, conn: &mut pingma::db::conn::Conn, user_id: UserId) -> Result<SessionId> {
    let now = app.clock.now();
    let row = SessionRow {
        id: app.ids.id(now),
        user_id,
        created_at: now,
        expires_at: now.plus_seconds(30 * 86_400),
        revoked_at: None,
        revoked_for: None,
    };
    row.insert(conn)?;
    Ok(row.id)
}

/// Enters everybody into an empty database.
pub fn enter(app: &App) -> Result<World> {
    let mut conn = app.pool.get()?;
    let name = pingma::domain::value::Text::new("root").map_err(|e| anyhow!("{e:?}"))?;
    let root = office::create_first_admin(&mut conn, &name, &"correct-horse-7".into(), &*app.ids, app.now())
        .map_err(|e| anyhow!("{e:?}"))?;
    let session_id = session(app, &mut conn, root.id)?;
    drop(conn);
    let office = Office { app, root: Credential::Session { session_id, user_id: root.id } };
    ask_for_no_stamp(&office)?;
    let authority = read(
        json!({ "name": "南通市市场监督管理局", "credit_code": "11320600MB0A0001R1", "kinds": ["regulator"],
        "authority": "market_supervision", "district_code": "320600" }),
    )?;
    let authority_id: OrganizationId =
        office.enter(Action::CreateOrganization, |s| office::create_organization(s, &authority))?;
    let (regulator_id, regulator_session) = office.person(authority_id, None, &[Role::Regulator])?;
    let fillers = (0..FILLERS).map(|n| office.filler(n)).collect::<Result<_>>()?;
    Ok(World { fillers, regulator_id, regulator_session })
}

/// A question for the stamp is owed until it is answered: of random checks that answer none, in the end every one would ask.
fn ask_for_no_stamp(office: &Office<'_>) -> Result<()> {
    let today = office.app.now().today;
    let none =
        read(json!({ "value": 0, "effective_on": today, "reason": "benchmarks answer no questions" }))?;
    let call = Call::plain(office.root, "bench");
    let set = |s: &mut Session<'_>| office::set_policy(s, "stamp_challenge_rate", &none);
    office.app.write(&call, Action::WritePolicy, set).map_err(|e| anyhow!("{e:?}"))?;
    Ok(())
}

/// `Authorization` of somebody; good for ten minutes.
pub fn token(app: &App, user_id: UserId, session_id: SessionId) -> Result<String> {
    let (token, _) = app.tokens.issue(user_id, session_id, app.clock.now()).context("a token")?;
    Ok(format!("Bearer {}", token.expose_secret()))
}
