//! The two server families and where their programs are on this machine.
//!
//! An installed server wins; otherwise MySQL comes from the private prefix that `script/setup` unpacks. Programs of the
//! prefix bring their own C library and are therefore started through the prefix's own loader.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::home::Home;

/// A server family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// MySQL 8.0.26 and newer.
    MySql,
    /// MariaDB 10.5 and newer.
    MariaDb,
}

impl Family {
    /// Both families, MySQL first.
    pub const ALL: [Family; 2] = [Family::MySql, Family::MariaDb];

    /// The name used in options and file names: `mysql` or `mariadb`.
    pub fn name(self) -> &'static str {
        match self {
            Family::MySql => "mysql",
            Family::MariaDb => "mariadb",
        }
    }
}

impl std::str::FromStr for Family {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        Family::ALL
            .into_iter()
            .find(|family| family.name() == text)
            .with_context(|| format!("unknown server family `{text}`: use `mysql` or `mariadb`"))
    }
}

impl std::fmt::Display for Family {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name())
    }
}

/// The programs of one family.
#[derive(Debug, Clone)]
pub struct Binaries {
    family: Family,
    version: String,
    /// Program and leading arguments that start the server: the server itself, or loader + library path + server.
    launcher: Vec<OsString>,
    /// Arguments that tell a server outside its usual place where its files are.
    location: Vec<OsString>,
}

impl Binaries {
    /// Finds the server of a family: installed in the system, else (MySQL) in the private prefix.
    ///
    /// Errors: none is present; the message names `script/setup`.
    pub fn find(family: Family) -> Result<Self> {
        let found = match family {
            Family::MySql => installed(family, "mysqld").or_else(prefix),
            Family::MariaDb => installed(family, "mariadbd"),
        };
        found.with_context(|| format!("no {family} server on this machine; run script/setup to install it"))
    }

    /// The family that these programs belong to.
    pub fn family(&self) -> Family {
        self.family
    }

    /// The version, digits and dots only: `9.7.0`, `10.11.14`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Program and all leading arguments of a server start; `--no-defaults` comes first as servers demand.
    pub(crate) fn server_command(&self) -> (OsString, Vec<OsString>) {
        let mut arguments = self.launcher[1..].to_vec();
        arguments.push("--no-defaults".into());
        if rustix::process::geteuid().is_root() {
            arguments.push("--user=root".into());
        }
        arguments.extend(self.location.iter().cloned());
        (self.launcher[0].clone(), arguments)
    }

    /// The command that fills an empty data directory.
    pub(crate) fn initialize_command(&self, data_dir: &Path) -> Result<Command> {
        let data_dir_argument = crate::options::path_option("--datadir", data_dir);
        match self.family {
            Family::MySql => {
                let (program, arguments) = self.server_command();
                let mut command = Command::new(program);
                command.args(arguments).arg("--initialize-insecure").arg(data_dir_argument);
                command.args(["--innodb-redo-log-capacity=8M", "--innodb-flush-method=nosync"]);
                Ok(command)
            }
            Family::MariaDb => {
                let installer = search_path("mariadb-install-db")
                    .context("mariadb-install-db is missing beside mariadbd; run script/setup")?;
                let mut command = Command::new(installer);
                command.arg("--no-defaults");
                if rustix::process::geteuid().is_root() {
                    command.arg("--user=root");
                }
                command.arg(data_dir_argument);
                command.args(["--auth-root-authentication-method=normal", "--skip-test-db"]);
                command.args(["--innodb-log-file-size=8M", "--innodb-flush-method=nosync"]);
                Ok(command)
            }
        }
    }
}

fn installed(family: Family, program: &str) -> Option<Binaries> {
    let path = search_path(program)?;
    let text = version_text(Command::new(&path)).ok()?;
    let is_mariadb = text.contains("MariaDB");
    if is_mariadb != (family == Family::MariaDb) {
        return None;
    }
    let version = parse_version(&text)?;
    // MySQL 5.7 lacks the statements that the lab uses to wire replication.
    if family == Family::MySql && version.split('.').next()?.parse::<u32>().ok()? < 8 {
        return None;
    }
    Some(Binaries { family, version, launcher: vec![path.into()], location: Vec::new() })
}

fn prefix() -> Option<Binaries> {
    let home = Home::locate().ok()?;
    let mut prefixes: Vec<PathBuf> = std::fs::read_dir(home.root())
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            let is_mysql = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("mysql-"));
            is_mysql && path.join(".complete").exists()
        })
        .collect();
    prefixes.sort_by_key(|path| version_key(path));
    let prefix = prefixes.pop()?;
    describe_prefix(&prefix).ok()
}

fn version_key(prefix: &Path) -> Vec<u32> {
    let name = prefix.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    name.trim_start_matches("mysql-").split('.').map(|part| part.parse().unwrap_or(0)).collect()
}

fn describe_prefix(prefix: &Path) -> Result<Binaries> {
    let libraries = std::fs::read_dir(prefix.join("usr/lib"))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.join("libc.so.6").exists())
        .context("the prefix has no C library")?;
    let loader = std::fs::read_dir(&libraries)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("ld-linux")))
        .context("the prefix has no loader")?;
    let server = prefix.join("usr/sbin/mysqld");
    let launcher: Vec<OsString> =
        vec![loader.into(), "--library-path".into(), libraries.into(), server.into()];
    let mut command = Command::new(&launcher[0]);
    command.args(&launcher[1..]);
    let version =
        parse_version(&version_text(command)?).context("the server in the prefix tells no version")?;
    let location = vec![
        crate::options::path_option("--basedir", &prefix.join("usr")),
        crate::options::path_option("--plugin-dir", &prefix.join("usr/lib/mysql/plugin")),
        crate::options::path_option("--lc-messages-dir", &prefix.join("usr/share/mysql")),
    ];
    Ok(Binaries { family: Family::MySql, version, launcher, location })
}

fn version_text(mut command: Command) -> Result<String> {
    let output = command.args(["--no-defaults", "--version"]).output()?;
    if !output.status.success() {
        bail!("{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Finds `9.7.0` in `/usr/sbin/mysqld  Ver 9.7.0 for Linux …` and `10.11.14` in `Ver 10.11.14-MariaDB-…`.
fn parse_version(text: &str) -> Option<String> {
    let after = text.split_once("Ver ")?.1;
    let version: String = after.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
    (!version.is_empty()).then_some(version)
}

/// `/usr/sbin` is searched too: it is not on an ordinary user's PATH, and servers live there.
fn search_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/usr/local/sbin", "/sbin"].map(PathBuf::from))
        .map(|folder| folder.join(program))
        .find(|candidate| candidate.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_both_families() {
        assert_eq!(
            parse_version("/x/mysqld  Ver 9.7.0-2 for Linux on x86_64 ((Debian))").as_deref(),
            Some("9.7.0")
        );
        assert_eq!(
            parse_version("mariadbd  Ver 10.11.14-MariaDB-0+deb12u2 for x").as_deref(),
            Some("10.11.14")
        );
        assert_eq!(parse_version("nothing here"), None);
    }

    #[test]
    fn newer_prefix_sorts_last() {
        assert!(version_key(Path::new("/x/mysql-9.10.0")) > version_key(Path::new("/x/mysql-9.7.4")));
    }
}
