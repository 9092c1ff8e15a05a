//! Tests of MariaDB positions.

use super::*;
use proptest::prelude::*;

fn at(text: &str) -> MariaDbPosition {
    text.parse().unwrap()
}

#[test]
fn positions_are_read_and_shown() {
    for (written, shown) in [
        ("", ""),
        ("0-1-100,1-2-5", "0-1-100,1-2-5"),
        (" 1-2-5 ,\n0-1-100", "0-1-100,1-2-5"),
        ("4294967295-4294967295-18446744073709551615", "4294967295-4294967295-18446744073709551615"),
    ] {
        assert_eq!(at(written).to_string(), shown, "{written:?}");
    }
    for text in ["0", "0-1", "0-1-", "-1-2", "0-1-2-3", "0-1-x", "4294967296-1-1", "0-+1-1", "0-1- 1"] {
        assert_eq!(MariaDbPosition::parse(text), Err(MariaDbError::Unreadable(text.to_owned())), "{text}");
    }
    assert_eq!(MariaDbPosition::parse("0-1-1,0-2-2"), Err(MariaDbError::DuplicateDomain(0)));
    assert_eq!(at("0-1-100,1-2-5").in_domain(1), Some(MariaDbGtid { domain: 1, server: 2, sequence: 5 }));
}

#[test]
fn order_is_decided_domain_by_domain() {
    use PositionOrder::{Ahead, Diverged, Equal};
    let table = [
        ("0-1-100", "0-1-100", Equal),
        ("0-1-101", "0-1-100", Ahead),
        ("0-2-101", "0-1-100", Ahead),
        ("0-2-100", "0-1-100", Diverged),
        ("0-1-100,1-1-1", "0-1-100", Ahead),
        ("0-1-100,1-1-1", "0-1-101", Diverged),
        ("0-1-5,1-1-5", "0-1-4,1-1-6", Diverged),
        ("0-1-1", "", Ahead),
        ("0-1-0", "", Ahead),
        ("", "", Equal),
    ];
    for (a, b, order) in table {
        assert_eq!(at(a).compare(&at(b)).as_position_order(), order, "{a} and {b}");
        assert_eq!(at(b).compare(&at(a)).as_position_order(), order.reverse(), "{b} and {a}");
    }
}

#[test]
fn differences_name_the_domains() {
    let order = at("0-1-5,1-1-5,2-1-1").compare(&at("0-1-4,1-2-5,2-1-1"));
    let told: Vec<_> = order.differences().iter().map(ToString::to_string).collect();
    assert_eq!(told, ["domain 0: 0-1-5 against 0-1-4", "domain 1: 1-1-5 against 1-2-5"]);
    let told = at("7-1-5").compare(&at("")).differences()[0].to_string();
    assert_eq!(told, "domain 7: 7-1-5 against nothing");
}

#[test]
fn binlog_state_tells_which_replicas_it_can_serve() {
    let state: MariaDbBinlogState = "0-2-90,0-1-100,1-3-7".parse().unwrap();
    assert_eq!(state.to_string(), "0-2-90,0-1-100,1-3-7");
    assert_eq!(state.position(), at("0-1-100,1-3-7"));
    assert!(state.covers(&at("0-2-90,1-3-7")) && state.covers(&at("")));
    let gaps = state.gaps(&at("0-2-95,1-4-6,2-1-1"));
    assert!(matches!(
        gaps.as_slice(),
        [MariaDbGap::Missing { known: 90, .. }, MariaDbGap::UnknownServer(_), MariaDbGap::UnknownDomain(_)]
    ));
    assert_eq!(gaps.iter().map(MariaDbGap::is_refused).collect::<Vec<_>>(), [true, true, false]);
    assert_eq!(gaps[0].wanted().to_string(), "0-2-95");
}

#[test]
fn recorded_transactions_become_the_most_recent() {
    let mut state: MariaDbBinlogState = "0-2-90,0-1-100".parse().unwrap();
    state.record(MariaDbGtid { domain: 0, server: 2, sequence: 101 });
    assert_eq!(state.to_string(), "0-1-100,0-2-101");
    let mut position = at("0-1-100");
    position.advance_to(MariaDbGtid { domain: 0, server: 2, sequence: 99 });
    position.advance_to(MariaDbGtid { domain: 3, server: 2, sequence: 1 });
    assert_eq!(position, at("0-1-100,3-2-1"));
}

fn some_position() -> impl Strategy<Value = MariaDbPosition> {
    proptest::collection::btree_map(0_u32..3, (1_u32..3, 0_u64..4), 0..4).prop_map(|domains| {
        let mut position = MariaDbPosition::default();
        for (domain, (server, sequence)) in domains {
            position.advance_to(MariaDbGtid { domain, server, sequence });
        }
        position
    })
}

proptest! {
    #[test]
    fn order_is_consistent(a in some_position(), b in some_position(), c in some_position()) {
        let order = a.compare(&b).as_position_order();
        prop_assert_eq!(b.compare(&a).as_position_order(), order.reverse());
        prop_assert_eq!(order == PositionOrder::Equal, a == b);
        prop_assert!(!(a.is_at_or_after(&b) && b.is_at_or_after(&c)) || a.is_at_or_after(&c));
        prop_assert_eq!(MariaDbPosition::parse(&a.to_string()), Ok(a));
    }

    #[test]
    fn no_text_makes_it_panic(text in "(.*|[0-9, -]{0,30})") {
        let _ = (MariaDbPosition::parse(&text), text.parse::<MariaDbGtid>());
        if let Ok(state) = MariaDbBinlogState::parse(&text) {
            prop_assert!(state.covers(&state.position()));
            prop_assert_eq!(MariaDbBinlogState::parse(&state.to_string()), Ok(state));
        }
    }
}
