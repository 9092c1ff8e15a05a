//! Loads again and tells what is different. The old settings are never touched: after an error they simply stay in use.

use std::path::PathBuf;

use crate::keys;
use crate::load::{LoadRequest, Loaded};
use crate::output::{Secrets, value_json};
use crate::report::{ConfigErrors, Warning};
use crate::settings::Settings;

/// A successful reload.
#[derive(Debug, Clone)]
pub struct Reloaded {
    /// The new effective configuration, including new values of keys that need a restart.
    pub settings: Settings,
    /// All keys whose effective value is another one now, in the order of printing.
    pub changed_keys: Vec<KeyChange>,
    /// Those of the changed keys that take effect only at the next start.
    pub needs_restart_keys: Vec<&'static str>,
    /// What an operator should know; to be logged.
    pub warnings: Vec<Warning>,
    /// The files read, in order.
    pub files_read: Vec<PathBuf>,
}

/// One key with a new value. Values are JSON; those of secrets are hidden.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyChange {
    /// The key.
    pub key: &'static str,
    /// Its value before.
    pub old: String,
    /// Its value now.
    pub new: String,
    /// Whether the new value takes effect only at the next start.
    pub needs_restart: bool,
}

/// Loads the configuration again, from scratch: keys that were removed from the files return to their defaults.
///
/// # Errors
/// Everything that is wrong, all at once. Keep using `old` then.
pub fn reload(old: &Settings, request: LoadRequest<'_>) -> Result<Reloaded, ConfigErrors> {
    let Loaded { settings, warnings, files_read } = Settings::load(request)?;
    let changed_keys: Vec<_> = keys::all()
        .iter()
        .filter_map(|key| {
            let (before, now) = (old.values().get(key.name), settings.values().get(key.name));
            (before != now).then(|| KeyChange {
                key: key.name,
                old: value_json(before, Secrets::Hidden).to_string(),
                new: value_json(now, Secrets::Hidden).to_string(),
                needs_restart: !key.reloadable,
            })
        })
        .collect();
    let needs_restart_keys =
        changed_keys.iter().filter(|change| change.needs_restart).map(|c| c.key).collect();
    Ok(Reloaded { settings, changed_keys, needs_restart_keys, warnings, files_read })
}
