//! Arguments of operations, whether they came by path, query, body or flags.

use std::collections::BTreeMap;

/// A named text argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Param {
    /// The server acted upon.
    Instance,
    /// Another server: destination or candidate.
    Destination,
    /// A cluster, by name, alias or member.
    Cluster,
    /// A text or regular expression to search for.
    Pattern,
    /// Who asks.
    Owner,
    /// Why.
    Reason,
    /// How long: digits and one of `s m h d w`.
    Duration,
    /// A promotion rule.
    PromotionRule,
    /// A tag: `name`, `name=value`, `~name`, `~name=value`, or a list of them.
    Tag,
    /// Why, for acknowledgements.
    Comment,
    /// A page of a listing, from 0.
    Page,
    /// Number of a record.
    Id,
    /// Identifier of a recovery.
    Uid,
    /// HTTP status to answer instead of the usual one.
    StatusCode,
    /// Only records that are not acknowledged: `true`.
    Unacknowledged,
    /// Run no hooks: `true`.
    SkipHooks,
    /// Print secrets: `true`.
    ShowSecrets,
    /// A binary log: `file`, `file:pos`, or `latest`.
    Binlog,
    /// A position in a binary log.
    LogPos,
    /// An SQL statement.
    Statement,
    /// A number of seconds.
    Seconds,
    /// A pool.
    Pool,
    /// Several servers: `host[:port]`, separated by commas.
    Instances,
    /// Another name of a host.
    Hostname,
    /// Do it although it looks unsafe: `true`.
    Force,
    /// A connection to a server, by its number.
    Process,
    /// The alias a cluster gets.
    NewAlias,
    /// Number of a maintenance lock.
    MaintenanceId,
    /// Another configuration file.
    ConfigFile,
    /// A node of the consensus group: address, or part of its name.
    Node,
    /// A queue of reads.
    Queue,
    /// The host that has the data.
    SourceHost,
    /// Path of a logical volume.
    Volume,
    /// A part of the path that nothing is made of.
    Unused,
}

impl Param {
    /// How the command line names it.
    pub fn flag(self) -> &'static str {
        match self {
            Self::Instance => "-i",
            Self::Destination => "-d",
            Self::Cluster => "--alias",
            Self::Pattern => "--pattern",
            Self::Owner => "--owner",
            Self::Reason | Self::Comment => "--reason",
            Self::Duration => "--duration",
            Self::PromotionRule => "--promotion-rule",
            Self::Tag => "--tag",
            Self::Page => "--page",
            Self::Id => "--id",
            Self::Uid => "--uid",
            Self::StatusCode => "--status-code",
            Self::Unacknowledged => "--unacknowledged",
            Self::SkipHooks => "--noop",
            Self::ShowSecrets => "--show-secrets",
            Self::Binlog | Self::LogPos => "--binlog",
            Self::Statement => "--statement",
            Self::Seconds => "--seconds",
            Self::Pool => "--pool",
            Self::Instances => "-i",
            Self::Hostname => "--hostname",
            Self::Force => "--force",
            Self::Process => "--process",
            Self::NewAlias => "--new-alias",
            Self::MaintenanceId => "--maintenance-id",
            Self::ConfigFile => "--config",
            Self::Node | Self::Unused => "--node",
            Self::Queue => "--queue",
            Self::SourceHost => "--source",
            Self::Volume => "--lv",
        }
    }

    /// What stands for its value in help texts; empty for switches.
    pub fn placeholder(self) -> &'static str {
        match self {
            Self::Instance | Self::Destination => "host:port",
            Self::Cluster => "cluster",
            Self::Pattern => "pattern",
            Self::Owner => "owner",
            Self::Reason | Self::Comment => "text",
            Self::Duration => "30m",
            Self::PromotionRule => "rule",
            Self::Tag => "name=value",
            Self::Page
            | Self::Id
            | Self::StatusCode
            | Self::LogPos
            | Self::Seconds
            | Self::Process
            | Self::MaintenanceId => "number",
            Self::Uid => "uid",
            Self::Binlog | Self::ConfigFile => "file",
            Self::Statement => "statement",
            Self::Pool => "pool",
            Self::Instances => "host:port,...",
            Self::Volume => "path",
            Self::Hostname | Self::SourceHost | Self::Node | Self::Queue | Self::Unused => "name",
            Self::NewAlias => "alias",
            Self::Unacknowledged | Self::SkipHooks | Self::ShowSecrets | Self::Force => "",
        }
    }
}

/// A server as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyText {
    /// Host and port apart, as in a path.
    Parts {
        /// Host name or address.
        host: String,
        /// Port, not yet read.
        port: String,
    },
    /// `host[:port]` in one text, as in a flag.
    Text(String),
}

/// A cluster as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClusterText {
    /// Name, alias or member.
    Hint(String),
    /// Alias or name, nothing else.
    Alias(String),
    /// Name, taken as it is.
    Name(String),
}

impl ClusterText {
    /// The given text.
    pub fn text(&self) -> &str {
        match self {
            Self::Hint(text) | Self::Alias(text) | Self::Name(text) => text,
        }
    }
}

/// All arguments of one call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Args {
    /// The server acted upon.
    pub instance: Option<KeyText>,
    /// Another server.
    pub destination: Option<KeyText>,
    /// A cluster.
    pub cluster: Option<ClusterText>,
    texts: BTreeMap<Param, String>,
    /// The asking user, when it was authenticated.
    pub user: Option<String>,
    /// Headers of the request, by name.
    pub headers: BTreeMap<String, Vec<String>>,
}

impl Args {
    /// Sets a text argument; an empty text counts as not given.
    pub fn set(&mut self, param: Param, text: impl Into<String>) {
        let text = text.into();
        if text.is_empty() {
            self.texts.remove(&param);
        } else {
            self.texts.insert(param, text);
        }
    }

    /// A text argument.
    pub fn text(&self, param: Param) -> Option<&str> {
        self.texts.get(&param).map(String::as_str)
    }

    /// A text argument, or the empty text.
    pub fn text_or_empty(&self, param: Param) -> &str {
        self.text(param).unwrap_or_default()
    }

    /// A switch is on: its text is `true` or `1`.
    pub fn is_on(&self, param: Param) -> bool {
        matches!(self.text(param), Some("true" | "1"))
    }

    /// A page number; negative and unreadable texts mean 0.
    pub fn page(&self) -> u32 {
        self.text(Param::Page).and_then(|text| text.parse().ok()).unwrap_or(0)
    }

    /// Takes over a parameter of a path. Unknown names are a defect of the table and ignored; a test forbids them.
    pub(crate) fn set_path(&mut self, name: &str, value: &str) {
        match name {
            "host" => self.instance = Some(with_host(self.instance.take(), value)),
            "port" => self.instance = Some(with_port(self.instance.take(), value)),
            "belowHost" | "candidateHost" | "designatedHost" | "siblingHost" => {
                self.destination = Some(with_host(self.destination.take(), value));
            }
            "belowPort" | "candidatePort" | "designatedPort" | "siblingPort" => {
                self.destination = Some(with_port(self.destination.take(), value));
            }
            "tagValue" => {
                let name = self.text_or_empty(Param::Tag).to_owned();
                self.set(Param::Tag, format!("{name}={value}"));
            }
            "clusterHint" => self.cluster = Some(ClusterText::Hint(value.to_owned())),
            "clusterAlias" => self.cluster = Some(ClusterText::Alias(value.to_owned())),
            "clusterName" => self.cluster = Some(ClusterText::Name(value.to_owned())),
            _ => {
                if let Some(param) = path_param(name) {
                    self.set(param, value);
                }
            }
        }
    }

    /// Takes over a parameter of a query or body. Unknown names are ignored, as clients send extra ones.
    pub fn set_query(&mut self, name: &str, value: &str) {
        let param = match name {
            "comment" => Param::Comment,
            "s" | "pattern" => Param::Pattern,
            "tag" => Param::Tag,
            "unacknowledged" => Param::Unacknowledged,
            "skipProcesses" => Param::SkipHooks,
            "owner" => Param::Owner,
            "reason" => Param::Reason,
            "duration" => Param::Duration,
            "promotionRule" => Param::PromotionRule,
            "q" => Param::Statement,
            "force" => Param::Force,
            "instances" => Param::Instances,
            "alias" => Param::NewAlias,
            "config" => Param::ConfigFile,
            "pool" => Param::Pool,
            "seconds" => Param::Seconds,
            "lv" => Param::Volume,
            _ => return,
        };
        if !value.is_empty() {
            self.set(param, value);
        }
    }
}

/// The text parameters that may stand in a path.
pub(crate) fn path_param(name: &str) -> Option<Param> {
    Some(match name {
        "searchString" | "command" => Param::Pattern,
        "owner" => Param::Owner,
        "reason" => Param::Reason,
        "duration" => Param::Duration,
        "promotionRule" => Param::PromotionRule,
        "tagName" => Param::Tag,
        "page" => Param::Page,
        "id" | "recoveryId" | "seedId" => Param::Id,
        "uid" => Param::Uid,
        "errorStatusCode" => Param::StatusCode,
        "logFile" => Param::Binlog,
        "logPos" => Param::LogPos,
        "seconds" => Param::Seconds,
        "pool" => Param::Pool,
        "virtualname" | "targetHost" => Param::Hostname,
        "sourceHost" => Param::SourceHost,
        "process" => Param::Process,
        "maintenanceKey" => Param::MaintenanceId,
        "queue" => Param::Queue,
        "addr" | "node" | "hint" | "raftBind" => Param::Node,
        "authenticationToken" | "raftAdvertise" => Param::Unused,
        _ => return None,
    })
}

fn with_host(former: Option<KeyText>, host: &str) -> KeyText {
    let port = match former {
        Some(KeyText::Parts { port, .. }) => port,
        Some(KeyText::Text(_)) | None => String::new(),
    };
    KeyText::Parts { host: host.to_owned(), port }
}

fn with_port(former: Option<KeyText>, port: &str) -> KeyText {
    let host = match former {
        Some(KeyText::Parts { host, .. }) => host,
        Some(KeyText::Text(_)) | None => String::new(),
    };
    KeyText::Parts { host, port: port.to_owned() }
}
