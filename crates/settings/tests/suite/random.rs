//! Whatever stands in a file, loading ends with settings or errors, never with a panic.

use crate::common::World;
use proptest::prelude::*;
use settings::keys;

/// JSON with all kinds of values, nested a little.
fn any_json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|flag| flag.to_string()),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<f64>()
            .prop_filter("finite", |number| number.is_finite())
            .prop_map(|number| format!("{number:e}")),
        (-2_i64..100).prop_map(|number| number.to_string()),
        "\\PC{0,12}".prop_map(|text| format!("{text:?}")),
        "[$a{}:/.(*-]{0,10}".prop_map(|text| format!("\"{text}\"")),
    ];
    leaf.prop_recursive(2, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|list| format!("[{}]", list.join(","))),
            prop::collection::vec(("[a-z(]{0,4}", inner), 0..4).prop_map(|members| {
                let members: Vec<_> =
                    members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

fn any_key() -> impl Strategy<Value = String> {
    prop_oneof![8 => prop::sample::select(keys().to_vec()).prop_map(|key| key.name.to_owned()), 1 => "[A-Za-z]{0,12}"]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn random_values_of_known_keys_never_panic(members in prop::collection::vec((any_key(), any_json()), 0..30)) {
        let members: Vec<_> = members.iter().map(|(key, value)| format!("\"{key}\": {value}")).collect();
        let world = World::of(&format!("{{{}}}", members.join(",\n")));
        let _ = world.complaints();
    }

    #[test]
    fn random_text_never_panics(text in "\\PC{0,60}", json in "[\\[\\]{}\":,a0-9\\\\u \n/.eE+-]{0,60}") {
        for text in [text, json] {
            let _ = World::of(&text).complaints();
            let world = World::of("{\"MySQLTopologyCredentialsConfigFile\": \"/c\"}");
            let _ = world.file("/c", &format!("[client]\npassword = {text}")).complaints();
        }
    }

    /// Well-typed integers of any size are either refused or resolved, whatever the key.
    #[test]
    fn any_integer_is_refused_or_resolved(index in 0_usize..203, number in any::<i64>()) {
        let key = keys()[index];
        let _ = World::of(&format!("{{\"{}\": {number}}}", key.name)).complaints();
    }
}
