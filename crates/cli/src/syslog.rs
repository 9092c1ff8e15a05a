//! Log lines for the local syslog, beside standard error.

use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::sync::Arc;

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

/// Where syslog listens.
const SOCKET: &str = "/dev/log";
/// Facility `daemon`.
const FACILITY: u8 = 3 << 3;
/// Length of the time in front of a line, and of the blank behind it: syslog notes the time itself.
const TIME: usize = "YYYY-MM-DD HH:MM:SS ".len();

/// Writes lines to standard error, and to syslog if that is wanted.
#[derive(Clone, Default)]
pub(crate) struct Sinks {
    syslog: Option<Arc<UnixDatagram>>,
}

impl Sinks {
    /// Standard error only.
    pub(crate) fn standard_error() -> Self {
        Self::default()
    }

    /// Syslog, too.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn with_syslog() -> io::Result<Self> {
        Self::with_socket(Path::new(SOCKET))
    }

    fn with_socket(socket: &Path) -> io::Result<Self> {
        let syslog = UnixDatagram::unbound()?;
        syslog.connect(socket)?;
        // A line that syslog does not take at once is lost there; standard error has it.
        syslog.set_nonblocking(true)?;
        Ok(Self { syslog: Some(Arc::new(syslog)) })
    }
}

impl<'w> MakeWriter<'w> for Sinks {
    type Writer = Line;

    fn make_writer(&'w self) -> Line {
        Line { syslog: self.syslog.clone(), severity: severity(Level::INFO) }
    }

    fn make_writer_for(&'w self, metadata: &Metadata<'_>) -> Line {
        Line { syslog: self.syslog.clone(), severity: severity(*metadata.level()) }
    }
}

/// One line on its way.
pub(crate) struct Line {
    syslog: Option<Arc<UnixDatagram>>,
    severity: u8,
}

impl io::Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(syslog) = &self.syslog {
            let text = String::from_utf8_lossy(bytes);
            let text = text.get(TIME..).unwrap_or(&text).trim_end();
            let line = format!("<{}>orchestrator[{}]: {text}", FACILITY | self.severity, std::process::id());
            // See `with_socket`.
            let _ = syslog.send(line.as_bytes());
        }
        io::stderr().write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

fn severity(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        Level::DEBUG | Level::TRACE => 7,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_line_reaches_syslog_with_its_severity_and_without_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        assert!(Sinks::with_socket(&path).is_err(), "nobody listens");
        let syslog = UnixDatagram::bind(&path).unwrap();
        let sinks = Sinks::with_socket(&path).unwrap();
        let mut line = Line { severity: severity(Level::WARN), ..sinks.make_writer() };
        line.write_all(b"2026-01-31 10:00:00 WARNING something\n").unwrap();
        let mut buffer = [0_u8; 128];
        let length = syslog.recv(&mut buffer).unwrap();
        let wanted = format!("<28>orchestrator[{}]: WARNING something", std::process::id());
        assert_eq!(std::str::from_utf8(&buffer[..length]).unwrap(), wanted);
    }
}
