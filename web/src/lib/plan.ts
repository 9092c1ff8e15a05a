/** What a failover or takeover would do, as the server plans it. */
import type { Key } from "./types";

export interface PlannedStep {
  Step: number;
  Key: Key;
  Action: string;
  Reason: string;
  OnFailure: string;
  UndoneBy: string | null;
}

export interface PlannedChange {
  Primary: Key;
  Promoted: Key;
  Notes: string[] | null;
  Plans: { Phase: string; Steps: PlannedStep[] }[];
  /** Of a failover: every replica, and what speaks for and against it. */
  Ranking?: { Key: Key; Verdict: string }[];
  Replicas?: { Key: Key; Fate: string }[];
  Lost?: Key[];
  Lacking?: { Transactions: string; Count: number | null; On: Key }[];
  PossibleLoss?: string | null;
  /** Of a takeover. */
  LeftBehind?: { Key: Key; Reason: string }[];
}
