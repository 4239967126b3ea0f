//! Kill -9 of a runner in the middle of the real thing: base tree, pseudo-terminal, dump, rehearsal, migration, report. However
//! often, the run that goes on ends like any other, everything outside happened once, and nothing is left behind.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::changes::{PHONE, RENAME, is_summary};
use crate::harness::{bearers, until};
use crate::sample::{Content, Sample};

/// When the runner is killed, looking at one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum When {
    /// As soon as the state says that it is at work.
    Begins,
    /// This long afterwards.
    After(Duration),
    /// While a child whose command line has these words is at work for it.
    Runs(&'static str, &'static str),
    /// As soon as the state says that it has passed.
    Passed,
}

type Point = (&'static str, When);

/// A change of the sample that is killed again and again, and a developer who answers what it asks.
struct Killed {
    sample: Sample,
    before: Content,
    run: &'static str,
    /// Without the words of the developer: the change asks nothing.
    asks: bool,
    runners: Vec<u32>,
    hit: BTreeSet<Point>,
}

impl Killed {
    fn phone() -> Killed {
        let sample = Sample::new();
        let before = sample.content();
        sample.patch("phone/schema.patch");
        Killed { sample, before, run: "add-users-phone-1", asks: false, runners: Vec::new(), hit: BTreeSet::new() }
    }

    fn rename() -> Killed {
        let sample = Sample::new();
        let before = sample.content();
        Killed { sample, before, run: "rename-email-1", asks: true, runners: Vec::new(), hit: BTreeSet::new() }
    }

    fn state(&self) -> toml::Table {
        let path = self.sample.path(".db-change/runs").join(self.run).join("state.toml");
        fs::read_to_string(path).unwrap_or_default().parse().expect("the state can be read at any moment")
    }

    fn status(&self, step: &str) -> String {
        let state = self.state();
        let status = state.get("step").and_then(|steps| steps.get(step)?.get("status")?.as_str().map(str::to_owned));
        status.unwrap_or_default()
    }

    /// The next command that the developer types; what was asked is answered first.
    fn start(&mut self) -> Child {
        let begun = !self.state().is_empty();
        let args: &[&str] = match (begun, self.asks) {
            (false, true) => {
                &["db-change", "start", "--title", "Rename email", "--rename", "users.email=users.email_address"]
            }
            _ => &["db-change"],
        };
        if begun && self.asks {
            self.says();
        }
        let mut command = self.sample.command(args).command();
        let log = fs::File::options().create(true).append(true).open(self.sample.everything().join("said")).unwrap();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let child = command.spawn().unwrap();
        self.runners.push(child.id());
        child
    }

    fn says(&self) {
        let next = self.sample.status()["next"].clone();
        let (step, kind) = (next["step"].as_str().unwrap_or_default(), next["kind"].as_str().unwrap_or_default());
        let words: &[&str] = match (step, kind) {
            ("schema-test-scaffold", "edit") => {
                let test = "packages/db/tests/rename-email.test.ts";
                let own = "\ntest('a claim of the developer: columns email_address', async () => { const rows = await db.execute(sql`select 1 from information_schema.columns where table_name = 'active_users' and column_name = 'email_address'`); expect(rows.length).toBe(1); });\n";
                if !self.sample.read(test).contains("a claim of the developer") {
                    self.sample.write(test, &(self.sample.read(test) + own));
                }
                return;
            }
            ("implement", "edit") => {
                if self.sample.changed().iter().all(|line| !line.contains("schema/users.ts")) {
                    self.sample.patch("rename/schema.patch");
                }
                return;
            }
            ("read-docs", "attestation") => &["attest", "read-docs", "--by", "D", "--note", "read"],
            ("impact", "decision") => &["answer", "impact", "2", "--reason", "one instance"],
            ("review", "decision") => &["accept", "H10", "--reason", "together"],
            ("typecheck", "decision") => &["answer", "typecheck", "1", "--reason", "the compiler shows"],
            ("measure", "decision") => &["answer", "measure", "3", "--reason", "Sunday"],
            ("checklist", "attestation") => &["attest", "checklist", "--by", "D", "--note", "told"],
            _ => return,
        };
        assert_eq!(self.sample.db_change(words).code, 0);
        if step == "typecheck" {
            self.sample.patch("rename/code.patch");
        }
    }

    /// Goes on until the point comes and kills the runner there; false where it does not come any more.
    fn kill(&mut self, (step, when): Point, also: &dyn Fn() -> bool) -> bool {
        let begun = Instant::now();
        loop {
            if ["passed", "skipped"].contains(&self.status(step).as_str()) {
                return false;
            }
            let mut child = self.start();
            let code = loop {
                if let Some(status) = child.try_wait().unwrap() {
                    break status.code();
                }
                if self.is_at(step, when) && also() {
                    // The moment may be over: the child that was seen, or the runner, has ended since.
                    child.kill().unwrap();
                    if child.wait().unwrap().code().is_none() {
                        self.hit.insert((step, when));
                        // What is left is readable, and says what it is.
                        let status = self.sample.status();
                        assert!(!status.to_string().contains("\"running\""), "{status}");
                        return true;
                    }
                }
                assert!(begun.elapsed() < Duration::from_secs(300), "`{step}` {when:?} never came");
                std::thread::sleep(Duration::from_millis(1));
            };
            match code {
                // Asked, or kept out by what the one before left at work: come again.
                Some(3 | 5) => {}
                Some(0) => return false,
                code => panic!("it ended with {code:?} before {step} {when:?}:\n{}", self.said()),
            }
        }
    }

    fn is_at(&self, step: &str, when: When) -> bool {
        let status = self.status(step);
        match when {
            When::Begins => status == "running",
            When::Runs(one, other) => status == "running" && self.runs(one, other),
            When::Passed => status == "passed",
            When::After(delay) => {
                if status == "running" {
                    std::thread::sleep(delay);
                }
                status == "running"
            }
        }
    }

    /// Whether a child that works for the run has these words in its command line.
    fn runs(&self, one: &str, other: &str) -> bool {
        bearers(&self.sample.root()).iter().any(|line| {
            let process = line.split(' ').next().unwrap_or_default();
            let line = fs::read(Path::new(process).join("cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            line.contains(one) && line.contains(other)
        })
    }

    fn said(&self) -> String {
        fs::read_to_string(self.sample.everything().join("said")).unwrap_or_default()
    }

    /// Goes to the end undisturbed, and holds what came of it all against what one undisturbed run leaves.
    fn ends_like_any_other(mut self) -> usize {
        for _ in 0..15 {
            if self.state().contains_key("ended") {
                break;
            }
            let code = self.start().wait().unwrap().code();
            assert!([Some(0), Some(3), Some(5)].contains(&code), "{code:?}\n{}", self.said());
        }
        let (summary, schema) = match self.asks {
            false => (PHONE, vec!["+ column public.users.phone: text"]),
            true => (RENAME, vec![]),
        };
        is_summary(&self.sample.db_change(&["report", "--format", "text"]).stdout, summary);
        let after = self.sample.content();
        assert_eq!(after.applied.len(), self.before.applied.len() + 1, "migrations applied");
        assert_eq!(after.data.rows(), self.before.data.rows());
        if !self.asks {
            assert_eq!(self.before.schema.difference(&after.schema), schema);
        }
        let new: Vec<String> = self.sample.changed().into_iter().filter(|line| line.starts_with("??")).collect();
        let made = |ending: &str| new.iter().filter(|name| name.ends_with(ending)).count();
        assert_eq!((made(".sql"), made("_snapshot.json"), made(".toml"), made(".test.ts")), (2, 1, 1, 1), "{new:?}");
        let state = self.sample.everything().join("state");
        let kept = files(&state);
        let dumps: Vec<&PathBuf> = kept
            .iter()
            .filter(|path| path.to_string_lossy().contains("dump") || path.to_string_lossy().contains(".partial-"))
            .collect();
        assert_eq!(dumps.len(), 1, "one backup is kept: {dumps:?}");
        let temporary: Vec<&PathBuf> =
            kept.iter().filter(|path| path.strip_prefix(&state).unwrap().to_string_lossy().contains("/tmp/")).collect();
        assert_eq!(temporary, [] as [&PathBuf; 0]);
        for runner in &self.runners {
            assert_eq!(servers_of(*runner), [] as [PathBuf; 0], "left by the killed runner {runner}");
        }
        until("the end of what was started", || bearers(&self.sample.root()).is_empty());
        self.hit.len()
    }
}

/// Every file below, but for the base tree's.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        match entry.file_type().unwrap().is_dir() {
            true if entry.file_name() == "base" => {}
            true => found.extend(files(&entry.path())),
            false => found.push(entry.path()),
        }
    }
    found
}

#[test]
fn a_run_killed_in_the_middle_of_every_kind_of_step_ends_like_any_other() {
    let mut run = Killed::phone();
    let places = run.sample.everything().join("state/db-change");
    let tree_is_begun =
        || fs::read_dir(&places).is_ok_and(|mut places| places.next().unwrap().unwrap().path().join("base").exists());
    assert!(run.kill(("inventory", When::Begins), &tree_is_begun));
    let points: [Point; 12] = [
        ("inventory", When::Runs("install", "--frozen-lockfile")),
        ("schema-test-red", When::Runs("pg_dump", "--snapshot")),
        ("schema-test-red", When::Runs("bun", "test")),
        ("generate", When::Runs("drizzle-kit", "generate")),
        ("backup", When::Runs("pg_dump", "--snapshot")),
        ("backup", When::Runs("pg_restore", "")),
        ("backup", When::Passed),
        ("rehearse", When::Runs("drizzle-kit", "migrate")),
        ("schema-test-green", When::Begins),
        ("rollback-prove", When::Runs("psql", "")),
        ("apply", When::Begins),
        ("apply", When::Runs("drizzle-kit", "migrate")),
    ];
    for point in points {
        assert!(run.kill(point, &|| true), "{point:?} never came\n{}", run.said());
        if point.0 == "generate" {
            leave_half_a_migration(&run.sample);
        }
    }
    // The session of a migration outlives its runner while it waits for a lock, here that of a reader of the table. Who goes on
    // then is told whose it is, and the migration is not applied beside it.
    let mut reader = run.sample.client();
    let mut reading = reader.transaction().unwrap();
    reading.batch_execute("lock table users in access share mode").unwrap();
    let client = RefCell::new(run.sample.client());
    let blocked = || -> bool {
        let sql = "select exists (select 1 from pg_locks where not granted and relation = 'users'::regclass)";
        client.borrow_mut().query_one(sql, &[]).unwrap().get(0)
    };
    if run.kill(("apply", When::After(Duration::ZERO)), &blocked) {
        assert!(blocked());
        run.sample
            .db_change(&[])
            .fails(5, &["session ", "db-change add-users-phone-1 in ", "waits for a lock of session"]);
    }
    reading.rollback().unwrap();
    assert!(run.kill(("report", When::Begins), &|| true));
    let hits = run.ends_like_any_other();
    eprintln!("killed at {hits} points");
    assert!(hits >= 12);
}

/// As drizzle-kit leaves the folder that is ended between its writes: snapshot and journal are there, the SQL is not.
fn leave_half_a_migration(sample: &Sample) {
    let (sql, journal) = ("packages/db/drizzle/0007_add_users_phone.sql", "packages/db/drizzle/meta/_journal.json");
    if sample.path(sql).exists() {
        return fs::remove_file(sample.path(sql)).unwrap();
    }
    let snapshot = sample.read("packages/db/drizzle/meta/0006_snapshot.json");
    let mut snapshot: serde_json::Value = serde_json::from_str(&snapshot).unwrap();
    snapshot["prevId"] = snapshot["id"].clone();
    snapshot["id"] = "00000000-0000-4000-8000-000000000007".into();
    sample.write("packages/db/drizzle/meta/0007_snapshot.json", &snapshot.to_string());
    let mut entries: serde_json::Value = serde_json::from_str(&sample.read(journal)).unwrap();
    let entry = serde_json::json!({"idx": 7, "version": "7", "when": 1_800_000_000_000_i64, "tag": "0007_add_users_phone", "breakpoints": true});
    entries["entries"].as_array_mut().unwrap().push(entry);
    sample.write(journal, &entries.to_string());
}

/// The steps of the additive change, in order; of the breaking one, those in the second list too.
const STEPS: [&str; 22] = [
    "read-docs",
    "inventory",
    "declare",
    "impact",
    "schema-test-scaffold",
    "schema-test-red",
    "implement",
    "generate",
    "review",
    "backup",
    "rehearse",
    "verify-schema",
    "schema-test-green",
    "rollback-write",
    "rollback-prove",
    "usages",
    "typecheck",
    "api-tests",
    "measure",
    "annotate",
    "apply",
    "report",
];
const BREAKING: [(&str, &str); 6] = [
    ("schema-test-green", "expand-contract"),
    ("schema-test-green", "data-preserved"),
    ("schema-test-green", "old-code"),
    ("measure", "db-tests"),
    ("measure", "api-suite"),
    ("measure", "seed"),
];

/// At every transition of every step and twice at a time of its own in between, the same times in each run of the test.
fn everywhere(breaking: bool) -> Vec<Point> {
    let mut seed = 0x5eed_0007_u64;
    let mut moment = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        When::After(Duration::from_millis((seed >> 33) % 700))
    };
    let mut points = Vec::new();
    for step in STEPS {
        let besides = BREAKING.iter().filter(|(after, _)| breaking && *after == step).map(|(_, step)| *step);
        for step in std::iter::once(step).chain(besides) {
            points.extend([When::Begins, moment(), moment(), When::Passed].map(|when| (step, when)));
        }
    }
    points
}

#[test]
#[ignore = "takes minutes: cargo xtask test --full"]
fn killed_at_a_hundred_points_both_changes_end_like_any_other() {
    let hits: Vec<usize> = std::thread::scope(|scope| {
        let runs = [Killed::phone(), Killed::rename()].map(|mut run| {
            scope.spawn(move || {
                for point in everywhere(run.asks) {
                    run.kill(point, &|| true);
                }
                run.ends_like_any_other()
            })
        });
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    eprintln!("killed at {hits:?} points");
    assert!(hits.iter().sum::<usize>() >= 100, "{hits:?}");
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
