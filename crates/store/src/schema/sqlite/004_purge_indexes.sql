-- Indexes for columns by which old rows are deleted.

create index if not exists start_active_period_idx_topology_failure_detection
  on topology_failure_detection (start_active_period);
create index if not exists audit_at_idx_topology_recovery_steps
  on topology_recovery_steps (audit_at);
