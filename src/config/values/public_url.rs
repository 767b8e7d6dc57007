//! Where phones find the service.

use std::net::Ipv4Addr;

use super::Value;

/// The address under which phones reach the service: scheme, host and port, lower case, no slash at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl(pub(in crate::config) String);

impl PublicUrl {
    /// The longest one, in characters. Longer ones need a QR symbol too dense for a label.
    pub const MAX_LENGTH: usize = 100;

    /// As text, without a slash at the end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether no phone gets anywhere by it: this machine's own address, or a name that is for examples and tests (RFC 2606).
    #[must_use]
    pub fn leads_nowhere(&self) -> bool {
        const RESERVED: &[&str] =
            &["localhost", "example", "example.com", "example.net", "example.org", "invalid", "test"];
        let host = url::Url::parse(&self.0).ok().and_then(|url| url.host_str().map(str::to_owned));
        let host = host.as_deref().unwrap_or_default().trim_end_matches('.');
        let here = host.parse::<Ipv4Addr>().is_ok_and(|ip| ip.is_loopback() || ip.is_unspecified());
        here || RESERVED.iter().any(|name| {
            host.strip_suffix(name).is_some_and(|before| before.is_empty() || before.ends_with('.'))
        })
    }
}

impl Value for PublicUrl {
    fn allowed() -> String {
        format!(
            "http:// or https://, a host of letters, digits, - and . (they go into the QR code in capitals) and perhaps \
             a port, without path or query, {} characters at most",
            Self::MAX_LENGTH
        )
    }
    fn read(text: &str) -> Option<Self> {
        let url = url::Url::parse(text).ok()?;
        let host = url.host_str().filter(|host| !host.is_empty())?;
        let bare = url.username().is_empty()
            && url.password().is_none()
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none();
        let good = matches!(url.scheme(), "http" | "https")
            && text.contains("://")
            && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'))
            && bare;
        let origin = url.origin().ascii_serialization();
        (good && origin.len() <= Self::MAX_LENGTH).then_some(Self(origin))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leads_nowhere_is_known() {
        let url = |text: &str| PublicUrl::read(text).unwrap();
        for nowhere in [
            "http://127.0.0.1:8080",
            "http://LOCALHOST",
            "https://pingma.example.org",
            "http://a.test:81",
            "http://0.0.0.0",
            "http://localhost.",
            "https://pingma.example.com.",
        ] {
            assert!(url(nowhere).leads_nowhere(), "{nowhere}");
        }
        for good in [
            "https://pingma.cn",
            "http://192.168.1.7:8080",
            "https://bestexample.org",
            "https://test.nantong.gov.cn",
        ] {
            assert!(!url(good).leads_nowhere(), "{good}");
        }
    }
}
