//! The accounts that every lab server has, and what each may do.
//!
//! They exist in the template data directory, so creating them leaves no event in any binary log.

use crate::family::Dialect;

/// An account of a lab server. The passwords are public on purpose: the servers listen on loopback only.
#[derive(Debug, Clone, Copy)]
pub struct User {
    /// Account name.
    pub name: &'static str,
    /// Password; empty for root.
    pub password: &'static str,
}

/// The account for the daemon under test: exactly what discovery and recovery need; `SUPER` only where there is
/// nothing smaller (MySQL 5.6).
pub const ORCHESTRATOR: User = User { name: "orchestrator", password: "orch_topology_password" };
/// The account with which replicas connect to their primary.
pub const REPLICATION: User = User { name: "repl", password: "repl_password" };
/// The application: reads and writes rows of schema `app`, nothing else, so `read_only` binds it.
pub const APP: User = User { name: "app", password: "app_password" };
/// The harness itself, over the unix socket or from 127.0.0.1.
pub const ROOT: User = User { name: "root", password: "" };

/// The statements that make accounts and schemas, run once per template, in order.
pub(crate) fn statements(dialect: Dialect) -> Vec<String> {
    let mut all = Vec::new();
    // The installer leaves anonymous accounts, which would win over `app`@`%` for local connections.
    match dialect {
        Dialect::MySql => {}
        Dialect::OldMySql => all.push("DELETE FROM mysql.user WHERE User = '' OR Host <> 'localhost'".into()),
        Dialect::MariaDb => all.push("DELETE FROM mysql.global_priv WHERE User = ''".into()),
    }
    if dialect != Dialect::MySql {
        all.push("FLUSH PRIVILEGES".into());
    }
    let create = if dialect == Dialect::OldMySql { "CREATE USER" } else { "CREATE USER IF NOT EXISTS" };
    for (user, host) in [(ORCHESTRATOR, "%"), (REPLICATION, "%"), (APP, "%"), (ROOT, "127.0.0.1")] {
        all.push(format!("{create} '{}'@'{host}' IDENTIFIED BY '{}'", user.name, user.password));
    }
    all.push("GRANT ALL PRIVILEGES ON *.* TO 'root'@'127.0.0.1' WITH GRANT OPTION".into());
    all.push(format!("GRANT REPLICATION SLAVE ON *.* TO '{}'@'%'", REPLICATION.name));
    all.extend(schemas().iter().map(|statement| (*statement).to_owned()));
    all.push(format!("GRANT SELECT, INSERT, UPDATE, DELETE ON app.* TO '{}'@'%'", APP.name));
    all.extend(
        orchestrator_grants(dialect).iter().map(|grant| format!("{grant} TO '{}'@'%'", ORCHESTRATOR.name)),
    );
    all
}

fn schemas() -> &'static [&'static str] {
    &[
        "CREATE DATABASE meta",
        "CREATE TABLE meta.cluster (anchor TINYINT NOT NULL PRIMARY KEY, cluster_name VARCHAR(128) NOT NULL, \
         cluster_domain VARCHAR(128) NOT NULL) ENGINE=InnoDB",
        "CREATE TABLE meta.heartbeat (anchor TINYINT NOT NULL PRIMARY KEY, master_ts DATETIME(6) NOT NULL) ENGINE=InnoDB",
        "CREATE DATABASE app",
        "CREATE TABLE app.writes (id BIGINT NOT NULL PRIMARY KEY, at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6), \
         payload VARCHAR(64) NOT NULL DEFAULT '') ENGINE=InnoDB",
    ]
}

fn orchestrator_grants(dialect: Dialect) -> &'static [&'static str] {
    match dialect {
        Dialect::OldMySql => &[
            "GRANT SUPER, PROCESS, REPLICATION SLAVE, REPLICATION CLIENT, RELOAD ON *.*",
            "GRANT SELECT ON meta.*",
            "GRANT SELECT ON mysql.slave_master_info",
        ],
        Dialect::MySql => &[
            "GRANT PROCESS, REPLICATION SLAVE, REPLICATION CLIENT, RELOAD ON *.*",
            "GRANT REPLICATION_SLAVE_ADMIN, SYSTEM_VARIABLES_ADMIN, CONNECTION_ADMIN, BINLOG_ADMIN ON *.*",
            "GRANT SELECT ON meta.*",
            "GRANT SELECT ON mysql.slave_master_info",
            "GRANT SELECT ON performance_schema.*",
        ],
        Dialect::MariaDb => &[
            "GRANT PROCESS, REPLICATION SLAVE, REPLICATION CLIENT, RELOAD ON *.*",
            "GRANT SLAVE MONITOR, REPLICATION MASTER ADMIN, REPLICATION SLAVE ADMIN, BINLOG ADMIN, READ_ONLY ADMIN, \
             CONNECTION ADMIN ON *.*",
            "GRANT SELECT ON meta.*",
        ],
    }
}
