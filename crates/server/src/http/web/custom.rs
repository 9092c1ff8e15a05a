//! What operators add to every page: `js/custom.js` and `css/custom.css`. Both are empty unless there is such a file.

use std::path::{Path, PathBuf};

use axum::body::Body;
use axum::http::{HeaderValue, Response, header};
use tokio::io::AsyncReadExt;

use super::files::content_type;

/// More of a file is not read.
const SIZE_MAX: u64 = 1024 * 1024;
/// Where the original keeps its own files, below where it is installed.
const USUAL: &str = "resources/public";

/// One of the two files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Custom {
    Script,
    Style,
}

impl Custom {
    /// By its path from the prefix.
    pub(super) fn named(path: &str) -> Option<Self> {
        [Self::Script, Self::Style].into_iter().find(|custom| custom.path() == path)
    }

    fn path(self) -> &'static str {
        match self {
            Self::Script => "js/custom.js",
            Self::Style => "css/custom.css",
        }
    }

    /// The file in the configured folder; without one, in the usual folder beside the program or where it runs.
    pub(super) async fn response(self, configured: &str) -> Response<Body> {
        let mut response = Response::new(Body::from(self.content(configured).await));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, content_type(self.path()));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        response
    }

    async fn content(self, configured: &str) -> Vec<u8> {
        for folder in folders(configured) {
            if let Ok(file) = tokio::fs::File::open(folder.join(self.path())).await {
                let mut bytes = Vec::new();
                return match file.take(SIZE_MAX).read_to_end(&mut bytes).await {
                    Ok(_) => bytes,
                    Err(_) => Vec::new(),
                };
            }
        }
        Vec::new()
    }
}

/// The operator changed the pages.
pub(super) async fn is_customized(configured: &str) -> bool {
    for custom in [Custom::Script, Custom::Style] {
        if !custom.content(configured).await.is_empty() {
            return true;
        }
    }
    false
}

fn folders(configured: &str) -> Vec<PathBuf> {
    if !configured.is_empty() {
        return vec![PathBuf::from(configured)];
    }
    let program = std::env::current_exe().ok();
    let beside = program.as_deref().and_then(Path::parent).map(|folder| folder.join(USUAL));
    beside.into_iter().chain([PathBuf::from(USUAL)]).collect()
}
