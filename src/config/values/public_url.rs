//! Where phones find the service.

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
