//! The daemon over real MySQL and MariaDB servers.

mod crashes;
mod failover;
mod fidelity;
mod legacy;
mod operations;
mod places;
mod publication;
mod reload;
mod takeovers;
mod versions;
mod world;

lab::on_both_families!(
    failover::a_killed_primary_is_replaced,
    failover::a_cluster_alias_follows_the_primary,
    failover::a_hung_primary_is_replaced,
    failover::a_hung_primary_with_one_replica_is_replaced,
    failover::a_former_primary_that_returns_is_closed,
    failover::a_kill_loses_no_acknowledged_row,
    failover::a_hang_loses_no_acknowledged_row,
    failover::a_primary_cut_off_only_from_the_daemon_stays,
    failover::a_second_failure_within_the_block_period_waits_for_a_person,
    failover::a_downtimed_primary_is_left_alone,
    failover::a_downtime_by_command_counts_at_once,
    failover::nothing_is_recovered_while_recoveries_are_switched_off,
    failover::failing_hooks_stop_only_what_they_may_stop,
    failover::a_failing_hook_before_the_failover_stops_it,
    failover::half_a_transaction_holds_nobody_up,
    crashes::a_daemon_that_dies_in_a_hook_is_succeeded,
    crashes::a_daemon_that_dies_while_draining_is_succeeded,
    crashes::a_daemon_that_dies_in_a_takeover_opens_the_primary,
    legacy::replicas_take_the_place_of_their_source,
    operations::a_discovered_server_is_polled,
    operations::replicas_are_relocated,
    operations::sources_and_replicas_change_places,
    operations::replicas_without_gtid_are_moved,
    operations::single_servers_are_changed,
    operations::failed_and_errant_transactions_are_handled,
    operations::commands_move_replicas,
    operations::commands_move_replicas_on_a_shared_backend,
    places::places_in_logs_are_found_on_other_servers,
    places::what_a_command_changed_is_seen_at_once,
    places::virtual_names_are_told_to_replicas,
    publication::stores_name_the_new_primary,
    publication::stores_that_fail_delay_no_failover,
    takeovers::answers_show_what_was_done,
    takeovers::plans_are_shown_before_they_run,
    takeovers::siblings_move_before_the_hooks,
    takeovers::unknown_successors_are_refused,
    takeovers::a_semi_sync_pair_changes_places,
    reload::a_changed_password_is_taken_over,
    fidelity::topology_texts_are_exact,
    fidelity::instances_tell_what_servers_tell,
    fidelity::answers_have_the_fields_that_clients_know,
);

lab::on_other_versions!(
    versions::the_primary_is_replaced_by_fault_and_by_plan,
    versions::the_primary_is_replaced_by_file_and_position,
    versions::half_a_transaction_holds_nobody_up,
);
