//! What a read of a simulated server brings back, in the form in which reads of real ones do.

use std::time::Duration;

use model::{
    BinlogCoordinates, CoordinateKind, Detected, Instance, InstanceKey, Observation, ReceiverHeartbeat,
    Replication, SemiSync, ServerVersion, ThreadState,
};

use super::server::{Place, Receiver, SimServer};
use super::transactions::{domain_text, server_id, server_uuid};
use super::world::World;

impl World {
    /// Reads a server that answers.
    pub(super) fn observe(&self, server: usize, now: u64) -> Observation {
        let this = &self.servers[server];
        let nature = &this.nature;
        let mut instance = Instance::unknown(this.key.clone());
        instance.uptime = (now - this.booted_at) / 1_000;
        instance.server_id = server_id(server);
        instance.version = ServerVersion::new(nature.version, "");
        instance.read_only = this.read_only;
        instance.binlog_format = "ROW".to_owned();
        instance.binlog_row_image = "FULL".to_owned();
        instance.log_bin = true;
        instance.log_replica_updates = nature.logs_updates;
        instance.self_coordinates = coordinates("binlog", this.log_end(), CoordinateKind::Binary);
        if this.is_mariadb() {
            instance.mariadb_gtid_position = domain_text(this.current_position());
        } else {
            instance.server_uuid = server_uuid(server);
            instance.super_read_only = Some(this.super_read_only);
            instance.gtid_mode = "ON".to_owned();
            instance.supports_oracle_gtid = true;
            instance.executed_gtid = this.executed.to_mysql_text();
            if !nature.logs_updates {
                // What it applied was never in its binary log.
                instance.gtid_purged = this.executed.to_text_without(server);
            }
        }
        if let Some(source) = &this.channel.source {
            instance.primary_key = source.clone();
            instance.replication = self.replication_of(this, source, now);
        }
        instance.lag_seconds = instance.replication.seconds_behind;
        instance.replicas = self.registered_replicas(server);
        instance.semi_sync = self.semi_sync_of(server);
        let detected = Detected {
            cluster_alias: Some(self.clusters[this.cluster].alias.clone()),
            promotion_rule: Some(nature.rule),
            semi_sync_priority: Some(u32::from(nature.semi_sync_installed)),
            ..Detected::default()
        };
        Observation { own_name: this.key.hostname().to_owned(), instance, detected, incomplete: Vec::new() }
    }

    fn replication_of(&self, this: &SimServer, source: &InstanceKey, now: u64) -> Replication {
        let channel = &this.channel;
        let io_thread = match channel.receiver {
            Receiver::Stopped => ThreadState::Stopped,
            Receiver::Connecting { .. } => ThreadState::Other,
            Receiver::Running { .. } => ThreadState::Running,
        };
        let sql_thread = if channel.applier_runs { ThreadState::Running } else { ThreadState::Stopped };
        let behind = channel.relay.front().map_or(0, |first| (now - first.transaction.at) / 1_000);
        let is_known = io_thread.is_running() && channel.applier_runs;
        let seconds_behind = is_known.then(|| i64::try_from(behind).unwrap_or(i64::MAX));
        let primary_uuid = match self.find(source) {
            _ if this.is_mariadb() => "No".to_owned(),
            Some(number) => server_uuid(number),
            None => String::new(),
        };
        let last_event = match channel.receiver {
            Receiver::Running { last_event, .. } => channel.last_heartbeat.max(Some(last_event)),
            Receiver::Stopped | Receiver::Connecting { .. } => None,
        };
        let since = |at: u64| Duration::from_millis(now - at);
        let heartbeat = ReceiverHeartbeat {
            period: Duration::from_millis(this.nature.heartbeat_ms),
            received: channel.heartbeats,
            age: channel.last_heartbeat.map(since),
            silent_for: last_event.filter(|_| !this.is_mariadb()).map(since),
        };
        let error = channel.receiver_errno;
        Replication {
            io_thread,
            sql_thread,
            read: coordinates("binlog", channel.read, CoordinateKind::Binary),
            exec: coordinates("binlog", channel.executed, CoordinateKind::Binary),
            relay: coordinates("relay", channel.executed, CoordinateKind::Relay),
            last_io_error: if error == 0 {
                String::new()
            } else {
                format!("simulated receiver error {error}")
            },
            last_io_errno: error,
            seconds_behind,
            sql_delay: this.nature.delay_seconds,
            oracle_gtid: !this.is_mariadb(),
            mariadb_gtid: this.is_mariadb(),
            primary_uuid,
            has_credentials: true,
            retrieved_gtid: if this.is_mariadb() {
                domain_text(channel.received_position)
            } else {
                channel.retrieved.to_mysql_text()
            },
            heartbeat: Some(heartbeat),
            ..Replication::default()
        }
    }

    /// Replicas whose connection the server knows of.
    fn registered_replicas(&self, server: usize) -> Vec<InstanceKey> {
        let this = &self.servers[server];
        let mut replicas: Vec<InstanceKey> = self
            .replicas_of(&this.key)
            .into_iter()
            .map(|replica| &self.servers[replica])
            .filter(|replica| matches!(replica.channel.receiver, Receiver::Running { boot, .. } if boot == this.boot))
            .map(|replica| replica.key.clone())
            .collect();
        replicas.sort();
        replicas
    }

    fn semi_sync_of(&self, server: usize) -> SemiSync {
        let this = &self.servers[server];
        let state = &this.semi_sync;
        let clients = self
            .registered_replicas(server)
            .iter()
            .filter_map(|key| self.find(key))
            .filter(|replica| self.servers[*replica].semi_sync.replica_enabled)
            .count();
        SemiSync {
            available: this.nature.semi_sync_installed,
            primary_enabled: state.primary_enabled,
            replica_enabled: state.replica_enabled,
            primary_timeout_ms: state.timeout_ms,
            // MariaDB has no such variable; it waits for one.
            wait_for_replica_count: if this.is_mariadb() {
                0
            } else {
                u32::try_from(state.wait_for).unwrap_or(1)
            },
            primary_active: state.primary_enabled && state.active,
            primary_clients: u32::try_from(clients).unwrap_or(0),
            wait_sessions: Some(self.waiting_sessions(server)),
            replica_active: state.replica_enabled
                && matches!(this.channel.receiver, Receiver::Running { .. }),
            ..SemiSync::default()
        }
    }
}

fn coordinates(base: &str, place: Place, kind: CoordinateKind) -> BinlogCoordinates {
    if place.file == 0 {
        return BinlogCoordinates::new("", 4, kind);
    }
    BinlogCoordinates::new(format!("{base}.{:06}", place.file), place.position, kind)
}
