//! What the head of a request must not say, whoever answers it. What two programs could read differently ends here, and in
//! HTTP/1 its socket with it: nothing behind such a head is ever taken for a request.

use axum::http::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode, Version};

/// Why a request is not answered by whoever answers the others.
pub(crate) type Refusal = (StatusCode, &'static str);

pub(crate) const CUT: Refusal =
    bad("a raw # in the address: it must be escaped as %23, or left out with what follows");
const NO_HOST: Refusal = bad("no Host header: exactly one was expected (RFC 9112 3.2)");
const TWO_HOSTS: Refusal = bad("two different hosts are named: exactly one was expected (RFC 9112 3.2)");
const ODD_HOST: Refusal = bad("the Host header is not a host and, if need be, a port (RFC 9112 3.2)");
const TWO_LENGTHS: Refusal = bad("two Content-Length headers: one was expected (RFC 9110 8.6)");
const CHUNKED_ONCE: Refusal = bad("the transfer coding is chunked, named once, or none (RFC 9112 6.1)");
const OTHER_CODING: Refusal =
    (StatusCode::NOT_IMPLEMENTED, "no transfer coding but chunked is understood (RFC 9112 6.1)");

const fn bad(why: &'static str) -> Refusal {
    (StatusCode::BAD_REQUEST, why)
}

/// What is wrong with a head.
pub(crate) fn wrong<B>(request: &Request<B>) -> Option<Refusal> {
    let headers = request.headers();
    wrong_host(request).or_else(|| wrong_length(headers)).or_else(|| wrong_coding(headers))
}

/// RFC 9112 3.2 and RFC 9113 8.3.1: one host is named, in HTTP/2 by `:authority` or by `Host`; only HTTP/1.0 may name none.
fn wrong_host<B>(request: &Request<B>) -> Option<Refusal> {
    let authority = request.uri().authority().map(|authority| authority.as_str().as_bytes());
    let mut hosts = request.headers().get_all(HOST).iter().map(HeaderValue::as_bytes);
    match (authority, hosts.next()) {
        _ if hosts.next().is_some() => Some(TWO_HOSTS),
        (_, Some(host)) if !is_host(host) => Some(ODD_HOST),
        (Some(authority), Some(host)) => (!authority.eq_ignore_ascii_case(host)).then_some(TWO_HOSTS),
        (None, None) => (request.version() > Version::HTTP_10).then_some(NO_HOST),
        (Some(authority), None) if request.version() >= Version::HTTP_2 => {
            (!is_host(authority)).then_some(ODD_HOST)
        }
        (Some(_), None) => (request.version() == Version::HTTP_11).then_some(NO_HOST),
        (None, Some(_)) => None,
    }
}

/// RFC 3986 `host [":" port]`, less the signs that no name has and that others read as an end or a list.
fn is_host(host: &[u8]) -> bool {
    !host.is_empty() && host.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-._~:[]%".contains(byte))
}

fn wrong_length(headers: &HeaderMap) -> Option<Refusal> {
    headers.get_all(CONTENT_LENGTH).iter().nth(1).map(|_| TWO_LENGTHS)
}

/// The HTTP library asks only that `chunked` comes last, and passes over what comes before.
fn wrong_coding(headers: &HeaderMap) -> Option<Refusal> {
    let mut chunked = 0;
    for value in headers.get_all(TRANSFER_ENCODING) {
        for coding in value.as_bytes().split(|byte| *byte == b',') {
            match coding.trim_ascii() {
                b"" => return Some(CHUNKED_ONCE),
                coding if coding.eq_ignore_ascii_case(b"chunked") => chunked += 1,
                _ => return Some(OTHER_CODING),
            }
        }
    }
    (chunked > 1).then_some(CHUNKED_ONCE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(version: Version, uri: &str, headers: &[(&str, &str)]) -> Option<u16> {
        let mut request = Request::builder().version(version).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        wrong(&request.body(()).unwrap()).map(|(status, _)| status.as_u16())
    }

    #[test]
    fn exactly_one_host_is_named() {
        let (http10, http11, http2) = (Version::HTTP_10, Version::HTTP_11, Version::HTTP_2);
        let host = |value| ("host", value);
        for (version, uri, hosts, refused) in [
            (http11, "/", &[host("a")][..], false),
            (http11, "/", &[host("a.example:8470")], false),
            (http11, "/", &[host("[::1]:80")], false),
            (http11, "http://a/", &[host("A")], false),
            (http11, "/", &[], true),
            (http11, "http://a/", &[], true),
            (http11, "/", &[host("a"), host("a")], true),
            (http11, "/", &[host("a"), host("b")], true),
            (http11, "http://a/", &[host("b")], true),
            (http11, "/", &[host("")], true),
            (http11, "/", &[host("a, b")], true),
            (http11, "/", &[host("a/b")], true),
            (http11, "/", &[host("u@a")], true),
            (http11, "/", &[host("a b")], true),
            (http10, "/", &[], false),
            (http10, "/", &[host("a")], false),
            (http10, "/", &[host("a"), host("b")], true),
            (http2, "http://a/", &[], false),
            (http2, "http://a/", &[host("a")], false),
            (http2, "/", &[host("a")], false),
            (http2, "http://a/", &[host("b")], true),
            (http2, "http://u@a/", &[], true),
            (http2, "/", &[], true),
        ] {
            assert_eq!(told(version, uri, hosts).is_some(), refused, "{version:?} {uri} {hosts:?}");
        }
    }

    #[test]
    fn a_body_is_framed_in_one_way() {
        let coding = |value| ("transfer-encoding", value);
        for (headers, expected) in [
            (&[coding("chunked")][..], None),
            (&[coding(" Chunked ")], None),
            (&[coding("gzip, chunked")], Some(501)),
            (&[coding("gzip"), coding("chunked")], Some(501)),
            (&[coding("identity, chunked")], Some(501)),
            (&[coding("x")], Some(501)),
            (&[coding("chunked, chunked")], Some(400)),
            (&[coding("chunked"), coding("chunked")], Some(400)),
            (&[coding(", chunked")], Some(400)),
            (&[coding("")], Some(400)),
            (&[("content-length", "5")], None),
            (&[("content-length", "5"), ("content-length", "5")], Some(400)),
        ] {
            let mut all = vec![("host", "a")];
            all.extend(headers);
            assert_eq!(told(Version::HTTP_11, "/", &all), expected, "{headers:?}");
        }
    }
}
