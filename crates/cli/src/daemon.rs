//! The service: HTTP and the engine's loops, until a signal ends it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use engine::Engine;
use server::http::{self, Listener};
use settings::Settings;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::assemble::{App, assemble, load_settings, request};
use crate::flags::Flags;
use crate::node::Node;
use crate::output::Exit;

/// How often the process renews its place in the node registry when the engine's loops do not run.
const REGISTRATION: Duration = Duration::from_secs(1);

/// Runs the service. The address is bound before anything else is started, so that a second process on the same
/// machine ends without having done anything.
pub(crate) async fn serve(flags: Flags) -> Result<(), Exit> {
    let settings = load_settings(&flags, App::Service)?;
    refuse_raft(&settings)?;
    let fatal = |error: &dyn std::fmt::Display| Exit::fatal(error.to_string());
    let listener = Listener::bind(&settings).await.map_err(|error| fatal(&error))?;
    let node = assemble(&flags, settings, App::Service).await?;
    enable_reload(&node, &flags);
    let engine = node.engine.clone();
    engine.register_node().await;
    grab_election(&engine, &flags).await?;
    let mut signals =
        Signals::listen().map_err(|error| Exit::fatal(format!("cannot handle signals: {error}")))?;
    if flags.is_on("discovery") {
        engine.start().await.map_err(|error| fatal(&error))?;
    } else {
        engine.load().await.map_err(|error| fatal(&error))?;
        engine.supervisor().start_loop("registration", keep_registered(engine.clone()));
    }
    let stop = CancellationToken::new();
    let app = http::App::new(engine.clone());
    let serving = http::serve(listener, app, stop.clone());
    let ending = async {
        signals.handle_until_end(&node, &flags).await;
        stop.cancel();
    };
    tokio::join!(serving, ending);
    engine.shut_down().await;
    info!("ended");
    Ok(())
}

/// Everything the service does but HTTP, until a signal ends it.
pub(crate) async fn run_continuously(flags: Flags) -> Result<(), Exit> {
    let settings = load_settings(&flags, App::Service)?;
    refuse_raft(&settings)?;
    let node = assemble(&flags, settings, App::Continuous).await?;
    enable_reload(&node, &flags);
    let engine = node.engine.clone();
    let mut signals =
        Signals::listen().map_err(|error| Exit::fatal(format!("cannot handle signals: {error}")))?;
    engine.register_node().await;
    grab_election(&engine, &flags).await?;
    engine.start().await.map_err(|error| Exit::fatal(error.to_string()))?;
    signals.handle_until_end(&node, &flags).await;
    engine.shut_down().await;
    info!("ended");
    Ok(())
}

/// Makes this node the active one when the flag says so.
async fn grab_election(engine: &Engine, flags: &Flags) -> Result<(), Exit> {
    if !flags.is_on("grab-election") {
        return Ok(());
    }
    info!("this node asks to be the active one, whoever is now");
    let grabbed = engine.lease().grab().await;
    grabbed.map_err(|error| Exit::fatal(format!("unable to grab election: {error}")))
}

fn refuse_raft(settings: &Settings) -> Result<(), Exit> {
    if settings.raft.enabled {
        return Err(Exit::fatal("\"RaftEnabled\": true is not supported by this version; set it to false"));
    }
    Ok(())
}

/// Lets the API read the configuration again.
fn enable_reload(node: &Node, flags: &Flags) {
    let (own, flags) = (node.clone(), flags.clone());
    node.engine.set_reload(Arc::new(move |extra| take_over(&own, &flags, extra)));
}

async fn keep_registered(engine: Engine) {
    loop {
        tokio::time::sleep(REGISTRATION).await;
        engine.register_node().await;
    }
}

struct Signals {
    hangup: Signal,
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Reloads on SIGHUP; returns on SIGTERM and SIGINT.
    async fn handle_until_end(&mut self, node: &Node, flags: &Flags) {
        let name = loop {
            tokio::select! {
                _ = self.hangup.recv() => reload(node, flags).await,
                _ = self.terminate.recv() => break "SIGTERM",
                _ = self.interrupt.recv() => break "SIGINT",
            }
        };
        info!(signal = name, "ending");
        node.engine.audit("shutdown", None, format!("Triggered via {name}")).await;
    }
}

/// Takes over a new configuration; a broken one changes nothing.
async fn reload(node: &Node, flags: &Flags) {
    node.engine.audit("reload-configuration", None, "Triggered via SIGHUP").await;
    if let Err(errors) = take_over(node, flags, None) {
        error!("the configuration was not reloaded, the old one stays: {errors}");
    }
}

/// Reads the files again, and one more when it is given, and puts them in force.
fn take_over(node: &Node, flags: &Flags, extra: Option<PathBuf>) -> Result<(), String> {
    let mut wanted = request(flags);
    wanted.extra_file = extra;
    let reloaded = settings::reload(&node.engine.settings(), wanted).map_err(|errors| errors.to_string())?;
    for warning in &reloaded.warnings {
        warn!("{warning}");
    }
    let (changed, files) = (reloaded.changed_keys, reloaded.files_read.len());
    node.replace_settings(reloaded.settings).map_err(|error| format!("{error:#}"))?;
    for change in &changed {
        info!(
            key = change.key,
            old = change.old,
            new = change.new,
            needs_restart = change.needs_restart,
            "setting changed"
        );
    }
    info!(files, "configuration reloaded");
    Ok(())
}
