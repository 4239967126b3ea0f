//! A throw-away server, from nothing to an answered query and on to its removal, against `initdb` and `pg_ctl -w start`.
//!
//! Both make about a thousand files, and making files is slow for a while after many were removed (ext4), so nothing is removed
//! until the last round is over; what our removal takes is measured then and added. The peer's stop and removal are not counted.

use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::chown;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tempfile::TempDir;

use super::Place;
use super::figure::{Pair, milliseconds};
use crate::failure::Failure;
use crate::pg::server::{Server, Settings};
use crate::process::account::{self, Account};
use crate::process::tools::{self, Postgres, Wanted};
use crate::process::{Run, interrupt};

const ROUNDS: usize = 7;

pub(super) fn in_memory(_: &Place) -> Result<Pair> {
    servers(false)
}

pub(super) fn on_disk(_: &Place) -> Result<Pair> {
    servers(true)
}

fn servers(on_disk: bool) -> Result<Pair> {
    let tools = tools::postgres(&Wanted::default())?;
    if !tools.tool("pg_ctl").is_file() {
        return Err(Failure::environment(format!("there is no `pg_ctl` in `{}`", tools.bin.display())).into());
    }
    let account = account::for_servers()?;
    let settings = Settings { on_disk, ..Settings::default() };
    // The first one fills the cache, once per machine and version, and shows where the others will lie.
    let first = Server::start(&tools, &settings)?;
    let base = first.folder().parent().context("a server's folder lies in another")?.to_owned();
    let in_memory = rustix::fs::statfs(&base).is_ok_and(|found| found.f_type == TMPFS_MAGIC);
    if in_memory == on_disk {
        let found = if in_memory { "lies in memory" } else { "lies on a disk" };
        return Err(Failure::environment(format!("`{}` {found}, which is the other bench", base.display())).into());
    }
    let (mut ours, mut peers) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        if interrupt::requested() {
            break;
        }
        // Who goes first changes, so that neither always follows the other.
        if round % 2 == 0 {
            ours.push(Ours::start(&tools, &settings)?);
            peers.push(Peer::start(&tools, account.as_ref(), &base)?);
        } else {
            peers.push(Peer::start(&tools, account.as_ref(), &base)?);
            ours.push(Ours::start(&tools, &settings)?);
        }
    }
    let peer = peers.iter().map(|peer| milliseconds(peer.took)).collect();
    let ours = ours.into_iter().map(|ours| milliseconds(ours.end())).collect();
    let what = "start, first query, stop and removal of a throw-away server".to_owned();
    let against = format!("`initdb` and `pg_ctl -w start` of PostgreSQL {}", tools.version);
    Ok(Pair { ours, peer, unit: "ms", what, against })
}

/// From `linux/magic.h`.
const TMPFS_MAGIC: rustix::fs::FsWord = 0x0102_1994;

struct Ours {
    server: Server,
    took: Duration,
}

impl Ours {
    fn start(tools: &Postgres, settings: &Settings) -> Result<Ours> {
        let started = Instant::now();
        let server = Server::start(tools, settings)?;
        server.connect("postgres")?.batch_execute("select 1").context("the first query")?;
        Ok(Ours { server, took: started.elapsed() })
    }

    /// Stops and removes it: the time of its whole life.
    fn end(self) -> Duration {
        let started = Instant::now();
        drop(self.server);
        self.took + started.elapsed()
    }
}

/// A server as a person would make one by hand.
struct Peer {
    pg_ctl: Run,
    _folder: TempDir,
    took: Duration,
}

impl Peer {
    fn start(tools: &Postgres, account: Option<&Account>, base: &Path) -> Result<Peer> {
        let folder =
            tempfile::Builder::new().prefix("bench-peer-").tempdir_in(base).context("a folder for the peer")?;
        if let Some(account) = account {
            chown(folder.path(), Some(account.uid), Some(account.gid))
                .context("giving a folder to the server's user")?;
        }
        let run = |name: &str| {
            let mut run = Run::new(tools.tool(name), folder.path()).arg("-D").arg(folder.path().join("data"));
            run.user = account.map(Account::ids);
            run
        };
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|free| free.local_addr())?.port();
        let options = format!("-p {port} -k {}", folder.path().display());
        let start = run("pg_ctl").args(["-w", "-l", "log", "-o", &options, "start"]);
        let started = Instant::now();
        quietly(&run("initdb"))?;
        quietly(&start)?;
        let took = started.elapsed();
        let pg_ctl = run("pg_ctl");
        Ok(Peer { pg_ctl, _folder: folder, took })
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // Its folder is removed after this, with the field.
        let _ = quietly(&self.pg_ctl.clone().args(["-m", "immediate", "stop"]));
    }
}

/// Waits for the child itself: [`Run::run`] looks every few milliseconds, which would count against the peer.
fn quietly(run: &Run) -> Result<()> {
    let mut command = run.command();
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    if status.with_context(|| format!("starting `{}`", run.display()))?.success() {
        return Ok(());
    }
    Err(Failure::environment(format!("the peer failed: `{}`", run.display())).into())
}
