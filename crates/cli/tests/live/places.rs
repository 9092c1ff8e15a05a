//! Places in logs, found by what is written there; and the names by which replicas reach their source.

use anyhow::{Context, Result, bail, ensure};
use lab::{Family, Lab, wait_until};
use serde_json::json;

use crate::world::{PATIENCE, World};

impl World {
    /// Runs a command on the daemon's backend: exit code, standard output, standard error.
    async fn ended(&self, words: &[&str]) -> Result<(Option<i32>, String, String)> {
        let ended = tokio::process::Command::new(env!("CARGO_BIN_EXE_orchestrator"))
            .arg("-config")
            .arg(self.daemon.config_path())
            .args(words)
            .output()
            .await?;
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ok((ended.status.code(), text(ended.stdout), text(ended.stderr)))
    }

    /// What a command prints; it must succeed, and print one line.
    async fn line(&self, words: &[&str]) -> Result<String> {
        let (code, stdout, stderr) = self.ended(words).await?;
        ensure!(code == Some(0), "{words:?}: {stderr}");
        stdout.strip_suffix('\n').map(str::to_owned).with_context(|| format!("{words:?}: {stdout:?}"))
    }

    async fn refused(&self, words: &[&str], text: &str) -> Result<()> {
        let (code, stdout, stderr) = self.ended(words).await?;
        ensure!(
            code == Some(1) && stdout.is_empty() && stderr.contains(text),
            "{words:?}: {stdout} {stderr}"
        );
        Ok(())
    }

    /// Present end of a server's binary log.
    async fn log_end(&self, name: &str) -> Result<String> {
        let server = self.lab.server(name);
        let key = format!("/api/refresh/127.0.0.1/{}", server.port());
        self.ok(&key).await?;
        let own = self.ok(&format!("/api/instance/127.0.0.1/{}", server.port())).await?;
        let at = &own["SelfBinlogCoordinates"];
        Ok(format!("{}:{}", at["LogFile"].as_str().unwrap_or_default(), at["LogPos"]))
    }
}

/// Places of one server's logs are found on others, whatever each has in its logs besides.
pub(crate) async fn places_in_logs_are_found_on_other_servers(family: Family) -> Result<()> {
    let world = World::start_shape(family, "a(b,c)", json!({})).await?;
    let address = |name: &str| world.lab.address(name);
    let (a, b, c) = (address("a"), address("b"), address("c"));
    let primary = world.lab.server("a");
    primary.execute("create database shop").await?;
    primary.execute("create table shop.t (id int primary key)").await?;
    let before = world.log_end("a").await?;
    // A rotation here and there shifts files and positions apart.
    primary.execute("flush binary logs").await?;
    for row in 1..=3 {
        primary.execute(&format!("insert into shop.t values ({row})")).await?;
    }
    let after = world.log_end("a").await?;
    for name in ["b", "c"] {
        wait_until("the rows arrived", PATIENCE, || async {
            let count = world.lab.server(name).value("select count(*) from shop.t").await?;
            if count == "3" { Ok(()) } else { bail!("{count}") }
        })
        .await?;
    }
    let end_on_b = world.log_end("b").await?;

    // What begins at the end begins at the end; and back again.
    ensure!(world.line(&["-c", "correlate-binlog-pos", "-i", &a, "-d", &b]).await? == end_on_b);
    ensure!(world.line(&["-c", "correlate-binlog-pos", "-i", &b, "-d", &a]).await? == after);
    let words =
        ["-c", "correlate-binlog-pos", "-i", a.as_str(), "-d", b.as_str(), "--binlog", before.as_str()];
    let on_b = world.line(&words).await?;
    let back = ["-c", "correlate-binlog-pos", "-i", b.as_str(), "-d", a.as_str(), "--binlog", on_b.as_str()];
    let there = world.line(&back).await?;
    // The end of the old file and the first transaction of the new one are the same place to a replica.
    ensure!(
        there == before
            || world.line(&["-c", "correlate-binlog-pos", "-i", &a, "-d", &b, "--binlog", &there]).await?
                == on_b,
        "{before} {on_b} {there}"
    );
    world
        .refused(
            &["-c", "correlate-binlog-pos", "-i", &a, "-d", &b, "--binlog", "x"],
            "--binlog must be file:pos",
        )
        .await?;
    let (file, pos) = after.rsplit_once(':').context("no place")?;
    let inside = format!("{file}:{}", pos.parse::<u64>()? - 1);
    world
        .refused(
            &["-c", "correlate-binlog-pos", "-i", &a, "-d", &b, "--binlog", &inside],
            "no event begins at",
        )
        .await?;

    // By the exact text of an entry.
    let entry = match family {
        Family::MySql => "create database shop",
        Family::MariaDb => "create database shop",
    };
    let found = world.line(&["-c", "find-binlog-entry", "-i", &a, "--pattern", entry]).await;
    ensure!(found.is_ok() || family == Family::MySql, "{found:?}");
    world
        .refused(
            &["-c", "find-binlog-entry", "-i", &a, "--pattern", "nosuch"],
            "Cannot match pseudo GTID entry",
        )
        .await?;
    world.refused(&["-c", "find-binlog-entry", "-i", &a], "No pattern given").await?;

    // Relay logs of siblings hold the same.
    let end = pos;
    // A parallel applier tells its place some time after it got there.
    let last = wait_until("the last entry is told", PATIENCE, || async {
        let last = world.line(&["-c", "last-executed-relay-entry", "-i", &b]).await?;
        ensure!(last.starts_with("{Coordinates:") && last.ends_with(&format!(":{end}")), "{last} {end}");
        Ok(last)
    })
    .await?;
    let (code, stdout, stderr) = world.ended(&["-c", "correlate-relaylog-pos", "-i", &b, "-d", &c]).await?;
    match code {
        // Nothing follows the newest event yet, and that is said.
        Some(1) => ensure!(stderr.contains("none follows yet"), "{stderr}"),
        _ => ensure!(stdout.trim_end().split(';').count() == 3, "{stdout}"),
    }
    primary.execute("insert into shop.t values (4)").await?;
    wait_until("the row arrived", PATIENCE, || async {
        let count = world.lab.server("c").value("select count(*) from shop.t").await?;
        if count == "4" { Ok(()) } else { bail!("{count}") }
    })
    .await?;
    let own =
        last.strip_prefix("{Coordinates:").and_then(|text| text.split(' ').next()).context("no place")?;
    let places = world.line(&["-c", "correlate-relaylog-pos", "-i", &b, "-d", &c, "--binlog", own]).await?;
    let parts: Vec<&str> = places.split(';').collect();
    ensure!(parts.len() == 3 && parts[0] == own && parts[1] != parts[2], "{places}");
    let back =
        world.line(&["-c", "correlate-relaylog-pos", "-i", &c, "-d", &b, "--binlog", parts[1]]).await?;
    ensure!(back.starts_with(&format!("{};{own};", parts[1])), "{places} {back}");
    world
        .refused(
            &["-c", "correlate-relaylog-pos", "-i", &a, "-d", &b],
            "CorrelateRelaylogCoordinates requires sibling instances",
        )
        .await
}

/// Replicas are told the registered name of their source, if it leads to the source.
pub(crate) async fn virtual_names_are_told_to_replicas(family: Family) -> Result<()> {
    let world = World::start_shape(family, "a(b,c)", json!({})).await?;
    let address = |name: &str| world.lab.address(name);
    let (b, c) = (address("b"), address("c"));
    let source_host = async || -> Result<String> {
        let status = world.lab.server("c").replica_status().await?.context("no replica")?;
        let names = ["Source_Host", "Master_Host"];
        Ok(names.iter().find_map(|name| status.get(*name)).cloned().unwrap_or_default())
    };
    // Another spelling of the same address.
    world.line(&["-c", "register-hostname-unresolve", "-i", &b, "--hostname", "127.1"]).await?;
    world.line(&["-c", "relocate", "-i", &c, "-d", &b]).await?;
    world.assert_replicates("c", "b").await?;
    ensure!(source_host().await? == "127.1", "{}", source_host().await?);
    wait_until("the daemon knows the source for what it is", PATIENCE, || async {
        let seen = world.ok(&format!("/api/instance/127.0.0.1/{}", world.lab.server("c").port())).await?;
        let key = &seen["MasterKey"];
        ensure!(
            key["Hostname"] == json!("127.0.0.1") && key["Port"] == json!(world.lab.server("b").port()),
            "{key}"
        );
        Ok(())
    })
    .await?;
    wait_until("no server is known twice", PATIENCE, || async {
        let all = world.ok("/api/all-instances").await?;
        ensure!(all.as_array().is_some_and(|all| all.len() == 3), "{all}");
        Ok(())
    })
    .await?;

    world.line(&["-c", "move-up", "-i", &c, "--skip-unresolve"]).await?;
    world.assert_replicates("c", "a").await?;
    ensure!(source_host().await? == "127.0.0.1", "{}", source_host().await?);

    world.line(&["-c", "register-hostname-unresolve", "-i", &b, "--hostname", "nosuch.invalid"]).await?;
    world.refused(&["-c", "relocate", "-i", &c, "-d", &b], "the virtual name of").await?;
    world.assert_replicates("c", "a").await?;
    world.line(&["-c", "deregister-hostname-unresolve", "-i", &b]).await?;
    world.line(&["-c", "relocate", "-i", &c, "-d", &b]).await?;
    world.assert_replicates("c", "b").await?;
    ensure!(source_host().await? == "127.0.0.1", "{}", source_host().await?);
    Ok(())
}

/// A service that polls rarely sees what a command did all the same, also when it was about to write what it saw of the
/// server before.
pub(crate) async fn what_a_command_changed_is_seen_at_once(family: Family) -> Result<()> {
    let lab = Lab::builder().family(family).shape("a(b,c)");
    let world = World::start_known(
        lab,
        json!({ "InstancePollSeconds": 120, "InstanceFlushIntervalMilliseconds": 700 }),
    )
    .await?;
    let (b, c) = (world.lab.address("b"), world.lab.address("c"));
    // Commands know what the backend holds, which the service writes a moment later.
    wait_until("the backend holds the servers", PATIENCE, || async {
        let all = world.ended(&["-c", "all-instances"]).await?.1;
        ensure!(all.lines().count() == 3, "{all}");
        Ok(())
    })
    .await?;
    let below = ["-c", "relocate", "-i", &c, "-d", &b];
    let back = ["-c", "move-up", "-i", &c];
    for (target, command) in [("b", &below[..]), ("a", &back)] {
        world.line(command).await?;
        let port = json!(world.lab.server(target).port());
        wait_until("the service shows the new source", std::time::Duration::from_secs(5), || async {
            let seen = world.ok(&format!("/api/instance/127.0.0.1/{}", world.lab.server("c").port())).await?;
            ensure!(seen["MasterKey"]["Port"] == port, "{}", seen["MasterKey"]);
            Ok(())
        })
        .await?;
    }
    Ok(())
}
