//! What the daemon finds out about real servers in trouble, and what it leaves alone, under write load.

mod grey;
mod group;
mod semi_sync;
mod timing;
mod topology;
#[allow(dead_code, reason = "what other live tests ask is not all asked here")]
#[path = "../live/world.rs"]
mod world;

lab::on_both_families!(
    grey::an_exhausted_connection_limit_is_named_and_nobody_is_replaced,
    grey::a_frozen_primary_is_named,
    grey::a_full_disk_is_seen_by_trial_writes,
    semi_sync::a_locked_primary_is_unlocked,
    semi_sync::surplus_acknowledgements_are_switched_off,
    topology::a_killed_primary_is_known_to_be_dead_at_once,
    topology::stopped_appliers_are_no_death,
    topology::a_primary_cut_off_from_the_daemon_alone_stays,
    topology::a_primary_cut_off_from_everyone_is_replaced,
    topology::replicas_of_a_killed_intermediate_primary_are_moved,
    topology::a_killed_co_primary_is_replaced_by_the_other,
    topology::replicas_that_all_break_at_once_are_no_reason_for_a_failover,
);
