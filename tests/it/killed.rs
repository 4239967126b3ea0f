//! Kill -9 of a runner at its worst moments: the next one ends like any other, once, and leaves nothing behind.

use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::changes::{PHONE, is_summary};
use crate::sample::Sample;

#[test]
fn a_run_killed_in_rehearse_and_in_apply_ends_like_any_other() {
    let sample = Sample::new();
    let before = sample.content();
    sample.patch("phone/schema.patch");
    let mut killed = Vec::new();
    let mut kill = |step: &str, also: &dyn Fn() -> bool| {
        let mut run = Killable::start(&sample);
        run.wait_for(&sample, step, also);
        killed.push(run.kill());
        assert_eq!(sample.step(step), "interrupted", "a step without a runner is not at work, and has not passed");
    };
    kill("rehearse", &|| true);
    kill("rehearse", &|| migrates(&sample));
    kill("apply", &|| true);
    // The session of a migration outlives its runner while it waits for a lock, here that of a reader of the table. Who goes on
    // then is asked to come back, and the migration is not applied beside it.
    let mut reader = sample.client();
    let mut reading = reader.transaction().unwrap();
    reading.batch_execute("lock table users in access share mode").unwrap();
    let client = RefCell::new(sample.client());
    let blocked = || -> bool {
        let sql = "select exists (select 1 from pg_locks where not granted and relation = 'users'::regclass)";
        client.borrow_mut().query_one(sql, &[]).unwrap().get(0)
    };
    kill("apply", &blocked);
    assert!(blocked());
    sample.db_change(&[]).fails(75, &["another session holds a lock", "hint: try again"]);
    reading.rollback().unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    while blocked() {
        assert!(Instant::now() < deadline, "the session of the killed runner never ended");
    }
    let ran = sample.db_change(&[]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);

    is_summary(&sample.db_change(&["report", "--format", "text"]).stdout, PHONE);
    let why = sample.db_change(&["why", "apply", "--json"]).json();
    assert_eq!(why["status"], "passed");
    let after = sample.content();
    assert_eq!(after.applied.len(), before.applied.len() + 1);
    assert_eq!(before.schema.difference(&after.schema), ["+ column public.users.phone: text"]);
    for runner in killed {
        assert_eq!(servers_of(runner), [] as [PathBuf; 0], "left by the killed runner {runner}");
    }
}

/// A run without a terminal that is watched and killed.
struct Killable {
    child: Child,
    started: Instant,
}

impl Killable {
    fn start(sample: &Sample) -> Killable {
        let mut command = sample.command(&["db-change"]).command();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Killable { child: command.spawn().unwrap(), started: Instant::now() }
    }

    /// Until the state file says that the step is at work, and `also` holds.
    fn wait_for(&mut self, sample: &Sample, step: &str, also: &dyn Fn() -> bool) {
        loop {
            let path = sample.path(".db-change/runs/add-users-phone-1/state.toml");
            let state: toml::Table = fs::read_to_string(path).unwrap_or_default().parse().unwrap();
            let status = state.get("step").and_then(|steps| steps.get(step)?.get("status")?.as_str());
            if status == Some("running") && also() {
                return;
            }
            assert_eq!(self.child.try_wait().unwrap(), None, "it ended before `{step}` was seen");
            assert!(self.started.elapsed() < Duration::from_secs(300), "`{step}` never ran");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Kill -9 of the runner alone; its id.
    fn kill(mut self) -> u32 {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.child.id()
    }
}

/// Whether drizzle-kit is at work in the sample, as a child that the runner's death does not end.
fn migrates(sample: &Sample) -> bool {
    let package = sample.path("packages/db");
    let is_it = |process: PathBuf| {
        let line = fs::read(process.join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line);
        line.contains("drizzle-kit")
            && line.contains("migrate")
            && fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd == package)
    };
    fs::read_dir("/proc").unwrap().flatten().any(|entry| is_it(entry.path()))
}

/// Folders of throw-away servers that this process owned.
fn servers_of(owner: u32) -> Vec<PathBuf> {
    let ours = |path: &Path| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        name.starts_with(&xtask::pg::folder::prefix())
            && fs::read_to_string(path.join("owner")).is_ok_and(|text| text.trim() == owner.to_string())
    };
    let bases = xtask::pg::folder::bases();
    let entries = bases.iter().flat_map(|base| fs::read_dir(base).into_iter().flatten().flatten());
    entries.map(|entry| entry.path()).filter(|path| ours(path)).collect()
}
