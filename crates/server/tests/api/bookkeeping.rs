//! Routes about what is kept beside servers: tags, maintenance, pools, aliases, names, published primaries.

use crate::world::World;

#[tokio::test]
async fn answers_are_those_clients_know() {
    let world = World::new().await;
    let key = |port: u16| format!(r#"{{"Hostname":"db","Port":{port}}}"#);
    let ok = |message: &str, details: &str| {
        format!(r#"{{"Code":"OK","Message":"{message}","Details":{details}}}"#)
    };
    for (path, wanted) in [
        ("tag/db/3308/role/reports", ok("db:3308 tagged with role=reports", &key(3308))),
        ("tag/db/3308?tag=owner%3Dteam", ok("db:3308 tagged with owner=team", &key(3308))),
        ("tags/db/3308", r#"["owner=team","role=reports"]"#.to_owned()),
        ("untag/db/3308?tag=owner", ok("owner removed from 1 instances", &format!("[{}]", key(3308)))),
        ("untag-all/role/reports", ok("role removed from 1 instances", &format!("[{}]", key(3308)))),
        ("begin-maintenance/db/3307/ops/disk", ok("Maintenance begun: db:3307", &key(3307))),
        (
            "begin-maintenance/db/3307/ops/fan",
            r#"{"Code":"ERROR","Message":"Cannot begin maintenance for instance: db:3307; maintenance reason: fan","Details":0}"#
                .to_owned(),
        ),
        ("in-maintenance/db/3307", ok("true", r#""db:3307""#)),
        ("end-maintenance/1", ok("Maintenance ended: 1", "1")),
        ("maintenance", "[]".to_owned()),
        ("end-maintenance/db/3307", ok("Maintenance ended: db:3307", &key(3307))),
        ("submit-pool-instances/web?instances=db:3307,db:3308", ok("Applied web pool instances", r#""web""#)),
        (
            "cluster-pool-instances/db:3306",
            ok(
                "Read pool instances for cluster db:3306",
                &format!(r#"{{"web":[{},{}]}}"#, key(3307), key(3308)),
            ),
        ),
        ("heuristic-cluster-pool-lag/shop", ok("Heuristic pool lag for cluster db:3306", "0")),
        ("set-cluster-alias/db:3306?alias=store", ok("Cluster db:3306 now has alias 'store'", "null")),
        ("register-hostname-unresolve/db/3307/vdb", ok("Hostname register unresolve completed", &key(3307))),
        ("deregister-hostname-unresolve/db/3307", ok("Hostname deregister unresolve completed", &key(3307))),
        ("reset-hostname-resolve-cache", ok("Hostname cache cleared", "null")),
        ("grab-election", ok("Node elected as leader", "null")),
    ] {
        assert_eq!(world.get(&format!("/api/{path}")).await.body, wanted, "{path}");
    }
    let published = world.get("/api/submit-masters-to-kv-stores/").await.json();
    assert_eq!(published["Message"], "Submitted 5 masters");
    assert_eq!(published["Details"][0]["Key"], "mysql/master/store");
    let taken = world.get("/api/snapshot-topologies").await.json();
    assert_eq!(taken["Message"], "Topology Snapshot completed");
    assert!(taken["Details"].as_str().unwrap().starts_with("Took "), "{taken}");
}

#[tokio::test]
async fn moves_are_refused_with_the_texts_clients_know() {
    let world = World::new().await;
    for (path, wanted) in [
        ("relocate/nosuch/1/db/3307", "Error reading nosuch:1"),
        ("relocate/db/3307/db/3307", "relocate: db:3307 is a descendant of db:3307"),
        ("move-up/db/3307", "master is not a replica itself: db:3306"),
        ("take-siblings/db/3306", "take-siblings: instance db:3306 is not a replica."),
        ("enable-gtid/db/3307", "db:3307 already uses GTID"),
        ("skip-query/db/3307", "Replication SQL thread is running on db:3307"),
        ("locate-gtid-errant/db/3307", "locate-errant-gtid: no errant-gtid on db:3307"),
        (
            "gtid-errant-reset-master/db/3307",
            "gtid-errant-reset-master will not operate on db:3307 because no errant GTID is found",
        ),
        ("delay-replication/db/3307/x", "Invalid value provided for seconds"),
        ("match-up/db/3307", "PseudoGTIDPattern not configured; cannot use Pseudo-GTID"),
        ("regroup-replicas/db/3307", "No replicas found for db:3307"),
        ("reload-configuration", "this process does not read its configuration again"),
    ] {
        let answer = world.get(&format!("/api/{path}")).await;
        assert_eq!((answer.status, answer.json()["Message"].as_str()), (500, Some(wanted)), "{path}");
    }
    assert_eq!(world.get("/api/maintenance").await.body, "[]", "nothing is left locked");
}
