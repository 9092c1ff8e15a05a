//! Finds the files, reads them in order and makes `Settings` of them, or tells everything that is wrong.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use crate::adjust::{Outside, adjust, is_absent};
use crate::check::check;
use crate::expand::Sources;
use crate::read::AsRead;
use crate::report::{ConfigErrors, Origin, Report, Warning};
use crate::resolve::Resolving;
use crate::settings::Settings;

/// Where configuration files are looked for if none is named. Each is optional.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchPath {
    /// Files, read in this order; later ones override.
    pub files: Vec<PathBuf>,
    /// A directory whose `*.json` files are read afterwards, sorted by name.
    pub drop_in_directory: Option<PathBuf>,
}

impl Default for SearchPath {
    /// `/etc/orchestrator.conf.json`, then `conf/orchestrator.conf.json` and `orchestrator.conf.json` of the working
    /// directory, then `/etc/orchestrator.conf.d`.
    fn default() -> Self {
        let files = ["/etc/orchestrator.conf.json", "conf/orchestrator.conf.json", "orchestrator.conf.json"];
        Self {
            files: files.map(PathBuf::from).to_vec(),
            drop_in_directory: Some("/etc/orchestrator.conf.d".into()),
        }
    }
}

/// What to load, and the ways to the world outside, so that tests need no files.
#[derive(Clone)]
pub struct LoadRequest<'a> {
    /// The only file to read; it must be readable. `None` searches.
    pub explicit_file: Option<PathBuf>,
    /// A further file, read last. It must lie in the directory of a file or in the drop-in directory of this request.
    pub extra_file: Option<PathBuf>,
    /// Where to search without an explicit file.
    pub search: SearchPath,
    /// The value of an environment variable; `None` if it is not set.
    pub environment: &'a dyn Fn(&str) -> Option<String>,
    /// The content of a file.
    pub read_file: &'a dyn Fn(&Path) -> io::Result<String>,
    /// The paths in a directory, in any order.
    pub list_directory: &'a dyn Fn(&Path) -> io::Result<Vec<PathBuf>>,
    /// Whether everybody on this host can read a file; only leads to a warning.
    pub readable_by_others: &'a dyn Fn(&Path) -> bool,
}

impl LoadRequest<'static> {
    /// Loads from the file system and environment of this process.
    pub fn of_process(explicit_file: Option<PathBuf>) -> Self {
        Self {
            explicit_file,
            extra_file: None,
            search: SearchPath::default(),
            environment: &process_variable,
            read_file: &read_file,
            list_directory: &list_directory,
            readable_by_others: &readable_by_others,
        }
    }
}

/// A successful load.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The effective configuration.
    pub settings: Settings,
    /// What an operator should know; to be logged.
    pub warnings: Vec<Warning>,
    /// The configuration files read, in order, without credentials and certificates.
    pub files_read: Vec<PathBuf>,
}

impl Settings {
    /// Loads the configuration. Without any file the defaults hold.
    ///
    /// # Errors
    /// Everything that is wrong in any file, all at once.
    pub fn load(request: LoadRequest<'_>) -> Result<Loaded, ConfigErrors> {
        let mut report = Report::default();
        let mut config = AsRead::new();
        let files_read = read_all(&request, &mut config, &mut report);
        config.warn_about_status(&mut report);
        let outside = Outside {
            sources: Sources { environment: request.environment, read_file: request.read_file },
            readable_by_others: request.readable_by_others,
        };
        adjust(&mut config, &outside, &mut report);
        check(&config, &outside, &mut report);
        let resolving = Resolving { values: &config.values, origins: &config.origins, report: &mut report };
        let settings = Settings::resolve(resolving);
        let warnings = report.finish()?;
        let settings = settings.expect("a group is missing only if an error was reported");
        Ok(Loaded { settings, warnings, files_read })
    }
}

fn read_all(request: &LoadRequest<'_>, config: &mut AsRead, report: &mut Report) -> Vec<PathBuf> {
    let mut files_read = Vec::new();
    let mut read = |file: &Path, optional: bool, report: &mut Report| match (request.read_file)(file) {
        Ok(text) => {
            config.merge(file, &text, report);
            files_read.push(file.to_owned());
        }
        Err(error) if optional && is_absent(&error) => {}
        Err(error) => {
            let what = format!("Cannot read config file: {} {error}", file.display());
            report.file_error(Origin::file(file), what, "let the user of this process read it, or remove it");
        }
    };
    match &request.explicit_file {
        Some(file) => read(file, false, report),
        None => {
            request.search.files.iter().for_each(|file| read(file, true, report));
            drop_ins(request, report).iter().for_each(|file| read(file, true, report));
        }
    }
    if let Some(file) = &request.extra_file {
        if is_allowed(request, file) {
            read(file, false, report);
        } else {
            let cure = "put it beside the configuration file";
            report.file_error(Origin::file(file), "files of this directory are not read", cure);
        }
    }
    files_read
}

fn drop_ins(request: &LoadRequest<'_>, report: &mut Report) -> Vec<PathBuf> {
    let Some(directory) = &request.search.drop_in_directory else { return Vec::new() };
    match (request.list_directory)(directory) {
        Ok(mut files) => {
            files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
            files.sort();
            files
        }
        Err(error) if is_absent(&error) => Vec::new(),
        Err(error) => {
            let what = format!("Cannot read the directory: {error}");
            report.file_error(
                Origin::file(directory),
                what,
                "let the user of this process read it, or remove it",
            );
            Vec::new()
        }
    }
}

fn is_allowed(request: &LoadRequest<'_>, file: &Path) -> bool {
    if file.components().any(|part| part == Component::ParentDir) {
        return false;
    }
    let parent = file.parent();
    match &request.explicit_file {
        Some(explicit) => explicit.parent() == parent,
        None => {
            request.search.files.iter().any(|known| known.parent() == parent)
                || (parent.is_some() && request.search.drop_in_directory.as_deref() == parent)
        }
    }
}

fn process_variable(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

/// Bytes that are not UTF-8 become U+FFFD, as in the decoder that existing files were made for.
fn read_file(file: &Path) -> io::Result<String> {
    fs::read(file).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

fn list_directory(directory: &Path) -> io::Result<Vec<PathBuf>> {
    fs::read_dir(directory)?.map(|entry| entry.map(|entry| entry.path())).collect()
}

#[cfg(unix)]
fn readable_by_others(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(file).is_ok_and(|metadata| metadata.permissions().mode() & 0o004 != 0)
}

#[cfg(not(unix))]
fn readable_by_others(_: &Path) -> bool {
    false
}
