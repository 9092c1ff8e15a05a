//! When a source that answers nobody is tested by letting its replicas reconnect.
//!
//! With the servers' default time-outs a receiver takes itself for connected to a hung source for a minute, and a source
//! with nothing to send owes a heartbeat only every thirty seconds. Nothing that is read then tells a hung source from an
//! idle one that only orchestrator cannot reach. A receiver that connects anew tells at once: a living source takes it back
//! within milliseconds.
//!
//! The test costs a living source one short interruption of an idle channel. It begins with a single replica, so that a
//! semi-sync primary keeps the others.

use std::time::Duration;

use model::{CheckFailure, Fleet, Instance, InstanceKey, Timestamp, is_turned_away};

/// A receiver that got something within this time proves that its source lives; then nothing is to be tested.
pub const STILL: Duration = Duration::from_secs(2);
/// Heartbeats that are missed sooner than this need no test.
const SOON_TOLD: Duration = Duration::from_secs(4);

/// Fatal error while the source reads its binary log for a replica; since MySQL 8.0 also under a number of its own.
const SOURCE_CANNOT_SEND: u32 = 1236;
const SOURCE_CANNOT_SEND_NOW: u32 = 13_114;

/// Whose receivers are to reconnect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiverTest {
    /// The one that does so first: if it succeeds, the source lives.
    pub first: InstanceKey,
    /// All others that are connected.
    pub others: Vec<InstanceKey>,
}

/// The test of a source, if there is anything to learn from one: the source cannot be read, and its replicas are
/// connected, but not one of them received anything for [`STILL`], and heartbeats will not tell soon. `None` as well if one
/// of the connected replicas must be left alone, because it would go on being taken for proof of life. A source that turns
/// us away lives, and would turn its replicas away as well: that is no test but the end of its replication.
pub fn receiver_test(fleet: &Fleet, source: &InstanceKey, now: Timestamp) -> Option<ReceiverTest> {
    let turns_us_away = fleet.failed_checks.get(source).is_some_and(|check| {
        matches!(check.failure, CheckFailure::ConnectionLimit | CheckFailure::AccessDenied)
    });
    if fleet.get(source)?.is_last_check_valid() || turns_us_away || fleet.is_downtimed(source, now) {
        return None;
    }
    let mut connected: Vec<&Instance> = fleet
        .replicas_of(source)
        .map(AsRef::as_ref)
        .filter(|replica| replica.is_last_check_valid() && replica.is_receiving())
        .collect();
    let may_learn = connected.iter().all(|replica| {
        is_still(replica)
            && may_reconnect(replica)
            && !fleet.is_downtimed(&replica.key, now)
            && !fleet.maintenance.contains_key(&replica.key)
    });
    if !may_learn {
        return None;
    }
    connected.sort_by_key(|replica| (replica.semi_sync.replica_enabled, replica.key.clone()));
    let mut keys = connected.into_iter().map(|replica| replica.key.clone());
    Some(ReceiverTest { first: keys.next()?, others: keys.collect() })
}

/// The source of a receiver that was started anew has answered it: it took it back, turned it away, or would not send it
/// what it asked for. The dead and the hung do none of that. The others need not be tested then.
pub fn is_answered(replica: &Instance) -> bool {
    let error = replica.replication.last_io_errno;
    replica.is_receiving()
        || is_turned_away(error)
        || matches!(error, SOURCE_CANNOT_SEND | SOURCE_CANNOT_SEND_NOW)
}

fn is_still(replica: &Instance) -> bool {
    let replication = &replica.replication;
    replication.receiver_idle >= STILL && replication.silence_limit().is_none_or(|limit| limit > SOON_TOLD)
}

/// Restarting the receiver loses nothing that was received. MariaDB with GTID throws the relay log away when a receiver is
/// started while the applier is stopped. With the applier running it goes on behind what it has.
pub fn may_reconnect(replica: &Instance) -> bool {
    !replica.replication.mariadb_gtid || replica.replication.sql_thread.is_running()
}

#[cfg(test)]
mod tests {
    use model::{FailedCheck, ThreadState};

    use super::*;
    use crate::scenario::{Scenario, key};

    fn test_of(text: &str) -> Option<(String, Vec<String>)> {
        let scenario = Scenario::parse(text);
        let test = receiver_test(&scenario.fleet, &key("p"), scenario.now)?;
        let others = test.others.iter().map(|key| key.hostname().to_owned()).collect();
        Some((test.first.hostname().to_owned(), others))
    }

    #[test]
    fn connected_and_still_replicas_of_an_unreadable_source_reconnect_one_before_the_others() {
        let expected = Some(("b".to_owned(), vec!["a".to_owned(), "c".to_owned()]));
        let text = "p down=3s\na <- p still_receiver=2s semi_replica\nb <- p still_receiver=9s heartbeat=30s\n\
             c <- p still_receiver=3s semi_replica\nd <- p io=connecting\ne <- p down=9s";
        assert_eq!(test_of(text), expected);
    }

    #[test]
    fn a_source_that_turns_us_away_is_not_tested() {
        let mut scenario = Scenario::parse("p down=3s\na <- p still_receiver=9s");
        for (failure, is_tested) in [
            (CheckFailure::ConnectionLimit, false),
            (CheckFailure::AccessDenied, false),
            (CheckFailure::Silent, true),
            (CheckFailure::Refused, true),
        ] {
            let check = FailedCheck { at: scenario.now, failure, number: None };
            scenario.fleet.failed_checks.insert(key("p"), check);
            let test = receiver_test(&scenario.fleet, &key("p"), scenario.now);
            assert_eq!(test.is_some(), is_tested, "{failure:?}");
        }
    }

    #[test]
    fn a_receiver_that_is_turned_away_has_an_answer() {
        let mut replica = Instance::unknown(key("r"));
        for (number, is_answer) in [(0, false), (2003, false), (2013, false), (1040, true), (13_114, true)] {
            replica.replication.last_io_errno = number;
            assert_eq!(is_answered(&replica), is_answer, "{number}");
        }
        replica.replication.last_io_errno = 0;
        replica.replication.io_thread = ThreadState::Running;
        assert!(is_answered(&replica));
    }

    #[test]
    fn nothing_is_tested_where_nothing_can_be_learned() {
        let still = "a <- p still_receiver=9s";
        for (why, text) in [
            ("the source answers", format!("p\n{still}")),
            ("the source is downtimed", format!("p down=3s downtime=60s\n{still}")),
            ("one replica received", format!("p down=3s\n{still}\nb <- p still_receiver=1s")),
            ("heartbeats will tell", "p down=3s\na <- p still_receiver=2s heartbeat=1s".to_owned()),
            ("nobody is connected", "p down=3s\na <- p io=connecting".to_owned()),
            ("one is downtimed", format!("p down=3s\n{still}\nb <- p still_receiver=9s downtime=60s")),
            ("one is in maintenance", format!("p down=3s\n{still}\nb <- p still_receiver=9s maintenance")),
            (
                "a relay log would be lost",
                format!("p down=3s\n{still}\nb <- p family=mariadb still_receiver=9s sql=stopped"),
            ),
        ] {
            assert_eq!(test_of(&text), None, "{why}");
        }
        let mysql = "p down=3s\na <- p still_receiver=9s sql=stopped";
        assert!(test_of(mysql).is_some());
    }
}
