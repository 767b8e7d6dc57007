//! A proxy before PostgreSQL that cuts connections at chosen places, as a network would.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// Where the next connection is cut. Each order cuts one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// When a `COMMIT` comes: the database never sees it.
    BeforeCommit,
    /// When the answer to a `COMMIT` comes: the client never sees it.
    AfterCommit,
    /// After so many more bytes to the database.
    AfterSent(usize),
    /// After so many more bytes from the database.
    AfterReceived(usize),
}

/// What all connections share.
#[derive(Default)]
struct Shared {
    order: Mutex<Option<Cut>>,
    cuts: AtomicU64,
}

impl Shared {
    fn take(&self, wanted: impl Fn(Cut) -> bool) -> bool {
        let mut order = self.order.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = order.is_some_and(wanted);
        if fits {
            *order = None;
        }
        fits
    }

    /// The bytes that may still pass, if the order is of that direction and they are fewer than those that came.
    fn pass(&self, came: usize, sent: bool) -> Option<usize> {
        let mut order = self.order.lock().unwrap_or_else(PoisonError::into_inner);
        let left = match (order.as_mut(), sent) {
            (Some(Cut::AfterSent(left)), true) | (Some(Cut::AfterReceived(left)), false) => left,
            _ => return None,
        };
        if *left < came {
            let passed = *left;
            *order = None;
            return Some(passed);
        }
        *left -= came;
        None
    }

    fn count(&self) {
        self.cuts.fetch_add(1, Ordering::SeqCst);
    }
}

/// A proxy on a free port of the loopback interface.
pub struct Proxy {
    shared: Arc<Shared>,
    port: u16,
}

impl Proxy {
    /// Starts one before a server's socket. Its threads end with the process.
    pub fn start(socket: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let shared = Arc::new(Shared::default());
        let (socket, all) = (socket.to_owned(), Arc::clone(&shared));
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if let Ok(server) = UnixStream::connect(&socket) {
                    join(client, server, &all);
                }
            }
        });
        Self { shared, port }
    }

    /// The address of a database behind it.
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres?sslmode=disable&gssencmode=disable", self.port)
    }

    /// Orders the next cut.
    pub fn order(&self, cut: Cut) {
        *self.shared.order.lock().unwrap_or_else(PoisonError::into_inner) = Some(cut);
    }

    /// How many connections were cut.
    pub fn cuts(&self) -> u64 {
        self.shared.cuts.load(Ordering::SeqCst)
    }
}

/// Both ends of a connection.
struct Ends {
    client: TcpStream,
    server: UnixStream,
}

impl Ends {
    fn cut(&self) {
        // Whoever is gone already is as well cut.
        let _ = self.client.shutdown(Shutdown::Both);
        let _ = self.server.shutdown(Shutdown::Both);
    }
}

fn join(client: TcpStream, server: UnixStream, shared: &Arc<Shared>) {
    let (Ok(from_client), Ok(from_server)) = (client.try_clone(), server.try_clone()) else { return };
    let ends = Arc::new(Ends { client, server });
    // Whether the next answer is to be kept back.
    let keep_back = Arc::new(Mutex::new(false));
    let (there, all, keep) = (Arc::clone(&ends), Arc::clone(shared), Arc::clone(&keep_back));
    thread::spawn(move || send(from_client, &there, &all, &keep));
    let (back, all) = (ends, Arc::clone(shared));
    thread::spawn(move || receive(from_server, &back, &all, &keep_back));
}

/// Takes what the client sends to the server, message by message.
fn send(mut from: TcpStream, ends: &Ends, shared: &Shared, keep_back: &Mutex<bool>) {
    let mut messages = Messages::default();
    let mut buffer = [0; 16_384];
    while let Ok(came @ 1..) = from.read(&mut buffer) {
        let bytes = &buffer[..came];
        let commit = messages.take(bytes);
        if commit && shared.take(|cut| cut == Cut::BeforeCommit) {
            shared.count();
            break;
        }
        if commit && shared.take(|cut| cut == Cut::AfterCommit) {
            *keep_back.lock().unwrap_or_else(PoisonError::into_inner) = true;
        }
        let passed = shared.pass(came, true);
        if (&ends.server).write_all(&bytes[..passed.unwrap_or(came)]).is_err() {
            break;
        }
        if passed.is_some() {
            shared.count();
            break;
        }
    }
    ends.cut();
}

fn receive(mut from: UnixStream, ends: &Ends, shared: &Shared, keep_back: &Mutex<bool>) {
    let mut buffer = [0; 16_384];
    while let Ok(came @ 1..) = from.read(&mut buffer) {
        if *keep_back.lock().unwrap_or_else(PoisonError::into_inner) {
            shared.count();
            break;
        }
        let passed = shared.pass(came, false);
        if (&ends.client).write_all(&buffer[..passed.unwrap_or(came)]).is_err() {
            break;
        }
        if passed.is_some() {
            shared.count();
            break;
        }
    }
    ends.cut();
}

/// Follows the messages of a client: the first has no kind, every other one has a letter before its length.
#[derive(Default)]
struct Messages {
    rest: Vec<u8>,
    begun: bool,
}

impl Messages {
    /// Takes bytes; whether a `COMMIT` was among the messages that they complete.
    fn take(&mut self, bytes: &[u8]) -> bool {
        self.rest.extend_from_slice(bytes);
        let mut commit = false;
        loop {
            let head = usize::from(self.begun);
            let Some(length) = self.rest.get(head..head + 4).and_then(|l| l.try_into().ok()) else {
                return commit;
            };
            let end = head + usize::try_from(u32::from_be_bytes(length)).expect("not that long");
            if self.rest.len() < end {
                return commit;
            }
            let message: Vec<u8> = self.rest.drain(..end).collect();
            commit |= self.begun && message.first() == Some(&b'Q') && message.get(5..11) == Some(b"COMMIT");
            self.begun = true;
        }
    }
}
