//! Consul: both ways of writing, tokens, several data centers, and servers that do not answer.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use lab::{ConsulSetup, StoreServer, wait_until};
use model::Secret;
use ports::PublishedStore;
use publish::{Consul, ConsulOptions};

use crate::{PATIENCE, cluster, failure, publish};

fn options(address: String) -> ConsulOptions {
    ConsulOptions {
        address,
        tls: false,
        skip_verify: false,
        ca_file: None,
        token: Secret::default(),
        transactional: false,
    }
}

/// One key after the other, or the keys of a cluster together: others see the same.
#[tokio::test]
async fn values_are_written_once_and_follow_the_primary() -> Result<()> {
    let Some(server) = StoreServer::consul(ConsulSetup::default()).await? else { return Ok(()) };
    for (transactional, alias) in [(false, "plain"), (true, "together")] {
        let consul = Consul::new(ConsulOptions { transactional, ..options(server.address()) }, 5);
        let clusters = [cluster(alias, "db1"), cluster(&format!("{alias}2"), "db7")];
        ensure!(publish(&consul, &clusters).await == [Ok(5), Ok(5)], "all is new to {alias}");
        ensure!(publish(&consul, &clusters).await == [Ok(0), Ok(0)], "nothing changed");
        ensure!(publish(&consul, &[cluster(alias, "db2")]).await == [Ok(2)], "name and host");
        let key = format!("mysql/master/{alias}");
        ensure!(server.value(&key).await? == "db2:3306");
        ensure!(server.value(&format!("{key}/port")).await? == "3306");
        ensure!(server.value(&format!("{key}/ipv6")).await?.is_empty());
        ensure!(server.value(&format!("{key}2")).await? == "db7:3306");
    }
    Ok(())
}

/// With transactions no reader ever sees the host of one primary and the name of another.
#[tokio::test]
async fn the_keys_of_a_cluster_change_together() -> Result<()> {
    let Some(server) = StoreServer::consul(ConsulSetup::default()).await? else { return Ok(()) };
    let consul = Consul::new(ConsulOptions { transactional: true, ..options(server.address()) }, 64);
    publish(&consul, &[cluster("shop", "db1")]).await;
    publish(&consul, &[cluster("shop", "db2")]).await;
    let answer = server.ask("/v1/kv/mysql/master/shop?recurse").await?.json()?;
    let changed = |key: &str| {
        let entries = answer.as_array().into_iter().flatten();
        entries.into_iter().find(|entry| entry["Key"] == key).map(|entry| entry["ModifyIndex"].clone())
    };
    let (name, host) = (changed("mysql/master/shop"), changed("mysql/master/shop/hostname"));
    ensure!(name.is_some() && name == host, "{answer}");
    Ok(())
}

/// A prefix of `/` makes keys that Consul would refuse.
#[tokio::test]
async fn a_leading_slash_is_left_out() -> Result<()> {
    let Some(server) = StoreServer::consul(ConsulSetup::default()).await? else { return Ok(()) };
    let consul = Consul::new(options(server.address()), 5);
    let mut bare = cluster("shop", "db1");
    bare.pairs = vec![("/shop".to_owned(), "db1:3306".to_owned())];
    ensure!(publish(&consul, &[bare]).await == [Ok(1)]);
    ensure!(server.value("shop").await? == "db1:3306");
    Ok(())
}

#[tokio::test]
async fn a_token_is_needed_and_never_shown() -> Result<()> {
    let token = "b1gs33cr-0000-4000-8000-000000000001";
    let setup = ConsulSetup { token: Some(token.to_owned()), ..ConsulSetup::default() };
    let Some(server) = StoreServer::consul(setup).await? else { return Ok(()) };
    for transactional in [false, true] {
        let with = |token: &str| {
            let options = options(server.address());
            Consul::new(ConsulOptions { transactional, token: Secret::new(token), ..options }, 5)
        };
        let error = failure(&with("b1gs33cr-ffff-4fff-8fff-ffffffffffff"), PATIENCE).await;
        ensure!(error.contains("ConsulAclToken") && !error.contains("b1gs33cr"), "{error}");
        let right = with(token);
        // Rules are known a moment after the server is.
        wait_until("the right token is accepted", PATIENCE, || async {
            let results = publish(&right, &[cluster(if transactional { "t" } else { "p" }, "db1")]).await;
            ensure!(results == [Ok(5)], "{results:?}");
            Ok(())
        })
        .await?;
    }
    Ok(())
}

/// Certificates that the tests of the listener use as well.
fn certificate(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../server/tests/api/certificates").join(name)
}

#[tokio::test]
async fn a_certificate_is_verified_unless_told_otherwise() -> Result<()> {
    let files = (certificate("server.pem"), certificate("server-key.pem"));
    let setup = ConsulSetup { certificate: Some(files), ..ConsulSetup::default() };
    let Some(server) = StoreServer::consul(setup).await? else { return Ok(()) };
    let tls = || ConsulOptions { tls: true, ..options(server.tls_address()) };
    let error = failure(&Consul::new(tls(), 5), PATIENCE).await;
    ensure!(error.contains("certificate") && error.contains("ConsulSSLCAFile"), "{error}");
    let ca_file = Some(certificate("ca.pem"));
    let trusting = Consul::new(ConsulOptions { ca_file, ..tls() }, 5);
    ensure!(publish(&trusting, &[cluster("shop", "db1")]).await == [Ok(5)]);
    let careless = Consul::new(ConsulOptions { skip_verify: true, ..tls() }, 5);
    ensure!(publish(&careless, &[cluster("shop", "db1")]).await == [Ok(0)], "all is there");
    Ok(())
}

#[tokio::test]
async fn all_data_centers_are_written_to() -> Result<()> {
    let Some(near) = StoreServer::consul(ConsulSetup::default()).await? else { return Ok(()) };
    let setup = ConsulSetup { data_center: "dc2".to_owned(), ..ConsulSetup::default() };
    let Some(mut far) = StoreServer::consul(setup).await? else { return Ok(()) };
    let joined = near.request("PUT", &format!("/v1/agent/join/{}?wan=1", far.gossip_address()), None).await?;
    ensure!(joined.status == 200, "{joined:?}");
    for transactional in [false, true] {
        let alias = if transactional { "together" } else { "plain" };
        let consul = Consul::new(ConsulOptions { transactional, ..options(near.address()) }, 5);
        let centers = consul.data_centers(true);
        wait_until("both data centers have the values", PATIENCE, || async {
            let results = publish(&centers, &[cluster(alias, "db1")]).await;
            ensure!(results.iter().all(Result::is_ok), "{results:?}");
            for server in [&near, &far] {
                let found = server.value(&format!("mysql/master/{alias}")).await?;
                ensure!(found == "db1:3306", "{found}");
            }
            Ok(())
        })
        .await?;
        ensure!(publish(&centers, &[cluster(alias, "db1")]).await == [Ok(0)], "nothing changed");
    }
    far.kill9()?;
    let centers = Consul::new(options(near.address()), 5).data_centers(true);
    let error = failure(&centers, Duration::from_secs(3)).await;
    ensure!(error.contains("data center dc2") && !error.contains("data center dc1"), "{error}");
    ensure!(near.value("mysql/master/shop").await? == "db1:3306", "the others have it all the same");
    Ok(())
}

#[tokio::test]
async fn who_does_not_answer_is_given_up_in_time() -> Result<()> {
    let Some(mut server) = StoreServer::consul(ConsulSetup::default()).await? else { return Ok(()) };
    let consul = Consul::new(options(server.address()), 5);
    server.hang()?;
    let begin = Instant::now();
    let error = failure(&consul, Duration::from_secs(1)).await;
    ensure!(begin.elapsed() < Duration::from_secs(3), "{:?}", begin.elapsed());
    ensure!(error.starts_with(consul.name()) && error.contains("does not answer in time"), "{error}");
    server.resume()?;
    // A key or two may have been written before it stood still.
    ensure!(publish(&consul, &[cluster("shop", "db1")]).await.iter().all(Result::is_ok));
    ensure!(server.value("mysql/master/shop").await? == "db1:3306");
    server.kill9()?;
    let error = failure(&consul, PATIENCE).await;
    ensure!(error.contains("error sending request") && error.contains("ConsulAddress"), "{error}");
    Ok(())
}
