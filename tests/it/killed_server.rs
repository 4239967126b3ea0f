//! Kill -9 of PostgreSQL under a run: the throw-away server of a rehearsal, and the development server under a dump and under a
//! migration. The failure names the database, not a bug of ours, and once the server is back the run goes on to the same end.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use xtask::process::Run;

use crate::changes::{PHONE, is_summary};
use crate::harness::bearers;
use crate::sample::{Ran, Sample};

/// A run at work; what it said.
struct AtWork(Child, PathBuf);

impl AtWork {
    fn start(sample: &Sample) -> AtWork {
        let path = sample.everything().join("said");
        let mut command = sample.command(&["db-change"]).command();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(fs::File::create(&path).unwrap());
        AtWork(command.spawn().unwrap(), path)
    }

    fn wait_for(&mut self, what: &str, holds: impl Fn() -> bool) {
        let begun = Instant::now();
        while !holds() {
            assert_eq!(self.0.try_wait().unwrap(), None, "it ended before {what}: {}", self.said());
            assert!(begun.elapsed() < Duration::from_secs(200), "{what} never came");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn said(&self) -> String {
        fs::read_to_string(&self.1).unwrap_or_default()
    }

    fn ended(mut self) -> Ran {
        let code = self.0.wait().unwrap().code().unwrap();
        Ran { code, stdout: String::new(), stderr: self.said() }
    }
}

/// Whether a child of the sample's run has these words in its command line.
fn runs(sample: &Sample, words: [&str; 2]) -> bool {
    bearers(&sample.root()).iter().any(|line| {
        let process = line.split(' ').next().unwrap_or_default();
        let line = fs::read(Path::new(process).join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        words.iter().all(|word| line.contains(word))
    })
}

/// The server that this process started for itself.
fn server_of(owner: u32) -> Option<u32> {
    let bases = xtask::pg::folder::bases();
    let folders = bases.iter().flat_map(|base| fs::read_dir(base).into_iter().flatten().flatten());
    let owned = |path: &Path| fs::read_to_string(path.join("owner")).is_ok_and(|text| text.trim() == owner.to_string());
    let folder = folders.map(|folder| folder.path()).find(|path| owned(path))?;
    fs::read_to_string(folder.join("data/postmaster.pid")).ok()?.lines().next()?.parse().ok()
}

fn kill(process: u32) {
    kill_process(Pid::from_raw(i32::try_from(process).unwrap()).unwrap(), Signal::KILL).unwrap();
}

/// How a server was started, to start it again.
struct Server {
    argv: Vec<String>,
    user: (u32, u32),
    process: u32,
    again: Option<Child>,
}

impl Server {
    fn of(sample: &Sample) -> Server {
        let process = sample.shared.server.pid();
        let argv = fs::read(format!("/proc/{process}/cmdline")).unwrap();
        let argv = argv.split(|byte| *byte == 0).filter(|arg| !arg.is_empty());
        let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
        let id = |name: &str| -> u32 {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.split_whitespace().next().unwrap().parse().unwrap()
        };
        let argv = argv.map(|arg| String::from_utf8_lossy(arg).into_owned()).collect();
        Server { argv, user: (id("Uid:"), id("Gid:")), process, again: None }
    }

    fn kill(&mut self) {
        kill(self.process);
        if let Some(child) = &mut self.again {
            child.wait().unwrap();
        }
    }

    /// Starts it again; its old backends may take a moment to go.
    fn bring_back(&mut self, sample: &Sample) {
        let begun = Instant::now();
        // The killed one is our own child and not waited for, so that its id would pass for a server at work.
        let folder = sample.shared.server.folder();
        let _ = fs::remove_file(folder.join("data/postmaster.pid"));
        let _ = fs::remove_file(folder.join(format!("s/.s.PGSQL.{}.lock", sample.shared.server.port())));
        loop {
            assert!(begun.elapsed() < Duration::from_secs(60), "the server does not come back");
            let mut run = Run::new(&self.argv[0], "/").args(&self.argv[1..]);
            run.user = (self.user.0 != xtask::process::places::user_id()).then_some(self.user);
            let mut child =
                run.command().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            while child.try_wait().unwrap().is_none() {
                if sample.shared.server.connect(&sample.database).is_ok() {
                    self.process = child.id();
                    self.again = Some(child);
                    return;
                }
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(child) = &mut self.again {
            let _ = kill_process(Pid::from_child(child), Signal::QUIT);
            let _ = child.wait();
        }
    }
}

#[test]
fn a_killed_postgres_fails_the_step_clearly_and_the_run_goes_on_once_it_is_back() {
    let sample = Sample::alone();
    let mut server = Server::of(&sample);
    let before = sample.content();
    sample.patch("phone/schema.patch");
    let run = "add-users-phone-1";
    let running = |step: &str| {
        let state = fs::read_to_string(sample.path(".db-change/runs").join(run).join("state.toml")).unwrap_or_default();
        let state: toml::Table = state.parse().unwrap();
        state.get("step").and_then(|steps| steps.get(step)?.get("status")?.as_str()) == Some("running")
    };

    let mut at_work = AtWork::start(&sample);
    at_work.wait_for("the dump", || running("backup") && runs(&sample, ["pg_dump", "--snapshot"]));
    server.kill();
    let ran = at_work.ended();
    ran.fails(6, &["held up by: backup", "hint: see that the server is up"]);
    sample.db_change(&[]).fails(6, &["no PostgreSQL server answers at 127.0.0.1"]);
    server.bring_back(&sample);

    let mut at_work = AtWork::start(&sample);
    at_work.wait_for("the rehearsal", || running("rehearse") && runs(&sample, ["drizzle-kit", "migrate"]));
    kill(server_of(at_work.0.id()).unwrap());
    at_work.ended().fails(6, &["held up by: rehearse"]);

    let mut at_work = AtWork::start(&sample);
    at_work.wait_for("the migration", || running("apply") && runs(&sample, ["drizzle-kit", "migrate"]));
    server.kill();
    at_work.ended().fails(6, &["held up by: apply", "the session with the database has ended"]);
    server.bring_back(&sample);

    let ran = sample.db_change(&[]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    is_summary(&ran.stdout, PHONE);
    let after = sample.content();
    assert_eq!(after.applied.len(), before.applied.len() + 1);
    assert_eq!(before.schema.difference(&after.schema), ["+ column public.users.phone: text"]);
}
