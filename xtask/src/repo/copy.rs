//! A copy of the work tree as it stands, uncommitted edits included, for what must not touch the original.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::git;

/// Makes the copy at `to`, where nothing is yet. Files that git ignores stay behind, and so do `.env` files: what they name
/// is the original's; and other repositories in this one, which are not its content.
pub fn copy(root: &Path, to: &Path) -> Result<()> {
    let head = git::head(root)?;
    git::worktree(root, &head, to)?;
    let changed = git::changed_files(root, &head)?;
    // All that goes before anything comes, so that nothing is ever removed or written through a link that has come.
    for name in &changed {
        let there = to.join(name);
        match lies(to, name) {
            Some(found) if found.is_dir() && lies(root, name).is_some_and(|here| here.is_dir()) => Ok(()),
            Some(found) if found.is_dir() => fs::remove_dir_all(&there),
            Some(_) => fs::remove_file(&there),
            None => Ok(()),
        }
        .with_context(|| format!("removing `{}`", there.display()))?;
    }
    for name in &changed {
        let (here, there) = (root.join(name), to.join(name));
        let Some(found) = lies(root, name).filter(|found| found.is_symlink() || found.is_file()) else { continue };
        fs::create_dir_all(there.parent().unwrap_or(to)).context("making a folder of the copy")?;
        if found.is_symlink() {
            fs::read_link(&here).and_then(|target| std::os::unix::fs::symlink(target, &there))
        } else {
            fs::copy(&here, &there).map(|_| ())
        }
        .with_context(|| format!("copying `{name}`"))?;
    }
    for name in git::git(to, &["ls-files", "-z", "--cached", "--others"])?.split('\0') {
        let file = name.rsplit('/').next().unwrap_or(name);
        if file == ".env" || (file.starts_with(".env.") && file != ".env.example") {
            let _ = fs::remove_file(to.join(name));
        }
    }
    Ok(())
}

/// What lies at a path of a tree; nothing where a link leads there.
fn lies(tree: &Path, name: &str) -> Option<fs::Metadata> {
    let folders = Path::new(name).ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty());
    let inside = folders
        .map(|folder| tree.join(folder))
        .all(|folder| folder.symlink_metadata().is_ok_and(|found| found.is_dir()));
    inside.then(|| tree.join(name.trim_end_matches('/')).symlink_metadata().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repo::git::git;

    #[test]
    fn the_copy_holds_what_the_work_tree_holds_but_what_is_ignored_and_env_files() {
        let folder = tempfile::tempdir().unwrap();
        let (root, to) = (folder.path().join("a"), folder.path().join("b"));
        let write = |name: &str, text: &str| {
            fs::create_dir_all(root.join(name).parent().unwrap()).unwrap();
            fs::write(root.join(name), text).unwrap();
        };
        write(".gitignore", "built\n");
        for (name, text) in [("kept", "1"), ("edited", "1"), ("gone", "1"), ("packages/db/.env", "URL=x")] {
            write(name, text);
        }
        git(&root, &["init", "-q"]).unwrap();
        git(&root, &["add", "-A"]).unwrap();
        git(&root, &["-c", "user.name=x", "-c", "user.email=x@x", "commit", "-q", "-m", "x"]).unwrap();
        write("edited", "2");
        write("new/odd \"name\" é", "3");
        write("built", "4");
        write(".env.local", "URL=y");
        fs::remove_file(root.join("gone")).unwrap();
        std::os::unix::fs::symlink("kept", root.join("link")).unwrap();

        copy(&root, &to).unwrap();
        let read = |name: &str| fs::read_to_string(to.join(name)).ok();
        assert_eq!(read("kept").as_deref(), Some("1"));
        assert_eq!(read("edited").as_deref(), Some("2"));
        assert_eq!(read("new/odd \"name\" é").as_deref(), Some("3"));
        assert_eq!(fs::read_link(to.join("link")).unwrap(), Path::new("kept"));
        for absent in ["gone", "built", ".env.local", "packages/db/.env"] {
            assert_eq!(read(absent), None, "{absent}");
        }
    }
    fn repo(root: &Path, files: &[&str]) {
        for name in files {
            fs::create_dir_all(root.join(name).parent().unwrap()).unwrap();
            fs::write(root.join(name), "committed").unwrap();
        }
        git(root, &["init", "-q"]).unwrap();
        commit(root);
    }

    fn commit(root: &Path) {
        git(root, &["add", "-A"]).unwrap();
        git(root, &["-c", "user.name=x", "-c", "user.email=x@x", "commit", "-q", "-m", "x"]).unwrap();
    }

    #[test]
    fn files_and_folders_in_each_others_place_and_other_repositories_are_no_obstacle() {
        let folder = tempfile::tempdir().unwrap();
        let (root, to) = (folder.path().join("a"), folder.path().join("b"));
        repo(&root, &["folder/file", "file"]);
        repo(&root.join("module"), &["x"]);
        commit(&root);
        fs::remove_dir_all(root.join("folder")).unwrap();
        fs::write(root.join("folder"), "now a file").unwrap();
        fs::remove_file(root.join("file")).unwrap();
        fs::create_dir(root.join("file")).unwrap();
        fs::write(root.join("file/deep"), "now in a folder").unwrap();
        repo(&root.join("nested"), &["y"]);
        fs::write(root.join("module/x"), "edited").unwrap();
        commit(&root.join("module"));
        for staged in [false, true] {
            let to = to.with_extension(staged.to_string());
            copy(&root, &to).unwrap();
            let read = |name: &str| fs::read_to_string(to.join(name)).ok();
            assert_eq!(read("folder").as_deref(), Some("now a file"));
            assert_eq!(read("file/deep").as_deref(), Some("now in a folder"));
            assert_eq!((read("nested/y"), read("module/x")), (None, None));
            git(&root, &["add", "-A"]).unwrap();
        }
    }

    #[test]
    fn nothing_is_removed_or_written_through_a_link_that_took_a_folders_place() {
        let folder = tempfile::tempdir().unwrap();
        let (root, to) = (folder.path().join("a"), folder.path().join("b"));
        repo(&root, &["folder/file"]);
        fs::create_dir(folder.path().join("mine")).unwrap();
        let mine = folder.path().join("mine/file");
        fs::write(&mine, "mine").unwrap();
        fs::remove_dir_all(root.join("folder")).unwrap();
        std::os::unix::fs::symlink(folder.path().join("mine"), root.join("folder")).unwrap();
        for staged in [false, true] {
            let to = to.with_extension(staged.to_string());
            copy(&root, &to).unwrap();
            assert_eq!(fs::read_to_string(&mine).unwrap(), "mine");
            assert!(to.join("folder").is_symlink());
            git(&root, &["add", "-A"]).unwrap();
        }
    }
}
