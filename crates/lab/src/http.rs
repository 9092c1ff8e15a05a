//! A small HTTP/1.1 client, one request per connection: enough to ask a daemon on loopback without another dependency.

use std::time::Duration;

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What a server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// Status code.
    pub status: u16,
    /// Header lines in order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Body, taken as UTF-8.
    pub body: String,
}

impl Response {
    /// The body as JSON. Errors: it is not; the message holds the body.
    pub fn json(&self) -> Result<serde_json::Value> {
        serde_json::from_str(&self.body).with_context(|| format!("not JSON: {}", self.body))
    }

    /// The first header of this name (lower case), if any.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Asks `path` (with its leading `/`) at an address. Any status is an answer.
///
/// Errors: no connection, a broken answer, none within the limit.
pub async fn get(address: &str, path: &str, limit: Duration) -> Result<Response> {
    request(address, "GET", path, None, limit).await
}

/// Sends one request. `path` starts with `/` and is sent as it is.
pub(crate) async fn request(
    address: &str,
    method: &str,
    path: &str,
    body: Option<&str>,
    limit: Duration,
) -> Result<Response> {
    let work = async {
        let mut stream = TcpStream::connect(address).await?;
        let body = body.unwrap_or_default();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nAccept: */*\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(body.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        parse(&answer)
    };
    tokio::time::timeout(limit, work)
        .await
        .with_context(|| format!("no answer within {limit:?} to {method} {address}{path}"))?
        .with_context(|| format!("{method} {address}{path}"))
}

fn parse(answer: &[u8]) -> Result<Response> {
    let split =
        answer.windows(4).position(|window| window == b"\r\n\r\n").context("the answer has no header end")?;
    let head = std::str::from_utf8(&answer[..split]).context("the header is not text")?;
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|code| code.parse().ok());
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let is_chunked = headers.iter().any(|(name, value)| name == "transfer-encoding" && value == "chunked");
    let raw = &answer[split + 4..];
    let body = if is_chunked { join_chunks(raw)? } else { raw.to_vec() };
    Ok(Response {
        status: status.context("the answer has no status")?,
        headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    })
}

fn join_chunks(mut raw: &[u8]) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line_end = raw.windows(2).position(|window| window == b"\r\n").context("a chunk has no size")?;
        let size = std::str::from_utf8(&raw[..line_end])?.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(size, 16).context("a chunk's size is no number")?;
        if size == 0 {
            return Ok(body);
        }
        let begin = line_end + 2;
        body.extend(raw.get(begin..begin + size).context("a chunk is cut short")?);
        raw = raw.get(begin + size + 2..).context("a chunk has no end")?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_and_chunked_answers_are_read() {
        let plain = parse(b"HTTP/1.1 404 Not Found\r\nX-A: b\r\nContent-Length: 2\r\n\r\nno").expect("plain");
        assert_eq!((plain.status, plain.body.as_str(), plain.header("x-a")), (404, "no", Some("b")));
        let chunked =
            parse(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n");
        assert_eq!(chunked.expect("chunked").body, "abcd");
    }
}
