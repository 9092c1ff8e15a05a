//! Changes to database servers.

use super::operations;

operations! {
    /// Changes to single database servers, and what only they can tell.
    ReplicationOperation in Replication {
        EnableGtid "enable-gtid" (), command, Disrupt, ReplicationGeneral,
            ["enable-gtid/:host/:port"], needs [], takes [Instance],
            "Let a replica find its place by GTID",
            "Switches a replica from file and position to GTID; it keeps its source.";
        DisableGtid "disable-gtid" (), command, Disrupt, ReplicationGeneral,
            ["disable-gtid/:host/:port"], needs [], takes [Instance],
            "Let a replica find its place by file and position",
            "Switches a replica from GTID to file and position; it keeps its source and stays where it is.";
        WhichErrant "which-gtid-errant" (), command, Read, ReplicationGeneral, [], needs [], takes [Instance],
            "Print the transactions of an instance that its source lacks",
            "Reads the instance and prints the GTID set of transactions that its source lacks; an empty line if none.";
        ResetErrant "gtid-errant-reset-master" (), command, Disrupt, ReplicationGeneral,
            ["gtid-errant-reset-master/:host/:port"], needs [], takes [Instance],
            "Make an instance forget its errant transactions by deleting its binary logs",
            "Deletes the binary logs of an instance without replicas and declares everything but its errant transactions as \
             executed. The data that those transactions changed stays.";
        InjectErrant "gtid-errant-inject-empty" (), command, Disrupt, ReplicationGeneral,
            ["gtid-errant-inject-empty/:host/:port"], needs [], takes [Instance],
            "Inject errant transactions of an instance as empty ones on the primary",
            "Commits an empty transaction on the primary of the cluster for each errant one of the instance, so that it no \
             longer stands out.";
        SkipQuery "skip-query" (), command, Disrupt, ReplicationGeneral,
            ["skip-query/:host/:port"], needs [], takes [Instance],
            "Skip the transaction at which replication failed",
            "Makes the applier of a replica pass over the transaction it failed at, and starts replication.";
        StopReplica "stop-replica" ("stop-slave"), command, Disrupt, ReplicationGeneral,
            ["stop-replica/:host/:port"], needs [], takes [Instance],
            "Stop replication on an instance",
            "Stops both replication threads of an instance.";
        StopReplicaNice "stop-replica-nice" ("stop-slave-nice"), command, Disrupt, ReplicationGeneral,
            ["stop-replica-nice/:host/:port"], needs [], takes [Instance],
            "Stop replication on an instance when all it received is applied",
            "Stops receiving, waits until everything received is applied (not on delayed replicas), and stops applying.";
        StartReplica "start-replica" ("start-slave"), command, Disrupt, ReplicationGeneral,
            ["start-replica/:host/:port"], needs [], takes [Instance],
            "Start replication on an instance",
            "Starts both replication threads of an instance.";
        RestartReplica "restart-replica" ("restart-slave"), command, Disrupt, ReplicationGeneral,
            ["restart-replica/:host/:port"], needs [], takes [Instance],
            "Stop and start replication on an instance",
            "Stops both replication threads of an instance and starts them again.";
        ResetReplica "reset-replica" ("reset-slave"), command, Disrupt, ReplicationGeneral,
            ["reset-replica/:host/:port"], needs [], takes [Instance],
            "Make an instance forget its source",
            "Stops replication and makes the instance forget its source for good.";
        Credentials "change-master-credentials" (), command, Disrupt, ReplicationGeneral,
            ["change-master-credentials/:host/:port"], needs [], takes [Instance],
            "Give a replica its replication account again",
            "Sets user and password of replication as ReplicationCredentialsQuery, or the server's own tables, tell them.";
        DetachReplica "detach-replica-master-host" ("detach-replica", "detach-slave", "detach-slave-master-host"),
            command, Disrupt, ReplicationGeneral,
            ["detach-replica-master-host/:host/:port"], needs [], takes [Instance],
            "Stop a replica from reaching its source, in a way that can be undone",
            "Changes the host of the source to //host, so that nothing can be received until reattach-replica-master-host.";
        ReattachReplica "reattach-replica-master-host"
            ("reattach-replica", "reattach-slave", "reattach-slave-master-host"), command, Disrupt, ReplicationGeneral,
            ["reattach-replica-master-host/:host/:port"], needs [], takes [Instance],
            "Undo detach-replica-master-host",
            "Changes the host of the source back from //host and starts replication.";
        PosWait "master-pos-wait" (), command, Read, ReplicationGeneral, [], needs [Binlog], takes [Instance],
            "Wait until a replica has executed a place of its source",
            "Waits until the replica has executed its source's binary log up to file:pos.";
        EnableSemiSyncPrimary "enable-semi-sync-master" ("enable-semi-sync-source"), command, Disrupt,
            ReplicationGeneral, ["enable-semi-sync-master/:host/:port"], needs [], takes [Instance],
            "Switch the primary side of semi-sync on",
            "Makes an instance wait for acknowledgements of semi-sync replicas when it is a primary.";
        DisableSemiSyncPrimary "disable-semi-sync-master" ("disable-semi-sync-source"), command, Disrupt,
            ReplicationGeneral, ["disable-semi-sync-master/:host/:port"], needs [], takes [Instance],
            "Switch the primary side of semi-sync off",
            "Makes an instance commit without waiting for acknowledgements.";
        EnableSemiSyncReplica "enable-semi-sync-replica" (), command, Disrupt, ReplicationGeneral,
            ["enable-semi-sync-replica/:host/:port"], needs [], takes [Instance],
            "Switch the replica side of semi-sync on",
            "Makes a replica acknowledge what it receives; a running receiver reconnects for that.";
        DisableSemiSyncReplica "disable-semi-sync-replica" (), command, Disrupt, ReplicationGeneral,
            ["disable-semi-sync-replica/:host/:port"], needs [], takes [Instance],
            "Switch the replica side of semi-sync off",
            "Makes a replica no longer acknowledge what it receives; a running receiver reconnects for that.";
        Delay "delay-replication" (), command, Disrupt, ReplicationGeneral,
            ["delay-replication/:host/:port/:seconds"], needs [Seconds], takes [Instance],
            "Delay the applier of a replica",
            "Makes a replica apply everything that many seconds late; 0 ends the delay.";
        Statements "restart-replica-statements" ("restart-slave-statements"), command, Read, ReplicationGeneral,
            ["restart-replica-statements/:host/:port"], needs [], takes [Instance, Statement],
            "Print the statements around one for which replication has to stop",
            "Prints the statements that stop what runs, do the given one, and start again what ran. Executes nothing.";
        SetReadOnly "set-read-only" (), command, Disrupt, Instance,
            ["set-read-only/:host/:port"], needs [], takes [Instance],
            "Make an instance read-only",
            "Switches read_only on, and super_read_only too where the configuration asks for it.";
        SetWriteable "set-writeable" ("set-writable"), command, Disrupt, Instance,
            ["set-writeable/:host/:port"], needs [], takes [Instance],
            "Make an instance writable",
            "Switches read_only off, and super_read_only too where the configuration asks for it.";
        KillQuery "kill-query" (), command, Disrupt, Instance,
            ["kill-query/:host/:port/:process"], needs [Process], takes [Instance],
            "End the statement that a connection runs",
            "Ends the statement that a connection to the instance runs; the connection stays.";
        FlushBinaryLogs "flush-binary-logs" (), command, Disrupt, BinaryLogs,
            ["flush-binary-logs/:host/:port"], needs [], takes [Instance, Binlog],
            "Begin a new binary log",
            "Begins a new binary log, or so many that the one named by --binlog is begun.";
        PurgeBinaryLogs "purge-binary-logs" (), command, Disrupt, BinaryLogs,
            ["purge-binary-logs/:host/:port/:logFile"], needs [Binlog], takes [Instance, Force],
            "Delete binary logs before one",
            "Deletes the binary logs before the given one (latest: the present one), unless a replica still needs them.";
        LocateErrant "locate-gtid-errant" (), command, Read, BinaryLogs,
            ["locate-gtid-errant/:host/:port"], needs [], takes [Instance],
            "List the binary logs that hold errant transactions",
            "Lists the binary logs of an instance that hold transactions which its source lacks.";
        LastRelayEntry "last-executed-relay-entry" (), command, Read, BinaryLogs, [], needs [Instance], takes [],
            "Print the event of the relay log that was executed last",
            "Prints the last event of the relay log that the applier has executed, and where the next one begins in the \
             source's binary log.";
        EqualRelayPlace "correlate-relaylog-pos" (), command, Read, BinaryLogs,
            [], needs [Instance, Destination], takes [Binlog],
            "Print the place in a sibling's relay log that equals one of an instance",
            "Prints place, equal place and the place behind it, separated by semicolons: of the event that --binlog gives in \
             the relay log of -i, or of the last executed one, and of the same event in the relay log of -d.";
        FindEntry "find-binlog-entry" (), command, Read, BinaryLogs, [], needs [Instance, Pattern], takes [],
            "Print the place of a binary log entry by its text",
            "Prints file:pos of the first entry whose text, as SHOW BINLOG EVENTS shows it, is exactly the pattern, in the \
             newest binary log that has one.";
        EqualLogPlace "correlate-binlog-pos" (), command, Read, BinaryLogs,
            [], needs [Instance, Destination], takes [Binlog],
            "Print the place in another instance's binary log that equals one of an instance",
            "Prints file:pos in the binary log of -d where the same begins as at --binlog, or at present, in that of -i. The \
             transaction is found by its GTID.";
        LastPseudoGtid "last-pseudo-gtid" (), command, Read, BinaryLogs,
            ["last-pseudo-gtid/:host/:port"], needs [], takes [Instance],
            "Print the last Pseudo-GTID entry of an instance",
            "Refused: Pseudo-GTID is not supported.";
    }
}
