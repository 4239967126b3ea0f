//! `plan` where 25 steps stand on 5,000 files, against `git status` of the same tree. Both know by size, times and inode that
//! nothing changed, and read no content.

use std::fmt::Write;

use anyhow::Result;

use super::Place;
use super::engine::quiet_cpu;
use super::figure::Pair;
use super::peers;
use super::resume::put;
use crate::digest;
use crate::process::{Run, interrupt};

const FOLDERS: usize = 100;
const FILES: usize = 50;
const BYTES: usize = 20_000;
const STEPS: usize = 25;
const ROUNDS: usize = 15;
const CALLS: usize = 3;

pub(super) fn plan(place: &Place) -> Result<Pair> {
    let repo = place.scratch.path().join("plan");
    for folder in 0..FOLDERS {
        for file in 0..FILES {
            let text = digest::of(format!("{folder} {file}")).repeat(BYTES / 64 + 1);
            put(&repo.join(format!("src/part-{}/module-{folder}/file-{file}.txt", folder / 10)), &text[..BYTES])?;
        }
    }
    let mut text = "schema = \"1.0\"\nname = \"plan\"\n\n[[phase]]\nid = \"all\"\ntitle = \"All\"\n".to_owned();
    for step in 1..=STEPS + 1 {
        let inputs = if step <= STEPS { "inputs = [\"src/**/*.txt\"]\n" } else { "" };
        let _ =
            write!(text, "\n[[phase.step]]\nid = \"s-{step}\"\ntitle = \"Step {step}\"\nrun = [\"true\"]\n{inputs}");
    }
    put(&repo.join("workflows/plan.toml"), &text)?;
    peers::commit_all(&repo)?;
    let begin = Run::new(&place.program, &repo).args(["run", "plan", "--jobs", "1"]);
    // The last one is left out, so that the run stays open.
    (1..=STEPS).try_for_each(|step| quiet_cpu(&begin.clone().args(["--to", &format!("s-{step}")])).map(drop))?;
    let ours = Run::new(&place.program, &repo).args(["db-change", "plan", "--workflow", "plan"]);
    let status = Run::new("git", &repo).arg("status");
    let calls = |run: &Run| (0..CALLS).map(|_| quiet_cpu(run)).sum::<Result<f64>>();
    let mut pair = Pair { unit: "ms CPU", ..Pair::default() };
    // Both have written what they remember after the first time.
    calls(&status)?;
    calls(&ours)?;
    for _ in 0..ROUNDS {
        if interrupt::requested() {
            break;
        }
        pair.ours.push(calls(&ours)? * 1000.0 / CALLS as f64);
        pair.peer.push(calls(&status)? * 1000.0 / CALLS as f64);
    }
    let files = FOLDERS * FILES;
    pair.what = format!("`plan`, {STEPS} fresh steps that all stand on {files} files of {BYTES} bytes");
    pair.against = "`git status` of the same tree".to_owned();
    Ok(pair)
}
