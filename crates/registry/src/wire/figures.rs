//! What was measured lately, as the API shows it: single events, and their statistics.

use std::collections::BTreeSet;
use std::time::Duration;

use model::{InstanceKey, Timestamp};
use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::fields;
use super::health::ZERO_TIME;

/// A read of a server.
#[derive(Clone, Copy, Debug)]
pub struct DiscoveryFigure<'a> {
    /// When it began.
    pub at: Timestamp,
    /// The server.
    pub key: &'a InstanceKey,
    /// Time spent with what was read.
    pub backend: Duration,
    /// Time until the server had answered.
    pub instance: Duration,
    /// Both.
    pub total: Duration,
    /// Why it failed; clear text.
    pub error: Option<&'a str>,
}

impl Serialize for DiscoveryFigure<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut to = serializer.serialize_struct("DiscoveryMetric", 7)?;
        fields!(to;
            "Timestamp": self.at.to_iso_text_with_micros(),
            "Hostname": self.key.hostname(),
            "Port": self.key.port(),
            "BackendLatencySeconds": Number(self.backend.as_secs_f64()),
            "InstanceLatencySeconds": Number(self.instance.as_secs_f64()),
            "TotalLatencySeconds": Number(self.total.as_secs_f64()),
            "Err": self.error,
        );
        to.end()
    }
}

/// Statistics of reads.
#[derive(Clone, Copy, Debug)]
pub struct DiscoveryStatistics<'a>(pub &'a [DiscoveryFigure<'a>]);

impl Serialize for DiscoveryStatistics<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let keys = |failed: Option<bool>| {
            let wanted =
                self.0.iter().filter(|read| failed.is_none_or(|wanted| read.error.is_some() == wanted));
            wanted.map(|read| read.key).collect::<BTreeSet<_>>().len()
        };
        let failed = self.0.iter().filter(|read| read.error.is_some()).count();
        let time = |at: Option<&DiscoveryFigure<'_>>| {
            at.map_or_else(|| ZERO_TIME.to_owned(), |read| read.at.to_iso_text_with_micros())
        };
        let mut to = serializer.serialize_struct("AggregatedDiscoveryMetrics", 32)?;
        fields!(to;
            "FirstSeen": time(self.0.iter().min_by_key(|read| read.at)),
            "LastSeen": time(self.0.iter().max_by_key(|read| read.at)),
            "CountDistinctInstanceKeys": keys(None),
            "CountDistinctOkInstanceKeys": keys(Some(false)),
            "CountDistinctFailedInstanceKeys": keys(Some(true)),
            "FailedDiscoveries": failed,
            // All of them, as ever; those that went well are counted at the end.
            "SuccessfulDiscoveries": self.0.len(),
        );
        let part = |only_failed: bool, of: fn(&DiscoveryFigure<'_>) -> Duration| {
            let wanted = self.0.iter().filter(|read| !only_failed || read.error.is_some());
            Statistics::of(wanted.map(|read| of(read).as_secs_f64()).collect())
        };
        let parts = [false, true].map(|only_failed| {
            [
                part(only_failed, |read| read.total),
                part(only_failed, |read| read.backend),
                part(only_failed, |read| read.instance),
            ]
        });
        for (statistic, names) in DISCOVERY_NAMES.iter().enumerate() {
            for (group, names) in names.iter().enumerate() {
                for (column, name) in names.iter().enumerate() {
                    to.serialize_field(name, &Number(parts[group][column].get(statistic)))?;
                }
            }
        }
        to.serialize_field("OkDiscoveries", &(self.0.len() - failed))?;
        to.end()
    }
}

/// Mean, largest, median, 95th percentile; of all, of the failed; whole, backend, instance.
const DISCOVERY_NAMES: [[[&str; 3]; 2]; 4] = [
    [
        ["MeanTotalSeconds", "MeanBackendSeconds", "MeanInstanceSeconds"],
        ["FailedMeanTotalSeconds", "FailedMeanBackendSeconds", "FailedMeanInstanceSeconds"],
    ],
    [
        ["MaxTotalSeconds", "MaxBackendSeconds", "MaxInstanceSeconds"],
        ["FailedMaxTotalSeconds", "FailedMaxBackendSeconds", "FailedMaxInstanceSeconds"],
    ],
    [
        ["MedianTotalSeconds", "MedianBackendSeconds", "MedianInstanceSeconds"],
        ["FailedMedianTotalSeconds", "FailedMedianBackendSeconds", "FailedMedianInstanceSeconds"],
    ],
    [
        ["P95TotalSeconds", "P95BackendSeconds", "P95InstanceSeconds"],
        ["FailedP95TotalSeconds", "FailedP95BackendSeconds", "FailedP95InstanceSeconds"],
    ],
];

/// The reads of servers at one moment: under way, and waiting.
#[derive(Clone, Copy, Debug)]
pub struct QueueFigure {
    /// Under way.
    pub active: u64,
    /// Waiting for a free slot.
    pub queued: u64,
}

impl Serialize for QueueFigure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut to = serializer.serialize_struct("QueueMetric", 2)?;
        fields!(to; "Active": self.active, "Queued": self.queued);
        to.end()
    }
}

/// Statistics of the queue.
#[derive(Clone, Copy, Debug)]
pub struct QueueStatistics<'a>(pub &'a [QueueFigure]);

impl Serialize for QueueStatistics<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let of = |read: fn(&QueueFigure) -> u64| {
            Statistics::of(self.0.iter().map(|sample| read(sample) as f64).collect())
        };
        let (active, queued) = (of(|sample| sample.active), of(|sample| sample.queued));
        let mut to = serializer.serialize_struct("AggregatedQueueMetrics", 10)?;
        fields!(to;
            "ActiveMinEntries": Number(active.min),
            "ActiveMeanEntries": Number(active.mean),
            "ActiveMedianEntries": Number(active.median),
            "ActiveP95Entries": Number(active.p95),
            "ActiveMaxEntries": Number(active.max),
            "QueuedMinEntries": Number(queued.min),
            "QueuedMeanEntries": Number(queued.mean),
            "QueuedMedianEntries": Number(queued.median),
            "QueuedP95Entries": Number(queued.p95),
            "QueuedMaxEntries": Number(queued.max),
        );
        to.end()
    }
}

/// A durable change that was written. Changes do not wait for each other here, so the wait is 0.
#[derive(Clone, Copy, Debug)]
pub struct BackendFigure<'a> {
    /// When it was asked for.
    pub at: Timestamp,
    /// Time until it was written.
    pub execute: Duration,
    /// Why it failed; clear text.
    pub error: Option<&'a str>,
}

impl Serialize for BackendFigure<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut to = serializer.serialize_struct("BackendQueryMetric", 4)?;
        fields!(to;
            "Timestamp": self.at.to_iso_text_with_micros(),
            "WaitLatency": 0,
            "ExecuteLatency": nanoseconds(self.execute),
            "Err": self.error,
        );
        to.end()
    }
}

/// Statistics of durable changes.
#[derive(Clone, Copy, Debug)]
pub struct BackendStatistics<'a>(pub &'a [BackendFigure<'a>]);

impl Serialize for BackendStatistics<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let execute = Statistics::of(self.0.iter().map(|write| write.execute.as_secs_f64()).collect());
        let mut to = serializer.serialize_struct("AggregatedQueryMetrics", 9)?;
        fields!(to;
            "Count": self.0.len(),
            "MaxLatencySeconds": Number(execute.max),
            "MeanLatencySeconds": Number(execute.mean),
            "MedianLatencySeconds": Number(execute.median),
            "P95LatencySeconds": Number(execute.p95),
            "MaxWaitSeconds": 0,
            "MeanWaitSeconds": 0,
            "MedianWaitSeconds": 0,
            "P95WaitSeconds": 0,
        );
        to.end()
    }
}

/// A batch of observed servers that was written behind.
#[derive(Clone, Copy, Debug)]
pub struct FlushFigure {
    /// When.
    pub at: Timestamp,
    /// Servers in it.
    pub instances: usize,
    /// Time for which the first of them had waited, at most.
    pub wait: Duration,
    /// Time until it was written.
    pub write: Duration,
}

impl Serialize for FlushFigure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut to = serializer.serialize_struct("WriteBufferMetric", 4)?;
        fields!(to;
            "Timestamp": self.at.to_iso_text_with_micros(),
            "Instances": self.instances,
            "WaitLatency": nanoseconds(self.wait),
            "WriteLatency": nanoseconds(self.write),
        );
        to.end()
    }
}

/// Statistics of batches.
#[derive(Clone, Copy, Debug)]
pub struct FlushStatistics<'a> {
    /// The batches.
    pub flushes: &'a [FlushFigure],
    /// `InstanceWriteBufferSize`.
    pub buffer: u32,
    /// `InstanceFlushIntervalMilliseconds`.
    pub interval: Duration,
}

impl Serialize for FlushStatistics<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let of = |read: fn(&FlushFigure) -> f64| Statistics::of(self.flushes.iter().map(read).collect());
        let instances = of(|flush| flush.instances as f64);
        let (wait, write) = (of(|flush| flush.wait.as_secs_f64()), of(|flush| flush.write.as_secs_f64()));
        let mut to = serializer.serialize_struct("AggregatedWriteBufferMetrics", 15)?;
        fields!(to;
            "InstanceWriteBufferSize": self.buffer,
            "InstanceFlushIntervalMilliseconds": self.interval.as_millis() as u64,
            "CountInstances": self.flushes.iter().map(|flush| flush.instances).sum::<usize>(),
            "MaxInstances": Number(instances.max),
            "MeanInstances": Number(instances.mean),
            "MedianInstances": Number(instances.median),
            "P95Instances": Number(instances.p95),
            "MaxWaitSeconds": Number(wait.max),
            "MeanWaitSeconds": Number(wait.mean),
            "MedianWaitSeconds": Number(wait.median),
            "P95WaitSeconds": Number(wait.p95),
            "MaxWriteSeconds": Number(write.max),
            "MeanWriteSeconds": Number(write.mean),
            "MedianWriteSeconds": Number(write.median),
            "P95WriteSeconds": Number(write.p95),
        );
        to.end()
    }
}

fn nanoseconds(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

/// A number as clients know it: without a point when it is whole.
#[derive(Clone, Copy, Debug)]
struct Number(f64);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let whole = self.0.trunc();
        if self.0 == whole && whole.abs() < 1e15 {
            serializer.serialize_i64(whole as i64)
        } else {
            serializer.serialize_f64(self.0)
        }
    }
}

/// Statistics of numbers; all 0 without any.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Statistics {
    min: f64,
    mean: f64,
    max: f64,
    median: f64,
    p95: f64,
}

impl Statistics {
    fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let (Some(min), Some(max)) = (values.first(), values.last()) else { return Self::default() };
        let count = values.len();
        Self {
            min: *min,
            mean: values.iter().sum::<f64>() / count as f64,
            max: *max,
            median: (values[(count - 1) / 2] + values[count / 2]) / 2.0,
            p95: percentile_95(&values),
        }
    }

    /// In the order of the names of statistics of reads.
    fn get(&self, at: usize) -> f64 {
        [self.mean, self.max, self.median, self.p95][at]
    }
}

/// Of sorted values: the one at 0.95 of their number, or the mean of the two around it.
fn percentile_95(values: &[f64]) -> f64 {
    let hundredths = values.len() * 95;
    let (whole, is_exact) = (hundredths / 100, hundredths.is_multiple_of(100));
    let Some(below) = whole.checked_sub(1) else { return values[0] };
    if is_exact { values[below] } else { (values[below] + values[whole]) / 2.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_are_those_that_graphs_know() {
        assert_eq!(Statistics::of(Vec::new()), Statistics::default());
        let one = Statistics::of(vec![3.0]);
        assert_eq!((one.min, one.mean, one.max, one.median, one.p95), (3.0, 3.0, 3.0, 3.0, 3.0));
        let four = Statistics::of(vec![4.0, 1.0, 3.0, 2.0]);
        assert_eq!((four.min, four.mean, four.max, four.median, four.p95), (1.0, 2.5, 4.0, 2.5, 3.5));
        let twenty = Statistics::of((1..=20).map(f64::from).collect());
        assert_eq!(twenty.p95, 19.0, "0.95 of 20 is whole");
    }

    #[test]
    fn whole_numbers_have_no_point() {
        let text = |value| crate::wire::to_json(&Number(value));
        assert_eq!((text(0.0), text(3.0), text(0.5)), ("0".into(), "3".into(), "0.5".into()));
    }
}
