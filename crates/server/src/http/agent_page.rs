//! Pages of agents and seeds, for those who may change things: what they show is for nobody else, as in the API.
//!
//! Actions are buttons that post to the API, whose answer is what one then sees. What destroys data is folded away behind a
//! line that says so.

use std::fmt::Write as _;
use std::time::Duration;

use engine::OperationError;
use model::{Agent, AgentFacts, Seed, SeedState};
use ports::{SeedQuery, StoreError};

use super::App;
use super::page::{encoded, escaped, page as framed, push, shown};
use super::request::percent_decoded;

/// Longest wait for what an agent tells.
const AGENT_MAX: Duration = Duration::from_secs(20);
/// Lines of an error log that are shown.
const LOG_LINES: usize = 20;

/// A page.
pub(super) enum Wanted {
    Agents,
    Agent(String),
    Seeds,
    Seed(i64),
}

impl Wanted {
    /// From the path below the prefix, without slash at its end.
    pub(super) fn read(below: &str) -> Option<Self> {
        let rest = below.strip_prefix("/web/")?;
        Some(match rest.split_once('/') {
            None if rest == "agents" => Self::Agents,
            None if rest == "seeds" => Self::Seeds,
            Some(("agent", host)) if !host.contains('/') => Self::Agent(percent_decoded(host)?),
            Some(("seed-details", id)) => Self::Seed(id.parse().ok()?),
            _ => return None,
        })
    }

    fn title(&self) -> String {
        match self {
            Self::Agents => "Agents".to_owned(),
            Self::Agent(host) => format!("Agent on {host}"),
            Self::Seeds => "Seeds".to_owned(),
            Self::Seed(id) => format!("Seed {id}"),
        }
    }
}

/// The page, or why it is not shown.
pub(super) async fn page(app: &App, wanted: Wanted, may_write: bool) -> String {
    let body = if !app.engine.settings().agents.served {
        Ok("<p>Agents not served: <code>ServeAgentsHttp</code> is off.</p>".to_owned())
    } else if !may_write {
        Ok("<p>Unauthorized</p>".to_owned())
    } else {
        match &wanted {
            Wanted::Agents => agents(app).await,
            Wanted::Agent(host) => agent(app, host).await,
            Wanted::Seeds => listed_seeds(app).await,
            Wanted::Seed(id) => seed(app, *id).await,
        }
    };
    let body = body.unwrap_or_else(|error| format!("<p>{}</p>", escaped(&error.to_string())));
    framed(app, &wanted.title(), &body)
}

async fn agents(app: &App) -> Result<String, OperationError> {
    let agents = app.engine.store().agents().await?;
    if agents.is_empty() {
        return Ok("<p>No agent has registered.</p>".to_owned());
    }
    let mut body =
        String::from("<table><tr><th>Host<th>Port<th>MySQL port<th>Snapshots<th>Last registered (UTC)</tr>");
    for agent in &agents {
        let mysql_port = agent.mysql_port.map(|port| port.to_string()).unwrap_or_default();
        push(
            &mut body,
            format_args!(
                "<tr><td>{}<td>{}<td>{mysql_port}<td>{}<td>{}</tr>",
                agent_link(app, &agent.hostname),
                agent.port,
                agent.snapshots,
                time(agent.submitted),
            ),
        );
    }
    body.push_str("</table>");
    Ok(body)
}

async fn agent(app: &App, host: &str) -> Result<String, OperationError> {
    let registered = app.engine.agent(host).await?;
    // One that hangs is still shown with what is known.
    let facts = match tokio::time::timeout(AGENT_MAX, app.engine.read_agent(host)).await {
        Ok(read) => read?.1.facts,
        Err(_elapsed) => AgentFacts::default(),
    };
    let active = app.engine.store().seeds(SeedQuery::ActiveOf(host.to_owned())).await?;
    let recent = app.engine.store().seeds(SeedQuery::EndedOf(host.to_owned())).await?;
    let mut body = server_part(app, &registered, &facts);
    body.push_str(&snapshots_part(app, host, &facts, active.is_empty()));
    body.push_str(&sources_part(app, host, &facts, active.is_empty()));
    if let Some(first) = active.first() {
        body.push_str("<h2>Running seeds</h2>");
        body.push_str(&seed_table(app, &active));
        body.push_str(&state_table(&app.engine.store().seed_states(first.id).await?));
    }
    if !recent.is_empty() {
        body.push_str("<h2>Ended seeds</h2>");
        body.push_str(&seed_table(app, &recent));
    }
    Ok(body)
}

/// The agent and the MySQL server beside it.
fn server_part(app: &App, agent: &Agent, facts: &AgentFacts) -> String {
    let host = &agent.hostname;
    let mysql_port = facts.mysql_port.or(agent.mysql_port);
    let (state, action) = match facts.mysql_running {
        Some(true) => (
            "runs",
            folded(
                "Stop MySQL",
                &format!(
                    "MySQL on {host} ends. {}",
                    button(app, "agent-mysql-stop", &[host], "Stop it", None)
                ),
            ),
        ),
        Some(false) => ("does not run", button(app, "agent-mysql-start", &[host], "Start MySQL", None)),
        None => ("is not known", String::new()),
    };
    let discover = match mysql_port {
        Some(port) => button(app, "discover", &[host, &port.to_string()], "Discover", None),
        None => String::new(),
    };
    let mut body = format!(
        "<table><tr><th>Agent<td>{}:{}<tr><th>Last registered (UTC)<td>{}<tr><th>MySQL<td>{state} {action}\
         <tr><th>MySQL port<td>{} {discover}<tr><th>Data<td>{}, {} free</table>",
        shown(app, host),
        agent.port,
        time(agent.submitted),
        mysql_port.map(|port| port.to_string()).unwrap_or_default(),
        bytes(facts.mysql_disk_usage),
        bytes(facts.datadir_free),
    );
    if let Some(tail) = facts.error_log_tail.as_ref().filter(|tail| !tail.is_empty()) {
        let last = tail.iter().rev().take(LOG_LINES).rev().map(|line| escaped(line)).collect::<Vec<_>>();
        body.push_str(&folded("End of the error log", &format!("<pre>{}</pre>", last.join("\n"))));
    }
    body
}

/// What is on this host, and what can be done with it.
fn snapshots_part(app: &App, host: &str, facts: &AgentFacts, is_idle: bool) -> String {
    let mut body = String::from("<h2>Snapshots on this host</h2>");
    let mount = facts.mount.clone().unwrap_or_default();
    if mount.is_mounted {
        push(
            &mut body,
            format_args!(
                "<p>{} is mounted at {}: {} of MySQL data. ",
                escaped(&mount.volume_path),
                escaped(&mount.path),
                bytes(Some(mount.mysql_disk_usage)),
            ),
        );
        body.push_str(&match is_idle {
            true => button(app, "agent-umount", &[host], "Unmount", None),
            false => "A seed uses it.".to_owned(),
        });
        body.push_str("</p>");
    }
    for volume in facts.volumes.iter().flatten() {
        let path = volume.path.as_str();
        push(&mut body, format_args!("<p>{} ({:.1} % full) ", escaped(path), volume.snapshot_percent));
        if !mount.is_mounted {
            body.push_str(&button(app, "agent-mount", &[host], "Mount", Some(path)));
            let remove = button(app, "agent-removelv", &[host], "Remove it", Some(path));
            body.push_str(&folded("Remove", &format!("The snapshot is deleted. {remove}")));
        }
        body.push_str("</p>");
    }
    let create = button(app, "agent-create-snapshot", &[host], "Create it", None);
    body.push_str(&folded("Create a snapshot", &create));
    body
}

/// Hosts whose data can be copied here: those of the same data centre first.
fn sources_part(app: &App, host: &str, facts: &AgentFacts, is_idle: bool) -> String {
    let local: Vec<&String> = facts.local_snapshots.iter().flatten().collect();
    let remote = facts.all_snapshots.iter().flatten().filter(|source| !local.contains(source));
    let places = local
        .iter()
        .map(|source| (*source, ""))
        .chain(remote.map(|source| (source, ", in another data centre")));
    let mut body = String::from("<h2>Snapshots on other hosts</h2>");
    let may_seed = is_idle && facts.mysql_running == Some(false);
    for (source, place) in places.filter(|(source, _)| *source != host) {
        push(&mut body, format_args!("<p>{}{place} ", agent_link(app, source)));
        if may_seed {
            let text = format!(
                "All MySQL data on {} is erased and replaced by a copy of that on {}{place}. {}",
                shown(app, host),
                shown(app, source),
                button(app, "agent-seed", &[host, source], "Erase and copy", None),
            );
            body.push_str(&folded("Seed", &text));
        }
        body.push_str("</p>");
    }
    if !may_seed {
        body.push_str("<p>This host can be seeded when its MySQL server does not run, and no seed does.</p>");
    }
    body
}

async fn listed_seeds(app: &App) -> Result<String, OperationError> {
    let seeds = app.engine.store().seeds(SeedQuery::Recent).await?;
    Ok(if seeds.is_empty() { "<p>There was no seed yet.</p>".to_owned() } else { seed_table(app, &seeds) })
}

async fn seed(app: &App, id: i64) -> Result<String, OperationError> {
    let found: Result<Vec<Seed>, StoreError> = app.engine.store().seeds(SeedQuery::Id(id)).await;
    let found = found?;
    if found.is_empty() {
        return Ok("<p>There is no such seed.</p>".to_owned());
    }
    let states = app.engine.store().seed_states(id).await?;
    Ok(seed_table(app, &found) + &state_table(&states))
}

fn seed_table(app: &App, seeds: &[Seed]) -> String {
    let mut body =
        String::from("<table><tr><th>Seed<th>State<th>Target<th>Source<th>Begin (UTC)<th>End (UTC)</tr>");
    for seed in seeds {
        let id = seed.id.to_string();
        let (state, end) = match (seed.is_complete, seed.is_successful) {
            (false, _) => ("active", button(app, "agent-abort-seed", &[&id], "Abort", None)),
            (true, true) => ("success", time(seed.end)),
            (true, false) => ("failed", time(seed.end)),
        };
        push(
            &mut body,
            format_args!(
                "<tr><td><a href=\"{}/web/seed-details/{id}\">{id}</a><td>{state}<td>{}<td>{}<td>{}<td>{end}</tr>",
                app.prefix,
                agent_link(app, &seed.target),
                agent_link(app, &seed.source),
                time(seed.start),
            ),
        );
    }
    body.push_str("</table>");
    body
}

fn state_table(states: &[SeedState]) -> String {
    let mut body = String::from("<table><tr><th>Time (UTC)<th>Step<th>Error</tr>");
    for state in states {
        let (action, error) = (escaped(&state.action), escaped(&state.error));
        push(&mut body, format_args!("<tr><td>{}<td>{action}<td>{error}</tr>", time(state.at)));
    }
    body.push_str("</table>");
    body
}

fn agent_link(app: &App, host: &str) -> String {
    format!("<a href=\"{}/web/agent/{}\">{}</a>", app.prefix, encoded(host), shown(app, host))
}

/// A button that posts to the API.
fn button(app: &App, route: &str, parts: &[&str], label: &str, volume: Option<&str>) -> String {
    let mut path = format!("{}/api/{route}", app.prefix);
    for part in parts {
        path.push('/');
        path.push_str(&encoded(part));
    }
    let volume = volume
        .map(|volume| format!("<input type=\"hidden\" name=\"lv\" value=\"{}\">", escaped(volume)))
        .unwrap_or_default();
    format!(
        "<form method=\"post\" action=\"{path}\" style=\"display:inline\">{volume}<button>{label}</button></form>"
    )
}

fn folded(summary: &str, text: &str) -> String {
    format!("<details><summary>{summary}</summary>{text}</details>")
}

fn time(at: Option<model::Timestamp>) -> String {
    at.map(model::Timestamp::to_sql_text).unwrap_or_default()
}

/// Bytes as people read them.
fn bytes(count: Option<i64>) -> String {
    let Some(count) = count else { return "unknown".to_owned() };
    let units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
    let (mut size, mut unit) = (count, 0);
    while size >= 10_240 && unit + 1 < units.len() {
        size /= 1024;
        unit += 1;
    }
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write!(text, "{size} {}", units[unit]);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_a_unit() {
        let texts = [None, Some(0), Some(10_239), Some(10_240), Some(20 << 40)].map(bytes);
        assert_eq!(texts, ["unknown", "0 bytes", "10239 bytes", "10 KiB", "20 TiB"]);
    }

    #[test]
    fn other_paths_are_no_pages_of_agents() {
        assert!(matches!(Wanted::read("/web/agent/db%201"), Some(Wanted::Agent(host)) if host == "db 1"));
        assert!(matches!(Wanted::read("/web/seed-details/7"), Some(Wanted::Seed(7))));
        for path in ["/web/agent", "/web/agent/a/b", "/web/seed-details/x", "/agents", "/web/agents/x"] {
            assert!(Wanted::read(path).is_none(), "{path}");
        }
    }
}
