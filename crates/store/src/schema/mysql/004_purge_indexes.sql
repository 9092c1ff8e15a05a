-- Keys over columns by which old rows are deleted.

create table if not exists topology_failure_detection (
  key start_active_period_idx_topology_failure_detection (start_active_period)
);

create table if not exists topology_recovery_steps (
  key audit_at_idx_topology_recovery_steps (audit_at)
);
