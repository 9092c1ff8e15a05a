//! Open files: each connection is one, on either side.

use anyhow::{Result, ensure};
use rustix::process::{Resource, getrlimit, setrlimit};

/// Raises this process's soft limit of open files to the hard one. Processes started later inherit it.
///
/// # Errors
/// The hard limit is lower than `wanted`; the message says what to do.
pub fn raise_open_files(wanted: u64) -> Result<()> {
    let mut limits = getrlimit(Resource::Nofile);
    limits.current = limits.maximum;
    setrlimit(Resource::Nofile, limits)?;
    let hard = limits.maximum.unwrap_or(u64::MAX);
    ensure!(
        hard >= wanted,
        "{wanted} open files are needed and {hard} are allowed; `ulimit -Hn {wanted}` (as root), or LimitNOFILE= of the \
         service that started this shell, allows more"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_allowed_is_told_with_its_remedy() {
        raise_open_files(1).expect("one file is always allowed");
        let Err(error) = raise_open_files(u64::MAX) else { return };
        assert!(error.to_string().contains("ulimit -Hn"), "{error}");
    }
}
