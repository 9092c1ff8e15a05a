//! Changes to database servers.

use super::operations;

operations! {
    /// Changes to database servers.
    ReplicationOperation in Replication {
        StopReplica "stop-replica" ("stop-slave"), command, Disrupt, ReplicationGeneral,
            ["stop-replica/:host/:port"], needs [], takes [Instance],
            "Stop replication on an instance",
            "Stops both replication threads of an instance.";
        StartReplica "start-replica" ("start-slave"), command, Disrupt, ReplicationGeneral,
            ["start-replica/:host/:port"], needs [], takes [Instance],
            "Start replication on an instance",
            "Starts both replication threads of an instance.";
        RestartReplica "restart-replica" ("restart-slave"), command, Disrupt, ReplicationGeneral,
            ["restart-replica/:host/:port"], needs [], takes [Instance],
            "Stop and start replication on an instance",
            "Stops both replication threads of an instance and starts them again.";
        SetReadOnly "set-read-only" (), command, Disrupt, Instance,
            ["set-read-only/:host/:port"], needs [], takes [Instance],
            "Make an instance read-only",
            "Switches read_only on, and super_read_only too where the configuration asks for it.";
        SetWriteable "set-writeable" ("set-writable"), command, Disrupt, Instance,
            ["set-writeable/:host/:port"], needs [], takes [Instance],
            "Make an instance writable",
            "Switches read_only off, and super_read_only too where the configuration asks for it.";
    }
}
