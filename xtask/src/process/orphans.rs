//! Commands that outlived the runner that started them: they may still be changing what the next runner looks at.
//!
//! Each bears its run's mark; who bears it while no runner is alive is left over. Only Linux tells the environment of a process;
//! elsewhere the sessions on the database are what is seen of one.

use std::collections::BTreeMap;
use std::path::Path;

use super::mark::{REPO, RUN, STEP};

/// A process that works for a run of this work tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Orphan {
    pub process: u32,
    pub group: u32,
    pub name: String,
    pub run: String,
    /// Of a workflow's own command; actions know what they start, and that it ends with them.
    pub step: Option<String>,
}

/// Everything but ourselves that bears the mark of a run of this work tree.
#[must_use]
pub fn of(repo: &Path) -> Vec<Orphan> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Ok(process) = entry.file_name().to_string_lossy().parse::<u32>() else { continue };
        let Ok(environment) = std::fs::read(entry.path().join("environ")) else { continue };
        let mut marks = marks(&environment);
        if process == std::process::id() || marks.get(REPO) != Some(&repo.display().to_string()) {
            continue;
        }
        let Some(run) = marks.remove(RUN) else { continue };
        let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        let (name, group) = name_and_group(&stat).unwrap_or(("gone", process));
        found.push(Orphan { process, group, name: name.to_owned(), run, step: marks.remove(STEP) });
    }
    found
}

fn marks(environment: &[u8]) -> BTreeMap<&'static str, String> {
    let mut marks = BTreeMap::new();
    for entry in environment.split(|byte| *byte == 0) {
        for name in [RUN, REPO, STEP] {
            if let Some(value) = entry.strip_prefix(name.as_bytes()).and_then(|rest| rest.strip_prefix(b"=")) {
                marks.insert(name, String::from_utf8_lossy(value).into_owned());
            }
        }
    }
    marks
}

/// proc(5): `pid (name) state parent group …`; the name may hold anything.
fn name_and_group(stat: &str) -> Option<(&str, u32)> {
    let (start, end) = (stat.find('(')?, stat.rfind(')')?);
    let group = stat.get(end + 2..)?.split(' ').nth(2)?.parse().ok()?;
    Some((stat.get(start + 1..end)?, group))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Run;
    use crate::process::spawn::end_group;

    #[test]
    fn a_command_is_left_over_in_its_own_work_tree_only_and_is_named() {
        let run = Run::new("/bin/sleep", "/").arg("60").env(RUN, "rename-1").env(REPO, "/repo").env(STEP, "build");
        let mut child = run.command().spawn().unwrap();
        let expected = Orphan {
            process: child.id(),
            group: child.id(),
            name: "sleep".to_owned(),
            run: "rename-1".to_owned(),
            step: Some("build".to_owned()),
        };
        // The child's environment is there once it runs its program.
        while of(Path::new("/repo")).is_empty() {
            assert_eq!(child.try_wait().unwrap(), None);
        }
        assert_eq!(of(Path::new("/repo")), [expected]);
        assert_eq!(of(Path::new("/other")), []);
        end_group(&mut child);
        assert_eq!(of(Path::new("/repo")), []);
    }

    #[test]
    fn a_name_with_parentheses_is_read_whole() {
        assert_eq!(name_and_group("7 (a) b) S 1 9 9 0"), Some(("a) b", 9)));
    }
}
