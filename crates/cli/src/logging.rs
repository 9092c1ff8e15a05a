//! Log lines on standard error: `YYYY-MM-DD HH:MM:SS LEVEL text`, times in UTC.

use std::fmt;

use ports::{Clock, SystemClock};
use settings::Logging;
use tracing::{Event, Level, Subscriber, warn};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::flags::Flags;
use crate::syslog::Sinks;

/// Starts logging. `--quiet` wins over everything, `--debug` and the configuration over `--verbose`; a service is
/// verbose by default, a command only tells errors.
pub(crate) fn start(flags: &Flags, settings: &Logging, is_service: bool) {
    let level = if flags.is_on("quiet") {
        Level::ERROR
    } else if flags.is_on("debug") || settings.debug {
        Level::DEBUG
    } else if flags.is_on("verbose") || is_service {
        Level::INFO
    } else {
        Level::ERROR
    };
    // What libraries say below a warning is of no use to an operator.
    let others = if level == Level::ERROR { "error" } else { "warn" };
    let ours = [
        "cli",
        "engine",
        "mysql",
        "store",
        "server",
        "publish",
        "consensus",
        "settings",
        "decide",
        "orchestrator",
    ];
    let directives = ours.map(|name| format!("{name}={level}")).join(",");
    let filter = EnvFilter::try_new(format!("{others},{directives}")).unwrap_or_default();
    let (sinks, complaint) = match settings.syslog.then(Sinks::with_syslog) {
        Some(Ok(sinks)) => (sinks, None),
        Some(Err(error)) => (Sinks::standard_error(), Some(error)),
        None => (Sinks::standard_error(), None),
    };
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_writer(sinks)
        .event_format(PlainLine)
        .finish();
    // A second start within one process (tests) keeps the first.
    let _ = tracing::subscriber::set_global_default(subscriber);
    if let Some(error) = complaint {
        warn!(error = %error, "EnableSyslog is set and syslog cannot be reached; standard error gets all lines");
    }
}

struct PlainLine;

impl<S, N> FormatEvent<S, N> for PlainLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut to: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let level = match *event.metadata().level() {
            Level::ERROR => "ERROR",
            Level::WARN => "WARNING",
            Level::INFO => "INFO",
            Level::DEBUG | Level::TRACE => "DEBUG",
        };
        write!(to, "{} {level} ", SystemClock.now().to_sql_text())?;
        let mut text = String::new();
        context.field_format().format_fields(Writer::new(&mut text), event)?;
        writeln!(to, "{}", one_line(&text))
    }
}

/// A record is one line, whatever a message holds: explanations of a choice have several.
fn one_line(text: &str) -> String {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" | ")
}

#[cfg(test)]
mod tests {
    use super::one_line;

    #[test]
    fn a_record_is_one_line() {
        assert_eq!(one_line("promoted"), "promoted");
        assert_eq!(one_line("1. db1: chosen\n2. db2: not chosen\n\n"), "1. db1: chosen | 2. db2: not chosen");
    }
}
