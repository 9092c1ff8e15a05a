//! What operators ask of single servers and topologies, on real servers: every move ends where it was sent, with
//! replication running, and nothing is left locked.

use anyhow::{Context, Result, bail, ensure};
use lab::{Family, Lab, wait_until};
use serde_json::{Value, json};

use crate::world::{PATIENCE, World};

impl World {
    /// A route about one server and perhaps others: `word/host/port[/host/port]`.
    async fn op(&self, word: &str, names: &[&str]) -> Result<Value> {
        self.ok(&self.route(word, names)).await
    }

    pub(crate) fn route(&self, word: &str, names: &[&str]) -> String {
        let keys = names.iter().map(|name| format!("/127.0.0.1/{}", self.lab.server(name).port()));
        format!("/api/{word}{}", keys.collect::<String>())
    }

    /// A route that must answer an error with this text in it.
    async fn op_fails(&self, word: &str, names: &[&str], text: &str) -> Result<()> {
        let answer = self.get(&self.route(word, names)).await?;
        let message = answer["Message"].as_str().unwrap_or_default();
        ensure!(answer["Code"] == json!("ERROR") && message.contains(text), "{word} {names:?}: {answer}");
        Ok(())
    }

    fn key(&self, name: &str) -> Value {
        json!({ "Hostname": "127.0.0.1", "Port": self.lab.server(name).port() })
    }

    /// Nothing holds a lock, and the topology in the daemon is what it should be.
    pub(crate) async fn assert_settled(&self, pairs: &[(&str, &str)]) -> Result<()> {
        for (replica, source) in pairs {
            self.assert_replicates(replica, source).await?;
        }
        // The daemon sees within a second what a command of another process did.
        wait_until("nothing is locked", PATIENCE, || async {
            let locks = self.ok("/api/maintenance").await?;
            if locks == json!([]) { Ok(()) } else { bail!("{locks}") }
        })
        .await
    }
}

/// Moves by GTID, one by one and many at a time.
pub(crate) async fn replicas_are_relocated(family: Family) -> Result<()> {
    let world = World::start(family, json!({ "AuditToBackendDB": true })).await?;
    let moved = world.op("relocate", &["c", "b"]).await?;
    ensure!(moved["Details"]["MasterKey"] == world.key("b"), "{moved}");
    world.assert_settled(&[("c", "b"), ("b", "a")]).await?;
    world.op_fails("relocate", &["b", "c"], "is a descendant of").await?;
    world.op_fails("move-up", &["b"], "master is not a replica itself").await?;

    let up = world.op("move-up", &["c"]).await?;
    ensure!(up["Details"]["MasterKey"] == world.key("a"), "{up}");
    let below = world.op("move-below", &["c", "b"]).await?;
    ensure!(below["Details"]["MasterKey"] == world.key("b"), "{below}");
    world.assert_settled(&[("c", "b"), ("b", "a")]).await?;
    let all = world.op("relocate-replicas", &["b", "a"]).await?;
    let message = all["Message"].as_str().unwrap_or_default();
    ensure!(message.starts_with("Relocated 1 replicas of") && message.ends_with("; 0 errors: []"), "{all}");
    world.assert_settled(&[("b", "a"), ("c", "a"), ("d", "a")]).await?;

    let took = world.op("take-siblings", &["b"]).await?;
    ensure!(took["Message"] == json!(format!("Took 2 siblings of {}", world.lab.address("b"))), "{took}");
    world.assert_settled(&[("c", "b"), ("d", "b")]).await?;
    let up = world.op("move-up-replicas", &["b"]).await?;
    ensure!(up["Details"].as_array().is_some_and(|list| list.len() == 2), "{up}");
    world.op("move-gtid", &["d", "c"]).await?;
    world.op("move-replicas-gtid", &["c", "b"]).await?;
    world.assert_settled(&[("b", "a"), ("c", "a"), ("d", "b")]).await?;
    let again = world.op("repoint", &["d", "b"]).await?;
    ensure!(again["Details"]["MasterKey"] == world.key("b"), "{again}");
    world.op("repoint-replicas", &["a"]).await?;
    world.assert_settled(&[("b", "a"), ("c", "a"), ("d", "b")]).await?;
    let audit = world.ok("/api/audit").await?;
    ensure!(audit.as_array().is_some_and(|lines| !lines.is_empty()), "nothing was audited");
    Ok(())
}

/// A replica and its source change places, siblings are regrouped, a primary replicates from its replica.
pub(crate) async fn sources_and_replicas_change_places(family: Family) -> Result<()> {
    let query = format!("select '{}', '{}'", lab::REPLICATION.name, lab::REPLICATION.password);
    let told = tempfile::NamedTempFile::new()?;
    let hook = format!("echo $1 $2 $ORC_SUCCESSOR_HOST $ORC_FAILED_HOST >> {}", told.path().display());
    let settings = json!({ "ReplicationCredentialsQuery": query, "PostTakeMasterProcesses": [hook] });
    let world = World::start_shape(family, "a(b(c),d)", settings).await?;
    let taken = world.op("take-master", &["c"]).await?;
    ensure!(taken["Details"]["MasterKey"] == world.key("a"), "{taken}");
    let (b, c) = (world.lab.address("b"), world.lab.address("c"));
    let told = std::fs::read_to_string(told.path())?;
    ensure!(told == format!("{c} {b} {c} {b}\n"), "{told}");
    world.assert_settled(&[("c", "a"), ("b", "c"), ("d", "a")]).await?;

    let regrouped = world.op("regroup-replicas-gtid", &["a"]).await?;
    let candidate = regrouped["Details"]["Port"].as_u64().context("no candidate")?;
    let (best, other) =
        if candidate == u64::from(world.lab.server("c").port()) { ("c", "d") } else { ("d", "c") };
    world.assert_settled(&[(best, "a"), (other, best), ("b", "c")]).await?;

    world.op("make-co-master", &[best]).await?;
    world.assert_settled(&[(best, "a"), ("a", best)]).await?;
    world.lab.server("a").execute("INSERT INTO app.writes (id) VALUES (987654)").await?;
    wait_until("a write on the co-primary arrives below", PATIENCE, || async {
        let found = world.lab.server("b").value("SELECT count(*) FROM app.writes WHERE id = 987654").await?;
        if found == "1" { Ok(()) } else { bail!("{found}") }
    })
    .await?;
    world.op("reset-replica", &["a"]).await?;
    world.assert_is_primary("a").await
}

/// Replicas without GTID are moved by aligned coordinates, and lose nothing on the way.
pub(crate) async fn replicas_without_gtid_are_moved(family: Family) -> Result<()> {
    let world = World::start_without_gtid(family, "a(b,c,d)").await?;
    for id in 1..=50 {
        world.lab.server("a").execute(&format!("INSERT INTO app.writes (id) VALUES ({id})")).await?;
    }
    let below = world.op("move-below", &["c", "b"]).await?;
    ensure!(below["Details"]["MasterKey"] == world.key("b"), "{below}");
    world.op("relocate", &["d", "b"]).await?;
    world.assert_settled(&[("c", "b"), ("d", "b"), ("b", "a")]).await?;
    for id in 51..=100 {
        world.lab.server("a").execute(&format!("INSERT INTO app.writes (id) VALUES ({id})")).await?;
    }
    let up = world.op("move-up", &["c"]).await?;
    ensure!(up["Details"]["MasterKey"] == world.key("a"), "{up}");
    world.assert_settled(&[("c", "a"), ("d", "b"), ("b", "a")]).await?;
    let rest = world.op("relocate-replicas", &["b", "a"]).await?;
    ensure!(rest["Details"].as_array().is_some_and(|list| list.len() == 1), "{rest}");
    world.assert_settled(&[("b", "a"), ("c", "a"), ("d", "a")]).await?;
    for id in 101..=150 {
        world.lab.server("a").execute(&format!("INSERT INTO app.writes (id) VALUES ({id})")).await?;
    }
    for name in ["b", "c", "d"] {
        wait_until(&format!("{name} has every row once"), PATIENCE, || async {
            let found =
                world.lab.server(name).value("SELECT count(*) FROM app.writes WHERE id <= 150").await?;
            if found == "150" { Ok(()) } else { bail!("{found}") }
        })
        .await?;
    }
    world.assert_settled(&[("b", "a"), ("c", "a"), ("d", "a")]).await
}

/// Threads, source, GTID, delay, semi-sync and binary logs of single servers.
pub(crate) async fn single_servers_are_changed(family: Family) -> Result<()> {
    let world = World::start(family, json!({})).await?;
    let nice = world.op("stop-replica-nice", &["c"]).await?;
    ensure!(nice["Details"]["Slave_SQL_Running"] == json!(false), "{nice}");
    let started = world.op("start-replica", &["c"]).await?;
    ensure!(started["Details"]["Slave_IO_Running"] == json!(true), "{started}");
    world.op_fails("skip-query", &["c"], "Replication SQL thread is running on").await?;

    let detached = world.op("detach-replica", &["d"]).await?;
    ensure!(detached["Details"]["MasterKey"]["Hostname"] == json!("//127.0.0.1"), "{detached}");
    world.op_fails("detach-replica-master-host", &["d"], "instance already detached").await?;
    world.op("reattach-replica-master-host", &["d"]).await?;
    world.op_fails("reattach-replica", &["d"], "does not seem to be detached").await?;
    world.assert_settled(&[("d", "a")]).await?;

    world.op_fails("enable-gtid", &["c"], "already uses GTID").await?;
    let off = world.op("disable-gtid", &["c"]).await?;
    ensure!(off["Details"]["UsingOracleGTID"] == json!(false), "{off}");
    ensure!(off["Details"]["UsingMariaDBGTID"] == json!(false), "{off}");
    world.assert_settled(&[("c", "a")]).await?;
    world.op("enable-gtid", &["c"]).await?;
    world.assert_settled(&[("c", "a")]).await?;

    let delayed = world.ok(&format!("{}/5", world.route("delay-replication", &["c"]))).await?;
    ensure!(delayed["Details"] == json!(5), "{delayed}");
    world.ok(&format!("{}/0", world.route("delay-replication", &["c"]))).await?;
    let statements =
        world.ok(&format!("{}?q=select+1", world.route("restart-replica-statements", &["c"]))).await?;
    ensure!(statements["Details"].as_array().is_some_and(|list| list.len() == 5), "{statements}");

    let before = world.ok(&world.route("instance", &["a"])).await?;
    world.op("flush-binary-logs", &["a"]).await?;
    let after = world.op("flush-binary-logs", &["a"]).await?;
    let file =
        |answer: &Value| answer["SelfBinlogCoordinates"]["LogFile"].as_str().unwrap_or_default().to_owned();
    ensure!(file(&after["Details"]) > file(&before), "{before} {after}");
    world.lab.server("a").execute("INSERT INTO app.writes (id) VALUES (424242)").await?;
    wait_until("the logs can be purged", PATIENCE, || async {
        world.ok(&format!("{}/{}", world.route("purge-binary-logs", &["a"]), file(&after["Details"]))).await
    })
    .await?;
    world.op_fails("locate-gtid-errant", &["b"], "no errant-gtid on").await?;
    world.op_fails("last-pseudo-gtid", &["b"], "PseudoGTIDPattern not configured").await?;
    world.op("reset-replica", &["d"]).await?;
    ensure!(world.lab.server("d").replica_status().await?.is_none(), "d still replicates");
    Ok(())
}

/// A failed transaction is skipped, and errant ones are found and disposed of (MySQL).
pub(crate) async fn failed_and_errant_transactions_are_handled(family: Family) -> Result<()> {
    let world = World::start(family, json!({})).await?;
    let (a, c) = (world.lab.server("a"), world.lab.server("c"));
    for server in ["b", "c", "d"].map(|name| world.lab.server(name)) {
        if family == Family::MySql {
            // MySQL 5.6 has no such variable.
            server.execute("SET GLOBAL read_only=1 /*!50708 , GLOBAL super_read_only=0 */").await?;
        }
    }
    c.execute("SET sql_log_bin=0; INSERT INTO app.writes (id) VALUES (7)").await?;
    a.execute("INSERT INTO app.writes (id) VALUES (7)").await?;
    wait_until("replication has failed on c", PATIENCE, || async {
        let status = c.replica_status().await?.context("no replica")?;
        // The error is told a moment before the applier has stopped.
        let applier = ["Replica_SQL_Running", "Slave_SQL_Running"].iter().find_map(|name| status.get(*name));
        ensure!(applier.is_some_and(|state| state == "No"), "{applier:?}");
        Ok(())
    })
    .await?;
    world.op("skip-query", &["c"]).await?;
    world.assert_settled(&[("c", "a")]).await?;
    if family == Family::MariaDb {
        return Ok(());
    }
    world.lab.server("b").execute("INSERT INTO app.writes (id) VALUES (8)").await?;
    wait_until("the errant transaction is seen", PATIENCE, || async {
        let instance = world.ok(&world.route("instance", &["b"])).await?;
        if instance["GtidErrant"] == json!("") { bail!("not yet") } else { Ok(()) }
    })
    .await?;
    let located = world.op("locate-gtid-errant", &["b"]).await?;
    ensure!(located["Details"].as_array().is_some_and(|files| files.len() == 1), "{located}");
    let injected = world.op("gtid-errant-inject-empty", &["b"]).await?;
    let message = injected["Message"].as_str().unwrap_or_default();
    ensure!(message.starts_with("Have injected 1 transactions on cluster master"), "{injected}");
    world.lab.server("d").execute("INSERT INTO app.writes (id) VALUES (9)").await?;
    wait_until("the errant transaction is reset", PATIENCE, || async {
        world.ok(&world.route("gtid-errant-reset-master", &["d"])).await
    })
    .await?;
    let clean = world.ok(&world.route("instance", &["d"])).await?;
    ensure!(clean["GtidErrant"] == json!(""), "{clean}");
    world.assert_settled(&[("b", "a"), ("c", "a"), ("d", "a")]).await
}

/// The same over the command line, on the daemon's backend.
pub(crate) async fn commands_move_replicas(family: Family) -> Result<()> {
    move_by_commands(&World::start(family, json!({})).await?).await
}

/// Commands and the daemon meet on a database server instead of a file.
pub(crate) async fn commands_move_replicas_on_a_shared_backend(family: Family) -> Result<()> {
    let backend = Lab::builder().family(family).shape("k").start().await?;
    let shared = json!({
        "BackendDB": "mysql",
        "MySQLOrchestratorHost": "127.0.0.1",
        "MySQLOrchestratorPort": backend.server("k").port(),
        "MySQLOrchestratorDatabase": "orchestrator",
        "MySQLOrchestratorUser": lab::ROOT.name,
        "MySQLOrchestratorPassword": lab::ROOT.password,
    });
    move_by_commands(&World::start(family, shared).await?).await
}

async fn move_by_commands(world: &World) -> Result<()> {
    let (a, b, c) = (world.lab.address("a"), world.lab.address("b"), world.lab.address("c"));
    world.command(&["-c", "relocate", "-i", &c, "-d", &b], &format!("{c}<{b}\n")).await?;
    world.command(&["-c", "move-up", "-i", &c], &format!("{c}<{a}\n")).await?;
    world.command(&["-c", "repoint", "-i", &c], &format!("{c}<{a}\n")).await?;
    world.command(&["-c", "move-gtid", "-i", &c, "-d", &b], &format!("{c}<{b}\n")).await?;
    world.command(&["-c", "relocate-slaves", "-i", &b, "-d", &a], &format!("{c}\n")).await?;
    world.command(&["-c", "stop-slave", "-i", &c], &format!("{c}\n")).await?;
    world.command(&["-c", "start-replica", "-i", &c], &format!("{c}\n")).await?;
    world.command(&["-c", "which-gtid-errant", "-i", &c], "\n").await?;
    world.assert_settled(&[("b", "a"), ("c", "a"), ("d", "a")]).await
}

/// A server that an operator discovers is polled, even right after it was forgotten.
pub(crate) async fn a_discovered_server_is_polled(family: Family) -> Result<()> {
    let world = World::start_shape(family, "a(b)", json!({})).await?;
    world.op("forget", &["b"]).await?;
    // Long enough for every read of it that was planned before, and short of its return through its source.
    world.wait_rounds(1).await?;
    world.op("discover", &["b"]).await?;
    let seen =
        || async { Ok::<_, anyhow::Error>(world.op("instance", &["b"]).await?["LastSeenTimestamp"].clone()) };
    let first = seen().await?;
    wait_until("the server is read again", PATIENCE, || async {
        let now = seen().await?;
        if now == first { bail!("{first}") } else { Ok(()) }
    })
    .await
}
