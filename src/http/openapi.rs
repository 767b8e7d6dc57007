//! The OpenAPI document, made from the table of routes.

use std::sync::OnceLock;

use utoipa::openapi::header::Header;
use utoipa::openapi::path::{
    HttpMethod, Operation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn, PathsBuilder,
};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::response::{Response, ResponseBuilder, ResponsesBuilder};
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Type};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, InfoBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, Required, Schema,
};
use utoipa::{PartialSchema, ToSchema};

use crate::auth::permission::{Action, Scope, authorities, grants};

use super::problem::{Problem, ProblemMember};
use super::routes::{Access, Key, Spec, table};

/// A page of rows of a schema.
pub fn list_schema(name: &str) -> RefOr<Schema> {
    ObjectBuilder::new()
        .property("items", ArrayBuilder::new().items(Ref::from_schema_name(name)))
        .required("items")
        .property(
            "next_cursor",
            ObjectBuilder::new()
                .schema_type(utoipa::openapi::schema::SchemaType::from_iter([Type::String, Type::Null]))
                .description(Some("for the next page; null on the last")),
        )
        .required("next_cursor")
        .into()
}

/// The document.
pub fn document() -> OpenApi {
    let mut paths = PathsBuilder::new();
    let mut components = ComponentsBuilder::new()
        .schema(Problem::name(), Problem::schema())
        .schema(ProblemMember::name(), ProblemMember::schema())
        .security_scheme(
            "session",
            SecurityScheme::Http(
                HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build(),
            ),
        )
        .security_scheme(
            "device",
            SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::with_description(
                "Authorization",
                "`Device <key>`: a scale, acting for the operator of its shift",
            ))),
        );
    for entry in table() {
        let spec = entry.spec;
        for (name, schema) in spec.schemas.clone() {
            components = components.schema(name, schema);
        }
        let item = utoipa::openapi::path::PathItem::new(method(spec.method), operation(&spec));
        paths = paths.path(spec.path.clone(), item);
    }
    let info = InfoBuilder::new()
        .title("Pingma 瓶码")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Traceability for LPG cylinders: one cylinder, one code. Masses in grams (`_g`), volumes in millilitres \
             (`_ml`), pressures in kPa, instants RFC 3339 in UTC. `Accept-Language: zh-CN | en` picks the language of \
             messages.",
        ))
        .build();
    OpenApiBuilder::new().info(info).paths(paths).components(Some(components.build())).build()
}

fn method(name: &str) -> HttpMethod {
    match name {
        "POST" => HttpMethod::Post,
        "PUT" => HttpMethod::Put,
        "PATCH" => HttpMethod::Patch,
        "DELETE" => HttpMethod::Delete,
        _ => HttpMethod::Get,
    }
}

fn operation(spec: &Spec) -> Operation {
    let mut operation = OperationBuilder::new()
        .summary(Some(spec.summary))
        .description(Some(who_may(spec.access)))
        .operation_id(Some(operation_id(spec)))
        .tag(tag(&spec.path))
        .parameters(Some(path_parameters(&spec.path)))
        .parameters(Some(spec.query.clone()))
        .responses(responses(spec));
    if spec.key != Key::No {
        operation = operation.parameter(key_parameter(spec.key));
    }
    if let Some(body) = &spec.body {
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(body))).build();
        let body =
            RequestBodyBuilder::new().content("application/json", content).required(Some(Required::True));
        operation = operation.request_body(Some(body.build()));
    }
    if spec.access != Access::Public {
        operation = operation.security(SecurityRequirement::new("session", Vec::<String>::new()));
    }
    if matches!(spec.access, Access::Needs(Action::CheckFill | Action::RecordFill)) {
        operation = operation.security(SecurityRequirement::new("device", Vec::<String>::new()));
    }
    operation.build()
}

/// Who may call a route, from the table that the service itself asks.
fn who_may(access: Access) -> String {
    let action = match access {
        Access::Public => return "Needs no session.".to_owned(),
        Access::SignedIn => return "For whoever has a session.".to_owned(),
        Access::Needs(action) => action,
    };
    let mut who: Vec<String> = Vec::new();
    for (roles, scope) in grants(action) {
        let reach = match scope {
            Scope::Own => "for the own organization",
            Scope::District => "in the own district",
            Scope::All => "everywhere",
        };
        let roles: Vec<_> = roles.iter().map(|role| format!("`{role}`")).collect();
        who.push(format!("{} ({reach})", roles.join(", ")));
    }
    if matches!(action, Action::CheckFill | Action::RecordFill) {
        who.push("a scale, for the operator of its shift".to_owned());
    }
    let mut text = format!("For {}.", who.join("; "));
    if let Some(few) = authorities(action) {
        let few: Vec<_> = few.iter().map(|authority| format!("`{authority}`")).collect();
        text.push_str(&format!(" Of the authorities, {} alone.", few.join(", ")));
    }
    text
}

fn tag(path: &str) -> String {
    let inside = path.strip_prefix("/api/v1/").unwrap_or("operations");
    inside.split('/').next().unwrap_or_default().to_owned()
}

fn operation_id(spec: &Spec) -> String {
    let words = spec.path.trim_start_matches("/api/v1").replace(['{', '}'], "").replace(['/', '-', '.'], "_");
    format!("{}{words}", spec.method.to_ascii_lowercase())
}

fn path_parameters(path: &str) -> Vec<Parameter> {
    path.split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| {
            // A page for people takes whatever they typed.
            let longest = (!path.starts_with("/C/")).then_some(600);
            let schema = ObjectBuilder::new().schema_type(Type::String);
            ParameterBuilder::new()
                .name(name)
                .parameter_in(ParameterIn::Path)
                .required(Required::True)
                .schema(Some(schema.max_length(longest).build()))
                .build()
        })
        .collect()
}

fn key_parameter(key: Key) -> Parameter {
    let schema = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[A-Za-z0-9_-]{1,64}$"));
    let required = if key == Key::Required { Required::True } else { Required::False };
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(required)
        .description(Some(
            "A repeated call under the same key is answered as the first one was, and changes nothing",
        ))
        .schema(Some(schema.build()))
        .build()
}

/// What a person asked for is answered with a page, also where it fails.
const HTML: &str = "text/html";

/// A redirection: a place, and no body.
fn elsewhere() -> Response {
    let place = ObjectBuilder::new().schema_type(Type::String).build();
    ResponseBuilder::new().description("elsewhere").header("Location", Header::new(place)).build()
}

fn responses(spec: &Spec) -> utoipa::openapi::Responses {
    let (status, media_type, schema) = &spec.reply;
    let good = || {
        let answer = ResponseBuilder::new().description("done");
        if media_type.is_empty() {
            return answer.build();
        }
        let content = ContentBuilder::new().schema(schema.as_ref().map(Ref::from_schema_name)).build();
        answer.content(*media_type, content).build()
    };
    let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name(Problem::name()))).build();
    let mut bad = ResponseBuilder::new()
        .description("a problem (RFC 9457)")
        .content("application/problem+json", problem);
    if *media_type == HTML {
        bad = bad.content(HTML, ContentBuilder::new().build()).description("a page, or a problem (RFC 9457)");
    }
    let mut all = ResponsesBuilder::new().response(status.to_string(), good());
    for also in &spec.also {
        all = all.response(also.to_string(), if (300..400).contains(also) { elsewhere() } else { good() });
    }
    all.response("default", bad.build()).build()
}

/// The document as text, made once.
pub fn text() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| document().to_pretty_json().unwrap_or_default())
}
