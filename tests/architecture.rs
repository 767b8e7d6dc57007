//! The rules of the house, held over the text of `src`: who may know whom, what only one place may do, how long things may get.

#[path = "support/source.rs"]
mod source;

use source::{Source, blanked, block_length, sources};

/// Layer, and the others it may import. `words` and `evidence` are macros of `domain` and `gate`, `on_backend` of `db`.
const MAY_KNOW: &[(&str, &[&str])] = &[
    ("domain", &["words"]),
    ("gate", &["domain", "words", "evidence"]),
    ("label", &["domain", "words"]),
    ("clock", &["domain"]),
    ("digest", &[]),
    ("files", &[]),
    ("error", &["db", "domain"]),
    ("auth", &["clock", "digest", "domain", "error", "files", "words"]),
    ("db", &["digest", "domain", "error", "on_backend"]),
    ("ledger", &["clock", "db", "digest", "domain", "error"]),
    ("app", &["auth", "clock", "db", "digest", "domain", "error", "gate", "label", "ledger", "words"]),
    ("config", &["db", "domain", "error"]),
    ("telemetry", &["config", "error"]),
    ("tls", &[]),
    (
        "http",
        &[
            "app", "auth", "clock", "config", "db", "digest", "domain", "error", "gate", "label", "ledger",
            "words",
        ],
    ),
    (
        "server",
        &[
            "app", "auth", "clock", "config", "db", "domain", "error", "files", "gate", "http", "label",
            "ledger", "tls",
        ],
    ),
    (
        "cli",
        &[
            "app",
            "auth",
            "clock",
            "config",
            "db",
            "demo",
            "digest",
            "domain",
            "error",
            "files",
            "gate",
            "http",
            "label",
            "ledger",
            "server",
            "telemetry",
        ],
    ),
    ("demo", &["app", "auth", "clock", "config", "db", "domain", "error", "gate", "ledger", "server"]),
    ("lib", &[]),
    ("main", &["cli"]),
];

/// Files outside `db` that may name diesel, and why.
const DIESEL_OUTSIDE_DB: &[(&str, &str)] =
    &[("server.rs", "asks the database for its version and settings before anything else runs")];

/// Files outside `http` that may name actix, and why.
const ACTIX_OUTSIDE_HTTP: &[(&str, &str)] =
    &[("server.rs", "puts the service on its listener"), ("cli/serve.rs", "runs the event loop")];

/// Most lines of a file without its tests.
const MAX_FILE_LINES: usize = 600;
/// Files that are longer, with a ceiling each that may only sink.
const LONG_FILES: &[(&str, usize)] = &[];
/// Most lines of a function's body.
const MAX_FUNCTION_LINES: usize = 70;

#[track_caller]
fn nothing(rule: &str, offenders: &[String]) {
    assert!(offenders.is_empty(), "{rule}:\n{}", offenders.join("\n"));
}

/// The layers that a file imports by `crate::…`, with the line.
fn imports(file: &Source) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    for prefix in ["crate::", "pingma::"] {
        for (at, _) in file.code.match_indices(prefix) {
            let before = file.code[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
                continue;
            }
            let line = file.code[..at].lines().count().max(1);
            let rest = &file.code[at + prefix.len()..];
            match block_length(rest).filter(|_| rest.starts_with('{')) {
                Some(length) => {
                    found.extend(group(&rest[1..length - 1]).into_iter().map(|name| (name, line)))
                }
                None => found.push((ident(rest), line)),
            }
        }
    }
    found
}

fn ident(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// The first names in `{a, b::c, d::{e, f}}`.
fn group(text: &str) -> Vec<String> {
    let mut depth = 0;
    let mut names = Vec::new();
    let mut start = 0;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                names.push(ident(text[start..at].trim()));
                start = at + 1;
            }
            _ => {}
        }
    }
    names.push(ident(text[start..].trim()));
    names.retain(|name| !name.is_empty());
    names
}

#[test]
fn every_layer_imports_only_what_lies_below_it() {
    let mut wrong = Vec::new();
    for file in sources() {
        let Some((_, allowed)) = MAY_KNOW.iter().find(|(layer, _)| *layer == file.layer()) else {
            wrong.push(format!("{}: its layer is not in MAY_KNOW", file.path));
            continue;
        };
        for (name, line) in imports(file) {
            if name != file.layer() && !allowed.contains(&name.as_str()) {
                wrong.push(format!("{}:{line}: {} must not know {name}", file.path, file.layer()));
            }
        }
        wrong.extend(file.mentions(&["super::super::super"]));
    }
    nothing("cli → http → app → {gate, ledger, db, auth, label} → domain", &wrong);
}

#[test]
fn nothing_below_http_mentions_actix() {
    let wrong: Vec<String> = sources()
        .iter()
        .filter(|file| file.layer() != "http")
        .filter(|file| ACTIX_OUTSIDE_HTTP.iter().all(|(path, _)| *path != file.path))
        .flat_map(|file| file.mentions(&["actix"]))
        .collect();
    nothing("only http knows actix", &wrong);
}

#[test]
fn nothing_but_db_mentions_diesel() {
    let wrong: Vec<String> = sources()
        .iter()
        .filter(|file| file.layer() != "db")
        .filter(|file| DIESEL_OUTSIDE_DB.iter().all(|(path, _)| *path != file.path))
        .flat_map(|file| file.mentions(&["diesel"]))
        .collect();
    nothing("only db knows diesel", &wrong);
}

#[test]
fn gate_and_domain_are_pure() {
    let outside = [
        "std::fs",
        "std::net",
        "std::env",
        "std::time",
        "std::thread",
        "rand::",
        "tokio",
        "tracing",
        "diesel",
        "actix",
        "crate::clock",
        "crate::db",
        "crate::http",
        "crate::auth",
        "crate::ledger",
        "crate::app",
        "Uuid::now_v7",
        "Uuid::new_v4",
    ];
    let wrong: Vec<String> = sources()
        .iter()
        .filter(|file| matches!(file.layer(), "gate" | "domain"))
        .flat_map(|file| file.mentions(&outside))
        .collect();
    nothing("the same question gets the same answer, whatever the machine", &wrong);
}

#[test]
fn only_the_clock_asks_the_machine_for_the_time() {
    let asks = ["Utc::now", "Local::now", "SystemTime::now", "Instant::now", "OffsetDateTime::now"];
    let wrong: Vec<String> = sources()
        .iter()
        .filter(|file| file.path != "clock.rs")
        .flat_map(|file| file.mentions(&asks))
        .collect();
    nothing("take the time from the injected clock", &wrong);
}

#[test]
fn nothing_gives_up_outside_tests() {
    let gives_up = ["panic!", "todo!", "unimplemented!", "unreachable!"];
    let mut wrong: Vec<String> = sources().iter().flat_map(|file| file.mentions(&gives_up)).collect();
    for file in sources() {
        for (index, line) in file.code.lines().enumerate() {
            if line.contains(".unwrap()") || line.contains(".expect(") || line.contains(".expect_err(") {
                wrong.push(format!("{}:{}: {}", file.path, index + 1, line.trim()));
            }
        }
    }
    nothing("every failure has an answer", &wrong);
}

#[test]
fn files_stay_short() {
    let mut wrong = Vec::new();
    for file in sources() {
        let lines = counted(file);
        let ceiling = LONG_FILES
            .iter()
            .find(|(path, _)| *path == file.path)
            .map_or(MAX_FILE_LINES, |(_, ceiling)| *ceiling);
        if lines > ceiling {
            wrong.push(format!("{}: {lines} lines, {ceiling} allowed", file.path));
        }
    }
    nothing("a file is about one thing", &wrong);
}

/// Lines of a file up to its tests.
fn counted(file: &Source) -> usize {
    let last = file.code.trim_end().lines().count();
    // What stands behind the last code line is tests or comments; comments above it count.
    file.text.lines().take(last).count()
}

#[test]
fn functions_stay_short() {
    let wrong: Vec<String> = sources().iter().flat_map(long_functions).collect();
    nothing("at most 70 lines of code per function", &wrong);
}

fn long_functions(file: &Source) -> Vec<String> {
    let mut long = Vec::new();
    for (at, _) in file.code.match_indices("fn ") {
        let before = file.code[..at].chars().next_back();
        let name = ident(&file.code[at + 3..]);
        if before.is_some_and(|c| !c.is_whitespace()) || name.is_empty() {
            continue;
        }
        let rest = &file.code[at..];
        let brace = rest.find('{').unwrap_or(rest.len());
        if rest.find(';').is_some_and(|semicolon| semicolon < brace) {
            continue;
        }
        let Some(length) = block_length(&rest[brace..]) else {
            continue;
        };
        let body = &rest[brace..brace + length];
        // As clippy counts: without the braces' lines, blanks and comments. Literals are blanked, their lines stay.
        let start = file.code[..at + brace].lines().count();
        let original = file.text.lines().skip(start.saturating_sub(1));
        let lines = original
            .take(body.lines().count())
            .filter(|line| !line.trim().is_empty() && !line.trim().starts_with("//"))
            .count()
            .saturating_sub(2);
        if lines > MAX_FUNCTION_LINES {
            let line = file.code[..at].lines().count();
            long.push(format!("{}:{line}: fn {name} has {lines} lines", file.path));
        }
    }
    long
}

#[test]
fn the_reader_of_sources_sees_code_only() {
    let text = "let a = \"Utc::now\"; // Utc::now\nlet b = r#\"panic!\"#; let c = '\"'; let d: &'static str = b\"x\\\"y\";\nUtc::now();";
    let code = blanked(text);
    assert_eq!(code.matches("Utc::now").count(), 1, "{code}");
    assert!(!code.contains("panic!") && code.contains("&'static str"), "{code}");
    assert_eq!(code.lines().count(), 3);
    let files = sources();
    let known = |path: &str| files.iter().any(|file| file.path == path);
    assert!(known("clock.rs") && known("http/routes.rs") && files.len() > 100);
    assert!(!known("gate/fixtures.rs"), "test modules are no part of it");
}
