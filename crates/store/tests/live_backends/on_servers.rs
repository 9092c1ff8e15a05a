//! Cases on a server of a lab: one database, emptied between cases.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use lab::{Family, Lab};
use model::Secret;
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, OptsBuilder, Row, Value};
use ports::Store;
use store::{MaxPacket, MySqlBackend, MySqlStore};

use crate::support::{Bench, Ground, Place, Prepared, options};

/// A case by name.
pub(crate) type NamedCase =
    (&'static str, for<'a> fn(&'a dyn Ground) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>>);

/// The cases of a file as a list.
macro_rules! cases {
    ($($name:ident),* $(,)?) => {
        pub(crate) const CASES: &[$crate::on_servers::NamedCase] =
            &[$((stringify!($name), |ground| Box::pin($name(ground)))),*];
    };
}
pub(crate) use cases;

const DATABASE: &str = "orchestrator";

/// A running server.
pub(crate) struct Server {
    pub(crate) lab: Lab,
    is_deployed: AtomicBool,
}

impl Server {
    pub(crate) async fn start(family: Family) -> Self {
        let lab = Lab::builder().family(family).shape("a").start().await.unwrap();
        Self { lab, is_deployed: AtomicBool::new(false) }
    }

    pub(crate) fn backend(&self) -> MySqlBackend {
        MySqlBackend {
            host: "127.0.0.1".to_owned(),
            port: self.lab.server("a").port(),
            database: DATABASE.to_owned(),
            user: lab::ROOT.name.to_owned(),
            password: Secret::new(lab::ROOT.password),
            connect_timeout: Duration::from_secs(2),
            read_timeout: Duration::from_secs(10),
            connections_max: Some(16),
            connection_lifetime: None,
            max_packet: MaxPacket::Standard,
            reject_read_only: false,
            tls: None,
        }
    }

    pub(crate) async fn store(&self) -> MySqlStore {
        MySqlStore::open(self.backend(), &options()).await.unwrap()
    }

    /// Plain SQL as root.
    pub(crate) fn database(&self, name: Option<&str>) -> Database {
        Database { port: self.lab.server("a").port(), name: name.map(str::to_owned), backend: self.backend() }
    }
}

#[async_trait]
impl Ground for Server {
    async fn bench(&self, prepared: &Prepared) -> Bench {
        let place = self.database(Some(DATABASE));
        let is_fresh = !prepared.mysql.is_empty() || !self.is_deployed.load(Ordering::Relaxed);
        if is_fresh {
            let whole = self.database(None);
            whole.sql(&format!("drop database if exists {DATABASE}; create database {DATABASE}"));
            if !prepared.mysql.is_empty() {
                place.sql(prepared.mysql);
            }
        } else {
            place.sql(&emptying(&place));
        }
        // A database that was prepared may have other columns and rows than a new one.
        self.is_deployed.store(prepared.mysql.is_empty(), Ordering::Relaxed);
        Bench { store: Arc::new(self.store().await), place: Box::new(place) }
    }
}

fn emptying(place: &Database) -> String {
    // Only truncating starts numbers from 1 again, and only that takes time.
    let statements = place.rows(
        "select concat(if(coalesce(auto_increment, 1) > 1, 'truncate table ', 'delete from '), table_name)
         from information_schema.tables where table_schema = database()
         and table_name not in ('orchestrator_schema_migration', 'orchestrator_db_deployments')",
    );
    format!("{}; insert into active_node (anchor, hostname, token) values (1, '', '')", statements.join("; "))
}

/// A database of a server, seen from outside.
pub(crate) struct Database {
    port: u16,
    name: Option<String>,
    backend: MySqlBackend,
}

impl Database {
    /// Blocks, so that assertions read as they do on SQLite.
    fn ask(&self, text: &str) -> Vec<Row> {
        let options = OptsBuilder::default()
            .ip_or_hostname("127.0.0.1")
            .tcp_port(self.port)
            .user(Some(lab::ROOT.name))
            .db_name(self.name.as_deref())
            // The version comment is for MySQL only, which otherwise remembers numbers of tables for a day.
            .init(vec![
                "set time_zone = '+00:00', sql_mode = ''",
                "/*!80000 set information_schema_stats_expiry = 0 */",
            ]);
        let work = async {
            let mut connection = Conn::new(options).await.unwrap();
            let mut result = connection.query_iter(text).await.unwrap();
            let rows: Vec<Row> = result.collect().await.unwrap();
            result.drop_result().await.unwrap();
            connection.disconnect().await.unwrap();
            rows
        };
        std::thread::scope(|scope| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            scope.spawn(move || runtime.block_on(work)).join().unwrap()
        })
    }
}

#[async_trait]
impl Place for Database {
    fn sql(&self, statements: &str) {
        self.ask(statements);
    }

    fn rows(&self, query: &str) -> Vec<String> {
        let text = |value: Value| match value {
            Value::NULL => "NULL".to_owned(),
            Value::Bytes(bytes) => String::from_utf8(bytes).unwrap(),
            other => other.as_sql(true),
        };
        self.ask(query)
            .into_iter()
            .map(|row| row.unwrap().into_iter().map(text).collect::<Vec<_>>().join("|"))
            .collect()
    }

    async fn beside(&self) -> Arc<dyn Store> {
        Arc::new(MySqlStore::open(self.backend.clone(), &options()).await.unwrap())
    }
}
