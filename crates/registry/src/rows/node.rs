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
    }
}
