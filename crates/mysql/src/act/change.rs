//! Changing what a server replicates from: new source, detached source, account.

use model::{BinlogCoordinates, InstanceKey, Replication, ReplicationTls, Secret, SourcePosition};
use ports::ErrorClass;

use super::{Current, Work};
use crate::capabilities::Family;
use crate::errors::{BROKEN_REPLICATION_METADATA, Failure};
use crate::statements::{Channel, Writer};

/// Makes the server replicate from another one. Threads must be stopped.
pub(super) async fn source(
    work: &mut Work<'_>,
    to: &InstanceKey,
    position: &SourcePosition,
) -> Result<(), Failure> {
    let current = work.current().await?;
    let channel = current.as_ref().map(|current| current.channel.clone()).unwrap_or_default();
    if let Some(current) = &current
        && current.source == *to
        && *position == SourcePosition::Keep
        && current.replication.oracle_gtid
    {
        return Ok(());
    }
    let heartbeat = heartbeat_option(work, current.as_ref()).await?;
    let statement = work.write(&channel, |writer| {
        let mut options = host_and_port(writer, to.hostname(), to.port());
        options.extend(place(writer, current.as_ref(), position));
        options.extend(keys_and_tls(writer, current.as_ref().map(|current| &current.replication)));
        options.extend(heartbeat.clone());
        writer.change(&options)
    });
    change_with_repair(work, &channel, statement).await?;
    verify_source(work, to).await
}

/// Looks whether a change of source took effect: servers shorten names that are too long for them. A server without
/// an account yet shows its source all the same.
async fn verify_source(work: &mut Work<'_>, wanted: &InstanceKey) -> Result<(), Failure> {
    let found = work.current().await?.map_or_else(InstanceKey::none, |current| current.source);
    if found.names_same_server_as(wanted) {
        Ok(())
    } else {
        Err(Failure::own(ErrorClass::Server, format!("its source is {found} after the change")))
    }
}

/// The heartbeat period to say again: servers forget it when the source changes, MariaDB with every change.
pub(super) async fn heartbeat_option(
    work: &mut Work<'_>,
    current: Option<&Current>,
) -> Result<Option<String>, Failure> {
    let Some(current) = current else { return Ok(None) };
    let seconds = match current.heartbeat_seconds {
        Some(seconds) => Some(seconds),
        None if work.session.capabilities().tells_receivers() => {
            let statement = work.write(&current.channel, |writer| writer.heartbeat_period());
            match work.ask(&statement).await {
                Ok(answer) => answer.first().and_then(|row| row.number::<f64>(&["heartbeat_interval"])),
                Err(failure) if failure.is_fatal => return Err(failure),
                // Without the privilege to look, the server's own default has to do.
                Err(_) => None,
            }
        }
        None => None,
    };
    Ok(seconds.map(|seconds| {
        work.write(&current.channel, |writer| format!("{}_heartbeat_period={seconds:.3}", writer.source()))
    }))
}

/// Sends a change; when the server's replication metadata is broken, cures that by a reset and tries once more.
async fn change_with_repair(
    work: &mut Work<'_>,
    channel: &Channel,
    statement: String,
) -> Result<(), Failure> {
    match work.change(statement.clone()).await {
        Err(failure)
            if failure.number.is_some_and(|number| BROKEN_REPLICATION_METADATA.contains(&number)) =>
        {
            let reset = work.write(channel, |writer| writer.reset());
            work.change(reset).await?;
            work.change(statement).await
        }
        outcome => outcome,
    }
}

pub(super) fn host_and_port(writer: &Writer<'_>, host: &str, port: u16) -> Vec<String> {
    let source = writer.source();
    vec![format!("{source}_host={}", writer.quoted(host)), format!("{source}_port={port}")]
}

/// Where to start. A change of host makes the server forget file and position, so a replica without GTID is told them.
fn place(writer: &Writer<'_>, current: Option<&Current>, position: &SourcePosition) -> Vec<String> {
    let source = writer.source();
    let file_and_pos = |at: &BinlogCoordinates| {
        vec![format!("{source}_log_file={}", writer.quoted(&at.file)), format!("{source}_log_pos={}", at.pos)]
    };
    let replication = current.map(|current| &current.replication);
    let is_oracle = replication.is_some_and(|replication| replication.oracle_gtid);
    let is_mariadb = replication.is_some_and(|replication| replication.mariadb_gtid);
    match position {
        SourcePosition::Keep if is_oracle || is_mariadb => Vec::new(),
        SourcePosition::Keep => match replication {
            Some(replication) if !replication.exec.file.is_empty() => file_and_pos(&replication.exec),
            Some(_) | None => Vec::new(),
        },
        SourcePosition::OracleAutoPosition => vec![format!("{source}_auto_position=1")],
        SourcePosition::MariaDbSlavePos => vec!["master_use_gtid=slave_pos".to_owned()],
        SourcePosition::MariaDbCurrentPos if writer.caps.demote_to_replica => {
            vec!["master_use_gtid=slave_pos".to_owned(), "master_demote_to_slave=1".to_owned()]
        }
        SourcePosition::MariaDbCurrentPos => vec!["master_use_gtid=current_pos".to_owned()],
        SourcePosition::File(at) => {
            let mut options = file_and_pos(at);
            if is_oracle {
                options.push(format!("{source}_auto_position=0"));
                if writer.caps.gtid_only {
                    options.push("gtid_only=0".to_owned());
                }
            }
            // Newer versions start a fresh replica with GTID unless told otherwise.
            if writer.caps.family == Family::MariaDb {
                options.push("master_use_gtid=no".to_owned());
            }
            options
        }
    }
}

/// The replica's own TLS profile and key settings, sent again with every change. A server that was no replica fetches
/// the source's public key when it may need it to log in.
fn keys_and_tls(writer: &Writer<'_>, replication: Option<&Replication>) -> Vec<String> {
    let source = writer.source();
    let mut options = Vec::new();
    let Some(replication) = replication else {
        if writer.caps.get_public_key {
            options.push(get_public_key(writer, true));
        }
        return options;
    };
    let tls = &replication.tls;
    if tls.allowed {
        options.push(format!("{source}_ssl=1"));
        options.extend(tls_options(writer, tls));
    }
    if !tls.public_key_path.is_empty() {
        options.push(format!("{source}_public_key_path={}", writer.quoted(&tls.public_key_path)));
    }
    if writer.caps.get_public_key
        && let Some(wanted) = tls.get_public_key
    {
        options.push(get_public_key(writer, wanted));
    }
    options
}

fn get_public_key(writer: &Writer<'_>, on: bool) -> String {
    format!("get_{}_public_key={}", writer.source(), u8::from(on))
}

fn tls_options(writer: &Writer<'_>, tls: &ReplicationTls) -> Vec<String> {
    let source = writer.source();
    let mut options = Vec::new();
    let texts = [
        ("ssl_ca", &tls.ca_file, true),
        ("ssl_capath", &tls.ca_path, true),
        ("ssl_cert", &tls.cert, true),
        ("ssl_cipher", &tls.cipher, true),
        ("ssl_crl", &tls.crl_file, true),
        ("ssl_crlpath", &tls.crl_path, true),
        ("ssl_key", &tls.key, true),
        ("tls_version", &tls.tls_version, writer.caps.channel_tls_version),
        ("tls_ciphersuites", &tls.ciphersuites, writer.caps.channel_cipher_suites),
    ];
    for (name, value, is_known) in texts {
        if is_known && !value.is_empty() {
            options.push(format!("{source}_{name}={}", writer.quoted(value)));
        }
    }
    if let Some(verify) = tls.verify_server_cert {
        options.push(format!("{source}_ssl_verify_server_cert={}", u8::from(verify)));
    }
    options
}

/// Changes the recorded source to `//host` and back, keeping the place.
pub(super) async fn detach(work: &mut Work<'_>, detach: bool) -> Result<(), Failure> {
    let Some(current) = work.current().await? else {
        return Err(Failure::own(ErrorClass::Server, "it is no replica, so it has no source to detach from"));
    };
    let wanted = if detach { current.source.detached() } else { current.source.reattached() };
    if wanted == current.source {
        return Ok(());
    }
    if wanted.hostname().chars().count() > work.session.capabilities().source_host_max {
        return Err(Failure::own(
            ErrorClass::Rejected,
            format!("the name {} is too long for this server", wanted.hostname()),
        ));
    }
    let channel = current.channel.clone();
    let heartbeat = heartbeat_option(work, Some(&current)).await?;
    let statement = work.write(&channel, |writer| {
        let mut options = host_and_port(writer, wanted.hostname(), wanted.port());
        options.extend(place(writer, Some(&current), &SourcePosition::Keep));
        options.extend(heartbeat.clone());
        writer.change(&options)
    });
    change_with_repair(work, &channel, statement).await?;
    verify_source(work, &wanted).await
}

/// Sets the account a server replicates with; the statement is not kept, it holds a secret.
pub(crate) async fn set_credentials(
    work: &mut Work<'_>,
    user: &str,
    password: &Secret,
) -> Result<(), Failure> {
    let current = work.current().await?;
    let channel = current.as_ref().map(|current| current.channel.clone()).unwrap_or_default();
    let heartbeat = heartbeat_option(work, current.as_ref()).await?;
    let statement = work.write(&channel, |writer| {
        let source = writer.source();
        let mut options = vec![
            format!("{source}_user={}", writer.quoted(user)),
            format!("{source}_password={}", writer.quoted(password.expose())),
        ];
        if writer.caps.get_public_key && writer.caps.family == Family::MySql {
            options.push(get_public_key(writer, true));
        }
        options.extend(heartbeat.clone());
        writer.change(&options)
    });
    work.sent.push("change of the replication account".to_owned());
    work.session.many(&statement, work.deadline).await.map(|_| ()).map_err(|halt| halt.failure)
}
