//! Primaries that are alive and of no use, or seem so: the verdict names the cause.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use lab::{Family, Server, Session, wait_until};
use serde_json::json;
use tokio::net::TcpStream;

use crate::timing::{Evidence, Verdicts};
use crate::topology::{assert_stays, explained};
use crate::world::{PATIENCE, World, wait_writes, write_load};

pub(crate) async fn an_exhausted_connection_limit_is_named_and_nobody_is_replaced(
    family: Family,
) -> Result<()> {
    let world = World::start(family, json!({})).await?;
    let a = world.lab.server("a");
    let writer = write_load(&world.lab)?;
    wait_writes(&writer, 100).await?;
    // Connections that never log in keep their place for so long.
    a.execute("SET GLOBAL connect_timeout=600").await?;
    a.execute("SET GLOBAL max_connections=40").await?;
    let mut session = a.session().await?;
    let verdicts = Verdicts::follow(&world).await?;
    let crowd = Crowd::around(a);
    wait_until("nobody gets a connection", PATIENCE, || async {
        match a.query("SELECT 1").await {
            Ok(_) => bail!("one more"),
            Err(_) => Ok(()),
        }
    })
    .await?;
    // The daemon has to connect again, and no place may come free for it.
    session.query("SET GLOBAL max_connections=10").await?;
    end_connections_of_the_daemon(&mut session).await?;
    verdicts.assert_prompt(&world, "a", &["UnreachableMaster"], Evidence::now()).await?;
    is_limit_named(&world).await?;
    assert_stays(&world, "a", "UnreachableMaster").await?;
    verdicts.assert_registered_only(&world, &[]).await?;
    let answer = world.get("/api/replication-analysis").await?;
    ensure!(answer.to_string().contains("no connection is left"), "{answer}");
    wait_writes(&writer, 100).await?;
    drop(crowd);
    world.wait_analysis("a", "NoProblem").await?;
    writer.stop().await;
    Ok(())
}

/// Ends what the daemon has open, as an idle time-out or a pool's renewal would.
async fn end_connections_of_the_daemon(session: &mut Session) -> Result<()> {
    let user = lab::ORCHESTRATOR.name;
    let listed = format!("SELECT id FROM information_schema.processlist WHERE user = '{user}'");
    for row in session.query(&listed).await? {
        // One that ended by itself meanwhile is not there any more.
        let _ = session.query(&format!("KILL {}", row[0])).await;
    }
    Ok(())
}

/// Connections that take every place there is, and every one that comes free.
struct Crowd(tokio::task::JoinHandle<()>);

impl Crowd {
    #[expect(clippy::disallowed_methods, reason = "a test's helper, aborted when dropped")]
    fn around(server: &Server) -> Self {
        let port = server.port();
        Self(tokio::spawn(async move {
            let mut held = Vec::new();
            loop {
                if let Ok(stream) = TcpStream::connect(("127.0.0.1", port)).await {
                    held.push(stream);
                }
                // Those that were turned away are of no use.
                held.retain(|stream| {
                    let mut first = [0_u8; 5];
                    // The fifth byte tells a greeting from an error.
                    stream.try_read(&mut first).is_err() || first[4] != 0xff
                });
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }))
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn is_limit_named(world: &World) -> Result<()> {
    wait_until("the connection limit is named", Duration::from_secs(8), || async {
        let told = explained(world, "a").await?;
        if told["Cause"]["Name"] == json!("connection-limit") { Ok(()) } else { bail!("{told}") }
    })
    .await
}

pub(crate) async fn a_frozen_primary_is_named(family: Family) -> Result<()> {
    let world = World::start(family, json!({})).await?;
    world.ok("/api/disable-global-recoveries").await?;
    let writer = write_load(&world.lab)?;
    wait_writes(&writer, 100).await?;
    let verdicts = Verdicts::follow(&world).await?;
    let evidence = Evidence::silence();
    world.lab.server("a").hang()?;
    verdicts.assert_prompt(&world, "a", &["DeadMaster"], evidence).await?;
    wait_until("the frozen process is named", PATIENCE, || async {
        let told = explained(&world, "a").await?;
        let is_named = told["Cause"]["Name"] == json!("frozen") && told["Analysis"] == json!("DeadMaster");
        let is_blocked = told["Reasons"][0]["Reason"] == json!("recoveries-disabled");
        if is_named && is_blocked { Ok(()) } else { bail!("{told}") }
    })
    .await?;
    verdicts.assert_registered_only(&world, &[("a", "DeadMaster")]).await?;
    world.lab.server("a").resume()?;
    world.wait_analysis("a", "NoProblem").await?;
    writer.stop().await;
    Ok(())
}

/// A small file system in memory over a server's data, taken away in the end.
struct SmallDisk(std::path::PathBuf);

impl SmallDisk {
    /// Moves the data of a server, which must be shut down, to a file system that has little more room than it needs.
    fn under(server: &Server) -> Result<Self> {
        let data = server.data_dir();
        let aside = data.with_extension("aside");
        std::fs::rename(&data, &aside)?;
        std::fs::create_dir(&data)?;
        run(Command::new("mount").args(["-t", "tmpfs", "-o", "size=400m", "tmpfs"]).arg(&data))?;
        let disk = Self(data.clone());
        run(Command::new("cp").arg("-a").arg(aside.join(".")).arg(&data))?;
        run(Command::new("chown").arg("--reference").arg(&aside).arg(&data))?;
        Ok(disk)
    }

    /// Leaves no room.
    fn fill(&self) -> Result<()> {
        let file = self.0.join("filler");
        // Ends with an error when the disk is full, which is what is wanted.
        let _ = Command::new("dd")
            .arg("if=/dev/zero")
            .arg(format!("of={}", file.display()))
            .arg("bs=64k")
            .output()?;
        ensure!(file.exists(), "nothing was written");
        Ok(())
    }

    fn free(&self) -> Result<()> {
        Ok(std::fs::remove_file(self.0.join("filler"))?)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).output();
    }
}

fn run(command: &mut Command) -> Result<()> {
    let ended = command.output().with_context(|| format!("{command:?}"))?;
    ensure!(ended.status.success(), "{command:?}: {}", String::from_utf8_lossy(&ended.stderr));
    Ok(())
}

pub(crate) async fn a_full_disk_is_seen_by_trial_writes(family: Family) -> Result<()> {
    if !is_root() {
        bail!("a file system can be mounted by root only");
    }
    let world = World::start(family, json!({ "WriteCanarySchema": "canary" })).await?;
    world.ok("/api/disable-global-recoveries").await?;
    let a = world.lab.server("a");
    a.execute(&format!(
        "GRANT CREATE, SELECT, INSERT, DELETE ON canary.* TO '{}'@'%'",
        lab::ORCHESTRATOR.name
    ))
    .await?;
    wait_until("a trial write reached the replicas", PATIENCE, || async {
        let row = world.lab.server("b").value("SELECT count(*) FROM canary.write_canary").await?;
        if row == "1" { Ok(()) } else { bail!("{row}") }
    })
    .await?;
    a.shutdown().await?;
    let disk = SmallDisk::under(a)?;
    a.restart().await?;
    world.wait_analysis("a", "NoProblem").await?;
    world.ok("/api/enable-global-recoveries").await?;
    let writer = write_load(&world.lab)?;
    wait_writes(&writer, 100).await?;
    let verdicts = Verdicts::follow(&world).await?;
    disk.fill()?;
    // MariaDB answers nothing about its binary log meanwhile, so not even a check ends.
    let codes = ["MasterWritesFailing", "UnreachableMaster"];
    verdicts.assert_prompt(&world, "a", &codes, Evidence::silence()).await?;
    wait_until("the failing writes are named", PATIENCE, || async {
        let told = explained(&world, "a").await?;
        let name = told["Cause"]["Name"].as_str().unwrap_or_default();
        let is_named = ["disk-full", "commits-hang", "writes-refused", "frozen"].contains(&name);
        let is_found = codes.contains(&told["Analysis"].as_str().unwrap_or(""));
        if is_named && is_found { Ok(()) } else { bail!("{told}") }
    })
    .await?;
    for _second in 0..3 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        ensure!(world.recoveries().await?.is_empty(), "a primary with a full disk was replaced by itself");
    }
    verdicts.assert_registered_only(&world, &[]).await?;
    disk.free()?;
    world.ok("/api/disable-global-recoveries").await?;
    writer.stop().await;
    a.kill9()
}

fn is_root() -> bool {
    Path::new("/proc/self").metadata().is_ok_and(|owner| std::os::unix::fs::MetadataExt::uid(&owner) == 0)
}
