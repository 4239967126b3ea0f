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
        let Some(Stat { name, group, .. }) = Stat::parse(&stat) else { continue };
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

/// Whether all of a process group have ended and only wait for their parent to take notice, which the first process of a
/// container does late or never. False where the system does not tell.
pub(super) fn only_zombies(group: u32) -> bool {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let texts = processes.filter_map(|process| std::fs::read_to_string(process.path().join("stat")).ok());
    let mut found = false;
    for text in texts {
        if let Some(stat) = Stat::parse(&text).filter(|stat| stat.group == group) {
            found = true;
            if stat.state != "Z" {
                return false;
            }
        }
    }
    found
}

/// The beginning of `/proc/PID/stat` (proc(5)): `pid (name) state parent group …`; the name may hold anything.
#[derive(Debug, PartialEq, Eq)]
struct Stat<'a> {
    name: &'a str,
    state: &'a str,
    group: u32,
}

impl Stat<'_> {
    fn parse(text: &str) -> Option<Stat<'_>> {
        let (start, end) = (text.find('(')?, text.rfind(')')?);
        let mut rest = text.get(end + 2..)?.split(' ');
        let state = rest.next()?;
        Some(Stat { name: text.get(start + 1..end)?, state, group: rest.nth(1)?.parse().ok()? })
    }
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
    fn a_group_of_zombies_has_ended() {
        let mut child = Run::new("/bin/sh", "/").args(["-c", "exec sleep 60"]).command().spawn().unwrap();
        assert!(!only_zombies(child.id()));
        // Nobody waits for it yet.
        child.kill().unwrap();
        while !only_zombies(child.id()) {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        child.wait().unwrap();
        assert!(!only_zombies(child.id()));
    }

    #[test]
    fn a_name_with_parentheses_is_read_whole() {
        assert_eq!(Stat::parse("7 (a) b) S 1 9 9 0"), Some(Stat { name: "a) b", state: "S", group: 9 }));
    }
}
