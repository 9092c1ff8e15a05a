/** What the API tells of agents on database hosts, and of seeds. */

export interface Volume {
  Name: string;
  GroupName: string;
  Path: string;
  IsSnapshot: boolean;
  SnapshotPercent: number;
}

export interface AgentInfo {
  Hostname: string;
  Port: number;
  LastSubmitted: string;
  AvailableLocalSnapshots: string[] | null;
  AvailableSnapshots: string[] | null;
  LogicalVolumes: Volume[] | null;
  MountPoint: { Path: string; LVPath: string; IsMounted: boolean; MySQLDiskUsage: number };
  MySQLRunning: boolean;
  MySQLDiskUsage: number;
  MySQLPort: number;
  MySQLDatadirDiskFree: number;
  MySQLErrorLogTail: string[] | null;
}

export interface SeedInfo {
  SeedId: number;
  TargetHostname: string;
  SourceHostname: string;
  StartTimestamp: string;
  EndTimestamp: string;
  IsComplete: boolean;
  IsSuccessful: boolean;
}

export interface SeedState {
  SeedStateId: number;
  StateTimestamp: string;
  Action: string;
  ErrorMessage: string;
}
