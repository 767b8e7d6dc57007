//! How long somebody who fails to log in has to wait before the next try.
//!
//! In memory and bounded: a restart forgets it, several processes count apart. It makes guessing slow; what
//! makes it hopeless is the password policy.
//!
//! # Nobody is locked out for good
//!
//! Failures of the last 15 minutes count. From the fifth of an account on (the twentieth of an address), the
//! next try waits 1 s after the latest failure, then 2, 4 … and never more than 60 s. A try that comes too early
//! is refused without being looked at: it does not count and makes nothing longer.
//!
//! A plain count per account would still let an outsider who keeps guessing hold its owner at the door: whenever
//! a wait is over, the outsider's machine is faster. So tries for one account queue in three lanes that don't
//! hold each other up:
//!
//! - **known**: an address from which this account logged in within 30 days. Only failures of this very pairing
//!   count, five as well. Neither strangers' guesses nor its neighbors behind the same address slow it down.
//! - **newcomer**: an address with fewer than three failures of its own for this account. They wait for each
//!   other only, not for those who keep failing.
//! - **repeater**: an address with three or more. They wait for all failures that did not come in by the first
//!   lane.
//!
//! An outsider with a handful of addresses ends up among the repeaters, and the owner gets in from the usual
//! address and from a new one. To hold up a *new* address of the owner, somebody has to come from ever new
//! addresses, about one more each minute; to hold up a usual one, they have to share it. All strangers together,
//! however many, get about two guesses a minute at one account.
//!
//! A success clears the failures of its own pairing and makes it known, no more: an outsider with an account of
//! their own can't wipe the count of their address with it, and the guesses of others stay counted.
//!
//! A try counts as a failure from its beginning until it turns out otherwise, so that a hundred tries sent at
//! the same time don't slip through together.

use std::collections::VecDeque;
use std::fmt;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};

use quick_cache::unsync::Cache;

use crate::digest::sha256;
use crate::domain::instant::Instant;

/// How long a failure counts.
const WINDOW_S: i64 = 15 * 60;
/// Failures of an account, in one lane, from which on a try waits.
const ACCOUNT_LIMIT: usize = 5;
/// Failures of an address, over all accounts, from which on a try waits.
const ADDRESS_LIMIT: usize = 20;
/// Failures of its own by which an address becomes a repeater at an account.
const NEWCOMER_TRIES: usize = 3;
/// The longest wait.
const LONGEST_WAIT_S: u32 = 60;
/// Doublings from one second until the longest wait is reached.
const DOUBLINGS: usize = 6;
/// How long an address stays known to an account that logged in from it.
const KNOWN_S: i64 = 30 * 24 * 3600;
/// Accounts and addresses with failures that are remembered; beyond that, those not seen for long go first.
const CAPACITY: usize = 16_384;
/// Pairings that are remembered.
const PAIR_CAPACITY: usize = 65_536;

/// Too early: try again after that many seconds (for the header `Retry-After`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many failed logins: try again in {seconds} s")]
pub struct RetryAfter {
    /// Whole seconds, 1 to 60.
    pub seconds: u32,
}

/// A try that was let in. It counts as failed until [`Backoff::succeeded`] or [`Backoff::undecided`] is told.
#[derive(Debug)]
#[must_use = "tell how the try ended"]
pub struct Attempt {
    account: AccountKey,
    address: AddressKey,
    lane: Lane,
    at: Instant,
}

/// The digest of an account's name: no names in memory, and no long ones.
type AccountKey = [u8; 32];
/// An address, or the block of addresses that one customer holds.
type AddressKey = IpAddr;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lane {
    Known,
    Newcomer,
    Repeater,
}

/// The failures that count, oldest first, no more of them than make a difference.
#[derive(Debug, Default)]
struct Failures(VecDeque<Instant>);

impl Failures {
    fn counts(at: Instant, now: Instant) -> bool {
        // Also not what lies far ahead, should the clock have been set back.
        now.seconds_since(at).abs() < WINDOW_S
    }

    fn count(&self, now: Instant) -> usize {
        self.0.iter().filter(|at| Self::counts(**at, now)).count()
    }

    fn add(&mut self, at: Instant) {
        self.0.retain(|earlier| Self::counts(*earlier, at));
        if self.0.len() >= ADDRESS_LIMIT + DOUBLINGS {
            self.0.pop_front();
        }
        self.0.push_back(at);
    }

    fn take_back(&mut self, at: Instant) {
        if let Some(index) = self.0.iter().rposition(|known| *known == at) {
            self.0.remove(index);
        }
    }

    /// Seconds that are left of the wait after the latest failure, 0 when there is none.
    fn wait_s(&self, limit: usize, now: Instant) -> u32 {
        let Some(beyond) = self.count(now).checked_sub(limit) else {
            return 0;
        };
        let doublings = u32::try_from(beyond.min(DOUBLINGS)).unwrap_or(0);
        let wait_s = 1u32.checked_shl(doublings).map_or(LONGEST_WAIT_S, |s| s.min(LONGEST_WAIT_S));
        let latest = self.0.iter().filter(|at| Self::counts(**at, now)).max().copied().unwrap_or(now);
        let passed_us = now.micros().saturating_sub(latest.micros()).max(0);
        let left_us = i64::from(wait_s).saturating_mul(1_000_000).saturating_sub(passed_us).max(0);
        // Rounded up: who waits as told is not told to wait again.
        u32::try_from(left_us.saturating_add(999_999) / 1_000_000).unwrap_or(LONGEST_WAIT_S)
    }
}

/// What strangers did at an account.
#[derive(Debug, Default)]
struct Account {
    newcomers: Failures,
    all: Failures,
}

/// One account from one address.
#[derive(Debug, Default)]
struct Pair {
    failures: Failures,
    known_until: Option<Instant>,
}

struct State {
    accounts: Cache<AccountKey, Account>,
    addresses: Cache<AddressKey, Failures>,
    pairs: Cache<(AccountKey, AddressKey), Pair>,
}

impl State {
    fn lane(&self, account: AccountKey, address: AddressKey, now: Instant) -> Lane {
        match self.pairs.get(&(account, address)) {
            Some(pair) if pair.known_until.is_some_and(|until| now < until) => Lane::Known,
            Some(pair) if pair.failures.count(now) >= NEWCOMER_TRIES => Lane::Repeater,
            _ => Lane::Newcomer,
        }
    }

    fn wait_s(&self, account: AccountKey, address: AddressKey, lane: Lane, now: Instant) -> u32 {
        let by_account = |of: fn(&Account) -> &Failures| {
            self.accounts.get(&account).map_or(0, |account| of(account).wait_s(ACCOUNT_LIMIT, now))
        };
        let by_address = || self.addresses.get(&address).map_or(0, |it| it.wait_s(ADDRESS_LIMIT, now));
        match lane {
            Lane::Known => {
                let pair = self.pairs.get(&(account, address));
                pair.map_or(0, |pair| pair.failures.wait_s(ACCOUNT_LIMIT, now))
            }
            Lane::Newcomer => by_account(|account| &account.newcomers).max(by_address()),
            Lane::Repeater => by_account(|account| &account.all).max(by_address()),
        }
    }

    /// Does the same to every count that a try goes into.
    fn change(&mut self, attempt: &Attempt, change: impl Fn(&mut Failures)) {
        let Attempt { account, address, lane, .. } = *attempt;
        update(&mut self.pairs, (account, address), |pair| change(&mut pair.failures));
        if lane == Lane::Known {
            return;
        }
        update(&mut self.addresses, address, &change);
        update(&mut self.accounts, account, |account| {
            change(&mut account.all);
            if lane == Lane::Newcomer {
                change(&mut account.newcomers);
            }
        });
    }
}

fn update<K: Eq + Hash, V: Default>(cache: &mut Cache<K, V>, key: K, change: impl FnOnce(&mut V)) {
    if let Some(mut value) = cache.get_mut(&key) {
        change(&mut value);
        return;
    }
    let mut value = V::default();
    change(&mut value);
    cache.insert(key, value);
}

/// Who failed to log in lately, and who has to wait for it. See the module for the rules.
pub struct Backoff(Mutex<State>);

impl Default for Backoff {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Backoff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        f.debug_struct("Backoff")
            .field("accounts", &state.accounts.len())
            .field("addresses", &state.addresses.len())
            .field("pairs", &state.pairs.len())
            .finish()
    }
}

impl Backoff {
    /// Nobody failed yet.
    pub fn new() -> Self {
        Self(Mutex::new(State {
            accounts: Cache::new(CAPACITY),
            addresses: Cache::new(CAPACITY),
            pairs: Cache::new(PAIR_CAPACITY),
        }))
    }

    /// Lets a try in, or says how long to wait. `account` is the name that was typed, whether it exists or not
    /// (upper and lower case are the same here); `address` that of the client, not of a proxy before the server.
    pub fn check(&self, account: &str, address: IpAddr, now: Instant) -> Result<Attempt, RetryAfter> {
        let account = sha256(&[account.trim().to_lowercase().as_bytes()]);
        let address = customer(address);
        let mut state = self.lock();
        let lane = state.lane(account, address, now);
        match state.wait_s(account, address, lane, now) {
            0 => {
                let attempt = Attempt { account, address, lane, at: now };
                state.change(&attempt, |failures| failures.add(now));
                Ok(attempt)
            }
            seconds => Err(RetryAfter { seconds }),
        }
    }

    /// The name or the password was wrong. The wait runs from here on, not from the beginning of the try.
    pub fn failed(&self, attempt: Attempt, now: Instant) {
        self.lock().change(&attempt, |failures| {
            failures.take_back(attempt.at);
            failures.add(now);
        });
    }

    /// The password was right: the pairing is known from now on and its failures are forgotten.
    pub fn succeeded(&self, attempt: Attempt, now: Instant) {
        let mut state = self.lock();
        state.change(&attempt, |failures| failures.take_back(attempt.at));
        update(&mut state.pairs, (attempt.account, attempt.address), |pair| {
            *pair = Pair { failures: Failures::default(), known_until: Some(now.plus_seconds(KNOWN_S)) };
        });
    }

    /// It could not be found out: the database was away, the server too busy. The try does not count.
    pub fn undecided(&self, attempt: Attempt) {
        self.lock().change(&attempt, |failures| failures.take_back(attempt.at));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The addresses that one customer can choose from freely count as one: a /64 of IPv6.
pub fn customer(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64))),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, ManualClock};
    use proptest::prelude::*;

    struct Door {
        backoff: Backoff,
        clock: ManualClock,
    }

    impl Door {
        fn new() -> Self {
            let start = "2026-11-21T08:00:00Z".parse().unwrap();
            Self { backoff: Backoff::new(), clock: ManualClock::new(start) }
        }

        /// Fails if let in; otherwise the seconds to wait.
        fn fail(&self, account: &str, address: &str) -> u32 {
            match self.backoff.check(account, address.parse().unwrap(), self.clock.now()) {
                Ok(attempt) => {
                    self.backoff.failed(attempt, self.clock.now());
                    0
                }
                Err(RetryAfter { seconds }) => seconds,
            }
        }

        /// Logs in if let in; otherwise the seconds to wait.
        fn enter(&self, account: &str, address: &str) -> u32 {
            match self.backoff.check(account, address.parse().unwrap(), self.clock.now()) {
                Ok(attempt) => {
                    self.backoff.succeeded(attempt, self.clock.now());
                    0
                }
                Err(RetryAfter { seconds }) => seconds,
            }
        }

        fn pass(&self, seconds: i64) {
            self.clock.advance(seconds);
        }
    }

    fn host(n: usize) -> String {
        IpAddr::from([198, 18, u8::try_from(n / 256).unwrap(), u8::try_from(n % 256).unwrap()]).to_string()
    }

    #[test]
    fn after_five_failures_every_try_waits_twice_as_long_up_to_a_minute() {
        let door = Door::new();
        for _ in 0..5 {
            assert_eq!(door.fail("wang", "192.0.2.1"), 0);
        }
        for wait in [1, 2, 4, 8, 16, 32, 60, 60, 60] {
            assert_eq!(door.fail("wang", "192.0.2.1"), wait);
            door.pass(i64::from(wait) - 1);
            assert_eq!(door.fail("WANG ", "192.0.2.1"), 1, "one second early, and not counted");
            door.pass(1);
            assert_eq!(door.fail("wang", "192.0.2.1"), 0, "after {wait} s");
        }
    }

    #[test]
    fn five_addresses_that_fail_once_each_make_the_sixth_wait() {
        let door = Door::new();
        for n in 0..5 {
            assert_eq!(door.fail("wang", &host(n)), 0);
        }
        assert_eq!(door.fail("wang", &host(5)), 1);
        assert_eq!(door.fail("li", &host(5)), 0, "another account");
    }

    #[test]
    fn an_address_that_tries_many_accounts_waits_after_twenty() {
        let door = Door::new();
        for n in 0..20 {
            assert_eq!(door.fail(&format!("user{n}"), "192.0.2.1"), 0);
        }
        assert_eq!(door.fail("user20", "192.0.2.1"), 1);
        assert_eq!(door.fail("user20", "192.0.2.2"), 0);
        door.pass(1);
        assert_eq!(door.fail("user20", "192.0.2.1"), 0);
        assert_eq!(door.fail("user21", "192.0.2.1"), 2);
    }

    #[test]
    fn failures_count_for_fifteen_minutes() {
        let door = Door::new();
        for _ in 0..5 {
            door.fail("wang", "192.0.2.1");
            door.pass(200);
        }
        // 1000 s after the first, 200 s after the fifth: four are left.
        assert_eq!(door.fail("wang", "192.0.2.1"), 0);
        assert_eq!(door.fail("wang", "192.0.2.1"), 1, "five again");
        door.pass(WINDOW_S);
        for _ in 0..5 {
            assert_eq!(door.fail("wang", "192.0.2.1"), 0);
        }
    }

    #[test]
    fn one_who_keeps_guessing_does_not_hold_up_the_owner() {
        let door = Door::new();
        assert_eq!(door.enter("wang", "203.0.113.7"), 0);
        let guess_on = |seconds: u32| {
            for _ in 0..seconds {
                door.fail("wang", "192.0.2.1");
                door.fail("wang", "192.0.2.2");
                door.pass(1);
            }
        };
        for n in (0..24).step_by(2) {
            guess_on(600);
            assert_eq!(door.enter("wang", "203.0.113.7"), 0, "the usual address");
            assert_eq!(door.enter("wang", &host(n)), 0, "a new address");
            assert_eq!(door.fail("wang", &host(n + 1)), 0, "another one and a slip of the finger");
            let wait = door.enter("wang", &host(n + 1));
            assert!(wait <= 8, "{wait}");
            guess_on(wait);
            assert_eq!(door.enter("wang", &host(n + 1)), 0, "whoever waits as told gets in");
        }
    }

    #[test]
    fn many_addresses_can_make_a_new_one_wait_but_never_a_known_one() {
        let door = Door::new();
        assert_eq!(door.enter("wang", "203.0.113.7"), 0);
        let mut guesses = 0;
        for second in 0..3600 {
            for n in 0..40 {
                guesses += usize::from(door.fail("wang", &host(n * 97 + second % 50)) == 0);
            }
            assert_eq!(door.enter("wang", "203.0.113.7"), 0, "after {second} s");
            assert!(door.enter("wang", "203.0.113.200") <= LONGEST_WAIT_S);
            door.pass(1);
        }
        assert!(guesses < 200, "{guesses} in an hour");
    }

    #[test]
    fn a_known_address_waits_for_its_own_failures() {
        let door = Door::new();
        assert_eq!(door.enter("wang", "192.0.2.1"), 0);
        for _ in 0..5 {
            assert_eq!(door.fail("wang", "192.0.2.1"), 0);
        }
        assert_eq!(door.fail("wang", "192.0.2.1"), 1);
        assert_eq!(door.fail("wang", "192.0.2.2"), 0, "and others don't wait for it");
        door.pass(1);
        assert_eq!(door.enter("wang", "192.0.2.1"), 0);
        for _ in 0..5 {
            assert_eq!(door.fail("wang", "192.0.2.1"), 0, "the success wiped the pairing clean");
        }
    }

    #[test]
    fn slips_at_the_usual_address_do_not_slow_the_neighbors_down() {
        let door = Door::new();
        for n in 0..10 {
            let account = format!("user{n}");
            assert_eq!(door.enter(&account, "192.0.2.1"), 0);
            for _ in 0..4 {
                assert_eq!(door.fail(&account, "192.0.2.1"), 0);
            }
        }
        assert_eq!(door.enter("new", "192.0.2.1"), 0);
    }

    #[test]
    fn neighbors_do_not_slow_a_known_pairing_down() {
        let door = Door::new();
        assert_eq!(door.enter("wang", "192.0.2.1"), 0);
        for n in 0..30 {
            door.fail(&format!("user{n}"), "192.0.2.1");
        }
        assert_eq!(door.enter("wang", "192.0.2.1"), 0);
        assert_eq!(door.enter("li", "192.0.2.1"), 1);
    }

    #[test]
    fn a_success_of_ones_own_does_not_wipe_the_count_of_the_address() {
        let door = Door::new();
        for n in 0..20 {
            assert_eq!(door.fail(&format!("user{n}"), "192.0.2.1"), 0);
            if n == 10 {
                assert_eq!(door.enter("mallory", "192.0.2.1"), 0);
            }
        }
        assert_eq!(door.enter("mallory", "192.0.2.1"), 0);
        assert_eq!(door.fail("user20", "192.0.2.1"), 1);
    }

    #[test]
    fn a_known_address_is_forgotten_after_a_month() {
        let door = Door::new();
        assert_eq!(door.enter("wang", "192.0.2.1"), 0);
        door.pass(KNOWN_S);
        for n in 0..5 {
            door.fail("wang", &host(n));
        }
        assert_eq!(door.enter("wang", "192.0.2.1"), 1);
    }

    #[test]
    fn tries_at_the_same_time_count_before_they_have_failed() {
        let door = Door::new();
        let address = "192.0.2.1".parse().unwrap();
        let tries: Vec<_> = (0..100).map(|_| door.backoff.check("wang", address, door.clock.now())).collect();
        assert_eq!(tries.iter().filter(|attempt| attempt.is_ok()).count(), 5);
        for attempt in tries.into_iter().flatten() {
            door.backoff.undecided(attempt);
        }
        assert_eq!(door.fail("wang", "192.0.2.1"), 0, "nothing of it counts when nothing was decided");
        assert!(door.backoff.lock().accounts.iter().all(|(_, account)| account.all.0.len() == 1));
    }

    #[test]
    fn the_wait_runs_from_the_answer() {
        let door = Door::new();
        for _ in 0..4 {
            door.fail("wang", "192.0.2.1");
        }
        let slow = door.backoff.check("wang", "192.0.2.1".parse().unwrap(), door.clock.now()).unwrap();
        door.pass(30);
        door.backoff.failed(slow, door.clock.now());
        assert_eq!(door.fail("wang", "192.0.2.1"), 1);
    }

    #[test]
    fn who_waits_as_told_is_not_told_again() {
        let door = Door::new();
        for _ in 0..6 {
            door.fail("wang", "192.0.2.1");
            door.pass(1);
        }
        door.clock.set(Instant::from_micros(door.clock.now().micros() + 1));
        assert_eq!(door.fail("wang", "192.0.2.1"), 1, "0.999 999 s are left of the two");
        door.pass(1);
        assert_eq!(door.fail("wang", "192.0.2.1"), 0);
    }

    #[test]
    fn a_clock_that_is_set_back_makes_nobody_wait_longer() {
        let door = Door::new();
        for _ in 0..5 {
            door.fail("wang", "192.0.2.1");
        }
        door.pass(-10);
        assert_eq!(door.fail("wang", "192.0.2.1"), 1);
        door.pass(-86_400);
        assert_eq!(door.fail("wang", "192.0.2.1"), 0);
    }

    #[test]
    fn a_block_of_ipv6_is_one_customer() {
        let same = ["2001:db8:1:2::1", "2001:db8:1:2:ffff::9"].map(|a| customer(a.parse().unwrap()));
        assert_eq!(same[0], same[1]);
        assert_ne!(same[0], customer("2001:db8:1:3::1".parse().unwrap()));
        let mapped = customer("::ffff:192.0.2.1".parse().unwrap());
        assert_eq!(mapped, "192.0.2.1".parse::<IpAddr>().unwrap());
    }

    #[test]
    fn it_stays_bounded_and_remembers_whom_it_sees_often() {
        let door = Door::new();
        for n in 0..3 * CAPACITY {
            door.fail(&format!("user{n}"), &host(n % 60_000));
            if n % 1000 == 0 {
                door.fail("wang", "192.0.2.1");
                door.pass(1);
            }
        }
        let state = door.backoff.lock();
        assert!(state.accounts.len() <= CAPACITY && state.addresses.len() <= CAPACITY);
        assert!(state.pairs.len() <= PAIR_CAPACITY);
        drop(state);
        assert!(door.fail("wang", "192.0.2.1") > 0, "still waiting after the flood");
    }

    proptest! {
        #[test]
        fn no_wait_is_longer_than_a_minute_and_who_waits_gets_in(
            steps in proptest::collection::vec((0usize..3, 0usize..4, 0i64..40, any::<bool>()), 1..200)
        ) {
            let door = Door::new();
            for (account, address, seconds, right) in steps {
                let (account, address) = (format!("user{account}"), host(address));
                let go = || if right { door.enter(&account, &address) } else { door.fail(&account, &address) };
                let wait = go();
                prop_assert!(wait <= LONGEST_WAIT_S);
                if wait > 0 {
                    door.pass(i64::from(wait));
                    prop_assert_eq!(go(), 0);
                }
                door.pass(seconds);
            }
        }
    }
}
