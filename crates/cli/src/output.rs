//! Standard output and standard error, and how the program ends.

use std::io::Write;
use std::process::ExitCode;

use ports::{Clock, SystemClock};

/// Writes to standard output. A reader that went away (`| head`) is no error.
pub(crate) fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Writes to standard error.
pub(crate) fn print_error(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

/// One line as the log writes them: time, level, text.
pub(crate) fn log_line(level: &str, text: &str) {
    print_error(&format!("{} {level} {text}\n", SystemClock.now().to_sql_text()));
}

/// An end with an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Exit {
    /// What is printed after `FATAL`.
    pub(crate) message: String,
    /// What follows on standard error.
    pub(crate) appendix: String,
    /// A stack trace follows, too.
    pub(crate) with_stack: bool,
}

impl Exit {
    pub(crate) fn fatal(message: impl Into<String>) -> Self {
        Self { message: message.into(), appendix: String::new(), with_stack: false }
    }

    /// Prints everything and returns the exit code.
    pub(crate) fn report(self) -> ExitCode {
        if !self.message.is_empty() {
            log_line("FATAL", &self.message);
        }
        print_error(&self.appendix);
        if self.with_stack {
            print_error(&format!("{}\n", std::backtrace::Backtrace::force_capture()));
        }
        ExitCode::FAILURE
    }
}
