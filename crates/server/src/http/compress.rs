//! Smaller answers for clients that take gzip.

use std::io::{Read, Write};

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

/// Shorter bodies fit into one packet anyway.
const WORTH_IT: usize = 1024;

/// The client takes gzip.
pub(super) fn is_wanted(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|line| line.split(',')).any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        name.trim().eq_ignore_ascii_case("gzip") && !is_zero(weight)
    })
}

/// `q=0` refuses what stands before it.
fn is_zero(weight: &str) -> bool {
    weight.trim().strip_prefix("q=").is_some_and(|q| q.parse() == Ok(0.0_f32))
}

/// The same answer with a smaller body.
pub(super) async fn compressed(response: Response<Body>) -> Response<Body> {
    if response.headers().contains_key(header::CONTENT_ENCODING) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    // Bodies are made in memory here, so that this neither waits nor fails.
    let Ok(bytes) = to_bytes(body, usize::MAX).await else {
        parts.status = StatusCode::INTERNAL_SERVER_ERROR;
        return Response::from_parts(parts, Body::empty());
    };
    parts.headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    let smaller = if bytes.len() < WORTH_IT { None } else { gzip(&bytes).ok() };
    let Some(smaller) = smaller else { return Response::from_parts(parts, Body::from(bytes)) };
    parts.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    Response::from_parts(parts, Body::from(smaller))
}

/// The same answer for those who do not take gzip: what lies packed in this program is unpacked.
pub(super) async fn plain(response: Response<Body>) -> Response<Body> {
    if !response.headers().contains_key(header::CONTENT_ENCODING) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let mut unpacked = Vec::new();
    let is_whole = match to_bytes(body, usize::MAX).await {
        Ok(bytes) => GzDecoder::new(bytes.as_ref()).read_to_end(&mut unpacked).is_ok(),
        Err(_) => false,
    };
    if !is_whole {
        parts.status = StatusCode::INTERNAL_SERVER_ERROR;
    }
    parts.headers.remove(header::CONTENT_ENCODING);
    Response::from_parts(parts, Body::from(unpacked))
}

/// Fast rather than small: lists of servers shrink to a tenth either way.
fn gzip(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 4), Compression::fast());
    encoder.write_all(bytes)?;
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_those_who_ask_for_it_get_gzip() {
        let wanted = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(value));
            is_wanted(&headers)
        };
        for value in ["gzip", "deflate, gzip", "br;q=1, GZIP;q=0.5", "gzip;q=1.0"] {
            assert!(wanted(value), "{value}");
        }
        for value in ["", "identity", "br", "gzip;q=0", "gzip; q=0.0", "xgzip"] {
            assert!(!wanted(value), "{value}");
        }
        assert!(!is_wanted(&HeaderMap::new()));
    }
}
