//! HTTP itself: methods, headers, and what never reaches a handler.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use pingma::config::Bounded;
use pingma::http::routes::table;
use pingma::server;

use crate::support::TestApp;
use crate::support::app::{Ask, Reply};

async fn call(app: &TestApp, line: &str) -> Reply {
    app.ask(Ask { line: line.to_owned(), ..Ask::default() }).await
}

fn header(reply: &Reply, name: &str) -> String {
    reply.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned()
}

/// A path of the table with something in its placeholders.
fn filled(path: &str) -> String {
    path.replace(['{', '}'], "")
}

#[actix_web::test]
async fn every_path_says_what_it_allows() {
    let app = TestApp::sqlite();
    let mut paths: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for entry in table() {
        paths.entry(entry.spec.path).or_default().push(entry.spec.method);
    }
    for (path, mut methods) in paths {
        if methods.contains(&"GET") {
            methods.push("HEAD");
        }
        methods.push("OPTIONS");
        methods.sort_unstable();
        let path = filled(&path);
        let options = call(&app, &format!("OPTIONS {path}")).await;
        assert_eq!((options.status, options.bytes.len()), (204, 0), "{path}");
        assert!(options.headers.keys().all(|name| !name.as_str().starts_with("access-control")), "{path}");
        for unknown in ["TRACE", "PROPFIND", "PUT", "GET", "HEAD", "POST"] {
            if methods.contains(&unknown) {
                continue;
            }
            let refused = call(&app, &format!("{unknown} {path}")).await;
            assert_eq!(refused.problem(405), "method_not_allowed", "{unknown} {path}");
            assert_eq!(header(&refused, "allow"), header(&options, "allow"), "{unknown} {path}");
        }
        let allow = header(&options, "allow");
        let mut allowed: Vec<&str> = allow.split(", ").collect();
        allowed.sort_unstable();
        assert_eq!(allowed, methods, "{path}");
    }
    for line in ["GET /nothing", "POST /api/v1/nothing", "OPTIONS /nothing"] {
        assert_eq!(call(&app, line).await.problem(404), "not_found", "{line}");
    }
}

/// The service on a socket, on a thread of its own, until the test ends.
fn listen(app: &TestApp) -> SocketAddr {
    let mut settings = app.settings.clone();
    settings.listen = "127.0.0.1:0".parse().expect("an address");
    settings.http_workers = Bounded::new(1).expect("a number");
    let (inside, shared) = (Arc::clone(&app.app), settings);
    let (send, receive) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let running = server::start(&shared, inside, None, None).expect("it listens");
            let address = running.addresses[0];
            running
                .run::<server::StartError>(|| {
                    send.send(address).expect("somebody waits");
                    Ok(())
                })
                .await
        })
    });
    receive.recv().expect("an address")
}

/// What the service answers to bytes: head and body.
fn raw(address: SocketAddr, bytes: &[u8]) -> (String, String) {
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a time-out");
    // It may hang up before it has read everything.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    (head.to_owned(), body.to_owned())
}

/// The header lines without those that differ from call to call, sorted.
fn same_each_time(head: &str) -> Vec<String> {
    let lines = head.lines().map(str::to_ascii_lowercase);
    let mut lines: Vec<String> =
        lines.filter(|line| !line.starts_with("date:") && !line.starts_with("x-request-id:")).collect();
    lines.sort_unstable();
    lines
}

#[actix_web::test]
async fn head_is_get_without_the_body() {
    let app = TestApp::sqlite();
    let address = listen(&app);
    for path in [
        "/C/7K3M9PQ2X",
        "/c/x/",
        "/docs/",
        "/docs",
        "/healthz",
        "/readyz",
        "/api/v1/openapi.json",
        "/api/v1/me",
        "/no",
    ] {
        let ask = |method: &str| {
            let head =
                format!("{method} {path} HTTP/1.1\r\nHost: pingma.example\r\nConnection: close\r\n\r\n");
            raw(address, head.as_bytes())
        };
        let ((get, body), (head, nothing)) = (ask("GET"), ask("HEAD"));
        assert_eq!(same_each_time(&get), same_each_time(&head), "{path}");
        assert_eq!(nothing, "", "{path}");
        assert!(get.starts_with("HTTP/1.1 307") || !body.is_empty(), "{path}: {get}");
    }
}

#[actix_web::test]
async fn whoever_asks_whether_it_is_ready_takes_a_connection_once_a_second() {
    let app = TestApp::sqlite();
    assert_eq!(call(&app, "GET /readyz").await.status, 200);
    app.conn().batch_execute("DROP TABLE ledger_head").expect("somebody at the file");
    assert_eq!(call(&app, "GET /readyz").await.status, 200, "the answer of this second");
    app.clock.advance(1);
    assert_eq!(call(&app, "GET /readyz").await.problem(503), "unavailable");
}

#[actix_web::test]
async fn plain_http_is_for_this_machine_and_its_named_proxies() {
    let mut app = TestApp::sqlite();
    app.trust_proxy("10.0.0.7");
    let from = async |peer: &str, line: &str| {
        app.ask(Ask { line: line.to_owned(), peer: Some(peer.to_owned()), ..Ask::default() }).await
    };
    for peer in
        ["127.0.0.1:9", "127.8.0.1:9", "[::1]:9", "10.0.0.7:9", "[::ffff:10.0.0.7]:9", "[::ffff:127.0.0.1]:9"]
    {
        assert_eq!(from(peer, "GET /healthz").await.status, 200, "{peer}");
    }
    for peer in ["10.0.0.8:9", "192.0.2.1:9", "[::ffff:10.0.0.8]:9", "[2001:db8::1]:9"] {
        for line in [
            "GET /healthz",
            "POST /api/v1/auth/login",
            "GET /C/7K3M9PQ2X",
            "GET /nothing",
            "OPTIONS /healthz",
        ] {
            assert_eq!(from(peer, line).await.problem(403), "plain_http", "{line} from {peer}");
        }
    }
}

#[actix_web::test]
async fn a_head_has_bounds_and_a_host() {
    let app = TestApp::sqlite();
    let ask = async |path: String, name: &str, value: String| {
        app.ask(Ask {
            line: format!("GET {path}"),
            headers: vec![(name.to_owned(), value)],
            ..Ask::default()
        })
        .await
    };
    let address = |length: usize| format!("/healthz?{}", "x".repeat(length - "/healthz?".len()));
    assert_eq!(ask(address(8 * 1024), "x-a", "1".to_owned()).await.status, 200);
    for path in [address(8 * 1024 + 1), format!("/C/{}", "A".repeat(20_000))] {
        assert_eq!(ask(path, "x-a", "1".to_owned()).await.problem(414), "address_too_long");
    }
    let rest = "x-a".len();
    assert_eq!(ask("/healthz".to_owned(), "x-a", "1".repeat(16 * 1024 - rest)).await.status, 200);
    let large = ask("/healthz".to_owned(), "x-a", "1".repeat(16 * 1024 - rest + 1)).await;
    assert_eq!(large.problem(431), "headers_too_large");
    for (host, status) in
        [("pingma.example", 200), ("127.0.0.1:8080", 200), ("", 400), ("a b", 400), ("a@b", 400)]
    {
        assert_eq!(ask("/healthz".to_owned(), "host", host.to_owned()).await.status, status, "{host}");
    }
    assert_eq!(ask("/healthz".to_owned(), "host", String::new()).await.problem(400), "malformed_request");
}

#[actix_web::test]
async fn what_is_no_http_is_refused_by_the_parser() {
    let app = TestApp::sqlite();
    let address = listen(&app);
    let long = "A".repeat(100_000);
    let many = "X-A: 1\r\n".repeat(120);
    for (line, headers, status) in [
        ("GET /a<b HTTP/1.1", "Host: a\r\n", "400"),
        (&format!("GET /?{long} HTTP/1.1"), "Host: a\r\n", "400"),
        ("GARBAGE", "", "400"),
        ("GET /healthz HTTP/1.1", "", "400"),
        ("GET /healthz HTTP/1.1", "Host: a\r\nHost: b\r\n", "400"),
        ("GET /healthz HTTP/1.1", &format!("Host: a\r\n{many}"), "431"),
        ("GET /healthz HTTP/1.1", "Host: a\r\n", "200"),
    ] {
        let (head, _) = raw(address, format!("{line}\r\n{headers}Connection: close\r\n\r\n").as_bytes());
        let short = &line[..line.len().min(40)];
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{short}: {head}");
    }
}

#[actix_web::test]
async fn the_reference_page_is_ours_and_loads_nothing_from_elsewhere() {
    let app = TestApp::sqlite();
    let page = call(&app, "GET /docs/").await;
    let text = page.text();
    assert_eq!(page.status, 200);
    assert!(text.contains("<title>Pingma 瓶码 · API reference</title>"), "{text}");
    assert!(!text.contains("//"), "every file is named relative to the page: {text}");
    for part in text.split(['"']).filter(|part| part.ends_with(".js") || part.ends_with(".css")) {
        let file = call(&app, &format!("GET /docs/{part}")).await;
        assert_eq!(file.status, 200, "{part}");
        assert!(!file.bytes.is_empty(), "{part}");
    }
    let start = call(&app, "GET /docs/swagger-initializer.js").await.text();
    assert!(start.contains("/api/v1/openapi.json") && start.contains("BaseLayout"), "{start}");
    assert_eq!(header(&call(&app, "GET /docs").await, "location"), "/docs/");
    assert_eq!(call(&app, "GET /docs/nothing.js").await.problem(404), "not_found");
    let refused = call(&app, "POST /docs/").await;
    assert_eq!(refused.problem(405), "method_not_allowed");
    assert_eq!(header(&refused, "allow"), "GET, HEAD, OPTIONS");
}
