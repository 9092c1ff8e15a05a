//! What a store answers, whatever the backend: which tables are asked, and how.

use model::Fleet;

use crate::instances;
use crate::sql::{self, Db};
use crate::tables::{annotations, clusters, maintenance, names, stale_coordinates};

/// Everything decisions need.
pub(crate) fn load_fleet(db: &Db<'_>) -> sql::Result<Fleet> {
    let mut fleet = Fleet::default();
    fleet.downtimes = annotations::load_downtimes(db)?;
    fleet.maintenance = maintenance::load(db)?;
    fleet.candidates = annotations::load_candidates(db)?;
    fleet.cluster_aliases = clusters::load_aliases(db)?;
    fleet.cluster_alias_overrides = clusters::load_overrides(db)?;
    fleet.cluster_domains = clusters::load_domains(db)?;
    fleet.resolved = names::load_resolved(db)?;
    fleet.unresolved = names::load_unresolved(db)?;
    fleet.stale_coordinates = stale_coordinates::load(db)?;
    fleet.tags = annotations::load_tags(db)?;
    for instance in instances::load(db)? {
        fleet.insert(instance);
    }
    Ok(fleet)
}

/// Implements [`ports::Store`] for a type with these methods of its own: `read` (work in one transaction that only
/// reads), `write_batch` (with whether it is routine), `apply_command`, `probe_changes`, and the constants `TIMESTAMPS`, `TEXT_SEARCH` and
/// `TELLS_CHANGES_CHEAPLY`.
macro_rules! implement_store {
    ($store:ty) => {
        #[async_trait::async_trait]
        impl ports::Store for $store {
            fn timestamp_style(&self) -> ports::TimestampStyle {
                Self::TIMESTAMPS
            }

            fn text_search(&self) -> ports::TextSearch {
                Self::TEXT_SEARCH
            }

            fn tells_changes_cheaply(&self) -> bool {
                Self::TELLS_CHANGES_CHEAPLY
            }

            async fn load_fleet(&self) -> Result<model::Fleet, ports::StoreError> {
                self.read("loading of the fleet", $crate::store::load_fleet).await
            }

            async fn write_instances(
                &self,
                writes: Vec<ports::InstanceWrite>,
            ) -> Result<ports::Written, ports::StoreError> {
                if writes.is_empty() {
                    Ok(ports::Written::default())
                } else {
                    self.write_batch(writes, true).await
                }
            }

            async fn write_instances_once(
                &self,
                writes: Vec<ports::InstanceWrite>,
            ) -> Result<ports::Written, ports::StoreError> {
                if writes.is_empty() {
                    Ok(ports::Written::default())
                } else {
                    self.write_batch(writes, false).await
                }
            }

            async fn foreign_changes(&self) -> Result<u64, ports::StoreError> {
                self.probe_changes().await
            }

            async fn recoveries_disabled(&self) -> Result<bool, ports::StoreError> {
                self.read("reading of the recovery switch", $crate::tables::recoveries::are_disabled).await
            }

            async fn recoveries(
                &self,
                query: ports::RecoveryQuery,
                now: model::Timestamp,
            ) -> Result<Vec<model::Recovery>, ports::StoreError> {
                let work = move |db: &$crate::sql::Db<'_>| $crate::tables::recoveries::list(db, &query, now);
                self.read("listing of recoveries", work).await
            }

            async fn detections(
                &self,
                query: ports::DetectionQuery,
            ) -> Result<Vec<model::Detection>, ports::StoreError> {
                let work = move |db: &$crate::sql::Db<'_>| $crate::tables::detections::list(db, &query);
                self.read("listing of detections", work).await
            }

            async fn recovery_steps(&self, uid: &str) -> Result<Vec<model::RecoveryStep>, ports::StoreError> {
                let uid = uid.to_owned();
                let work = move |db: &$crate::sql::Db<'_>| $crate::tables::steps::list(db, &uid);
                self.read("listing of recovery steps", work).await
            }

            async fn recovery_journal(
                &self,
                uid: &str,
            ) -> Result<Option<(String, String)>, ports::StoreError> {
                let uid = uid.to_owned();
                let work = move |db: &$crate::sql::Db<'_>| $crate::tables::journal::load(db, &uid);
                self.read("reading of a recovery's journal", work).await
            }

            async fn blocked_recoveries(
                &self,
                cluster_name: Option<&str>,
            ) -> Result<Vec<model::BlockedRecovery>, ports::StoreError> {
                let name = cluster_name.map(str::to_owned);
                let work = move |db: &$crate::sql::Db<'_>| $crate::tables::blocked::list(db, name.as_deref());
                self.read("listing of blocked recoveries", work).await
            }

            async fn audit(
                &self,
                query: ports::AuditQuery,
            ) -> Result<Vec<model::AuditRecord>, ports::StoreError> {
                let work = move |db: &$crate::sql::Db<'_>| $crate::tables::audit::list(db, &query);
                self.read("listing of the audit", work).await
            }

            async fn analysis_changelog(&self) -> Result<Vec<ports::AnalysisChange>, ports::StoreError> {
                self.read("listing of the analysis changelog", $crate::tables::analysis::changelog).await
            }

            async fn pools(&self) -> Result<Vec<(String, model::InstanceKey)>, ports::StoreError> {
                self.read("listing of pools", $crate::tables::pools::list).await
            }

            async fn equivalents(
                &self,
                key: &model::InstanceKey,
                at: &model::BinlogCoordinates,
            ) -> Result<Vec<(model::InstanceKey, model::BinlogCoordinates)>, ports::StoreError> {
                let (key, at) = (key.clone(), at.clone());
                let work = move |db: &$crate::sql::Db<'_>| $crate::tables::equivalences::list(db, &key, &at);
                self.read("listing of equal places", work).await
            }

            async fn live_nodes(
                &self,
                since: model::Timestamp,
            ) -> Result<Vec<model::NodeIdentity>, ports::StoreError> {
                let work = move |db: &$crate::sql::Db<'_>| $crate::tables::nodes::list_live(db, since);
                self.read("listing of nodes", work).await
            }

            async fn snapshots(
                &self,
                cluster_name: &str,
            ) -> Result<Vec<ports::SnapshotRow>, ports::StoreError> {
                let name = cluster_name.to_owned();
                let work = move |db: &$crate::sql::Db<'_>| $crate::tables::snapshots::list(db, &name);
                self.read("listing of snapshots", work).await
            }

            async fn serving_nodes(
                &self,
                since: model::Timestamp,
            ) -> Result<Vec<ports::NodeRecord>, ports::StoreError> {
                let work = move |db: &$crate::sql::Db<'_>| $crate::tables::nodes::list_serving(db, since);
                self.read("listing of nodes", work).await
            }

            async fn active_node(&self) -> Result<Option<ports::NodeRecord>, ports::StoreError> {
                self.read("reading of the active node", $crate::tables::nodes::active).await
            }

            async fn attribute(
                &self,
                hostname: &str,
                name: &str,
            ) -> Result<Option<String>, ports::StoreError> {
                let (hostname, name) = (hostname.to_owned(), name.to_owned());
                let work =
                    move |db: &$crate::sql::Db<'_>| $crate::tables::attributes::get(db, &hostname, &name);
                self.read("reading of an attribute", work).await
            }

            async fn host_addresses(
                &self,
                hostname: &str,
            ) -> Result<Option<(String, String)>, ports::StoreError> {
                let hostname = hostname.to_owned();
                let work = move |db: &$crate::sql::Db<'_>| $crate::tables::names::addresses(db, &hostname);
                self.read("reading of addresses", work).await
            }

            async fn token_secret(
                &self,
                public: &str,
                issued_since: model::Timestamp,
            ) -> Result<Option<String>, ports::StoreError> {
                let public = public.to_owned();
                let work =
                    move |db: &$crate::sql::Db<'_>| $crate::tables::tokens::secret(db, &public, issued_since);
                self.read("reading of an access token", work).await
            }

            async fn agents(&self) -> Result<Vec<model::Agent>, ports::StoreError> {
                self.read("listing of agents", $crate::tables::agents::list).await
            }

            async fn agent(&self, hostname: &str) -> Result<Option<model::Agent>, ports::StoreError> {
                let hostname = hostname.to_owned();
                let work = move |db: &$crate::sql::Db<'_>| $crate::tables::agents::get(db, &hostname);
                self.read("reading of an agent", work).await
            }

            async fn seeds(&self, query: ports::SeedQuery) -> Result<Vec<model::Seed>, ports::StoreError> {
                let work = move |db: &$crate::sql::Db<'_>| $crate::tables::seeds::list(db, &query);
                self.read("listing of seeds", work).await
            }

            async fn seed_states(&self, seed: i64) -> Result<Vec<model::SeedState>, ports::StoreError> {
                let work = move |db: &$crate::sql::Db<'_>| $crate::tables::seeds::states(db, seed);
                self.read("listing of the steps of a seed", work).await
            }

            async fn host_attributes(
                &self,
                name: &str,
                pattern: Option<&str>,
            ) -> Result<Vec<model::HostAttribute>, ports::StoreError> {
                let (name, pattern) = (name.to_owned(), pattern.map(str::to_owned));
                let work = move |db: &$crate::sql::Db<'_>| {
                    $crate::tables::attributes::list(db, &name, pattern.as_deref())
                };
                self.read("listing of attributes", work).await
            }

            async fn apply(
                &self,
                command: &model::Command,
            ) -> Result<model::CommandOutcome, ports::StoreError> {
                self.apply_command(command.clone()).await
            }
        }
    };
}
pub(crate) use implement_store;
