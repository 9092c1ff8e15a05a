//! What a read tells, what it costs, and what it says when it cannot read.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use lab::{APP, Family, Lab, User, wait_until};
use model::{ReadProgress, ThreadState};
use mysql::{MySqlOptions, MySqlServers, Queries};
use ports::{ErrorClass, ProbeRequest, Servers};

use crate::relay::CountingRelay;
use crate::world::{SOON, World, account, in_time, key, options, probe_with};

/// Facts of a primary and its replica, compared with what the servers themselves say.
pub(crate) async fn a_read_tells_what_the_servers_tell(family: Family) -> Result<()> {
    let builder = Lab::builder().family(family).shape("a(b)").semi_sync(true);
    let world = World::of(builder.heartbeat_period(Duration::from_secs(1))).await?;
    let (a, b) = (world.lab.server("a"), world.lab.server("b"));
    world.until("a", "has its semi-sync replica", |a| a.semi_sync.primary_clients == 1).await?;

    let primary = world.observe("a").await?;
    assert_eq!(primary.incomplete, Vec::<String>::new());
    assert_eq!(primary.own_name, "127.0.0.1");
    let primary = primary.instance;
    assert_eq!(primary.server_id, a.server_id());
    assert_eq!(primary.version.text, a.value("SELECT @@version").await?);
    assert_eq!(primary.version_comment, a.value("SELECT @@version_comment").await?);
    assert!(!primary.read_only && primary.log_bin && primary.log_replica_updates);
    assert!(primary.is_primary() && primary.primary_key.is_none());
    assert_eq!(primary.binlog_format, "ROW");
    assert_eq!(primary.replication.io_thread, ThreadState::Absent);
    assert_eq!(primary.replicas, [key(b)]);
    assert!(primary.self_coordinates.file.starts_with("binlog."), "{:?}", primary.self_coordinates);
    let semi_sync = &primary.semi_sync;
    assert!(semi_sync.available && semi_sync.primary_enabled && semi_sync.primary_active);
    assert!(!semi_sync.replica_enabled);
    assert_eq!((semi_sync.primary_timeout_ms, semi_sync.wait_sessions), (3_600_000, Some(0)));

    let replica = world.until("b", "has had a heartbeat", |b| {
        b.replication.heartbeat.is_some_and(|heartbeat| heartbeat.received > 0)
    });
    let replica = replica.await?;
    let status = b.replica_status().await?.context("b is a replica")?;
    let column =
        |new: &str, old: &str| status.get(new).or_else(|| status.get(old)).cloned().unwrap_or_default();
    assert_eq!(replica.primary_key, key(a));
    assert!(replica.is_replicating() && replica.read_only && replica.uses_gtid());
    assert_eq!(replica.replication.read.file, column("Source_Log_File", "Master_Log_File"));
    assert_eq!(
        replica.replication.read.pos.to_string(),
        column("Read_Source_Log_Pos", "Read_Master_Log_Pos")
    );
    assert!(replica.is_applier_up_to_date() && replica.replication.has_credentials);
    assert_eq!((replica.replication.seconds_behind, replica.lag_seconds), (Some(0), Some(0)));
    assert!(replica.semi_sync.replica_enabled && replica.semi_sync.replica_active);
    let heartbeat = replica.replication.heartbeat.context("the replica tells heartbeats")?;
    assert_eq!(heartbeat.period, Duration::from_secs(1));
    assert!(heartbeat.age.is_some_and(|age| age < Duration::from_secs(10)), "{heartbeat:?}");
    match family {
        Family::MySql => {
            assert_eq!(primary.server_uuid, a.value("SELECT @@server_uuid").await?);
            assert_eq!(replica.replication.primary_uuid, primary.server_uuid);
            assert_eq!(replica.executed_gtid, b.value("SELECT @@gtid_executed").await?);
            assert!(
                !replica.replication.retrieved_gtid.is_empty() && replica.mariadb_gtid_position.is_empty()
            );
            assert_eq!((primary.gtid_mode.as_str(), primary.binlog_row_image.as_str()), ("ON", "FULL"));
            assert_eq!((primary.super_read_only, replica.super_read_only), (Some(false), Some(true)));
            assert!(replica.credentials_available && semi_sync.primary_new_names);
            assert_eq!(semi_sync.wait_for_replica_count, 1);
        }
        Family::MariaDb => {
            assert_eq!(replica.mariadb_gtid_position, b.value("SELECT @@gtid_current_pos").await?);
            assert_eq!(primary.mariadb_gtid_position, replica.mariadb_gtid_position);
            assert_eq!(replica.replication.primary_uuid, "No");
            assert!(replica.executed_gtid.is_empty() && replica.server_uuid.is_empty());
            assert_eq!(replica.super_read_only, None);
            assert!(!replica.credentials_available && !semi_sync.primary_new_names);
        }
    }
    Ok(())
}

/// The first read greets and asks; from then on a read is one request.
pub(crate) async fn a_repeated_read_takes_one_round_trip(family: Family) -> Result<()> {
    let world = World::start(family, "a(b)").await?;
    for name in ["a", "b"] {
        let relay = CountingRelay::to(world.lab.server(name).port()).await?;
        let servers = MySqlServers::new(options())?;
        probe_with(&servers, &relay.key()).await?;
        // A follow-up of the first read may have found out what the second asks at once.
        probe_with(&servers, &relay.key()).await?;
        let before = relay.requests();
        let begin = Instant::now();
        const READS: u32 = 20;
        for _ in 0..READS {
            probe_with(&servers, &relay.key()).await?;
        }
        let took = begin.elapsed() / READS;
        assert_eq!(relay.requests() - before, READS, "requests of {name}, {took:?} each");
        assert!(took < Duration::from_millis(100), "a read of {name} took {took:?}");
    }
    Ok(())
}

/// Queries of one statement share the request; one of several statements travels alone; a failing one is noted.
pub(crate) async fn the_operators_queries_are_answered(family: Family) -> Result<()> {
    let world = World::start(family, "a").await?;
    let queries = Queries {
        cluster_alias: "select cluster_name from meta.cluster -- the name\n;".to_owned(),
        cluster_domain: "select cluster_domain from meta.cluster".to_owned(),
        data_center: "select nothing from nowhere".to_owned(),
        region: "select 'a;b'".to_owned(),
        physical_environment: "select 'prod'".to_owned(),
        instance_alias: "select concat('db', @@server_id)".to_owned(),
        promotion_rule: "select 'prefer'".to_owned(),
        semi_sync_enforced: "select 2".to_owned(),
        pseudo_gtid: "select 1".to_owned(),
        replication_lag: "select 1.9".to_owned(),
        ..Queries::default()
    };
    let servers = MySqlServers::new(MySqlOptions { queries, ..options() })?;
    let request =
        ProbeRequest { ask_cluster_alias: true, ask_cluster_domain: true, ..ProbeRequest::default() };
    for _ in 0..2 {
        let seen = servers.probe(&world.key("a"), &request, in_time()).await?;
        assert_eq!(seen.detected.cluster_alias.as_deref(), Some("a"));
        assert_eq!(seen.detected.cluster_domain.as_deref(), Some("a.lab.test"));
        assert_eq!((seen.detected.data_center, seen.detected.region.as_deref()), (None, Some("a;b")));
        assert_eq!(seen.detected.physical_environment.as_deref(), Some("prod"));
        let alias = format!("db{}", world.lab.server("a").server_id());
        assert_eq!(seen.detected.instance_alias, Some(alias));
        assert_eq!(seen.detected.promotion_rule, Some(model::PromotionRule::Prefer));
        assert_eq!((seen.detected.semi_sync_priority, seen.detected.pseudo_gtid), (Some(2), Some(true)));
        assert_eq!((seen.detected.lag_seconds, seen.instance.lag_seconds), (Some(Some(1)), Some(1)));
        assert!(
            matches!(&seen.incomplete[..], [note] if note.starts_with("DetectDataCenterQuery: ")),
            "{:?}",
            seen.incomplete
        );
    }
    Ok(())
}

const WEAK: User = User { name: "weak", password: "weak_password" };

async fn create_weak(world: &World, grants: &[&str]) -> Result<()> {
    // On the primary: the account replicates to the replica.
    let a = world.lab.server("a");
    a.execute(&format!("CREATE USER '{}'@'%' IDENTIFIED BY '{}'", WEAK.name, WEAK.password)).await?;
    for grant in grants {
        a.execute(&format!("GRANT {grant} ON *.* TO '{}'@'%'", WEAK.name)).await?;
    }
    world.insert("a", 1).await?;
    world.arrives("b", 1).await
}

/// What the account may not read is named; everything else is there.
pub(crate) async fn missing_privileges_leave_a_read_incomplete(family: Family) -> Result<()> {
    let world = World::start(family, "a(b)").await?;
    let grants: &[&str] = match family {
        Family::MySql => &["PROCESS, REPLICATION CLIENT"],
        Family::MariaDb => &["PROCESS, SLAVE MONITOR"],
    };
    create_weak(&world, grants).await?;
    let servers = MySqlServers::new(account(WEAK))?;
    let missing: &[&str] = match family {
        Family::MySql => &["list of replicas: ", "receiver heartbeats: ", "replication credentials: "],
        Family::MariaDb => &["binary log status: ", "list of replicas: "],
    };
    for round in 0..2 {
        let seen = probe_with(&servers, &world.key("b")).await?;
        assert_eq!(seen.instance.primary_key, world.key("a"));
        assert!(seen.instance.is_replicating());
        for name in missing {
            let is_noted = seen.incomplete.iter().any(|note| note.starts_with(name));
            assert!(is_noted, "round {round}: {name} is not in {:?}", seen.incomplete);
        }
        assert_eq!(seen.incomplete.len(), missing.len(), "{:?}", seen.incomplete);
    }
    // The primary's replicas are found by its process list instead.
    let seen = probe_with(&servers, &world.key("a")).await?;
    assert!(seen.instance.is_primary());
    Ok(())
}

/// Without the right to see replication the read fails, after the basic variables.
pub(crate) async fn unreadable_replication_never_looks_like_a_primary(family: Family) -> Result<()> {
    let world = World::start(family, "a(b)").await?;
    create_weak(&world, &["PROCESS"]).await?;
    let servers = MySqlServers::new(account(WEAK))?;
    let refused = probe_with(&servers, &world.key("b")).await.expect_err("replication is hidden");
    assert_eq!(refused.class, ErrorClass::AccessDenied, "{refused}");
    assert_eq!((refused.number, refused.progress), (Some(1227), ReadProgress::BasicVariables));
    Ok(())
}

/// Each kind of failure has its class.
pub(crate) async fn refusals_are_told_apart(family: Family) -> Result<()> {
    let world = World::start(family, "a").await?;
    let a = world.lab.server("a");
    let wrong = MySqlServers::new(account(User { password: "wrong", ..APP }))?;
    let refused = probe_with(&wrong, &key(a)).await.expect_err("the password is wrong");
    assert_eq!((refused.class, refused.number), (ErrorClass::AccessDenied, Some(1045)), "{refused}");
    assert_eq!(refused.progress, ReadProgress::Nothing);

    let detached = key(a).detached();
    let refused = probe_with(&world.servers, &detached).await.expect_err("no such host can be");
    assert_eq!(refused.class, ErrorClass::Rejected);

    a.execute(&format!("ALTER USER '{}'@'%' WITH MAX_USER_CONNECTIONS 1", APP.name)).await?;
    let mut held = Vec::new();
    let over = loop {
        let one = MySqlServers::new(account(APP))?;
        match probe_with(&one, &key(a)).await {
            Err(failed) if failed.class == ErrorClass::TooManyConnections => break failed,
            // The application may not read replication, but its connection is kept.
            Err(failed) => assert_eq!(failed.class, ErrorClass::AccessDenied, "{failed}"),
            Ok(_) => {}
        }
        held.push(one);
        assert!(held.len() < 5, "no limit was met");
    };
    assert!(matches!(over.number, Some(1203 | 1226)), "{over}");

    a.kill9()?;
    // While the process ends, connections may still be taken and cut.
    wait_until("nobody listens", SOON, || async {
        let refused = probe_with(&world.servers, &key(a)).await.expect_err("it is dead");
        ensure!(refused.class == ErrorClass::Refused, "{refused}");
        Ok::<_, anyhow::Error>(())
    })
    .await
}
