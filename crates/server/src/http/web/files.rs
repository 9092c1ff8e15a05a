//! The files of the application, as they were packed when this program was built.

use std::io::Read;
use std::sync::LazyLock;

use axum::body::Body;
use axum::http::{HeaderValue, Response, header};
use flate2::read::GzDecoder;

/// A file.
pub(super) struct Packed {
    /// From the prefix: `js/app-1a2b.js`.
    pub(super) path: &'static str,
    /// Its content.
    gzip: &'static [u8],
}

static FILES: &[Packed] = &include!(concat!(env!("OUT_DIR"), "/web_files.rs"));

/// What loads the application; not served under its own name.
const SHELL: &str = "index.html";

/// In place of a page when the pages were not built.
pub(super) const NOT_BUILT: &str = "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\">\
<title>orchestrator</title><h1>The web pages are not part of this program</h1>\
<p>They were not built before it was. <code>script/build</code> builds both. The API and the command line are complete.</p>\
</html>\n";

/// The page that loads the application; `None` when it was not built.
pub(super) fn shell() -> Option<&'static str> {
    static TEXT: LazyLock<Option<String>> = LazyLock::new(|| {
        let file = FILES.iter().find(|file| file.path == SHELL)?;
        String::from_utf8(file.unpacked()).ok()
    });
    TEXT.as_deref()
}

/// The file at a path.
pub(super) fn find(path: &str) -> Option<&'static Packed> {
    FILES.iter().find(|file| file.path == path && path != SHELL)
}

impl Packed {
    /// As it is sent to those who take gzip; `compress` unpacks it for others.
    pub(super) fn response(&self) -> Response<Body> {
        let mut response = Response::new(Body::from(self.gzip));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, content_type(self.path));
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
        headers.insert(header::CACHE_CONTROL, cache_control(self.path));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        response
    }

    fn unpacked(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        // What was packed can be unpacked.
        let _ = GzDecoder::new(self.gzip).read_to_end(&mut bytes);
        bytes
    }
}

/// By the ending of a name.
pub(super) fn content_type(path: &str) -> HeaderValue {
    HeaderValue::from_static(match path.rsplit('.').next() {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("json") => "application/json; charset=UTF-8",
        _ => "application/octet-stream",
    })
}

/// A name that holds the hash of the content never means anything else.
fn cache_control(path: &str) -> HeaderValue {
    let is_hashed = path.starts_with("js/") || path.starts_with("css/");
    HeaderValue::from_static(if is_hashed {
        "private, max-age=31536000, immutable"
    } else {
        "private, max-age=3600"
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_packed_can_be_read() {
        for file in FILES {
            assert!(!file.unpacked().is_empty(), "{}", file.path);
        }
        assert!(find(SHELL).is_none() && find("nosuch").is_none());
        assert_eq!(shell().is_none(), FILES.is_empty());
    }
}
