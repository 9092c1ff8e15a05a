//! Read-only and semi-synchronous switches.

use model::Threads;
use ports::ErrorClass;

use super::Work;
use crate::errors::Failure;
use crate::probe::Naming;
use crate::tables::is_on;

/// Sets or clears `read_only` and looks whether that took effect. Waiting for other sessions' locks ends with the
/// deadline.
pub(super) async fn read_only(work: &mut Work<'_>, on: bool, with_super: bool) -> Result<(), Failure> {
    let has_super = work.session.capabilities().super_read_only;
    let value = u8::from(on);
    let lock_wait = work.deadline.remaining().as_secs().max(1);
    let mut statements = vec![format!("set session lock_wait_timeout={lock_wait}")];
    if has_super && with_super && !on {
        statements.push("set global super_read_only=0".to_owned());
    }
    // `super_read_only` implies `read_only`: one wait for other sessions, and no state in between.
    let variable = if has_super && with_super && on { "super_read_only" } else { "read_only" };
    statements.push(format!("set global {variable}={value}"));
    work.change(statements.join("; ")).await?;
    let answer = work.ask(&format!("select @@global.read_only, @@global.{variable}")).await?;
    let is_set = |at| answer.first().and_then(|row| row.at(at)).is_some_and(|text| is_on(&text));
    if is_set(0) == on && is_set(1) == on {
        Ok(())
    } else {
        Err(Failure::own(ErrorClass::Server, format!("{variable} is still {}", u8::from(!on))))
    }
}

/// Switches the primary side. Switching off what is not installed succeeds.
pub(super) async fn semi_sync_primary(work: &mut Work<'_>, on: bool) -> Result<(), Failure> {
    let word = work.session.knowledge.semi_sync_primary.map(|naming| match naming {
        Naming::Old => "master",
        Naming::New => "source",
    });
    set_semi_sync(work, word, on).await.map(|_| ())
}

/// Switches the replica side, and reconnects a running receiver so that it takes effect.
pub(super) async fn semi_sync_replica(work: &mut Work<'_>, on: bool) -> Result<(), Failure> {
    let word = work.session.knowledge.semi_sync_replica.map(|naming| match naming {
        Naming::Old => "slave",
        Naming::New => "replica",
    });
    let has_changed = set_semi_sync(work, word, on).await?;
    let is_running = work.current().await?.is_some_and(|current| current.replication.io_thread.is_running());
    if has_changed && is_running {
        super::stop(work, Threads::Receiver).await?;
        super::start(work, Threads::Receiver).await?;
    }
    Ok(())
}

/// Sets the variable of one side unless it is as wanted; whether it was changed.
async fn set_semi_sync(work: &mut Work<'_>, side: Option<&str>, on: bool) -> Result<bool, Failure> {
    let Some(side) = side else {
        return if on {
            Err(Failure::own(ErrorClass::Server, "no semi-sync plugin is installed"))
        } else {
            Ok(false)
        };
    };
    let variable = format!("rpl_semi_sync_{side}_enabled");
    let answer = work.ask(&format!("select @@global.{variable}")).await?;
    if answer.first().and_then(|row| row.at(0)).is_some_and(|text| is_on(&text) == on) {
        return Ok(false);
    }
    work.change(format!("set global {variable}={}", u8::from(on))).await?;
    Ok(true)
}
