//! Connections to PostgreSQL are cut at the worst places. Whoever is told nothing learns the truth under the same key, and
//! nobody is told "allowed" of a check that is not in the ledger.

use std::sync::mpsc;
use std::time::Duration;

use crate::chance::Chance;
use crate::cluster::Cluster;
use crate::load::Asked;
use crate::process::{Client, Home, Reply, Server, World};
use crate::proxy::{Cut, Proxy};
use crate::soak::count;
use crate::steady::{Steady, until_told};

/// A service behind a proxy.
struct Behind {
    proxy: Proxy,
    home: Home,
    server: Server,
    world: World,
    _cluster: Cluster,
}

impl Behind {
    fn start() -> Self {
        let cluster = Cluster::start();
        let proxy = Proxy::start(&cluster.socket());
        let home = Home::on(proxy.url());
        home.must(&["migrate"]);
        let server = home.serve();
        let world = World::enter(&home, &server);
        Self { proxy, home, server, world, _cluster: cluster }
    }

    fn cylinder(&self, client: &Client) -> String {
        let made = until_told(client, &self.world, &Asked::register(&self.world, "A0000001"));
        made.body["code"].as_str().expect("a code").to_owned()
    }
}

fn assert_unknown(reply: &Reply) {
    assert_eq!((reply.status, &reply.body["code"]), (503, &"unavailable".into()), "{reply:?}");
}

#[test]
fn a_commit_that_got_no_answer_is_503_and_the_same_key_tells_the_truth() {
    let behind = Behind::start();
    let (client, world) = (behind.server.client(), &behind.world);
    let code = behind.cylinder(&client);
    let rounds = count(10, 250);
    for round in 0..rounds {
        for (cut, name) in [(Cut::AfterCommit, "after"), (Cut::BeforeCommit, "before")] {
            let asked = Asked::check(world, &format!("{name}-{round}"), &code);
            behind.proxy.order(cut);
            assert_unknown(&asked.send(&client, world).expect("an answer"));
            let again = asked.send(&client, world).expect("an answer");
            assert_eq!(again.status, 200, "{again:?}");
            assert_eq!(again.replayed, cut == Cut::AfterCommit, "whether it was committed: {again:?}");
            assert_eq!(again.body["decision"], "allowed", "{again:?}");
            let third = asked.send(&client, world).expect("an answer");
            assert_eq!(third.body, again.body);
        }
    }
    assert_eq!(behind.proxy.cuts(), 2 * u64::try_from(rounds).expect("small"));
    assert_eq!(
        behind.home.hashes().len(),
        1 + 2 * rounds,
        "one event for the cylinder and one for every key"
    );
    behind.home.must(&["verify"]);
}

#[test]
fn connections_are_cut_anywhere_under_load() {
    let behind = Behind::start();
    let (client, steady) = (behind.server.client(), Steady::default());
    let (acted, heard) = mpsc::channel();
    let mut chance = Chance::new(91);
    std::thread::scope(|scope| {
        let _running = steady.run(scope, 4, &client, &behind.world, &acted);
        for _ in 0..count(12, 600) {
            // Some statements take hundreds of bytes, a batch thousands.
            let most = 16 << chance.below(11);
            let bytes = chance.below(most);
            behind.proxy.order(match chance.below(4) {
                0 => Cut::BeforeCommit,
                1 => Cut::AfterCommit,
                2 => Cut::AfterSent(bytes),
                _ => Cut::AfterReceived(bytes),
            });
            for _ in 0..8 {
                heard.recv_timeout(Duration::from_secs(60)).expect("calls are answered");
            }
        }
    });
    println!("connections cut: {}", behind.proxy.cuts());
    assert!(behind.proxy.cuts() >= 8, "connections were cut");
    steady.assert_true(&behind.home);
}
