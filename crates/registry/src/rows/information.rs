//! Questions about servers and clusters.

use super::operations;

operations! {
    /// Questions about servers and clusters; nothing changes.
    InformationOperation in Information {
        CanReplicateFrom "can-replicate-from" (), command, Read, ReplicationInformation,
            ["can-replicate-from/:host/:port/:belowHost/:belowPort"],
            needs [Instance, Destination], takes [],
            "Can an instance replicate from another, by the rules of replication?",
            "Prints the destination if the instance could replicate from it, and nothing if it could not. Looks at what \
             is known about both servers; contacts none.";
        CanReplicateFromGtid "can-replicate-from-gtid" (), command, Read, ReplicationInformation,
            ["can-replicate-from-gtid/:host/:port/:belowHost/:belowPort"],
            needs [Instance, Destination], takes [],
            "Can an instance replicate from another by GTID?",
            "Prints the destination if the instance could replicate from it by GTID, and nothing if it could not.";
        IsReplicating "is-replicating" (), command, Read, ReplicationInformation, [], needs [], takes [Instance],
            "Is an instance replicating?",
            "Prints the instance if both of its replication threads are running, and nothing if they are not.";
        IsReplicationStopped "is-replication-stopped" (), command, Read, ReplicationInformation,
            [], needs [], takes [Instance],
            "Is replication stopped on an instance?",
            "Prints the instance if both of its replication threads are stopped, and nothing if they are not.";
        Find "find" (), command, Read, Information, [], needs [Pattern], takes [],
            "Find instances whose host:port matches a regular expression",
            "Prints all known instances whose host:port matches the regular expression, one per line.";
        Search "search" (), command, Read, Information, ["search/:searchString", "search"], needs [Pattern], takes [],
            "Search for instances by name, cluster, version, server id or port",
            "Prints the instances where the text is part of the host name, host:port, cluster name, version, version \
             comment or suggested alias, or is the server id or port. A blank text lists all.";
        Clusters "clusters" (), command, Read, Information, ["clusters"], needs [], takes [],
            "List all clusters by name",
            "Prints the names of all known clusters, one per line.";
        ClustersInfo "clusters-alias" ("clusters-info"), command, Read, Information,
            ["clusters-info"], needs [], takes [],
            "List all clusters with their aliases",
            "Prints name, tab, alias of all known clusters, one per line. A cluster without alias shows its name twice.";
        Primaries "all-clusters-masters" ("masters"), command, Read, Information, ["masters"], needs [], takes [],
            "List the writable primary of each cluster",
            "Prints one writable primary for each cluster that has one.";
        Topology "topology" (), command, Read, Information,
            ["topology/:clusterHint", "topology/:host/:port"], needs [], takes [Cluster, Instance, Pattern],
            "Show the topology of a cluster as a tree",
            "Prints the servers of a cluster as a tree of text, with lag, state, version and more for each. With --pattern it \
             prints where they stood in the recorded topologies whose time (seconds since 1970) matches.";
        TopologyTabulated "topology-tabulated" (), command, Read, Information,
            ["topology-tabulated/:clusterHint", "topology-tabulated/:host/:port"], needs [], takes [Cluster, Instance, Pattern],
            "Show the topology of a cluster as a table",
            "Prints the servers of a cluster as a tree of text, in columns separated by bars.";
        TopologyTags "topology-tags" (), command, Read, Information,
            ["topology-tags/:clusterHint", "topology-tags/:host/:port"], needs [], takes [Cluster, Instance, Pattern],
            "Show the topology of a cluster as a tree with tags",
            "Prints the servers of a cluster as a tree of text, each followed by its tags in brackets.";
        AllInstances "all-instances" (), command, Read, Information, ["all-instances"], needs [], takes [],
            "List all known instances",
            "Prints all known instances: primaries first, then by depth, number of replicas, cluster and name.";
        WhichInstance "which-instance" ("instance"), command, Read, Information,
            ["instance/:host/:port"], needs [Instance], takes [],
            "Print the full name of a known instance",
            "Prints host:port of a known instance; part of its host name is enough if only one instance matches.";
        WhichCluster "which-cluster" ("cluster-info"), command, Read, Information,
            ["cluster-info/:clusterHint", "cluster-info/alias/:clusterAlias"], needs [], takes [Cluster, Instance],
            "Print the name of the cluster of an instance or alias",
            "Prints the name of the cluster that an alias names or an instance is a member of.";
        WhichClusterAlias "which-cluster-alias" (), command, Read, Information, [], needs [], takes [Cluster, Instance],
            "Print the alias of a cluster",
            "Prints the alias of the cluster that an alias names or an instance is a member of; its name if it has none.";
        WhichClusterDomain "which-cluster-domain" (), command, Read, Information, [], needs [], takes [Cluster, Instance],
            "Print the domain name of a cluster",
            "Prints the domain name of a cluster, an empty line if it has none.";
        WhichClusterPrimary "which-cluster-master" (), command, Read, Information,
            ["master/:clusterHint"], needs [], takes [Cluster, Instance],
            "Print the primary of a cluster",
            "Prints the primary of a cluster: a writable one if there is one, the topmost of several.";
        WhichClusterInstances "which-cluster-instances" ("cluster"), command, Read, Information,
            ["cluster/:clusterHint", "cluster/alias/:clusterAlias", "cluster/instance/:host/:port"],
            needs [], takes [Cluster, Instance],
            "List the instances of a cluster",
            "Prints all instances of the cluster that an alias names or an instance is a member of.";
        OscReplicas "which-cluster-osc-replicas" ("which-cluster-osc-slaves"), command, Read, Information,
            ["cluster-osc-replicas/:clusterHint", "cluster-osc-slaves/:clusterHint"], needs [], takes [Cluster, Instance],
            "List replicas whose lag tells how an online schema change is doing",
            "Prints a few replicas per tier and data center that stand for the whole cluster when lag is watched.";
        GhostReplicas "which-cluster-gh-ost-replicas" ("which-cluster-gh-ost-slaves"), command, Read, Information,
            [], needs [], takes [Cluster, Instance],
            "List replicas that gh-ost could read from",
            "Prints the readable replicas with row based binary logs that log what they apply, fewest replicas first.";
        HeuristicLag "get-cluster-heuristic-lag" (), command, Read, Information, [], needs [], takes [Cluster, Instance],
            "Print the largest lag among replicas that stand for a cluster",
            "Prints the largest known lag, in seconds, among the replicas of which-cluster-osc-replicas.";
        WhichPrimary "which-master" (), command, Read, Information, [], needs [Instance], takes [],
            "Print the source of an instance",
            "Prints the server an instance replicates from, and nothing if it does not.";
        WhichReplicas "which-replicas" ("which-slaves", "instance-replicas"), command, Read, Information,
            ["instance-replicas/:host/:port"], needs [Instance], takes [],
            "List the direct replicas of an instance",
            "Prints the direct replicas of an instance, one per line.";
        WhichDowntimed "which-downtimed-instances" ("downtimed"), command, Read, Information,
            ["downtimed", "downtimed/:clusterHint"], needs [], takes [Cluster, Instance],
            "List downtimed instances of a cluster, or all",
            "Prints the instances in downtime, of one cluster if an alias or instance is given.";
        WhichLost "which-lost-in-recovery" (), command, Read, Information, [], needs [], takes [],
            "List instances that a failover left behind",
            "Prints the instances that are downtimed because a failover could not bring them along.";
        InstanceStatus "instance-status" (), command, Read, Information, [], needs [Instance], takes [],
            "Print a short status of an instance",
            "Prints lag, state, version and more of an instance in brackets, as topology does.";
        Problems "problems" (), command, Read, Information,
            ["problems", "problems/:clusterName"], needs [], takes [Cluster],
            "List instances that need attention",
            "Prints instances that cannot be read, do not replicate, lag, or have errant transactions; not those in downtime.";
        Tags "tags" (), command, Read, Tags, ["tags/:host/:port"], needs [], takes [Instance],
            "List the tags of an instance",
            "Prints the tags of an instance as name=value, one per line, by name.";
        TagValue "tag-value" (), command, Read, Tags,
            ["tag-value/:host/:port", "tag-value/:host/:port/:tagName"], needs [Tag], takes [Instance],
            "Print the value of a tag of an instance",
            "Prints the value of the tag that --tag names, and nothing if the instance has no such tag.";
        Tagged "tagged" (), command, Read, Tags, ["tagged"], needs [Tag], takes [],
            "List instances by tags",
            "Prints the instances that have all of the tags in the comma list: name, name=value, ~name (has tags, but not \
             this one) or ~name=value (has it with another value).";
        InMaintenance "in-maintenance" (), command, Read, InstanceManagement,
            ["in-maintenance/:host/:port"], needs [], takes [Instance],
            "Is an instance in maintenance?",
            "Prints the instance if an operation or person holds its maintenance lock, and nothing if not.";
        MaintenanceList "maintenance" (), route, Read, InstanceManagement, ["maintenance"], needs [], takes [],
            "List active maintenance locks",
            "Lists all active maintenance locks with owner, reason and age.";
        BulkInstances "bulk-instances" (), command, Read, Global, ["bulk-instances"], needs [], takes [],
            "List all known instances, sorted by name",
            "Prints all known instances sorted by name, for scripts that export them.";
        BulkPromotionRules "bulk-promotion-rules" (), command, Read, Global,
            ["bulk-promotion-rules"], needs [], takes [],
            "List all registered promotion rules",
            "Prints instance, blank, promotion rule for each registered rule, for scripts that export them.";
        ShowResolved "show-resolve-hosts" (), command, Read, Meta, [], needs [], takes [],
            "Show what host names were resolved to",
            "Prints host name, blank, resolved host name for every name that was resolved.";
        ShowUnresolved "show-unresolve-hosts" (), command, Read, Meta, [], needs [], takes [],
            "Show registered virtual host names",
            "Prints host name, blank, virtual name for every host that is reached by another name.";
    }
}
