//! What the tests share: a store, plain SQL beside it, and short ways to say things.
//!
//! A case is written once and runs on every backend: on SQLite as a test of its own, on real servers in the test binary
//! that starts them.

use std::sync::Arc;

use async_trait::async_trait;
use model::{AnalysisCode, Case, Command, CommandOutcome, InstanceKey, NodeIdentity, Timestamp};
use ports::Store;
use store::OpenOptions;

/// 2026-01-31 10:00:00 UTC.
pub(crate) const NOW: i64 = 1_769_853_600;

/// So many seconds after [`NOW`].
pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_secs(NOW + second)
}

/// Options of a daemon.
pub(crate) fn options() -> OpenOptions {
    OpenOptions { create: true, version: "test".to_owned(), now: at(0), ..OpenOptions::default() }
}

/// A kind of backend.
#[async_trait]
pub(crate) trait Ground: Send + Sync {
    /// An empty backend in which this SQL ran before the store was opened.
    async fn bench(&self, prepared: &Prepared) -> Bench;
}

/// What ran in a backend before it was opened, by dialect.
#[derive(Default)]
#[expect(dead_code, reason = "each test binary reads one dialect")]
pub(crate) struct Prepared {
    pub(crate) sqlite: &'static str,
    pub(crate) mysql: &'static str,
}

/// Where the store of a bench keeps its data, seen from outside.
#[async_trait]
pub(crate) trait Place: Send + Sync {
    /// Runs statements on a connection of its own.
    fn sql(&self, statements: &str);
    /// Rows of a query, cells joined by `|`, NULL as `NULL`.
    fn rows(&self, query: &str) -> Vec<String>;
    /// Another store on the same data.
    async fn beside(&self) -> Arc<dyn Store>;
}

/// A store and the place where it keeps its data.
pub(crate) struct Bench {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) place: Box<dyn Place>,
}

impl Bench {
    pub(crate) async fn new(ground: &dyn Ground) -> Self {
        ground.bench(&Prepared::default()).await
    }

    pub(crate) async fn prepared(ground: &dyn Ground, prepared: &Prepared) -> Self {
        ground.bench(prepared).await
    }

    pub(crate) async fn apply(&self, command: Command) -> CommandOutcome {
        self.store.apply(&command).await.unwrap()
    }

    pub(crate) fn sql(&self, statements: &str) {
        self.place.sql(statements);
    }

    pub(crate) fn rows(&self, query: &str) -> Vec<String> {
        self.place.rows(query)
    }

    pub(crate) async fn beside(&self) -> Arc<dyn Store> {
        self.place.beside().await
    }
}

/// `db<number>:3306`.
pub(crate) fn key(number: u16) -> InstanceKey {
    InstanceKey::new(format!("db{number}"), 3306)
}

/// A case of that server in cluster `db1:3306` with alias `shop`.
pub(crate) fn case(number: u16, code: AnalysisCode) -> Case {
    Case {
        key: key(number),
        code,
        cluster_name: "db1:3306".to_owned(),
        cluster_alias: "shop".to_owned(),
        count_replicas: 2,
        replicas: vec![key(3), key(2)],
    }
}

pub(crate) fn node() -> NodeIdentity {
    NodeIdentity { hostname: "node1".to_owned(), token: "token1".to_owned() }
}
