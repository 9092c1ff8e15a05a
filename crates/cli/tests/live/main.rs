//! The daemon over real MySQL and MariaDB servers.

mod failover;
mod world;

/// Each scenario runs on both families.
macro_rules! on_both_families {
    ($($scenario:ident),+ $(,)?) => {
        mod mysql {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $scenario() -> anyhow::Result<()> {
                crate::failover::$scenario(lab::Family::MySql).await
            })+
        }
        mod mariadb {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $scenario() -> anyhow::Result<()> {
                crate::failover::$scenario(lab::Family::MariaDb).await
            })+
        }
    };
}

on_both_families!(
    a_killed_primary_is_replaced,
    a_hung_primary_is_replaced,
    a_primary_cut_off_only_from_the_daemon_stays,
    a_second_failure_within_the_block_period_waits_for_a_person,
    a_downtimed_primary_is_left_alone,
    nothing_is_recovered_while_recoveries_are_switched_off,
    failing_hooks_stop_only_what_they_may_stop,
    a_failing_hook_before_the_failover_stops_it,
    a_daemon_that_dies_in_a_recovery_is_succeeded,
);
