//! Which paths are pages.

/// `rest` (what follows `/web/`, without slash at its end) is the path of a page.
pub(super) fn is_page(rest: &str) -> bool {
    let parts: Vec<&str> = rest.split('/').collect();
    if parts.iter().any(|part| part.is_empty()) {
        return false;
    }
    match parts[..] {
        [name] => is_single(name),
        ["cluster" | "cluster-pools" | "search" | "agent" | "seed-details", _]
        | ["audit" | "audit-recovery" | "audit-recovery-steps" | "audit-failure-detection", _]
        | ["cluster", "alias", _]
        | ["cluster", "instance", _, _]
        | ["audit", "instance", _, _]
        | ["audit", "instance", _, _, _]
        | ["audit-recovery", "id" | "uid" | "cluster" | "alias", _]
        | ["audit-recovery", "cluster" | "alias", _, _]
        | ["audit-failure-detection", "id" | "alias", _]
        | ["audit-failure-detection", "alias", _, _] => true,
        _ => false,
    }
}

fn is_single(name: &str) -> bool {
    matches!(
        name,
        "home"
            | "about"
            | "keep-calm"
            | "faq"
            | "status"
            | "clusters"
            | "clusters-analysis"
            | "search"
            | "discover"
            | "audit"
            | "audit-recovery"
            | "audit-failure-detection"
            | "agents"
            | "seeds"
    )
}

/// From a page to the prefix, relative: `../` for each folder that a path below the prefix stands in.
pub(in crate::http) fn way_up(below: &str) -> String {
    match below.matches('/').count() {
        0 | 1 => "./".to_owned(),
        slashes => "../".repeat(slashes - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_up_counts_folders() {
        for (below, up) in
            [("/", "./"), ("/web", "./"), ("/web/clusters", "../"), ("/web/clusters/", "../../")]
        {
            assert_eq!(way_up(below), up, "{below}");
        }
        assert_eq!(way_up("/web/cluster/instance/db/3306"), "../../../../");
    }

    #[test]
    fn other_paths_are_no_pages() {
        for rest in [
            "",
            "nosuch",
            "cluster",
            "cluster/",
            "cluster//x",
            "cluster/instance/db",
            "audit/instance/db",
            "agent/a/b",
        ] {
            assert!(!is_page(rest), "{rest}");
        }
    }
}
