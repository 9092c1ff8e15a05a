//! Lines of the audit outside the backend: a file that is appended to, and syslog.
//!
//! The file is opened for each line, so that it may be rotated at any time. A line that cannot be written is logged and
//! does not fail the work at hand; nothing waits longer than [`LIMIT`].

use std::path::Path;
use std::time::Duration;

use model::AuditRecord;
use tokio::io::AsyncWriteExt;
use tracing::warn;

/// Longest wait for a file or for syslog.
const LIMIT: Duration = Duration::from_secs(2);
/// Where syslog listens.
const SYSLOG: &str = "/dev/log";
/// Facility `daemon`, severity `info`.
const PRIORITY: u8 = 3 * 8 + 6;

/// The line of the file: fields with tabs between them, and one at the end.
fn file_line(record: &AuditRecord) -> String {
    let (host, port) = record.key.as_ref().map_or(("", 0), |key| (key.hostname(), key.port()));
    format!(
        "{}\t{}\t{host}\t{port}\t[{}]\t{}\t\n",
        record.at.to_sql_text(),
        record.kind,
        record.cluster_name,
        record.message.replace('\n', " ")
    )
}

fn syslog_line(record: &AuditRecord) -> String {
    let key = record.key.as_ref().map(ToString::to_string).unwrap_or_default();
    format!(
        "<{PRIORITY}>orchestrator[{}]: auditType:{} instance:{key} cluster:{} message:{}",
        std::process::id(),
        record.kind,
        record.cluster_name,
        record.message.replace('\n', " ")
    )
}

/// Appends a line to the file.
pub(crate) async fn append(file: &Path, record: &AuditRecord) {
    let line = file_line(record);
    let write = async {
        let mut opened = tokio::fs::OpenOptions::new().append(true).create(true).open(file).await?;
        opened.write_all(line.as_bytes()).await?;
        opened.flush().await
    };
    match tokio::time::timeout(LIMIT, write).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            warn!(file = %file.display(), error = %error, "a line of the audit was not written")
        }
        Err(_) => warn!(file = %file.display(), "a line of the audit was not written in time"),
    }
}

/// Sends a line to syslog.
pub(crate) async fn send(record: &AuditRecord) {
    if let Err(error) = send_to(Path::new(SYSLOG), &syslog_line(record)).await {
        warn!(error = %error, "a line of the audit did not reach syslog");
    }
}

async fn send_to(socket: &Path, line: &str) -> std::io::Result<()> {
    let from = tokio::net::UnixDatagram::unbound()?;
    match tokio::time::timeout(LIMIT, from.send_to(line.as_bytes(), socket)).await {
        Ok(sent) => sent.map(drop),
        Err(_) => Err(std::io::ErrorKind::TimedOut.into()),
    }
}

#[cfg(test)]
mod tests {
    use model::{InstanceKey, Timestamp};

    use super::*;

    fn record(key: Option<InstanceKey>) -> AuditRecord {
        AuditRecord {
            id: 0,
            at: Timestamp::from_secs(0),
            kind: "forget".to_owned(),
            key,
            cluster_name: "c:1".to_owned(),
            message: "two\nlines".to_owned(),
        }
    }

    #[test]
    fn lines_have_the_form_that_scripts_know() {
        let line = file_line(&record(Some(InstanceKey::new("db", 3306))));
        assert_eq!(line, "1970-01-01 00:00:00\tforget\tdb\t3306\t[c:1]\ttwo lines\t\n");
        assert!(file_line(&record(None)).contains("\tforget\t\t0\t[c:1]\t"));
        let line = syslog_line(&record(None));
        assert!(line.starts_with("<30>orchestrator[") && line.ends_with("message:two lines"), "{line}");
    }

    #[tokio::test]
    async fn syslog_gets_one_datagram_per_line() {
        let path = std::env::temp_dir().join(format!("orchestrator-syslog-{}", std::process::id()));
        // Left behind by a process of the same number that was killed.
        let _ = std::fs::remove_file(&path);
        let syslog = tokio::net::UnixDatagram::bind(&path).unwrap();
        send_to(&path, "hello").await.unwrap();
        let mut buffer = [0_u8; 16];
        let length = syslog.recv(&mut buffer).await.unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(&buffer[..length], b"hello");
        assert!(send_to(&path, "nobody listens").await.is_err());
    }
}
