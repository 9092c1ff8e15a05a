//! Flags, environment and the profile file of the client.

use std::collections::BTreeMap;
use std::path::Path;

use super::Failed;
use crate::system;

/// Read before the flags; what it sets wins over the environment.
const PROFILE: &str = "/etc/profile.d/orchestrator-client.sh";
/// Set to 1, the profile is not read.
const NO_PROFILE: &str = "ORCHESTRATOR_CLIENT_NO_PROFILE";
/// Variables that are looked at.
const VARIABLES: [&str; 5] = [
    "ORCHESTRATOR_API",
    "ORCHESTRATOR_INSTANCE",
    "ORCHESTRATOR_AUTH_USER",
    "ORCHESTRATOR_AUTH_PASSWORD",
    "ORCHESTRATOR_AUTH_USER_HEADER",
];

/// Short name, long names, what stands for the value, meaning.
pub(super) const FLAGS: &[(char, &[&str], &str, &str)] = &[
    ('c', &["command"], "<command>", "command to execute"),
    ('i', &["instance"], "<host[:port]>", "instance; also the text of search and the members of a pool"),
    ('d', &["destination"], "<host[:port]>", "destination instance"),
    ('s', &[], "<host[:port]>", "synonym of -d"),
    ('a', &["alias"], "<alias>", "cluster alias"),
    ('o', &["owner"], "<owner>", "name of owner of maintenance and downtime; default: user of the system"),
    ('r', &["reason"], "<reason>", "reason of maintenance and downtime, comment of acknowledgements"),
    ('u', &["duration"], "<duration>", "duration of downtime; default 10m"),
    ('R', &["promotion-rule"], "<rule>", "rule for register-candidate"),
    ('t', &["tag"], "<tag>", "name, name=value, ~name, ~name=value"),
    ('l', &["pool"], "<pool>", "name of a pool"),
    ('H', &["hostname"], "<name>", "host name for register-hostname-unresolve and raft commands"),
    ('D', &["default-port"], "<port>", "port of instances without one; default 3306"),
    ('U', &["api"], "<url>", "one URL of the API or several, separated by blanks"),
    ('P', &["path"], "<path>", "path for the command api, without leading slash"),
    ('q', &["query"], "<statement>", "statement for restart-replica-statements"),
    ('b', &["auth"], "<user:password>", "user and password for HTTP basic authentication"),
    ('e', &["headers-auth"], "<name:value>", "header that names the user to the server"),
    ('n', &["binlog"], "<file>", "name of a binary log"),
    ('S', &["seconds"], "<seconds>", "seconds for delay-replication"),
    ('p', &["pattern"], "<pattern>", "regular expression that chooses replicas of bulk moves"),
];

/// What the user wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// The list of flags and commands.
    Help,
    /// A command.
    Run(Box<Options>),
}

/// Everything that was given, with defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Options {
    pub(super) command: String,
    pub(super) instance: String,
    pub(super) destination: String,
    pub(super) alias: String,
    pub(super) owner: String,
    pub(super) reason: String,
    pub(super) duration: String,
    pub(super) promotion_rule: String,
    pub(super) tag: String,
    pub(super) pool: String,
    pub(super) hostname: String,
    pub(super) default_port: String,
    pub(super) api: String,
    pub(super) path: String,
    pub(super) query: String,
    /// `user:password`.
    pub(super) auth: String,
    /// `Name:value`.
    pub(super) auth_header: String,
    pub(super) binlog: String,
    pub(super) seconds: String,
    pub(super) pattern: String,
}

/// The variables of the process, overridden by the profile.
pub(super) fn environment() -> BTreeMap<String, String> {
    let own = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let mut all: BTreeMap<String, String> =
        VARIABLES.iter().filter_map(|name| Some(((*name).to_owned(), own(name)?))).collect();
    if own(NO_PROFILE).as_deref() != Some("1") {
        all.extend(profile(Path::new(PROFILE)));
    }
    all
}

/// Assignments of the profile; by the shell where a value needs it.
fn profile(file: &Path) -> BTreeMap<String, String> {
    let Ok(text) = std::fs::read_to_string(file) else { return BTreeMap::new() };
    match plain_assignments(&text) {
        Some(plain) => plain,
        None => by_shell(file),
    }
}

/// Lines `[export] NAME=value`, quotes allowed; `None` when a value of interest has to be evaluated.
fn plain_assignments(text: &str) -> Option<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    for line in text.lines().map(str::trim) {
        let line = line.strip_prefix("export ").unwrap_or(line).trim_start();
        let Some((name, value)) = line.split_once('=') else { continue };
        if !VARIABLES.contains(&name) {
            continue;
        }
        let quote = value.chars().next().filter(|first| matches!(first, '"' | '\''));
        let value = match quote {
            Some(quote) => value[1..].split(quote).next().unwrap_or_default(),
            None => value.split_whitespace().next().unwrap_or_default(),
        };
        if quote != Some('\'') && value.contains(['$', '`', '\\']) {
            return None;
        }
        found.insert(name.to_owned(), value.to_owned());
    }
    Some(found)
}

fn by_shell(file: &Path) -> BTreeMap<String, String> {
    let prints: String = VARIABLES.iter().map(|name| format!("printf '%s\\n' \"${name}\"; ")).collect();
    let script = format!(". \"$0\" >/dev/null 2>&1; {prints}");
    let ran = std::process::Command::new("/bin/sh").arg("-c").arg(script).arg(file).output();
    let text = ran.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let values = VARIABLES.iter().zip(text.lines()).filter(|(_, value)| !value.is_empty());
    values.map(|(name, value)| ((*name).to_owned(), value.to_owned())).collect()
}

/// Reads the words.
pub(super) fn parse(words: Vec<String>, environment: &BTreeMap<String, String>) -> Result<Choice, Failed> {
    let of = |name: &str| environment.get(name).cloned().unwrap_or_default();
    let password = of("ORCHESTRATOR_AUTH_PASSWORD");
    let mut options = Options {
        instance: of("ORCHESTRATOR_INSTANCE"),
        api: Some(of("ORCHESTRATOR_API"))
            .filter(|api| !api.is_empty())
            .unwrap_or_else(|| "http://localhost:3000".to_owned()),
        auth: format!("{}:{password}", of("ORCHESTRATOR_AUTH_USER")),
        auth_header: of("ORCHESTRATOR_AUTH_USER_HEADER"),
        owner: system::user().unwrap_or_default(),
        duration: "10m".to_owned(),
        default_port: "3306".to_owned(),
        ..Options::default()
    };
    let mut rest = words.into_iter();
    while let Some(word) = rest.next() {
        if matches!(word.as_str(), "-h" | "-help" | "--help") {
            return Ok(Choice::Help);
        }
        let Some((flag, given)) = split(&word) else {
            return Err(Failed::new(format!("{word}: unknown option; see orchestrator-client --help")));
        };
        let value = match given.map(str::to_owned).or_else(|| rest.next()) {
            Some(value) => value,
            None => return Err(Failed::new(format!("{word} needs a value"))),
        };
        set(&mut options, flag, value);
    }
    if options.command == "help" {
        return Ok(Choice::Help);
    }
    Ok(Choice::Run(Box::new(options)))
}

/// The flag of a word, and the value when the word holds it: `-x`, `-xvalue`, `-long`, `--long`, `--long=value`.
fn split(word: &str) -> Option<(char, Option<&str>)> {
    let name = word.strip_prefix("--").or_else(|| word.strip_prefix('-'))?;
    let (long, value) = name.split_once('=').map_or((name, None), |(long, value)| (long, Some(value)));
    if let Some((short, ..)) = FLAGS.iter().find(|(_, longs, ..)| longs.contains(&long)) {
        return Some((*short, value));
    }
    if word.starts_with("--") {
        return None;
    }
    let short = name.chars().next()?;
    let (short, ..) = FLAGS.iter().find(|(known, ..)| *known == short)?;
    let rest = &name[short.len_utf8()..];
    Some((*short, Some(rest).filter(|rest| !rest.is_empty())))
}

fn set(options: &mut Options, flag: char, value: String) {
    let field = match flag {
        'c' => &mut options.command,
        'i' => &mut options.instance,
        'd' | 's' => &mut options.destination,
        'a' => &mut options.alias,
        'o' => &mut options.owner,
        'r' => &mut options.reason,
        'u' => &mut options.duration,
        'R' => &mut options.promotion_rule,
        't' => &mut options.tag,
        'l' => &mut options.pool,
        'H' => &mut options.hostname,
        'D' => &mut options.default_port,
        'P' => &mut options.path,
        'q' => &mut options.query,
        'b' => &mut options.auth,
        'e' => &mut options.auth_header,
        'n' => &mut options.binlog,
        'S' => &mut options.seconds,
        'p' => &mut options.pattern,
        // An empty URL is ignored.
        _ if value.is_empty() => return,
        _ => &mut options.api,
    };
    *field = value;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Options {
        let words = line.split_whitespace().map(str::to_owned).collect();
        match parse(words, &BTreeMap::new()) {
            Ok(Choice::Run(options)) => *options,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn all_spellings_of_flags_mean_the_same() {
        for line in ["-c topology -a shop", "--command topology --alias=shop", "-command=topology -ashop"] {
            let options = parsed(line);
            assert_eq!((options.command.as_str(), options.alias.as_str()), ("topology", "shop"), "{line}");
        }
        assert_eq!(parsed("-c x -s db:1").destination, "db:1");
        assert_eq!(parsed("-c x").api, "http://localhost:3000");
        for line in ["-c", "--nosuch x", "word"] {
            let words = line.split_whitespace().map(str::to_owned).collect();
            assert!(parse(words, &BTreeMap::new()).is_err(), "{line}");
        }
    }

    #[test]
    fn profiles_are_read_without_a_shell_where_that_will_do() {
        let text = "# comment\nexport ORCHESTRATOR_API=\"http://a http://b\"\nORCHESTRATOR_INSTANCE=db1 # x\nOTHER=$y\n";
        let found = plain_assignments(text).unwrap();
        assert_eq!(found["ORCHESTRATOR_API"], "http://a http://b");
        assert_eq!(found["ORCHESTRATOR_INSTANCE"], "db1");
        assert_eq!(plain_assignments("export ORCHESTRATOR_API=http://`hostname`:3000"), None);
    }
}
