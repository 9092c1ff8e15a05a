//! What the operating system says about the user of this process.

use rustix::process::getuid;

/// Name of the user, by the user database, else by `USER`.
pub(crate) fn user() -> Option<String> {
    let id = getuid().as_raw().to_string();
    let database = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    listed_user(&database, &id).or_else(|| std::env::var("USER").ok()).filter(|name| !name.is_empty())
}

/// The name of a user number in the text of a user database.
fn listed_user(database: &str, id: &str) -> Option<String> {
    database.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == id).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::listed_user;

    #[test]
    fn users_are_found_by_number() {
        let database = "root:x:0:0:root:/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n";
        assert_eq!(listed_user(database, "1000").as_deref(), Some("ann"));
        assert_eq!(listed_user(database, "100"), None);
    }
}
