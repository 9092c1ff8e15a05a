-- Indexes under the names the original gives them on SQLite.

create index if not exists generated_at_idx_access_token
  on access_token (generated_at);
create unique index if not exists public_token_uidx_access_token
  on access_token (public_token);
create index if not exists is_successful_idx_agent_seed
  on agent_seed (is_successful, start_timestamp);
create index if not exists is_complete_idx_agent_seed
  on agent_seed (is_complete, start_timestamp);
create index if not exists start_timestamp_idx_agent_seed
  on agent_seed (start_timestamp);
create index if not exists source_hostname_idx_agent_seed
  on agent_seed (source_hostname, is_complete);
create index if not exists target_hostname_idx_agent_seed
  on agent_seed (target_hostname, is_complete);
create index if not exists agent_seed_idx_agent_seed_state
  on agent_seed_state (agent_seed_id, state_timestamp);
create index if not exists end_timestamp_idx_async_request
  on async_request (end_timestamp);
create index if not exists begin_timestamp_idx_async_request
  on async_request (begin_timestamp);
create index if not exists host_port_idx_audit
  on audit (hostname, port, audit_timestamp);
create index if not exists audit_timestamp_idx_audit
  on audit (audit_timestamp);
create index if not exists last_blocked_idx_blocked_topology_recovery
  on blocked_topology_recovery (last_blocked_timestamp);
create index if not exists cluster_blocked_idx_blocked_topology_recovery
  on blocked_topology_recovery (cluster_name, last_blocked_timestamp);
create index if not exists last_suggested_idx_candidate_database_instance
  on candidate_database_instance (last_suggested);
create index if not exists last_registered_idx_cluster_alias
  on cluster_alias (last_registered);
create unique index if not exists alias_uidx_cluster_alias
  on cluster_alias (alias);
create index if not exists last_registered_idx_cluster_domain_name
  on cluster_domain_name (last_registered);
create index if not exists domain_name_idx_cluster_domain_name
  on cluster_domain_name (domain_name);
create index if not exists suggested_cluster_alias_idx_database_instance
  on database_instance (suggested_cluster_alias);
create index if not exists master_host_port_idx_database_instance_database_instance
  on database_instance (master_host, master_port);
create index if not exists last_seen_idx_database_instance
  on database_instance (last_seen);
create index if not exists last_checked_idx_database_instance
  on database_instance (last_checked);
create index if not exists cluster_name_idx_database_instance
  on database_instance (cluster_name);
create index if not exists instance_timestamp_idx_database_instance_analysis_changelog
  on database_instance_analysis_changelog (hostname, port, analysis_timestamp);
create index if not exists analysis_timestamp_idx_database_instance_analysis_changelog
  on database_instance_analysis_changelog (analysis_timestamp);
create index if not exists last_seen_idx_database_instance_binlog_files_history
  on database_instance_binlog_files_history (last_seen);
create unique index if not exists hostname_port_file_idx_database_instance_binlog_files_history
  on database_instance_binlog_files_history (hostname, port, binary_log_file);
create index if not exists recorded_timestmp_idx_database_instance_coordinates_history
  on database_instance_coordinates_history (recorded_timestamp);
create index if not exists hostname_port_recorded_idx_database_instance_coordinates_history
  on database_instance_coordinates_history (hostname, port, recorded_timestamp);
create index if not exists end_timestamp_idx_database_instance_downtime
  on database_instance_downtime (end_timestamp);
create index if not exists analysis_timestamp_idx_database_instance_last_analysis
  on database_instance_last_analysis (analysis_timestamp);
create index if not exists process_started_at_idx_database_instance_long_running_queries
  on database_instance_long_running_queries (process_started_at);
create index if not exists active_end_timestamp_idx_database_instance_maintenance
  on database_instance_maintenance (maintenance_active, end_timestamp);
create index if not exists active_timestamp_idx_database_instance_maintenance
  on database_instance_maintenance (maintenance_active, begin_timestamp);
create unique index if not exists maintenance_uidx_database_instance_maintenance
  on database_instance_maintenance (maintenance_active, hostname, port);
create index if not exists pool_idx_database_instance_pool
  on database_instance_pool (pool);
create index if not exists current_seen_idx_database_instance_recent_relaylog_history
  on database_instance_recent_relaylog_history (current_seen);
create index if not exists first_seen_idx_database_instance_stale_binlog_coordinates
  on database_instance_stale_binlog_coordinates (first_seen);
create index if not exists tag_name_idx_database_instance_tags
  on database_instance_tags (tag_name);
create index if not exists cluster_name_idx_database_instance_topology_history
  on database_instance_topology_history (snapshot_unix_timestamp, cluster_name);
create index if not exists last_seen_idx_host_agent
  on host_agent (last_seen);
create index if not exists last_checked_idx_host_agent
  on host_agent (last_checked);
create index if not exists last_submitted_idx_host_agent
  on host_agent (last_submitted);
create index if not exists token_idx_host_agent
  on host_agent (token);
create index if not exists expire_timestamp_idx_host_attributes
  on host_attributes (expire_timestamp);
create index if not exists submit_timestamp_idx_host_attributes
  on host_attributes (submit_timestamp);
create index if not exists attribute_value_idx_host_attributes
  on host_attributes (attribute_value);
create index if not exists attribute_name_idx_host_attributes
  on host_attributes (attribute_name);
create index if not exists resolved_timestamp_idx_hostname_resolve
  on hostname_resolve (resolved_timestamp);
create index if not exists resolved_timestamp_idx_hostname_resolve_history
  on hostname_resolve_history (resolved_timestamp);
create index if not exists hostname_idx_hostname_resolve_history
  on hostname_resolve_history (hostname);
create index if not exists last_registered_idx_hostname_unresolve
  on hostname_unresolve (last_registered);
create index if not exists unresolved_hostname_idx_hostname_unresolve
  on hostname_unresolve (unresolved_hostname);
create index if not exists last_registered_idx_hostname_unresolve_history
  on hostname_unresolve_history (last_registered);
create index if not exists hostname_idx_hostname_unresolve_history
  on hostname_unresolve_history (hostname);
create index if not exists last_suggested_idx_master_position_equivalence
  on master_position_equivalence (last_suggested);
create index if not exists master2_idx_master_position_equivalence
  on master_position_equivalence (master2_hostname, master2_port, master2_binary_log_file, master2_binary_log_pos);
create unique index if not exists equivalence_uidx_master_position_equivalence
  on master_position_equivalence (master1_hostname, master1_port, master1_binary_log_file, master1_binary_log_pos, master2_hostname, master2_port);
create index if not exists last_seen_active_idx_node_health
  on node_health (last_seen_active);
create unique index if not exists hostname_token_idx_node_health_history
  on node_health_history (hostname, token);
create index if not exists first_seen_active_idx_node_health_history
  on node_health_history (first_seen_active);
create unique index if not exists snapshot_name_uidx_raft_snapshot
  on raft_snapshot (snapshot_name);
create index if not exists store_key_idx_raft_store
  on raft_store (store_key);
create unique index if not exists host_port_active_recoverable_uidx_topology_failure_detection
  on topology_failure_detection (hostname, port, in_active_period, end_active_period_unixtime, is_actionable);
create index if not exists in_active_start_period_idx_topology_failure_detection
  on topology_failure_detection (in_active_period, start_active_period);
create index if not exists uid_idx_topology_recovery
  on topology_recovery (uid);
create index if not exists last_detection_idx_topology_recovery
  on topology_recovery (last_detection_id);
create index if not exists acknowledged_idx_topology_recovery
  on topology_recovery (acknowledged, acknowledged_at);
create index if not exists end_recovery_idx_topology_recovery
  on topology_recovery (end_recovery);
create index if not exists cluster_name_in_active_idx_topology_recovery
  on topology_recovery (cluster_name, in_active_period);
create unique index if not exists hostname_port_active_period_uidx_topology_recovery
  on topology_recovery (hostname, port, in_active_period, end_active_period_unixtime);
create index if not exists start_active_period_idx_topology_recovery
  on topology_recovery (start_active_period);
create index if not exists in_active_start_period_idx_topology_recovery
  on topology_recovery (in_active_period, start_active_period);
create index if not exists recovery_uid_idx_topology_recovery_steps
  on topology_recovery_steps (recovery_uid);
