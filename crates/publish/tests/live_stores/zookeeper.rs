//! ZooKeeper: nodes as its own client sees them, and servers that do not answer.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use lab::StoreServer;
use ports::PublishedStore;
use publish::ZooKeeper;

use crate::{PATIENCE, cluster, failure, publish};

fn host_port(address: &str) -> Result<(String, u16)> {
    let (host, port) = address.rsplit_once(':').context("no port")?;
    Ok((host.to_owned(), port.parse()?))
}

#[tokio::test]
async fn nodes_are_made_once_and_follow_the_primary() -> Result<()> {
    let Some(server) = StoreServer::zookeeper().await? else { return Ok(()) };
    let store = ZooKeeper::new(vec![host_port(&server.address())?]);
    let clusters = [cluster("shop", "db1"), cluster("books", "db7")];
    ensure!(publish(&store, &clusters).await == [Ok(5), Ok(5)], "all is new");
    ensure!(publish(&store, &clusters).await == [Ok(0), Ok(0)], "nothing changed");
    ensure!(publish(&store, &[cluster("shop", "db2")]).await == [Ok(2)], "name and host");
    ensure!(server.value("mysql/master/shop").await? == "db2:3306");
    ensure!(server.value("mysql/master/shop/hostname").await? == "db2");
    ensure!(server.value("mysql/master/books").await? == "db7:3306");
    ensure!(server.value("mysql/master").await? == "zookeepercli auto-generated", "as the original");
    let rights = server.zookeeper_client(&["getAcl", "/mysql/master/shop"]).await?;
    ensure!(rights.ends_with("cdrwa"), "{rights}");
    Ok(())
}

#[tokio::test]
async fn a_name_that_it_refuses_keeps_no_other_cluster_waiting() -> Result<()> {
    let Some(server) = StoreServer::zookeeper().await? else { return Ok(()) };
    let store = ZooKeeper::new(vec![host_port(&server.address())?]);
    let results = publish(&store, &[cluster("../x", "db1"), cluster("shop", "db1")]).await;
    ensure!(matches!(results.as_slice(), [Err(_), Ok(5)]), "{results:?}");
    ensure!(format!("{results:?}").contains("another alias"), "{results:?}");
    Ok(())
}

#[tokio::test]
async fn the_next_server_takes_over_from_one_that_is_gone() -> Result<()> {
    let Some(mut server) = StoreServer::zookeeper().await? else { return Ok(()) };
    // A port that nobody listens on: the server's own, a moment after its end.
    let Some(mut gone) = StoreServer::zookeeper().await? else { return Ok(()) };
    let servers = vec![host_port(&gone.address())?, host_port(&server.address())?];
    gone.kill9()?;
    let store = ZooKeeper::new(servers);
    ensure!(publish(&store, &[cluster("shop", "db1")]).await == [Ok(5)]);
    server.hang()?;
    let begin = Instant::now();
    let error = failure(&store, Duration::from_secs(1)).await;
    ensure!(begin.elapsed() < Duration::from_secs(3), "{:?}", begin.elapsed());
    ensure!(error.starts_with(store.name()) && error.contains("no answer"), "{error}");
    ensure!(error.contains("refused") && error.contains("ZkAddress"), "{error}");
    server.resume()?;
    ensure!(publish(&store, &[cluster("shop", "db1")]).await == [Ok(0)], "it kept what it had");
    server.kill9()?;
    ensure!(failure(&store, PATIENCE).await.contains("no server can be reached"));
    Ok(())
}
