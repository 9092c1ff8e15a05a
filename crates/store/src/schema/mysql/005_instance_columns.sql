-- Facts of servers that the original does not store. Everything may be left out by an insert of the original.

create table if not exists database_instance (
  super_read_only tinyint null default null,
  mariadb_gtid_position mediumtext null,
  retrieved_gtid_set mediumtext null,
  last_io_errno int unsigned not null default 0,
  last_sql_errno int unsigned not null default 0,
  semi_sync_master_plugin_new_version tinyint unsigned not null default 0,
  semi_sync_replica_plugin_new_version tinyint unsigned not null default 0,
  semi_sync_master_wait_sessions int unsigned null default null,
  receiver_heartbeat_period bigint null default null,
  receiver_heartbeats_received bigint unsigned not null default 0,
  receiver_heartbeat_age bigint null default null,
  replication_ssl_ca_file text null,
  replication_ssl_ca_path text null,
  replication_ssl_cert text null,
  replication_ssl_cipher text null,
  replication_ssl_crl_file text null,
  replication_ssl_crl_path text null,
  replication_ssl_key text null,
  replication_ssl_verify_server_cert tinyint null default null,
  replication_tls_version text null,
  replication_tls_ciphersuites text null,
  replication_source_public_key_path text null,
  replication_get_source_public_key tinyint null default null
);
