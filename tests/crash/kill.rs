//! Killed in the middle, again and again: what was acknowledged is there, what is repeated is answered as before.

use std::collections::HashMap;
use std::sync::mpsc;
use std::time::Duration;

use serde_json::Value;

use crate::load::{Asked, under_load};
use crate::process::{Client, Home, Reply, World};
use crate::soak::count;

/// How often it is killed: in the short run and in the long one.
const CYCLES: (usize, usize) = (5, 200);

/// Waits until so many calls were acknowledged.
pub fn wait_for(acted: &mpsc::Receiver<()>, count: usize) {
    for _ in 0..count {
        acted.recv_timeout(Duration::from_secs(60)).expect("calls are answered");
    }
}

/// The events of a cylinder by their places.
fn history(client: &Client, world: &World, cylinder: &str) -> HashMap<i64, Value> {
    let page = client.get(&format!("/cylinders/{cylinder}/events?limit=200"), &world.admin);
    assert_eq!(page.status, 200, "{page:?}");
    let items = page.body["items"].as_array().expect("items").clone();
    items.into_iter().map(|item| (item["log_index"].as_i64().expect("a place"), item)).collect()
}

/// An acknowledged event must stand in the history of its cylinder with the place and hash that were told.
pub fn assert_there(client: &Client, world: &World, asked: &Asked, reply: &Reply) {
    let id = reply.body["id"].as_str().expect("an id");
    if asked.path == "/cylinders" {
        let history = history(client, world, id);
        let first = history.values().find(|event| event["kind"] == "registered");
        assert!(first.is_some(), "{asked:?} was acknowledged");
        return;
    }
    let cylinder = reply.body["cylinder"]["id"].as_str().expect("a cylinder");
    let told = &reply.body["event"];
    let history = history(client, world, cylinder);
    let event = &history[&told["log_index"].as_i64().expect("a place")];
    assert_eq!(event["id"], reply.body["id"]);
    assert_eq!(event["hash"], told["hash"]);
    assert_eq!(event["cylinder_seq"], told["cylinder_seq"]);
}

fn assert_kept(client: &Client, world: &World, book: &[(Asked, Option<Reply>)]) {
    for (asked, reply) in book {
        let again = asked.send(client, world).expect("an answer");
        assert!(again.status < 300, "{asked:?}: {again:?}");
        match reply {
            Some(reply) => {
                assert!(again.replayed, "{asked:?} was acknowledged: {again:?}");
                assert_eq!(again.status, reply.status);
                assert_eq!(again.body, reply.body, "the answer as before");
                assert_there(client, world, asked, reply);
            }
            None => {
                let third = asked.send(client, world).expect("an answer");
                assert!(third.replayed, "whether it had happened or not, now it has");
                assert_eq!(third.body, again.body);
                assert_there(client, world, asked, &again);
            }
        }
    }
}

fn killed_again_and_again(home: &Home) {
    let mut server = home.serve();
    let mut world = World::enter(home, &server);
    let mut books = Vec::new();
    for cycle in 0..count(CYCLES.0, CYCLES.1) {
        let (acted, heard) = mpsc::channel();
        let book = under_load(server, &world, cycle, &acted, |server| {
            // Another place in the stream of calls every time.
            wait_for(&heard, 10 + 7 * cycle % 31);
            server.kill();
        });
        let acknowledged = book.iter().filter(|(_, reply)| reply.is_some()).count();
        assert!(acknowledged >= 10, "{acknowledged} calls were answered");
        home.must(&["verify"]);
        server = home.serve();
        world.stay_signed_in(&server.client(), cycle);
        assert_kept(&server.client(), &world, &book);
        books.extend(book);
    }
    let beside = home.must(&["verify"]);
    assert!(beside.out.contains("nothing was altered"), "{beside:?}");
    server.kill();
    home.must(&["verify"]);
    assert_all_there(home, &books);
}

#[test]
fn sqlite_keeps_what_it_acknowledged_when_it_is_killed() {
    killed_again_and_again(&Home::sqlite());
}

#[test]
fn postgres_keeps_what_it_acknowledged_when_it_is_killed() {
    let home = Home::postgres();
    home.must(&["migrate"]);
    killed_again_and_again(&home);
}

/// All that was acknowledged in any cycle is in the ledger, and nothing but what was asked, each once.
fn assert_all_there(home: &Home, books: &[(Asked, Option<Reply>)]) {
    let hashes = home.hashes();
    for (asked, reply) in books.iter().filter_map(|(asked, reply)| Some((asked, reply.as_ref()?))) {
        if let Some(place) = reply.body["event"]["log_index"].as_i64() {
            assert_eq!(reply.body["event"]["hash"], hashes[&place].as_str(), "{asked:?}");
        }
    }
    assert_eq!(hashes.len(), books.len(), "one event for every call, told or not");
}

fn stopped_under_load(home: &Home) {
    let server = home.serve();
    let world = World::enter(home, &server);
    let (acted, heard) = mpsc::channel();
    let mut code = None;
    let book = under_load(server, &world, 0, &acted, |server| {
        wait_for(&heard, 60);
        code = server.terminate();
    });
    assert_eq!(code, Some(0));
    home.must(&["verify"]);
    let server = home.serve();
    assert_kept(&server.client(), &world, &book);
    assert_eq!(server.terminate(), Some(0));
    home.must(&["verify"]);
}

#[test]
fn sqlite_finishes_its_batch_when_it_is_asked_to_stop() {
    stopped_under_load(&Home::sqlite());
}

#[test]
fn postgres_finishes_its_batch_when_it_is_asked_to_stop() {
    let home = Home::postgres();
    home.must(&["migrate"]);
    stopped_under_load(&home);
}

#[test]
fn a_signal_right_after_it_listens_is_heard() {
    let home = Home::sqlite();
    for _ in 0..5 {
        assert_eq!(home.serve().terminate(), Some(0));
    }
}
