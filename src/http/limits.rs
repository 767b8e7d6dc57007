//! How often one address may call what needs no login.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;

use actix_web::HttpRequest;
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::config::TrustedProxies;
use crate::error::{Error, Result};

/// Limits per client address.
pub struct Limits {
    login: DefaultKeyedRateLimiter<IpAddr>,
    public: DefaultKeyedRateLimiter<IpAddr>,
    trusted_proxies: TrustedProxies,
}

impl Limits {
    /// Calls per minute and address. Forwarded addresses count only from the named proxies.
    pub fn new(
        login_per_minute: NonZeroU32,
        public_per_minute: NonZeroU32,
        trusted_proxies: TrustedProxies,
    ) -> Self {
        Self {
            login: RateLimiter::keyed(Quota::per_minute(login_per_minute)),
            public: RateLimiter::keyed(Quota::per_minute(public_per_minute)),
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
        check(&self.login, address).map(|()| address)
    }

    /// Counts a look-up by anybody.
    ///
    /// # Errors
    /// 429.
    pub fn public(&self, request: &HttpRequest) -> Result<()> {
        check(&self.public, self.client(request))
    }

    /// Forgets addresses that were not seen for a while, so that the tables stay small.
    pub fn shrink(&self) {
        self.login.retain_recent();
        self.public.retain_recent();
    }
}

fn check(limiter: &DefaultKeyedRateLimiter<IpAddr>, address: IpAddr) -> Result<()> {
    limiter.check_key(&address).map_err(|not_until| {
        let wait = not_until.wait_time_from(DefaultClock::default().now());
        Error::too_many(u32::try_from(wait.as_secs().saturating_add(1)).unwrap_or(u32::MAX))
    })
}
