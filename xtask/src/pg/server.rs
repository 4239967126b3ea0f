//! A throw-away PostgreSQL server: a copy of a prepared data folder, started on a private socket and a random loopback port,
//! stopped and removed when it goes out of scope.
//!
//! Invariants: nobody gets in over TCP without the random password; the password stands in no argument list and no file;
//! durability is off, so nothing here is ever the only copy of anything.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use postgres::{Client, Config, NoTls};
use rustix::process::{Pid, Signal};

use super::folder::Folder;
use super::trial::Spilled;
use super::{sweep, template};
use crate::digest;
use crate::failure::{Failure, Kind};
use crate::process::account::{self, Account};
use crate::process::mask::percent_encoded;
use crate::process::tools::Postgres;
use crate::process::{Run, interrupt, mark, places};
use crate::sql::names::literal;

/// `wal_level` stays `replica`: `minimal` skips the WAL of rewrites and makes timings too good (measured: 0.6 of the time).
/// Errors are logged without DETAIL, CONTEXT and statement, because those hold row values.
const SETTINGS: &[(&str, &str)] = &[
    ("listen_addresses", "127.0.0.1"),
    ("max_connections", "100"),
    ("fsync", "off"),
    ("full_page_writes", "off"),
    ("synchronous_commit", "off"),
    ("autovacuum", "off"),
    ("wal_level", "replica"),
    ("max_wal_size", "8GB"),
    ("TimeZone", "UTC"),
    ("log_timezone", "UTC"),
    ("log_error_verbosity", "terse"),
    ("log_min_error_statement", "panic"),
];

const START_TIME: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(3);
/// How often another free port is tried when somebody took ours in between.
const PORT_TRIES: usize = 8;

/// What a server is started with beyond the defaults.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Further `-c name=value`; they win over the defaults.
    pub extra: Vec<(String, String)>,
    /// How much the databases will grow, so that a big copy is not put into memory.
    pub expected_bytes: u64,
    /// Never in memory, even if it fits: for timings that shall include a disk.
    pub on_disk: bool,
}

/// A running server. Stopped, and its folder removed, on drop.
#[derive(Debug)]
pub struct Server {
    child: Child,
    port: u16,
    password: String,
    major: u32,
    /// Last, because fields are dropped in order and the folder goes after the server.
    folder: Folder,
}

/// Where and as whom; tests choose other ones.
pub(super) struct Setup {
    pub(super) cache: PathBuf,
    pub(super) account: Option<Account>,
}

impl Server {
    /// Starts a server; about 0.2 s once the template for these programs is in the cache.
    pub fn start(tools: &Postgres, settings: &Settings) -> Result<Server> {
        // Somebody else's leftovers are no reason to fail; they are tried again next time.
        let _ = sweep::sweep();
        Server::start_with(tools, settings, &Setup { cache: places::cache(), account: account::for_servers()? })
    }

    pub(super) fn start_with(tools: &Postgres, settings: &Settings, setup: &Setup) -> Result<Server> {
        let account = setup.account.as_ref();
        let template = template::prepare(tools, account, &setup.cache)?;
        let bytes = if settings.on_disk { u64::MAX } else { template.bytes + settings.expected_bytes };
        let folder = Folder::claim(bytes, account)?;
        template
            .copy(&folder.data(), account)
            .with_context(|| format!("copying a prepared data folder to `{}`", folder.path().display()))?;
        for _ in 0..PORT_TRIES {
            let port = free_port()?;
            let mut child = spawn(tools, settings, &folder, port, account)?;
            match wait_until_ready(&mut child, &folder, port) {
                Ok(Some(mut client)) => {
                    let server = Server {
                        child,
                        port,
                        password: digest::hex(&digest::random::<24>()?),
                        major: tools.major,
                        folder,
                    };
                    let set = format!("alter role postgres password {}", literal(&server.password));
                    client
                        .batch_execute(&set)
                        .map_err(|error| database_error("cannot set the server's password", &error))?;
                    return Ok(server);
                }
                Ok(None) => {}
                Err(error) => {
                    stop(&mut child);
                    return Err(error);
                }
            }
        }
        Err(Failure::environment(format!("no free port on 127.0.0.1 after {PORT_TRIES} tries")).into())
    }

    /// For children, which cannot use the socket; the password is percent-encoded, as is the name.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        let (password, database) = (percent_encoded(&self.password), percent_encoded(database));
        format!("postgres://postgres:{password}@127.0.0.1:{}/{database}", self.port)
    }

    /// A session as superuser, over the private socket.
    pub fn connect(&self, database: &str) -> Result<Client> {
        opened(&socket(&self.folder, self.port, database), database)
    }

    /// A session whose notices somebody listens to.
    pub fn listening(&self, database: &str, spilled: &Spilled) -> Result<Client> {
        let (mut config, spilled) = (socket(&self.folder, self.port, database), spilled.clone());
        config.notice_callback(move |notice| spilled.hear(&notice));
        opened(&config, database)
    }

    #[must_use]
    pub fn password(&self) -> &str {
        &self.password
    }

    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    #[must_use]
    pub fn major(&self) -> u32 {
        self.major
    }

    /// Holds `log`, `data` and the socket's folder `s`.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Whether the data lies in memory; timings must say so.
    #[must_use]
    pub fn on_tmpfs(&self) -> bool {
        self.folder.on_tmpfs()
    }

    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        stop(&mut self.child);
    }
}

fn socket(folder: &Folder, port: u16, database: &str) -> Config {
    let mut config = Config::new();
    config.host_path(folder.sockets()).port(port).user("postgres").dbname(database);
    config.application_name("db-change").connect_timeout(Duration::from_secs(10));
    config
}

fn opened(config: &Config, database: &str) -> Result<Client> {
    config.connect(NoTls).map_err(|error| {
        database_error(&format!("cannot connect to the throw-away database `{database}`"), &error).into()
    })
}

fn spawn(
    tools: &Postgres,
    settings: &Settings,
    folder: &Folder,
    port: u16,
    account: Option<&Account>,
) -> Result<Child> {
    let postgres = tools.tool("postgres");
    let mut run = Run::new(&postgres, folder.path()).arg("-D").arg(folder.data()).env("LC_ALL", "C");
    run = run.arg("-c").arg(format!("port={port}"));
    run = run.arg("-c").arg(format!("unix_socket_directories={}", folder.sockets().display()));
    let extra = settings.extra.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    for (name, value) in SETTINGS.iter().copied().chain(extra) {
        run = run.arg("-c").arg(format!("{name}={value}"));
    }
    run.user = account.map(Account::ids);
    let log = File::options()
        .create(true)
        .write(true)
        .truncate(true)
        .mode(0o600)
        .open(folder.log())
        .with_context(|| format!("opening the server's log in `{}`", folder.path().display()))?;
    let mut command = run.command();
    // The next sweep finds it by its folder; it is nobody's work.
    for name in [mark::RUN, mark::REPO] {
        command.env_remove(name);
    }
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    match command.spawn() {
        Ok(child) => Ok(child),
        Err(error) => {
            account::check_may_run(account, &postgres)?;
            Err(Failure::environment(format!("cannot start `{}`: {error}", postgres.display())).into())
        }
    }
}

/// A session once the server answers, or nothing when another process took the port.
fn wait_until_ready(child: &mut Child, folder: &Folder, port: u16) -> Result<Option<Client>> {
    let deadline = Instant::now() + START_TIME;
    let file = folder.sockets().join(format!(".s.PGSQL.{port}"));
    loop {
        if let Some(status) = child.try_wait().context("waiting for a server")? {
            let log = std::fs::read_to_string(folder.log()).unwrap_or_default();
            if log.contains("could not bind") || log.contains("could not create any TCP/IP sockets") {
                return Ok(None);
            }
            return Err(start_failure(&format!("PostgreSQL ended at once ({status})"), &log));
        }
        // Connecting before the socket is there would be cheap to refuse, but each later refusal costs a backend.
        if file.exists()
            && let Ok(client) = socket(folder, port, "postgres").connect(NoTls)
        {
            return Ok(Some(client));
        }
        if interrupt::requested() {
            return Err(Failure::new(Kind::Step, "interrupted while PostgreSQL was starting").into());
        }
        if Instant::now() > deadline {
            let log = std::fs::read_to_string(folder.log()).unwrap_or_default();
            return Err(start_failure(&format!("PostgreSQL did not answer within {} s", START_TIME.as_secs()), &log));
        }
        std::thread::sleep(POLL);
    }
}

fn start_failure(message: &str, log: &str) -> anyhow::Error {
    let lines: Vec<&str> = log.lines().collect();
    let tail = lines[lines.len().saturating_sub(15)..].join("\n");
    Failure::environment(message).detail(tail).hint("run `cargo xtask doctor` to see which PostgreSQL is used").into()
}

/// Immediate shutdown: nothing is kept, so nothing needs to be written.
fn stop(child: &mut Child) {
    if matches!(child.try_wait(), Ok(Some(_))) {
        return;
    }
    if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        let _ = rustix::process::kill_process(pid, Signal::QUIT);
    }
    // The server itself kills children that do not obey within 5 s.
    let deadline = Instant::now() + Duration::from_secs(8);
    while Instant::now() < deadline {
        if matches!(child.try_wait(), Ok(Some(_))) {
            return;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    let _ = child.kill();
    let _ = child.wait();
}

/// A port that was free a moment ago; the caller tries again when it no longer is.
fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("looking for a free port on 127.0.0.1")?;
    Ok(listener.local_addr()?.port())
}

/// An error of the throw-away server without DETAIL, which holds row values.
pub(super) fn database_error(what: &str, error: &postgres::Error) -> Failure {
    let failure = match error.as_db_error() {
        Some(found) => Failure::environment(format!("{what}: {}", found.message()))
            .detail(format!("SQLSTATE {}", found.code().code())),
        None => {
            let cause = std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string);
            Failure::environment(format!("{what}: {cause}"))
        }
    };
    failure.hint("run the same command again: it starts another server; if that one ends too, see that memory is left")
}

#[cfg(test)]
#[path = "server_tests.rs"]
mod tests;
