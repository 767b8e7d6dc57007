//! How long the head of a request may be, and what its `Host` must look like. What the HTTP parser refuses before that
//! (more than 128 KiB or 96 headers, an address over 64 KiB, characters that no address has) it answers itself, with a
//! bare 400 or 431.

use actix_web::dev::RequestHead;
use actix_web::http::header;
use actix_web::http::uri::Authority;

use crate::domain::said::said;
use crate::error::{Code, Error, Result};

/// Longest path and query, in bytes: the longest we read are a scanned text, percent-encoded, and a cursor.
pub const MAX_ADDRESS: usize = 8 * 1024;
/// Most bytes of all header names and values: a token and a key take half of one KiB.
pub const MAX_HEADERS: usize = 16 * 1024;

/// Refuses a head that is longer than anybody needs, or whose host is none.
///
/// # Errors
/// 414, 431, 400.
pub fn check(head: &RequestHead) -> Result<()> {
    let address = head.uri.path_and_query().map_or(0, |address| address.as_str().len());
    if address > MAX_ADDRESS {
        return Err(Code::AddressTooLong.into());
    }
    let headers: usize = head.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if headers > MAX_HEADERS {
        return Err(Code::HeadersTooLarge.into());
    }
    // That HTTP/1.1 comes with one `Host` the parser sees to.
    match head.headers.get(header::HOST) {
        Some(host) if !is_host(host.as_bytes()) => Err(Error::new(
            Code::MalformedRequest,
            said("请求头 host 中没有主机名", "the header host names no host"),
        )),
        _ => Ok(()),
    }
}

fn is_host(text: &[u8]) -> bool {
    // An authority may also name a user, a host may not.
    !text.contains(&b'@') && Authority::try_from(text).is_ok_and(|authority| !authority.host().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_or_an_address_and_perhaps_a_port() {
        for good in ["pingma.example", "PINGMA.example:8443", "192.0.2.1:80", "[2001:db8::1]:80", "localhost"]
        {
            assert!(is_host(good.as_bytes()), "{good}");
        }
        for bad in ["", ":80", "a b", "a<b", "who@pingma.example", "a/b", "气瓶.中国", "a,b\\"] {
            assert!(!is_host(bad.as_bytes()), "{bad}");
        }
    }
}
