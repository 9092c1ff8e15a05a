//! What is kept beside servers: tags, maintenance, pools, names, published primaries.

use super::operations;

operations! {
    /// What is kept beside servers. Database servers are not touched.
    BookkeepingOperation in Bookkeeping {
        Tag "tag" (), command, Change, Tags,
            ["tag/:host/:port", "tag/:host/:port/:tagName/:tagValue"], needs [Tag], takes [Instance],
            "Give an instance a tag",
            "Gives an instance the tag name or name=value; a tag of that name gets the new value.";
        Untag "untag" (), command, Change, Tags,
            ["untag/:host/:port", "untag/:host/:port/:tagName"], needs [Tag], takes [Instance],
            "Take a tag from an instance",
            "Takes the tag from an instance; with name=value only if it has that value. Prints the instance if it had it.";
        UntagAll "untag-all" (), command, Change, Tags,
            ["untag-all", "untag-all/:tagName/:tagValue"], needs [Tag], takes [],
            "Take a tag from all instances",
            "Takes the tag name=value from all instances that have it with that value, and prints them.";
        BeginMaintenance "begin-maintenance" (), command, Change, InstanceManagement,
            ["begin-maintenance/:host/:port/:owner/:reason"], needs [Reason], takes [Instance, Owner, Duration],
            "Lock an instance against operations of others",
            "Takes the maintenance lock of an instance, so that nobody else moves it. Lasts ten minutes unless a duration is \
             given.";
        EndMaintenance "end-maintenance" (), command, Change, InstanceManagement,
            ["end-maintenance/:host/:port", "end-maintenance/:maintenanceKey"], needs [], takes [Instance],
            "Give the maintenance lock of an instance back",
            "Ends the maintenance of an instance; it is no error if there is none.";
        SubmitPool "submit-pool-instances" (), command, Change, Pools,
            ["submit-pool-instances/:pool"], needs [Pool], takes [Instances],
            "Replace the members of a pool",
            "Replaces the members of a pool by the comma list of instances; an empty list empties the pool.";
        PoolInstances "cluster-pool-instances" (), command, Read, Pools,
            ["cluster-pool-instances/:clusterName", "cluster-pool-instances/:clusterName/:pool"],
            needs [], takes [],
            "List all pools and their members",
            "Prints cluster, alias, pool and instance, separated by tabs, for every member of every pool.";
        HeuristicPoolInstances "which-heuristic-cluster-pool-instances" (), command, Read, Pools,
            ["heuristic-cluster-pool-instances/:clusterHint", "heuristic-cluster-pool-instances/:clusterHint/:pool"],
            needs [], takes [Cluster, Instance, Pool],
            "List the well members of a cluster's pools",
            "Prints the members of a cluster that are in a pool (or in the given one) and were read without failure.";
        PoolLag "heuristic-cluster-pool-lag" (), route, Read, Pools,
            ["heuristic-cluster-pool-lag/:clusterAlias", "heuristic-cluster-pool-lag/:clusterAlias/:pool"],
            needs [], takes [Pool],
            "Show the largest lag in a cluster's pools",
            "Answers the largest lag, in seconds, among the members of a cluster's pools.";
        SetClusterAlias "set-cluster-alias" (), route, Change, Information,
            ["set-cluster-alias/:clusterName"], needs [NewAlias], takes [],
            "Give a cluster an alias, whatever its instances say",
            "Gives a cluster an alias that overrides the one its instances suggest.";
        DomainInstance "which-heuristic-domain-instance" (), command, Read, Information,
            [], needs [], takes [Cluster, Instance],
            "Print the writer stored under a cluster's domain name",
            "Prints the instance that is stored as writer under the domain name of a cluster.";
        SetDomainInstance "set-heuristic-domain-instance" (), command, Change, InstanceMeta,
            [], needs [], takes [Cluster, Instance],
            "Store the primary under a cluster's domain name",
            "Stores the one writable primary of a cluster under the cluster's domain name, and prints it.";
        SubmitPrimaries "submit-masters-to-kv-stores" (), command, Change, KeyValue,
            ["submit-masters-to-kv-stores", "submit-masters-to-kv-stores/:clusterHint"],
            needs [], takes [Cluster, Instance],
            "Publish the primaries of all clusters, or of one, in the key-value stores",
            "Writes the primary of each cluster into the key-value stores and prints key:value for each pair written.";
        RegisterUnresolve "register-hostname-unresolve" (), command, Change, InstanceMeta,
            ["register-hostname-unresolve/:host/:port/:virtualname"], needs [], takes [Instance, Hostname],
            "Register the virtual name of a host",
            "Registers the name under which replicas reach a host; an empty name removes the registration.";
        DeregisterUnresolve "deregister-hostname-unresolve" (), command, Change, InstanceMeta,
            ["deregister-hostname-unresolve/:host/:port"], needs [], takes [Instance],
            "Remove the virtual name of a host",
            "Removes the name under which replicas reach a host.";
        Resolve "resolve" (), command, Read, Meta, ["resolve/:host/:port"], needs [Instance], takes [],
            "Resolve a host name and see whether its port answers",
            "Opens and closes a connection to the address and prints the canonical name of the host with the port.";
        ResolveCache "hostname-resolve-cache" (), route, Read, Meta, ["hostname-resolve-cache"], needs [], takes [],
            "List what host names are resolved to",
            "Lists what every host name was resolved to, with the time when that is looked up again.";
        ResetResolveCache "reset-hostname-resolve-cache" (), command, Change, Meta,
            ["reset-hostname-resolve-cache"], needs [], takes [],
            "Forget what host names are resolved to",
            "Forgets what every host name was resolved to, in memory and in the backend.";
        SnapshotTopologies "snapshot-topologies" (), command, Change, Meta,
            ["snapshot-topologies"], needs [], takes [],
            "Record where every instance stands",
            "Records source, cluster and version of every instance in the history of topologies.";
    }
}
