//! Who acknowledges, in which order, and what the plans are.

use super::*;
use crate::plan_checker::{CheckContext, check_plan};
use crate::scenario::{Scenario, key};

fn case(text: &str, mode: Mode) -> SemiSyncCase {
    let scenario = Scenario::parse(text);
    let primary = scenario.fleet.get(&key("p1")).unwrap().clone();
    let replicas: Vec<_> = scenario.fleet.replicas_of(&key("p1")).cloned().collect();
    let rules = replicas.iter().map(|r| (r.key.clone(), scenario.fleet.promotion_rule(&r.key))).collect();
    SemiSyncCase { primary, replicas, rules, mode, joining: None, given_up: BTreeSet::new() }
}

fn chosen(case: &SemiSyncCase) -> String {
    let words = switches(case).into_iter();
    let words = words.map(|s| format!("{}{}", if s.on { '+' } else { '-' }, s.replica.hostname()));
    words.collect::<Vec<_>>().join(" ")
}

fn exact(text: &str) -> String {
    chosen(&case(text, Mode::Exact))
}

fn enough(text: &str) -> String {
    chosen(&case(text, Mode::Enough))
}

#[test]
fn the_order_is_priority_then_promotion_rule_then_name() {
    let three = "p1 semi=1/0 \n c <- p1 priority=2 \n b <- p1 priority=3 \n a <- p1 priority=1";
    assert_eq!(exact(three), "+b");
    let rules = "p1 semi=1/0 \n a <- p1 priority=1 rule=must_not \n b <- p1 priority=1 rule=prefer_not \n c <- p1 priority=1";
    assert_eq!(exact(rules), "+c");
    assert_eq!(exact("p1 semi=1/0 \n b <- p1 priority=1 \n a <- p1 priority=1"), "+a");
    assert_eq!(exact("p1 semi=1/0 \n a <- p1 priority=1 rule=must_not"), "+a", "no rule excludes");
    assert_eq!(exact("p1 semi=1/0 \n a:4000 <- p1 priority=1 \n a:3999 <- p1 priority=1"), "+a");
}

#[test]
fn exact_disables_the_surplus_and_whoever_has_no_priority() {
    let text = "p1 semi=1/3 \n a <- p1 priority=1 semi_replica \n b <- p1 priority=9 semi_replica \n c <- p1 semi_replica";
    assert_eq!(exact(text), "-a -c");
    assert_eq!(enough(text), "", "enough never disables");
    assert_eq!(
        exact("p1 semi=2/0 \n a <- p1 priority=1 \n b <- p1 priority=1 semi_replica \n c <- p1 priority=1"),
        "+a"
    );
    assert_eq!(exact("p1 semi=5/0 \n a <- p1 priority=1 semi_replica"), "", "all there are, and that is all");
}

#[test]
fn enough_adds_what_is_missing_and_nothing_when_nothing_is() {
    let text = |clients| {
        format!("p1 semi=2/{clients} \n a <- p1 priority=1 \n b <- p1 priority=2 \n c <- p1 priority=3")
    };
    assert_eq!(enough(&text(0)), "+c +b");
    assert_eq!(enough(&text(1)), "+c");
    assert_eq!(enough(&text(2)), "");
    assert_eq!(enough(&text(3)), "", "the original would have enabled all of them");
}

#[test]
fn a_mariadb_primary_waits_for_one() {
    let text = "p1 family=mariadb semi=0/0 \n a <- p1 priority=1 \n b <- p1 priority=2";
    assert_eq!((exact(text), enough(text)), ("+b".to_owned(), "+b".to_owned()));
    assert_eq!(enough("p1 family=mariadb semi=0/1 \n a <- p1 priority=1"), "");
}

#[test]
fn only_live_replicas_count_unless_one_is_about_to_replicate() {
    let text =
        "p1 semi=1/0 \n a <- p1 priority=9 down=5s \n b <- p1 priority=8 sql=stopped \n c <- p1 priority=1";
    assert_eq!(exact(text), "+c");
    let mut case = case(text, Mode::Exact);
    case.joining = Some(key("b"));
    assert_eq!(chosen(&case), "+b");
    case.given_up.insert(key("b"));
    assert_eq!(chosen(&case), "+c");
}

#[test]
fn enabling_is_one_plan_and_disabling_another() {
    let text = "p1 semi=1/1 \n a <- p1 priority=9 \n b <- p1 priority=1 semi_replica semi=1/0";
    let case = case(text, Mode::Exact);
    let switches = switches(&case);
    let (enable, disable) = (enable_plan(&case, &switches), disable_plan(&switches));
    assert_eq!(
        enable.to_string(),
        "acknowledge:\n  1. b:3306: switch semi-sync primary side off (it is a replica)\n  \
         2. a:3306: switch semi-sync replica side on (the primary waits for it)\n"
    );
    assert_eq!(enable.steps[1].after, [StepId(1)]);
    assert_eq!(
        disable.to_string(),
        "acknowledge no more:\n  1. b:3306: switch semi-sync replica side off (the primary waits for others)\n"
    );
    let mut context = CheckContext::new(case.replicas.iter().cloned());
    assert_eq!(check_plan(&enable, &mut context), []);
    assert_eq!(check_plan(&disable, &mut context), []);
    assert!(enable.steps.iter().chain(&disable.steps).all(|step| step.on_failure != OnFailure::Abort));
}

#[test]
fn a_replica_connects_by_position_and_then_by_gtid_again() {
    let scenario = Scenario::parse("p1 semi=1/1 \n r1 <- p1 \n f <- p1 gtid=off");
    let replica = scenario.instance("r1");
    let settle = settle_plan(replica, Duration::from_secs(1));
    let (connect, back) = reconnect_plans(replica).unwrap();
    assert_eq!(back, SourcePosition::OracleAutoPosition);
    let again = connect_plan(replica, back);
    let mut context = CheckContext::new([std::sync::Arc::new(replica.clone())]);
    for plan in [&settle, &connect, &settle, &again] {
        assert_eq!(check_plan(plan, &mut context), [], "{plan}");
    }
    let words: Vec<String> =
        settle.steps.iter().chain(&connect.steps).map(|s| s.action.to_string()).collect();
    assert_eq!(
        words,
        [
            "stop receiving",
            "wait until the relay log is applied",
            "stop replication",
            "replicate from p1:3306",
            "start replication"
        ]
    );
    assert!(reconnect_plans(scenario.instance("f")).is_none(), "it finds its place by position anyway");
    let mut behind = replica.clone();
    behind.replication.exec = model::BinlogCoordinates::binary("binlog.000001", 4);
    assert!(reconnect_plans(&behind).is_none(), "what is not applied would be lost");
}

#[test]
fn a_replica_is_prepared_before_it_starts() {
    use PromotionRule::{MustNot, Neutral};
    let text = "p1 semi=1/0 \n a <- p1 priority=1 \n b <- p1 priority=2 \n c <- p1 semi_replica";
    let case = case(text, Mode::Exact);
    let words = |name: &str, settled: fn(&SemiSyncCase) -> Settled<'_>| {
        let mut joining = case.clone();
        let mut replica = case.replicas.iter().find(|r| r.key == key(name)).unwrap().as_ref().clone();
        replica.semi_sync.available = true;
        joining.joining = Some(replica.key.clone());
        let actions = before_start(&replica, settled(&joining));
        replica.semi_sync.available = false;
        assert_eq!(before_start(&replica, settled(&joining)), [], "without the plugin");
        actions
    };
    let (source_off, on, off) = (
        Action::SetSemiSyncPrimary(false),
        Action::SetSemiSyncReplica(true),
        Action::SetSemiSyncReplica(false),
    );
    assert_eq!(words("a", |_| Settled::ByRule(Neutral)), [source_off.clone(), on.clone()]);
    assert_eq!(words("a", |_| Settled::ByRule(MustNot)), [source_off.clone(), off.clone()]);
    assert_eq!(words("c", |_| Settled::ByRule(Neutral)), [], "without priority nothing is wanted of it");
    let only_source = vec![source_off.clone()];
    assert_eq!(words("a", |case| Settled::ByChoice(Some(case))), only_source, "another one is chosen");
    assert_eq!(words("b", |case| Settled::ByChoice(Some(case))), [source_off, on]);
    assert_eq!(words("c", |case| Settled::ByChoice(Some(case))), [off]);
    assert_eq!(words("b", |_| Settled::ByChoice(None)), only_source, "the primary does not answer");
}
