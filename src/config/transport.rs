//! What is spoken where: TLS, or plain HTTP where nobody can listen in.

use std::path::Path;

use super::{ConfigError, Settings};

/// How HTTP is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport<'a> {
    /// As it is: to this machine, or to a named reverse proxy. Other peers are refused, call by call.
    Plain,
    /// Over TLS, with the files of the certificate and its key.
    Tls {
        /// The certificate, with those between it and its root.
        certificate: &'a Path,
        /// Its private key.
        key: &'a Path,
    },
}

impl Settings {
    /// How HTTP is served. Passwords and tokens go over no network in the clear: plain HTTP is for loopback addresses, and
    /// for a reverse proxy that is named.
    ///
    /// # Errors
    /// Half of the TLS settings, or plain HTTP on an address that others reach.
    pub fn transport(&self) -> Result<Transport<'_>, ConfigError> {
        match (&self.tls_certificate, &self.tls_key) {
            (Some(certificate), Some(key)) => Ok(Transport::Tls { certificate, key }),
            (None, None) => {
                let reachable = !self.listen.ip().to_canonical().is_loopback();
                if reachable && self.trusted_proxies.0.is_empty() {
                    return Err(ConfigError::PlainHttp { listen: self.listen });
                }
                Ok(Transport::Plain)
            }
            _ => Err(ConfigError::HalfOfTls),
        }
    }
}
