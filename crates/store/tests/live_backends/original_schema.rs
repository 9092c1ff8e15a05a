//! The schema on a server: new, taken over from the original, and made by several nodes at once.

use lab::Family;
use ports::Store;
use store::MySqlStore;

use crate::on_servers::Server;
use crate::support::{Bench, Ground, Place, Prepared, options};

const COLUMNS: &str =
    "select table_name, column_name, column_type, is_nullable, coalesce(column_default, 'NULL')
    from information_schema.columns where table_schema = database() order by 1, 2";
const KEYS: &str = "select table_name, index_name, non_unique, column_name, seq_in_index
    from information_schema.statistics where table_schema = database() order by 1, 2, 5";
/// A table as an early version of the original made it.
const OLD: Prepared = Prepared {
    sqlite: "",
    mysql: "set sql_mode = '';
        create table database_instance (
          hostname varchar(128) character set ascii not null, port smallint unsigned not null,
          last_checked timestamp not null default current_timestamp, last_seen timestamp null default null,
          server_id int unsigned not null, version varchar(128) character set ascii not null,
          primary key (hostname, port), key cluster_name_idx_database_instance (server_id)
        ) engine=InnoDB;
        insert into database_instance values ('old', 3306, '2020-01-01', '2020-01-01', 7, '5.6.1')",
};

async fn schema(family: Family) {
    let server = Server::start(family).await;
    let bench = Bench::new(&server).await;
    let count = |query: &str| bench.rows(&format!("select count(*) from ({query}) x"));
    let (columns, keys) = (bench.rows(COLUMNS), bench.rows(KEYS));
    assert_eq!(
        bench.rows("select anchor, hostname, token, last_seen_active from active_node"),
        ["1|||1971-01-01 00:00:00"]
    );
    assert_eq!(bench.rows("select * from orchestrator_db_deployments"), ["test|2026-01-31 10:00:00"]);
    let fact = "database_instance|port|smallint";
    assert!(
        columns.iter().any(|column| column.starts_with(fact) && column.contains("unsigned")),
        "{columns:#?}"
    );
    assert_ne!(count(KEYS), ["0"]);

    // What was lost comes back; what is there is left alone.
    bench.sql("drop index audit_timestamp_idx_audit on audit; alter table audit drop column cluster_name");
    let again = store::OpenOptions { redeploy: true, ..options() };
    drop(MySqlStore::open(server.backend(), &again).await.unwrap());
    assert_eq!(bench.rows(COLUMNS), columns);
    assert_eq!(bench.rows(KEYS), keys);

    let old = server.bench(&OLD).await;
    assert_eq!(
        old.rows("select hostname, port, server_id, version, cluster_name, read_only, region from database_instance"),
        ["old|3306|7|5.6.1||0|"]
    );
    assert_eq!(old.store.load_fleet().await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mysql_schema_is_the_originals_with_own_additions() {
    schema(Family::MySql).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mariadb_schema_is_the_originals_with_own_additions() {
    schema(Family::MariaDb).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_nodes_may_open_an_empty_server_at_once() {
    let server = Server::start(Family::MySql).await;
    let wanted = options();
    let open = || MySqlStore::open(server.backend(), &wanted);
    let (one, two, three) = tokio::join!(open(), open(), open());
    for store in [one, two, three] {
        assert!(store.unwrap().load_fleet().await.unwrap().is_empty());
    }
    let database = server.database(Some("orchestrator"));
    assert_eq!(database.rows("select count(*) from orchestrator_db_deployments"), ["1"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_of_the_original_can_still_be_inserted() {
    let server = Server::start(Family::MySql).await;
    let bench = Bench::new(&server).await;
    // As the original registers a server that it only knows by name, on a server with its default, strict mode.
    bench.sql(
        "set sql_mode = default; insert ignore into database_instance (hostname, port, last_checked, last_attempted_check, uptime, server_id)
         values ('new', 3306, now(), now(), 0, 1)",
    );
    // As the original takes the election.
    bench.sql(
        "replace into active_node (anchor, hostname, token, first_seen_active, last_seen_active)
         values (1, 'h', 't', now(), now())",
    );
    assert_eq!(bench.store.load_fleet().await.unwrap().len(), 1);
}
