-- Tables as the original creates them on SQLite: its type spellings, its defaults, and its column order,
-- in which later additions come last. Append-only: a later change is a later migration.

create table if not exists access_token (
  access_token_id INTEGER primary key,
  public_token varchar(128) not null,
  secret_token varchar(128) not null,
  generated_at timestamp not null default '',
  generated_by varchar(128) not null,
  is_acquired tinyint not null default '0',
  is_reentrant TINYint not null default 0,
  acquired_at timestamp not null default '1971-01-01 00:00:00'
);

create table if not exists active_node (
  anchor tinyint not null,
  hostname varchar(128) not null,
  token varchar(128) not null,
  last_seen_active timestamp not null default '',
  first_seen_active timestamp not null default '1971-01-01 00:00:00',
  primary key (anchor)
);

create table if not exists agent_seed (
  agent_seed_id INTEGER primary key,
  target_hostname varchar(128) not null,
  source_hostname varchar(128) not null,
  start_timestamp timestamp not null default '',
  end_timestamp timestamp not null default '1971-01-01 00:00:00',
  is_complete tinyint not null default '0',
  is_successful tinyint not null default '0'
);

create table if not exists agent_seed_state (
  agent_seed_state_id INTEGER primary key,
  agent_seed_id INT not null,
  state_timestamp timestamp not null default '',
  state_action varchar(127) not null,
  error_message varchar(255) not null
);

create table if not exists async_request (
  request_id INTEGER primary key,
  command varchar(128) not null,
  hostname varchar(128) not null,
  port smallint not null,
  destination_hostname varchar(128) not null,
  destination_port smallint not null,
  pattern TEXT not null,
  gtid_hint varchar(32) not null,
  begin_timestamp timestamp default NULL,
  end_timestamp timestamp default NULL,
  story TEXT not null
);

create table if not exists audit (
  audit_id INTEGER primary key,
  audit_timestamp timestamp not null default '',
  audit_type varchar(128) not null,
  hostname varchar(128) not null default '',
  port smallint not null,
  message TEXT not null,
  cluster_name varchar(128) not null default ''
);

create table if not exists blocked_topology_recovery (
  hostname varchar(128) not null,
  port smallint not null,
  cluster_name varchar(128) not null,
  analysis varchar(128) not null,
  last_blocked_timestamp timestamp not null default '',
  blocking_recovery_id bigint,
  primary key (hostname, port)
);

create table if not exists candidate_database_instance (
  hostname varchar(128) not null,
  port smallint not null,
  last_suggested timestamp not null default '',
  priority TINYINT SIGNED not null default 1,
  promotion_rule TEXT check (promotion_rule in ('must', 'prefer', 'neutral', 'prefer_not', 'must_not')) not null default 'neutral',
  primary key (hostname, port)
);

create table if not exists cluster_alias (
  cluster_name varchar(128) not null,
  alias varchar(128) not null,
  last_registered timestamp not null default '',
  primary key (cluster_name)
);

create table if not exists cluster_alias_override (
  cluster_name varchar(128) not null,
  alias varchar(128) not null,
  primary key (cluster_name)
);

create table if not exists cluster_domain_name (
  cluster_name varchar(128) not null,
  domain_name varchar(128) not null,
  last_registered timestamp not null default '',
  primary key (cluster_name)
);

create table if not exists cluster_injected_pseudo_gtid (
  cluster_name varchar(128) not null,
  time_injected timestamp not null default '',
  primary key (cluster_name)
);

create table if not exists database_instance (
  hostname varchar(128) not null,
  port smallint not null,
  last_checked timestamp not null default '',
  last_seen timestamp default NULL,
  server_id INT not null,
  version varchar(128) not null,
  binlog_format varchar(16) not null,
  log_bin tinyint not null,
  log_slave_updates tinyint not null,
  binary_log_file varchar(128) not null,
  binary_log_pos bigint not null,
  master_host varchar(128) not null,
  master_port smallint not null,
  slave_sql_running tinyint not null,
  slave_io_running tinyint not null,
  master_log_file varchar(128) not null,
  read_master_log_pos bigint not null,
  relay_master_log_file varchar(128) not null,
  exec_master_log_pos bigint not null,
  seconds_behind_master bigint default NULL,
  slave_lag_seconds bigint default NULL,
  num_slave_hosts INT not null,
  slave_hosts TEXT not null,
  cluster_name varchar(128) not null,
  read_only TINYint not null default 0,
  last_sql_error TEXT not null default '',
  last_io_error TEXT not null default '',
  oracle_gtid TINYint not null default 0,
  mariadb_gtid TINYint not null default 0,
  relay_log_file varchar(128) not null default '',
  relay_log_pos bigint not null default 0,
  pseudo_gtid TINYint not null default 0,
  replication_depth TINYint not null default 0,
  has_replication_filters TINYint not null default 0,
  data_center varchar(32) not null default '',
  physical_environment varchar(32) not null default '',
  uptime INT not null default 0,
  is_co_master TINYint not null default 0,
  sql_delay INT not null default 0,
  binlog_server TINYint not null default 0,
  supports_oracle_gtid TINYint not null default 0,
  executed_gtid_set TEXT not null default '',
  server_uuid varchar(64) not null default '',
  suggested_cluster_alias varchar(128) not null default '',
  last_attempted_check TIMESTAMP not null default '1971-01-01 00:00:00',
  gtid_purged TEXT not null default '',
  replication_credentials_available TINYint not null default 0,
  has_replication_credentials TINYint not null default 0,
  allow_tls TINYint not null default 0,
  semi_sync_enforced TINYint not null default 0,
  instance_alias varchar(128) not null default '',
  version_comment varchar(128) not null default '',
  major_version varchar(16) not null default '',
  binlog_row_image varchar(16) not null default '',
  last_discovery_latency bigint not null default 0,
  semi_sync_master_enabled TINYint not null default 0,
  semi_sync_replica_enabled TINYint not null default 0,
  gtid_mode varchar(32) not null default '',
  last_check_partial_success tinyint not null default 0,
  master_uuid varchar(64) not null default '',
  gtid_errant TEXT not null default '',
  ancestry_uuid TEXT not null default '',
  replication_sql_thread_state tinyint signed not null default 0,
  replication_io_thread_state tinyint signed not null default 0,
  region varchar(32) not null default '',
  semi_sync_master_timeout INT not null default 0,
  semi_sync_master_wait_for_slave_count INT not null default 0,
  semi_sync_master_status TINYint not null default 0,
  semi_sync_replica_status TINYint not null default 0,
  semi_sync_master_clients INT not null default 0,
  semi_sync_available TINYint not null default 0,
  replication_group_name VARCHAR(64) not null default '',
  replication_group_is_single_primary_mode TINYint not null default 1,
  replication_group_member_state VARCHAR(16) not null default '',
  replication_group_member_role VARCHAR(16) not null default '',
  replication_group_members TEXT not null default '',
  replication_group_primary_host varchar(128) not null default '',
  replication_group_primary_port smallint not null default 0,
  primary key (hostname, port)
);

create table if not exists database_instance_analysis_changelog (
  changelog_id INTEGER primary key,
  hostname varchar(128) not null,
  port smallint not null,
  analysis_timestamp timestamp not null default '',
  analysis varchar(128) not null
);

create table if not exists database_instance_binlog_files_history (
  history_id INTEGER primary key,
  hostname varchar(128) not null,
  port smallint not null,
  binary_log_file varchar(128) not null,
  binary_log_pos bigint not null,
  first_seen timestamp not null default '',
  last_seen timestamp not null default '1971-01-01 00:00:00'
);

create table if not exists database_instance_coordinates_history (
  history_id INTEGER primary key,
  hostname varchar(128) not null,
  port smallint not null,
  recorded_timestamp timestamp not null default '',
  binary_log_file varchar(128) not null,
  binary_log_pos bigint not null,
  relay_log_file varchar(128) not null,
  relay_log_pos bigint not null,
  last_seen timestamp not null default '1971-01-01 00:00:00'
);

create table if not exists database_instance_downtime (
  hostname varchar(128) not null,
  port smallint not null,
  downtime_active tinyint(4) default NULL,
  begin_timestamp timestamp default '',
  end_timestamp timestamp default NULL,
  owner varchar(128) not null,
  reason TEXT not null,
  primary key (hostname, port)
);

create table if not exists database_instance_last_analysis (
  hostname varchar(128) not null,
  port smallint not null,
  analysis_timestamp timestamp not null default '',
  analysis varchar(128) not null,
  primary key (hostname, port)
);

create table if not exists database_instance_long_running_queries (
  hostname varchar(128) not null,
  port smallint not null,
  process_id bigint(20) not null,
  process_started_at timestamp not null default '',
  process_user varchar(16) not null,
  process_host varchar(128) not null,
  process_db varchar(128) not null,
  process_command varchar(16) not null,
  process_time_seconds int(11) not null,
  process_state varchar(128) not null,
  process_info varchar(1024) not null,
  primary key (hostname, port, process_id)
);

create table if not exists database_instance_maintenance (
  database_instance_maintenance_id INTEGER primary key,
  hostname varchar(128) not null,
  port smallint not null,
  maintenance_active tinyint(4) default NULL,
  begin_timestamp timestamp default NULL,
  end_timestamp timestamp default NULL,
  owner varchar(128) not null,
  reason TEXT not null,
  processing_node_hostname varchar(128) not null default '',
  processing_node_token varchar(128) not null default '',
  explicitly_bounded TINYint not null default 0
);

create table if not exists database_instance_peer_analysis (
  peer varchar(128) not null,
  hostname varchar(128) not null,
  port smallint not null,
  analysis_timestamp timestamp not null default '',
  analysis varchar(128) not null,
  primary key (peer, hostname, port)
);

create table if not exists database_instance_pool (
  hostname varchar(128) not null,
  port smallint not null,
  pool varchar(128) not null,
  registered_at timestamp not null default '1971-01-01 00:00:00',
  primary key (hostname, port, pool)
);

create table if not exists database_instance_recent_relaylog_history (
  hostname varchar(128) not null,
  port smallint not null,
  current_relay_log_file varchar(128) not null,
  current_relay_log_pos bigint not null,
  current_seen timestamp not null default '1971-01-01 00:00:00',
  prev_relay_log_file varchar(128) not null,
  prev_relay_log_pos bigint not null,
  prev_seen timestamp not null default '1971-01-01 00:00:00',
  primary key (hostname, port)
);

create table if not exists database_instance_stale_binlog_coordinates (
  hostname varchar(128) not null,
  port smallint not null,
  binary_log_file varchar(128) not null,
  binary_log_pos bigint not null,
  first_seen timestamp not null default '',
  primary key (hostname, port)
);

create table if not exists database_instance_tags (
  hostname varchar(128) not null,
  port smallint not null,
  tag_name varchar(128) not null,
  tag_value varchar(128) not null,
  last_updated timestamp not null default '',
  primary key (hostname, port, tag_name)
);

create table if not exists database_instance_tls (
  hostname varchar(128) not null,
  port smallint not null,
  required tinyint not null default 0,
  primary key (hostname, port)
);

create table if not exists database_instance_topology_history (
  snapshot_unix_timestamp INT not null,
  hostname varchar(128) not null,
  port smallint not null,
  master_host varchar(128) not null,
  master_port smallint not null,
  cluster_name tinytext not null,
  version varchar(128) not null default '',
  primary key (snapshot_unix_timestamp, hostname, port)
);

create table if not exists global_recovery_disable (
  disable_recovery tinyint not null,
  primary key (disable_recovery)
);

create table if not exists host_agent (
  hostname varchar(128) not null,
  port smallint not null,
  token varchar(128) not null,
  last_submitted timestamp not null default '',
  last_checked timestamp default NULL,
  last_seen timestamp default NULL,
  mysql_port smallint default NULL,
  count_mysql_snapshots smallint not null,
  primary key (hostname)
);

create table if not exists host_attributes (
  hostname varchar(128) not null,
  attribute_name varchar(128) not null,
  attribute_value varchar(128) not null,
  submit_timestamp timestamp not null default '',
  expire_timestamp timestamp default NULL,
  primary key (hostname, attribute_name)
);

create table if not exists hostname_ips (
  hostname varchar(128) not null,
  ipv4 varchar(128) not null,
  ipv6 varchar(128) not null,
  last_updated timestamp not null default '',
  primary key (hostname)
);

create table if not exists hostname_resolve (
  hostname varchar(128) not null,
  resolved_hostname varchar(128) not null,
  resolved_timestamp timestamp not null default '',
  primary key (hostname)
);

create table if not exists hostname_resolve_history (
  resolved_hostname varchar(128) not null,
  hostname varchar(128) not null,
  resolved_timestamp timestamp not null default '',
  primary key (resolved_hostname)
);

create table if not exists hostname_unresolve (
  hostname varchar(128) not null,
  unresolved_hostname varchar(128) not null,
  last_registered timestamp not null default '',
  primary key (hostname)
);

create table if not exists hostname_unresolve_history (
  unresolved_hostname varchar(128) not null,
  hostname varchar(128) not null,
  last_registered timestamp not null default '',
  primary key (unresolved_hostname)
);

create table if not exists kv_store (
  store_key varchar(255) not null,
  store_value TEXT not null,
  last_updated timestamp not null default '',
  primary key (store_key)
);

create table if not exists master_position_equivalence (
  equivalence_id INTEGER primary key,
  master1_hostname varchar(128) not null,
  master1_port smallint not null,
  master1_binary_log_file varchar(128) not null,
  master1_binary_log_pos bigint not null,
  master2_hostname varchar(128) not null,
  master2_port smallint not null,
  master2_binary_log_file varchar(128) not null,
  master2_binary_log_pos bigint not null,
  last_suggested timestamp not null default ''
);

create table if not exists node_health (
  hostname varchar(128) not null,
  token varchar(128) not null,
  last_seen_active timestamp not null default '',
  extra_info varchar(128) not null default '',
  command varchar(128) not null default '',
  app_version varchar(64) not null default "",
  first_seen_active timestamp not null default '1971-01-01 00:00:00',
  db_backend varchar(255) not null default "",
  incrementing_indicator bigint not null default 0,
  primary key (hostname, token)
);

create table if not exists node_health_history (
  history_id INTEGER primary key,
  hostname varchar(128) not null,
  token varchar(128) not null,
  first_seen_active timestamp not null,
  extra_info varchar(128) not null,
  command varchar(128) not null default '',
  app_version varchar(64) not null default ""
);

create table if not exists orchestrator_db_deployments (
  deployed_version varchar(128) not null,
  deployed_timestamp timestamp not null,
  primary key (deployed_version)
);

create table if not exists orchestrator_metadata (
  anchor tinyint not null,
  last_deployed_version varchar(128) not null,
  last_deployed_timestamp timestamp not null,
  primary key (anchor)
);

create table if not exists raft_log (
  log_index INTEGER primary key,
  term bigint not null,
  log_type INT not null,
  data BLOB not null
);

create table if not exists raft_snapshot (
  snapshot_id INTEGER primary key,
  snapshot_name varchar(128) not null,
  snapshot_meta varchar(4096) not null,
  created_at timestamp not null default ''
);

create table if not exists raft_store (
  store_id INTEGER primary key,
  store_key varbinary(512) not null,
  store_value BLOB not null
);

create table if not exists topology_failure_detection (
  detection_id INTEGER primary key,
  hostname varchar(128) not null,
  port smallint not null,
  in_active_period tinyint not null default '0',
  start_active_period timestamp not null default '',
  end_active_period_unixtime INT not null,
  processing_node_hostname varchar(128) not null,
  processcing_node_token varchar(128) not null,
  analysis varchar(128) not null,
  cluster_name varchar(128) not null,
  cluster_alias varchar(128) not null,
  count_affected_slaves INT not null,
  slave_hosts TEXT not null,
  is_actionable tinyint not null default 0
);

create table if not exists topology_recovery (
  recovery_id INTEGER primary key,
  hostname varchar(128) not null,
  port smallint not null,
  in_active_period tinyint not null default 0,
  start_active_period timestamp not null default '',
  end_active_period_unixtime INT,
  end_recovery timestamp default NULL,
  processing_node_hostname varchar(128) not null,
  processcing_node_token varchar(128) not null,
  successor_hostname varchar(128) default NULL,
  successor_port smallint default NULL,
  analysis varchar(128) not null default '',
  cluster_name varchar(128) not null default '',
  cluster_alias varchar(128) not null default '',
  count_affected_slaves INT not null default 0,
  slave_hosts TEXT not null default '',
  is_successful TINYint not null default 0,
  acknowledged TINYint not null default 0,
  acknowledged_by varchar(128) not null default '',
  acknowledge_comment TEXT not null default '',
  participating_instances TEXT not null default '',
  lost_slaves TEXT not null default '',
  all_errors TEXT not null default '',
  acknowledged_at TIMESTAMP,
  last_detection_id bigint not null default 0,
  successor_alias varchar(128) default NULL,
  uid varchar(128) not null default ''
);

create table if not exists topology_recovery_steps (
  recovery_step_id INTEGER primary key,
  recovery_uid varchar(128) not null,
  audit_at timestamp not null default '',
  message TEXT not null
);
