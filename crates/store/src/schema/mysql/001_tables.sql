-- Tables as the original creates them on MySQL and MariaDB, with their keys. Columns stand in the order in which SQLite
-- has them; both programs go by names. One item a line: what a database lacks is added item by item.
-- Some texts are wider here than where the original made them. Append-only: a later change is a later migration.

create table if not exists access_token (
  access_token_id bigint unsigned not null auto_increment,
  public_token varchar(128) not null,
  secret_token varchar(128) not null,
  generated_at timestamp not null default current_timestamp,
  generated_by varchar(128) character set utf8mb4 not null,
  is_acquired tinyint unsigned not null default 0,
  is_reentrant tinyint unsigned not null default 0,
  acquired_at timestamp not null default '1971-01-01 00:00:00',
  primary key (access_token_id),
  unique key public_token_uidx_access_token (public_token),
  key generated_at_idx_access_token (generated_at)
) engine=InnoDB default charset=ascii;

create table if not exists active_node (
  anchor tinyint unsigned not null,
  hostname varchar(128) not null,
  token varchar(128) not null,
  last_seen_active timestamp not null default current_timestamp,
  first_seen_active timestamp not null default '1971-01-01 00:00:00',
  primary key (anchor)
) engine=InnoDB default charset=ascii;

create table if not exists agent_seed (
  agent_seed_id int unsigned not null auto_increment,
  target_hostname varchar(128) not null,
  source_hostname varchar(128) not null,
  start_timestamp timestamp not null default current_timestamp,
  end_timestamp timestamp not null default '1971-01-01 00:00:00',
  is_complete tinyint unsigned not null default 0,
  is_successful tinyint unsigned not null default 0,
  primary key (agent_seed_id),
  key target_hostname_idx_agent_seed (target_hostname, is_complete),
  key source_hostname_idx_agent_seed (source_hostname, is_complete),
  key start_timestamp_idx_agent_seed (start_timestamp),
  key is_complete_idx_agent_seed (is_complete, start_timestamp),
  key is_successful_idx_agent_seed (is_successful, start_timestamp)
) engine=InnoDB default charset=ascii;

create table if not exists agent_seed_state (
  agent_seed_state_id int unsigned not null auto_increment,
  agent_seed_id int unsigned not null,
  state_timestamp timestamp not null default current_timestamp,
  state_action varchar(127) not null,
  error_message varchar(255) not null,
  primary key (agent_seed_state_id),
  key agent_seed_idx_agent_seed_state (agent_seed_id, state_timestamp)
) engine=InnoDB default charset=ascii;

create table if not exists async_request (
  request_id bigint unsigned not null auto_increment,
  command varchar(128) not null,
  hostname varchar(128) not null,
  port smallint unsigned not null,
  destination_hostname varchar(128) not null,
  destination_port smallint unsigned not null,
  pattern text character set utf8mb4 not null,
  gtid_hint varchar(32) not null,
  begin_timestamp timestamp null default null,
  end_timestamp timestamp null default null,
  story text character set utf8mb4 not null,
  primary key (request_id),
  key begin_timestamp_idx_async_request (begin_timestamp),
  key end_timestamp_idx_async_request (end_timestamp)
) engine=InnoDB default charset=ascii;

create table if not exists audit (
  audit_id bigint unsigned not null auto_increment,
  audit_timestamp timestamp not null default current_timestamp,
  audit_type varchar(128) not null,
  hostname varchar(128) not null default '',
  port smallint unsigned not null,
  message mediumtext character set utf8mb4 not null,
  cluster_name varchar(128) not null default '',
  primary key (audit_id),
  key audit_timestamp_idx_audit (audit_timestamp),
  key host_port_idx_audit (hostname, port, audit_timestamp)
) engine=InnoDB default charset=ascii;

create table if not exists blocked_topology_recovery (
  hostname varchar(128) not null,
  port smallint unsigned not null,
  cluster_name varchar(128) not null,
  analysis varchar(128) not null,
  last_blocked_timestamp timestamp not null default current_timestamp,
  blocking_recovery_id bigint unsigned null default null,
  primary key (hostname, port),
  key cluster_blocked_idx_blocked_topology_recovery (cluster_name, last_blocked_timestamp),
  key last_blocked_idx (last_blocked_timestamp)
) engine=InnoDB default charset=ascii;

create table if not exists candidate_database_instance (
  hostname varchar(128) not null,
  port smallint unsigned not null,
  last_suggested timestamp not null default current_timestamp,
  priority tinyint not null default 1,
  promotion_rule enum('must', 'prefer', 'neutral', 'prefer_not', 'must_not') not null default 'neutral',
  primary key (hostname, port),
  key last_suggested_idx_candidate_database_instance (last_suggested)
) engine=InnoDB default charset=ascii;

create table if not exists cluster_alias (
  cluster_name varchar(128) not null,
  alias varchar(128) not null,
  last_registered timestamp not null default current_timestamp,
  primary key (cluster_name),
  unique key alias_uidx (alias),
  key last_registered_idx (last_registered)
) engine=InnoDB default charset=ascii;

create table if not exists cluster_alias_override (
  cluster_name varchar(128) not null,
  alias varchar(128) not null,
  primary key (cluster_name)
) engine=InnoDB default charset=ascii;

create table if not exists cluster_domain_name (
  cluster_name varchar(128) not null,
  domain_name varchar(128) not null,
  last_registered timestamp not null default current_timestamp,
  primary key (cluster_name),
  key domain_name_idx_cluster_domain_name (domain_name(32)),
  key last_registered_idx (last_registered)
) engine=InnoDB default charset=ascii;

create table if not exists cluster_injected_pseudo_gtid (
  cluster_name varchar(128) not null,
  time_injected timestamp not null default current_timestamp,
  primary key (cluster_name)
) engine=InnoDB default charset=ascii;

create table if not exists database_instance (
  hostname varchar(128) not null,
  port smallint unsigned not null,
  last_checked timestamp not null default current_timestamp,
  last_seen timestamp null default null,
  server_id int unsigned not null,
  version varchar(128) not null,
  binlog_format varchar(16) not null,
  log_bin tinyint unsigned not null,
  log_slave_updates tinyint unsigned not null,
  binary_log_file varchar(128) not null,
  binary_log_pos bigint unsigned not null,
  master_host varchar(128) not null,
  master_port smallint unsigned not null,
  slave_sql_running tinyint unsigned not null,
  slave_io_running tinyint unsigned not null,
  master_log_file varchar(128) not null,
  read_master_log_pos bigint unsigned not null,
  relay_master_log_file varchar(128) not null,
  exec_master_log_pos bigint unsigned not null,
  seconds_behind_master bigint unsigned null default null,
  slave_lag_seconds bigint unsigned null default null,
  num_slave_hosts int unsigned not null,
  slave_hosts mediumtext not null,
  cluster_name varchar(128) not null,
  read_only tinyint unsigned not null default 0,
  last_sql_error text character set utf8mb4 not null,
  last_io_error text character set utf8mb4 not null,
  oracle_gtid tinyint unsigned not null default 0,
  mariadb_gtid tinyint unsigned not null default 0,
  relay_log_file varchar(128) not null default '',
  relay_log_pos bigint unsigned not null default 0,
  pseudo_gtid tinyint unsigned not null default 0,
  replication_depth tinyint unsigned not null default 0,
  has_replication_filters tinyint unsigned not null default 0,
  data_center varchar(128) not null default '',
  physical_environment varchar(128) not null default '',
  uptime int unsigned not null default 0,
  is_co_master tinyint unsigned not null default 0,
  sql_delay int unsigned not null default 0,
  binlog_server tinyint unsigned not null default 0,
  supports_oracle_gtid tinyint unsigned not null default 0,
  executed_gtid_set mediumtext not null,
  server_uuid varchar(64) not null default '',
  suggested_cluster_alias varchar(128) not null default '',
  last_attempted_check timestamp not null default '1971-01-01 00:00:00',
  gtid_purged mediumtext not null,
  replication_credentials_available tinyint unsigned not null default 0,
  has_replication_credentials tinyint unsigned not null default 0,
  allow_tls tinyint unsigned not null default 0,
  semi_sync_enforced int unsigned not null default 0,
  instance_alias varchar(128) not null default '',
  version_comment varchar(128) not null default '',
  major_version varchar(16) not null default '',
  binlog_row_image varchar(16) not null default '',
  last_discovery_latency bigint not null default 0,
  semi_sync_master_enabled tinyint unsigned not null default 0,
  semi_sync_replica_enabled tinyint unsigned not null default 0,
  gtid_mode varchar(32) not null default '',
  last_check_partial_success tinyint unsigned not null default 0,
  master_uuid varchar(64) not null default '',
  gtid_errant mediumtext not null,
  ancestry_uuid mediumtext not null,
  replication_sql_thread_state tinyint not null default 0,
  replication_io_thread_state tinyint not null default 0,
  region varchar(128) not null default '',
  semi_sync_master_timeout int unsigned not null default 0,
  semi_sync_master_wait_for_slave_count int unsigned not null default 0,
  semi_sync_master_status tinyint unsigned not null default 0,
  semi_sync_replica_status tinyint unsigned not null default 0,
  semi_sync_master_clients int unsigned not null default 0,
  semi_sync_available tinyint unsigned not null default 0,
  replication_group_name varchar(64) not null default '',
  replication_group_is_single_primary_mode tinyint unsigned not null default 1,
  replication_group_member_state varchar(16) not null default '',
  replication_group_member_role varchar(16) not null default '',
  replication_group_members mediumtext not null,
  replication_group_primary_host varchar(128) not null default '',
  replication_group_primary_port smallint unsigned not null default 0,
  primary key (hostname, port),
  key cluster_name_idx_database_instance (cluster_name),
  key last_checked_idx_database_instance (last_checked),
  key last_seen_idx_database_instance (last_seen),
  key master_host_port_idx_database_instance (master_host, master_port),
  key suggested_cluster_alias_idx_database_instance (suggested_cluster_alias)
) engine=InnoDB default charset=ascii;

create table if not exists database_instance_analysis_changelog (
  changelog_id bigint unsigned not null auto_increment,
  hostname varchar(128) not null,
  port smallint unsigned not null,
  analysis_timestamp timestamp not null default current_timestamp,
  analysis varchar(128) not null,
  primary key (changelog_id),
  key analysis_timestamp_idx_database_instance_analysis_changelog (analysis_timestamp),
  key instance_timestamp_idx (hostname, port, analysis_timestamp)
) engine=InnoDB default charset=ascii;

create table if not exists database_instance_binlog_files_history (
  history_id bigint unsigned not null auto_increment,
  hostname varchar(128) not null,
  port smallint unsigned not null,
  binary_log_file varchar(128) not null,
  binary_log_pos bigint unsigned not null,
  first_seen timestamp not null default current_timestamp,
  last_seen timestamp not null default '1971-01-01 00:00:00',
  primary key (history_id),
  unique key hostname_port_file_idx_database_instance_binlog_files_history (hostname, port, binary_log_file),
  key last_seen_idx_database_instance_binlog_files_history (last_seen)
) engine=InnoDB default charset=ascii;

create table if not exists database_instance_coordinates_history (
  history_id bigint unsigned not null auto_increment,
  hostname varchar(128) not null,
  port smallint unsigned not null,
  recorded_timestamp timestamp not null default current_timestamp,
  binary_log_file varchar(128) not null,
  binary_log_pos bigint unsigned not null,
  relay_log_file varchar(128) not null,
  relay_log_pos bigint unsigned not null,
  last_seen timestamp not null default '1971-01-01 00:00:00',
  primary key (history_id),
  key hostname_port_recorded_idx_database_instance_coordinates_history (hostname, port, recorded_timestamp),
  key recorded_timestmp_idx_database_instance_coordinates_history (recorded_timestamp)
) engine=InnoDB default charset=ascii;

create table if not exists database_instance_downtime (
  hostname varchar(128) not null,
  port smallint unsigned not null,
  downtime_active tinyint null default null,
  begin_timestamp timestamp null default current_timestamp,
  end_timestamp timestamp null default null,
  owner varchar(128) character set utf8mb4 not null,
  reason text character set utf8mb4 not null,
  primary key (hostname, port),
  key end_timestamp_idx_database_instance_downtime (end_timestamp)
) engine=InnoDB default charset=ascii;

create table if not exists database_instance_last_analysis (
  hostname varchar(128) not null,
  port smallint unsigned not null,
  analysis_timestamp timestamp not null default current_timestamp,
  analysis varchar(128) not null,
  primary key (hostname, port),
  key analysis_timestamp_idx_database_instance_last_analysis (analysis_timestamp)
) engine=InnoDB default charset=ascii;

create table if not exists database_instance_long_running_queries (
  hostname varchar(128) not null,
  port smallint unsigned not null,
  process_id bigint not null,
  process_started_at timestamp not null default current_timestamp,
  process_user varchar(16) character set utf8mb4 not null,
  process_host varchar(128) character set utf8mb4 not null,
  process_db varchar(128) character set utf8mb4 not null,
  process_command varchar(16) character set utf8mb4 not null,
  process_time_seconds int not null,
  process_state varchar(128) character set utf8mb4 not null,
  process_info varchar(1024) character set utf8mb4 not null,
  primary key (hostname, port, process_id),
  key process_started_at_idx_database_instance_long_running_queries (process_started_at)
) engine=InnoDB default charset=ascii;

create table if not exists database_instance_maintenance (
  database_instance_maintenance_id int unsigned not null auto_increment,
  hostname varchar(128) not null,
  port smallint unsigned not null,
  maintenance_active tinyint null default null,
  begin_timestamp timestamp null default null,
  end_timestamp timestamp null default null,
  owner varchar(128) character set utf8mb4 not null,
  reason text character set utf8mb4 not null,
  processing_node_hostname varchar(128) not null default '',
  processing_node_token varchar(128) not null default '',
  explicitly_bounded tinyint unsigned not null default 0,
  primary key (database_instance_maintenance_id),
  unique key maintenance_uidx_database_instance_maintenance (maintenance_active, hostname, port),
  key active_timestamp_idx (maintenance_active, begin_timestamp),
  key active_end_timestamp_idx (maintenance_active, end_timestamp)
) engine=InnoDB default charset=ascii;

create table if not exists database_instance_peer_analysis (
  peer varchar(128) not null,
  hostname varchar(128) not null,
  port smallint unsigned not null,
  analysis_timestamp timestamp not null default current_timestamp,
  analysis varchar(128) not null,
  primary key (peer, hostname, port)
) engine=InnoDB default charset=ascii;

create table if not exists database_instance_pool (
  hostname varchar(128) not null,
  port smallint unsigned not null,
  pool varchar(128) not null,
  registered_at timestamp not null default '1971-01-01 00:00:00',
  primary key (hostname, port, pool),
  key pool_idx_database_instance_pool (pool)
) engine=InnoDB default charset=ascii;

create table if not exists database_instance_recent_relaylog_history (
  hostname varchar(128) not null,
  port smallint unsigned not null,
  current_relay_log_file varchar(128) not null,
  current_relay_log_pos bigint unsigned not null,
  current_seen timestamp not null default '1971-01-01 00:00:00',
  prev_relay_log_file varchar(128) not null,
  prev_relay_log_pos bigint unsigned not null,
  prev_seen timestamp not null default '1971-01-01 00:00:00',
  primary key (hostname, port),
  key current_seen_idx_database_instance_recent_relaylog_history (current_seen)
) engine=InnoDB default charset=ascii;

create table if not exists database_instance_stale_binlog_coordinates (
  hostname varchar(128) not null,
  port smallint unsigned not null,
  binary_log_file varchar(128) not null,
  binary_log_pos bigint unsigned not null,
  first_seen timestamp not null default current_timestamp,
  primary key (hostname, port),
  key first_seen_idx_database_instance_stale_binlog_coordinates (first_seen)
) engine=InnoDB default charset=ascii;

create table if not exists database_instance_tags (
  hostname varchar(128) not null,
  port smallint unsigned not null,
  tag_name varchar(128) character set utf8mb4 not null,
  tag_value varchar(128) character set utf8mb4 not null,
  last_updated timestamp not null default current_timestamp,
  primary key (hostname, port, tag_name),
  key tag_name_idx_database_instance_tags (tag_name)
) engine=InnoDB default charset=ascii;

create table if not exists database_instance_tls (
  hostname varchar(128) not null,
  port smallint unsigned not null,
  required tinyint unsigned not null default 0,
  primary key (hostname, port)
) engine=InnoDB default charset=ascii;

create table if not exists database_instance_topology_history (
  snapshot_unix_timestamp int unsigned not null,
  hostname varchar(128) not null,
  port smallint unsigned not null,
  master_host varchar(128) not null,
  master_port smallint unsigned not null,
  cluster_name tinytext not null,
  version varchar(128) not null default '',
  primary key (snapshot_unix_timestamp, hostname, port),
  key cluster_name_idx_database_instance_topology_history (snapshot_unix_timestamp, cluster_name(128))
) engine=InnoDB default charset=ascii;

create table if not exists global_recovery_disable (
  disable_recovery tinyint unsigned not null,
  primary key (disable_recovery)
) engine=InnoDB default charset=ascii;

create table if not exists host_agent (
  hostname varchar(128) not null,
  port smallint unsigned not null,
  token varchar(128) not null,
  last_submitted timestamp not null default current_timestamp,
  last_checked timestamp null default null,
  last_seen timestamp null default null,
  mysql_port smallint unsigned null default null,
  count_mysql_snapshots smallint unsigned not null,
  primary key (hostname),
  key token_idx_host_agent (token),
  key last_submitted_idx_host_agent (last_submitted),
  key last_checked_idx_host_agent (last_checked),
  key last_seen_idx_host_agent (last_seen)
) engine=InnoDB default charset=ascii;

create table if not exists host_attributes (
  hostname varchar(128) not null,
  attribute_name varchar(128) not null,
  attribute_value varchar(128) not null,
  submit_timestamp timestamp not null default current_timestamp,
  expire_timestamp timestamp null default null,
  primary key (hostname, attribute_name),
  key attribute_name_idx_host_attributes (attribute_name),
  key attribute_value_idx_host_attributes (attribute_value),
  key submit_timestamp_idx_host_attributes (submit_timestamp),
  key expire_timestamp_idx_host_attributes (expire_timestamp)
) engine=InnoDB default charset=ascii;

create table if not exists hostname_ips (
  hostname varchar(128) not null,
  ipv4 varchar(128) not null,
  ipv6 varchar(128) not null,
  last_updated timestamp not null default current_timestamp,
  primary key (hostname)
) engine=InnoDB default charset=ascii;

create table if not exists hostname_resolve (
  hostname varchar(128) not null,
  resolved_hostname varchar(128) not null,
  resolved_timestamp timestamp not null default current_timestamp,
  primary key (hostname),
  key resolved_timestamp_idx_hostname_resolve (resolved_timestamp)
) engine=InnoDB default charset=ascii;

create table if not exists hostname_resolve_history (
  resolved_hostname varchar(128) not null,
  hostname varchar(128) not null,
  resolved_timestamp timestamp not null default current_timestamp,
  primary key (resolved_hostname),
  key hostname_idx_hostname_resolve_history (hostname),
  key resolved_timestamp_idx_hostname_resolve_history (resolved_timestamp)
) engine=InnoDB default charset=ascii;

create table if not exists hostname_unresolve (
  hostname varchar(128) not null,
  unresolved_hostname varchar(128) not null,
  last_registered timestamp not null default current_timestamp,
  primary key (hostname),
  key unresolved_hostname_idx_hostname_unresolve (unresolved_hostname),
  key last_registered_idx (last_registered)
) engine=InnoDB default charset=ascii;

create table if not exists hostname_unresolve_history (
  unresolved_hostname varchar(128) not null,
  hostname varchar(128) not null,
  last_registered timestamp not null default current_timestamp,
  primary key (unresolved_hostname),
  key hostname_idx_hostname_unresolve_history (hostname),
  key last_registered_idx_hostname_unresolve_history (last_registered)
) engine=InnoDB default charset=ascii;

create table if not exists kv_store (
  store_key varchar(255) not null,
  store_value mediumtext character set utf8mb4 not null,
  last_updated timestamp not null default current_timestamp,
  primary key (store_key)
) engine=InnoDB default charset=ascii;

create table if not exists master_position_equivalence (
  equivalence_id bigint unsigned not null auto_increment,
  master1_hostname varchar(128) not null,
  master1_port smallint unsigned not null,
  master1_binary_log_file varchar(128) not null,
  master1_binary_log_pos bigint unsigned not null,
  master2_hostname varchar(128) not null,
  master2_port smallint unsigned not null,
  master2_binary_log_file varchar(128) not null,
  master2_binary_log_pos bigint unsigned not null,
  last_suggested timestamp not null default current_timestamp,
  primary key (equivalence_id),
  unique key equivalence_uidx_master_position_equivalence (master1_hostname, master1_port, master1_binary_log_file, master1_binary_log_pos, master2_hostname, master2_port),
  key master2_idx_master_position_equivalence (master2_hostname, master2_port, master2_binary_log_file, master2_binary_log_pos),
  key last_suggested_idx_master_position_equivalence (last_suggested)
) engine=InnoDB default charset=ascii;

create table if not exists node_health (
  hostname varchar(128) not null,
  token varchar(128) not null,
  last_seen_active timestamp not null default current_timestamp,
  extra_info varchar(128) character set utf8mb4 not null default '',
  command varchar(128) character set utf8mb4 not null default '',
  app_version varchar(64) not null default '',
  first_seen_active timestamp not null default '1971-01-01 00:00:00',
  db_backend varchar(255) not null default '',
  incrementing_indicator bigint not null default 0,
  primary key (hostname, token),
  key last_seen_active_idx (last_seen_active)
) engine=InnoDB default charset=ascii;

create table if not exists node_health_history (
  history_id bigint unsigned not null auto_increment,
  hostname varchar(128) not null,
  token varchar(128) not null,
  first_seen_active timestamp not null default '1971-01-01 00:00:00',
  extra_info varchar(128) character set utf8mb4 not null,
  command varchar(128) character set utf8mb4 not null default '',
  app_version varchar(64) not null default '',
  primary key (history_id),
  key first_seen_active_idx_node_health_history (first_seen_active),
  unique key hostname_token_idx_node_health_history (hostname, token)
) engine=InnoDB default charset=ascii;

create table if not exists orchestrator_db_deployments (
  deployed_version varchar(128) not null,
  deployed_timestamp timestamp not null default '1971-01-01 00:00:00',
  primary key (deployed_version)
) engine=InnoDB default charset=ascii;

create table if not exists orchestrator_metadata (
  anchor tinyint unsigned not null,
  last_deployed_version varchar(128) not null,
  last_deployed_timestamp timestamp not null default '1971-01-01 00:00:00',
  primary key (anchor)
) engine=InnoDB default charset=ascii;

create table if not exists raft_log (
  log_index bigint unsigned not null auto_increment,
  term bigint not null,
  log_type int not null,
  data blob not null,
  primary key (log_index)
) engine=InnoDB default charset=ascii;

create table if not exists raft_snapshot (
  snapshot_id bigint unsigned not null auto_increment,
  snapshot_name varchar(128) character set utf8mb4 not null,
  snapshot_meta varchar(4096) character set utf8mb4 not null,
  created_at timestamp not null default current_timestamp,
  primary key (snapshot_id),
  unique key snapshot_name_uidx_raft_snapshot (snapshot_name)
) engine=InnoDB default charset=ascii;

create table if not exists raft_store (
  store_id bigint unsigned not null auto_increment,
  store_key varbinary(512) not null,
  store_value blob not null,
  primary key (store_id),
  key store_key_idx_raft_store (store_key)
) engine=InnoDB default charset=ascii;

create table if not exists topology_failure_detection (
  detection_id bigint unsigned not null auto_increment,
  hostname varchar(128) not null,
  port smallint unsigned not null,
  in_active_period tinyint unsigned not null default 0,
  start_active_period timestamp not null default current_timestamp,
  end_active_period_unixtime int unsigned not null,
  processing_node_hostname varchar(128) not null,
  processcing_node_token varchar(128) not null,
  analysis varchar(128) not null,
  cluster_name varchar(128) not null,
  cluster_alias varchar(128) not null,
  count_affected_slaves int unsigned not null,
  slave_hosts mediumtext not null,
  is_actionable tinyint not null default 0,
  primary key (detection_id),
  key in_active_start_period_idx_topology_failure_detection (in_active_period, start_active_period),
  unique key host_port_active_recoverable_uidx_topology_failure_detection (hostname, port, in_active_period, end_active_period_unixtime, is_actionable)
) engine=InnoDB default charset=ascii;

create table if not exists topology_recovery (
  recovery_id bigint unsigned not null auto_increment,
  hostname varchar(128) not null,
  port smallint unsigned not null,
  in_active_period tinyint unsigned not null default 0,
  start_active_period timestamp not null default current_timestamp,
  end_active_period_unixtime int unsigned null default null,
  end_recovery timestamp null default null,
  processing_node_hostname varchar(128) not null,
  processcing_node_token varchar(128) not null,
  successor_hostname varchar(128) null default null,
  successor_port smallint unsigned null default null,
  analysis varchar(128) not null default '',
  cluster_name varchar(128) not null default '',
  cluster_alias varchar(128) not null default '',
  count_affected_slaves int unsigned not null default 0,
  slave_hosts mediumtext not null,
  is_successful tinyint unsigned not null default 0,
  acknowledged tinyint unsigned not null default 0,
  acknowledged_by varchar(128) character set utf8mb4 not null default '',
  acknowledge_comment text character set utf8mb4 not null,
  participating_instances mediumtext not null,
  lost_slaves mediumtext not null,
  all_errors mediumtext character set utf8mb4 not null,
  acknowledged_at timestamp null default null,
  last_detection_id bigint unsigned not null default 0,
  successor_alias varchar(128) null default null,
  uid varchar(128) not null default '',
  primary key (recovery_id),
  key in_active_start_period_idx_topology_recovery (in_active_period, start_active_period),
  key start_active_period_idx_topology_recovery (start_active_period),
  unique key hostname_port_active_period_uidx_topology_recovery (hostname, port, in_active_period, end_active_period_unixtime),
  key cluster_name_in_active_idx (cluster_name, in_active_period),
  key end_recovery_idx (end_recovery),
  key acknowledged_idx (acknowledged, acknowledged_at),
  key last_detection_idx (last_detection_id),
  key uid_idx_topology_recovery (uid)
) engine=InnoDB default charset=ascii;

create table if not exists topology_recovery_steps (
  recovery_step_id bigint unsigned not null auto_increment,
  recovery_uid varchar(128) not null,
  audit_at timestamp not null default current_timestamp,
  message mediumtext character set utf8mb4 not null,
  primary key (recovery_step_id),
  key recovery_uid_idx_topology_recovery_steps (recovery_uid)
) engine=InnoDB default charset=ascii;
