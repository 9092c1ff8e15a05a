//! The page made from the registry is current. `UPDATE=1` writes it anew.

mod docs {
    use std::path::Path;

    #[test]
    fn the_page_of_commands_is_current() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/commands.md");
        let wanted = registry::command_page();
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&path, &wanted).unwrap();
        }
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(found == wanted, "docs/commands.md is out of date; run script/fix");
    }
}
