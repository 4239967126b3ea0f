//! The root and the branch of a plain repository, read from git's own files. Every verb asks for both, `status` may stand in a
//! prompt, and starting git twice costs more than all the rest of it.
//!
//! Invariant: an answer given here is git's answer. What is not plain (a bare repository, `core.worktree`, includes, another
//! owner, another file system, reftable, a place inside `.git`) has no answer here, and git is asked.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::process::places;

/// The top of the work tree around `folder`.
#[must_use]
pub(super) fn root(folder: &Path) -> Option<PathBuf> {
    let folder = folder.canonicalize().ok()?;
    let stops = |level: &&Path| level.join(".git").symlink_metadata().is_ok() || is_repository(level);
    let root = folder.ancestors().find(stops)?;
    git_folder(root)?;
    (folder.metadata().ok()?.dev() == root.metadata().ok()?.dev()).then(|| root.to_owned())
}

/// What HEAD names in the work tree at `root`.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Head {
    Branch(String),
    Commit(String),
}

pub(super) fn head(root: &Path) -> Option<Head> {
    let file = git_folder(root)?.join("HEAD");
    let text = fs::read_to_string(&file).ok().filter(|_| file.symlink_metadata().is_ok_and(|found| found.is_file()))?;
    let text = text.trim_end();
    match text.strip_prefix("ref: refs/heads/") {
        // The name that the reftable format puts here.
        Some(".invalid") => None,
        Some(branch) => Some(Head::Branch(branch.to_owned())),
        None if text.len() >= 40 && text.chars().all(|c| c.is_ascii_hexdigit()) => Some(Head::Commit(text.to_owned())),
        None => None,
    }
}

/// The commit at HEAD, where a file of its own holds it.
pub(super) fn commit(root: &Path) -> Option<String> {
    let name = match head(root)? {
        Head::Commit(commit) => return Some(commit),
        Head::Branch(name) => name,
    };
    let own = git_folder(root)?;
    let shared =
        fs::read_to_string(own.join("commondir")).map_or_else(|_| own.clone(), |path| own.join(path.trim_end()));
    let text = fs::read_to_string(shared.join("refs/heads").join(name)).ok()?;
    let commit = text.trim_end();
    (commit.len() >= 40 && commit.chars().all(|c| c.is_ascii_hexdigit())).then(|| commit.to_owned())
}

/// Where git keeps what belongs to this work tree alone: `.git`, or the folder that the file `.git` of a linked work tree names.
fn git_folder(root: &Path) -> Option<PathBuf> {
    let dot = root.join(".git");
    let kind = dot.symlink_metadata().ok()?;
    let (own, shared) = if kind.is_dir() {
        (dot.clone(), dot)
    } else {
        let own = root.join(fs::read_to_string(dot).ok()?.trim_end().strip_prefix("gitdir: ")?);
        let shared = own.join(fs::read_to_string(own.join("commondir")).ok()?.trim_end());
        (own, shared)
    };
    let config = fs::read_to_string(shared.join("config")).ok()?.to_ascii_lowercase();
    let odd = ["worktree", "include", "bare = true"].iter().any(|word| config.contains(word));
    let ours = |path: &Path| path.metadata().is_ok_and(|found| found.uid() == places::user_id());
    (is_repository(&shared) && !odd && ours(root) && ours(&own)).then_some(own)
}

fn is_repository(folder: &Path) -> bool {
    folder.join("HEAD").symlink_metadata().is_ok() && folder.join("objects").is_dir() && folder.join("refs").is_dir()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repo::git::git;

    struct Repo(tempfile::TempDir);

    impl Repo {
        fn new() -> Repo {
            let repo = Repo(tempfile::tempdir().unwrap());
            fs::create_dir_all(repo.path("top/a/b")).unwrap();
            let top = repo.path("top");
            git(&top, &["init", "-q", "-b", "feature/one"]).unwrap();
            git(&top, &["-c", "user.name=x", "-c", "user.email=x@x", "commit", "-q", "--allow-empty", "-m", "x"])
                .unwrap();
            repo
        }

        fn path(&self, below: &str) -> PathBuf {
            self.0.path().canonicalize().unwrap().join(below)
        }

        fn git(&self, args: &[&str]) -> String {
            git(&self.path("top"), args).unwrap().trim().to_owned()
        }
    }

    #[test]
    fn a_plain_repository_and_a_linked_work_tree_are_read_as_git_reads_them() {
        let repo = Repo::new();
        repo.git(&["worktree", "add", "-q", "-b", "other", "../linked"]);
        fs::create_dir(repo.path("linked/sub")).unwrap();
        for (folder, branch) in [("top", "feature/one"), ("top/a/b", "feature/one"), ("linked/sub", "other")] {
            let top = git(&repo.path(folder), &["rev-parse", "--show-toplevel"]).unwrap();
            let read = root(&repo.path(folder)).unwrap();
            assert_eq!(read, Path::new(top.trim_end()));
            assert_eq!(head(&read), Some(Head::Branch(branch.to_owned())));
        }
        repo.git(&["checkout", "-q", "--detach"]);
        assert_eq!(head(&repo.path("top")), Some(Head::Commit(repo.git(&["rev-parse", "HEAD"]))));
    }

    #[test]
    fn what_is_not_plain_is_left_to_git() {
        let repo = Repo::new();
        assert_eq!(root(&repo.path("top/.git/hooks")), None);
        repo.git(&["init", "-q", "--bare", "a/bare.git"]);
        assert_eq!(root(&repo.path("top/a/bare.git")), None);
        fs::write(repo.path("top/a/.git"), "gitdir: ../.git/modules/a\n").unwrap();
        assert_eq!(root(&repo.path("top/a/b")), None);
        assert_eq!(root(&repo.path("")), None);
        fs::write(repo.path("top/.git/HEAD"), "ref: refs/heads/.invalid\n").unwrap();
        assert_eq!((root(&repo.path("top")), head(&repo.path("top"))), (Some(repo.path("top")), None));
        repo.git(&["config", "core.worktree", "../elsewhere"]);
        assert_eq!(root(&repo.path("top")), None);
    }
}
