//! Agents on database hosts, and seeds.
//!
//! Also what only asks is for operators alone, as it always was: agents tell of hosts and their data.

use super::operations;

operations! {
    /// What agents tell and do.
    AgentOperation in Agents {
        CustomCommand "custom-command" (), command, Disrupt, Agent, ["agent-custom-command/:host/:command"],
            needs [Hostname, Pattern], takes [],
            "Execute a custom command on the agent as defined in the agent conf",
            "Has the agent on the host given by --hostname run the command that its own configuration knows under the name given by --pattern, and prints what it answers.";
        List "agents" (), route, Change, Agent, ["agents"], needs [], takes [],
            "List agents",
            "Lists the agents that are registered, by host, without asking them.";
        Show "agent" (), route, Change, Agent, ["agent/:host"], needs [Hostname], takes [],
            "Ask an agent what it can tell",
            "Asks the agent of a host for snapshots, mount point, and the state of its MySQL server; what it does not answer is left empty.";
        Unmount "agent-umount" (), route, Disrupt, Agent, ["agent-umount/:host"], needs [Hostname], takes [],
            "Unmount the snapshot of a host",
            "Has the agent of a host unmount the snapshot that is mounted there.";
        Mount "agent-mount" (), route, Disrupt, Agent, ["agent-mount/:host"], needs [Hostname, Volume], takes [],
            "Mount a snapshot of a host",
            "Has the agent of a host mount the logical volume given by `?lv=`.";
        CreateSnapshot "agent-create-snapshot" (), route, Disrupt, Agent, ["agent-create-snapshot/:host"],
            needs [Hostname], takes [],
            "Take a snapshot on a host",
            "Has the agent of a host take a snapshot of its MySQL data.";
        RemoveVolume "agent-removelv" (), route, Disrupt, Agent, ["agent-removelv/:host"],
            needs [Hostname, Volume], takes [],
            "Remove a snapshot of a host",
            "Has the agent of a host remove the logical volume given by `?lv=`.";
        StopMysql "agent-mysql-stop" (), route, Disrupt, Agent, ["agent-mysql-stop/:host"], needs [Hostname], takes [],
            "Stop the MySQL server of a host",
            "Has the agent of a host stop its MySQL server.";
        StartMysql "agent-mysql-start" (), route, Disrupt, Agent, ["agent-mysql-start/:host"], needs [Hostname], takes [],
            "Start the MySQL server of a host",
            "Has the agent of a host start its MySQL server.";
        BeginSeed "agent-seed" (), route, Disrupt, Agent, ["agent-seed/:targetHost/:sourceHost"],
            needs [Hostname, SourceHost], takes [],
            "Replace the data of a host by a copy of another's",
            "Begins a seed: erases the MySQL data of the target and copies a snapshot of the source there. Answers with the number of the seed; its steps are recorded.";
        ActiveSeeds "agent-active-seeds" (), route, Change, Agent, ["agent-active-seeds/:host"],
            needs [Hostname], takes [],
            "List running seeds of a host",
            "Lists the seeds that run with the host as target or source, newest first.";
        RecentSeeds "agent-recent-seeds" (), route, Change, Agent, ["agent-recent-seeds/:host"],
            needs [Hostname], takes [],
            "List ended seeds of a host",
            "Lists the last ten seeds that ended with the host as target or source, newest first.";
        SeedDetails "agent-seed-details" (), route, Change, Agent, ["agent-seed-details/:seedId"],
            needs [Id], takes [],
            "Show a seed",
            "Shows the hosts of a seed, when it began and ended, and whether it succeeded.";
        SeedStates "agent-seed-states" (), route, Change, Agent, ["agent-seed-states/:seedId"],
            needs [Id], takes [],
            "List the steps of a seed",
            "Lists what a seed did, newest first, and why it failed.";
        AbortSeed "agent-abort-seed" (), route, Disrupt, Agent, ["agent-abort-seed/:seedId"], needs [Id], takes [],
            "Break a seed off",
            "Ends a seed as failed and has the agents of both hosts break the transfer off. The target then has no usable data.";
        Seeds "seeds" (), route, Change, Agent, ["seeds"], needs [], takes [],
            "List seeds",
            "Lists the last hundred seeds, newest first.";
    }
}
