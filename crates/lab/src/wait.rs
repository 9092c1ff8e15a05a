//! Waiting for a state, never for a time.

use std::fmt::Display;
use std::future::Future;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// Calls `probe` until it gives `Ok`, at most for `within`; its error says the state seen instead.
///
/// Errors: the limit passed; the message holds `label` and the last state seen.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let mut seen = 0;
/// let end = lab::wait_until("three", std::time::Duration::from_secs(1), || {
///     seen += 1;
///     let now = seen;
///     async move { if now == 3 { Ok(now) } else { Err(format!("only {now}")) } }
/// }).await.unwrap();
/// assert_eq!(end, 3);
/// # });
/// ```
pub async fn wait_until<T, E, F, Probe>(label: &str, within: Duration, mut probe: F) -> Result<T>
where
    E: Display,
    F: FnMut() -> Probe,
    Probe: Future<Output = Result<T, E>>,
{
    let begin = Instant::now();
    let mut last = String::from("nothing: the first look did not end in time");
    loop {
        let left = within.saturating_sub(begin.elapsed());
        match tokio::time::timeout(left, probe()).await {
            Ok(Ok(value)) => return Ok(value),
            // `{:#}` shows the whole chain of an anyhow error, and is plain for a string.
            Ok(Err(state)) => last = format!("{state:#}"),
            Err(_) => {}
        }
        // A probe that has its answer at once never meets the time-out.
        if begin.elapsed() >= within {
            bail!("waited {within:?} in vain until {label}; last state: {last}");
        }
        tokio::time::sleep(Duration::from_millis(15)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_look_that_ends_at_once_is_not_repeated_for_ever() {
        let end = wait_until("never", Duration::from_millis(40), || async { Err::<(), _>("not yet") }).await;
        assert!(end.is_err_and(|error| error.to_string().ends_with("last state: not yet")));
    }
}
