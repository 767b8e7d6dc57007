//! Reverse proxies before the service.

use super::Value;
use std::net::IpAddr;

/// The reverse proxies whose word about their callers is taken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(pub(in crate::config) Vec<IpAddr>);

impl TrustedProxies {
    /// How many there can be.
    pub const MAX: usize = 64;

    /// These and no others.
    #[cfg(test)]
    pub(crate) fn of(addresses: &[&str]) -> Self {
        Self(addresses.iter().map(|address| address.parse().unwrap()).collect())
    }

    /// Whether this peer is one of them. An IPv4 address counts the same in its IPv6 form, `::ffff:a.b.c.d`.
    #[must_use]
    pub fn contains(&self, peer: IpAddr) -> bool {
        self.0.contains(&peer.to_canonical())
    }
}

impl Value for TrustedProxies {
    const MAY_BE_EMPTY: bool = true;
    fn allowed() -> String {
        format!("a list of at most {} IP addresses", Self::MAX)
    }
    fn read(text: &str) -> Option<Self> {
        let items = text.split(',').map(str::trim).filter(|_| !text.is_empty());
        let proxies: Vec<IpAddr> = items
            .map(|item| item.parse().map(|ip: IpAddr| ip.to_canonical()))
            .collect::<Result<_, _>>()
            .ok()?;
        (proxies.len() <= Self::MAX).then_some(Self(proxies))
    }
}
