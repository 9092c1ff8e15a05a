//! Changes to what is known about servers.

use std::time::Duration;

use model::PromotionRule;
use registry::wire::KeyView;
use registry::{ManagementOperation as Op, Param};
use tracing::warn;

use super::answer::{Failure, Reply};
use super::call::Call;

pub(super) async fn run(call: &Call<'_>, operation: Op) -> Result<Reply, Failure> {
    match operation {
        Op::Discover => discover(call).await,
        Op::AsyncDiscover => async_discover(call).await,
        Op::Refresh => refresh(call).await,
        Op::Forget => forget(call).await,
        Op::ForgetCluster => forget_cluster(call).await,
        Op::BeginDowntime => begin_downtime(call).await,
        Op::EndDowntime => end_downtime(call).await,
        Op::RegisterCandidate => register_candidate(call).await,
    }
}

async fn discover(call: &Call<'_>) -> Result<Reply, Failure> {
    let key = call.resolved_key().await?;
    let instance = call.engine.discover(&key).await?;
    Ok(call.operated(format!("Instance discovered: {}", instance.key), &instance))
}

async fn async_discover(call: &Call<'_>) -> Result<Reply, Failure> {
    let key = call.resolved_key().await?;
    let (engine, wanted) = (call.engine.clone(), key.clone());
    call.engine.supervisor().start("discovery asked for", async move {
        if let Err(error) = engine.discover(&wanted).await {
            warn!(instance = %wanted, error = %error, "discovery failed");
        }
    });
    let details = format!(r#"{{"Key":{}}}"#, call.json(&KeyView(&key)));
    let message = format!("Asynchronous discovery initiated for Instance: {key}");
    Ok(Reply::envelope(message, details).printing([key.to_string()]))
}

async fn refresh(call: &Call<'_>) -> Result<Reply, Failure> {
    let key = call.figured_key().await?;
    let instance = call.engine.discover(&key).await?;
    Ok(Reply::about(format!("Instance refreshed: {}", instance.key), &instance.key))
}

/// Takes the name literally: nothing that merely looks like it may be forgotten.
async fn forget(call: &Call<'_>) -> Result<Reply, Failure> {
    let key = call.named_key()?;
    call.engine.forget(&key).await?;
    Ok(Reply::about(format!("Instance forgotten: {key}"), &key))
}

async fn forget_cluster(call: &Call<'_>) -> Result<Reply, Failure> {
    let name = call
        .given_cluster()
        .await?
        .ok_or_else(|| Failure::input("Unable to determine cluster name: give one with --alias or -i"))?;
    call.engine.forget_cluster(&name).await?;
    Ok(Reply::envelope(format!("Cluster forgotten: {name}"), "null").printing([name]))
}

async fn begin_downtime(call: &Call<'_>) -> Result<Reply, Failure> {
    let reason = call.args.text(Param::Reason).ok_or_else(|| Failure::input("--reason option required"))?;
    let duration = match call.args.text(Param::Duration) {
        Some(text) => simple_duration(text)?,
        None => Duration::ZERO,
    };
    let key = call.figured_key().await?;
    let owner = call.args.text(Param::Owner).unwrap_or(&call.engine.identity().maintenance_owner);
    call.engine
        .begin_downtime(&key, owner, reason, duration)
        .await
        .map_err(|error| Failure::from(error).about(&key))?;
    Ok(Reply::about(format!("Downtime begun: {key}"), &key))
}

async fn end_downtime(call: &Call<'_>) -> Result<Reply, Failure> {
    let key = call.figured_key().await?;
    call.engine.end_downtime(&key).await?;
    Ok(Reply::about(format!("Downtime ended: {key}"), &key))
}

async fn register_candidate(call: &Call<'_>) -> Result<Reply, Failure> {
    let text = call.args.text(Param::PromotionRule).unwrap_or("prefer");
    let rule = PromotionRule::parse(text).map_err(Failure::input)?;
    let key = call.figured_key().await?;
    call.engine.register_candidate(&key, rule).await?;
    Ok(Reply::about("Registered candidate", &key))
}

/// Digits and one of `s m h d w`.
pub(super) fn simple_duration(text: &str) -> Result<Duration, Failure> {
    let refuse = || Failure::input(format!("Cannot parse simple time: {text}"));
    let unit = text.chars().last().ok_or_else(refuse)?;
    let seconds: u64 = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        'w' => 604_800,
        _ => return Err(refuse()),
    };
    let digits = &text[..text.len() - 1];
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(refuse());
    }
    let count: u64 = digits.parse().map_err(|_| refuse())?;
    count.checked_mul(seconds).map(Duration::from_secs).ok_or_else(|| {
        Failure::input(format!("Duration value must be non-negative. Given value: {text} is too large"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, seconds) in
            [("0s", 0), ("90s", 90), ("10m", 600), ("2h", 7200), ("1d", 86_400), ("1w", 604_800)]
        {
            assert_eq!(simple_duration(text), Ok(Duration::from_secs(seconds)));
        }
        for text in ["", "10", "m", "1.5h", "-1s", "10mm", "1y", "1ü"] {
            let error = simple_duration(text).unwrap_err();
            assert_eq!(error.message, format!("Cannot parse simple time: {text}"));
        }
        assert!(simple_duration("9999999999999999999w").is_err());
        assert!(simple_duration("99999999999999999w").unwrap_err().message.contains("too large"));
    }
}
