//! Direct commands: the fleet is loaded from the backend, one operation runs per given instance, and its text is
//! printed.

use std::time::Duration;

use engine::Engine;
use registry::{Args, ClusterText, KeyText, NodeOperation, Operation, OperationId, Param};
use server::dispatch::{self, Failure, FailureKind, Printed, Reply, Surface};
use settings::Secrets;
use tokio::runtime::Builder;

use crate::assemble::{App, assemble, load_settings};
use crate::flags::Flags;
use crate::output::{Exit, print};
use crate::usage;

/// How often a running command renews its place in the node registry.
const REGISTRATION: Duration = Duration::from_secs(1);

/// What separates instances in `-i`.
const SEPARATORS: [char; 5] = [' ', ',', '\t', '\r', '\n'];

/// Cores per thread that polls and answers. One thread keeps up with thousands of servers; a second one costs more in
/// waking each other than it brings where cores are few.
const CORES_PER_THREAD: usize = 4;

/// Runs asynchronous work to its end.
pub(crate) fn with_runtime<F>(flags: Flags, work: impl FnOnce(Flags) -> F) -> Result<(), Exit>
where
    F: Future<Output = Result<(), Exit>> + Send + 'static,
{
    let with_stack = flags.is_on("stack");
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let runtime = Builder::new_multi_thread()
        .worker_threads((cores / CORES_PER_THREAD).max(1))
        .enable_all()
        .build()
        .map_err(|error| Exit::fatal(format!("cannot start threads: {error}")))?;
    // On the thread that does everything else: this one would have to be woken for each connection.
    let result = runtime.block_on(runtime.spawn(work(flags)));
    runtime.shutdown_timeout(Duration::from_millis(500));
    let result = result.unwrap_or_else(|stopped| std::panic::resume_unwind(stopped.into_panic()));
    result.map_err(|exit| Exit { with_stack, ..exit })
}

/// Runs a command for each instance in `-i`, or once without any.
pub(crate) async fn run(name: String, flags: Flags) -> Result<(), Exit> {
    let operation = registry::command(&name).ok_or_else(|| usage::unknown_command(&name))?;
    // The members of a pool belong together; every other command runs once for each instance.
    let takes_all = operation.takes.contains(&Param::Instances);
    let instances = if takes_all { vec![None] } else { instances(flags.given("i"))? };
    let settings = load_settings(&flags, App::Command)?;
    check_raft(&flags, settings.raft.enabled)?;
    if operation.id == OperationId::Node(NodeOperation::Redeploy) {
        crate::node::redeploy(&settings).await.map_err(|error| Exit::fatal(format!("{error:#}")))?;
        print("Redeployed internal db\n");
        return Ok(());
    }
    if operation.id == OperationId::Node(NodeOperation::DumpConfig) {
        // What the backend is has to be seen most of all when it cannot be opened.
        print(&format!("{}\n", settings.to_json_line(secrets(&flags))));
        return Ok(());
    }
    let engine = assemble(&flags, settings, App::Command).await?.engine;
    let result = run_all(&engine, operation, &flags, &instances).await;
    // Facts that a command read about servers belong into the backend before the process ends.
    let flushed = engine.flush_writes().await;
    result?;
    flushed.map_err(|error| Exit::fatal(error.to_string()))
}

fn secrets(flags: &Flags) -> Secrets {
    if flags.is_on("show-secrets") { Secrets::Shown } else { Secrets::Hidden }
}

async fn run_all(
    engine: &Engine,
    operation: &'static Operation,
    flags: &Flags,
    instances: &[Option<String>],
) -> Result<(), Exit> {
    engine.load().await.map_err(|error| Exit::fatal(error.to_string()))?;
    let work = async {
        for instance in instances {
            let reply = run_one(engine, operation, flags, instance.as_deref()).await?;
            print(&text_of(reply, flags.is_on("json")));
        }
        Ok(())
    };
    if flags.is_on("skip-continuous-registration") {
        return work.await;
    }
    engine.register_node().await;
    let keep_registered = async {
        loop {
            tokio::time::sleep(REGISTRATION).await;
            engine.register_node().await;
        }
    };
    tokio::select! {
        result = work => result,
        () = keep_registered => Ok(()),
    }
}

async fn run_one(
    engine: &Engine,
    operation: &'static Operation,
    flags: &Flags,
    instance: Option<&str>,
) -> Result<Reply, Exit> {
    let mut args = arguments(flags, instance);
    if operation.takes.contains(&Param::Instances) {
        args.set(Param::Instances, flags.text("i"));
    }
    let surface = if flags.is_on("json") { Surface::CommandJson } else { Surface::Command };
    let result = dispatch::run(engine, operation, &args, surface).await;
    result.map_err(|failure| Exit::fatal(format!("{}{}", failure.message, hint(operation, &args, &failure))))
}

/// Whoever forgets to name an instance means none of this host's, most of the time.
fn hint(operation: &Operation, args: &Args, failure: &Failure) -> &'static str {
    let meant_this_host = args.instance.is_none()
        && args.cluster.is_none()
        && operation.takes.contains(&Param::Instance)
        && !operation.takes.contains(&Param::Cluster);
    match failure.kind {
        FailureKind::Unknown | FailureKind::Refused if meant_this_host => {
            " (no -i was given, so this host is meant; name an instance with -i host:port)"
        }
        FailureKind::Unknown | FailureKind::Refused | FailureKind::Input => "",
    }
}

fn arguments(flags: &Flags, instance: Option<&str>) -> Args {
    let mut args = Args::default();
    args.instance = instance.map(|text| KeyText::Text(text.to_owned()));
    args.destination = flags.destination().map(|text| KeyText::Text(text.to_owned()));
    args.cluster = flags.given("alias").map(|text| ClusterText::Hint(text.to_owned()));
    let texts = [
        (Param::Owner, "owner"),
        (Param::Reason, "reason"),
        (Param::Comment, "reason"),
        (Param::Duration, "duration"),
        (Param::Pattern, "pattern"),
        (Param::PromotionRule, "promotion-rule"),
        (Param::Tag, "tag"),
        (Param::Binlog, "binlog"),
        (Param::Hostname, "hostname"),
        (Param::Pool, "pool"),
        (Param::Process, "process"),
        (Param::Seconds, "seconds"),
        (Param::Statement, "statement"),
    ];
    for (param, flag) in texts {
        args.set(param, flags.text(flag));
    }
    for (param, flag) in [(Param::ShowSecrets, "show-secrets"), (Param::Force, "force")] {
        if flags.is_on(flag) {
            args.set(param, "true");
        }
    }
    args
}

/// The instances of `-i`, or one call without instance.
fn instances(given: Option<&str>) -> Result<Vec<Option<String>>, Exit> {
    let Some(text) = given else { return Ok(vec![None]) };
    let found: Vec<_> =
        text.split(SEPARATORS).filter(|part| !part.is_empty()).map(|part| Some(part.to_owned())).collect();
    if found.is_empty() { Err(Exit::fatal(format!("-i {text:?} names no instance"))) } else { Ok(found) }
}

fn check_raft(flags: &Flags, is_enabled: bool) -> Result<(), Exit> {
    if is_enabled && !flags.is_on("ignore-raft-setup") {
        return Err(Exit::fatal(
            "Orchestrator configured to run raft (\"RaftEnabled\": true). All access must go through the web API of \
             the active raft node. You may use the orchestrator-client script which has a similar interface to the \
             command line invocation. You may override this with --ignore-raft-setup",
        ));
    }
    Ok(())
}

fn text_of(reply: Reply, as_json: bool) -> String {
    if as_json {
        return reply.into_json("") + "\n";
    }
    match reply.printed {
        Printed::Lines(lines) => lines.iter().map(|line| format!("{line}\n")).collect(),
        Printed::Block(text) => format!("{text}\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instances_are_split_at_blanks_and_commas() {
        let some = |texts: &[&str]| Ok(texts.iter().map(|text| Some((*text).to_owned())).collect());
        assert_eq!(instances(None), Ok(vec![None]));
        assert_eq!(instances(Some("a:1")), some(&["a:1"]));
        assert_eq!(instances(Some("a:1, b\tc,,\nd")), some(&["a:1", "b", "c", "d"]));
        assert!(instances(Some(" , ")).is_err());
    }

    #[test]
    fn lines_end_with_a_newline_and_no_lines_print_nothing() {
        let reply = Reply::bare("[]".to_owned(), vec!["a".to_owned(), "b".to_owned()]);
        assert_eq!(text_of(reply.clone(), false), "a\nb\n");
        assert_eq!(text_of(Reply::bare("[]".to_owned(), Vec::new()), false), "");
        assert_eq!(text_of(reply.clone().printing_block(""), false), "\n");
        assert_eq!(text_of(reply, true), "[]\n");
    }
}
