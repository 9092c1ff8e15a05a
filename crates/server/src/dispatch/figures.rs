//! What was measured lately.

use registry::Param;
use registry::wire::{
    BackendFigure, BackendStatistics, DiscoveryFigure, DiscoveryStatistics, FlushFigure, FlushStatistics,
    QueueFigure, QueueStatistics,
};

use super::answer::{Failure, Reply};
use super::call::Call;

/// The only queue there is.
const QUEUE: &str = "DEFAULT";

/// Single events, or their statistics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Raw,
    Statistics,
}

/// Reads of servers. Their statistics over no time are those of nothing.
pub(super) fn discoveries(call: &Call<'_>, form: Form) -> Result<Reply, Failure> {
    let refusal = "Invalid value provided for seconds";
    let seconds = match form {
        Form::Raw => Some(seconds(call, refusal)?).filter(|seconds| *seconds > 0),
        Form::Statistics => Some(seconds(call, refusal).unwrap_or(0)),
    };
    let Some(seconds) = seconds else { return Err(Failure::input(refusal)) };
    let samples = call.engine.recent_discoveries(since(call, seconds));
    let figures: Vec<DiscoveryFigure<'_>> = samples
        .iter()
        .map(|sample| DiscoveryFigure {
            at: sample.at,
            key: &sample.key,
            backend: sample.backend,
            instance: sample.instance,
            total: sample.total,
            error: sample.error.as_deref(),
        })
        .collect();
    Ok(bare(match form {
        Form::Raw => call.json(&figures),
        Form::Statistics => call.json(&DiscoveryStatistics(&figures)),
    }))
}

/// The queue of reads, second by second.
pub(super) fn queue(call: &Call<'_>, form: Form) -> Result<Reply, Failure> {
    let word = if form == Form::Raw { "raw" } else { "aggregated" };
    let seconds = seconds(call, &format!("Unable to generate discovery queue {word} metrics"))?;
    if call.args.text(Param::Queue).is_some_and(|queue| queue != QUEUE) {
        return Err(Failure::unknown(
            "Unable to generate discovery queue aggregated metrics for unknown queue",
        ));
    }
    let samples = call.engine.recent_queue(usize::try_from(seconds).unwrap_or(usize::MAX));
    let figures: Vec<QueueFigure> =
        samples.iter().map(|sample| QueueFigure { active: sample.active, queued: sample.queued }).collect();
    Ok(bare(match form {
        Form::Raw => call.json(&figures),
        Form::Statistics => call.json(&QueueStatistics(&figures)),
    }))
}

/// Durable changes.
pub(super) fn backend_writes(call: &Call<'_>, form: Form) -> Result<Reply, Failure> {
    let refusal = match form {
        Form::Raw => "Unable to generate raw backend query metrics",
        Form::Statistics => "Unable to aggregated generate backend query metrics",
    };
    let samples = call.engine.recent_backend_writes(since(call, seconds(call, refusal)?));
    let figures: Vec<BackendFigure<'_>> = samples
        .iter()
        .map(|sample| BackendFigure {
            at: sample.at,
            execute: sample.execute,
            error: sample.error.as_deref(),
        })
        .collect();
    Ok(bare(match form {
        Form::Raw => call.json(&figures),
        Form::Statistics => call.json(&BackendStatistics(&figures)),
    }))
}

/// Batches of observed servers.
pub(super) fn flushes(call: &Call<'_>, form: Form) -> Result<Reply, Failure> {
    let refusal = match form {
        Form::Raw => "Unable to generate raw instance write buffer metrics",
        Form::Statistics => "Unable to aggregated instance write buffer metrics",
    };
    let samples = call.engine.recent_flushes(since(call, seconds(call, refusal)?));
    let flushes: Vec<FlushFigure> = samples
        .iter()
        .map(|sample| FlushFigure {
            at: sample.at,
            instances: sample.instances,
            wait: sample.wait,
            write: sample.write,
        })
        .collect();
    let discovery = &call.settings.discovery;
    Ok(bare(match form {
        Form::Raw => call.json(&flushes),
        Form::Statistics => call.json(&FlushStatistics {
            flushes: &flushes,
            buffer: discovery.write_buffer,
            interval: discovery.write_flush,
        }),
    }))
}

fn bare(json: String) -> Reply {
    Reply::bare(json, Vec::new())
}

fn since(call: &Call<'_>, seconds: u64) -> model::Timestamp {
    call.now - std::time::Duration::from_secs(seconds.min(u64::from(u32::MAX)))
}

/// The asked number of seconds; fewer than none are none.
fn seconds(call: &Call<'_>, refusal: &str) -> Result<u64, Failure> {
    let given = call.args.text(Param::Seconds).and_then(|text| text.parse::<i64>().ok());
    given.map(|seconds| u64::try_from(seconds).unwrap_or(0)).ok_or_else(|| Failure::input(refusal))
}
