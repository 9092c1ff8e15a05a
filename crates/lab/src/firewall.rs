//! Cutting parties off from a server, on loopback, where everybody has the same address.
//!
//! How it works: each process of a lab runs under a group id of its own, and a packet filter table of the lab's own
//! (`nft`, family inet) writes a mark on every connection to a lab server when it is opened, from the group of the
//! socket that opens it. A cut is two rules, one for each direction, that match the server's port and the mark; so it
//! also holds for connections opened long before, and replies do not leak through. The rules match the lab's own ports
//! only, so labs that run side by side do not touch each other. Needs root; without it everything but cutting works.
//!
//! A party is who *opens* connections: cutting `b` from `a` stops `b` replicating from `a`, not `a` from `b`.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// The group under which the daemon under test runs.
pub(crate) const ORCHESTRATOR_GROUP: u32 = 64_001;
/// Server number `n` of a lab runs under this group plus `n`.
const FIRST_SERVER_GROUP: u32 = 64_100;
/// Marks are group ids with this in front, to keep clear of other users of connection marks.
const MARK_BASE: u32 = 0x6f00_0000;
const CLIENTS_MARK: u32 = MARK_BASE | 1;

/// Who is cut off from a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Party<'a> {
    /// The daemon started by [`OrchestratorProcess`](crate::OrchestratorProcess).
    Orchestrator,
    /// Another server of the lab, by name: its replication connection.
    Server(&'a str),
    /// Every other process, the test's own included: application clients.
    Clients,
    /// Everybody.
    Everyone,
}

/// What a party that is cut off sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CutKind {
    /// Silence, as from a broken network or a dead machine.
    Drop,
    /// A connection reset, as from a machine without that server.
    Reject,
}

/// The group of server number `index`.
pub(crate) fn server_group(index: usize) -> u32 {
    FIRST_SERVER_GROUP + u32::try_from(index).unwrap_or(u32::MAX - FIRST_SERVER_GROUP)
}

/// Whether this process may give groups to its children and change packet filters.
pub(crate) fn is_possible() -> bool {
    rustix::process::geteuid().is_root()
}

/// A party as the packet filter knows it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Opener {
    Group(u32),
    Clients,
    Everyone,
}

/// The packet filter table of one lab; removed when dropped.
#[derive(Debug)]
pub(crate) struct Firewall {
    table: String,
    /// Why cutting is not possible, if so.
    unavailable: Option<String>,
}

impl Firewall {
    /// Starts marking the connections to `ports`. Never fails: the reason is told when somebody wants to cut.
    pub(crate) fn install(table: String, ports: &[u16], servers: usize) -> Self {
        if !is_possible() {
            return Self { table, unavailable: Some("it needs root".into()) };
        }
        let unavailable = nft(&marking_rules(&table, ports, servers)).err().map(|error| format!("{error:#}"));
        Self { table, unavailable }
    }

    pub(crate) fn cut(&self, opener: Opener, port: u16, kind: CutKind) -> Result<()> {
        if let Some(reason) = &self.unavailable {
            bail!("cannot cut connections on this machine: {reason}");
        }
        nft(&cut_rules(&self.table, opener, port, kind))
    }

    pub(crate) fn heal(&self) -> Result<()> {
        match self.unavailable {
            // Nothing was ever cut.
            Some(_) => Ok(()),
            None => nft(&format!("flush chain inet {} cut\n", self.table)),
        }
    }
}

impl Drop for Firewall {
    fn drop(&mut self) {
        if self.unavailable.is_none() {
            remove_table(&self.table);
        }
    }
}

/// Removes a table if it exists.
pub(crate) fn remove_table(table: &str) {
    if is_possible() {
        // Fails if there is no such table, or no nft; then there is nothing to remove.
        let _ = nft(&format!("delete table inet {table}\n"));
    }
}

fn marking_rules(table: &str, ports: &[u16], servers: usize) -> String {
    let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
    let groups: Vec<String> = std::iter::once(ORCHESTRATOR_GROUP)
        .chain((0..servers).map(server_group))
        .map(|group| format!("{group} : {:#x}", MARK_BASE | group))
        .collect();
    format!(
        "table inet {table} {{\n\
         chain marking {{ type filter hook output priority -10; policy accept;\n\
         ct state new tcp dport {{ {ports} }} ct mark set {CLIENTS_MARK:#x}\n\
         ct state new tcp dport {{ {ports} }} ct mark set meta skgid map {{ {groups} }}\n\
         }}\n\
         chain cut {{ type filter hook output priority 0; policy accept;\n\
         }}\n}}\n",
        ports = ports.join(", "),
        groups = groups.join(", "),
    )
}

fn cut_rules(table: &str, opener: Opener, port: u16, kind: CutKind) -> String {
    let mark = match opener {
        Opener::Group(group) => format!("ct mark {:#x} ", MARK_BASE | group),
        Opener::Clients => format!("ct mark {CLIENTS_MARK:#x} "),
        Opener::Everyone => String::new(),
    };
    let verdict = match kind {
        CutKind::Drop => "drop",
        CutKind::Reject => "reject with tcp reset",
    };
    ["dport", "sport"].iter().fold(String::new(), |mut rules, direction| {
        let _ = writeln!(rules, "add rule inet {table} cut tcp {direction} {port} {mark}{verdict}");
        rules
    })
}

fn nft(rules: &str) -> Result<()> {
    let mut child = Command::new("nft")
        .args(["-f", "-"])
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot run nft (package nftables)")?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(rules.as_bytes())?;
    }
    let output = child.wait_with_output()?;
    if !output.status.success() {
        bail!("nft refused: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_holds_in_both_directions() {
        let rules = cut_rules("t", Opener::Group(64_001), 21_000, CutKind::Drop);
        assert_eq!(
            rules,
            "add rule inet t cut tcp dport 21000 ct mark 0x6f00fa01 drop\n\
             add rule inet t cut tcp sport 21000 ct mark 0x6f00fa01 drop\n"
        );
    }
}
