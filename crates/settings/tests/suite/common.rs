//! A world of a few files and variables, and short ways to load from it.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use settings::{ConfigErrors, LoadRequest, Loaded, Reloaded, SearchPath, Settings, reload};

/// Content that stands for a file that exists but cannot be read.
pub(crate) const FORBIDDEN: &str = "\0forbidden";

/// Files and environment variables, all made up.
#[derive(Default, Clone)]
pub(crate) struct World {
    pub(crate) files: BTreeMap<&'static str, String>,
    pub(crate) variables: BTreeMap<&'static str, &'static str>,
    pub(crate) world_readable: bool,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// A world whose only configuration file, in the first place of the search, is `text`.
    pub(crate) fn of(text: &str) -> Self {
        Self::new().file("/etc/orchestrator.conf.json", text)
    }

    pub(crate) fn file(mut self, path: &'static str, text: &str) -> Self {
        self.files.insert(path, text.to_owned());
        self
    }

    pub(crate) fn variable(mut self, name: &'static str, value: &'static str) -> Self {
        self.variables.insert(name, value);
        self
    }

    pub(crate) fn load(&self) -> Result<Loaded, ConfigErrors> {
        self.with(None, None, Settings::load)
    }

    pub(crate) fn load_explicit(&self, file: &str) -> Result<Loaded, ConfigErrors> {
        self.with(Some(file), None, Settings::load)
    }

    pub(crate) fn load_extra(&self, file: &str) -> Result<Loaded, ConfigErrors> {
        self.with(None, Some(file), Settings::load)
    }

    pub(crate) fn reload(&self, old: &Settings) -> Result<Reloaded, ConfigErrors> {
        self.with(None, None, |request| reload(old, request))
    }

    /// The settings; panics with the errors.
    pub(crate) fn settings(&self) -> Settings {
        self.load().unwrap_or_else(|errors| panic!("{errors}")).settings
    }

    /// Warnings or errors, one per line.
    pub(crate) fn complaints(&self) -> String {
        match self.load() {
            Ok(loaded) => loaded.warnings.iter().map(|w| format!("warning {w}\n")).collect(),
            Err(errors) => errors.iter().map(|e| format!("error {e}\n")).collect(),
        }
    }

    fn with<T>(&self, explicit: Option<&str>, extra: Option<&str>, run: impl Fn(LoadRequest<'_>) -> T) -> T {
        let read_file = |path: &Path| match path.to_str().and_then(|path| self.files.get(path)) {
            None => Err(io::Error::from(io::ErrorKind::NotFound)),
            Some(text) if text == FORBIDDEN => Err(io::Error::from(io::ErrorKind::PermissionDenied)),
            Some(text) => Ok(text.clone()),
        };
        let list_directory = |directory: &Path| {
            let inside: Vec<PathBuf> = self
                .files
                .keys()
                .rev()
                .map(PathBuf::from)
                .filter(|file| file.parent() == Some(directory))
                .collect();
            if inside.is_empty() { Err(io::ErrorKind::NotFound.into()) } else { Ok(inside) }
        };
        run(LoadRequest {
            explicit_file: explicit.map(PathBuf::from),
            extra_file: extra.map(PathBuf::from),
            search: SearchPath::default(),
            environment: &|name| self.variables.get(name).map(|value| (*value).to_owned()),
            read_file: &read_file,
            list_directory: &list_directory,
            readable_by_others: &|_| self.world_readable,
        })
    }
}

/// Keys that keep a load free of warnings, to be put before others.
pub(crate) const QUIET: &str =
    r#""MySQLTopologyUser": "orc", "BackendDB": "sqlite", "SQLite3DataFile": "/var/lib/orc.db""#;

/// A world with one file that holds `members` besides those that keep it quiet.
pub(crate) fn quiet(members: &str) -> World {
    World::of(&format!("{{{QUIET}, {members}}}"))
}
