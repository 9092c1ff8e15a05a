//! `orchestrator-lab`: servers for a person to play with, until Ctrl-C: `up` starts real ones, `fleet` simulated ones.
#![allow(clippy::print_stdout, reason = "a command talks to its user")]

mod fleet;

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::{Args, Parser, Subcommand};
use lab::{APP, Binaries, CutKind, Family, Lab, Node, ORCHESTRATOR, Party, REPLICATION, ROOT, User};
use tokio::sync::mpsc;

const HELP: &str = "  kill NAME | hang NAME | resume NAME | restart NAME | shutdown NAME
  cut orchestrator|clients|everyone|SERVER NAME [reject]   PARTY can no longer reach NAME (silence, or resets)
  heal                                                     end all cuts
  sql NAME STATEMENT                                       run a statement as root
  list | help | quit";

#[derive(Parser)]
#[command(about = "MySQL and MariaDB servers on loopback, for trying things out")]
struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Start servers and keep them until Ctrl-C or `quit`; commands are read from standard input.
    Up(Up),
    /// Thousands of servers that only answer what orchestrator asks, in one process.
    Fleet(fleet::Options),
    /// List the servers that can be started, those used without `--version` first.
    Versions,
}

#[derive(Args)]
struct Up {
    /// `mysql` or `mariadb`.
    #[arg(long, default_value = "mysql")]
    family: Family,
    /// `10.5` or `10.5.23`, for example; see `versions`.
    #[arg(long)]
    version: Option<String>,
    /// Who replicates from whom: `a(b,c(d))`; several clusters: `a(b),x(y)`.
    #[arg(long, default_value = "a(b,c)")]
    shape: String,
    /// Replicate by file and position.
    #[arg(long)]
    no_gtid: bool,
    /// Commits wait for a replica's acknowledgement.
    #[arg(long)]
    semi_sync: bool,
    /// Seconds of silence after which a replica takes its primary for dead.
    #[arg(long, default_value_t = 4)]
    replica_net_timeout: u64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    match Arguments::parse().action {
        Action::Up(options) => up(options).await,
        Action::Fleet(options) => fleet::run(&options).await,
        Action::Versions => {
            for binaries in Family::ALL.into_iter().flat_map(Binaries::all) {
                println!("{} {}", binaries.family(), binaries.version());
            }
            Ok(())
        }
    }
}

async fn up(up: Up) -> Result<()> {
    let begin = Instant::now();
    let mut builder = Lab::builder().family(up.family);
    if let Some(version) = &up.version {
        builder = builder.version(version);
    }
    let lab = builder
        .shape(&up.shape)
        .gtid(!up.no_gtid)
        .semi_sync(up.semi_sync)
        .replica_net_timeout(up.replica_net_timeout)
        .start()
        .await?;
    println!(
        "{} {} is up after {:.1} s\n",
        lab.binaries().family(),
        lab.binaries().version(),
        seconds(begin.elapsed())
    );
    list(&lab);
    print_users();
    println!("\ncommands:\n{HELP}");
    tokio::select! {
        result = serve(&lab) => result,
        interrupted = tokio::signal::ctrl_c() => interrupted.context("cannot wait for Ctrl-C"),
    }
}

fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64()
}

fn list(lab: &Lab) {
    println!("{:<12} {:<16} {:<10} {:<8} SOCKET", "NAME", "ADDRESS", "SOURCE", "PID");
    for Node { name, source } in lab.shape().nodes() {
        let server = lab.server(name);
        println!(
            "{name:<12} {:<16} {:<10} {:<8} {}",
            server.address(),
            source.as_deref().unwrap_or("-"),
            server.pid().map_or_else(|| "-".into(), |pid| pid.to_string()),
            server.socket().display()
        );
    }
}

fn print_users() {
    println!();
    for User { name, password } in [ORCHESTRATOR, REPLICATION, APP, ROOT] {
        println!("user {name:<13} password {}", if password.is_empty() { "(none)" } else { password });
    }
}

async fn serve(lab: &Lab) -> Result<()> {
    let mut lines = read_lines();
    while let Some(line) = lines.recv().await {
        if line.trim() == "quit" {
            return Ok(());
        }
        let begin = Instant::now();
        match command(lab, line.trim()).await {
            Ok(()) => println!("ok ({:.2} s)", seconds(begin.elapsed())),
            Err(error) => println!("error: {error:#}"),
        }
    }
    // Standard input may be closed from the start, as in a service: then only a signal ends us.
    std::future::pending().await
}

/// Lines of standard input. A thread of its own, because an async reader would keep the process alive until the next line.
fn read_lines() -> mpsc::Receiver<String> {
    let (sender, lines) = mpsc::channel(1);
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    lines
}

async fn command(lab: &Lab, line: &str) -> Result<()> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let server = |name: &str| lab.find(name).with_context(|| format!("no server `{name}`"));
    match words.as_slice() {
        [] => Ok(()),
        ["help"] => {
            println!("{HELP}");
            Ok(())
        }
        ["list"] => {
            list(lab);
            Ok(())
        }
        ["kill", name] => server(name)?.kill9(),
        ["hang", name] => server(name)?.hang(),
        ["resume", name] => server(name)?.resume(),
        ["restart", name] => server(name)?.restart().await,
        ["shutdown", name] => server(name)?.shutdown().await,
        ["cut", party, name] => lab.cut(parse_party(party), name, CutKind::Drop),
        ["cut", party, name, "reject"] => lab.cut(parse_party(party), name, CutKind::Reject),
        ["heal"] => lab.heal(),
        ["sql", name, ..] => {
            let statement =
                line.splitn(3, char::is_whitespace).nth(2).context("`sql NAME` needs a statement")?;
            print_rows(&server(name)?.records(statement).await?);
            Ok(())
        }
        _ => bail!("no such command `{line}`; try `help`"),
    }
}

fn parse_party(text: &str) -> Party<'_> {
    match text {
        "orchestrator" => Party::Orchestrator,
        "clients" => Party::Clients,
        "everyone" => Party::Everyone,
        server => Party::Server(server),
    }
}

fn print_rows(rows: &[std::collections::BTreeMap<String, String>]) {
    for row in rows {
        let cells: Vec<String> = row.iter().map(|(name, value)| format!("{name}={value}")).collect();
        println!("{}", cells.join("  "));
    }
}
