//! Commands that outlived the runner that started them: they may still be changing what the next runner looks at.
//!
//! Each command of a run carries the run's id and its repo in the environment; who bears them while no runner is alive is left over.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::failure::{Failure, Kind};

/// The names under which a command carries its run and its repo.
pub const RUN: &str = "DB_CHANGE_RUN";
pub const REPO: &str = "DB_CHANGE_REPO";

/// A migration that is under way ends within this, or its end is not ours to wait for.
const PATIENCE: Duration = Duration::from_secs(20);

/// Waits until nothing of an interrupted run is at work any more. Errors: busy, naming what is.
pub fn wait(repo: &Path, run: &str) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let left = of(repo, run);
        if left.is_empty() {
            return Ok(());
        }
        if Instant::now() > deadline {
            let failure =
                Failure::new(Kind::Busy, format!("commands of the interrupted run `{run}` are still at work"));
            let failure =
                left.iter().fold(failure, |failure, (id, name)| failure.detail(format!("process {id}: {name}")));
            return Err(failure.hint("wait until they end, or end them: kill PROCESS").into());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Process ids and programs that bear the run's marks; empty where the system does not tell (Linux tells).
fn of(repo: &Path, run: &str) -> Vec<(u32, String)> {
    let marks = [format!("{RUN}={run}"), format!("{REPO}={}", repo.display())];
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Ok(id) = entry.file_name().to_string_lossy().parse::<u32>() else { continue };
        let Ok(environment) = std::fs::read(entry.path().join("environ")) else { continue };
        let bears = |mark: &String| environment.split(|byte| *byte == 0).any(|entry| entry == mark.as_bytes());
        if id != std::process::id() && marks.iter().all(bears) {
            let name = std::fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
            found.push((id, name.trim().to_owned()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Run;
    use crate::process::spawn::end_group;

    #[test]
    fn a_command_is_left_over_for_its_own_run_and_repo_only() {
        let run = Run::new("/bin/sleep", "/").arg("60").env(RUN, "rename-1").env(REPO, "/repo");
        let mut child = run.command().spawn().unwrap();
        // The child's environment is there once it runs its program.
        while of(Path::new("/repo"), "rename-1").is_empty() {
            assert_eq!(child.try_wait().unwrap(), None);
        }
        assert_eq!(of(Path::new("/repo"), "rename-1"), [(child.id(), "sleep".to_owned())]);
        assert_eq!(of(Path::new("/repo"), "rename-2"), []);
        assert_eq!(of(Path::new("/other"), "rename-1"), []);
        end_group(&mut child);
        wait(Path::new("/repo"), "rename-1").unwrap();
    }
}
