//! How often one address may call what needs no login, and how many codes may be typed.

use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;

use actix_web::HttpRequest;
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::config::TrustedProxies;
use crate::domain::id::OrganizationId;
use crate::error::{Error, Result};

/// What may be done per minute.
#[derive(Debug, Clone, Copy)]
pub struct Rates {
    /// Tries to sign in, of one address.
    pub login: NonZeroU32,
    /// Calls without login, of one address.
    pub public: NonZeroU32,
    /// Typed codes, of one address and of one organization.
    pub typed: NonZeroU32,
}

/// Limits per client address, for typed codes also per organization.
pub struct Limits {
    login: DefaultKeyedRateLimiter<IpAddr>,
    public: DefaultKeyedRateLimiter<IpAddr>,
    typed: DefaultKeyedRateLimiter<IpAddr>,
    typed_by: DefaultKeyedRateLimiter<OrganizationId>,
    trusted_proxies: TrustedProxies,
}

impl Limits {
    /// Forwarded addresses count only from the named proxies.
    pub fn new(per_minute: Rates, trusted_proxies: TrustedProxies) -> Self {
        Self {
            login: RateLimiter::keyed(Quota::per_minute(per_minute.login)),
            public: RateLimiter::keyed(Quota::per_minute(per_minute.public)),
            typed: RateLimiter::keyed(Quota::per_minute(per_minute.typed)),
            typed_by: RateLimiter::keyed(Quota::per_minute(per_minute.typed)),
            trusted_proxies,
        }
    }

    /// The address of the client: the peer, or what a trusted proxy says.
    pub fn client(&self, request: &HttpRequest) -> IpAddr {
        let peer = request.peer_addr().map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), |addr| addr.ip());
        if !self.trusted_proxies.contains(peer) {
            return peer;
        }
        let forwarded = request.headers().get("x-forwarded-for").and_then(|value| value.to_str().ok());
        // The last entry is the one that our own proxy wrote; those before it anybody could have.
        forwarded
            .and_then(|list| list.rsplit(',').next())
            .and_then(|text| text.trim().parse().ok())
            .unwrap_or(peer)
    }

    /// Counts a try to sign in.
    ///
    /// # Errors
    /// 429.
    pub fn login(&self, request: &HttpRequest) -> Result<IpAddr> {
        let address = self.client(request);
        check(&self.login, &address).map(|()| address)
    }

    /// Counts a look-up by anybody.
    ///
    /// # Errors
    /// 429.
    pub fn public(&self, request: &HttpRequest) -> Result<()> {
        check(&self.public, &self.client(request))
    }

    /// Counts a typed code. It has no tag: without a limit somebody could try ids one by one and learn which exist.
    ///
    /// # Errors
    /// 429.
    pub fn typed(&self, request: &HttpRequest, by: OrganizationId) -> Result<()> {
        check(&self.typed_by, &by)?;
        check(&self.typed, &self.client(request))
    }

    /// Forgets addresses that were not seen for a while, so that the tables stay small.
    pub fn shrink(&self) {
        self.login.retain_recent();
        self.public.retain_recent();
        self.typed.retain_recent();
        self.typed_by.retain_recent();
    }
}

fn check<K: Clone + Eq + Hash>(limiter: &DefaultKeyedRateLimiter<K>, key: &K) -> Result<()> {
    limiter.check_key(key).map_err(|not_until| {
        let wait = not_until.wait_time_from(DefaultClock::default().now());
        Error::too_many(u32::try_from(wait.as_secs().saturating_add(1)).unwrap_or(u32::MAX))
    })
}
