/** What is special about a server: the original's glyphs, as a few letters with a meaning. */
import type { Server } from "./server";

export interface Badge {
  text: string;
  meaning: string;
  tone: "plain" | "strong" | "good" | "bad" | "odd";
}

export interface BadgeContext {
  isMostAdvanced?: boolean;
  tags?: readonly string[];
  pools?: readonly string[];
  inMaintenance?: string;
}

/** The most important first: a narrow box shows as many as it has room for. */
export function badgesOf(server: Server, context: BadgeContext = {}): Badge[] {
  const i = server.instance;
  const badges: (Badge | false)[] = [
    i.IsDowntimed && {
      text: "DOWNTIME",
      tone: "odd",
      meaning: `In downtime by ${i.DowntimeOwner}: ${i.DowntimeReason}; until ${i.DowntimeEndTimestamp} UTC`,
    },
    context.inMaintenance !== undefined && {
      text: "MAINT",
      tone: "odd",
      meaning: `In maintenance: ${context.inMaintenance}`,
    },
    i.IsDetached && {
      text: "DETACHED",
      tone: "bad",
      meaning: "Detached from its source: cannot replicate until it is reattached",
    },
    !i.ReadOnly && { text: "RW", tone: "strong", meaning: "Accepts writes: not read-only" },
    context.isMostAdvanced === true && {
      text: "★",
      tone: "good",
      meaning: "Has applied most of the replicas of its unreachable source",
    },
    ...gtid(server),
    i.HasReplicationFilters && {
      text: "FILTER",
      tone: "odd",
      meaning: "Has replication filters: it does not hold everything",
    },
    i.SemiSyncMasterStatus && {
      text: "SEMI-P",
      tone: "good",
      meaning: "Semi-sync primary: commits wait for acknowledgement",
    },
    i.SemiSyncReplicaStatus && {
      text: "SEMI",
      tone: "good",
      meaning: "Semi-sync replica: acknowledges what it receives",
    },
    i.ReplicationGroupName !== "" && {
      text: i.ReplicationGroupMemberRole === "PRIMARY" ? "GROUP-P" : "GROUP",
      tone: i.ReplicationGroupMemberRole === "PRIMARY" ? "strong" : "plain",
      meaning: `Member of a replication group: ${i.ReplicationGroupMemberRole || "no role"}, ${i.ReplicationGroupMemberState}`,
    },
    i.IsCandidate && { text: "CAND", tone: "good", meaning: "Candidate: preferred for promotion" },
    i.PromotionRule === "prefer_not" && { text: "NOT", tone: "odd", meaning: "Promotion rule prefer_not" },
    i.PromotionRule === "must_not" && {
      text: "NEVER",
      tone: "bad",
      meaning: "Promotion rule must_not: is never promoted",
    },
    i.LogBinEnabled &&
      i.LogReplicationUpdatesEnabled && {
        text: "LOG",
        tone: "plain",
        meaning: "Logs what it replicates: can have replicas of its own",
      },
    i.CountMySQLSnapshots > 0 && {
      text: "SNAP",
      tone: "plain",
      meaning: `Snapshots on its host: ${i.CountMySQLSnapshots}`,
    },
    (context.tags?.length ?? 0) > 0 && {
      text: "TAG",
      tone: "plain",
      meaning: `Tags: ${(context.tags ?? []).join(", ")}`,
    },
    (context.pools?.length ?? 0) > 0 && {
      text: "POOL",
      tone: "plain",
      meaning: `Pools: ${(context.pools ?? []).join(", ")}`,
    },
  ];
  return badges.filter((badge) => badge !== false);
}

function gtid(server: Server): Badge[] {
  const i = server.instance;
  const badges: Badge[] = [];
  if (server.supportsGtid) {
    if (server.source && !server.usingGtid)
      badges.push({ text: "no GTID", tone: "odd", meaning: "Could use GTID, but replicates by file and position" });
    else if (i.GtidErrant)
      badges.push({ text: "ERRANT", tone: "bad", meaning: `Errant transactions: ${i.GtidErrant}` });
    else badges.push({ text: "GTID", tone: "plain", meaning: "Uses GTID" });
  }
  if (i.UsingPseudoGTID) badges.push({ text: "PGTID", tone: "plain", meaning: "Uses Pseudo-GTID" });
  return badges;
}
