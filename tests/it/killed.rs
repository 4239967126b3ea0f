//! A run of one of the sample's real changes that is killed (kill -9 of the runner alone) wherever a test says, and held against an
//! undisturbed one at its end: same summary, everything outside happened once, nothing left behind.

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
pub(crate) enum When {
    /// As soon as the state says that it is at work.
    Begins,
    /// This long afterwards.
    After(Duration),
    /// While a child whose command line has these words is at work for it.
    Runs(&'static str, &'static str),
    /// As soon as the state says that it has passed.
    Passed,
}

pub(crate) type Point = (&'static str, When);

/// A change of the sample that is killed again and again, and a developer who answers what it asks.
pub(crate) struct Killed {
    pub(crate) sample: Sample,
    before: Content,
    run: &'static str,
    /// Without the words of the developer: the change asks nothing.
    pub(crate) asks: bool,
    runners: Vec<u32>,
    hit: BTreeSet<Point>,
}

impl Killed {
    pub(crate) fn phone() -> Killed {
        let sample = Sample::new();
        let before = sample.content();
        sample.patch("phone/schema.patch");
        Killed { sample, before, run: "add-users-phone-1", asks: false, runners: Vec::new(), hit: BTreeSet::new() }
    }

    pub(crate) fn rename() -> Killed {
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
            ("review", "decision") => &["accept", "H10", "H33", "H81", "--reason", "together"],
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
    pub(crate) fn kill(&mut self, (step, when): Point, also: &dyn Fn() -> bool) -> bool {
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

    pub(crate) fn said(&self) -> String {
        fs::read_to_string(self.sample.everything().join("said")).unwrap_or_default()
    }

    /// Goes to the end undisturbed, and holds what came of it all against what one undisturbed run leaves.
    pub(crate) fn ends_like_any_other(mut self) -> usize {
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
