//! What it costs to see that nothing is to be done: 25 steps of which every input is as it was, against just's cached recipes
//! and go-task's tasks with checksums. All three check the content of one file a step, and start nothing.

use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result};

use super::Place;
use super::engine::quiet_cpu;
use super::figure::Pair;
use super::peers;
use crate::process::{Run, interrupt};

const STEPS: usize = 25;
const ROUNDS: usize = 21;
/// One call is too short to measure on its own.
const CALLS: usize = 10;

pub(super) fn against_just(place: &Place) -> Result<Pair> {
    let just = peers::just(&place.root)?;
    let folder = place.scratch.path().join("resume-just");
    inputs(&folder)?;
    // The only way of just's to see by content that there is nothing to do; unstable there, and for scripts only.
    let mut text = "set unstable\n".to_owned();
    for step in 1..=STEPS {
        let need = if step > 1 { format!(" step-{}", step - 1) } else { String::new() };
        let _ = write!(text, "\n[script(\"sh\")]\n[cache(inputs = \"in/{step}.txt\")]\nstep-{step}:{need}\n\ttrue\n");
    }
    std::fs::write(folder.join("justfile"), text)?;
    let peer = Run::new(&just.path, &folder).arg(format!("step-{STEPS}"));
    let mut pair = compare(place, "resume-a", &peer)?;
    pair.against = format!("the same recipes, cached and up to date, of {}", just.version);
    Ok(pair)
}

pub(super) fn against_task(place: &Place) -> Result<Pair> {
    let task = peers::task(&place.root)?;
    let folder = place.scratch.path().join("resume-task");
    inputs(&folder)?;
    let mut text = "version: \"3\"\n\ntasks:\n".to_owned();
    for step in 1..=STEPS {
        let need = if step > 1 { format!("    deps: [step-{}]\n", step - 1) } else { String::new() };
        let _ = write!(
            text,
            "  step-{step}:\n{need}    sources: [in/{step}.txt]\n    method: checksum\n    cmds: ['true']\n"
        );
    }
    std::fs::write(folder.join("Taskfile.yml"), text)?;
    let peer = Run::new(&task.path, &folder).arg(format!("step-{STEPS}"));
    let mut pair = compare(place, "resume-b", &peer)?;
    pair.against = format!("the same tasks, up to date by checksum, of go-task {}", task.version);
    Ok(pair)
}

fn compare(place: &Place, folder: &str, peer: &Run) -> Result<Pair> {
    let repo = place.scratch.path().join(folder);
    inputs(&repo)?;
    let mut text = "schema = \"1.0\"\nname = \"resume\"\n\n[[phase]]\nid = \"all\"\ntitle = \"All\"\n".to_owned();
    // One more than is ever run, so that the run stays open.
    for step in 1..=STEPS + 1 {
        let _ = write!(text, "\n[[phase.step]]\nid = \"step-{step}\"\ntitle = \"Step {step}\"\nrun = [\"true\"]\n");
        if step > 1 {
            let _ = writeln!(text, "needs = [\"step-{}\"]", step - 1);
        }
        if step <= STEPS {
            let _ = writeln!(text, "inputs = [\"in/{step}.txt\"]");
        }
    }
    put(&repo.join("workflows/resume.toml"), &text)?;
    peers::commit_all(&repo)?;
    let ours = Run::new(&place.program, &repo).args(["run", "resume", "--to", &format!("step-{STEPS}")]);
    let calls = |run: &Run| (0..CALLS).map(|_| quiet_cpu(run)).sum::<Result<f64>>();
    // The first time is the work itself.
    calls(&ours)?;
    calls(peer)?;
    let mut pair = Pair { unit: "ms CPU", ..Pair::default() };
    for _ in 0..ROUNDS {
        if interrupt::requested() {
            break;
        }
        pair.ours.push(calls(&ours)? * 1000.0 / CALLS as f64);
        pair.peer.push(calls(peer)? * 1000.0 / CALLS as f64);
    }
    pair.what = format!("a run of {STEPS} steps, all fresh, one input each");
    Ok(pair)
}

fn inputs(folder: &Path) -> Result<()> {
    (1..=STEPS).try_for_each(|step| put(&folder.join(format!("in/{step}.txt")), format!("input {step}\n").repeat(20)))
}

pub(super) fn put(path: &Path, text: impl AsRef<[u8]>) -> Result<()> {
    std::fs::create_dir_all(path.parent().unwrap_or(path))?;
    std::fs::write(path, text).with_context(|| format!("writing `{}`", path.display()))
}
