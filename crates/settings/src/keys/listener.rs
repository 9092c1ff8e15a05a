//! Keys of the HTTP listener, of who may do what, and of the agents listener.

use std::path::PathBuf;
use std::time::Duration;

use model::Secret;

use crate::choices::{Authentication, MessageIdentity};
use crate::key::Literal;
use crate::key::Unit::{Hours, Minutes, Seconds};
use crate::key::group;
use crate::resolve::{choice, flag, integer, list, null_list, optional, path, secret, span, text};

group! {
    /// The listener of API and web pages.
    "Listener" Listener {
        /// TCP address `[host]:port` of API and web pages.
        3 ListenAddress => address: String =
            text(":3000"), restart, expanded, sample(Literal::Text("127.0.0.1:3000"));
        /// Path of a Unix socket; if set, neither TCP nor TLS is served.
        4 ListenSocket => socket: Option<PathBuf> = path(), restart, expanded;
        /// `scheme://host:port` under which other nodes reach this one. No path allowed. Needed behind NAT, and if
        /// `ListenAddress` holds an IPv6 address.
        5 HTTPAdvertise => advertised_url: Option<String> = optional(), restart, expanded,
            no_effect("there is no cluster of nodes with backends of their own; use a shared backend");
        /// Path before all routes; normalised to one leading slash and no trailing one.
        181 URLPrefix => url_prefix: String = text(""), restart;
        /// Path of the status check. The default is served below `URLPrefix`, any other path exactly as given.
        130 StatusEndpoint => status_endpoint: String = text("/api/status"), restart;
        /// Demand a client certificate with an accepted organizational unit for the status check, too.
        131 StatusOUVerify => status_needs_certificate: bool = flag(false);
        /// Serve HTTPS on `ListenAddress`; also used between nodes.
        123 UseSSL => tls: bool = flag(false), restart;
        /// Demand client certificates whose organizational unit is in `SSLValidOUs`.
        124 UseMutualTLS => mutual_tls: bool = flag(false), restart;
        /// Do not verify certificates of other nodes.
        125 SSLSkipVerify => tls_skip_verify: bool = flag(false), restart,
            no_effect("there is no cluster of nodes with backends of their own; use a shared backend");
        /// Private key of the listener (PEM; if encrypted, PKCS #8).
        126 SSLPrivateKeyFile => tls_key: Option<PathBuf> = path(), restart, expanded;
        /// Certificate of the listener (PEM).
        127 SSLCertFile => tls_certificate: Option<PathBuf> = path(), restart, expanded;
        /// Certificate authority for client certificates and for other nodes (PEM).
        128 SSLCAFile => tls_authority: Option<PathBuf> = path(), restart, expanded;
        /// Accepted organizational units of client certificates; an empty list admits nobody.
        129 SSLValidOUs => tls_valid_units: Vec<String> = list(&[]), restart;
        /// Password of an encrypted `SSLPrivateKeyFile`, usually `${NAME}` or `${file:/path}`.
        202 SSLPrivateKeyPassword => tls_key_password: Secret = secret(), restart, expanded, extension;
        /// Put the identity of this node before messages of the API: `FQDN`, `hostname`, `custom` or `none`.
        200 PrependMessagesWithOrcIdentity => message_identity: MessageIdentity = choice(""), restart;
        /// Identity for `custom`, and for the others if no name is known.
        201 CustomOrcIdentity => custom_identity: String = text(""), restart;
    }
}

group! {
    /// Who may do what through the API.
    "Authentication" Authority {
        /// Refuse every change asked for through the API of this node.
        88 ReadOnly => read_only: bool = flag(false);
        /// Empty for none, or `basic`, `multi` (also a user `readonly`), `proxy` (user named in a header), `token`,
        /// `oauth` (denies every change); case does not matter.
        89 AuthenticationMethod => method: Authentication = choice(""), restart, sample(Literal::Text("basic"));
        /// User for `basic` and `multi`.
        93 HTTPAuthUser => user: String = text(""), restart, expanded, sample(Literal::Text("operator"));
        /// Password for `basic` and `multi`; also used between nodes.
        94 HTTPAuthPassword => password: Secret = secret(), restart, expanded,
            sample(Literal::Text("${ORCHESTRATOR_HTTP_PASSWORD}"));
        /// Header that names the user with `proxy`.
        95 AuthUserHeader => user_header: String = text("X-Forwarded-User");
        /// Users that may change things with `proxy`; `*` means everyone. With `proxy` name them here: without the key
        /// nobody is a power user by name.
        96 PowerAuthUsers => power_users: Vec<String> = list(&["*"]);
        /// Groups of the operating system whose members may change things with `proxy`.
        97 PowerAuthGroups => power_groups: Vec<String> = list(&[]);
        /// Time to redeem an issued access token.
        98 AccessTokenUseExpirySeconds => token_redeem_time: Duration = span(60, Seconds).unsigned();
        /// Lifetime of a redeemed access token.
        99 AccessTokenExpiryMinutes => token_lifetime: Duration = span(1440, Minutes).unsigned();
        /// Accepted, never used.
        90 OAuthClientId => oauth_client_id: Option<String> = optional(), ignored;
        /// Accepted, never used.
        91 OAuthClientSecret => oauth_client_secret: Secret = secret(), ignored;
        /// Accepted, never used.
        92 OAuthScopes => oauth_scopes: Vec<String> = null_list(), ignored;
    }
}

group! {
    /// The listener for agents on database hosts, and seeds.
    "Agents" Agents {
        /// Serve agents, poll them, and allow all agent calls of the API.
        115 ServeAgentsHttp => served: bool = flag(false), restart;
        /// Address of the agents listener.
        6 AgentsServerPort => address: String = text(":3001"), restart, expanded;
        /// Serve agents over TLS, and call them over TLS.
        116 AgentsUseSSL => tls: bool = flag(false), restart;
        /// Demand client certificates whose organizational unit is in `AgentSSLValidOUs`.
        117 AgentsUseMutualTLS => mutual_tls: bool = flag(false), restart;
        /// Do not verify certificates of agents.
        118 AgentSSLSkipVerify => tls_skip_verify: bool = flag(false), restart;
        /// Private key of the agents listener (PEM, may be encrypted).
        119 AgentSSLPrivateKeyFile => tls_key: Option<PathBuf> = path(), restart, expanded;
        /// Certificate of the agents listener (PEM).
        120 AgentSSLCertFile => tls_certificate: Option<PathBuf> = path(), restart, expanded;
        /// Certificate authority for certificates of agents (PEM).
        121 AgentSSLCAFile => tls_authority: Option<PathBuf> = path(), restart, expanded;
        /// Accepted organizational units of agent certificates.
        122 AgentSSLValidOUs => tls_valid_units: Vec<String> = list(&[]), restart;
        /// Password of an encrypted `AgentSSLPrivateKeyFile`, usually `${NAME}` or `${file:/path}`.
        203 AgentSSLPrivateKeyPassword => tls_key_password: Secret = secret(), restart, expanded, extension;
        /// Time between two polls of an agent.
        132 AgentPollMinutes => poll: Duration = span(60, Minutes).unsigned();
        /// Silent agents are dropped after this time.
        133 UnseenAgentForgetHours => forget_after: Duration = span(6, Hours).unsigned();
        /// Seeds without progress for this time have failed.
        134 StaleSeedFailMinutes => stale_seed: Duration = span(60, Minutes).unsigned();
        /// Pause between the start of the receiver and of the sender of a seed.
        136 SeedWaitSecondsBeforeSend => seed_wait: Duration = span(2, Seconds);
        /// Accepted, never used.
        135 SeedAcceptableBytesDiff => seed_acceptable_difference: i64 = integer(8192), ignored;
    }
}
