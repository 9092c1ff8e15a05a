//! The generated reference page and sample file are current. `UPDATE=1` writes them anew.

use std::path::Path;

use crate::common::World;

fn check(name: &str, wanted: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, wanted).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == wanted, "docs/{name} is out of date; run UPDATE=1 cargo test -p settings --test suite");
}

#[test]
fn the_reference_page_is_current() {
    check("configuration.md", &settings::reference_page());
}

#[test]
fn the_sample_file_is_current_and_loads_without_a_warning() {
    let sample = settings::sample_file();
    check("orchestrator.conf.sample.json", &sample);
    let world = World::of(&sample)
        .variable("ORCHESTRATOR_TOPOLOGY_PASSWORD", "x")
        .variable("ORCHESTRATOR_HTTP_PASSWORD", "x");
    assert_eq!(world.complaints(), "");
}
