//! The cause of a failure: what the evidence names, beside the verdict that counts replicas.
//!
//! A cause never makes or unmakes a verdict. It tells the person on call whether to look for a dead process, a full
//! disk or an exhausted connection limit, and it says who saw what, and when.

use std::time::Duration;

use model::{
    AnalysisPolicy, Cause, CheckFailure, Diagnosis, Evidence, Fleet, Instance, Timestamp,
    is_connection_limit, is_disk_full,
};

use super::facts::{is_readable, replicas};

/// The cause of trouble with a server; `None` when nothing points to one. The first of [`Cause::ALL`] that anything
/// speaks for, with all that speaks for it.
pub fn diagnose(
    fleet: &Fleet,
    instance: &Instance,
    policy: &AnalysisPolicy,
    now: Timestamp,
) -> Option<Diagnosis> {
    let case = Case { fleet, instance, policy, now };
    Cause::ALL.iter().find_map(|cause| {
        let evidence = case.evidence_for(*cause);
        (!evidence.is_empty()).then_some(Diagnosis { cause: *cause, evidence })
    })
}

struct Case<'a> {
    fleet: &'a Fleet,
    instance: &'a Instance,
    policy: &'a AnalysisPolicy,
    now: Timestamp,
}

impl Case<'_> {
    fn evidence_for(&self, cause: Cause) -> Vec<Evidence> {
        let check = |failure| self.failed_check(failure).into_iter().collect::<Vec<_>>();
        match cause {
            Cause::DiskFull => {
                let own = self.failed_check(CheckFailure::DiskFull);
                own.into_iter().chain(self.failed_write(is_full)).chain(self.own_applier()).collect()
            }
            Cause::ConnectionLimit => {
                let own = self.failed_check(CheckFailure::ConnectionLimit);
                own.into_iter().chain(self.turned_away()).collect()
            }
            Cause::ProcessGone => check(CheckFailure::Refused),
            Cause::Frozen => check(CheckFailure::Silent).into_iter().chain(self.hanging()).collect(),
            Cause::HostGone => check(CheckFailure::Unanswered),
            Cause::AccountRefused => check(CheckFailure::AccessDenied),
            Cause::CommitsHang => {
                self.failed_write(|failure| failure == CheckFailure::Silent).into_iter().collect()
            }
            // What hangs and what is full was asked for before.
            Cause::WritesRefused => self.failed_write(|_| true).into_iter().collect(),
            Cause::ApplierStuck => self.idle_applier().into_iter().collect(),
        }
    }

    /// The last check of the server failed in this way.
    fn failed_check(&self, failure: CheckFailure) -> Option<Evidence> {
        let failed = self.fleet.failed_checks.get(&self.instance.key)?;
        let is_current = !self.instance.is_last_check_valid() && failed.failure == failure;
        is_current.then(|| Evidence {
            source: self.instance.key.clone(),
            at: Some(failed.at),
            text: format!("the server {failed}"),
        })
    }

    /// A read of it has begun and does not end, although the check before it was well.
    fn hanging(&self) -> Option<Evidence> {
        let (attempted, seen) = (self.instance.last_attempted_check?, self.instance.last_seen?);
        let limit = self.policy.poll + self.policy.reasonable_check;
        let hangs = self.instance.is_last_check_valid() && attempted > seen + limit;
        hangs.then(|| Evidence {
            source: self.instance.key.clone(),
            at: Some(attempted),
            text: "a check has begun and is not answered".to_owned(),
        })
    }

    /// Replicas that the server turned away because it has no connection left.
    fn turned_away(&self) -> impl Iterator<Item = Evidence> {
        let readable = replicas(self.fleet, &self.instance.key)
            .filter(|replica| is_readable(replica, self.policy, self.now));
        readable.filter(|replica| !replica.receiver_runs()).filter_map(|replica| {
            let number = replica.replication.last_io_errno;
            is_connection_limit(number).then(|| Evidence {
                source: replica.key.clone(),
                at: replica.last_seen,
                text: format!("its receiver was turned away (error {number})"),
            })
        })
    }

    /// Its own applier stopped because the disk is full.
    fn own_applier(&self) -> Option<Evidence> {
        let replication = &self.instance.replication;
        let number = replication.last_sql_errno;
        let is_stopped = !replication.sql_thread.is_running() && is_disk_full(number);
        is_stopped.then(|| Evidence {
            source: self.instance.key.clone(),
            at: self.instance.last_seen,
            text: format!("its applier stopped with error {number}"),
        })
    }

    fn failed_write(&self, is_meant: impl Fn(CheckFailure) -> bool) -> Option<Evidence> {
        let failed = self.fleet.failed_writes.get(&self.instance.key)?;
        (failed.is_proven() && is_meant(failed.failure)).then(|| {
            let how = match (failed.failure, failed.number) {
                (CheckFailure::Silent, _) => "did not return in time".to_owned(),
                (_, Some(number)) => format!("failed with error {number}"),
                (failure, None) => format!("failed: the server {}", failure.text()),
            };
            Evidence {
                source: self.instance.key.clone(),
                at: Some(failed.at),
                text: format!("{} trial writes in a row {how}", failed.failures),
            }
        })
    }

    fn idle_applier(&self) -> Option<Evidence> {
        let replication = &self.instance.replication;
        let limit = Duration::from_secs(u64::try_from(self.policy.reasonable_lag_seconds).unwrap_or(0));
        let is_stuck = replication.sql_thread.is_running() && replication.applier_idle > limit;
        is_stuck.then(|| Evidence {
            source: self.instance.key.clone(),
            at: self.instance.last_seen,
            text: format!(
                "its applier runs, and applied nothing of what waits for it for {} s",
                replication.applier_idle.as_secs()
            ),
        })
    }
}

fn is_full(failure: CheckFailure) -> bool {
    failure == CheckFailure::DiskFull
}
