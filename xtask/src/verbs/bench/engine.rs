//! What a step costs beyond its command: CPU time per no-op step, durable writes included, against just's.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result};

use super::Place;
use super::figure::{Pair, cpu_seconds};
use super::peers;
use crate::failure::Failure;
use crate::process::tools;
use crate::process::{Run, interrupt};

const ROUNDS: usize = 15;
/// The difference between a run of many steps and a run of one leaves out what starting costs.
const MANY: usize = 26;
const ONE: usize = 1;

pub(super) fn step(place: &Place) -> Result<Pair> {
    let just = peers::just(&place.root)?;
    let noop = tools::on_path("true").ok_or_else(|| Failure::environment("`true` is not on the PATH"))?;
    let noop = noop.to_string_lossy();
    let (ours, peer) = (Ours::prepare(place, &noop)?, Just::prepare(place, &just.path, &noop)?);
    let mut pair = Pair { unit: "ms CPU", ..Pair::default() };
    let per_step = |many: f64, one: f64| (many - one) * 1000.0 / (MANY - ONE) as f64;
    for _ in 0..ROUNDS {
        if interrupt::requested() {
            break;
        }
        pair.ours.push(per_step(ours.cpu(MANY)?, ours.cpu(ONE)?));
        pair.peer.push(per_step(peer.cpu(MANY)?, peer.cpu(ONE)?));
    }
    pair.what = format!("one step that runs `{noop}`, its command and durable writes included");
    pair.against = format!("one recipe that runs `{noop}` in {}", just.version);
    Ok(pair)
}

/// A repository with two workflows, of one step and of many.
struct Ours {
    program: PathBuf,
    repo: PathBuf,
    used: PathBuf,
}

impl Ours {
    fn prepare(place: &Place, noop: &str) -> Result<Ours> {
        let repo = place.scratch.path().join("steps");
        let used = place.scratch.path().join("used");
        std::fs::create_dir_all(&used)?;
        std::fs::create_dir_all(repo.join("workflows"))?;
        for steps in [MANY, ONE] {
            std::fs::write(repo.join(format!("workflows/steps-{steps}.toml")), workflow(steps, noop))?;
        }
        peers::commit_all(&repo)?;
        Ok(Ours { program: place.program.clone(), repo, used })
    }

    fn cpu(&self, steps: usize) -> Result<f64> {
        let workflow = format!("steps-{steps}");
        let spent = quiet_cpu(&Run::new(&self.program, &self.repo).args(["run", &workflow]))?;
        // Every run starts from nothing. Moved, not removed: removing many files makes the next ones slow on some disks.
        let moved = tempfile::tempdir_in(&self.used)?.keep();
        std::fs::rename(self.repo.join(".db-change"), moved.join("state")).context("putting the last run aside")?;
        Ok(spent)
    }
}

fn workflow(steps: usize, noop: &str) -> String {
    let mut text = format!(
        "schema = \"1.0\"\nname = \"steps-{steps}\"\n\n[[phase]]\nid = \"all\"\ntitle = \"Steps that do nothing\"\n"
    );
    for step in 1..=steps {
        let _ = write!(text, "\n[[phase.step]]\nid = \"step-{step}\"\ntitle = \"Step {step}\"\nrun = [\"{noop}\"]\n");
        if step > 1 {
            let _ = writeln!(text, "needs = [\"step-{}\"]", step - 1);
        }
    }
    text
}

struct Just {
    program: PathBuf,
    folder: PathBuf,
}

impl Just {
    fn prepare(place: &Place, program: &Path, noop: &str) -> Result<Just> {
        let folder = place.scratch.path().join("recipes");
        std::fs::create_dir_all(&folder)?;
        let mut text = String::new();
        for step in 1..=MANY {
            let need = if step > 1 { format!(" step-{}", step - 1) } else { String::new() };
            let _ = write!(text, "step-{step}:{need}\n\t{noop}\n\n");
        }
        std::fs::write(folder.join("justfile"), text)?;
        Ok(Just { program: program.to_owned(), folder })
    }

    fn cpu(&self, steps: usize) -> Result<f64> {
        quiet_cpu(&Run::new(&self.program, &self.folder).arg(format!("step-{steps}")))
    }
}

/// CPU seconds of a command and of all that it started and waited for.
pub(super) fn quiet_cpu(run: &Run) -> Result<f64> {
    cpu_seconds(|| {
        let mut command = run.command();
        let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
        if status.with_context(|| format!("starting `{}`", run.display()))?.success() {
            return Ok(());
        }
        Err(Failure::step(format!("`{}` failed in `{}`", run.display(), run.cwd.display())).into())
    })
}
