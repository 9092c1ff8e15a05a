//! Tests of GTID sets: the texts that servers print and take, and the algebra against plain hash sets.

use super::*;
use proptest::prelude::*;
use std::collections::HashSet;

const A: &str = "3e11fa47-71ca-11e1-9e33-c80aa9429562";
const B: &str = "4e11fa47-71ca-11e1-9e33-c80aa9429563";

fn set(text: &str) -> GtidSet {
    text.replace("A:", &format!("{A}:")).replace("B:", &format!("{B}:")).parse().unwrap()
}

fn shown(set: &GtidSet) -> String {
    set.to_string().replace(A, "A").replace(B, "B")
}

#[test]
fn any_spelling_gives_the_normal_form() {
    let table = [
        ("", ""),
        (" , ,\n", ""),
        ("A:1", "A:1"),
        ("A:1-5", "A:1-5"),
        ("A:1-3:11:47-49", "A:1-3:11:47-49"),
        ("A:47-49:1-3:11", "A:1-3:11:47-49"),
        ("A:1-3:4-6:5-9", "A:1-9"),
        ("A:5:5:5", "A:5"),
        ("A:3-1", ""),
        ("A:3-1:7", "A:7"),
        ("B:1,\nA:1-4", "A:1-4,B:1"),
        ("A:1,B:2,A:2", "A:1-2,B:2"),
        (" A: 1 - 5 :\n7 , B:2", "A:1-5:7,B:2"),
        ("A:00012", "A:12"),
        ("A:9223372036854775806", "A:9223372036854775806"),
        ("A:1-5139:5780-6317:tag1:1-2474:3201-4157", "A:1-5139:5780-6317:tag1:1-2474:3201-4157"),
        ("A:tag_b:5:tag_a:1-3:7", "A:tag_a:1-3:7:tag_b:5"),
        ("A:Tag:1,A:1,A:tAG:2", "A:1:tag:1-2"),
        ("A:_x:1:a:1", "A:_x:1:a:1"),
    ];
    for (written, normal) in table {
        assert_eq!(shown(&set(written)), normal, "{written:?}");
    }
}

#[test]
fn uuids_are_read_in_every_form_of_the_server() {
    let bare = A.replace('-', "");
    for text in [A.to_uppercase(), bare.clone(), format!("{{{A}}}"), format!("{{{bare}}}")] {
        assert_eq!(format!("{text}:1").parse(), Ok(set("A:1")), "{text}");
    }
    let one_hyphen_short = A.replacen('-', "", 1);
    for text in
        ["", "x", &A[1..], &format!("{A}0"), &one_hyphen_short, &A.replace('3', "g"), &format!("{{{A}")]
    {
        assert!(ServerUuid::parse(text).is_none(), "{text}");
    }
}

#[test]
fn bad_entries_are_refused() {
    let error = |text: &str| GtidSet::parse(&text.replace("A:", &format!("{A}:"))).unwrap_err();
    assert!(matches!(error(A), GtidError::NoIntervals(_)));
    assert!(matches!(error("A:"), GtidError::NoIntervals(_)));
    assert!(matches!(error("x:1"), GtidError::Uuid(_)));
    assert!(matches!(error(":1"), GtidError::Uuid(_)));
    assert!(matches!(error("A:tag"), GtidError::TagWithoutIntervals(_)));
    assert!(matches!(error("A:tag:tug:1"), GtidError::TagWithoutIntervals(_)));
    let long_tag = format!("A:{}:1", "t".repeat(33));
    for text in [
        "A:0",
        "A:0-4",
        "A:1-",
        "A:-1",
        "A:1:",
        "A:1::2",
        "A:1-2-3",
        "A:1x",
        "A:+1",
        "A:t-g:1",
        long_tag.as_str(),
    ] {
        assert!(matches!(error(text), GtidError::Interval { .. }), "{text}");
    }
    assert!(matches!(error("A:9223372036854775807"), GtidError::Interval { .. }));
    assert!(matches!(error("A:99999999999999999999999"), GtidError::Interval { .. }));
}

#[test]
fn lenient_reading_keeps_what_comes_before_the_bad_entry() {
    let (known, error) = GtidSet::parse_lenient(&format!("{A}:1-5,{B}:7:oops!:8,{A}:9"));
    assert_eq!(shown(&known), "A:1-5");
    assert!(matches!(error, Some(GtidError::Interval { token, .. }) if token == "oops!"));
}

#[test]
fn set_algebra_by_example() {
    let (left, right) = (set("A:1-10:t:1-5,B:1-3"), set("A:4-6:t:5-9"));
    assert_eq!(shown(&left.subtract(&right)), "A:1-3:7-10:t:1-4,B:1-3");
    assert_eq!(shown(&left.intersect(&right)), "A:4-6:t:5");
    assert_eq!(shown(&left.union(&right)), "A:1-10:t:1-9,B:1-3");
    assert!(left.contains(&set("A:2-9,B:3")) && !left.contains(&right) && left.contains(&GtidSet::new()));
    assert_eq!((left.count(), GtidSet::new().count()), (18, 0));
    assert_eq!(left.compare(&right), PositionOrder::Diverged);
    assert!(left.subtract(&left).is_empty());
}

#[test]
fn servers_can_be_left_out() {
    let mut some = set("A:1:t:2,B:3");
    let [a, b]: [ServerUuid; 2] = [A, B].map(|text| text.parse().unwrap());
    assert_eq!(some.uuids().collect::<Vec<_>>(), [a, b]);
    some.retain_uuids(|uuid| *uuid == b);
    assert_eq!(shown(&some), "B:3");
    some.retain_uuids(|uuid| *uuid == a);
    assert!(some.is_empty());
}

#[test]
fn single_transactions() {
    for text in [format!("{A}:7"), format!("{A}:tag:7")] {
        let gtid: Gtid = text.parse().unwrap();
        assert_eq!(gtid.to_string(), text);
        let alone: GtidSet = [gtid].into_iter().collect();
        assert!(set("A:7:tag:7").contains(&alone) && !set("A:6:other:7").contains(&alone));
    }
    for text in
        [format!("{A}:1-2"), format!("{A}:1:2"), format!("{A}:1:tag:2"), format!("{A}:2-1"), A.to_owned()]
    {
        assert!(text.parse::<Gtid>().is_err(), "{text}");
    }
    let mut grown = set("A:1-3");
    grown.insert(&format!("{A}:4").parse().unwrap());
    assert_eq!(shown(&grown), "A:1-4");
    grown.insert_run(A.parse().unwrap(), GtidTag::NONE, Interval { first: 9, last: 8 });
    grown.insert_run(B.parse().unwrap(), GtidTag::NONE, Interval { first: 0, last: 0 });
    assert_eq!(grown, set("A:1-4"));
    assert_eq!(set("A:1-3").list_at_most(3).unwrap().len(), 3);
    assert_eq!(set("A:1-3").list_at_most(2), Err(TooManyGtids { count: 3, limit: 2 }));
}

#[test]
fn server_text_has_a_newline_after_each_comma() {
    assert_eq!(set("B:1,A:1-2").to_server_text(), format!("{A}:1-2,\n{B}:1"));
}

type Naive = HashSet<(u8, u8, u64)>;

const TAGS: [&str; 3] = ["", "red", "_blue"];

fn some_runs() -> impl Strategy<Value = Vec<(u8, u8, u64, u64)>> {
    proptest::collection::vec((0_u8..3, 0_u8..3, 1_u64..40, 0_u64..6), 0..12)
}

fn text_of(runs: &[(u8, u8, u64, u64)]) -> String {
    let entries: Vec<_> = runs
        .iter()
        .map(|(server, tag, first, more)| {
            let tag = match TAGS[usize::from(*tag)] {
                "" => String::new(),
                tag => format!("{tag}:"),
            };
            let uuid = format!("{server:02x}").repeat(16);
            format!("{uuid}:{tag}{first}-{}", first + more)
        })
        .collect();
    entries.join(",")
}

fn naive_of(runs: &[(u8, u8, u64, u64)]) -> Naive {
    runs.iter().flat_map(|(s, t, first, more)| (*first..=first + more).map(move |n| (*s, *t, n))).collect()
}

fn naive(set: &GtidSet) -> Naive {
    set.gtids()
        .map(|gtid| {
            let tag = TAGS.iter().position(|tag| *tag == gtid.tag.as_str().unwrap_or(""));
            (gtid.uuid.as_bytes()[0], u8::try_from(tag.unwrap()).unwrap(), gtid.number)
        })
        .collect()
}

proptest! {
    #[test]
    fn algebra_equals_that_of_hash_sets(left in some_runs(), right in some_runs()) {
        let (a, b): (GtidSet, GtidSet) = (text_of(&left).parse().unwrap(), text_of(&right).parse().unwrap());
        let (x, y) = (naive_of(&left), naive_of(&right));
        prop_assert_eq!(&naive(&a), &x);
        prop_assert_eq!(naive(&a.union(&b)), &x | &y);
        prop_assert_eq!(naive(&a.subtract(&b)), &x - &y);
        prop_assert_eq!(naive(&a.intersect(&b)), &x & &y);
        prop_assert_eq!(a.contains(&b), x.is_superset(&y));
        prop_assert_eq!(a.count(), x.len() as u64);
        prop_assert_eq!(a.is_empty(), x.is_empty());
        prop_assert_eq!(a == b, x == y);
        prop_assert_eq!(a.gtids().collect::<GtidSet>(), a);
    }

    #[test]
    fn texts_round_trip(runs in some_runs()) {
        let a: GtidSet = text_of(&runs).parse().unwrap();
        prop_assert_eq!(&GtidSet::parse(&a.to_string()), &Ok(a.clone()));
        prop_assert_eq!(&GtidSet::parse(&a.to_server_text()), &Ok(a.clone()));
        let mut grown = GtidSet::new();
        for gtid in a.gtids() {
            grown.insert(&gtid);
        }
        prop_assert_eq!(grown, a);
    }

    #[test]
    fn no_text_makes_it_panic(text in ".*", near in "[3e11fa47-]{0,36}[:,0-9a-z \n-]{0,24}") {
        for text in [text, format!("{A}:{near}"), near] {
            let (known, error) = GtidSet::parse_lenient(&text);
            prop_assert_eq!(GtidSet::parse(&text).is_ok(), error.is_none());
            prop_assert_eq!(GtidSet::parse(&known.to_string()), Ok(known));
            let _ = text.parse::<Gtid>();
        }
    }
}
