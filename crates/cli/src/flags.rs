//! Flags as the original's parser read them: one dash or two, `-name value` or `-name=value`, switches without value.
//!
//! Differs: flags behind the first word count, too (`orchestrator http --debug`), where the original dropped them.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::output::Exit;

/// A flag: name, whether it takes a value, and what it means.
struct Spec {
    name: &'static str,
    kind: Kind,
    about: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Takes a text; the default.
    Text(&'static str),
    /// A switch; the default.
    Switch(bool),
    /// A switch of a feature that no command has yet; scripts may pass it.
    UnusedSwitch,
}

const fn spec(name: &'static str, kind: Kind, about: &'static str) -> Spec {
    Spec { name, kind, about }
}

/// All flags, by name.
const SPECS: &[Spec] = &[
    spec("alias", Kind::Text(""), "cluster alias or name"),
    spec("binlog", Kind::Text(""), "binary log file name, or file:pos"),
    spec("c", Kind::Text(""), "command; see 'orchestrator -c help'"),
    spec("config", Kind::Text(""), "config file; no other file is read then"),
    spec("d", Kind::Text(""), "destination instance, host[:port]"),
    spec("debug", Kind::Switch(false), "debug log"),
    spec(
        "discovery",
        Kind::Switch(true),
        "HTTP mode: discover, watch and recover; false serves what is known",
    ),
    spec("duration", Kind::Text(""), "duration: digits and one of s, m, h, d, w"),
    spec(
        "enable-database-update",
        Kind::Switch(false),
        "bring the schema of the backend up to date, whatever the config says",
    ),
    spec("force", Kind::Switch(false), "purge-binary-logs: although a replica may need them"),
    spec(
        "grab-election",
        Kind::Switch(false),
        "HTTP mode: become the active node of a shared backend at start",
    ),
    spec("hostname", Kind::Text(""), "host name"),
    spec("i", Kind::Text(""), "instance, host[:port]; several separated by commas or blanks"),
    spec("ignore-raft-setup", Kind::Switch(false), "allow direct commands although raft is configured"),
    spec("json", Kind::Switch(false), "print JSON, as the HTTP API answers"),
    spec("noop", Kind::Switch(false), "change no database server and run no hooks"),
    spec("owner", Kind::Text(""), "owner of downtime and acknowledgements (default: user of the system)"),
    spec("pattern", Kind::Text(""), "regular expression or text to search for"),
    spec("pool", Kind::Text(""), "pool name"),
    spec("process", Kind::Text(""), "kill-query: number of the connection"),
    spec("promotion-rule", Kind::Text("prefer"), "prefer, neutral, prefer_not or must_not"),
    spec("quiet", Kind::Switch(false), "log errors only"),
    spec("reason", Kind::Text(""), "reason or comment"),
    spec("s", Kind::Text(""), "synonym of -d"),
    spec("seconds", Kind::Text(""), "delay-replication: seconds"),
    spec("show-secrets", Kind::Switch(false), "dump-config: print secrets"),
    spec("skip-binlog-search", Kind::UnusedSwitch, "match Pseudo-GTID in relay logs only"),
    spec("skip-continuous-registration", Kind::Switch(false), "do not register this process in the backend"),
    spec("skip-unresolve", Kind::Switch(false), "do not replace host names by their virtual names"),
    spec(
        "skip-unresolve-check",
        Kind::Switch(false),
        "use the real name where a virtual name leads to another server",
    ),
    spec("stack", Kind::Switch(false), "print a stack trace with fatal errors"),
    spec("statement", Kind::Text(""), "SQL statement"),
    spec("strict", Kind::UnusedSwitch, "exhaustive search"),
    spec("tag", Kind::Text(""), "tag: name, name=value, ~name, ~name=value; tagged: a comma list"),
    spec("verbose", Kind::Switch(false), "verbose log"),
    spec("version", Kind::Switch(false), "print version and exit"),
];

/// Why the words are no flags.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum FlagError {
    /// `-h` or `--help`.
    HelpWanted,
    /// A text for the user.
    Wrong(String),
}

/// The given flags and words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flags {
    texts: BTreeMap<&'static str, String>,
    switches: BTreeMap<&'static str, bool>,
    /// Words that are no flags, in order.
    pub(crate) words: Vec<String>,
    /// Print the version.
    pub(crate) version: bool,
}

impl Flags {
    /// A text; the default when it was not given.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.texts.get(name).map_or_else(|| default_text(name), String::as_str)
    }

    /// A text that was given and is not empty.
    pub(crate) fn given(&self, name: &str) -> Option<&str> {
        self.texts.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }

    /// A switch; the default when it was not given.
    pub(crate) fn is_on(&self, name: &str) -> bool {
        self.switches.get(name).copied().unwrap_or_else(|| default_switch(name))
    }

    /// The command of `-c`.
    pub(crate) fn command(&self) -> Option<&str> {
        self.given("c")
    }

    /// The destination, by either of its names.
    pub(crate) fn destination(&self) -> Option<&str> {
        self.given("d").or_else(|| self.given("s"))
    }

    /// Given flags of features that no command has yet.
    pub(crate) fn unused(&self) -> Vec<&'static str> {
        let is_given = |name: &str| self.texts.contains_key(name) || self.switches.contains_key(name);
        SPECS
            .iter()
            .filter(|spec| matches!(spec.kind, Kind::UnusedSwitch) && is_given(spec.name))
            .map(|spec| spec.name)
            .collect()
    }

    /// Contradictions that are fatal for every command.
    pub(crate) fn check(&self) -> Result<(), Exit> {
        if self.given("d").is_some() && self.given("s").is_some() {
            return Err(Exit::fatal(
                "-s and -d are synonyms, yet both were specified. You're probably doing the wrong thing.",
            ));
        }
        match self.text("promotion-rule") {
            "prefer" | "neutral" | "prefer_not" | "must_not" => Ok(()),
            _ => Err(Exit::fatal("-promotion-rule only supports prefer|neutral|prefer_not|must_not")),
        }
    }
}

fn default_text(name: &str) -> &'static str {
    SPECS
        .iter()
        .find_map(|spec| match spec.kind {
            Kind::Text(default) if spec.name == name => Some(default),
            Kind::Text(_) | Kind::Switch(_) | Kind::UnusedSwitch => None,
        })
        .unwrap_or_default()
}

fn default_switch(name: &str) -> bool {
    SPECS.iter().any(|spec| spec.name == name && spec.kind == Kind::Switch(true))
}

/// Reads the words of a command line.
pub(crate) fn parse(words: Vec<String>) -> Result<Flags, FlagError> {
    let mut flags = Flags::default();
    let mut rest = words.into_iter();
    while let Some(word) = rest.next() {
        if word == "--" {
            flags.words.extend(rest);
            break;
        }
        let Some(body) = word.strip_prefix('-').filter(|body| !body.is_empty()) else {
            flags.words.push(word);
            continue;
        };
        let body = body.strip_prefix('-').unwrap_or(body);
        if body.is_empty() || body.starts_with('-') || body.starts_with('=') {
            return Err(FlagError::Wrong(format!("bad flag syntax: {word}")));
        }
        let (name, value) = match body.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (body, None),
        };
        take(&mut flags, name, value, &mut rest)?;
    }
    flags.version = flags.is_on("version");
    Ok(flags)
}

fn take(
    flags: &mut Flags,
    name: &str,
    value: Option<&str>,
    rest: &mut impl Iterator<Item = String>,
) -> Result<(), FlagError> {
    if matches!(name, "h" | "help") {
        return Err(FlagError::HelpWanted);
    }
    let Some(spec) = SPECS.iter().find(|spec| spec.name == name) else {
        return Err(FlagError::Wrong(format!("flag provided but not defined: -{name}")));
    };
    match (spec.kind, value) {
        (Kind::Switch(_) | Kind::UnusedSwitch, None) => {
            flags.switches.insert(spec.name, true);
        }
        (Kind::Switch(_) | Kind::UnusedSwitch, Some(text)) => {
            let is_on = boolean(text).ok_or_else(|| {
                FlagError::Wrong(format!("invalid boolean value {text:?} for -{name}: parse error"))
            })?;
            flags.switches.insert(spec.name, is_on);
        }
        (Kind::Text(_), Some(text)) => {
            flags.texts.insert(spec.name, text.to_owned());
        }
        (Kind::Text(_), None) => {
            let text =
                rest.next().ok_or_else(|| FlagError::Wrong(format!("flag needs an argument: -{name}")))?;
            flags.texts.insert(spec.name, text);
        }
    }
    Ok(())
}

fn boolean(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// A flag as completions and the manual page need it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct About {
    /// Name without dashes.
    pub(crate) name: &'static str,
    /// A value follows.
    pub(crate) takes_value: bool,
    /// What it means.
    pub(crate) about: &'static str,
}

/// All flags, by name.
pub(crate) fn all() -> impl Iterator<Item = About> {
    SPECS.iter().map(|spec| About {
        name: spec.name,
        takes_value: matches!(spec.kind, Kind::Text(_)),
        about: spec.about,
    })
}

/// The list of flags for `-h` and after mistakes.
pub(crate) fn listing() -> String {
    let mut out = String::from("Usage of orchestrator:\n");
    for spec in SPECS {
        let (value, default) = match spec.kind {
            Kind::Text("") => (" string", String::new()),
            Kind::Text(default) => (" string", format!(" (default {default:?})")),
            Kind::Switch(true) => ("", " (default true)".to_owned()),
            Kind::Switch(false) => ("", String::new()),
            Kind::UnusedSwitch => ("", " (accepted; no command uses it)".to_owned()),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(out, "  -{}{value}\n    \t{}{default}", spec.name, spec.about);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Flags, FlagError> {
        parse(line.split_whitespace().map(str::to_owned).collect())
    }

    #[test]
    fn all_spellings_mean_the_same() {
        for line in ["-i db1", "--i db1", "-i=db1", "--i=db1", "-i other -i db1"] {
            assert_eq!(parsed(line).unwrap().given("i"), Some("db1"), "{line}");
        }
        let flags = parsed("-debug true x --verbose=F -c topology").unwrap();
        assert!(flags.is_on("debug") && !flags.is_on("verbose"));
        assert_eq!(flags.words, ["true", "x"]);
        assert_eq!(flags.command(), Some("topology"));
        let flags = parsed("-i -c which-instance").unwrap();
        assert_eq!(
            (flags.given("i"), flags.command(), flags.words.as_slice()),
            (Some("-c"), None, &["which-instance".to_owned()][..])
        );
    }

    #[test]
    fn flags_behind_words_count_and_two_dashes_end_them() {
        let flags = parsed("http --debug").unwrap();
        assert!(flags.is_on("debug"));
        let flags = parsed("cli -- --debug").unwrap();
        assert!(!flags.is_on("debug"));
        assert_eq!(flags.words, ["cli", "--debug"]);
        assert_eq!(parsed("-").unwrap().words, ["-"]);
    }

    #[test]
    fn defaults() {
        let flags = parsed("").unwrap();
        assert_eq!(flags.text("promotion-rule"), "prefer");
        assert!(flags.is_on("discovery") && !flags.is_on("quiet"));
        assert!(!parsed("-discovery=false").unwrap().is_on("discovery"));
    }

    #[test]
    fn mistakes_are_told_as_before() {
        for (line, message) in [
            ("-nosuch", "flag provided but not defined: -nosuch"),
            ("-c", "flag needs an argument: -c"),
            ("-debug=maybe", "invalid boolean value \"maybe\" for -debug: parse error"),
            ("---c", "bad flag syntax: ---c"),
            ("-=x", "bad flag syntax: -=x"),
        ] {
            assert_eq!(parsed(line), Err(FlagError::Wrong(message.to_owned())), "{line}");
        }
        for line in ["-h", "--help", "-help=x", "-debug --help -nosuch"] {
            assert_eq!(parsed(line), Err(FlagError::HelpWanted), "{line}");
        }
    }

    #[test]
    fn contradictions_are_fatal() {
        let message = |line: &str| parsed(line).unwrap().check().unwrap_err().message;
        assert!(message("-d a -s b").starts_with("-s and -d are synonyms, yet both were specified."));
        assert_eq!(
            message("-promotion-rule must"),
            "-promotion-rule only supports prefer|neutral|prefer_not|must_not"
        );
        assert_eq!(parsed("-s b").unwrap().destination(), Some("b"));
        assert_eq!(parsed("-strict -binlog x").unwrap().unused(), ["strict"]);
    }

    #[test]
    fn flags_are_listed_in_order() {
        let names: Vec<&str> = SPECS.iter().map(|spec| spec.name).collect();
        assert!(names.is_sorted(), "{names:?}");
        let listing = listing();
        assert!(listing.starts_with("Usage of orchestrator:\n  -alias string\n    \tcluster alias"));
        assert!(listing.contains(
            "  -promotion-rule string\n    \tprefer, neutral, prefer_not or must_not (default \"prefer\")\n"
        ));
    }
}
