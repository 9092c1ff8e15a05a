//! The client of the HTTP API.

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run_client(std::env::args().skip(1).collect())
}
