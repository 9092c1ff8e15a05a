//! From flags to settings and an engine.

use std::path::PathBuf;

use engine::Unresolve;
use settings::{LoadRequest, Settings};
use tracing::warn;

use crate::flags::Flags;
use crate::node::{Node, Start, open_node};
use crate::output::Exit;
use crate::{logging, system};

/// What the process is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum App {
    /// The daemon.
    Service,
    /// The daemon without HTTP.
    Continuous,
    /// One command.
    Command,
}

/// Reads the configuration that the flags name, starts logging, and tells warnings.
pub(crate) fn load_settings(flags: &Flags, app: App) -> Result<Settings, Exit> {
    let loaded = Settings::load(request(flags)).map_err(|errors| Exit::fatal(errors.to_string()))?;
    logging::start(flags, &loaded.settings.logging, app == App::Service);
    for warning in &loaded.warnings {
        warn!("{warning}");
    }
    for name in flags.unused() {
        warn!("-{name} has no effect: no command uses it");
    }
    let mut settings = loaded.settings;
    if flags.is_on("enable-database-update") {
        settings.backend.skip_schema_update = false;
    }
    Ok(settings)
}

/// Where the configuration is read from; the same again at a reload.
pub(crate) fn request(flags: &Flags) -> LoadRequest<'static> {
    LoadRequest::of_process(flags.given("config").map(PathBuf::from))
}

/// Opens the backend and makes an engine of which nothing runs yet.
pub(crate) async fn assemble(flags: &Flags, settings: Settings, app: App) -> Result<Node, Exit> {
    let owner = match (app, flags.given("owner")) {
        (App::Service | App::Continuous, _) => None,
        (App::Command, Some(owner)) => Some(owner.to_owned()),
        (App::Command, None) => Some(
            system::user()
                .ok_or_else(|| Exit::fatal("the user of this process has no name; give one with -owner"))?,
        ),
    };
    let name = match app {
        App::Service => "http",
        App::Continuous => "continuous",
        App::Command => flags.command().or(flags.words.first().map(String::as_str)).unwrap_or("cli"),
    };
    let is_daemon = app != App::Command;
    let discovers = app == App::Continuous || (app == App::Service && flags.is_on("discovery"));
    let start = Start { app: name.to_owned(), is_daemon, discovers, noop: flags.is_on("noop"), owner };
    let node = open_node(settings, &start).await.map_err(|error| Exit::fatal(format!("{error:#}")))?;
    node.engine.set_unresolve(if flags.is_on("skip-unresolve") {
        Unresolve::Never
    } else if flags.is_on("skip-unresolve-check") {
        Unresolve::OrRealName
    } else {
        Unresolve::Checked
    });
    Ok(node)
}
