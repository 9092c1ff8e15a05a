//! Two nodes, one backend: at most one may act, and another one can soon when it is gone.

use std::sync::Arc;
use std::time::{Duration, Instant};

use lab::{Family, wait_until};
use model::NodeIdentity;
use ports::Lease;
use store::ActiveNodeLease;

use crate::on_servers::Server;
use crate::support::Bench;

struct Node {
    lease: Arc<ActiveNodeLease>,
    renewing: tokio::task::JoinHandle<()>,
}

impl Node {
    async fn start(server: &Server, name: &str) -> Self {
        let node = NodeIdentity { hostname: name.to_owned(), token: format!("{name}-token") };
        let lease = Arc::new(ActiveNodeLease::new(Arc::new(server.store().await), node));
        #[expect(clippy::disallowed_methods, reason = "stands for the supervisor of a process")]
        let renewing = tokio::spawn(lease.clone().keep_forever());
        Self { lease, renewing }
    }

    /// As a killed process: it renews nothing any more, and knows nothing of it.
    fn kill(&self) {
        self.renewing.abort();
    }

    fn is_held(&self) -> bool {
        self.lease.is_held()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Watches two nodes until a condition holds; they never act together.
async fn watch(
    what: &str,
    limit: Duration,
    one: &Node,
    two: &Node,
    is_done: impl Fn(bool, bool) -> bool,
) -> Duration {
    let start = Instant::now();
    loop {
        let (first, second) = (one.is_held(), two.is_held());
        assert!(!(first && second), "both nodes are active: {what}");
        if is_done(first, second) {
            return start.elapsed();
        }
        assert!(start.elapsed() < limit, "{what}: not within {limit:?}, held {first} {second}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Every change of the active node is over by then; how soon it may come is asserted where it matters.
const TERM: Duration = Duration::from_secs(15);

async fn elections(family: Family) {
    let server = Server::start(family).await;
    let bench = Bench::new(&server).await;
    let one = Node::start(&server, "one").await;
    wait_until("the first node of a new backend is active at once", Duration::from_secs(2), || async {
        anyhow_ensure(one.is_held())
    })
    .await
    .unwrap();
    let two = Node::start(&server, "two").await;

    // Renewing within the same second changes no row and is a renewal all the same.
    for _ in 0..10 {
        one.lease.attempt().await.unwrap();
        assert!(one.is_held() && !two.is_held());
    }
    assert_eq!(bench.rows("select hostname, token from active_node"), ["one|one-token"]);

    one.kill();
    let took = watch("the second takes over from a killed one", TERM, &one, &two, |_, second| second).await;
    assert!(took > Duration::from_secs(3), "before the first one's time was over: {took:?}");

    // A forced election: the former holder is told, or its time is over, before the new one acts.
    let one = Node::start(&server, "one").await;
    one.lease.grab().await.unwrap();
    watch("a grabbed election", TERM, &one, &two, |first, _| first).await;

    // A release: nobody has to wait.
    one.kill();
    one.lease.release().await;
    assert!(!one.is_held());
    let took = watch("a released election", TERM, &one, &two, |_, second| second).await;
    assert!(took < Duration::from_secs(3), "{took:?}");

    // A re-election ends every term; who asks first waits for the end of the former one.
    two.lease.reelect().await.unwrap();
    watch("a re-election", TERM, &one, &two, |_, second| second).await;

    // A backend that hangs: the active node stops by its own clock.
    server.lab.server("a").hang().unwrap();
    let took = watch("the backend hangs", TERM, &one, &two, |_, second| !second).await;
    assert!(took < Duration::from_secs(5), "{took:?}");
    server.lab.server("a").resume().unwrap();
    watch("the backend is back", TERM, &one, &two, |_, second| second).await;

    // A backend that is gone.
    server.lab.server("a").kill9().unwrap();
    watch("the backend is gone", TERM, &one, &two, |_, second| !second).await;
    server.lab.server("a").restart().await.unwrap();
    watch("the backend was restarted", TERM, &one, &two, |_, second| second).await;
}

fn anyhow_ensure(is_true: bool) -> Result<(), anyhow::Error> {
    if is_true { Ok(()) } else { Err(anyhow::anyhow!("not yet")) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mysql_elects_one_active_node() {
    elections(Family::MySql).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mariadb_elects_one_active_node() {
    elections(Family::MariaDb).await;
}
