//! TLS: real handshakes with the built program, certificates that change under it, and what is not served in the clear.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::version::{TLS12, TLS13};
use rustls::{
    ClientConfig, ClientConnection, ProtocolVersion, RootCertStore, StreamOwned, SupportedProtocolVersion,
};

use crate::process::{Home, Server};

const HOST: &str = "pingma.example";
const BOTH: &[&SupportedProtocolVersion] = &[&TLS12, &TLS13];

/// A service whose certificate lies in its folder.
struct Place {
    home: Home,
}

/// A certificate that signed itself, and its key.
struct Made {
    der: CertificateDer<'static>,
    pem: String,
    key: String,
}

fn made() -> Made {
    let made = rcgen::generate_simple_self_signed(vec![HOST.to_owned()]).expect("a certificate");
    Made { der: made.cert.der().clone(), pem: made.cert.pem(), key: made.signing_key.serialize_pem() }
}

impl Place {
    fn new(first: &Made) -> Self {
        let place = Self { home: Home::sqlite() };
        place.put(first);
        let settings = "tls_certificate = 'tls.crt'\ntls_key = 'tls.key'\n";
        std::fs::write(place.file("pingma.toml"), settings).expect("settings");
        place
    }

    fn file(&self, name: &str) -> PathBuf {
        self.home.dir().join(name)
    }

    fn put(&self, made: &Made) {
        std::fs::write(self.file("tls.key"), &made.key).expect("a key");
        std::fs::write(self.file("tls.crt"), &made.pem).expect("a certificate");
    }
}

/// A connection that trusts one certificate.
struct Connection(StreamOwned<ClientConnection, TcpStream>);

impl Connection {
    fn open(server: &Server, trusted: &Made, versions: &[&'static SupportedProtocolVersion]) -> Option<Self> {
        let mut roots = RootCertStore::empty();
        roots.add(trusted.der.clone()).expect("a root");
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(versions)
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = HOST.try_into().expect("a name");
        let client = ClientConnection::new(Arc::new(config), name).expect("a client");
        let socket = TcpStream::connect(&server.address).expect("it listens");
        socket.set_read_timeout(Some(Duration::from_secs(10))).expect("a time-out");
        let mut stream = StreamOwned::new(client, socket);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock).ok()?;
        }
        Some(Self(stream))
    }

    /// The whole answer to a call that keeps the connection.
    fn get(&mut self, path: &str) -> String {
        write!(self.0, "GET {path} HTTP/1.1\r\nHost: {HOST}\r\n\r\n").expect("it takes the call");
        let mut answer = Vec::new();
        let mut byte = [0];
        while !answer.ends_with(b"{\"status\":\"ok\"}") {
            self.0.read_exact(&mut byte).expect("it answers");
            answer.push(byte[0]);
        }
        String::from_utf8(answer).expect("UTF-8")
    }
}

fn opens(server: &Server, trusted: &Made) -> bool {
    Connection::open(server, trusted, BOTH).is_some()
}

#[track_caller]
fn wait_until_trusted(server: &Server, made: &Made) {
    let opened = (0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(100));
        opens(server, made)
    });
    assert!(opened, "the new certificate is taken");
}

/// Longer than between two looks at the files; a connection that stands is used meanwhile.
fn a_while(standing: &mut Connection) {
    for _ in 0..5 {
        std::thread::sleep(Duration::from_millis(500));
        standing.get("/healthz");
    }
}

/// What comes back for a call in the clear.
fn in_the_clear(server: &Server) -> String {
    let mut socket = TcpStream::connect(&server.address).expect("it listens");
    socket.set_read_timeout(Some(Duration::from_secs(10))).expect("a time-out");
    let call = format!("GET /healthz HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n");
    socket.write_all(call.as_bytes()).expect("it takes bytes");
    let mut answer = Vec::new();
    // It may be reset.
    let _ = socket.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn both_versions_are_spoken_and_nothing_in_the_clear() {
    let (certificate, other) = (made(), made());
    let place = Place::new(&certificate);
    let server = place.home.serve();
    for (version, expected) in [(&TLS12, ProtocolVersion::TLSv1_2), (&TLS13, ProtocolVersion::TLSv1_3)] {
        let mut connection = Connection::open(&server, &certificate, &[version]).expect("a handshake");
        assert_eq!(connection.0.conn.protocol_version(), Some(expected));
        let answer = connection.get("/healthz").to_ascii_lowercase();
        assert!(answer.starts_with("http/1.1 200"), "{answer}");
        assert!(answer.contains("strict-transport-security: max-age=31536000\r\n"), "{answer}");
    }
    assert!(!opens(&server, &other), "it has the key of its certificate and no other");
    for _ in 0..3 {
        let answer = in_the_clear(&server);
        assert!(!answer.contains("HTTP/1.1 200") && !answer.contains("ok"), "{answer}");
    }
    assert!(opens(&server, &certificate), "it serves on");
    assert_eq!(server.terminate(), Some(0));

    let plain = Home::sqlite();
    let server = plain.serve();
    let answer = in_the_clear(&server).to_ascii_lowercase();
    assert!(answer.starts_with("http/1.1 200") && !answer.contains("strict-transport-security"), "{answer}");
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn a_new_certificate_is_taken_without_a_restart_and_a_broken_one_is_not() {
    let [first, second, third] = [made(), made(), made()];
    let place = Place::new(&first);
    let server = place.home.serve();
    let mut old = Connection::open(&server, &first, BOTH).expect("a handshake");
    old.get("/healthz");

    place.put(&second);
    wait_until_trusted(&server, &second);
    assert!(!opens(&server, &first), "a new connection gets the new one");
    old.get("/healthz");

    std::fs::write(place.file("tls.crt"), "-----BEGIN CERTIFICATE-----\nbroken\n").expect("a file");
    a_while(&mut old);
    assert!(opens(&server, &second), "the one until now stays");
    std::fs::remove_file(place.file("tls.crt")).expect("it was there");
    a_while(&mut old);
    assert!(opens(&server, &second));
    std::fs::write(place.file("tls.crt"), &third.pem).expect("a certificate without its key");
    a_while(&mut old);
    assert!(opens(&server, &second));
    std::fs::write(place.file("tls.key"), &third.key).expect("its key");
    wait_until_trusted(&server, &third);
    old.get("/healthz");
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn without_tls_nothing_is_served_to_the_network() {
    let home = Home::sqlite();
    for listen in ["0.0.0.0:0", "[::]:0"] {
        for command in ["serve", "demo"] {
            let refused = home.run(&[command, "--listen", listen]);
            assert_eq!(refused.code, Some(2), "{refused:?}");
            for part in ["tls_certificate", "tls_key", "trusted_proxies", "127.0.0.1"] {
                assert!(refused.err.contains(part), "says what to do: {refused:?}");
            }
        }
    }
    let settings = home.dir().join("pingma.toml");
    std::fs::write(&settings, "tls_certificate = 'tls.crt'\n").expect("settings");
    let half = home.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(half.code, Some(2), "{half:?}");
    std::fs::write(&settings, "tls_certificate = 'tls.crt'\ntls_key = 'tls.key'\n").expect("settings");
    let missing = home.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(missing.code, Some(3), "{missing:?}");
    assert!(missing.err.contains("tls.crt"), "{missing:?}");
    let (one, other) = (made(), made());
    std::fs::write(home.dir().join("tls.crt"), one.pem).expect("a certificate");
    std::fs::write(home.dir().join("tls.key"), other.key).expect("another's key");
    let foreign = home.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(foreign.code, Some(3), "{foreign:?}");
}
