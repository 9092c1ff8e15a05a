//! Where the programs of a server are on this machine.
//!
//! An installed server wins; others come from the private prefixes that `script/setup` unpacks. Programs of a prefix bring
//! their own C library and are therefore started through the prefix's own loader.

use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::family::{Dialect, Family};
use crate::home::Home;
use crate::options::path_option;

/// The programs of one server version.
#[derive(Debug, Clone)]
pub struct Binaries {
    family: Family,
    dialect: Dialect,
    version: String,
    /// Program and leading arguments that start the server: the server itself, or loader + library path + server.
    launcher: Vec<OsString>,
    /// The `usr` folder of a server outside its usual place.
    base: Option<PathBuf>,
}

impl Binaries {
    /// Finds the server of a family that tests use: the version that `ORCHESTRATOR_LAB_MYSQL` or `ORCHESTRATOR_LAB_MARIADB`
    /// names, else the installed one, else the newest in a private prefix.
    ///
    /// Errors: none is present; the message names `script/setup`.
    pub fn find(family: Family) -> Result<Self> {
        let variable = format!("ORCHESTRATOR_LAB_{}", family.name().to_uppercase());
        if let Some(version) = std::env::var(&variable).ok().filter(|version| !version.is_empty()) {
            return Self::of_version(family, &version).with_context(|| format!("{variable}={version}"));
        }
        let found = Self::all(family).into_iter().find(|found| found.dialect.is_usual());
        found.with_context(|| format!("no {family} server on this machine; run script/setup to install it"))
    }

    /// Finds the server whose version is this one, or begins with it: `11.8` is also `11.8.6`.
    ///
    /// Errors: it is not present; the message names those that are.
    pub fn of_version(family: Family, version: &str) -> Result<Self> {
        let all = Self::all(family);
        let known: Vec<String> = all.iter().map(|found| found.version.clone()).collect();
        all.into_iter().find(|found| is_version(&found.version, version)).with_context(|| {
            format!("no {family} {version} on this machine, only {known:?}; run script/setup to install it")
        })
    }

    /// Every server of a family: the installed one, then those in private prefixes, newest first.
    pub fn all(family: Family) -> Vec<Self> {
        installed(family).into_iter().chain(prefixes(family)).collect()
    }

    /// The family that these programs belong to.
    pub fn family(&self) -> Family {
        self.family
    }

    /// The version, digits and dots only: `9.7.0`, `10.11.14`.
    pub fn version(&self) -> &str {
        &self.version
    }

    pub(crate) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Program and all leading arguments of a server start; `--no-defaults` comes first as servers demand.
    pub(crate) fn server_command(&self) -> (OsString, Vec<OsString>) {
        let mut arguments = self.launcher[1..].to_vec();
        arguments.push("--no-defaults".into());
        if rustix::process::geteuid().is_root() {
            arguments.push("--user=root".into());
        }
        if let Some(base) = &self.base {
            arguments.push(path_option("--basedir", base));
            arguments.push(path_option("--plugin-dir", &base.join("lib/mysql/plugin")));
            arguments.push(path_option("--lc-messages-dir", &share(base)));
        }
        (self.launcher[0].clone(), arguments)
    }

    /// The command that fills an empty data directory; `folder` takes what else it needs.
    pub(crate) fn initialize_command(&self, data_dir: &Path, folder: &Path) -> Result<Command> {
        match (self.dialect, &self.base) {
            (Dialect::MySql, _) => {
                let (program, arguments) = self.server_command();
                let mut command = Command::new(program);
                command.args(arguments).arg("--initialize-insecure").arg(path_option("--datadir", data_dir));
                command.args(["--innodb-redo-log-capacity=8M", "--innodb-flush-method=nosync"]);
                Ok(command)
            }
            (Dialect::OldMySql | Dialect::MariaDb, Some(base)) => self.bootstrap(base, data_dir, folder),
            (Dialect::OldMySql | Dialect::MariaDb, None) => run_installer(data_dir),
        }
    }

    /// The server runs the scripts that come with it, as its installer would have it do; the installer itself knows of no
    /// loader.
    fn bootstrap(&self, base: &Path, data_dir: &Path, folder: &Path) -> Result<Command> {
        let script = folder.join("bootstrap.sql");
        std::fs::write(&script, bootstrap_script(&share(base))?)?;
        std::fs::create_dir(data_dir)?;
        let (program, arguments) = self.server_command();
        let mut command = Command::new(program);
        command.args(arguments).arg("--bootstrap").arg(path_option("--datadir", data_dir));
        command.arg(path_option("--tmpdir", folder)).stdin(Stdio::from(File::open(&script)?));
        command.args([
            "--innodb-log-file-size=8M",
            "--innodb-flush-method=nosync",
            "--max-allowed-packet=8M",
        ]);
        Ok(command)
    }
}

/// Schema `mysql` without test schema, root without password.
fn bootstrap_script(share: &Path) -> Result<String> {
    let product = if share.ends_with("mariadb") { "mariadb" } else { "mysql" };
    let mut script = "CREATE DATABASE mysql;\nUSE mysql;\nSET @auth_root_socket=NULL;\n".to_owned();
    for (name, is_required) in [
        (format!("{product}_system_tables.sql"), true),
        (format!("{product}_performance_tables.sql"), false),
        (format!("{product}_system_tables_data.sql"), true),
        (format!("{product}_sys_schema.sql"), false),
    ] {
        let path = share.join(name);
        match std::fs::read_to_string(&path) {
            // The lab's servers know no host names.
            Ok(text) => script.extend(
                text.lines().filter(|line| !line.contains("@current_hostname")).flat_map(|line| [line, "\n"]),
            ),
            Err(error) if is_required => bail!("{}: {error}", path.display()),
            Err(_) => {}
        }
    }
    Ok(script)
}

fn run_installer(data_dir: &Path) -> Result<Command> {
    let installer = search_path("mariadb-install-db")
        .context("mariadb-install-db is missing beside mariadbd; run script/setup")?;
    std::fs::create_dir(data_dir)?;
    let mut command = Command::new(installer);
    command.arg("--no-defaults");
    if rustix::process::geteuid().is_root() {
        command.arg("--user=root");
    }
    command.arg(path_option("--datadir", data_dir));
    command.args(["--auth-root-authentication-method=normal", "--skip-test-db"]);
    command.args(["--innodb-log-file-size=8M", "--innodb-flush-method=nosync"]);
    Ok(command)
}

/// The folder of messages and scripts; newer MariaDB has one of its own name.
fn share(base: &Path) -> PathBuf {
    let own = base.join("share/mariadb");
    if own.exists() { own } else { base.join("share/mysql") }
}

fn server_name(family: Family) -> &'static str {
    match family {
        Family::MySql => "mysqld",
        Family::MariaDb => "mariadbd",
    }
}

fn installed(family: Family) -> Option<Binaries> {
    let path = search_path(server_name(family))?;
    let text = version_text(Command::new(&path)).ok()?;
    // MariaDB also installs a `mysqld`.
    if text.contains("MariaDB") != (family == Family::MariaDb) {
        return None;
    }
    let version = parse_version(&text)?;
    let dialect = Dialect::of(family, &version).filter(|dialect| dialect.is_usual())?;
    Some(Binaries { family, dialect, version, launcher: vec![path.into()], base: None })
}

fn prefixes(family: Family) -> Vec<Binaries> {
    let Ok(entries) = Home::locate().and_then(|home| Ok(std::fs::read_dir(home.root())?)) else {
        return Vec::new();
    };
    let mut found: Vec<Binaries> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter_map(|path| describe_prefix(family, &path).ok())
        .collect();
    found.sort_by_key(|binaries| std::cmp::Reverse(version_key(&binaries.version)));
    found
}

fn version_key(version: &str) -> Vec<u32> {
    version.split('.').map(|part| part.parse().unwrap_or(0)).collect()
}

/// The same version, or one of that series.
fn is_version(found: &str, wanted: &str) -> bool {
    found.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// A prefix is called by family and version; the server in it is not asked, which would cost time at every start.
fn describe_prefix(family: Family, prefix: &Path) -> Result<Binaries> {
    let name = prefix.file_name().and_then(|name| name.to_str()).context("not a prefix")?;
    let version = name.strip_prefix(family.name()).and_then(|rest| rest.strip_prefix('-'));
    let version = version.context("a prefix of the other family")?;
    ensure!(prefix.join(".complete").exists(), "the prefix is not complete");
    let dialect = Dialect::of(family, version).context("a version that the lab cannot handle")?;
    let libraries = std::fs::read_dir(prefix.join("usr/lib"))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.join("libc.so.6").exists())
        .context("the prefix has no C library")?;
    let loader = std::fs::read_dir(&libraries)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("ld-linux")))
        .context("the prefix has no loader")?;
    let base = prefix.join("usr");
    let server = base.join("sbin").join(server_name(family));
    let launcher = vec![loader.into(), "--library-path".into(), libraries.into(), server.into()];
    Ok(Binaries { family, dialect, version: version.to_owned(), launcher, base: Some(base) })
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
    fn a_version_that_is_not_here_is_named() {
        let error = Binaries::of_version(Family::MySql, "1.2").expect_err("nobody has it");
        assert!(format!("{error:#}").starts_with("no mysql 1.2 on this machine, only ["), "{error:#}");
    }

    #[test]
    fn a_series_is_found_by_its_first_numbers() {
        assert!(version_key("9.10.0") > version_key("9.7.4"));
        assert!(is_version("11.8.6", "11.8") && is_version("11.8.6", "11.8.6") && is_version("11.8.6", "11"));
        assert!(!is_version("11.8.6", "11.80") && !is_version("11.80.6", "11.8"));
    }
}
