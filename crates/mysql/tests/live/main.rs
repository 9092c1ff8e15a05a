//! Reading, acting and watching on real MySQL and MariaDB servers.

mod accounts;
mod acting;
mod faults;
mod positions;
mod reading;
mod relay;
mod sha256;
mod tls;
mod versions;
mod world;

lab::on_both_families!(
    reading::a_read_tells_what_the_servers_tell,
    reading::a_repeated_read_takes_one_round_trip,
    reading::the_operators_queries_are_answered,
    reading::missing_privileges_leave_a_read_incomplete,
    reading::unreadable_replication_never_looks_like_a_primary,
    reading::refusals_are_told_apart,
    faults::a_killed_server_is_heard_at_once,
    faults::a_hung_server_is_late_and_then_lost,
    faults::a_killed_statement_is_no_lost_server,
    faults::a_server_that_hangs_finds_the_fence_when_it_goes_on,
    faults::a_hung_server_costs_no_more_than_the_deadline,
    faults::closed_idle_connections_are_replaced,
    acting::a_reconnecting_receiver_loses_nothing,
    acting::threads_stop_and_start_and_may_do_so_twice,
    acting::a_server_becomes_read_only_and_writable,
    acting::read_only_gives_up_behind_a_lock,
    acting::a_replica_is_detached_and_attached_again,
    acting::a_replica_is_reset_and_set_up_again,
    acting::semi_sync_sides_are_switched,
    acting::a_dry_run_changes_nothing,
    acting::credentials_come_from_the_query_or_the_server,
    positions::a_replica_changes_its_source_and_keeps_its_settings,
    positions::a_former_primary_becomes_a_replica,
    positions::waits_end_when_done_when_stopped_and_when_late,
    positions::replicas_without_gtid_move_by_file_and_position,
);

lab::on_other_versions!(
    accounts::every_plugin_lets_the_right_password_in,
    versions::a_read_tells_what_the_server_tells,
    versions::a_replica_is_stopped_waited_for_and_moved,
    versions::a_receiver_that_reconnects_in_vain_is_soon_stopped,
    versions::a_replica_by_file_and_position_is_moved,
);
