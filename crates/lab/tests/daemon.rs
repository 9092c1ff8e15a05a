//! The runner of the daemon under test, with a stand-in that answers over HTTP as little as the runner needs.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::Result;
use lab::OrchestratorProcess;
use serde_json::json;

/// Perl is part of every Debian. Answers each request with its path, its group and its command line.
const STAND_IN: &str = r#"#!/usr/bin/perl
use strict; use IO::Socket::INET;
open(my $file, '<', $ARGV[1]) or die "no configuration: $!\n";
my ($listen) = join('', <$file>) =~ /"ListenAddress": "([^"]+)"/ or die "no address\n";
my $server = IO::Socket::INET->new(LocalAddr => $listen, Listen => 5, ReuseAddr => 1) or die "listen: $!\n";
print "listening\n";
while (my $client = $server->accept) {
  my $request = <$client>;
  while (my $line = <$client>) { last if $line eq "\r\n" }
  my ($path) = $request =~ / (\S+) /;
  my $body = "{\"path\": \"$path\", \"arguments\": \"$ARGV[0] $ARGV[2]\"}";
  print $client "HTTP/1.1 ", ($path eq '/api/health' ? '200 OK' : '404 Not Found'), "\r\n\r\n", $body;
  close $client;
}
"#;

fn stand_in(folder: &Path, script: &str) -> Result<PathBuf> {
    let path = folder.join("stand-in");
    std::fs::write(&path, script)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))?;
    Ok(path)
}

#[tokio::test]
async fn a_daemon_is_started_asked_and_ended() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let binary = stand_in(folder.path(), STAND_IN)?;
    let mut daemon = OrchestratorProcess::start(&binary, &json!({"Debug": true}), folder.path()).await?;

    let answer = daemon.get("/api/nothing").await?;
    assert_eq!(answer.status, 404);
    assert_eq!(answer.json()?, json!({"path": "/api/nothing", "arguments": "--config http"}));
    let config: serde_json::Value = serde_json::from_slice(&std::fs::read(daemon.config_path())?)?;
    assert_eq!(config, json!({"Debug": true, "ListenAddress": daemon.address()}));

    let status = daemon.terminate().await?;
    assert!(!status.success());
    assert!(daemon.get("/api/health").await.is_err());
    assert!(daemon.kill9().is_err(), "an ended process has no process id any more");

    let mut again = OrchestratorProcess::start(&binary, &json!({}), folder.path()).await?;
    again.kill9()?;
    assert!(again.get("/api/health").await.is_err());
    Ok(())
}

#[tokio::test]
async fn a_daemon_that_ends_while_starting_shows_its_log() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let binary = stand_in(folder.path(), "#!/bin/sh\necho 'bad configuration'; exit 3\n")?;
    let error =
        OrchestratorProcess::start(&binary, &json!({}), folder.path()).await.expect_err("it cannot start");
    assert!(format!("{error:#}").contains("bad configuration"), "{error:#}");
    Ok(())
}
