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
