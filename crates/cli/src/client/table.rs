//! The commands of the client: what each cannot do without, what it asks, how the answer is printed.

use std::fmt::Write;

use super::Failed;
use super::options::{FLAGS, Options};
use super::print::Print;
use super::rows::ROWS;

/// What a command cannot do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    Instance,
    Destination,
    /// An alias or an instance.
    Hint,
    Reason,
    Owner,
    Duration,
    Tag,
    Pool,
    Hostname,
    Binlog,
    Query,
    Seconds,
    PromotionRule,
    Path,
    /// A pattern, or one in the place of the instance.
    PatternOrInstance,
}

/// How a command is carried out. Paths hold names in braces for what was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// One question.
    Ask(&'static str, Print),
    /// Prints the URL in use.
    WhichApi,
    /// Any path, printed whole.
    Raw,
    /// Those of a list whose replication failed.
    BrokenReplicas(&'static str),
    /// Those of a list that replicate.
    RunningReplicas(&'static str),
    /// The server if both threads are in that state.
    IfThreads(&'static str, i64),
    /// Servers by regular expression.
    Find,
    /// The data center with most primaries.
    DominantDataCenter,
    /// A line for each finding.
    Analysis,
    /// A discovery nobody waits for.
    AsyncDiscover(&'static str),
    /// A repointing, to the present source when none is given.
    Repoint,
    /// The host of the raft leader.
    LeaderHostname,
    /// A question to the raft leader only.
    Raft(&'static str, Print),
}

/// A command.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) synonyms: &'static [&'static str],
    pub(super) needs: &'static [Need],
    pub(super) way: Way,
    /// It changes nothing, so it may be given up after a while.
    pub(super) is_read: bool,
    pub(super) about: &'static str,
}

/// A command by name or synonym.
pub(super) fn find(name: &str) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.name == name || row.synonyms.contains(&name))
}

/// The instances a command runs for, one after the other: those of a list, but where the text is more than instances.
pub(super) fn instances(row: &Row, options: &Options) -> Vec<String> {
    let takes_text = matches!(row.name, "search" | "find" | "submit-pool-instances");
    if takes_text || !row.needs.contains(&Need::Instance) || !options.instance.contains(',') {
        return vec![options.instance.clone()];
    }
    options.instance.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// Everything that the command cannot do without was given.
pub(super) fn check(row: &Row, options: &Options) -> Result<(), Failed> {
    for need in row.needs {
        let (name, value) = match need {
            Need::Instance => ("instance", &options.instance),
            Need::Destination => ("destination", &options.destination),
            Need::Hint if options.alias.is_empty() => ("instance|alias", &options.instance),
            Need::Hint => ("instance|alias", &options.alias),
            Need::Reason => ("reason", &options.reason),
            Need::Owner => ("owner", &options.owner),
            Need::Duration => ("duration", &options.duration),
            Need::Tag => ("tag", &options.tag),
            Need::Pool => ("pool", &options.pool),
            Need::Hostname => ("hostname", &options.hostname),
            Need::Binlog => ("binlog", &options.binlog),
            Need::Query => ("query", &options.query),
            Need::Seconds => ("seconds", &options.seconds),
            Need::PromotionRule => ("promotion-rule", &options.promotion_rule),
            Need::Path => ("path", &options.path),
            Need::PatternOrInstance if options.pattern.is_empty() => ("pattern", &options.instance),
            Need::PatternOrInstance => ("pattern", &options.pattern),
        };
        if value.is_empty() {
            return Err(Failed::new(format!("{name} must be provided")));
        }
    }
    Ok(())
}

/// The path of a question. What was not given leaves no segment behind.
pub(super) fn path_of(template: &str, options: &Options) -> String {
    let hint = if options.alias.is_empty() { &options.instance } else { &options.alias };
    let given = |key: &str| if key.is_empty() { String::new() } else { address(key, &options.default_port) };
    let pattern = match options.pattern.as_str() {
        "" => String::new(),
        pattern => format!("pattern={}", encoded(pattern)),
    };
    let values = [
        ("{I}", given(&options.instance)),
        ("{D}", given(&options.destination)),
        ("{H}", encoded(hint)),
        ("{i}", encoded(&options.instance)),
        ("{alias}", encoded(&options.alias)),
        ("{owner}", encoded(&options.owner)),
        ("{reason}", encoded(&options.reason)),
        ("{duration}", encoded(&options.duration)),
        ("{rule}", encoded(&options.promotion_rule)),
        ("{tag}", encoded(&options.tag)),
        ("{pool}", encoded(&options.pool)),
        ("{hostname}", encoded(&options.hostname)),
        ("{query}", encoded(&options.query)),
        ("{seconds}", encoded(&options.seconds)),
        ("{binlog}", encoded(&options.binlog)),
        ("{pattern}", pattern),
    ];
    let path = values.iter().fold(template.to_owned(), |path, (name, value)| path.replace(name, value));
    path.trim_end_matches('?').trim_end_matches('/').to_owned()
}

/// `host/port` of `host[:port]` or `[v6]:port`.
pub(super) fn address(key: &str, default_port: &str) -> String {
    if let Some((host, port)) = key.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        let port = port.strip_prefix(':').unwrap_or(default_port);
        return format!("{}/{port}", encoded(host));
    }
    match key.split_once(':') {
        Some((host, port)) if !port.contains(':') => format!("{}/{port}", encoded(host)),
        Some(_) | None => format!("{}/{default_port}", encoded(key)),
    }
}

/// With everything escaped that has a meaning in a URL.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b':' | b',') {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// The list of flags and commands.
pub(super) fn help() -> String {
    let mut out = String::from(
        "Usage: orchestrator-client -c <command> [flags...]\nExample: orchestrator-client -c which-master -i some.replica\nOptions:\n\n",
    );
    out.push_str("  -h, --help\n    print this help\n");
    for (short, longs, value, about) in FLAGS {
        let long: String = longs.iter().map(|long| format!(", --{long}")).collect();
        // Writing to a String cannot fail.
        let _ = write!(out, "  -{short}{long} {value}\n    {about}\n");
    }
    out.push('\n');
    for row in ROWS {
        let _ = writeln!(out, "    {:<40} {}", row.name, row.about);
    }
    out
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique() {
        let mut seen = BTreeSet::new();
        for name in ROWS.iter().flat_map(|row| row.synonyms.iter().chain([&row.name])) {
            assert!(seen.insert(*name), "{name} is there twice");
        }
    }

    #[test]
    fn paths_hold_what_was_given() {
        let options = Options {
            instance: "db1".to_owned(),
            destination: "[::1]:3307".to_owned(),
            reason: "disk/fan full".to_owned(),
            default_port: "3306".to_owned(),
            pattern: "^a".to_owned(),
            ..Options::default()
        };
        for (template, wanted) in [
            ("relocate/{I}/{D}", "relocate/db1/3306/::1/3307"),
            ("relocate/{I}/{D}?{pattern}", "relocate/db1/3306/::1/3307?pattern=%5Ea"),
            (
                "ack-recovery/cluster/{H}?comment={reason}",
                "ack-recovery/cluster/db1?comment=disk%2Ffan%20full",
            ),
            ("downtimed/{alias}", "downtimed"),
        ] {
            assert_eq!(path_of(template, &options), wanted);
        }
        let bare = Options { instance: "db1:3".to_owned(), ..Options::default() };
        assert_eq!(path_of("recover/{I}/{D}", &bare), "recover/db1/3");
        assert_eq!(path_of("move-up-replicas/{I}?{pattern}", &bare), "move-up-replicas/db1/3");
    }
}
