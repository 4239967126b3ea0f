//! Kill -9 of a runner at more than a hundred points of a run of small fake tools: inside every command, at every transition
//! of the state, and between them. Wherever it is, the next runner ends as an undisturbed one, what had passed is not done
//! again, what was at work is not done beside itself, and nothing is left alive.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rustix::process::Signal;

use crate::harness::{Repo, Running, bearers, step, until};

/// `$1` the step, `$2` its runner. Writes down how far it is, and kills its runner where `kill` says so; then it goes on, as a
/// command without a runner does.
const TOOL: &str = r#"
at() {
  echo "$1" >> trace
  if test -e kill; then read -r point < kill; if test "$point" = "$1"; then rm kill; kill -9 $runner; sleep 0.03; fi; fi
}
runner="${2:-$PPID}"
at "$1 begin"
at "$1 half"
case $1 in deep) sleep 0.03;; esac
at "$1 end"
case $1 in
  version) echo 'version 1.2';;
  flaky) exit 1;;
esac
"#;

/// The commands, in the order in which they first begin where nothing is at work beside them; `flaky` is tried again as `again`.
const COMMANDS: [&str; 8] = ["build", "left", "right", "flaky", "again", "version", "deep", "last"];

fn workflow() -> String {
    let tool =
        |id: &str, needs: &[&str], rest: &str| step(id, needs, &format!("run = [\"sh\", \"tool\", \"{id}\"]\n{rest}"));
    [
        step("docs", &[], "uses = \"docs.read\"\nwith = { documents = [\"CONVENTIONS.md\"] }"),
        tool("build", &["docs"], ""),
        tool("left", &["build"], ""),
        tool("right", &["build"], ""),
        step(
            "flaky",
            &["left", "right"],
            "run = [\"sh\", \"-c\", \"if test -e tried; then sh tool again $PPID; else touch tried; sh tool flaky $PPID; fi\"]
             retry = { count = 1, delay = \"20ms\" }",
        ),
        tool("version", &["flaky"], "capture = { version = { from = \"stdout\", select = \"version (.*)\" } }"),
        step("deep", &["version"], "run = [\"sh\", \"-c\", \"sh tool deep $PPID; true\"]"),
        tool("last", &["deep"], ""),
    ]
    .concat()
}

/// Where the runner is killed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Point {
    /// By the command itself, at a line of its own.
    In(String),
    /// Once the state says that the step is at work and before it has written a line; tried until it comes out so.
    Before(&'static str),
    /// As soon as the state was written for the n-th time.
    Write(i64),
    /// This long after a line.
    After(String, Duration),
}

/// What a run came to: status, summary and proof of each step.
type End = BTreeMap<String, (String, String, String)>;

struct Lane {
    repo: Repo,
    points: u32,
}

impl Lane {
    fn new() -> Lane {
        let repo = Repo::new();
        repo.workflow("w", &workflow());
        repo.write("tool", TOOL);
        Lane { repo, points: 0 }
    }

    /// Nothing has run yet, and the conventions are ones that nobody has read.
    fn begin_anew(&mut self) {
        self.points += 1;
        let _ = std::fs::remove_dir_all(self.repo.path(".db-change"));
        for name in ["trace", "tried", "kill"] {
            let _ = std::fs::remove_file(self.repo.path(name));
        }
        self.repo.write("CONVENTIONS.md", &format!("version {}\n", self.points));
    }

    /// The next command that a person would type.
    fn next(&self) -> Running {
        let waits = self.repo.status_if_any("w-1", "docs") == "waiting_attestation" && self.asked();
        let attest = ["db-change", "attest", "docs", "--by", "Ada", "--note", "read", "--workflow", "w"];
        let args: &[&str] = if waits { &attest } else { &["run", "w", "--jobs", "2"] };
        self.repo.xtask(args).start()
    }

    /// Whether the attestation is still to be given.
    fn asked(&self) -> bool {
        self.repo.state("w-1")["step"]["docs"].get("attestation").is_none()
    }

    fn lines(&self) -> Vec<String> {
        self.repo.read("trace").lines().map(str::to_owned).collect()
    }

    /// Goes to the end, in as many commands as it takes. A runner may have been killed after everything was written.
    fn finish(&self) -> End {
        let begun = self.repo.path(".db-change/runs/w-1/state.toml").exists();
        if begun && self.repo.state("w-1").contains_key("ended") {
            return self.end();
        }
        for _ in 0..4 {
            let attests = self.repo.status_if_any("w-1", "docs") == "waiting_attestation" && self.asked();
            let done = self.next().wait();
            match done.code {
                0 if !attests => return self.end(),
                0 | 3 => {}
                _ => panic!("{done:?}"),
            }
        }
        panic!("it did not come to its end: {:?}", self.repo.state("w-1"));
    }

    fn end(&self) -> End {
        let state = self.repo.state("w-1");
        assert_eq!(state["outcome"].as_str(), Some("done"));
        let steps = state["step"].as_table().unwrap();
        let text = |step: &toml::Value, name: &str| {
            step.get(name).and_then(toml::Value::as_str).unwrap_or_default().to_owned()
        };
        steps
            .iter()
            .map(|(id, step)| {
                // The conventions are others each time.
                let proof = if id == "docs" { String::new() } else { text(step, "evidence") };
                (id.clone(), (text(step, "status"), text(step, "summary"), proof))
            })
            .collect()
    }

    /// Goes until the point is reached and kills the runner there; false where the run came to its end before.
    fn kill(&self, point: &Point) -> bool {
        if let Point::In(line) = point {
            self.repo.write("kill", &format!("{line}\n"));
        }
        let mut attested = false;
        loop {
            let mut runner = self.next();
            loop {
                let ended = runner.ended();
                if !ended && self.reached(point) {
                    runner.signal(Signal::KILL);
                    runner.wait();
                    return true;
                }
                if ended {
                    break;
                }
                // The runner needs the processor more than who watches it.
                std::thread::sleep(Duration::from_micros(200));
            }
            match runner.wait().code {
                -1 => return true,
                3 => {}
                0 if !attested => attested = true,
                _ => return false,
            }
        }
    }

    /// The state is read again and again, and must be whole each time.
    fn reached(&self, point: &Point) -> bool {
        let begun = self.repo.path(".db-change/runs/w-1/state.toml").exists();
        match point {
            Point::In(_) => false,
            Point::Before(step) => begun && self.repo.status("w-1", step) == "running",
            Point::Write(serial) => begun && self.repo.state("w-1")["serial"].as_integer() >= Some(*serial),
            Point::After(line, delay) => {
                let there = self.lines().iter().any(|seen| seen == line);
                if there {
                    std::thread::sleep(*delay);
                }
                there
            }
        }
    }

    /// Kills at the point, goes on to the end, and holds what came of it against an undisturbed run. Says which command was
    /// where: before its work, in it, or after it with nothing written about it.
    fn check(&mut self, point: &Point, undisturbed: &End) -> BTreeSet<(String, &'static str)> {
        loop {
            assert!(self.points < 1000, "{point:?} never came out");
            self.begin_anew();
            if !self.kill(point) {
                continue;
            }
            let found = self.looks_at_what_is_left(point);
            let passed = self.passed();
            let lines = self.lines();
            assert_eq!(self.finish(), *undisturbed, "{point:?}");
            self.was_done_once(point, &passed, lines.len());
            until("the end of what was started", || bearers(&self.repo.root()).is_empty());
            let wanted = match point {
                Point::Before(step) => found.contains(&((*step).to_owned(), "before")),
                _ => true,
            };
            if wanted {
                return found;
            }
        }
    }

    fn passed(&self) -> BTreeSet<String> {
        COMMANDS.iter().map(|id| step_of(id)).filter(|id| self.repo.status_if_any("w-1", id) == "passed").collect()
    }

    fn looks_at_what_is_left(&self, point: &Point) -> BTreeSet<(String, &'static str)> {
        let lines = self.lines();
        let begun = self.repo.path(".db-change/runs/w-1/state.toml").exists();
        let status = self.repo.xtask(&["db-change", "status", "--json", "--workflow", "w"]).run();
        assert_eq!(status.code, if begun { 0 } else { 2 }, "{point:?}: {status:?}");
        for line in self.repo.read(".db-change/runs/w-1/events.jsonl").lines() {
            assert!(serde_json::from_str::<serde_json::Value>(line).is_ok(), "{point:?}: {line}");
        }
        if !begun {
            return BTreeSet::new();
        }
        let has = |id: &str, what: &str| lines.iter().any(|line| *line == format!("{id} {what}"));
        let at = |id: &str| match self.repo.status("w-1", &step_of(id)).as_str() {
            "running" if !has(id, "begin") => Some("before"),
            "running" if !has(id, "end") => Some("in"),
            "running" => Some("after"),
            _ => None,
        };
        COMMANDS.iter().filter_map(|id| Some(((*id).to_owned(), at(id)?))).collect()
    }

    /// What had passed was not done again; the rest was, and not before an orphan of it had ended.
    fn was_done_once(&self, point: &Point, passed: &BTreeSet<String>, before: usize) {
        let lines = self.lines();
        for id in COMMANDS {
            let own: Vec<&str> = lines.iter().filter_map(|line| line.strip_prefix(&format!("{id} "))).collect();
            assert!(
                own.chunks(3).all(|once| once == ["begin", "half", "end"]),
                "{point:?}: `{id}` beside itself: {lines:?}"
            );
            let again = lines[before..].iter().any(|line| *line == format!("{id} begin"));
            let first_try = id == "flaky";
            assert!(!(again && passed.contains(&step_of(id))), "{point:?}: `{id}` had passed: {lines:?}");
            assert!(first_try || again || passed.contains(&step_of(id)), "{point:?}: `{id}` was left out: {lines:?}");
        }
    }
}

fn step_of(command: &str) -> String {
    if command == "again" { "flaky" } else { command }.to_owned()
}

/// The same sequence each time.
fn seeded(seed: &mut u64) -> u64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    *seed
}

fn points(writes: i64) -> Vec<Point> {
    let mut points = Vec::new();
    let mut seed = 0x5eed_0007;
    for command in COMMANDS {
        for place in ["begin", "half", "end"] {
            points.push(Point::In(format!("{command} {place}")));
        }
        for _ in 0..7 {
            let delay = Duration::from_micros(seeded(&mut seed) % 6000);
            points.push(Point::After(format!("{command} end"), delay));
        }
    }
    points.extend(COMMANDS.iter().filter(|id| **id != "again").map(|id| Point::Before(id)));
    points.extend((1..=writes).map(Point::Write));
    points
}

#[test]
fn killed_anywhere_a_run_ends_as_if_nothing_had_happened() {
    let mut first = Lane::new();
    first.begin_anew();
    let undisturbed = first.finish();
    let writes = first.repo.state("w-1")["serial"].as_integer().unwrap();
    // The last write says that the run is done.
    let points = points(writes - 1);
    let (even, odd): (Vec<_>, Vec<_>) = points.iter().enumerate().partition(|(index, _)| index % 2 == 0);
    let undisturbed = &undisturbed;
    let found: BTreeSet<(String, &str)> = std::thread::scope(|scope| {
        let lanes = [(first, even), (Lane::new(), odd)].map(|(mut lane, points)| {
            scope.spawn(move || -> BTreeSet<(String, &'static str)> {
                points.into_iter().flat_map(|(_, point)| lane.check(point, undisturbed)).collect()
            })
        });
        lanes.into_iter().flat_map(|lane| lane.join().unwrap()).collect()
    });
    let distinct: BTreeSet<&Point> = points.iter().collect();
    eprintln!("killed at {} points, {writes} writes of the state", distinct.len());
    assert!(distinct.len() >= 100, "{}", distinct.len());
    for command in COMMANDS {
        for place in ["before", "in", "after"] {
            let once = command == "flaky" || command == "again";
            assert!(found.contains(&(command.to_owned(), place)) || once, "never `{place}` in `{command}`: {found:?}");
        }
    }
}
