//! Connections that mean harm: thousands that say nothing, and some that say it one byte at a time.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::load::Asked;
use crate::process::{Home, Server, World, within};
use crate::soak::{count, skipped};

/// Files that this process and the server may open, by the limit that both have.
fn open_files() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find(|line| line.starts_with("Max open files"));
    line.and_then(|line| line.split_whitespace().nth(3)?.parse().ok()).unwrap_or(1_024)
}

fn connect(server: &Server) -> TcpStream {
    TcpStream::connect(&server.address).expect("it takes connections")
}

/// How long an honest client may wait meanwhile.
const PATIENCE: Duration = Duration::from_secs(10);

#[test]
fn thousands_of_idle_connections_keep_nobody_out() {
    let wanted = count(500, 10_000);
    if open_files() < wanted + 200 {
        return skipped("idle connections: the limit of open files is too low");
    }
    let home = Home::sqlite();
    let server = home.serve();
    let world = World::enter(&home, &server);
    let client = server.client();
    let mut idle = Vec::with_capacity(wanted);
    for number in 0..wanted {
        idle.push(connect(&server));
        if number % (wanted / 20) == 0 {
            let asked = Asked::register(&world, &format!("I{number:07}"));
            let answered =
                within(PATIENCE, || asked.send(&client, &world).is_ok_and(|reply| reply.status == 201));
            assert!(answered.is_some(), "with {number} idle connections");
        }
    }
    let fresh = server.client();
    assert!(
        within(PATIENCE, || fresh.get("/me", &world.admin).status == 200).is_some(),
        "a new connection too"
    );
    drop(idle);
    assert_eq!(server.terminate(), Some(0));
    home.must(&["verify"]);
}

/// The longest time that half a request is waited for, with room for a busy machine.
const CUT_OFF: Duration = Duration::from_secs(30);

#[test]
fn who_sends_one_byte_at_a_time_is_cut_off() {
    let home = Home::sqlite();
    let server = home.serve();
    let world = World::enter(&home, &server);
    let client = server.client();
    let head = format!(
        "POST /api/v1/fill-checks HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nIdempotency-Key: slow\r\n\
         Content-Type: application/json\r\nContent-Length: 60000\r\n\r\n{{",
        world.operator
    );
    let mut slow: Vec<TcpStream> = (0..count(20, 400)).map(|_| connect(&server)).collect();
    for (number, stream) in slow.iter_mut().enumerate() {
        let begun = if number % 2 == 0 { head.as_str() } else { "GET /api/v1/me HTTP/1.1\r\nX-Slow: " };
        stream.write_all(begun.as_bytes()).expect("it listens");
        stream.set_nonblocking(true).expect("a socket");
    }
    let open = slow.len();
    let cut = within(CUT_OFF, || {
        slow.retain_mut(still_open);
        assert_eq!(client.get("/me", &world.admin).status, 200, "others are served");
        // A byte of each about every second.
        std::thread::park_timeout(Duration::from_millis(900));
        slow.is_empty()
    });
    assert!(cut.is_some(), "{} of {open} are still open", slow.len());
    assert_eq!(server.terminate(), Some(0));
}

/// Sends one byte more; whether the other side still wants it.
fn still_open(stream: &mut TcpStream) -> bool {
    let mut answer = [0; 4_096];
    let ended = match stream.read(&mut answer) {
        Ok(0) => true,
        // An answer to half a request is a refusal.
        Ok(_) => answer.starts_with(b"HTTP/1.1 4"),
        Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
    };
    !ended && stream.write_all(b"a").is_ok()
}
