//! Detections: who is announced, when that ends, and how they are listed.

use model::AnalysisCode::{DeadMaster, DeadMasterAndSomeReplicas, UnreachableMaster};
use model::{AcknowledgeScope, AnalysisCode, Command, CommandOutcome};
use ports::DetectionQuery;

use crate::cases;
use crate::support::{Bench, Ground, at, case, key, node};

const ACTIVE: &str =
    "select analysis from topology_failure_detection where in_active_period = 1 order by detection_id";

async fn detect(bench: &Bench, code: AnalysisCode, is_actionable: bool, second: i64) -> Option<i64> {
    let command =
        Command::RegisterDetection { case: case(1, code), is_actionable, node: node(), at: at(second) };
    match bench.apply(command).await {
        CommandOutcome::Inserted(id) => id,
        other => panic!("unexpected outcome {other:?}"),
    }
}

async fn an_equal_active_detection_is_not_announced_again(ground: &dyn Ground) {
    let bench = Bench::new(ground).await;
    assert_eq!(detect(&bench, UnreachableMaster, false, 0).await, Some(1));
    assert_eq!(detect(&bench, UnreachableMaster, false, 1).await, None);
    assert_eq!(detect(&bench, DeadMaster, true, 2).await, Some(2));
    assert_eq!(detect(&bench, DeadMaster, true, 3).await, None);
    assert_eq!(bench.rows(ACTIVE), ["UnreachableMaster", "DeadMaster"]);
    assert_eq!(
        bench.rows("select * from topology_failure_detection where detection_id = 2"),
        ["2|db1|3306|1|2026-01-31 10:00:02|0|node1|token1|DeadMaster|db1:3306|shop|2|db2:3306,db3:3306|1"]
    );
}

async fn another_code_is_announced_once_even_when_the_server_flaps(ground: &dyn Ground) {
    let bench = Bench::new(ground).await;
    assert!(detect(&bench, DeadMasterAndSomeReplicas, true, 0).await.is_some());
    assert!(detect(&bench, DeadMaster, true, 5).await.is_some());
    for second in 6..10 {
        assert_eq!(detect(&bench, DeadMasterAndSomeReplicas, true, second).await, None);
        assert_eq!(detect(&bench, DeadMaster, true, second).await, None);
    }
    assert_eq!(bench.rows(ACTIVE), ["DeadMaster"]);
    bench.apply(Command::ClearDetections { key: key(1), at: at(20) }).await;
    assert!(detect(&bench, DeadMasterAndSomeReplicas, true, 30).await.is_some());
    assert!(detect(&bench, DeadMaster, true, 31).await.is_some());
}

async fn several_may_end_in_the_same_second(ground: &dyn Ground) {
    let bench = Bench::new(ground).await;
    for code in [UnreachableMaster, DeadMaster, DeadMasterAndSomeReplicas] {
        assert!(detect(&bench, code, true, 0).await.is_some());
    }
    assert_eq!(detect(&bench, UnreachableMaster, true, 0).await, None);
    bench.apply(Command::ClearDetections { key: key(1), at: at(0) }).await;
    let query = "select end_active_period_unixtime - 1769853600 from topology_failure_detection order by detection_id";
    assert_eq!(bench.rows(query), ["0", "1", "2"]);
}

async fn acknowledging_by_server_or_cluster_ends_detections_too(ground: &dyn Ground) {
    let scopes = [
        (AcknowledgeScope::Instance(key(1)), true),
        (AcknowledgeScope::Cluster { name: "db1:3306".to_owned(), alias: String::new() }, true),
        (AcknowledgeScope::Cluster { name: "other".to_owned(), alias: "shop".to_owned() }, true),
        (AcknowledgeScope::Instance(key(2)), false),
        (AcknowledgeScope::All, false),
        (AcknowledgeScope::FinishedOf(key(1)), false),
    ];
    for (scope, is_cleared) in scopes {
        let bench = Bench::new(ground).await;
        detect(&bench, DeadMaster, true, 0).await;
        let (owner, comment) = ("joe".to_owned(), "seen".to_owned());
        let text = format!("{scope:?}");
        bench.apply(Command::AcknowledgeRecoveries { scope, owner, comment, at: at(1) }).await;
        assert_eq!(bench.rows(ACTIVE).is_empty(), is_cleared, "{text}");
    }
}

async fn listings_have_pages_and_name_the_recovery(ground: &dyn Ground) {
    let bench = Bench::new(ground).await;
    for number in 0..25 {
        let is_shop = number % 5 == 0;
        let mut case = case(number, DeadMaster);
        case.cluster_alias = if is_shop { "shop" } else { "other" }.to_owned();
        bench.apply(Command::RegisterDetection { case, is_actionable: true, node: node(), at: at(0) }).await;
    }
    bench
        .apply(Command::RegisterRecovery {
            uid: "1:a".to_owned(),
            case: case(3, DeadMaster),
            node: node(),
            at: at(1),
        })
        .await;
    let list = async |query: DetectionQuery| bench.store.detections(query).await.unwrap();
    let page = |cluster_alias: Option<&str>, page| DetectionQuery::Page {
        cluster_alias: cluster_alias.map(str::to_owned),
        page,
    };
    let ids: Vec<_> = list(page(None, 0)).await.iter().map(|detection| detection.id).collect();
    assert_eq!(ids, (6..=25).rev().collect::<Vec<_>>());
    assert_eq!(list(page(None, 1)).await.len(), 5);
    assert_eq!(list(page(Some("shop"), 0)).await.len(), 5);
    let [found] = <[_; 1]>::try_from(list(DetectionQuery::Id(4)).await).unwrap();
    assert_eq!((found.related_recovery_id, found.case.key.clone(), found.is_actionable), (1, key(3), true));
    assert_eq!(
        (found.start_active_period, found.node, found.case.replicas),
        (at(0), node(), vec![key(2), key(3)])
    );
    assert!(list(DetectionQuery::Id(99)).await.is_empty());
}

cases! {
    an_equal_active_detection_is_not_announced_again,
    another_code_is_announced_once_even_when_the_server_flaps,
    several_may_end_in_the_same_second,
    acknowledging_by_server_or_cluster_ends_detections_too,
    listings_have_pages_and_name_the_recovery,
}
