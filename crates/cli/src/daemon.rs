//! The service: HTTP and the engine's loops, until a signal ends it.

use std::path::PathBuf;
use std::sync::Arc;

use engine::Engine;
use server::http::{self, AgentsApp, Listener};
use settings::Settings;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::assemble::{App, assemble, load_settings, request};
use crate::flags::Flags;
use crate::node::Node;
use crate::open_files::{compare_with_fleet, raise_limit};
use crate::output::Exit;

/// Runs the service. The address is bound before anything else is started, so that a second process on the same
/// machine ends without having done anything.
pub(crate) async fn serve(flags: Flags) -> Result<(), Exit> {
    let mut signals = Signals::listen()?;
    let Some(started) = signals.unless_ended(start_service(&flags)).await else { return Ok(()) };
    let (listeners, node) = started?;
    let engine = node.engine.clone();
    let stop = CancellationToken::new();
    let app = http::App::new(engine.clone());
    let serving = http::serve(listeners.main, app, stop.clone());
    let serving_agents = serve_agents(listeners.agents, &engine, stop.clone());
    let ending = async {
        signals.handle_until_end(&node, &flags).await;
        stop.cancel();
    };
    tokio::join!(serving, serving_agents, ending);
    engine.shut_down().await;
    info!("ended");
    Ok(())
}

struct Listeners {
    main: Listener,
    agents: Option<Listener>,
}

async fn serve_agents(listener: Option<Listener>, engine: &Engine, stop: CancellationToken) {
    if let Some(listener) = listener {
        http::serve_agents(listener, AgentsApp::new(engine.clone()), stop).await;
    }
}

async fn start_service(flags: &Flags) -> Result<(Listeners, Node), Exit> {
    let settings = load_settings(flags, App::Service)?;
    refuse_raft(&settings)?;
    let open_files = raise_limit();
    let fatal = |error: &dyn std::fmt::Display| Exit::fatal(error.to_string());
    let main = Listener::bind(&settings).await.map_err(|error| fatal(&error))?;
    let agents = Listener::bind_agents(&settings).await.map_err(|error| fatal(&error))?;
    let node = assemble(flags, settings, App::Service).await?;
    enable_reload(&node, flags);
    let engine = &node.engine;
    engine.register_node().await;
    grab_election(engine, flags).await?;
    if flags.is_on("discovery") {
        engine.start().await.map_err(|error| fatal(&error))?;
    } else {
        engine.start_answering().await.map_err(|error| fatal(&error))?;
    }
    engine.supervisor().start_loop("open files", compare_with_fleet(engine.clone(), open_files));
    if agents.is_some() {
        node.prepare_agents().map_err(|error| fatal(&error))?;
        engine.supervisor().start_loop("agents", engine.clone().poll_agents_forever());
    }
    Ok((Listeners { main, agents }, node))
}

/// Everything the service does but HTTP, until a signal ends it.
pub(crate) async fn run_continuously(flags: Flags) -> Result<(), Exit> {
    let mut signals = Signals::listen()?;
    let Some(started) = signals.unless_ended(start_loops(&flags)).await else { return Ok(()) };
    let node = started?;
    signals.handle_until_end(&node, &flags).await;
    node.engine.shut_down().await;
    info!("ended");
    Ok(())
}

async fn start_loops(flags: &Flags) -> Result<Node, Exit> {
    let settings = load_settings(flags, App::Service)?;
    refuse_raft(&settings)?;
    let open_files = raise_limit();
    let node = assemble(flags, settings, App::Continuous).await?;
    enable_reload(&node, flags);
    let engine = &node.engine;
    engine.register_node().await;
    grab_election(engine, flags).await?;
    engine.start().await.map_err(|error| Exit::fatal(error.to_string()))?;
    engine.supervisor().start_loop("open files", compare_with_fleet(engine.clone(), open_files));
    Ok(node)
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

struct Signals {
    hangup: Signal,
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Before anything else: until then each of them ends the process.
    fn listen() -> Result<Self, Exit> {
        let listen =
            |kind| signal(kind).map_err(|error| Exit::fatal(format!("cannot handle signals: {error}")));
        Ok(Self {
            hangup: listen(SignalKind::hangup())?,
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }

    /// The outcome of starting; `None` when SIGTERM or SIGINT came before it. A SIGHUP that comes meanwhile is kept.
    async fn unless_ended<T>(&mut self, starting: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            outcome = starting => Some(outcome),
            _ = self.terminate.recv() => None,
            _ = self.interrupt.recv() => None,
        }
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
