//! What the operating system says about this process: host, user, randomness.

use std::io::Read;

use rustix::process::getuid;

/// Host name; empty when the system has none.
pub(crate) fn hostname() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// Name of the user, by the user database, else by `USER`.
pub(crate) fn user() -> Option<String> {
    let id = getuid().as_raw().to_string();
    let database = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let listed = database.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == id).then(|| name.to_owned())
    });
    listed.or_else(|| std::env::var("USER").ok()).filter(|name| !name.is_empty())
}

/// 64 hexadecimal digits, new for each call.
///
/// # Errors
/// The system gives no random bytes.
pub(crate) fn token() -> std::io::Result<String> {
    let mut bytes = [0_u8; 32];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    #[test]
    fn tokens_are_long_and_differ() {
        let (one, other) = (super::token().unwrap(), super::token().unwrap());
        assert_eq!(one.len(), 64);
        assert_ne!(one, other);
    }
}
