//! Questions to git, and the one thing we ask it to make: a work tree of the base commit.

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
    Run::new("git", folder).args(["-c", "core.hooksPath=/dev/null", "-c", "core.quotePath=false"]).args(args).run()
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
    let tracked = git(root, &["diff", "--name-only", "-z", base, "--"])?;
    let new = git(root, &["ls-files", "--others", "--exclude-standard", "-z"])?;
    Ok(tracked.split('\0').chain(new.split('\0')).filter(|name| !name.is_empty()).map(str::to_owned).collect())
}

/// A file as it stands at a commit; none where the commit does not have it.
pub fn file_at(root: &Path, commit: &str, name: &str) -> Result<Option<String>> {
    if git(root, &["ls-tree", "-z", "--name-only", commit, "--", name])?.is_empty() {
        return Ok(None);
    }
    git(root, &["show", &format!("{commit}:{name}")]).map(Some)
}

/// Makes (or finds) a work tree of `commit` at `path`, away from the repo's own.
pub fn worktree(root: &Path, commit: &str, path: &Path) -> Result<()> {
    if path.join(".git").exists() && try_git(path, &["rev-parse", "HEAD"])?.stdout.trim() == commit {
        return Ok(());
    }
    git(root, &["worktree", "prune"])?;
    if path.exists() {
        return Err(Failure::new(
            Kind::Environment,
            format!("`{}` exists and is not a work tree of this commit", path.display()),
        )
        .hint("it is ours and holds nothing else: remove it and run again")
        .into());
    }
    let path = path.to_string_lossy().into_owned();
    // Twice, because one whose making was killed stays locked: "initializing".
    git(root, &["worktree", "add", "--detach", "--force", "--force", &path, commit])?;
    Ok(())
}

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
