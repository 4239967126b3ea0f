//! Questions to git, and the one thing we ask it to make: a work tree of the base commit.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::plain::{self, Head};
use crate::failure::{Failure, Kind};
use crate::process::{Output, Run};

/// Runs git without the user's hooks; an exit code other than 0 is an error that carries git's own words.
pub fn git(folder: &Path, args: &[&str]) -> Result<String> {
    let output = try_git(folder, args)?;
    if output.success() {
        return Ok(output.stdout);
    }
    Err(Failure::environment(format!("git {} failed in `{}`", args.first().unwrap_or(&""), folder.display()))
        .detail(output.tail(5))
        .into())
}

pub fn try_git(folder: &Path, args: &[&str]) -> Result<Output> {
    // A commit is what its name says, whatever `git replace` would show in its place.
    let always = ["--no-replace-objects", "-c", "core.hooksPath=/dev/null", "-c", "core.quotePath=false"];
    Run::new("git", folder).args(always).args(args).run()
}

/// The top of the work tree around `folder`.
pub fn root(folder: &Path) -> Result<PathBuf> {
    if let Some(root) = plain::root(folder) {
        return Ok(root);
    }
    let output = try_git(folder, &["rev-parse", "--show-toplevel"])?;
    if !output.success() {
        return Err(Failure::environment(format!("`{}` is not in a git repository", folder.display()))
            .detail(output.tail(2))
            .hint(
                "a run belongs to a branch and compares with a commit: `git init`, commit what there is, and come back",
            )
            .into());
    }
    Ok(PathBuf::from(output.stdout.trim_end()))
}

/// The commit at HEAD.
pub fn head(root: &Path) -> Result<String> {
    let output = try_git(root, &["rev-parse", "--verify", "HEAD"])?;
    if !output.success() {
        return Err(Failure::environment("this repository has no commit yet")
            .hint("commit what there is: the change is compared with that commit")
            .into());
    }
    Ok(output.stdout.trim().to_owned())
}

/// Whether a commit is HEAD, or one that HEAD came from.
pub fn in_history(root: &Path, commit: &str) -> Result<bool> {
    if plain::commit(root).as_deref() == Some(commit) {
        return Ok(true);
    }
    Ok(try_git(root, &["merge-base", "--is-ancestor", commit, "HEAD"])?.success())
}

/// The branch checked out, or `detached` with the commit.
pub fn branch(root: &Path) -> Result<String> {
    let detached = |commit: &str| format!("detached-{}", &commit[..12]);
    match plain::head(root) {
        Some(Head::Branch(name)) => return Ok(name),
        Some(Head::Commit(commit)) => return Ok(detached(&commit)),
        None => {}
    }
    // Not `--short`: that name becomes `heads/…` as soon as a tag has it too, and the run of the branch would be lost.
    let output = try_git(root, &["symbolic-ref", "-q", "HEAD"])?;
    let name = output.stdout.trim();
    if output.success() {
        Ok(name.strip_prefix("refs/heads/").unwrap_or(name).to_owned())
    } else {
        Ok(detached(&head(root)?))
    }
}

/// The person at work, for records: git's name, else the login.
#[must_use]
pub fn person(root: &Path) -> String {
    let name =
        try_git(root, &["config", "user.name"]).map(|output| output.stdout.trim().to_owned()).unwrap_or_default();
    if name.is_empty() {
        crate::process::environment::var("USER").unwrap_or_else(|| "unknown".to_owned())
    } else {
        name
    }
}

/// Files under the work tree that differ from `base` or are new, relative to the root.
pub fn changed_files(root: &Path, base: &str) -> Result<Vec<String>> {
    let tracked = at(root, base, &["diff", "--name-only", "-z", base, "--"])?;
    let new = git(root, &["ls-files", "--others", "--exclude-standard", "-z"])?;
    Ok(tracked.split('\0').chain(new.split('\0')).filter(|name| !name.is_empty()).map(str::to_owned).collect())
}

/// Files below a folder at a commit, relative to the root.
pub fn files_at(root: &Path, commit: &str, folder: &str) -> Result<BTreeSet<String>> {
    let listed = at(root, commit, &["ls-tree", "-r", "-z", "--name-only", commit, "--", folder])?;
    Ok(listed.split('\0').filter(|name| !name.is_empty()).map(str::to_owned).collect())
}

/// The commit that added a file last, among those that HEAD came from.
pub fn added_by(root: &Path, name: &str) -> Result<Option<String>> {
    let found = git(root, &["log", "-1", "--diff-filter=A", "--no-renames", "--format=%H", "HEAD", "--", name])?;
    Ok(Some(found.trim().to_owned()).filter(|commit| !commit.is_empty()))
}

/// The first parent of a commit; none of the first one.
pub fn parent(root: &Path, commit: &str) -> Result<Option<String>> {
    let output = try_git(root, &["rev-parse", "--verify", "--quiet", &format!("{commit}^")])?;
    Ok(output.success().then(|| output.stdout.trim().to_owned()))
}

/// Where HEAD and another line of commits parted; none where there is no such name, or nothing in common.
pub fn merge_base(root: &Path, name: &str) -> Result<Option<String>> {
    let output = try_git(root, &["merge-base", "HEAD", name])?;
    Ok(output.success().then(|| output.stdout.trim().to_owned()))
}

pub fn is_ancestor(root: &Path, commit: &str, of: &str) -> Result<bool> {
    Ok(commit == of || try_git(root, &["merge-base", "--is-ancestor", commit, of])?.success())
}

/// A file as it stands at a commit; none where the commit does not have it.
pub fn file_at(root: &Path, commit: &str, name: &str) -> Result<Option<String>> {
    if at(root, commit, &["ls-tree", "-z", "--name-only", commit, "--", name])?.is_empty() {
        return Ok(None);
    }
    at(root, commit, &["show", &format!("{commit}:{name}")]).map(Some)
}

/// Whether a link or another repository stands at a commit where the file would be, or one of its folders.
pub fn leads_elsewhere(root: &Path, commit: &str, name: &str) -> Result<bool> {
    let mut args = vec!["ls-tree", "-z", "-t", commit, "--"];
    args.extend(Path::new(name).ancestors().filter_map(Path::to_str).filter(|part| !part.is_empty()));
    let listed = at(root, commit, &args)?;
    Ok(listed.split('\0').any(|entry| entry.starts_with("120000 ") || entry.starts_with("160000 ")))
}

/// As [`git`], of a commit that may be gone.
fn at(root: &Path, commit: &str, args: &[&str]) -> Result<String> {
    git(root, args).or_else(|error| {
        if try_git(root, &["cat-file", "-e", &format!("{commit}^{{commit}}")])?.success() {
            return Err(error);
        }
        let short = &commit[..12.min(commit.len())];
        Err(Failure::environment(format!("the base commit {short} is not in this repository any more"))
            .detail("a run is compared with the commit that it began at")
            .hint("end the run with `abort --reason TEXT`, then start again")
            .into())
    })
}

/// Whether there is a work tree of `commit` at `path`.
#[must_use]
pub fn is_worktree(path: &Path, commit: &str) -> bool {
    let head = || try_git(path, &["rev-parse", "HEAD"]).map(|output| output.stdout);
    path.join(".git").exists() && head().is_ok_and(|head| head.trim() == commit)
}

/// Makes (or finds) a work tree of `commit` at `path`, away from the repo's own.
pub fn worktree(root: &Path, commit: &str, path: &Path) -> Result<()> {
    if is_worktree(path, commit) {
        return Ok(());
    }
    if path.exists() {
        return Err(Failure::new(
            Kind::Environment,
            format!("`{}` exists and is not a work tree of this commit", path.display()),
        )
        .hint("it is ours and holds nothing else: remove it and run again")
        .into());
    }
    let path = path.to_string_lossy().into_owned();
    // Twice: what git still knows of an earlier one here may be locked, "initializing", where its making was killed. Never
    // `prune`, which forgets work trees of the user's own that were moved.
    at(root, commit, &["worktree", "add", "--detach", "--force", "--force", &path, commit])?;
    Ok(())
}

/// Puts a work tree of ours back to what its commit says, packages aside, where anything differs. Errors: git was told not to
/// look at some of its files.
pub fn restore(tree: &Path) -> Result<()> {
    let status = ["-c", "core.fsmonitor=false", "status", "--porcelain", "-z", "--untracked-files=all", "--ignored=no"];
    for entry in git(tree, &["ls-files", "-v", "-z"])?.split('\0').filter(|entry| !entry.is_empty()) {
        let (tag, file) = entry.split_at(1);
        // A sparse checkout skips files that are not there.
        let skipped = tag == "S" && tree.join(file.trim_start()).symlink_metadata().is_ok();
        if skipped || tag.chars().all(|tag| tag.is_ascii_lowercase()) {
            return Err(Failure::environment(format!(
                "git does not look at `{}` in `{}`",
                file.trim_start(),
                tree.display()
            ))
            .into());
        }
    }
    let packages =
        |entry: &str| entry.strip_prefix("?? ").is_some_and(|path| path.split('/').any(|folder| folder == PACKAGES));
    if git(tree, &status)?.split('\0').all(|entry| entry.is_empty() || packages(entry)) {
        return Ok(());
    }
    git(tree, &["reset", "--hard", "--quiet"])?;
    git(tree, &["clean", "-ffdq", "-e", PACKAGES])?;
    Ok(())
}

/// Where bun puts packages; most repositories ignore it.
const PACKAGES: &str = "node_modules";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_work_tree_whose_making_was_killed_can_be_made_again() {
        let folder = tempfile::tempdir().unwrap();
        let (path, tree) = (folder.path().join("a"), folder.path().join("b"));
        std::fs::create_dir(&path).unwrap();
        git(&path, &["init", "-q", "-b", "main"]).unwrap();
        git(&path, &["-c", "user.name=x", "-c", "user.email=x@x", "commit", "-q", "--allow-empty", "-m", "x"]).unwrap();
        let commit = head(&path).unwrap();
        worktree(&path, &commit, &tree).unwrap();
        git(&path, &["worktree", "lock", "--reason", "initializing", &tree.to_string_lossy()]).unwrap();
        std::fs::remove_dir_all(&tree).unwrap();
        worktree(&path, &commit, &tree).unwrap();
        assert!(tree.join(".git").exists());
    }

    #[test]
    fn a_work_tree_is_put_back_to_what_its_commit_says_but_for_its_packages() {
        let folder = tempfile::tempdir().unwrap();
        let (path, tree) = (folder.path().join("a"), folder.path().join("b"));
        std::fs::create_dir_all(&path).unwrap();
        git(&path, &["init", "-q"]).unwrap();
        std::fs::write(path.join("kept"), "committed").unwrap();
        git(&path, &["add", "-A"]).unwrap();
        git(&path, &["-c", "user.name=x", "-c", "user.email=x@x", "commit", "-q", "-m", "x"]).unwrap();
        worktree(&path, &head(&path).unwrap(), &tree).unwrap();
        for name in ["node_modules", "packages/db/node_modules", "other"] {
            std::fs::create_dir_all(tree.join(name)).unwrap();
            std::fs::write(tree.join(name).join("index.js"), "").unwrap();
        }
        std::fs::write(tree.join("kept"), "edited").unwrap();
        git(&tree, &["init", "-q", "nested"]).unwrap();
        restore(&tree).unwrap();
        assert_eq!(std::fs::read_to_string(tree.join("kept")).unwrap(), "committed");
        for (name, stays) in
            [("node_modules", true), ("packages/db/node_modules", true), ("other", false), ("nested", false)]
        {
            assert_eq!(tree.join(name).exists(), stays, "{name}");
        }
        std::fs::write(tree.join("kept"), "edited, and said to be").unwrap();
        git(&tree, &["add", "kept"]).unwrap();
        restore(&tree).unwrap();
        assert_eq!(std::fs::read_to_string(tree.join("kept")).unwrap(), "committed");
        for hide in ["assume-unchanged", "skip-worktree"] {
            git(&tree, &["update-index", &format!("--{hide}"), "kept"]).unwrap();
            std::fs::write(tree.join("kept"), "edited, and hidden").unwrap();
            assert!(restore(&tree).is_err(), "{hide}");
            git(&tree, &["update-index", &format!("--no-{hide}"), "kept"]).unwrap();
        }
        restore(&tree).unwrap();
        assert_eq!(std::fs::read_to_string(tree.join("kept")).unwrap(), "committed");
    }

    #[test]
    fn a_work_tree_that_the_user_has_moved_stays_known_to_git() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        let path = place("a");
        std::fs::create_dir(&path).unwrap();
        git(&path, &["init", "-q"]).unwrap();
        git(&path, &["-c", "user.name=x", "-c", "user.email=x@x", "commit", "-q", "--allow-empty", "-m", "x"]).unwrap();
        git(&path, &["worktree", "add", "-q", "-b", "mine", "../mine"]).unwrap();
        std::fs::rename(place("mine"), place("moved")).unwrap();
        worktree(&path, &head(&path).unwrap(), &place("ours")).unwrap();
        assert_eq!(git(&place("moved"), &["rev-parse", "--abbrev-ref", "HEAD"]).unwrap(), "mine\n");
    }

    #[test]
    fn a_commit_that_is_gone_is_told_as_that() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        git(path, &["init", "-q"]).unwrap();
        git(path, &["-c", "user.name=x", "-c", "user.email=x@x", "commit", "-q", "--allow-empty", "-m", "x"]).unwrap();
        let gone = "0123456789".repeat(4);
        for error in [
            file_at(path, &gone, "a").unwrap_err(),
            changed_files(path, &gone).unwrap_err(),
            worktree(path, &gone, &path.join("tree")).unwrap_err(),
        ] {
            let failure = Failure::from_error(&error);
            assert_eq!(failure.kind, Kind::Environment);
            assert!(failure.render().contains("is not in this repository any more"), "{}", failure.render());
            assert!(failure.render().contains("abort --reason TEXT"));
        }
    }

    #[test]
    fn a_tag_named_like_the_branch_does_not_change_the_name_of_the_branch() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        git(path, &["init", "-q", "-b", "release"]).unwrap();
        git(path, &["-c", "user.name=x", "-c", "user.email=x@x", "commit", "-q", "--allow-empty", "-m", "x"]).unwrap();
        git(path, &["tag", "release"]).unwrap();
        assert_eq!(branch(path).unwrap(), "release");
        // The same where git itself is asked.
        git(path, &["config", "core.worktree", &path.to_string_lossy()]).unwrap();
        assert_eq!((plain::head(path), branch(path).unwrap()), (None, "release".to_owned()));
    }
}
