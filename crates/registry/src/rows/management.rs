//! Changes to what is known about servers.

use super::operations;

operations! {
    /// Changes to what is known about servers; database servers are at most read.
    ManagementOperation in Management {
        Discover "discover" (), command, Change, InstanceManagement,
            ["discover/:host/:port"], needs [], takes [Instance],
            "Read an instance and remember it",
            "Connects to an instance, reads it and remembers it. The running service then also finds the servers around it.";
        AsyncDiscover "async-discover" (), route, Change, InstanceManagement,
            ["async-discover/:host/:port"], needs [Instance], takes [],
            "Read an instance in the background and remember it",
            "Answers at once and reads the instance in the background.";
        Refresh "refresh" (), command, Change, InstanceManagement,
            ["refresh/:host/:port"], needs [], takes [Instance],
            "Read a known instance again",
            "Connects to an instance, reads it and stores what was read.";
        Forget "forget" (), command, Change, InstanceManagement,
            ["forget/:host/:port"], needs [Instance], takes [],
            "Forget an instance",
            "Removes an instance from everything that is known. It comes back if it is found again by replication.";
        ForgetCluster "forget-cluster" (), command, Change, InstanceManagement,
            ["forget-cluster/:clusterHint"], needs [Cluster], takes [Instance],
            "Forget all instances of a cluster",
            "Removes all instances of a cluster from everything that is known.";
        BeginDowntime "begin-downtime" (), command, Change, InstanceManagement,
            ["begin-downtime/:host/:port/:owner/:reason", "begin-downtime/:host/:port/:owner/:reason/:duration"],
            needs [Reason], takes [Instance, Owner, Duration],
            "Begin downtime of an instance: no recovery, no problem",
            "An instance in downtime is shown and analysed, but nothing is done about it automatically. Lasts ten minutes \
             unless a duration is given; replaces a downtime that is there.";
        EndDowntime "end-downtime" (), command, Change, InstanceManagement,
            ["end-downtime/:host/:port"], needs [], takes [Instance],
            "End downtime of an instance",
            "Ends the downtime of an instance; it is no error if there is none.";
        RegisterCandidate "register-candidate" (), command, Change, InstanceMeta,
            ["register-candidate/:host/:port/:promotionRule"], needs [], takes [Instance, PromotionRule],
            "Register how much an instance should be promoted",
            "Registers a promotion rule: prefer, neutral, prefer_not or must_not. Rules lapse after a while and should be \
             registered again from time to time.";
    }
}
