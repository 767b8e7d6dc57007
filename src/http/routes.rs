//! The whole table of routes on one page. From it come the routes that are served, the OpenAPI document, and the test that walks
//! every route as every role.

use std::sync::Arc;

use actix_web::http::{Method, StatusCode, header};
use actix_web::{FromRequest, Handler, HttpResponse, Resource, Responder, Route as ActixRoute, web};
use utoipa::openapi::path::Parameter;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{IntoParams, ToSchema};

use super::{
    audit as au, cylinders as cy, filling as fi, openapi, operations as op, public as pu, reference,
    registry as re, sessions as se,
};
use crate::app::{audit, public, query, registry, session};
use crate::auth::permission::Action as A;
use crate::db::registry as rows;

/// Who may call a route at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Public,
    /// Anybody who is signed in.
    SignedIn,
    /// Whoever the table of permissions allows this action.
    Needs(A),
}

/// Whether a route takes an idempotency key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// It changes nothing, or can't be replayed.
    No,
    /// It may come with one.
    Optional,
    /// It must come with one.
    Required,
}

/// Schemas by name.
pub type Schemas = Vec<(String, RefOr<Schema>)>;

/// What a route is, for its description and its tests.
#[derive(Clone)]
pub struct Spec {
    /// GET, POST, …
    pub method: &'static str,
    /// Path from the root.
    pub path: String,
    /// Who may call it.
    pub access: Access,
    /// Whether it takes an idempotency key.
    pub key: Key,
    /// What it does.
    pub summary: &'static str,
    /// Its query parameters.
    pub query: Vec<Parameter>,
    /// The name of its body's schema.
    pub body: Option<String>,
    /// Status and media type of a good answer, and the name of its schema.
    pub reply: (u16, &'static str, Option<String>),
    /// Other statuses with the same answer.
    pub also: Vec<u16>,
    /// The schemas that body and answer need.
    pub schemas: Schemas,
}

/// A route: what it is, and what serves it.
pub struct Entry {
    /// What it is.
    pub spec: Spec,
    serve: ActixRoute,
}

const JSON: &str = "application/json";

impl Entry {
    fn new<F, Args>(method: &'static str, path: &str, access: Access, route: ActixRoute, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        let outside_api =
            path == "/" || ["/C/", "/healthz", "/readyz", "/metrics"].iter().any(|p| path.starts_with(p));
        let path = if outside_api { path.to_owned() } else { format!("/api/v1{path}") };
        let key = if method == "GET" || access == Access::Public { Key::No } else { Key::Optional };
        let spec = Spec {
            method,
            path,
            access,
            key,
            summary: "",
            query: Vec::new(),
            body: None,
            reply: (200, JSON, None),
            also: Vec::new(),
            schemas: Vec::new(),
        };
        Self { spec, serve: route.to(handler) }
    }

    fn keyed(mut self, key: Key) -> Self {
        self.spec.key = key;
        self
    }

    fn says(mut self, summary: &'static str) -> Self {
        self.spec.summary = summary;
        self
    }

    fn query<T: IntoParams>(mut self) -> Self {
        self.spec.query = T::into_params(|| None);
        self
    }

    fn needs_schema<T: ToSchema>(&mut self) -> String {
        self.spec.schemas.push((T::name().into_owned(), T::schema()));
        T::schemas(&mut self.spec.schemas);
        T::name().into_owned()
    }

    fn body<T: ToSchema>(mut self) -> Self {
        self.spec.body = Some(self.needs_schema::<T>());
        self
    }

    fn reply<T: ToSchema>(mut self, status: u16) -> Self {
        let name = self.needs_schema::<T>();
        self.spec.reply = (status, JSON, Some(name));
        self
    }

    fn reply_list<T: ToSchema>(mut self) -> Self {
        let name = self.needs_schema::<T>();
        let list = format!("{name}List");
        self.spec.schemas.push((list.clone(), openapi::list_schema(&name)));
        self.spec.reply = (200, JSON, Some(list));
        self
    }

    fn plain(mut self, status: u16, media_type: &'static str) -> Self {
        self.spec.reply = (status, media_type, None);
        self
    }

    fn or(mut self, status: u16) -> Self {
        self.spec.also.push(status);
        self
    }
}

macro_rules! verbs {
    ($($name:ident $method:literal $route:path;)+) => {$(
        fn $name<F, Args>(path: &str, access: Access, handler: F) -> Entry
        where
            F: Handler<Args>,
            Args: FromRequest + 'static,
            F::Output: Responder + 'static,
        {
            Entry::new($method, path, access, $route(), handler)
        }
    )+};
}

verbs! {
    get "GET" web::get;
    post "POST" web::post;
    put "PUT" web::put;
    patch "PATCH" web::patch;
    delete "DELETE" web::delete;
}

use Access::{Needs, Public, SignedIn};

/// Every route there is.
pub fn table() -> Vec<Entry> {
    // In the order of how often they are called: a request is held against one after the other.
    let mut all = filling_routes();
    all.extend(open_routes());
    all.extend(cylinder_routes());
    all.extend(standing_routes());
    all.extend(session_routes());
    all.extend(equipment_routes());
    all.extend(organization_routes());
    all
}

#[rustfmt::skip]
fn session_routes() -> Vec<Entry> {
    vec![
        post("/auth/login", Public, se::log_in).body::<se::Login>().reply::<session::TokenPair>(200).says("Sign in"),
        post("/auth/refresh", Public, se::refresh).body::<se::Refresh>().reply::<session::TokenPair>(200).says("Exchange a refresh token for a new pair"),
        post("/auth/logout", SignedIn, se::log_out).keyed(Key::No).plain(204, "").says("End the session"),
        get("/me", SignedIn, se::me).reply::<session::Me>(200).says("Who is signed in"),
        post("/me/password", SignedIn, se::change_password).keyed(Key::No).body::<se::PasswordChange>().plain(204, "").says("Set a new password; every session ends"),
    ]
}

#[rustfmt::skip]
fn organization_routes() -> Vec<Entry> {
    vec![
        post("/organizations", Needs(A::CreateOrganization), re::create_organization).body::<registry::NewOrganization>().reply::<rows::OrganizationRow>(201).says("Enter an organization"),
        get("/organizations", Needs(A::ReadOrganization), re::list_organizations).query::<re::PageQuery>().reply_list::<rows::OrganizationRow>().says("List organizations"),
        get("/organizations/{id}", Needs(A::ReadOrganization), re::get_organization).reply::<rows::OrganizationRow>(200).says("An organization's file"),
        patch("/organizations/{id}", Needs(A::JudgeOrganization), re::change_organization).body::<registry::OrganizationChange>().reply::<rows::OrganizationRow>(200).says("Change an organization's file, or suspend, close, reopen it"),
        post("/organizations/{id}/licenses", Needs(A::WriteLicense), re::create_license).body::<registry::NewLicense>().reply::<rows::LicenseRow>(201).says("Enter a license"),
        get("/organizations/{id}/licenses", Needs(A::ReadLicense), re::list_licenses).query::<re::PageQuery>().reply_list::<rows::LicenseRow>().says("List the licenses of an organization"),
        patch("/licenses/{id}", Needs(A::WriteLicense), re::judge_license).body::<registry::Judgement>().reply::<rows::LicenseRow>(200).says("Suspend, revoke or restore a license; holds from the next check on"),
        get("/organizations/{id}/supply-agreements", Needs(A::ReadAgreement), re::list_agreements).query::<re::PageQuery>().reply_list::<rows::AgreementRow>().says("List the supply agreements of an organization"),
        post("/supply-agreements", Needs(A::WriteAgreement), re::create_agreement).body::<registry::NewAgreement>().reply::<rows::AgreementRow>(201).says("Let a distributor deliver the own cylinders"),
        delete("/supply-agreements/{id}", Needs(A::WriteAgreement), re::end_agreement).reply::<rows::AgreementRow>(200).says("End a supply agreement"),
        post("/users", Needs(A::WriteUser), re::create_user).body::<registry::NewUser>().reply::<rows::UserRow>(201).says("Enter a user"),
        get("/users", Needs(A::ReadUser), re::list_users).query::<re::PageQuery>().reply_list::<rows::UserRow>().says("List users"),
        get("/users/{id}", Needs(A::ReadUser), re::get_user).reply::<rows::UserRow>(200).says("A user's file"),
        patch("/users/{id}", Needs(A::WriteUser), re::change_user).body::<registry::UserChange>().reply::<rows::UserRow>(200).says("Change a user; disabling one or setting a password ends their sessions"),
        post("/users/{id}/certificates", Needs(A::WriteCertificate), re::create_certificate).body::<registry::NewCertificate>().reply::<rows::CertificateRow>(201).says("Enter a certificate"),
        get("/users/{id}/certificates", Needs(A::ReadCertificate), re::list_certificates).query::<re::PageQuery>().reply_list::<rows::CertificateRow>().says("List the certificates of a user"),
        patch("/certificates/{id}", Needs(A::JudgeCertificate), re::judge_certificate).body::<registry::Judgement>().reply::<rows::CertificateRow>(200).says("Suspend, revoke or restore a certificate; holds from the next check on"),
    ]
}

#[rustfmt::skip]
fn equipment_routes() -> Vec<Entry> {
    vec![
        post("/sites", Needs(A::WriteSite), re::create_site).body::<registry::NewSite>().reply::<rows::SiteRow>(201).says("Enter a site"),
        get("/sites", Needs(A::ReadSite), re::list_sites).query::<re::PageQuery>().reply_list::<rows::SiteRow>().says("List sites"),
        post("/scales", Needs(A::WriteScale), re::create_scale).body::<registry::NewScale>().reply::<rows::ScaleRow>(201).says("Enter a scale"),
        get("/scales", Needs(A::ReadScale), re::list_scales).query::<re::PageQuery>().reply_list::<rows::ScaleRow>().says("List scales"),
        patch("/scales/{id}", Needs(A::WriteScale), re::change_scale).body::<registry::ScaleChange>().reply::<rows::ScaleRow>(200).says("Record a new calibration"),
        post("/scales/{id}/keys", Needs(A::WriteScale), re::create_device_key).reply::<registry::NewDeviceKey>(201).says("Make a device key; it is shown once, two may be active. A call that comes again is told the id of the key it made: 409"),
        delete("/scales/{id}/keys/{key_id}", Needs(A::WriteScale), re::revoke_device_key).reply::<rows::DeviceKeyRow>(200).says("Revoke a device key"),
        post("/scales/{id}/shift", Needs(A::WorkShift), re::begin_shift).reply::<rows::ScaleRow>(200).says("Begin a shift: the scale acts for this operator, for 12 hours at most"),
        delete("/scales/{id}/shift", Needs(A::WorkShift), re::end_shift).reply::<rows::ScaleRow>(200).says("End a shift"),
        get("/audit", Needs(A::ReadAudit), au::list_entries).query::<au::AuditQuery>().reply_list::<audit::AuditView>().says("What was done and what was denied, newest first; acts on cylinders are in their histories"),
        get("/policies", Needs(A::ReadPolicy), re::list_policies).query::<re::PolicyQuery>().reply::<re::Policies>(200).says("Policies in force, and every entry"),
        put("/policies/{name}", Needs(A::WritePolicy), re::set_policy).body::<registry::NewPolicy>().reply::<rows::PolicyRow>(200).says("Set a policy from a day on, everywhere or in a district"),
    ]
}

#[rustfmt::skip]
fn cylinder_routes() -> Vec<Entry> {
    vec![
        post("/cylinders", Needs(A::RegisterCylinder), cy::register).body::<cy::CylinderRequest>().reply::<query::CylinderView>(201).says("Register a cylinder and give it its first label"),
        get("/cylinders", Needs(A::ReadCylinder), cy::list_all).query::<cy::CylinderQuery>().reply_list::<query::CylinderView>().says("Search cylinders"),
        get("/cylinders/{ref}", Needs(A::ReadCylinder), cy::get).reply::<query::CylinderView>(200).says("A cylinder's file; ref is an id, a label code, a scanned address, reg:<code> or stamp:<maker>:<serial>; the last 30 times an hour for the fill operators and checkers of an organization"),
        get("/cylinders/{ref}/events", Needs(A::ReadCylinder), cy::events).query::<re::PageQuery>().reply::<cy::History>(200).says("A cylinder's history, newest first"),
        get("/cylinders/{ref}/trace", Needs(A::ReadCylinder), cy::trace).reply::<query::Trace>(200).says("Who filled it last and who handled it since"),
        post("/cylinders/{ref}/labels", Needs(A::RegisterCylinder), cy::replace_label).body::<cy::ReasonRequest>().reply::<cy::LabelReply>(201).says("A new label; the old one is void"),
        delete("/cylinders/{ref}/labels", Needs(A::RegisterCylinder), cy::revoke_label).body::<cy::ReasonRequest>().reply::<cy::ActReply>(201).says("Make the label void and put no new one on: no fill and no handover until there is one"),
        get("/labels/{file}", Needs(A::PrintLabel), cy::picture).query::<cy::LabelQuery>().plain(200, "image/*").says("A label's picture: <code>.svg or <code>.png"),
        post("/inspections", Needs(A::Inspect), cy::inspect).keyed(Key::Required).body::<cy::InspectionRequest>().reply::<cy::InspectionReply>(201).says("Record an inspection; a fail means scrap"),
        post("/cylinders/{ref}/life-extensions", Needs(A::Inspect), cy::extend_life).body::<cy::LifeExtensionRequest>().reply::<cy::ActReply>(201).says("Extend the life after a safety assessment"),
        post("/cylinders/{ref}/scrappings", Needs(A::Inspect), cy::scrap).body::<cy::DocumentRequest>().reply::<cy::ActReply>(201).says("Record that an agency made it useless"),
    ]
}

#[rustfmt::skip]
fn standing_routes() -> Vec<Entry> {
    vec![
        post("/cylinders/{ref}/seizures", Needs(A::Seize), cy::seize).body::<cy::DocumentRequest>().reply::<cy::ActReply>(201).says("Seize a cylinder; only an agency's scrapping ends it"),
        post("/cylinders/{ref}/blacklistings", Needs(A::Seize), cy::blacklist).body::<cy::DocumentRequest>().reply::<cy::ActReply>(201).says("Put a cylinder on the blacklist"),
        delete("/cylinders/{ref}/blacklistings", Needs(A::Seize), cy::unblacklist).body::<cy::DocumentRequest>().reply::<cy::ActReply>(201).says("Take a cylinder off the blacklist"),
        post("/cylinders/{ref}/losses", Needs(A::ReportLoss), cy::lose).body::<cy::ReasonRequest>().reply::<cy::ActReply>(201).says("Report a loss"),
        post("/cylinders/{ref}/recoveries", Needs(A::ReportLoss), cy::recover).body::<cy::ReasonRequest>().reply::<cy::ActReply>(201).says("Report a recovery"),
        post("/cylinders/{ref}/owner-changes", Needs(A::ChangeOwner), cy::propose).body::<registry::NewOwnerChange>().reply::<rows::OwnerChangeRow>(201).says("Propose a change of owner"),
        get("/owner-changes", Needs(A::ChangeOwner), re::list_owner_changes).query::<re::PageQuery>().reply_list::<rows::OwnerChangeRow>().says("Proposed changes of owner, on either side"),
        post("/owner-changes/{id}/approve", Needs(A::ChangeOwner), cy::approve).reply::<cy::ActReply>(201).says("Take a cylinder over, as the receiving owner"),
        post("/owner-changes/{id}/reject", Needs(A::ChangeOwner), re::reject_owner_change).reply::<rows::OwnerChangeRow>(200).says("Reject or withdraw a proposal"),
    ]
}

#[rustfmt::skip]
fn filling_routes() -> Vec<Entry> {
    vec![
        post("/fill-checks", Needs(A::CheckFill), fi::check).keyed(Key::Required).body::<fi::FillCheckRequest>().reply::<fi::FillCheckReply>(200).says("Scan before filling: allowed, challenged or refused"),
        get("/fill-checks", Needs(A::ReadFill), fi::list_checks).query::<fi::FillCheckQuery>().reply_list::<query::EventView>().says("List fill checks, refusals among them"),
        post("/fills", Needs(A::RecordFill), fi::record).keyed(Key::Required).body::<fi::FillRequest>().reply::<fi::FillReply>(201).or(200).says("Record a fill on a permit; 200 where the permit does not fit"),
        get("/fills", Needs(A::ReadFill), fi::list_fills).query::<fi::FillQuery>().reply_list::<query::FillView>().says("List fills"),
        post("/fills/{id}/reweigh", Needs(A::Reweigh), fi::reweigh).keyed(Key::Required).body::<fi::ReweighRequest>().reply::<fi::FillReply>(200).says("Weigh and check a fill again"),
        post("/handovers", Needs(A::HandOver), fi::hand_over).keyed(Key::Required).body::<fi::HandoverRequest>().reply::<fi::HandoverReply>(200).says("Hand a cylinder to a customer"),
        post("/returns", Needs(A::TakeBack), fi::take_back).keyed(Key::Required).body::<fi::ReturnRequest>().reply::<fi::ScanReply>(201).says("Take a cylinder back, or in at a site or agency"),
        post("/emptyings", Needs(A::Empty), fi::empty).keyed(Key::Required).body::<fi::EmptyingRequest>().reply::<fi::ScanReply>(201).says("Record gas taken out at a station"),
    ]
}

#[rustfmt::skip]
fn open_routes() -> Vec<Entry> {
    vec![
        get("/public/cylinders/{code}", Public, pu::cylinder).query::<pu::PublicQuery>().reply::<public::PublicView>(200).says("What anybody may know who scans a code"),
        get("/openapi.json", Public, op::openapi).plain(200, JSON).says("This document"),
        get("/", Public, pu::front).query::<pu::FrontQuery>().plain(200, "text/html").or(303).or(422).says("The front page, with a form for typing a code"),
        get("/C/", Public, pu::front).query::<pu::FrontQuery>().plain(200, "text/html").or(303).or(422).says("The same, where a printed address ends too early"),
        get("/C/{code}", Public, pu::page).query::<pu::PublicQuery>().plain(200, "text/html").says("The page behind the QR code"),
        get("/healthz", Public, op::health).plain(200, JSON).says("The process answers"),
        get("/readyz", Public, op::ready).plain(200, JSON).says("Database, schema and clock are good"),
        get("/metrics", Public, op::metrics).plain(200, "text/plain").says("Metrics for Prometheus"),
    ]
}

/// The path of a route as the table has it. Left on a request by its route: actix would search the table a second time.
#[derive(Debug, Clone)]
pub struct Pattern(pub Arc<str>);

/// A path with everything that is served there.
struct Served {
    path: String,
    methods: Vec<&'static str>,
    routes: Vec<ActixRoute>,
}

impl Served {
    fn get(path: &str, route: ActixRoute) -> Self {
        Self { path: path.to_owned(), methods: vec!["GET"], routes: vec![route] }
    }

    /// What `Allow` says. HEAD is served wherever GET is (`middleware::around`), OPTIONS everywhere.
    fn allow(&self) -> String {
        let head = self.methods.contains(&"GET").then_some("HEAD");
        let all: Vec<&str> = self.methods.iter().copied().chain(head).chain(["OPTIONS"]).collect();
        all.join(", ")
    }

    fn resource(self) -> Resource {
        let allow = self.allow();
        let pattern = Pattern(Arc::from(self.path.as_str()));
        let resource = web::resource(self.path).app_data(pattern);
        let resource = self.routes.into_iter().fold(resource, Resource::route);
        resource.default_service(web::to(move |method: Method| other_method(method, allow.clone())))
    }
}

/// What is not in the table: OPTIONS is told what is, without a word on CORS, which stays closed; the rest is 405.
async fn other_method(method: Method, allow: String) -> HttpResponse {
    let status =
        if method == Method::OPTIONS { StatusCode::NO_CONTENT } else { StatusCode::METHOD_NOT_ALLOWED };
    HttpResponse::build(status).insert_header((header::ALLOW, allow)).finish()
}

/// The table by path, and what is served beside it.
fn served() -> Vec<Served> {
    let mut all: Vec<Served> = Vec::new();
    for Entry { spec, serve } in table() {
        match all.iter_mut().find(|served| served.path == spec.path) {
            Some(served) => {
                served.methods.push(spec.method);
                served.routes.push(serve);
            }
            None => all.push(Served { path: spec.path, methods: vec![spec.method], routes: vec![serve] }),
        }
    }
    // What scanners and people make of a printed address.
    for spelling in ["/C/{code}/", "/c/{code}", "/c/{code}/"] {
        all.push(Served::get(spelling, web::get().to(pu::page)));
    }
    all.push(Served::get("/docs", web::get().to(reference::at_its_folder)));
    all.push(Served::get("/docs/{file:.*}", web::get().to(reference::file)));
    for spelling in ["/C", "/c", "/c/"] {
        all.push(Served::get(spelling, web::get().to(pu::front)));
    }
    // Fixed paths first: they are compared at once, where a pattern is a regular expression that must be run.
    all.sort_by_key(|served| served.path.contains('{'));
    all
}

/// Serves the table.
pub fn configure(config: &mut web::ServiceConfig) {
    for served in served() {
        config.service(served.resource());
    }
    for elsewhere in ["/C/{tail:.*}", "/c/{tail:.*}"] {
        config.service(web::resource(elsewhere).to(pu::no_page));
    }
    config.default_service(web::to(pu::nothing_here));
}
