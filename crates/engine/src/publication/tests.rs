//! The way to one store, on simulated time: what is tried when, and what the store is told in which order.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use ports::{ClusterPairs, Deadline, PublishError, PublishedStore};
use tokio::time::{Instant, advance};

use super::lane::Lane;

/// A store in memory. It notes who was published together, fails for some, and hangs.
#[derive(Default)]
struct Memory {
    content: Mutex<BTreeMap<String, String>>,
    rounds: Mutex<Vec<Vec<String>>>,
    refused: Mutex<Vec<String>>,
    is_hanging: AtomicBool,
}

fn lock<T>(of: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl PublishedStore for Memory {
    fn name(&self) -> &str {
        "memory"
    }

    async fn publish(
        &self,
        clusters: &[ClusterPairs],
        deadline: Deadline,
    ) -> Vec<Result<usize, PublishError>> {
        lock(&self.rounds).push(clusters.iter().map(|cluster| cluster.alias.clone()).collect());
        let is_hanging = self.is_hanging.load(Ordering::Relaxed);
        if is_hanging {
            tokio::time::sleep_until(deadline.instant()).await;
        }
        clusters
            .iter()
            .map(|cluster| {
                if is_hanging || lock(&self.refused).contains(&cluster.alias) {
                    return Err(PublishError { store: "memory".to_owned(), message: "down".to_owned() });
                }
                lock(&self.content).extend(cluster.pairs.iter().cloned());
                Ok(cluster.pairs.len())
            })
            .collect()
    }
}

fn cluster(alias: &str, primary: &str) -> ClusterPairs {
    ClusterPairs { alias: alias.to_owned(), pairs: vec![(alias.to_owned(), primary.to_owned())] }
}

fn lane() -> (Arc<Memory>, Lane) {
    let memory = Arc::new(Memory::default());
    (memory.clone(), Lane::new(memory))
}

fn refuse(memory: &Memory, aliases: &[&str]) {
    *lock(&memory.refused) = aliases.iter().map(|alias| (*alias).to_owned()).collect();
}

fn stored(memory: &Memory, key: &str) -> Option<String> {
    lock(&memory.content).get(key).cloned()
}

/// How long it takes until the next attempt is due.
async fn pause(lane: &Lane) -> Duration {
    let begin = Instant::now();
    lane.wait_due().await;
    begin.elapsed()
}

#[tokio::test(start_paused = true)]
async fn what_is_newer_takes_the_place_of_what_waits() {
    let (memory, lane) = lane();
    lane.add(cluster("shop", "db1"), None);
    lane.add(cluster("shop", "db2"), None);
    lane.publish().await;
    assert_eq!(stored(&memory, "shop").as_deref(), Some("db2"));
    assert_eq!(lock(&memory.rounds).len(), 1);
    assert_eq!(lane.waiting(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_a_store_holds_is_not_published_again_until_it_is_verified() {
    let (_memory, lane) = lane();
    assert!(lane.wants("shop", "db1"));
    lane.add(cluster("shop", "db1"), None);
    assert!(!lane.wants("shop", "db1"), "it waits already");
    lane.publish().await;
    assert!(!lane.wants("shop", "db1"));
    assert!(lane.wants("shop", "db2"), "another primary");
    advance(Duration::from_secs(601)).await;
    assert!(lane.wants("shop", "db1"), "somebody may have changed it");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_is_tried_less_and_less_often() {
    let (memory, lane) = lane();
    refuse(&memory, &["shop"]);
    lane.add(cluster("shop", "db1"), None);
    let mut pauses = Vec::new();
    for _ in 0..6 {
        pauses.push(pause(&lane).await.as_secs());
        lane.publish().await;
    }
    assert_eq!(pauses, [0, 1, 2, 4, 8, 10]);
    refuse(&memory, &[]);
    lane.wait_due().await;
    lane.publish().await;
    assert_eq!(stored(&memory, "shop").as_deref(), Some("db1"), "it arrives when the store is back");
    lane.add(cluster("shop", "db2"), None);
    assert_eq!(pause(&lane).await, Duration::ZERO, "the pauses are over");
}

#[tokio::test(start_paused = true)]
async fn a_new_primary_waits_for_no_pause() {
    let (memory, lane) = lane();
    refuse(&memory, &["old"]);
    lane.add(cluster("old", "db1"), None);
    for _ in 0..4 {
        lane.wait_due().await;
        lane.publish().await;
    }
    lane.add(cluster("shop", "db2"), Some("recovery"));
    assert_eq!(pause(&lane).await, Duration::ZERO);
    let ended = lane.publish().await;
    assert_eq!(ended.iter().map(|one| one.recovery.as_deref()).collect::<Vec<_>>(), [Some("recovery")]);
    assert_eq!(stored(&memory, "shop").as_deref(), Some("db2"));
}

#[tokio::test(start_paused = true)]
async fn a_new_primary_shares_its_time_with_no_other_cluster() {
    let (memory, lane) = lane();
    for number in 0..100 {
        lane.add(cluster(&format!("c{number}"), "db1"), None);
    }
    lane.add(cluster("shop", "db2"), Some("recovery"));
    while lane.waiting() > 0 {
        lane.publish().await;
    }
    let sizes: Vec<usize> = lock(&memory.rounds).iter().map(Vec::len).collect();
    assert_eq!(sizes, [1, 32, 32, 32, 4]);
    assert_eq!(lock(&memory.rounds)[0], ["shop"]);
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_is_refused_keeps_no_other_one_waiting() {
    let (memory, lane) = lane();
    refuse(&memory, &["bad"]);
    lane.add(cluster("bad", "db1"), Some("recovery"));
    lane.publish().await;
    lane.add(cluster("good", "db2"), None);
    lane.publish().await;
    assert_eq!(stored(&memory, "good").as_deref(), Some("db2"));
    assert_eq!(lane.last_error("bad").as_deref(), Some("down"));
    assert_eq!(lane.last_error("good"), None);
}

#[tokio::test(start_paused = true)]
async fn who_asked_for_it_may_go_and_it_is_published_all_the_same() {
    let (memory, lane) = lane();
    memory.is_hanging.store(true, Ordering::Relaxed);
    lane.add(cluster("shop", "db1"), None);
    let left = tokio::time::timeout(Duration::from_secs(1), lane.publish()).await;
    assert!(left.is_err(), "it hangs");
    assert_eq!(lane.waiting(), 1);
    memory.is_hanging.store(false, Ordering::Relaxed);
    lane.publish().await;
    assert_eq!(stored(&memory, "shop").as_deref(), Some("db1"));
}

#[tokio::test(start_paused = true)]
async fn hooks_wait_a_moment_for_a_store_that_hangs_and_not_at_all_for_one_that_fails() {
    let (memory, lane) = lane();
    let wait = async |limit: u64| {
        let begin = Instant::now();
        lane.wait_told("shop", Duration::from_millis(limit)).await;
        begin.elapsed()
    };
    memory.is_hanging.store(true, Ordering::Relaxed);
    lane.add(cluster("shop", "db1"), Some("recovery"));
    let (waited, _) = tokio::join!(wait(500), lane.publish());
    assert_eq!(waited, Duration::from_millis(500));
    assert_eq!(wait(500).await, Duration::ZERO, "it is known to fail now");
}

#[tokio::test(start_paused = true)]
async fn only_what_changed_is_news() {
    let (memory, lane) = lane();
    let news = async |lane: &Lane| {
        lane.wait_due().await;
        lane.publish().await.iter().map(|one| one.is_news).collect::<Vec<_>>()
    };
    refuse(&memory, &["shop"]);
    lane.add(cluster("shop", "db1"), None);
    assert_eq!(news(&lane).await, [true]);
    assert_eq!(news(&lane).await, [false], "the same failure once more");
    refuse(&memory, &[]);
    assert_eq!(news(&lane).await, [true], "it is well again");
}
