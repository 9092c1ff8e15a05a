//! Real servers of both families: replication works, and each fault does what its name says.

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use lab::{CutKind, Family, Lab, Party, Server, Writer, WriterOptions, wait_until};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpStream;

const SOON: Duration = Duration::from_secs(15);

async fn arrives(server: &Server, id: u64) -> Result<()> {
    wait_until(&format!("row {id} is on {}", server.name()), SOON, || async {
        let found = server.value(&format!("SELECT COUNT(*) FROM app.writes WHERE id = {id}")).await?;
        ensure!(found == "1", "replica status: {:?}", server.replica_status().await?);
        Ok(())
    })
    .await
}

async fn insert(server: &Server, id: u64) -> Result<()> {
    server.execute(&format!("INSERT INTO app.writes (id) VALUES ({id})")).await
}

async fn rows_flow_and_servers_survive_faults(family: Family, gtid: bool) -> Result<()> {
    let lab =
        Lab::builder().family(family).shape("a(b,c(d))").gtid(gtid).replica_net_timeout(4).start().await?;

    insert(lab.server("a"), 1).await?;
    arrives(lab.server("d"), 1).await?;

    for name in ["a", "b", "c", "d"] {
        let server = lab.server(name);
        let read_only = server.value("SELECT @@global.read_only").await?;
        assert_eq!(read_only, if name == "a" { "0" } else { "1" }, "read_only of {name}");
        assert_eq!(server.value("SELECT @@global.report_port").await?, server.port().to_string());
    }

    lab.server("c").kill9()?;
    insert(lab.server("a"), 2).await?;
    arrives(lab.server("b"), 2).await?;
    lab.server("c").restart().await?;
    arrives(lab.server("d"), 2).await?;

    lab.server("b").hang()?;
    insert(lab.server("a"), 3).await?;
    arrives(lab.server("d"), 3).await?;
    let asked = tokio::time::timeout(Duration::from_millis(300), lab.server("b").query("SELECT 1")).await;
    assert!(asked.is_err(), "a hung server answered");
    lab.server("b").resume()?;
    arrives(lab.server("b"), 3).await?;
    Ok(())
}

#[tokio::test]
async fn mysql_rows_flow_and_servers_survive_faults() -> Result<()> {
    rows_flow_and_servers_survive_faults(Family::MySql, true).await
}

#[tokio::test]
async fn mysql_without_gtid_rows_flow_and_servers_survive_faults() -> Result<()> {
    rows_flow_and_servers_survive_faults(Family::MySql, false).await
}

#[tokio::test]
async fn mariadb_rows_flow_and_servers_survive_faults() -> Result<()> {
    rows_flow_and_servers_survive_faults(Family::MariaDb, true).await
}

#[tokio::test]
async fn mariadb_without_gtid_rows_flow_and_servers_survive_faults() -> Result<()> {
    rows_flow_and_servers_survive_faults(Family::MariaDb, false).await
}

async fn semi_sync_holds_a_commit_that_no_replica_has(family: Family) -> Result<()> {
    let lab =
        Lab::builder().family(family).shape("a(b)").semi_sync(true).replica_net_timeout(4).start().await?;
    insert(lab.server("a"), 1).await?;
    lab.server("b").kill9()?;
    let blocked = tokio::time::timeout(Duration::from_secs(2), insert(lab.server("a"), 2)).await;
    assert!(blocked.is_err(), "acknowledged without a replica: {blocked:?}");
    lab.server("b").restart().await?;
    arrives(lab.server("b"), 2).await
}

#[tokio::test]
async fn mysql_semi_sync_holds_a_commit_that_no_replica_has() -> Result<()> {
    semi_sync_holds_a_commit_that_no_replica_has(Family::MySql).await
}

#[tokio::test]
async fn mariadb_semi_sync_holds_a_commit_that_no_replica_has() -> Result<()> {
    semi_sync_holds_a_commit_that_no_replica_has(Family::MariaDb).await
}

async fn connects(address: &str) -> Result<()> {
    tokio::time::timeout(Duration::from_millis(400), TcpStream::connect(address)).await??;
    Ok(())
}

/// Connects the way the daemon does: from a process of its group. True if the server greets.
async fn orchestrator_reaches(address: &str) -> Result<bool> {
    let (host, port) = address.split_once(':').unwrap_or((address, ""));
    let script = format!("exec 3<>/dev/tcp/{host}/{port} && head -c 5 <&3 >/dev/null");
    let status = tokio::process::Command::new("setpriv")
        .args(["--regid", "64001", "--clear-groups", "--", "timeout", "1", "bash", "-c", &script])
        .stderr(Stdio::null())
        .status()
        .await?;
    Ok(status.success())
}

async fn a_cut_hits_its_party_only(family: Family) -> Result<()> {
    let lab = Lab::builder().family(family).shape("a(b,c)").replica_net_timeout(2).start().await?;
    let a = lab.address("a");

    assert!(orchestrator_reaches(&a).await?);
    for kind in [CutKind::Drop, CutKind::Reject] {
        lab.cut(Party::Orchestrator, "a", kind)?;
        assert!(!orchestrator_reaches(&a).await?, "{kind:?}");
        assert!(orchestrator_reaches(&lab.address("b")).await?, "{kind:?}");
        connects(&a).await?;
        lab.heal()?;
        assert!(orchestrator_reaches(&a).await?);
    }

    lab.cut(Party::Clients, "a", CutKind::Reject)?;
    assert!(connects(&a).await.is_err());
    assert!(orchestrator_reaches(&a).await?);
    lab.heal()?;
    connects(&a).await?;

    // An open replication connection is cut too, without the other replica noticing.
    lab.cut(Party::Server("b"), "a", CutKind::Drop)?;
    insert(lab.server("a"), 1).await?;
    arrives(lab.server("c"), 1).await?;
    let status = wait_until("b has noticed", SOON, || async {
        let status = lab.server("b").replica_status().await?.unwrap_or_default();
        let running =
            status.iter().find(|(name, _)| name.ends_with("_IO_Running")).map(|(_, value)| value.clone());
        ensure!(running.as_deref() == Some("Connecting"), "b's IO thread: {running:?}");
        Ok(status)
    })
    .await?;
    assert!(!status.is_empty());
    assert_eq!(lab.server("b").value("SELECT COUNT(*) FROM app.writes").await?, "0");
    lab.heal()?;
    arrives(lab.server("b"), 1).await
}

#[tokio::test]
async fn mysql_a_cut_hits_its_party_only() -> Result<()> {
    a_cut_hits_its_party_only(Family::MySql).await
}

#[tokio::test]
async fn mariadb_a_cut_hits_its_party_only() -> Result<()> {
    a_cut_hits_its_party_only(Family::MariaDb).await
}

/// The harness itself promotes here, so the gap is known to lie between the fault and the promotion.
async fn the_writer_measures_the_gap_and_the_loss(family: Family) -> Result<()> {
    let lab = Lab::builder().family(family).shape("a(b)").semi_sync(true).start().await?;
    let writer = Writer::start(&lab.addresses(), WriterOptions::default())?;
    wait_until("rows are written", SOON, || async {
        let count = writer.acknowledged();
        if count > 100 { Ok(()) } else { Err(format!("{count} rows")) }
    })
    .await?;

    let killed = Instant::now();
    lab.server("a").kill9()?;
    let b = lab.server("b");
    let (stop, promote) = match family {
        Family::MySql => ("STOP REPLICA IO_THREAD", "SET GLOBAL super_read_only = 0, GLOBAL read_only = 0"),
        Family::MariaDb => ("STOP SLAVE IO_THREAD", "SET GLOBAL read_only = 0"),
    };
    b.execute(stop).await?;
    wait_until("b has applied what it received", SOON, || async {
        let status = b.replica_status().await?.unwrap_or_default();
        let state = status
            .iter()
            .find(|(name, _)| name.ends_with("_SQL_Running_State"))
            .map(|(_, text)| text.clone());
        ensure!(state.as_deref().is_some_and(|text| text.contains("has read all relay log")), "b: {state:?}");
        Ok(())
    })
    .await?;
    let opened = Instant::now();
    b.execute(promote).await?;
    wait_until("b acknowledges", SOON, || async {
        let last = writer.last_acknowledged();
        match last {
            Some(row) if *row.server == *b.address() => Ok(()),
            other => Err(format!("last: {other:?}")),
        }
    })
    .await?;

    let report = writer.stop().await;
    let moves = report.moves();
    let [gap] = moves.as_slice() else { panic!("the writer moved {} times", moves.len()) };
    assert_eq!((&*gap.before.server, &*gap.after.server), (lab.address("a").as_str(), b.address().as_str()));
    assert!(gap.after.at > opened, "acknowledged before b was opened");
    assert!(report.longest_gap().is_some_and(|longest| longest.length() >= gap.length()));
    assert!(report.first_on(&b.address(), killed).is_some());
    assert_eq!(report.missing_on(b).await?, Vec::<u64>::new(), "semi-sync lost acknowledged rows");

    b.execute(&format!("DELETE FROM app.writes WHERE id = {}", gap.before.id)).await?;
    assert_eq!(report.missing_on(b).await?, vec![gap.before.id]);
    Ok(())
}

#[tokio::test]
async fn mysql_the_writer_measures_the_gap_and_the_loss() -> Result<()> {
    the_writer_measures_the_gap_and_the_loss(Family::MySql).await
}

#[tokio::test]
async fn mariadb_the_writer_measures_the_gap_and_the_loss() -> Result<()> {
    the_writer_measures_the_gap_and_the_loss(Family::MariaDb).await
}

#[tokio::test]
async fn a_dropped_lab_leaves_nothing() -> Result<()> {
    let lab = Lab::builder().family(Family::MariaDb).shape("a").start().await?;
    let server = lab.server("a");
    let (pid, data_dir, address) = (server.pid().unwrap_or_default(), server.data_dir(), lab.address("a"));
    assert!(std::path::Path::new(&format!("/proc/{pid}")).exists());
    drop(lab);
    assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
    assert!(!data_dir.exists());
    assert!(connects(&address).await.is_err());
    Ok(())
}

/// Starts the command, kills it without a chance to clean up, and looks what is left.
#[tokio::test]
async fn a_killed_harness_leaves_no_server() -> Result<()> {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_orchestrator-lab"))
        .args(["up", "--family", "mariadb", "--shape", "a(b)"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let mut lines = BufReader::new(command.stdout.take().context("standard output is piped")?).lines();
    let mut pids = Vec::new();
    while pids.len() < 2 {
        let line = tokio::time::timeout(SOON, lines.next_line()).await??.context("the command ended")?;
        let words: Vec<&str> = line.split_whitespace().collect();
        if let ["a" | "b", _, _, pid, _] = words.as_slice() {
            pids.push(pid.parse::<u32>()?);
        }
    }
    let is_running = |pid: &u32| std::path::Path::new(&format!("/proc/{pid}")).exists();
    assert!(pids.iter().all(is_running));
    command.kill().await?;
    wait_until("the servers are gone", SOON, || async {
        let left: Vec<&u32> = pids.iter().filter(|pid| is_running(pid)).collect();
        if left.is_empty() { Ok(()) } else { Err(format!("still running: {left:?}")) }
    })
    .await
}
