//! Analysis, recoveries, their records and acknowledgement.

use super::operations;

operations! {
    /// Analysis, recoveries, their records and acknowledgement.
    RecoveryOperation in Recovery {
        Recover "recover" (), command, Disrupt, Recovery,
            ["recover/:host/:port", "recover/:host/:port/:candidateHost/:candidatePort"],
            needs [Instance], takes [Destination],
            "Recover from a failure that the analysis sees on an instance",
            "Does what would be done automatically about the failed instance, whatever downtime, filters and earlier \
             recoveries say. With -d that server is promoted, or none. Prints the promoted server.";
        RecoverLite "recover-lite" (), command, Disrupt, Recovery,
            ["recover-lite/:host/:port", "recover-lite/:host/:port/:candidateHost/:candidatePort"],
            needs [Instance], takes [Destination],
            "Recover from a failure without running hooks",
            "Same as recover, but runs no hooks.";
        ForceFailover "force-master-failover" (), command, Disrupt, Recovery,
            ["force-master-failover/:clusterHint", "force-master-failover/:host/:port"],
            needs [], takes [Cluster, Instance],
            "Fail a cluster over, whatever its primary answers",
            "Treats the primary of the cluster as dead and promotes the best replica. The primary is not asked and may \
             still accept writes: use graceful-master-takeover while it is well. Prints the promoted server.";
        ForceTakeover "force-master-takeover" (), command, Disrupt, Recovery,
            [
                "force-master-takeover/:clusterHint/:designatedHost/:designatedPort",
                "force-master-takeover/:host/:port/:designatedHost/:designatedPort",
            ],
            needs [Destination], takes [Cluster, Instance],
            "Fail a cluster over to a given replica, whatever its primary answers",
            "Treats the primary of the cluster as dead and promotes the given direct replica, or none. Prints the \
             promoted server.";
        GracefulTakeover "graceful-master-takeover" (), command, Disrupt, Recovery,
            [
                "graceful-master-takeover/:clusterHint", "graceful-master-takeover/:host/:port",
                "graceful-master-takeover/:clusterHint/:designatedHost/:designatedPort",
                "graceful-master-takeover/:host/:port/:designatedHost/:designatedPort",
            ],
            needs [], takes [Cluster, Instance, Destination],
            "Hand a live primary's role over to a replica",
            "Makes the primary read-only, waits until the replica has everything, and promotes it. Without -d the primary \
             must have one direct replica. Replication on the former primary is set up, but not started. Prints the \
             promoted server and its position.";
        GracefulTakeoverAuto "graceful-master-takeover-auto" (), command, Disrupt, Recovery,
            [
                "graceful-master-takeover-auto/:clusterHint", "graceful-master-takeover-auto/:host/:port",
                "graceful-master-takeover-auto/:clusterHint/:designatedHost/:designatedPort",
                "graceful-master-takeover-auto/:host/:port/:designatedHost/:designatedPort",
            ],
            needs [], takes [Cluster, Instance, Destination],
            "Hand a live primary's role over, choose the replica, and restart replication on the former primary",
            "Same as graceful-master-takeover, but chooses the replica when none is given, and starts replication on the \
             former primary in the end.";
        PlanFailover "plan-failover" (), command, Read, Recovery,
            [
                "plan-failover/:clusterHint", "plan-failover/:host/:port",
                "plan-failover/:clusterHint/:designatedHost/:designatedPort",
                "plan-failover/:host/:port/:designatedHost/:designatedPort",
            ],
            needs [], takes [Cluster, Instance, Destination],
            "Show what would be done if the primary of a cluster failed now",
            "Prints who would be promoted, the reason for and against each replica, what would become of it, what would be \
             lost, and every step. With -d that replica is promoted, or none. Nothing is changed. Whether it would be done \
             automatically is told by explain.";
        PlanTakeover "plan-takeover" (), command, Read, Recovery,
            [
                "plan-takeover/:clusterHint", "plan-takeover/:host/:port",
                "plan-takeover/:clusterHint/:designatedHost/:designatedPort",
                "plan-takeover/:host/:port/:designatedHost/:designatedPort",
            ],
            needs [], takes [Cluster, Instance, Destination],
            "Show what graceful-master-takeover-auto would do",
            "Reads the servers of the cluster and prints who would take over, which replicas move when, and every step; or \
             every obstacle. Nothing is changed.";
        Analysis "replication-analysis" (), command, Read, Recovery,
            ["replication-analysis", "replication-analysis/:clusterName", "replication-analysis/instance/:host/:port"],
            needs [], takes [Cluster, Instance],
            "Show what is wrong, by cluster and instance",
            "Prints a line for each instance with a failure or a weakness of its topology: the codes, joined by commas. \
             Instances in downtime are left out. With --alias only that cluster is shown, with -i only that instance.";
        Explain "explain" (), command, Read, Recovery, ["explain/:host/:port"], needs [Instance], takes [],
            "Explain why nothing is done about an instance, or what is",
            "Prints what was seen of the instance, by whom and when; the rule that matched, and those that nearly did; and \
             every reason for which no recovery begins, with what would change it.";
        ExplainCluster "explain-cluster" (), command, Read, Recovery,
            ["explain-cluster/:clusterHint"], needs [], takes [Cluster, Instance],
            "Explain a cluster: as explain, for every instance with replicas or problems",
            "Prints an explanation for each instance of the cluster that has replicas or a problem; primaries first.";
        Changelog "replication-analysis-changelog" (), route, Read, Recovery,
            ["replication-analysis-changelog"], needs [], takes [],
            "List how the analysis of each instance changed",
            "Lists for each instance when its analysis changed, and to what.";
        AckAll "ack-all-recoveries" (), command, Change, Recovery,
            ["ack-all-recoveries"], needs [Comment], takes [Owner],
            "Acknowledge all recoveries",
            "Acknowledges all recoveries, so that they no longer block recoveries of the same clusters.";
        AckCluster "ack-cluster-recoveries" (), command, Change, Recovery,
            ["ack-recovery/cluster/:clusterHint", "ack-recovery/cluster/alias/:clusterAlias"],
            needs [Comment], takes [Cluster, Instance, Owner],
            "Acknowledge the recoveries of a cluster",
            "Acknowledges the recoveries of a cluster, so that they no longer block its next recovery.";
        AckInstance "ack-instance-recoveries" (), command, Change, Recovery,
            ["ack-recovery/instance/:host/:port"], needs [Comment], takes [Instance, Owner],
            "Acknowledge the recoveries of a failed instance",
            "Acknowledges the recoveries of a failed instance, so that they no longer block its next recovery.";
        AckRecovery "ack-recovery" (), route, Change, Recovery,
            ["ack-recovery/:recoveryId", "ack-recovery/uid/:uid"], needs [Comment], takes [Id, Uid],
            "Acknowledge one recovery",
            "Acknowledges one recovery, by its number or unique identifier.";
        AutomationFilters "automated-recovery-filters" (), route, Read, Recovery,
            ["automated-recovery-filters"], needs [], takes [],
            "List the filters that say which clusters recover automatically",
            "Lists the cluster filters of the configuration for primaries and intermediate primaries, and ignored hosts.";
        DisableRecoveries "disable-global-recoveries" (), command, Change, Global,
            ["disable-global-recoveries"], needs [], takes [],
            "Disallow automatic recoveries on all nodes",
            "Switches all automatic recoveries off, on all nodes and across restarts. Recoveries asked for still run.";
        EnableRecoveries "enable-global-recoveries" (), command, Change, Global,
            ["enable-global-recoveries"], needs [], takes [],
            "Allow automatic recoveries on all nodes again",
            "Switches automatic recoveries on again, on all nodes.";
        CheckRecoveries "check-global-recoveries" (), command, Read, Global,
            ["check-global-recoveries"], needs [], takes [],
            "Are automatic recoveries switched off?",
            "Prints whether all automatic recoveries are switched off.";
        AuditRecovery "audit-recovery" (), route, Read, Audit,
            [
                "audit-recovery", "audit-recovery/:page", "audit-recovery/id/:id", "audit-recovery/uid/:uid",
                "audit-recovery/cluster/:clusterName", "audit-recovery/cluster/:clusterName/:page",
                "audit-recovery/alias/:clusterAlias", "audit-recovery/alias/:clusterAlias/:page",
            ],
            needs [], takes [Page, Id, Uid, Unacknowledged],
            "List recoveries, newest first",
            "Lists recoveries, newest first, 20 per page.";
        RecoverySteps "audit-recovery-steps" (), route, Read, Audit,
            ["audit-recovery-steps/:uid"], needs [Uid], takes [],
            "List the steps of a recovery",
            "Lists the steps of a recovery, oldest first.";
        ActiveClusterRecovery "active-cluster-recovery" (), route, Read, Audit,
            ["active-cluster-recovery/:clusterName"], needs [Cluster], takes [],
            "List running recoveries of a cluster",
            "Lists recoveries of a cluster that have not ended.";
        RecentClusterRecovery "recently-active-cluster-recovery" (), route, Read, Audit,
            ["recently-active-cluster-recovery/:clusterName"], needs [Cluster], takes [],
            "List recoveries of a cluster that ended lately",
            "Lists recoveries of a cluster that ended within five minutes.";
        RecentInstanceRecovery "recently-active-instance-recovery" (), route, Read, Audit,
            ["recently-active-instance-recovery/:host/:port"], needs [Instance], takes [],
            "List recoveries that lately promoted an instance",
            "Lists recoveries that ended within five minutes and promoted this instance.";
        AuditDetection "audit-failure-detection" (), route, Read, Audit,
            [
                "audit-failure-detection", "audit-failure-detection/:page", "audit-failure-detection/id/:id",
                "audit-failure-detection/alias/:clusterAlias", "audit-failure-detection/alias/:clusterAlias/:page",
            ],
            needs [], takes [Page, Id],
            "List detected failures, newest first",
            "Lists detected failures, newest first, 20 per page.";
        BlockedRecoveries "blocked-recoveries" (), route, Read, Audit,
            ["blocked-recoveries", "blocked-recoveries/cluster/:clusterName"], needs [], takes [Cluster],
            "List recoveries that were refused because of earlier ones",
            "Lists recoveries that were refused because of earlier ones that are neither old enough nor acknowledged.";
        Audit "audit" (), route, Read, Audit,
            ["audit", "audit/:page", "audit/instance/:host/:port", "audit/instance/:host/:port/:page"],
            needs [], takes [Page, Instance],
            "List what was done, newest first",
            "Lists what was done by people and automatically, newest first, 20 per page.";
    }
}
