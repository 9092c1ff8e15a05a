//! What the pages must know before they show anything: who asks, what that user may do, and a few texts of the configuration.

use registry::wire::to_json;
use serde::Serialize;
use settings::Authentication;

use super::super::respond::Refusal;
use super::super::{Access, App, may_write};
use super::custom;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Session<'a> {
    /// The user may change things.
    authorized_for_action: bool,
    /// Why not; empty if so.
    read_only_reason: &'static str,
    user_id: &'a str,
    web_message: &'a str,
    remove_text_from_hostname_display: &'a str,
    serve_agents_http: bool,
    is_customized: bool,
    /// Seconds between two reads of a server.
    instance_poll_seconds: u64,
    hostname: &'a str,
    version: &'a str,
    /// Now, by this node's clock: ages are told by it, not by the browser's.
    now: String,
}

pub(super) async fn json(app: &App, access: &Access) -> Result<String, Refusal> {
    let settings = app.engine.settings();
    let may_write = may_write(app, access).await?;
    let identity = app.engine.identity();
    Ok(to_json(&Session {
        authorized_for_action: may_write,
        read_only_reason: if may_write { "" } else { reason(&settings.authority) },
        user_id: access.user.as_deref().unwrap_or_default(),
        web_message: &settings.web.message,
        remove_text_from_hostname_display: &settings.web.removed_text,
        serve_agents_http: settings.agents.served,
        is_customized: custom::is_customized(&settings.web.custom_folder).await,
        instance_poll_seconds: settings.discovery.poll.as_secs(),
        hostname: &app.engine.node().hostname,
        version: &identity.version,
        now: app.engine.now().to_iso_text(),
    }))
}

fn reason(authority: &settings::Authority) -> &'static str {
    match authority.method {
        _ if authority.read_only => "the configuration allows nobody to change anything (ReadOnly)",
        Authentication::Token => "no valid access token; issue one with: orchestrator -c access-token",
        Authentication::Proxy => {
            "the user that the proxy names is none of PowerAuthUsers and in none of PowerAuthGroups"
        }
        Authentication::Multi => "the user readonly may only read",
        Authentication::OAuth => "with AuthenticationMethod oauth nobody may change anything",
        Authentication::None | Authentication::Basic => "this user may only read",
    }
}
