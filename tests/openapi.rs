//! The written description of the API is the one that the routes make, and it is whole.

use std::collections::BTreeSet;

use pingma::http::openapi;
use pingma::http::routes::table;
use serde_json::Value;

fn document() -> Value {
    serde_json::from_str(openapi::text()).expect("the document is JSON")
}

/// Every value in a document, with its JSON pointer.
fn walk<'a>(value: &'a Value, pointer: &str, visit: &mut impl FnMut(&str, &'a Value)) {
    visit(pointer, value);
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let name = name.replace('~', "~0").replace('/', "~1");
                walk(member, &format!("{pointer}/{name}"), visit);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                walk(item, &format!("{pointer}/{index}"), visit);
            }
        }
        _ => {}
    }
}

#[test]
fn the_file_is_what_the_routes_make() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/api-spec/openapi.json");
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        written.trim_end() == openapi::text().trim_end(),
        "api-spec/openapi.json is not what the routes make: run `make openapi`"
    );
}

#[test]
fn it_is_openapi_3_1() {
    let document = document();
    assert!(document["openapi"].as_str().is_some_and(|version| version.starts_with("3.1.")));
    assert!(document["info"]["title"].is_string() && document["info"]["version"].is_string());
    // What 3.0 said in other words.
    walk(&document, "", &mut |pointer, value| {
        assert!(value.get("nullable").is_none_or(|v| !v.is_boolean()), "{pointer}: nullable is of 3.0");
    });
}

#[test]
fn a_redirection_names_a_place_and_has_no_body() {
    let mut found = 0;
    walk(&document(), "", &mut |pointer, value| {
        if pointer.ends_with("/responses/303") {
            found += 1;
            assert!(value["headers"]["Location"].is_object() && value["content"].is_null(), "{pointer}");
        }
    });
    assert_eq!(found, 2);
}

#[test]
fn every_route_is_in_it_and_nothing_else() {
    let document = document();
    let paths = document["paths"].as_object().expect("paths");
    let mut described = BTreeSet::new();
    for (path, item) in paths {
        for method in item.as_object().expect("a path item").keys() {
            described.insert(format!("{} {path}", method.to_uppercase()));
        }
    }
    let served: BTreeSet<String> =
        table().iter().map(|entry| format!("{} {}", entry.spec.method, entry.spec.path)).collect();
    assert_eq!(described, served);
    assert_eq!(table().len(), served.len(), "a route is in the table twice");
}

#[test]
fn every_operation_has_a_name_of_its_own_and_says_what_it_does() {
    let document = document();
    let mut names = BTreeSet::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("a path item") {
            let name = operation["operationId"].as_str().expect("a name");
            assert!(names.insert(name.to_owned()), "{name} twice");
            assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{method} {path}");
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            for part in path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')) {
                let given = parameters
                    .iter()
                    .any(|p| p["in"] == "path" && p["name"] == part && p["required"] == true);
                assert!(given, "{method} {path} does not describe {part}");
            }
        }
    }
}

#[test]
fn every_operation_says_who_may_call_it() {
    let document = document();
    for (path, method, who) in [
        ("/api/v1/public/cylinders/{code}", "get", "Needs no session."),
        ("/api/v1/me", "get", "For whoever has a session."),
        (
            "/api/v1/fill-checks",
            "post",
            "For `fill_operator` (for the own organization); a scale, for the operator of its shift.",
        ),
        (
            "/api/v1/cylinders/{ref}/seizures",
            "post",
            "For `regulator` (in the own district). Of the authorities, `market_supervision`, `gas_authority`, \
             `urban_management`, `emergency`, `police` alone.",
        ),
    ] {
        assert_eq!(document["paths"][path][method]["description"], who, "{method} {path}");
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let document = document();
    let mut used = BTreeSet::new();
    walk(&document, "", &mut |pointer, value| {
        let Some(reference) = value.get("$ref").and_then(Value::as_str) else {
            return;
        };
        let target = reference.strip_prefix('#').and_then(|place| document.pointer(place));
        assert!(target.is_some(), "{pointer} refers to {reference}, which is not there");
        used.insert(reference.to_owned());
    });
    for name in document["components"]["schemas"].as_object().expect("schemas").keys() {
        assert!(used.contains(&format!("#/components/schemas/{name}")), "nothing refers to {name}");
    }
}

/// The words of a list are those that are sent, not the names that the code has for them.
#[test]
fn enums_have_the_words_that_are_sent() {
    let schemas = &document()["components"]["schemas"];
    for (name, words) in [
        ("Medium", pingma::domain::cylinder::Medium::WORDS),
        ("Role", pingma::domain::actor::Role::WORDS),
        ("Entry", pingma::domain::label_code::Entry::WORDS),
        ("CylinderStatus", pingma::domain::cylinder::CylinderStatus::WORDS),
    ] {
        assert_eq!(schemas[name]["enum"], serde_json::json!(words), "{name}");
    }
    for (name, schema) in schemas.as_object().expect("schemas") {
        let words = schema["enum"].as_array().into_iter().flatten().filter_map(serde_json::Value::as_str);
        for word in words {
            assert_eq!(word, word.to_lowercase(), "{name}");
        }
    }
}
