//! What clients of the original read: exact texts of a topology, the fields of every answer, facts as servers tell them.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use lab::{Family, wait_until};
use serde_json::{Value, json};

use crate::world::{PATIENCE, World};

const INSTANCE: &str = include_str!("../../../registry/tests/shapes/instance.txt");
const ANALYSIS: &str = include_str!("../../../registry/tests/shapes/analysis.txt");
const RECOVERY: &str = include_str!("../../../registry/tests/shapes/recovery.txt");

/// Fields that are null, or of their type, depending on what there is to say.
const SOMETIMES_NULL: [&str; 4] =
    ["StructureAnalysis", "SuccessorKey", "SuccessorBinlogCoordinates", "AllErrors"];

fn attributes() -> Value {
    json!({
        "DetectClusterAliasQuery": "select 'shop'",
        "DetectInstanceAliasQuery": "select concat('db', @@port)",
        "AuditToBackendDB": true,
        "RecoverMasterClusterFilters": [],
    })
}

/// `a` above `b` and `c`, `d` below `b`.
async fn start(family: Family) -> Result<World> {
    World::start_shape(family, "a(b(d),c)", attributes()).await
}

/// One line of a topology as a test names it: server, depth, is it running, and what its tokens are.
struct Line<'a> {
    name: &'a str,
    depth: usize,
    tokens: [&'a str; 6],
}

/// The tree in the order in which it is printed: siblings by address.
fn tree(world: &World, lines: [Line<'static>; 4]) -> Vec<(String, [String; 6])> {
    let [a, b, d, c] = lines.map(|line| {
        let server = world.lab.server(line.name);
        let marker = if line.tokens[1] == "ok" { "+" } else { "-" };
        let indent = match line.depth {
            0 => String::new(),
            depth => format!("{}{marker} ", "  ".repeat(depth - 1)),
        };
        let title = format!("{indent}{} (db{})", server.address(), server.port());
        (title, line.tokens.map(str::to_owned))
    });
    let port = |name| world.lab.server(name).port();
    if port("b") < port("c") { vec![a, b, d, c] } else { vec![a, c, b, d] }
}

fn plain(tree: &[(String, [String; 6])], tail: &str) -> String {
    let width = tree.iter().map(|(title, _)| title.len()).max().unwrap_or_default();
    let lines = tree.iter().map(|(title, tokens)| format!("{title:width$} [{}]{tail}", tokens.join(",")));
    lines.collect::<Vec<_>>().join("\n")
}

fn tabulated(tree: &[(String, [String; 6])]) -> String {
    let rows: Vec<Vec<&str>> = tree
        .iter()
        .map(|(title, tokens)| {
            std::iter::once(title.as_str()).chain(tokens.iter().map(String::as_str)).collect()
        })
        .collect();
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..7).map(width).collect();
    let line = |row: &Vec<&str>| {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .enumerate()
            .map(|(column, (text, width))| match column {
                1 => format!("{text:>width$}"),
                _ => format!("{text:width$}"),
            })
            .collect();
        cells.join("|")
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

async fn details(world: &World, path: &str) -> Result<String> {
    let answer = world.ok(path).await?;
    Ok(answer["Details"].as_str().with_context(|| format!("{path}: {answer}"))?.to_owned())
}

async fn wait_text(world: &World, path: &str, wanted: &str) -> Result<()> {
    wait_until(&format!("{path} is exact"), PATIENCE, || async {
        let found = details(world, path).await?;
        ensure!(found == wanted, "found\n{found}\nwanted\n{wanted}");
        Ok(())
    })
    .await
}

/// Runs a direct command beside the daemon.
fn command(world: &World, words: &[&str]) -> Result<(Option<i32>, String)> {
    let output = Command::new(Path::new(env!("CARGO_BIN_EXE_orchestrator")))
        .arg("--config")
        .arg(world.daemon.config_path())
        .args(words)
        .output()?;
    Ok((output.status.code(), String::from_utf8(output.stdout)?))
}

pub(crate) async fn topology_texts_are_exact(family: Family) -> Result<()> {
    let world = start(family).await?;
    let version: &'static str = world.lab.server("a").value("select @@version").await?.leak();
    let primary_marks = match family {
        Family::MySql => ">>,GTID",
        Family::MariaDb => ">>",
    };
    let line = |name, depth, read_only, marks| {
        let tokens = ["0s", "ok", version, if read_only { "ro" } else { "rw" }, "ROW", marks];
        Line { name, depth, tokens }
    };
    let replica = |name, depth| line(name, depth, true, ">>,GTID");
    let healthy =
        tree(&world, [line("a", 0, false, primary_marks), replica("b", 1), replica("d", 2), replica("c", 1)]);
    let address = world.lab.address("a");
    wait_text(&world, &format!("/api/topology/{address}"), &plain(&healthy, "")).await?;
    wait_text(&world, "/api/topology/shop", &plain(&healthy, "")).await?;
    wait_text(&world, &format!("/api/topology-tags/{address}"), &plain(&healthy, " []")).await?;
    wait_text(&world, &format!("/api/topology-tabulated/{address}"), &tabulated(&healthy)).await?;

    world.ok(&format!("/api/begin-downtime/127.0.0.1/{}/ops/disk/1h", world.lab.server("c").port())).await?;
    world.ok(&format!("/api/stop-replica/127.0.0.1/{}", world.lab.server("d").port())).await?;
    let mut stopped = replica("d", 2);
    (stopped.tokens[0], stopped.tokens[1]) = ("null", "nonreplicating");
    let downtimed = line("c", 1, true, ">>,GTID,downtimed");
    let unwell = tree(&world, [line("a", 0, false, primary_marks), replica("b", 1), stopped, downtimed]);
    wait_text(&world, &format!("/api/topology/{address}"), &plain(&unwell, "")).await?;
    wait_text(&world, &format!("/api/topology-tabulated/{address}"), &tabulated(&unwell)).await?;

    // A command reads the same from the backend, as soon as the daemon has written it.
    wait_until("a direct command prints the same", PATIENCE, || async {
        let found = command(&world, &["-c", "topology", "-i", &address])?;
        let wanted = (Some(0), format!("{}\n", plain(&unwell, "")));
        ensure!(found == wanted, "{found:?}, wanted {wanted:?}");
        Ok(())
    })
    .await
}

/// Facts of a primary and of a replica. Where families differ: what MySQL says, what MariaDB says.
fn facts(family: Family, is_primary: bool) -> Vec<(&'static str, Value)> {
    let by = |mysql: Value, mariadb: Value| match family {
        Family::MySql => mysql,
        Family::MariaDb => mariadb,
    };
    let is_replica = !is_primary;
    let thread = if is_primary { -1 } else { 1 };
    let lag = json!({"Int64": 0, "Valid": is_replica});
    vec![
        ("FlavorName", by(json!("MySQL"), json!("MariaDB"))),
        ("ReadOnly", json!(is_replica)),
        ("Binlog_format", json!("ROW")),
        ("BinlogRowImage", by(json!("FULL"), json!(""))),
        ("LogBinEnabled", json!(true)),
        ("LogSlaveUpdatesEnabled", json!(true)),
        ("LogReplicationUpdatesEnabled", json!(true)),
        ("IsDetachedMaster", json!(false)),
        ("Slave_SQL_Running", json!(is_replica)),
        ("ReplicationSQLThreadRuning", json!(is_replica)),
        ("Slave_IO_Running", json!(is_replica)),
        ("ReplicationIOThreadRuning", json!(is_replica)),
        ("ReplicationSQLThreadState", json!(thread)),
        ("ReplicationIOThreadState", json!(thread)),
        ("GTIDMode", by(json!("ON"), json!(""))),
        ("SupportsOracleGTID", by(json!(true), json!(false))),
        ("UsingOracleGTID", by(json!(is_replica), json!(false))),
        ("UsingMariaDBGTID", by(json!(false), json!(is_replica))),
        ("LastSQLError", json!("")),
        ("LastIOError", json!("")),
        ("SecondsBehindMaster", lag.clone()),
        ("SlaveLagSeconds", lag.clone()),
        ("ReplicationLagSeconds", lag),
        ("GtidErrant", json!("")),
        ("SuggestedClusterAlias", json!("shop")),
        ("ReplicationDepth", json!(u8::from(is_replica))),
        ("IsCoMaster", json!(false)),
        ("HasReplicationCredentials", json!(is_replica)),
        ("IsLastCheckValid", json!(true)),
        ("IsRecentlyChecked", json!(true)),
        ("PromotionRule", json!("neutral")),
        ("IsDowntimed", json!(false)),
        ("DowntimeEndTimestamp", json!("")),
        ("Problems", json!([])),
        ("ReplicationGroupName", json!("")),
        ("QSP", json!({})),
    ]
}

pub(crate) async fn instances_tell_what_servers_tell(family: Family) -> Result<()> {
    let world = start(family).await?;
    let port = |name| world.lab.server(name).port();
    let key = |name| json!({"Hostname": "127.0.0.1", "Port": port(name)});
    for (name, source) in [("a", None), ("c", Some("a"))] {
        let server = world.lab.server(name);
        let mut wanted = facts(family, source.is_none());
        wanted.extend([
            ("Key", key(name)),
            ("InstanceAlias", json!(format!("db{}", port(name)))),
            ("ServerID", json!(server.value("select @@server_id").await?.parse::<u32>()?)),
            ("Version", json!(server.value("select @@version").await?)),
            ("VersionComment", json!(server.value("select @@version_comment").await?)),
            ("ClusterName", json!(world.lab.address("a"))),
            ("MasterKey", source.map_or_else(|| json!({"Hostname": "", "Port": 0}), &key)),
        ]);
        if family == Family::MySql {
            wanted.push(("ServerUUID", json!(server.value("select @@server_uuid").await?)));
        }
        let path = format!("/api/instance/127.0.0.1/{}", port(name));
        wait_until(&format!("{name} tells its facts"), PATIENCE, || async {
            let found = world.ok(&path).await?;
            for (field, value) in &wanted {
                ensure!(found[*field] == *value, "{field} is {}, not {value}", found[*field]);
            }
            Ok(())
        })
        .await?;
    }
    Ok(())
}

/// A short word for what a value is, as in the lists of fields.
fn shape(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "list",
        Value::Object(members) => match members.keys().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["Hostname", "Port"] => "key",
            ["LogFile", "LogPos", "Type"] => "place",
            ["Int64", "Valid"] => "nullable int",
            ["Bool", "Valid"] => "nullable bool",
            _ => "object",
        },
    }
}

/// Fields that clients do not know, after those that they know.
const ADDED: &[&str] = &["Cause", "Evidence"];

fn check_fields(what: &str, value: &Value, fields: &str) -> Result<()> {
    let members = value.as_object().with_context(|| format!("{what} is no object: {value}"))?;
    let wanted: Vec<(&str, &str)> = fields.lines().filter_map(|line| line.split_once(' ')).collect();
    let names: Vec<&str> = members.keys().map(String::as_str).collect();
    let wanted_names: Vec<&str> = wanted.iter().map(|(name, _)| *name).collect();
    let (known, more) = names.split_at(wanted_names.len().min(names.len()));
    ensure!(known == wanted_names, "{what} has the fields {names:?}, not {wanted_names:?}");
    ensure!(more.iter().all(|name| ADDED.contains(name)), "{what} also has {more:?}");
    for ((name, wanted), found) in wanted.iter().zip(members.values()) {
        let is_null = SOMETIMES_NULL.contains(name) && (found.is_null() || *wanted == "null");
        ensure!(is_null || shape(found) == *wanted, "{what}: {name} is {found}, not a {wanted}");
    }
    Ok(())
}

/// Checks every element of a list that must not be empty.
async fn check_list(world: &World, path: &str, fields: &str) -> Result<Vec<Value>> {
    let answer = world.ok(path).await?;
    let list = match &answer["Details"] {
        Value::Array(list) => list.clone(),
        _ => answer.as_array().cloned().with_context(|| format!("{path}: {answer}"))?,
    };
    ensure!(!list.is_empty(), "{path} is empty");
    for element in &list {
        check_fields(path, element, fields)?;
    }
    Ok(list)
}

const CLUSTER: &str = "ClusterName string\nClusterAlias string\nClusterDomain string\nCountInstances number\n\
    HeuristicLag number\nHasAutomatedMasterRecovery bool\nHasAutomatedIntermediateMasterRecovery bool";
const STEP: &str = "Id number\nRecoveryUID string\nAuditAt string\nMessage string";
const AUDIT: &str =
    "AuditId number\nAuditTimestamp string\nAuditType string\nAuditInstanceKey key\nMessage string";
const CHANGES: &str = "AnalyzedInstanceKey key\nChangelog list";
const HEALTH: &str = "Healthy bool\nHostname string\nToken string\nIsActiveNode bool\nActiveNode object\nError null\n\
    AvailableNodes list\nRaftLeader string\nIsRaftLeader bool\nRaftLeaderURI string\nRaftAdvertise string\n\
    RaftHealthyMembers null";

pub(crate) async fn answers_have_the_fields_that_clients_know(family: Family) -> Result<()> {
    let world = start(family).await?;
    let (a, b) = (world.lab.address("a"), world.lab.server("b").port());
    let a_port = world.lab.server("a").port();
    world.ok(&format!("/api/begin-downtime/127.0.0.1/{b}/ops/disk/1h")).await?;
    for path in [
        "/api/all-instances".to_owned(),
        "/api/search/127".to_owned(),
        "/api/masters".to_owned(),
        "/api/downtimed".to_owned(),
        format!("/api/cluster/{a}"),
        "/api/cluster/alias/shop".to_owned(),
        format!("/api/cluster/instance/127.0.0.1/{b}"),
        format!("/api/cluster-osc-replicas/{a}"),
        format!("/api/instance-replicas/127.0.0.1/{a_port}"),
    ] {
        check_list(&world, &path, INSTANCE).await?;
    }
    for path in [format!("/api/instance/127.0.0.1/{b}"), format!("/api/master/{a}")] {
        check_fields(&path, &world.ok(&path).await?, INSTANCE)?;
    }
    check_list(&world, "/api/clusters-info", CLUSTER).await?;
    check_fields("/api/cluster-info/shop", &world.ok("/api/cluster-info/shop").await?, CLUSTER)?;
    check_fields("/api/health", &world.ok("/api/health").await?["Details"], HEALTH)?;
    check_list(&world, "/api/audit", AUDIT).await?;

    world.lab.server("a").kill9()?;
    world.wait_analysis("a", "DeadMaster").await?;
    check_list(&world, "/api/replication-analysis", ANALYSIS).await?;
    check_list(&world, &format!("/api/replication-analysis/{a}"), ANALYSIS).await?;
    check_list(&world, "/api/replication-analysis-changelog", CHANGES).await?;
    check_list(&world, "/api/problems", INSTANCE).await?;
    check_detections(&world).await?;
    let answer = world.ok(&format!("/api/recover/127.0.0.1/{a_port}")).await?;
    ensure!(shape(&answer["Details"]) == "key", "{answer}");
    check_recoveries(&world).await
}

async fn check_detections(world: &World) -> Result<()> {
    let detections = wait_until("the detection is on record", PATIENCE, || async {
        check_list(world, "/api/audit-failure-detection", RECOVERY).await
    })
    .await?;
    for detection in &detections {
        check_fields("a detection's analysis", &detection["AnalysisEntry"], ANALYSIS)?;
        for field in ["SuccessorKey", "SuccessorBinlogCoordinates", "AllErrors"] {
            ensure!(detection[field].is_null(), "{field} is {}", detection[field]);
        }
    }
    Ok(())
}

async fn check_recoveries(world: &World) -> Result<()> {
    let recovery = world.wait_recovered("a").await?;
    check_fields("a recovery", &recovery, RECOVERY)?;
    check_fields("a recovery's analysis", &recovery["AnalysisEntry"], ANALYSIS)?;
    let wanted = [
        ("IsSuccessful", json!(true)),
        ("AllErrors", json!([""])),
        ("SuccessorBinlogCoordinates", Value::Null),
        ("Type", json!("")),
        ("RecoveryType", json!("NotMasterRecovery")),
    ];
    for (field, value) in wanted {
        ensure!(recovery[field] == value, "{field} is {}", recovery[field]);
    }
    let uid = recovery["UID"].as_str().unwrap_or_default();
    let Some((moment, random)) = uid.split_once(':') else { bail!("UID is {uid}") };
    ensure!(moment.len() == 19 && random.len() == 64, "UID is {uid}");
    check_list(world, &format!("/api/audit-recovery/uid/{uid}"), RECOVERY).await?;
    check_list(world, &format!("/api/audit-recovery-steps/{uid}"), STEP).await?;
    Ok(())
}
