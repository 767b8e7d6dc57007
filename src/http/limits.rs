//! How often one address may call what needs no login, how many codes may be typed and how many stamps tried.

use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;

use actix_web::HttpRequest;
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::app::query::guesses_serial_end;
use crate::auth::backoff::customer;
use crate::config::TrustedProxies;
use crate::domain::actor::Actor;
use crate::domain::id::OrganizationId;
use crate::error::{Error, Result};

/// What may be done per minute.
#[derive(Debug, Clone, Copy)]
pub struct Rates {
    /// Tries to sign in, of one address.
    pub login: NonZeroU32,
    /// Calls without login, and calls with unknown keys of devices, of one address.
    pub public: NonZeroU32,
    /// Typed codes, of one address and of one organization.
    pub typed: NonZeroU32,
}

/// How many serial numbers an hour the people of an organization may try out who are to read its end from the steel: enough for
/// cylinders that have lost their labels, and two weeks for all ends of four digits.
const STAMPS_PER_HOUR: NonZeroU32 = match NonZeroU32::new(30) {
    Some(number) => number,
    None => NonZeroU32::MIN,
};

/// Limits per client address, for typed codes also per organization.
pub struct Limits {
    login: DefaultKeyedRateLimiter<IpAddr>,
    public: DefaultKeyedRateLimiter<IpAddr>,
    strange_devices: DefaultKeyedRateLimiter<IpAddr>,
    typed: DefaultKeyedRateLimiter<IpAddr>,
    typed_by: DefaultKeyedRateLimiter<OrganizationId>,
    stamps_by: DefaultKeyedRateLimiter<OrganizationId>,
    trusted_proxies: TrustedProxies,
}

impl Limits {
    /// Forwarded addresses count only from the named proxies.
    pub fn new(per_minute: Rates, trusted_proxies: TrustedProxies) -> Self {
        Self {
            login: RateLimiter::keyed(Quota::per_minute(per_minute.login)),
            public: RateLimiter::keyed(Quota::per_minute(per_minute.public)),
            strange_devices: RateLimiter::keyed(Quota::per_minute(per_minute.public)),
            typed: RateLimiter::keyed(Quota::per_minute(per_minute.typed)),
            typed_by: RateLimiter::keyed(Quota::per_minute(per_minute.typed)),
            stamps_by: RateLimiter::keyed(Quota::per_hour(STAMPS_PER_HOUR)),
            trusted_proxies,
        }
    }

    /// Whether a peer may come over plain HTTP: from this machine, or as a named proxy.
    pub fn may_speak_plain(&self, peer: Option<SocketAddr>) -> bool {
        peer.is_some_and(|peer| {
            peer.ip().to_canonical().is_loopback() || self.trusted_proxies.contains(peer.ip())
        })
    }

    /// The address of the client: the peer, or what a trusted proxy says.
    pub fn client(&self, request: &HttpRequest) -> IpAddr {
        let peer = request.peer_addr().map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), |addr| addr.ip());
        if !self.trusted_proxies.contains(peer) {
            return peer;
        }
        let lines = request.headers().get_all("x-forwarded-for").filter_map(|value| value.to_str().ok());
        let hops: Vec<&str> = lines.flat_map(|line| line.split(',')).collect();
        // Read from the end: each of our own proxies wrote whom it saw. What stands before the first stranger anybody
        // could have written.
        let mut client = peer;
        for hop in hops.into_iter().rev() {
            match hop.trim().parse() {
                Ok(address) => client = address,
                Err(_) => break,
            }
            if !self.trusted_proxies.contains(client) {
                break;
            }
        }
        client
    }

    /// Counts a try to sign in.
    ///
    /// # Errors
    /// 429.
    pub fn login(&self, request: &HttpRequest) -> Result<IpAddr> {
        let address = self.client(request);
        check(&self.login, &customer(address)).map(|()| address)
    }

    /// Counts a look-up by anybody.
    ///
    /// # Errors
    /// 429.
    pub fn public(&self, request: &HttpRequest) -> Result<()> {
        check(&self.public, &customer(self.client(request)))
    }

    /// Counts a key of a device that is not known: apart from other calls, so that scans of labels behind the same address
    /// keep no scale out.
    ///
    /// # Errors
    /// 429.
    pub fn strange_device(&self, request: &HttpRequest) -> Result<()> {
        check(&self.strange_devices, &customer(self.client(request)))
    }

    /// Counts a typed code. It has no tag: without a limit somebody could try ids one by one and learn which exist.
    ///
    /// # Errors
    /// 429.
    pub fn typed(&self, request: &HttpRequest, by: OrganizationId) -> Result<()> {
        check(&self.typed_by, &by)?;
        check(&self.typed, &customer(self.client(request)))
    }

    /// Counts a serial number that may be a guess at its end, see [`guesses_serial_end`].
    ///
    /// # Errors
    /// 429.
    pub fn reference(&self, by: &Actor, reference: &str) -> Result<()> {
        if guesses_serial_end(by, reference) { check(&self.stamps_by, &by.organization_id) } else { Ok(()) }
    }

    /// Forgets addresses that were not seen for a while, so that the tables stay small.
    pub fn shrink(&self) {
        self.login.retain_recent();
        self.public.retain_recent();
        self.strange_devices.retain_recent();
        self.typed.retain_recent();
        self.typed_by.retain_recent();
        self.stamps_by.retain_recent();
    }
}

fn check<K: Clone + Eq + Hash>(limiter: &DefaultKeyedRateLimiter<K>, key: &K) -> Result<()> {
    limiter.check_key(key).map_err(|not_until| {
        let wait = not_until.wait_time_from(DefaultClock::default().now());
        Error::too_many(u32::try_from(wait.as_secs().saturating_add(1)).unwrap_or(u32::MAX))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn client(lines: &[&str]) -> IpAddr {
        let one = NonZeroU32::MIN;
        let rates = Rates { login: one, public: one, typed: one };
        let limits = Limits::new(rates, TrustedProxies::of(&["10.0.0.1", "10.0.0.7"]));
        let request = lines
            .iter()
            .fold(TestRequest::default(), |request, line| request.append_header(("x-forwarded-for", *line)));
        limits.client(&request.peer_addr("10.0.0.1:1234".parse().unwrap()).to_http_request())
    }

    #[test]
    fn what_the_last_proxy_wrote_counts_over_all_lines() {
        for (lines, expected) in [
            (vec!["192.0.2.1"], "192.0.2.1"),
            (vec!["198.51.100.9", "192.0.2.1"], "192.0.2.1"),
            (vec!["198.51.100.9, 192.0.2.1"], "192.0.2.1"),
            (vec!["198.51.100.9, 192.0.2.1", "10.0.0.7"], "192.0.2.1"),
            (vec!["192.0.2.1, nonsense"], "10.0.0.1"),
            (vec![], "10.0.0.1"),
        ] {
            assert_eq!(client(&lines), expected.parse::<IpAddr>().unwrap(), "{lines:?}");
        }
    }

    #[test]
    fn a_block_of_ipv6_is_one_customer() {
        let one = NonZeroU32::MIN;
        let limits = Limits::new(Rates { login: one, public: one, typed: one }, TrustedProxies::of(&[]));
        let from = |address: &str| {
            TestRequest::default().peer_addr(format!("[{address}]:1234").parse().unwrap()).to_http_request()
        };
        assert!(limits.public(&from("2001:db8:1:2::1")).is_ok());
        assert!(limits.public(&from("2001:db8:1:2:ffff::9")).is_err());
        assert!(limits.public(&from("2001:db8:1:3::1")).is_ok());
    }
}
