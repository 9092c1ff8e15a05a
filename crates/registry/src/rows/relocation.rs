//! Moves of replicas.

use super::operations;

operations! {
    /// Moves of replicas to other sources.
    RelocationOperation in Relocation {
        Relocate "relocate" ("relocate-below"), command, Disrupt, SmartRelocation,
            ["relocate/:host/:port/:belowHost/:belowPort"], needs [Destination], takes [Instance],
            "Move a replica below another instance",
            "Puts a replica below another instance, by whatever way is safe: it stays what it is, finds its place by GTID, or \
             by coordinates that both can be brought to. A move that fails is undone.";
        RelocateReplicas "relocate-replicas" ("relocate-slaves"), command, Disrupt, SmartRelocation,
            ["relocate-replicas/:host/:port/:belowHost/:belowPort"], needs [Destination], takes [Instance, Pattern],
            "Move the replicas of an instance below another one",
            "Puts the replicas of an instance below another one, those whose host:port matches the pattern if one is given. \
             The instance itself need not be alive. Prints the replicas that were moved.";
        TakeSiblings "take-siblings" ("enslave-siblings"), command, Disrupt, SmartRelocation,
            ["take-siblings/:host/:port"], needs [], takes [Instance],
            "Move all siblings of a replica below it",
            "Puts all other replicas of a replica's source below that replica.";
        RegroupReplicas "regroup-replicas" ("regroup-slaves"), command, Disrupt, SmartRelocation,
            ["regroup-replicas/:host/:port"], needs [Instance], takes [],
            "Move the replicas of an instance below the best of them",
            "Chooses the best replica of an instance, dead or alive, and puts its siblings below it.";
        RegroupBinlogServers "regroup-replicas-bls" ("regroup-slaves-bls"), command, Disrupt, BinlogServerRelocation,
            ["regroup-replicas-bls/:host/:port"], needs [Instance], takes [],
            "Move the binlog servers below an instance below the best of them",
            "Chooses the binlog server below an instance that received most, and puts the others below it. Prints it.";
        MakePrimary "make-master" (), route, Disrupt, ClassicRelocation,
            ["make-master/:host/:port"], needs [Instance], takes [],
            "Let a replica of a dead primary take its place",
            "Puts the siblings of a replica of a dead primary below it and makes it writable. No recovery is recorded, and \
             no hook runs: recover and force-master-takeover do more.";
        MakeLocalPrimary "make-local-master" (), route, Disrupt, ClassicRelocation,
            ["make-local-master/:host/:port"], needs [Instance], takes [],
            "Let a replica take the place of its source, an intermediate one",
            "Puts a replica below its source's source, and its siblings below it.";
        MoveUp "move-up" (), command, Disrupt, ClassicRelocation,
            ["move-up/:host/:port"], needs [], takes [Instance],
            "Move a replica one level up",
            "Puts a replica below its source's source. One without GTID is brought to where its source stands, which is \
             stopped meanwhile.";
        MoveUpReplicas "move-up-replicas" ("move-up-slaves"), command, Disrupt, ClassicRelocation,
            ["move-up-replicas/:host/:port"], needs [], takes [Instance, Pattern],
            "Move the replicas of an instance one level up",
            "Puts the replicas of an instance below that instance's source.";
        MoveBelow "move-below" (), command, Disrupt, ClassicRelocation,
            ["move-below/:host/:port/:siblingHost/:siblingPort"], needs [Destination], takes [Instance],
            "Move a replica below its sibling",
            "Puts a replica below a sibling. Without GTID both are stopped at a common place for that.";
        MoveEquivalent "move-equivalent" (), command, Disrupt, ClassicRelocation,
            ["move-equivalent/:host/:port/:belowHost/:belowPort"], needs [Destination], takes [Instance],
            "Move a replica below an instance where its place is known from before",
            "Puts a replica below an instance of which an earlier move has shown a place that equals where the replica stands.";
        EquivalentPlaces "master-equivalent" (), route, Read, ClassicRelocation,
            ["master-equivalent/:host/:port/:logFile/:logPos"], needs [Instance, Binlog, LogPos], takes [],
            "List places known to equal a place in a binary log",
            "Lists places in binary logs of other instances that earlier moves have shown to equal this one.";
        Repoint "repoint" (), command, Disrupt, ClassicRelocation,
            ["repoint/:host/:port/:belowHost/:belowPort", "repoint/:host/:port"], needs [], takes [Instance, Destination],
            "Set the source of a replica once more, or its new address",
            "Sets the source of a replica to its present one, or to a server that holds the same transactions under another \
             name. Relay logs are fetched again.";
        RepointReplicas "repoint-replicas" ("repoint-slaves"), command, Disrupt, ClassicRelocation,
            ["repoint-replicas/:host/:port"], needs [], takes [Instance, Destination, Pattern],
            "Set the source of the replicas of an instance once more",
            "Does what repoint does for all replicas of an instance.";
        TakePrimary "take-master" ("enslave-master", "take-source"), command, Disrupt, ClassicRelocation,
            ["take-master/:host/:port"], needs [], takes [Instance],
            "Let a replica change places with its source",
            "Puts a replica in the place of its source, which must be a replica itself, and the source below it.";
        MakeCoPrimary "make-co-master" (), command, Disrupt, ClassicRelocation,
            ["make-co-master/:host/:port"], needs [], takes [Instance],
            "Let the primary replicate from its replica, too",
            "Makes a primary replicate from a read-only replica of it, so that both replicate from each other.";
        CandidateReplica "get-candidate-replica" ("get-candidate-slave"), command, Read, ClassicRelocation,
            [], needs [], takes [Instance],
            "Print the replica best promoted in the place of an instance",
            "Prints the replica of an instance that a failover would promote. Contacts no server.";
        MoveGtid "move-gtid" ("move-below-gtid"), command, Disrupt, GtidRelocation,
            ["move-gtid/:host/:port/:belowHost/:belowPort"], needs [Destination], takes [Instance],
            "Move a replica below another instance by GTID",
            "Puts a replica below another instance by GTID, and in no other way.";
        MoveReplicasGtid "move-replicas-gtid" ("move-slaves-gtid"), command, Disrupt, GtidRelocation,
            ["move-replicas-gtid/:host/:port/:belowHost/:belowPort"], needs [Destination], takes [Instance, Pattern],
            "Move the replicas of an instance below another one by GTID",
            "Puts the replicas of an instance below another one by GTID, and in no other way.";
        RegroupReplicasGtid "regroup-replicas-gtid" ("regroup-slaves-gtid"), command, Disrupt, GtidRelocation,
            ["regroup-replicas-gtid/:host/:port"], needs [Instance], takes [],
            "Move the replicas of an instance below the best of them by GTID",
            "Chooses the best replica of an instance, dead or alive, and puts its siblings below it by GTID.";
        Match "match" ("match-below"), command, Disrupt, PseudoGtidRelocation,
            ["match/:host/:port/:belowHost/:belowPort"], needs [Destination], takes [Instance],
            "Move a replica below another instance by Pseudo-GTID",
            "Refused: Pseudo-GTID is not supported. Use relocate.";
        MatchUp "match-up" (), command, Disrupt, PseudoGtidRelocation,
            ["match-up/:host/:port"], needs [], takes [Instance],
            "Move a replica one level up by Pseudo-GTID",
            "Refused: Pseudo-GTID is not supported. Use move-up.";
        Rematch "rematch" (), command, Disrupt, PseudoGtidRelocation, [], needs [], takes [Instance],
            "Reconnect a replica to its source by Pseudo-GTID",
            "Refused: Pseudo-GTID is not supported. Use repoint.";
        MatchReplicas "match-replicas" ("match-slaves", "multi-match-replicas"), command, Disrupt, PseudoGtidRelocation,
            ["match-replicas/:host/:port/:belowHost/:belowPort"], needs [Destination], takes [Instance, Pattern],
            "Move the replicas of an instance below another one by Pseudo-GTID",
            "Refused: Pseudo-GTID is not supported. Use relocate-replicas.";
        MatchUpReplicas "match-up-replicas" ("match-up-slaves"), command, Disrupt, PseudoGtidRelocation,
            ["match-up-replicas/:host/:port"], needs [], takes [Instance, Pattern],
            "Move the replicas of an instance one level up by Pseudo-GTID",
            "Refused: Pseudo-GTID is not supported. Use move-up-replicas.";
        RegroupReplicasPseudoGtid "regroup-replicas-pgtid" ("regroup-slaves-pgtid"), command, Disrupt,
            PseudoGtidRelocation, ["regroup-replicas-pgtid/:host/:port"], needs [Instance], takes [],
            "Move the replicas of an instance below the best of them by Pseudo-GTID",
            "Refused: Pseudo-GTID is not supported. Use regroup-replicas.";
    }
}
