//! A few plain pages, so that a person with a browser sees what is going on. They load nothing and hold no script.

use std::fmt::Write;

use decide::analysis::{Hints, Scope, analyze};
use decide::clusters::{cluster_info, clusters_info, problems_of, resolve_cluster_hint};
use decide::topology_text::{TopologyStyle, topology_text};
use model::{AnalysisCode, ClusterDetails};
use registry::Args;

use super::App;
use crate::dispatch::{Call, Surface};

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;\
color:#1a1a1a;background:#fff}table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.35rem .8rem;\
border-bottom:1px solid #ddd}pre{background:#f5f5f5;padding:1rem;overflow:auto}nav a{margin-right:1.2rem}\
@media(prefers-color-scheme:dark){body{color:#e6e6e6;background:#161616}pre{background:#222}a{color:#8ab4f8}\
th,td{border-color:#333}}";

/// All clusters.
pub(super) fn clusters(app: &App) -> String {
    let args = Args::default();
    let call = Call::new(&app.engine, &args, Surface::Http);
    let fleet = app.engine.fleet();
    let infos = clusters_info(&fleet, &call.name_to_alias(), &call.filters());
    let mut body =
        String::from("<table><tr><th>Cluster<th>Alias<th>Servers<th>Problems<th>Automatic recovery</tr>");
    for info in &infos {
        let problems = fleet
            .cluster_members(&info.name)
            .filter(|member| !problems_of(member, &call.problem_policy(), call.now).is_empty())
            .count();
        push(
            &mut body,
            format_args!(
                "<tr><td><a href=\"{}/web/cluster/{}\">{}</a><td>{}<td>{}<td>{}<td>{}</tr>",
                app.prefix,
                encoded(&info.name),
                shown(app, &info.name),
                shown(app, &info.alias),
                info.count_instances,
                if problems == 0 { "none".to_owned() } else { format!("{problems} with problems") },
                automation(info),
            ),
        );
    }
    body.push_str("</table>");
    if infos.is_empty() {
        body.push_str(
            "<p>No server is known yet. Discover one: <code>orchestrator -c discover -i host:port</code></p>",
        );
    }
    page(app, "Clusters", &body)
}

fn automation(info: &ClusterDetails) -> &'static str {
    match (info.automated_primary_recovery, info.automated_intermediate_recovery) {
        (true, true) => "primary and intermediate",
        (true, false) => "primary",
        (false, true) => "intermediate",
        (false, false) => "off",
    }
}

/// One cluster by name, alias or member; `None` when there is no such cluster.
pub(super) fn cluster(app: &App, hint: &str) -> Option<String> {
    let args = Args::default();
    let call = Call::new(&app.engine, &args, Surface::Http);
    let fleet = app.engine.fleet();
    let port = call.settings.topology.default_port;
    let name = resolve_cluster_hint(&fleet, hint, port, &call.name_to_alias()).ok()?;
    let info = cluster_info(&fleet, &name, &call.name_to_alias(), &call.filters()).ok()?;
    let text = topology_text(&fleet, &name, TopologyStyle::Tags, &call.topology_policy(), call.now);
    let mut body = format!("<p>Name {}, automatic recovery: {}.</p>", shown(app, &name), automation(&info));
    push(&mut body, format_args!("<pre>{}</pre>", shown(app, &text)));
    push(
        &mut body,
        format_args!(
            "<p>As JSON: <a href=\"{0}/api/cluster/{1}\">servers</a>, <a href=\"{0}/api/cluster-info/{1}\">cluster</a>, \
         <a href=\"{0}/api/audit-recovery/cluster/{1}\">recoveries</a></p>",
            app.prefix,
            encoded(&name),
        ),
    );
    Some(page(app, &format!("Cluster {}", info.alias), &body))
}

/// What is wrong now.
pub(super) fn analysis(app: &App) -> String {
    let args = Args::default();
    let call = Call::new(&app.engine, &args, Surface::Http);
    let policy = engine::policies::analysis_policy(&call.settings);
    let hints = Hints { include_downtimed: true, include_no_problem: false };
    let findings = analyze(&app.engine.fleet(), Scope::All, hints, &policy, &call.filters(), call.now);
    let mut body = String::from("<table><tr><th>Server<th>Cluster<th>Analysis<th>Meaning</tr>");
    for finding in &findings {
        let code =
            Some(finding.code).filter(|code| *code != AnalysisCode::NoProblem).map(AnalysisCode::as_str);
        let codes: Vec<&str> =
            code.into_iter().chain(finding.structure.iter().map(|code| code.as_str())).collect();
        push(
            &mut body,
            format_args!(
                "<tr><td>{}<td>{}<td>{}<td>{}</tr>",
                shown(app, &finding.key.to_string()),
                shown(app, &finding.cluster.alias),
                codes.join(", "),
                escaped(&finding.description),
            ),
        );
    }
    body.push_str("</table>");
    if findings.is_empty() {
        body.push_str("<p>Nothing is wrong.</p>");
    }
    page(app, "Failure analysis", &body)
}

pub(super) fn page(app: &App, title: &str, body: &str) -> String {
    let (title, prefix) = (escaped(title), &app.prefix);
    let shown = app.engine.now().to_sql_text();
    let settings = app.engine.settings();
    let message = escaped(&settings.web.message);
    let agents = match settings.agents.served {
        true => format!("<a href=\"{prefix}/web/agents\">Agents</a><a href=\"{prefix}/web/seeds\">Seeds</a>"),
        false => String::new(),
    };
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title} - orchestrator</title><style>{STYLE}</style>\
         <nav><a href=\"{prefix}/web/clusters\">Clusters</a><a href=\"{prefix}/web/clusters-analysis\">Failure analysis</a>\
         <a href=\"{prefix}/api/audit-recovery\">Recoveries (JSON)</a><a href=\"{prefix}/api/problems\">Problems (JSON)</a>\
         <a href=\"{prefix}/metrics\">Metrics</a>{agents}</nav><h1>{title}</h1><p>{message}</p>{body}\
         <p><small>State of {shown} UTC; reload for the present one.</small></p></html>"
    )
}

pub(super) fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = out.write_fmt(text);
}

/// Host names without what operators of a large installation do not want to read again and again.
pub(super) fn shown(app: &App, text: &str) -> String {
    let settings = app.engine.settings();
    let removed = settings.web.removed_text.as_str();
    if removed.is_empty() { escaped(text) } else { escaped(&text.replace(removed, "")) }
}

/// A text as it can stand in a page.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// A text as one segment of a path.
pub(super) fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:".contains(&byte) {
            out.push(char::from(byte));
        } else {
            push(&mut out, format_args!("%{byte:02X}"));
        }
    }
    out
}
