//! This node.

use super::operations;

operations! {
    /// Questions to this node.
    NodeOperation in Node {
        Health "health" ("status"), route, Read, Meta, ["health"], needs [], takes [],
            "Is this node well?",
            "Tells whether this node can write to its backend, and which node is active.";
        LoadBalancerCheck "lb-check" ("_ping"), route, Read, Meta, ["lb-check"], needs [], takes [],
            "Is this process alive?",
            "Answers OK as long as the process serves requests.";
        LeaderCheck "leader-check" ("routed-leader-check"), route, Read, Meta,
            ["leader-check", "leader-check/:errorStatusCode"], needs [], takes [StatusCode],
            "Is this node the active one?",
            "Answers OK on the active node, and status 404 (or the given one) on others.";
        RaftPeers "raft-peers" (), route, Read, Meta, ["raft-peers"], needs [], takes [],
            "List the nodes of the consensus group",
            "Lists the nodes of the consensus group; an error without one.";
        RaftState "raft-state" (), route, Read, Meta, ["raft-state"], needs [], takes [],
            "Show the state of this node in the consensus group",
            "Shows the state of this node in the consensus group; an error without one.";
        RaftLeader "raft-leader" (), route, Read, Meta, ["raft-leader"], needs [], takes [],
            "Show the leader of the consensus group",
            "Shows the leader of the consensus group; an error without one.";
        RaftHealth "raft-health" (), route, Read, Meta, ["raft-health"], needs [], takes [],
            "Is this node part of a working consensus group?",
            "Tells whether this node is part of a working consensus group; an error without one.";
        RaftStatus "raft-status" (), route, Read, Meta, ["raft-status"], needs [], takes [],
            "Show everything about this node's place in the consensus group",
            "Shows everything about this node's place in the consensus group; an error without one.";
        RaftAddPeer "raft-add-peer" (), route, Change, Meta, ["raft-add-peer/:addr"], needs [Node], takes [],
            "Add a node to the consensus group",
            "Adds a node to the consensus group; an error without one.";
        RaftRemovePeer "raft-remove-peer" (), route, Change, Meta, ["raft-remove-peer/:addr"], needs [Node], takes [],
            "Take a node out of the consensus group",
            "Takes a node out of the consensus group; an error without one.";
        RaftYield "raft-yield" (), route, Change, Meta, ["raft-yield/:node"], needs [Node], takes [],
            "Let another node lead the consensus group",
            "Hands the leadership of the consensus group to the given node; an error without one.";
        RaftYieldHint "raft-yield-hint" (), route, Change, Meta, ["raft-yield-hint/:hint"], needs [Node], takes [],
            "Let another node lead the consensus group, by a part of its name",
            "Hands the leadership to a node whose host name holds the given text; an error without a consensus group.";
        RaftSnapshot "raft-snapshot" (), route, Change, Meta, ["raft-snapshot"], needs [], takes [],
            "Shorten the log of the consensus group on this node",
            "Takes a snapshot of the state on this node; an error without a consensus group.";
        RaftReport "raft-follower-health-report" (), route, Change, Meta,
            ["raft-follower-health-report/:authenticationToken/:raftBind/:raftAdvertise"], needs [Node], takes [],
            "Report the health of a follower to the leader",
            "Nodes of a consensus group call this among themselves; an error without one.";
        Headers "headers" (), route, Read, Meta, ["headers"], needs [], takes [],
            "Show the headers of the request as they arrived",
            "Answers with the headers of the request, to see what a proxy in front adds or takes away.";
        ReloadClusterAlias "reload-cluster-alias" (), route, Change, Meta, ["reload-cluster-alias"], needs [], takes [],
            "Retired",
            "Always an error: aliases of clusters are read with every poll.";
        DiscoveryFigures "discovery-metrics-raw" (), route, Read, Meta,
            ["discovery-metrics-raw/:seconds"], needs [Seconds], takes [],
            "Show how long single reads of servers took",
            "Lists the reads of servers of the last seconds, each with what it took and why it failed.";
        DiscoveryStatistics "discovery-metrics-aggregated" (), route, Read, Meta,
            ["discovery-metrics-aggregated/:seconds"], needs [Seconds], takes [],
            "Show statistics of reads of servers",
            "Counts the reads of servers of the last seconds and tells mean, largest, median and 95th percentile of their times.";
        QueueFigures "discovery-queue-metrics-raw" (), route, Read, Meta,
            ["discovery-queue-metrics-raw/:seconds", "discovery-queue-metrics-raw/:queue/:seconds"], needs [Seconds], takes [Queue],
            "Show the queue of reads, second by second",
            "Lists how many servers were being read and how many waited, for each of the last seconds.";
        QueueStatistics "discovery-queue-metrics-aggregated" (), route, Read, Meta,
            ["discovery-queue-metrics-aggregated/:seconds", "discovery-queue-metrics-aggregated/:queue/:seconds"], needs [Seconds], takes [Queue],
            "Show statistics of the queue of reads",
            "Tells smallest, mean, median, 95th percentile and largest length of the queue of reads in the last seconds.";
        BackendFigures "backend-query-metrics-raw" (), route, Read, Meta,
            ["backend-query-metrics-raw/:seconds"], needs [Seconds], takes [],
            "Show how long single changes of the backend took",
            "Lists the changes of the backend of the last seconds, each with what it took and why it failed.";
        BackendStatistics "backend-query-metrics-aggregated" (), route, Read, Meta,
            ["backend-query-metrics-aggregated/:seconds"], needs [Seconds], takes [],
            "Show statistics of changes of the backend",
            "Counts the changes of the backend of the last seconds and tells largest, mean, median and 95th percentile of their times.";
        FlushFigures "write-buffer-metrics-raw" (), route, Read, Meta,
            ["write-buffer-metrics-raw/:seconds"], needs [Seconds], takes [],
            "Show how long it took to write batches of observed servers",
            "Lists the batches of observed servers written in the last seconds, each with its size and what it took.";
        FlushStatistics "write-buffer-metrics-aggregated" (), route, Read, Meta,
            ["write-buffer-metrics-aggregated/:seconds"], needs [Seconds], takes [],
            "Show statistics of batches of observed servers",
            "Counts the observed servers written in the last seconds and tells statistics of the batches.";
        DumpConfig "dump-config" (), command, Read, Meta, [], needs [], takes [ShowSecrets],
            "Print the configuration in force",
            "Prints the configuration in force as one line of JSON; secrets are hidden unless --show-secrets is given.";
        ReloadConfiguration "reload-configuration" (), route, Change, Meta,
            ["reload-configuration"], needs [], takes [ConfigFile],
            "Read the configuration again",
            "Reads the configuration files again and puts them in force; a broken file changes nothing.";
        GrabElection "grab-election" (), route, Change, Meta, ["grab-election"], needs [], takes [],
            "Make this node the active one",
            "Makes this node the active one; a node that cannot be answers with an error.";
        Reelect "reelect" (), command, Change, Meta, ["reelect"], needs [], takes [],
            "End the term of the active node, so that another one may be elected",
            "Ends the term of the active node of a shared backend; the next one is whoever asks first, maybe the same.";
        ActiveNodes "active-nodes" (), command, Read, Meta, [], needs [], takes [],
            "List the processes that use this backend",
            "Prints hostname:token of every process that used this backend within five seconds, this one included.";
        AccessToken "access-token" (), command, Change, Meta, [], needs [], takes [Owner],
            "Issue an access token",
            "Prints a token that may be redeemed once, within a short time, for the right to change things over HTTP.";
        Continuous "continuous" (), command, Disrupt, Meta, [], needs [], takes [],
            "Discover, watch and recover without serving HTTP",
            "Runs everything the service does but HTTP, until a signal ends it.";
        Redeploy "redeploy-internal-db" (), command, Change, Internal, [], needs [], takes [],
            "Apply the schema of the backend again",
            "Runs all statements of the schema again, whatever version is deployed.";
        SuggestReplacement "internal-suggest-promoted-replacement" (), command, Read, Internal,
            [], needs [Instance, Destination], takes [],
            "Print who should be promoted in the place of a promoted instance",
            "Prints the instance that would take the place of -d, which was promoted for the failed -i; -d itself if none is \
             better.";
    }
}
